/**
 * A selection of series, written once and used twice: as text for the
 * collector, and as a test for the live stream's series.
 */
export interface Selection {
  metric: string;
  /** Labels that must be equal. */
  equal?: Record<string, string>;
  /** Labels that must not have this value. */
  unequal?: Record<string, string>;
  /** Labels that must be one of these values. */
  among?: Record<string, readonly string[]>;
}

const quote = (value: string): string =>
  `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
const literal = (value: string): string => value.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** The selection as a Prometheus selector. */
export function selector(selection: Selection): string {
  const parts: string[] = [];
  for (const [key, value] of Object.entries(selection.equal ?? {})) parts.push(`${key}=${quote(value)}`);
  for (const [key, value] of Object.entries(selection.unequal ?? {})) parts.push(`${key}!=${quote(value)}`);
  for (const [key, values] of Object.entries(selection.among ?? {})) {
    parts.push(`${key}=~${quote(values.map(literal).join("|"))}`);
  }
  return parts.length === 0 ? selection.metric : `${selection.metric}{${parts.join(",")}}`;
}

/** Whether a series belongs to the selection; absent labels are empty, as in Prometheus. */
export function selects(selection: Selection, metric: string, labels: Record<string, string>): boolean {
  if (selection.metric !== metric) return false;
  const label = (key: string) => labels[key] ?? "";
  return (
    Object.entries(selection.equal ?? {}).every(([key, value]) => label(key) === value) &&
    Object.entries(selection.unequal ?? {}).every(([key, value]) => label(key) !== value) &&
    Object.entries(selection.among ?? {}).every(([key, values]) => values.includes(label(key)))
  );
}
