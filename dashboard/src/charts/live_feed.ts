/**
 * Turns the live stream's raw values into what a chart shows: rates of
 * counters, sums over labels. Pure but for what it remembers.
 */
import { type Selection, selects } from "../api/selector";
import type { LiveSamples, LiveSeries } from "../api/types";

/** A value for a chart's window. */
export interface LiveValue {
  metric: string;
  labels: Record<string, string>;
  value: number;
}

interface Followed {
  metric: string;
  labels: Record<string, string>;
  /** Where it adds up to. */
  key: string;
  previous: { at: number; value: number } | null;
}

/** A rate over a longer pause would hide it: such a hole is fetched instead. */
const LONGEST_PAUSE_MS = 180_000;

export class LiveFeed {
  private readonly followed = new Map<number, Followed>();

  constructor(
    private readonly selections: readonly Selection[],
    private readonly mode: "value" | "rate",
    private readonly sumBy: readonly string[] | undefined,
  ) {}

  /** How many series the chart has in the stream. */
  get size(): number {
    return this.followed.size;
  }

  /** Learns which ids belong to the chart. */
  learn(series: readonly LiveSeries[]): void {
    for (const { id, metric, labels } of series) {
      if (!this.selections.some((selection) => selects(selection, metric, labels))) continue;
      const kept =
        this.sumBy === undefined
          ? labels
          : Object.fromEntries(this.sumBy.map((label) => [label, labels[label] ?? ""]));
      const key = `${metric}\n${JSON.stringify(Object.entries(kept).sort())}`;
      this.followed.set(id, { metric, labels: kept, key, previous: null });
    }
  }

  /** Forgets the last counter values: the next ones follow a hole. */
  interrupt(): void {
    for (const each of this.followed.values()) each.previous = null;
  }

  /** The chart's values of one moment; empty when none of its series is among them. */
  take({ at_unix_ms: at, samples }: LiveSamples): LiveValue[] {
    const sums = new Map<string, LiveValue>();
    for (const [id, raw] of samples) {
      const followed = this.followed.get(id);
      if (followed === undefined || raw === null) continue;
      const value = this.mode === "value" ? raw : rate(followed, at, raw);
      if (value === null) continue;
      const sum = sums.get(followed.key);
      if (sum === undefined)
        sums.set(followed.key, { metric: followed.metric, labels: followed.labels, value });
      else sum.value += value;
    }
    return [...sums.values()];
  }
}

/** Increase per second since the last value; a counter that fell began anew at zero. */
function rate(followed: Followed, at: number, value: number): number | null {
  const previous = followed.previous;
  if (previous !== null && at <= previous.at) return null;
  followed.previous = { at, value };
  if (previous === null || at - previous.at > LONGEST_PAUSE_MS) return null;
  const increase = value >= previous.value ? value - previous.value : value;
  return increase / ((at - previous.at) / 1000);
}
