/** How axes are divided and written. */
import type uPlot from "uplot";
import * as number from "../format/number";
import { clock, clockSeconds, day } from "../format/time";
import { type Unit, write } from "./spec";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Time labels: the clock, and below it the day where it changes. */
export function timeLabels(
  _plot: uPlot,
  splits: number[],
  _axis: number,
  _space: number,
  step: number,
): string[] {
  let previous = new Date().toDateString();
  return splits.map((at, index) => {
    if (step >= DAY_MS) return day(at);
    const label = step < MINUTE_MS ? clockSeconds(at) : clock(at);
    const date = new Date(at).toDateString();
    const changed = date !== previous;
    previous = date;
    if (!changed && !(index === 0 && date !== new Date().toDateString())) return label;
    return clock(at) === "00:00" ? day(at) : `${label}\n${day(at)}`;
  });
}

/** Room for the day below the clock only where a day is named. */
export const timeAxisHeight: uPlot.Axis.Size = (_plot, values) =>
  (values ?? []).some((label) => label?.includes("\n")) ? 36 : 22;

/** Value labels with the unit; what lies below zero is written without its sign. */
export function valueLabels(unit: Unit): uPlot.Axis.DynamicValues {
  return (_plot, splits) => {
    const step = Math.abs((splits[1] ?? 0) - (splits[0] ?? 0));
    return splits.map((value) => (value === 0 ? "0" : tick(unit, Math.abs(value), step)));
  };
}

/** A tick needs no more decimals than its distance to the next one tells. */
function tick(unit: Unit, value: number, step: number): string {
  if (unit === "ratio") {
    const decimals = step < 0.0095 ? 1 : 0;
    return `${(value * 100).toFixed(decimals)}\u2009%`;
  }
  // What is grouped has no decimals to be cut off.
  const words = unit === "number" && value >= 1000 ? number.text(number.short(value)) : write(unit, value);
  return words.replace(/[.,](\d*?)0+(?=\u2009|$)/, (_all, digits: string) =>
    digits === "" ? "" : `.${digits}`,
  );
}

const BINARY: number[] = [];
for (let power = 0; power < 6; power += 1) {
  for (const factor of [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]) BINARY.push(factor * 1024 ** power);
}
const RATIO = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 20, 50, 100];

/** Distances between ticks that give round labels in the unit; undefined: uPlot's decimal ones. */
export function increments(unit: Unit): number[] | undefined {
  if (unit === "bytes" || unit === "bytes_per_second") return BINARY;
  return unit === "ratio" ? RATIO : undefined;
}
