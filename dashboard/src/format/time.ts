/** Times and durations as people say them. Pure: the present is an argument. */

/** Milliseconds of an RFC 3339 time, or null when there is none. */
export function parseTime(value: string | null | undefined): number | null {
  if (value === null || value === undefined) return null;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : at;
}

const UNITS: readonly (readonly [string, number])[] = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
];

/** "3 d 4 h", "14 min", "5 s": the two largest units, the second only where it tells something. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  if (seconds < 0) return duration(0);
  if (seconds > 0 && seconds < 1)
    return seconds < 0.001 ? "< 1\u2009ms" : `${Math.round(seconds * 1000)}\u2009ms`;
  const whole = Math.floor(seconds);
  const index = UNITS.findIndex(([, size]) => whole >= size);
  const first = UNITS[index];
  if (first === undefined) return "0\u2009s";
  const [name, size] = first;
  const major = Math.floor(whole / size);
  const next = UNITS[index + 1];
  // Beyond two weeks hours are noise, and so are seconds beyond ten minutes.
  const fine = next !== undefined && !(name === "d" && major >= 14) && !(name === "min" && major >= 10);
  const minor = fine ? Math.floor((whole % size) / next[1]) : 0;
  const head = `${major}\u2009${name}`;
  return minor > 0 && next !== undefined ? `${head} ${minor}\u2009${next[0]}` : head;
}

const YEAR_S = 365.25 * 86_400;

/** How long a disk has run in its life: "4.1 years", or as any duration below a year. */
export function age(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds) || seconds < YEAR_S)
    return duration(seconds);
  return `${(seconds / YEAR_S).toFixed(1)}\u2009years`;
}

/** How long something took, fine enough for milliseconds. */
export function elapsed(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  if (seconds < 0.01) return `${(seconds * 1000).toFixed(1)}\u2009ms`;
  if (seconds < 10 && seconds >= 1) return `${seconds.toFixed(1)}\u2009s`;
  return duration(seconds);
}

/** "5 s ago", "just now"; a time slightly ahead (clock skew) is "just now". */
export function ago(at: number | null, now: number): string {
  if (at === null) return "never";
  const seconds = (now - at) / 1000;
  if (seconds < 1) return "just now";
  return `${coarse(seconds)} ago`;
}

/** One unit only: "14 min", "3 h", "2 d". */
export function coarse(seconds: number): string {
  for (const [name, size] of UNITS) {
    if (seconds >= size) return `${Math.floor(seconds / size)}\u2009${name}`;
  }
  return "0\u2009s";
}

const exactFormat = new Intl.DateTimeFormat(undefined, {
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
  timeZoneName: "short",
});
const dayFormat = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const clockFormat = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
const secondsFormat = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

/** The exact local time with zone, for titles. */
export const exact = (at: number): string => exactFormat.format(at);
/** "14:03" */
export const clock = (at: number): string => clockFormat.format(at);
/** "14:03:20" */
export const clockSeconds = (at: number): string => secondsFormat.format(at);
/** "12 Mar" */
export const day = (at: number): string => dayFormat.format(at);
/** "12 Mar 14:03" */
export const dayClock = (at: number): string => `${day(at)} ${clock(at)}`;

/** "14:03 – 15:10", with days where they differ from today's. */
export function span(from: number, to: number, now: number): string {
  const today = new Date(now).toDateString();
  const oneDay = new Date(from).toDateString() === new Date(to).toDateString();
  if (oneDay && new Date(from).toDateString() === today) return `${clock(from)} – ${clock(to)}`;
  return oneDay ? `${dayClock(from)} – ${clock(to)}` : `${dayClock(from)} – ${dayClock(to)}`;
}

/** Local time as date fields take it: "2026-03-12T14:03". */
export function localInput(at: number): string {
  const date = new Date(at);
  return new Date(at - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
