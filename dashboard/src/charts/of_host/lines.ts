/** Lines of charts from what was read. Pure. */
import type { GridSeries, PlotSeries } from "../spec";

/** One line of what was read, if it was. */
export const named = (
  name: string,
  color: number,
  series: GridSeries | undefined,
  below = false,
): PlotSeries[] =>
  series === undefined ? [] : [{ name, color, avg: series.avg, min: series.min, max: series.max, below }];

/** The same lines times a number. */
export const scaled = (series: PlotSeries[], by: number): PlotSeries[] =>
  series.map((each) => {
    const scale = (values: PlotSeries["avg"]) => values.map((value) => (value === null ? null : value * by));
    return {
      ...each,
      avg: scale(each.avg),
      min: each.min === null ? null : scale(each.min),
      max: each.max === null ? null : scale(each.max),
    };
  });

/** Sum of those that are known. */
export function total(all: readonly PlotSeries["avg"][]): PlotSeries["avg"] {
  return (all[0] ?? []).map((_, index) =>
    all.reduce<number | null>((sum, values) => {
      const value = values[index] ?? null;
      return value === null ? sum : (sum ?? 0) + value;
    }, null),
  );
}

/** A line from a combination of series; least and greatest are not known for it. */
export const made = (name: string, color: number, avg: PlotSeries["avg"]): PlotSeries => ({
  name,
  color,
  avg,
  min: null,
  max: null,
});
