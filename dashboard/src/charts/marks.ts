/** Vertical marks: things that happened once. */
import type { HostEvent } from "../api/types";

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

export function marksOf(events: readonly HostEvent[]): Mark[] {
  return events.map((event) => ({
    at: Date.parse(event.at),
    words: event.message || event.type,
    severity: event.severity,
  }));
}
