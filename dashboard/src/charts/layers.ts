/** From what is to be drawn to the columns that uPlot takes. Pure. */
import type { PlotSeries, Values } from "./spec";

/** uPlot's column: null is a gap, undefined is "nothing here, draw on". */
export type Column = (number | null | undefined)[];

/**
 * Marks short holes between two values as no gaps: a reading that came a
 * little late leaves an empty bucket, which is not a missing reading.
 */
export function bridge(values: Values, longest: number): Column {
  const result: Column = values.slice();
  let last = -1;
  for (let index = 0; index < result.length; index += 1) {
    if (result[index] === null) continue;
    const hole = index - last - 1;
    if (last >= 0 && hole > 0 && hole <= longest) result.fill(undefined, last + 1, index);
    last = index;
  }
  return result;
}

/** Buckets that may be empty between two readings of a source read every `interval` s. */
export function longestBridge(intervalSeconds: number, stepSeconds: number): number {
  return Math.max(
    stepSeconds <= intervalSeconds * 1.5 ? 1 : 0,
    Math.ceil((2.5 * intervalSeconds) / stepSeconds) - 1,
  );
}

/** Each layer on top of those before it; where all are missing, the stack is missing. */
export function stack(layers: readonly Column[]): Column[] {
  const sum: number[] = [];
  return layers.map((layer) =>
    layer.map((value, index) => {
      if (value === null || value === undefined) {
        const nothing = layers.every((each) => each[index] === null || each[index] === undefined);
        return nothing ? value : (sum[index] ?? 0);
      }
      sum[index] = (sum[index] ?? 0) + value;
      return sum[index];
    }),
  );
}

export const negate = (column: Column): Column =>
  column.map((value) => (value === null || value === undefined ? value : -value));

/** Where the axis ends: [lowest, highest], with a little room, from zero. */
export function extent(
  columns: readonly Column[],
  top: number | undefined,
  leastTop: number | undefined,
): [number, number] {
  let low = 0;
  let high = 0;
  for (const column of columns) {
    for (const value of column) {
      if (value === null || value === undefined) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (top !== undefined) return [low < 0 ? -top : 0, Math.max(top, high)];
  const room = (value: number) => value * 1.08;
  const least = leastTop ?? 0;
  if (low < 0) return [Math.min(room(low), -least), Math.max(room(high), least)];
  return [0, Math.max(room(high), least) || 1];
}

/** The chart's data as comma-separated values: time, then a column for each series. */
export function csv(times: readonly number[], series: readonly PlotSeries[]): string {
  const quoted = (cell: string) => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  const head = ["time", ...series.map((each) => quoted(each.name))].join(",");
  const rows = times.map((at, index) =>
    [new Date(at).toISOString(), ...series.map((each) => String(each.avg[index] ?? ""))].join(","),
  );
  return `${[head, ...rows].join("\n")}\n`;
}
