/** What a chart has to admit about its data. */
import { ago, exact } from "../format/time";
import type { ChartData } from "./model";
import type { ChartSpec } from "./spec";

export interface Note {
  words: string;
  detail: string;
}

/** Older than this many intervals, and the data is stale. */
const STALE_INTERVALS = 3;
const STALE_LEAST_MS = 35_000;

export function notes(spec: ChartSpec, data: ChartData, now: number): Note[] {
  const result: Note[] = [];
  const limit = Math.max(STALE_LEAST_MS, STALE_INTERVALS * spec.interval * 1000, 2 * data.step * 1000);
  if (data.live && data.newest !== null && now - data.newest > limit) {
    result.push({
      words: `stale · last reading ${ago(data.newest, now)}`,
      detail: `Nothing newer than ${exact(data.newest)} has arrived.`,
    });
  }
  if (data.partial) {
    result.push({
      words: "partial",
      detail: "Some readings of this range are not stored or not reachable at the moment.",
    });
  }
  if (data.resolution === "hour") {
    result.push({
      words: "from hourly rollups",
      detail: "Average, least and greatest of each hour; single readings of this range are not used.",
    });
  }
  return result;
}
