/** What a chart shows, as data. Pages describe charts with this; nothing here draws. */
import type { Selection } from "../api/selector";
import * as number from "../format/number";

/** The unit of a chart's values: how its axis is divided and its numbers are written. */
export type Unit =
  | "ratio"
  | "bytes"
  | "bytes_per_second"
  | "bits_per_second"
  | "per_second"
  | "celsius"
  | "watts"
  | "volts"
  | "amperes"
  | "rpm"
  | "hertz"
  | "number";

const WRITERS: Record<Unit, (value: number | null | undefined) => number.Quantity> = {
  ratio: (value) =>
    value !== null && value !== undefined && Math.abs(value) < 0.9995
      ? { value: (value * 100).toFixed(1), unit: "%" }
      : number.percent(value),
  bytes: number.bytes,
  bytes_per_second: number.bytesPerSecond,
  bits_per_second: (value) => number.bitsPerSecond(value === null || value === undefined ? null : value / 8),
  per_second: (value) => number.short(value, "/s"),
  celsius: number.celsius,
  watts: (value) => number.measured(value, "watts"),
  volts: (value) => number.measured(value, "volts"),
  amperes: (value) => number.measured(value, "amperes"),
  rpm: (value) => number.measured(value, "rpm"),
  hertz: number.hertz,
  number: (value) => number.plain(value),
};

/** Writes a value of a chart with its unit. */
export const write = (unit: Unit, value: number | null | undefined): string =>
  number.text(WRITERS[unit](value));

export type Values = (number | null)[];

/** A series as the collector or the live stream gave it, on the window's grid. */
export interface GridSeries {
  metric: string;
  labels: Record<string, string>;
  avg: Values;
  min: Values;
  max: Values;
}

/** A line (or layer) to draw. */
export interface PlotSeries {
  name: string;
  /** Index of the data colour, from 0. */
  color: number;
  avg: Values;
  /** Least and greatest within each bucket; null where that means nothing. */
  min: Values | null;
  max: Values | null;
  /** Drawn below zero, written without the sign. */
  below?: boolean;
}

export interface ChartSpec {
  /** Unique on its page; also the anchor of the chart. */
  id: string;
  title: string;
  unit: Unit;
  selections: readonly Selection[];
  mode: "value" | "rate";
  /** Adds up all series that agree in these labels. */
  sumBy?: readonly string[];
  /** How often the source is read, in seconds: shorter holes are no gaps. */
  interval: number;
  stacked?: boolean;
  /** The axis ends here always (1 for ratios that are read against the whole). */
  top?: number;
  /** The axis never ends below this, so that noise does not look like a mountain. */
  leastTop?: number;
  /** Makes what is drawn of what was read. */
  shape: (series: readonly GridSeries[]) => PlotSeries[];
  /** What to say when there is nothing to draw. */
  empty: string;
}

/** Adds, subtracts, divides … bucket by bucket; a missing operand makes the result missing. */
export function combine(operands: readonly Values[], operation: (...values: number[]) => number): Values {
  const length = operands[0]?.length ?? 0;
  const result: Values = new Array(length).fill(null);
  for (let index = 0; index < length; index += 1) {
    const values: number[] = [];
    for (const operand of operands) {
      const value = operand[index];
      if (value !== null && value !== undefined) values.push(value);
    }
    if (values.length < operands.length) continue;
    const value = operation(...values);
    result[index] = Number.isFinite(value) ? value : null;
  }
  return result;
}

/** The series of a metric whose labels agree with those given. */
export function find(
  series: readonly GridSeries[],
  metric: string,
  labels: Record<string, string> = {},
): GridSeries | undefined {
  return series.find(
    (each) =>
      each.metric === metric && Object.entries(labels).every(([key, value]) => each.labels[key] === value),
  );
}

/** Least, average, greatest and latest of what is drawn. */
export interface Statistics {
  now: number | null;
  min: number | null;
  avg: number | null;
  max: number | null;
}

export function statistics(series: PlotSeries): Statistics {
  let now: number | null = null;
  let min: number | null = null;
  let max: number | null = null;
  let sum = 0;
  let count = 0;
  series.avg.forEach((value, index) => {
    if (value === null || value === undefined) return;
    now = value;
    sum += value;
    count += 1;
    const low = series.min?.[index] ?? value;
    const high = series.max?.[index] ?? value;
    if (min === null || low < min) min = low;
    if (max === null || high > max) max = high;
  });
  return { now, min, max, avg: count === 0 ? null : sum / count };
}
