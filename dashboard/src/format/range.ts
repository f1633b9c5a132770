/** The time range of a page: relative and live, or absolute and still. */

/** Names of relative ranges as they stand in the URL, and their length in seconds. */
export const RANGES = {
  "15m": 900,
  "1h": 3_600,
  "3h": 10_800,
  "6h": 21_600,
  "24h": 86_400,
  "7d": 604_800,
  "30d": 2_592_000,
  "90d": 7_776_000,
  "1y": 31_536_000,
} as const;

export type RangeName = keyof typeof RANGES;

/** What people read in the picker. */
export const RANGE_WORDS: Record<RangeName, string> = {
  "15m": "15 minutes",
  "1h": "hour",
  "3h": "3 hours",
  "6h": "6 hours",
  "24h": "24 hours",
  "7d": "7 days",
  "30d": "30 days",
  "90d": "90 days",
  "1y": "year",
};

export const DEFAULT_RANGE: RangeName = "1h";
/** What the list of events shows first: in an hour hardly anything happens. */
export const EVENTS_RANGE: RangeName = "30d";
/** What is shown of a disk first: it is read every ten minutes. */
export const DISK_RANGE: RangeName = "7d";
/** Shortest range that can be zoomed into. */
export const SHORTEST_RANGE_MS = 60_000;
/** Longest range that the collector is asked for. */
export const LONGEST_RANGE_MS = 400 * 86_400_000;

/** The part of the URL that says which time is shown. Times are Unix milliseconds. */
export interface RangeSearch {
  range?: RangeName;
  from?: number;
  to?: number;
}

/** Reads the range out of whatever the URL says; nonsense becomes the default. */
export function parseRange(search: Record<string, unknown>): RangeSearch {
  const { range } = search;
  const from = Number(search.from);
  const to = Number(search.to);
  const sane = Number.isFinite(from) && Number.isFinite(to) && whyNot(from, to) === null;
  return {
    range: typeof range === "string" && Object.hasOwn(RANGES, range) ? (range as RangeName) : undefined,
    from: sane ? Math.round(from) : undefined,
    to: sane ? Math.round(to) : undefined,
  };
}

/** Why these times (Unix ms) make no range, in words; null when they do. */
export function whyNot(from: number, to: number): string | null {
  if (Number.isNaN(from) || Number.isNaN(to)) return "Give both times.";
  if (to <= from) return "The end lies before the beginning.";
  if (to - from < SHORTEST_RANGE_MS) return "Take at least a minute.";
  return to - from > LONGEST_RANGE_MS ? "Take at most 400 days." : null;
}

/** A range made definite. `live` ranges end now and move on. */
export interface Range {
  live: boolean;
  /** Length in milliseconds. */
  span: number;
  /** Only for ranges that are not live: Unix milliseconds. */
  from: number | null;
  to: number | null;
}

/** What the URL asks for; `usual` where it names no range. */
export function toRange(search: RangeSearch, usual: RangeName = DEFAULT_RANGE): Range {
  if (search.from !== undefined && search.to !== undefined) {
    return { live: false, span: search.to - search.from, from: search.from, to: search.to };
  }
  return { live: true, span: RANGES[search.range ?? usual] * 1000, from: null, to: null };
}

const HOUR_S = 3_600;
const STEPS = [10, 30, 60, 120, 300, 600, 900, 1_800, HOUR_S, 7_200, 10_800, 21_600, 43_200, 86_400];
/** About as many points as a chart has pixels to show them. */
const POINTS = 400;
/** From here on buckets are whole hours: the collector answers those from its hourly summaries. */
const HOURLY_FROM_MS = 5 * 86_400_000;

/** Seconds per bucket for a range of `spanMs`: a round number, at least the usual interval. */
export function stepFor(spanMs: number): number {
  const wanted = Math.max(spanMs / 1000 / POINTS, spanMs >= HOURLY_FROM_MS ? HOUR_S : 0);
  return STEPS.find((step) => step >= wanted) ?? 86_400;
}
