/**
 * The samples of one chart on a grid of buckets that moves with time. Takes
 * answers of /api/samples (the first, and later the holes) and live values.
 * Pure: no clock, no network.
 */
import type { Samples } from "../api/types";
import type { GridSeries, Values } from "./spec";

interface Cell extends GridSeries {
  /** The bucket that live values are being added to: its start, their number and sum. */
  bucket: number;
  count: number;
  sum: number;
}

const keyOf = (metric: string, labels: Record<string, string>): string =>
  `${metric}\n${Object.keys(labels)
    .sort()
    .map((key) => `${key}=${labels[key]}`)
    .join("\n")}`;

/** The usual interval between samples, for weighing a bucket that was fetched half full. */
const USUAL_INTERVAL_MS = 10_000;

export class SampleWindow {
  /** Start of the first bucket, Unix ms, a multiple of `step`. */
  start: number;
  length: number;
  resolution: Samples["resolution"] = "raw";
  partial = false;
  private readonly cells = new Map<string, Cell>();

  constructor(
    /** Width of a bucket in ms. */
    readonly step: number,
    from: number,
    to: number,
  ) {
    this.start = Math.floor(from / step) * step;
    this.length = Math.max(1, Math.ceil((to - this.start) / step));
  }

  /** Starts of all buckets, Unix ms. */
  times(): number[] {
    return Array.from({ length: this.length }, (_, index) => this.start + index * this.step);
  }

  series(): GridSeries[] {
    return [...this.cells.values()];
  }

  /** End of the newest bucket that holds anything, or null. */
  newest(): number | null {
    let found = -1;
    for (const cell of this.cells.values()) {
      for (let index = this.length - 1; index > found; index -= 1) {
        if (cell.avg[index] !== null) found = index;
      }
    }
    return found < 0 ? null : this.start + (found + 1) * this.step;
  }

  /** Takes an answer; where it holds nothing, what is known stays. */
  merge(answer: Samples): void {
    const start = Date.parse(answer.start);
    const step = (answer.step_seconds ?? 0) * 1000;
    if (step !== this.step || Number.isNaN(start)) return;
    this.resolution = answer.resolution;
    this.partial = answer.partial;
    const offset = Math.round((start - this.start) / this.step);
    for (const series of answer.series) {
      const cell = this.cell(series.metric, series.labels);
      const averages = series.avg ?? [];
      for (let index = 0; index < averages.length; index += 1) {
        const at = index + offset;
        const avg = averages[index] ?? null;
        if (at < 0 || at >= this.length || avg === null) continue;
        cell.avg[at] = avg;
        cell.min[at] = series.min?.[index] ?? avg;
        cell.max[at] = series.max?.[index] ?? avg;
        if (cell.bucket === this.start + at * this.step) cell.bucket = Number.NaN;
      }
    }
  }

  /** Moves on so that `to` is covered; what falls out on the left is dropped. */
  slide(to: number): boolean {
    const wanted = Math.ceil((to - this.start) / this.step);
    const by = wanted - this.length;
    if (by <= 0) return false;
    this.start += by * this.step;
    for (const cell of this.cells.values()) {
      for (const values of [cell.avg, cell.min, cell.max]) shift(values, by, this.length);
    }
    return true;
  }

  /** Adds one live value to its bucket. */
  add(metric: string, labels: Record<string, string>, at: number, value: number): void {
    const index = Math.floor((at - this.start) / this.step);
    if (index < 0 || index >= this.length) return;
    const cell = this.cell(metric, labels);
    const bucket = this.start + index * this.step;
    const before = cell.avg[index] ?? null;
    if (cell.bucket !== bucket) {
      cell.bucket = bucket;
      cell.count = before === null ? 0 : Math.max(1, Math.round((at - bucket) / USUAL_INTERVAL_MS));
      cell.sum = (before ?? 0) * cell.count;
    }
    cell.count += 1;
    cell.sum += value;
    cell.avg[index] = cell.sum / cell.count;
    cell.min[index] = before === null ? value : Math.min(cell.min[index] ?? value, value);
    cell.max[index] = before === null ? value : Math.max(cell.max[index] ?? value, value);
  }

  private cell(metric: string, labels: Record<string, string>): Cell {
    const key = keyOf(metric, labels);
    let cell = this.cells.get(key);
    if (cell === undefined) {
      const nothing = (): Values => new Array(this.length).fill(null);
      cell = {
        metric,
        labels,
        avg: nothing(),
        min: nothing(),
        max: nothing(),
        bucket: Number.NaN,
        count: 0,
        sum: 0,
      };
      this.cells.set(key, cell);
    }
    return cell;
  }
}

function shift(values: Values, by: number, length: number): void {
  values.splice(0, Math.min(by, length));
  while (values.length < length) values.push(null);
}
