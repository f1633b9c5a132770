/**
 * The life of one chart's data: fetch, follow the live stream, fetch holes,
 * move with time. Components read snapshots; plots are told of each change.
 */
import { get } from "../api/client";
import type { LiveStream } from "../api/live";
import { selector } from "../api/selector";
import type { Samples } from "../api/types";
import { type Range, stepFor } from "../format/range";
import { LiveFeed } from "./live_feed";
import type { ChartSpec, PlotSeries } from "./spec";
import { SampleWindow } from "./window";

export interface ChartData {
  /** Bucket starts, Unix ms. */
  times: number[];
  series: PlotSeries[];
  /** The shown range, Unix ms. */
  from: number;
  to: number;
  /** Width of a bucket in seconds. */
  step: number;
  resolution: Samples["resolution"];
  partial: boolean;
  /** End of the newest bucket with data, Unix ms. */
  newest: number | null;
  live: boolean;
}

export interface ChartSnapshot {
  data: ChartData | null;
  loading: boolean;
  error: Error | null;
}

/** All charts move on together, at multiples of this. */
const BEAT_MS = 5_000;
/** A burst of reasons to fetch a hole makes one request. */
const HOLE_DELAY_MS = 250;
/** Buckets before the hole that are fetched again: the last ones may have been incomplete. */
const MARGIN_BUCKETS = 3;
/** Data younger than this has no hole yet. */
const FRESH_MS = 30_000;

const beat = (now: number): number => Math.floor(now / BEAT_MS) * BEAT_MS;

export class ChartModel {
  private snapshot: ChartSnapshot = { data: null, loading: true, error: null };
  private readonly listeners = new Set<() => void>();
  private window: SampleWindow | null = null;
  private feed: LiveFeed;
  private range: Range | null = null;
  private stream: LiveStream | null = null;
  private stopListening: (() => void) | null = null;
  private abort: AbortController | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;
  private holeTimer: ReturnType<typeof setTimeout> | undefined;
  private holePending = false;
  /** End of what was known when the hole was noticed, Unix ms. */
  private holeFrom: number | null = null;
  private following = false;

  constructor(private spec: ChartSpec) {
    this.feed = new LiveFeed(spec.selections, spec.mode, spec.sumBy);
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly read = (): ChartSnapshot => this.snapshot;

  /** Takes a changed description without fetching when it asks for the same series. */
  describe(spec: ChartSpec): void {
    const same = requestOf(spec) === requestOf(this.spec);
    this.spec = spec;
    if (same) {
      this.emit();
      return;
    }
    this.feed = new LiveFeed(spec.selections, spec.mode, spec.sumBy);
    if (this.range !== null) this.show(this.range);
  }

  /** Shows a range; what was shown before stays until the answer is there. */
  show(range: Range): void {
    this.stop();
    this.range = range;
    void this.load(range);
  }

  /** Follows this stream from now on, once data is there and the range is live. */
  attach(stream: LiveStream | null): void {
    this.stream = stream;
    this.stopListening?.();
    this.stopListening = null;
    if (this.following) this.listen();
  }

  stop(): void {
    this.following = false;
    this.abort?.abort();
    this.stopListening?.();
    this.stopListening = null;
    clearInterval(this.timer);
    clearTimeout(this.holeTimer);
  }

  readonly retry = (): void => {
    if (this.range !== null) this.show(this.range);
  };

  private async load(range: Range): Promise<void> {
    const abort = new AbortController();
    this.abort = abort;
    this.update({ loading: true, error: null });
    const to = range.to ?? beat(Date.now());
    const from = range.from ?? to - range.span;
    const window = new SampleWindow(stepFor(range.span) * 1000, from, to);
    try {
      window.merge(await this.fetch(from, to, window.step, abort.signal));
    } catch (error) {
      if (!abort.signal.aborted) this.update({ loading: false, error: error as Error });
      return;
    }
    if (abort.signal.aborted) return;
    this.window = window;
    this.holeFrom = null;
    this.snapshot = { ...this.snapshot, loading: false, error: null };
    this.emit();
    if (range.live) this.follow();
  }

  private fetch(from: number, to: number, stepMs: number, signal: AbortSignal): Promise<Samples> {
    return get<Samples>(
      "/api/samples",
      {
        match: this.spec.selections.map(selector),
        start: new Date(from).toISOString(),
        end: new Date(to).toISOString(),
        step_seconds: stepMs / 1000,
        mode: this.spec.mode,
        sum_by: this.spec.sumBy?.join(","),
      },
      signal,
    );
  }

  private follow(): void {
    this.following = true;
    this.timer = setInterval(() => this.advance(), BEAT_MS);
    this.listen();
  }

  private listen(): void {
    this.stopListening =
      this.stream?.listen({
        series: (series) => this.feed.learn(series),
        hole: () => {
          this.feed.interrupt();
          this.holePending = true;
          this.holeFrom ??= this.window?.newest() ?? null;
          // What was just loaded has no hole yet; else show at once what is known.
          const newest = this.window?.newest() ?? 0;
          if (Date.now() - newest > FRESH_MS) this.fillHole();
        },
        samples: (samples) => {
          const values = this.feed.take(samples);
          for (const { metric, labels, value } of values) {
            this.window?.slide(samples.at_unix_ms);
            this.window?.add(metric, labels, samples.at_unix_ms, value);
          }
          // Now the first reading after the hole is there as well.
          if (this.holePending && values.length + this.feed.size > 0) {
            this.holePending = false;
            this.fillHole();
          }
          if (values.length > 0) this.emit();
        },
      }) ?? null;
  }

  /** Fetches what is missing until now, once for a burst of reasons. */
  private fillHole(): void {
    clearTimeout(this.holeTimer);
    this.holeTimer = setTimeout(() => {
      const { window, abort } = this;
      if (window === null || abort === null) return;
      const to = Date.now();
      window.slide(to);
      // Live values after the hole may be there already: it begins where it was noticed.
      const known = Math.min(this.holeFrom ?? to, window.newest() ?? window.start);
      const from = Math.max(window.start, known - MARGIN_BUCKETS * window.step);
      this.fetch(from, to, window.step, abort.signal)
        .then((answer) => {
          if (abort.signal.aborted) return;
          window.merge(answer);
          if (!this.holePending) this.holeFrom = null;
          this.emit();
        })
        .catch(() => {
          // The next reading tries again; until then the chart says that it is stale.
          if (!abort.signal.aborted) this.holePending = true;
        });
    }, HOLE_DELAY_MS);
  }

  private advance(): void {
    const window = this.window;
    if (window === null || document.hidden) return;
    const moved = window.slide(beat(Date.now()));
    // Wide buckets: when one closes, the collector's account of it replaces the live estimate.
    if (moved && window.step > 30_000) this.fillHole();
    this.emit();
  }

  private emit(): void {
    const { window, range } = this;
    if (window === null || range === null) return;
    const to = range.to ?? beat(Date.now());
    this.update({
      data: {
        times: window.times(),
        series: this.spec.shape(window.series()),
        from: range.from ?? to - range.span,
        to,
        step: window.step / 1000,
        resolution: window.resolution,
        partial: window.partial,
        newest: window.newest(),
        live: range.live,
      },
    });
  }

  private update(change: Partial<ChartSnapshot>): void {
    this.snapshot = { ...this.snapshot, ...change };
    for (const listener of this.listeners) listener();
  }
}

/** What a description asks the collector for, as one comparable text. */
function requestOf(spec: ChartSpec): string {
  return JSON.stringify([spec.selections.map(selector), spec.mode, spec.sumBy ?? null]);
}
