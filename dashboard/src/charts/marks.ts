/** Vertical marks: things that happened once. */
export interface Mark {
  /** Unix ms. */
  at: number;
  words: string;
  severity: "critical" | "warning" | "info";
}

/** The mark nearest to a time, if it is within `reach` ms. */
export function nearest(marks: readonly Mark[], at: number, reach: number): Mark | null {
  let best: Mark | null = null;
  for (const mark of marks) {
    const distance = Math.abs(mark.at - at);
    if (distance <= reach && (best === null || distance < Math.abs(best.at - at))) best = mark;
  }
  return best;
}
