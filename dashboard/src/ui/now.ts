/** The present, for relative times: one ticker for all of them. */
import { useSyncExternalStore } from "react";

const TICK_MS = 1_000;
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    if (document.hidden) return;
    now = Date.now();
    for (const each of listeners) each();
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** Unix ms, renewed each second; a `grain` (ms) makes a component render only as often as needed. */
export const useNow = (grain = TICK_MS): number =>
  useSyncExternalStore(subscribe, () => {
    const current = Math.max(now, Date.now() - TICK_MS);
    return Math.floor(current / grain) * grain;
  });
