/**
 * The live stream of one host, shared by all charts of its page. It is closed
 * while the page is hidden; whoever listens is told when it (re)opens, so that
 * the hole can be fetched.
 */
import { address } from "./client";
import { onReturn, reportAnswer } from "./connection";
import type { HostSummary, LiveSamples, LiveSeries } from "./types";

export type LiveState = "connecting" | "open" | "closed";

export interface LiveListener {
  /** The stream begins, again or for the first time, or has lost something: fetch what is missing. */
  hole?(): void;
  series?(series: readonly LiveSeries[]): void;
  samples?(samples: LiveSamples): void;
  host?(host: HostSummary): void;
  state?(state: LiveState): void;
}

const RETRY_FIRST_MS = 1_000;
const RETRY_LONGEST_MS = 15_000;

export class LiveStream {
  private source: EventSource | null = null;
  private readonly listeners = new Set<LiveListener>();
  private readonly known = new Map<number, LiveSeries>();
  private readonly stopReturn: () => void;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private pause = RETRY_FIRST_MS;
  private ended = false;
  state: LiveState = "closed";

  constructor(
    private readonly host: string,
    private readonly match: readonly string[],
  ) {
    document.addEventListener("visibilitychange", this.onVisibility);
    this.stopReturn = onReturn(() => this.reopen());
    this.onVisibility();
  }

  /** Adds a listener; it hears at once of the series known already. */
  listen(listener: LiveListener): () => void {
    this.listeners.add(listener);
    listener.state?.(this.state);
    if (this.known.size > 0) listener.series?.([...this.known.values()]);
    return () => this.listeners.delete(listener);
  }

  /** Closes for good. */
  end(): void {
    this.ended = true;
    document.removeEventListener("visibilitychange", this.onVisibility);
    this.stopReturn();
    this.close();
    this.listeners.clear();
  }

  private readonly onVisibility = (): void => {
    if (document.hidden) this.close();
    else this.reopen();
  };

  private reopen(): void {
    if (this.ended || document.hidden) return;
    this.close();
    this.open();
  }

  private close(): void {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
    this.tell("closed");
  }

  private tell(state: LiveState): void {
    if (this.state === state) return;
    this.state = state;
    for (const listener of this.listeners) listener.state?.(state);
  }

  private open(): void {
    this.tell("connecting");
    const source = new EventSource(address("/api/live", { host: this.host, match: this.match }));
    this.source = source;
    source.addEventListener("open", () => {
      this.pause = RETRY_FIRST_MS;
      reportAnswer();
      this.tell("open");
      for (const listener of this.listeners) listener.hole?.();
    });
    // The browser's own retry gives up on some errors and hammers on others.
    source.addEventListener("error", () => {
      this.close();
      this.timer = setTimeout(() => this.reopen(), this.pause);
      this.pause = Math.min(this.pause * 2, RETRY_LONGEST_MS);
    });
    this.hear<{ series: LiveSeries[] }>(source, "series", ({ series }) => {
      for (const each of series) this.known.set(each.id, each);
      for (const listener of this.listeners) listener.series?.(series);
    });
    this.hear<LiveSamples>(source, "samples", (samples) => {
      for (const listener of this.listeners) listener.samples?.(samples);
    });
    this.hear<HostSummary>(source, "host", (host) => {
      for (const listener of this.listeners) listener.host?.(host);
    });
    this.hear<{ dropped: number }>(source, "lagged", () => {
      for (const listener of this.listeners) listener.hole?.();
    });
  }

  /** Subscribes to one kind of event; an unreadable one is left out, the next hole fetch brings its data. */
  private hear<T>(source: EventSource, type: string, take: (data: T) => void): void {
    source.addEventListener(type, (event) => {
      let data: T;
      try {
        data = JSON.parse((event as MessageEvent<string>).data) as T;
      } catch {
        return;
      }
      take(data);
    });
  }
}
