/**
 * Whether the collector answers. Every request reports here; while it does not
 * answer, this asks /healthz with growing pauses until it does again.
 */
import { useSyncExternalStore } from "react";

export interface Connection {
  /** Unix milliseconds since when nothing answers; null while all is well. */
  offlineSince: number | null;
  /** Unix milliseconds of the next attempt, while offline. */
  retryAt: number | null;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 15_000;

let state: Connection = { offlineSince: null, retryAt: null };
let pause = FIRST_PAUSE_MS;
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();
const returns = new Set<() => void>();

function publish(next: Connection): void {
  state = next;
  for (const listener of listeners) listener();
}

async function attempt(): Promise<void> {
  try {
    const response = await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(5_000) });
    if (response.ok) {
      reportAnswer();
      return;
    }
  } catch {
    // Still away: the pause below grows.
  }
  schedule();
}

function schedule(): void {
  clearTimeout(timer);
  publish({ ...state, retryAt: Date.now() + pause });
  timer = setTimeout(() => void attempt(), pause);
  pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
}

/** A request got no answer at all. */
export function reportSilence(): void {
  if (state.offlineSince !== null) return;
  publish({ offlineSince: Date.now(), retryAt: null });
  pause = FIRST_PAUSE_MS;
  schedule();
}

/** A request was answered, with whatever status. */
export function reportAnswer(): void {
  if (state.offlineSince === null) return;
  clearTimeout(timer);
  publish({ offlineSince: null, retryAt: null });
  for (const listener of returns) listener();
}

/** Tries at once instead of waiting for the pause to pass. */
export function retryNow(): void {
  clearTimeout(timer);
  void attempt();
}

/** Calls `listener` each time the collector is back; returns how to stop that. */
export function onReturn(listener: () => void): () => void {
  returns.add(listener);
  return () => returns.delete(listener);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The connection's state, for components. */
export function useConnection(): Connection {
  return useSyncExternalStore(subscribe, () => state);
}
