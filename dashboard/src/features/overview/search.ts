/** What of the overview stands in its URL. */
import type { Sort } from "../../ui/table";

export const COLUMN_KEYS = [
  "host",
  "cpu",
  "memory",
  "filesystem",
  "network",
  "load",
  "hottest",
  "disks",
  "uptime",
  "kernel",
  "agent",
  "seen",
] as const;
export type ColumnKey = (typeof COLUMN_KEYS)[number];

export const DEFAULT_COLUMNS: readonly ColumnKey[] = COLUMN_KEYS.filter(
  (key) => !["load", "kernel", "agent"].includes(key),
);
export const DEFAULT_SORT: Sort<ColumnKey> = { key: "host", descending: false };

export interface OverviewSearch {
  /** What the table is filtered by. */
  q?: string;
  /** Column, with a minus in front for greatest first. */
  sort?: string;
  /** Columns shown, separated by commas. */
  cols?: string;
}

const isColumn = (key: string): key is ColumnKey => (COLUMN_KEYS as readonly string[]).includes(key);

export function parseOverview(search: Record<string, unknown>): OverviewSearch {
  const result: OverviewSearch = {};
  if ((typeof search.q === "string" || typeof search.q === "number") && search.q !== "")
    result.q = String(search.q);
  if (typeof search.sort === "string" && isColumn(search.sort.replace(/^-/, ""))) result.sort = search.sort;
  if (typeof search.cols === "string" && readColumns(search.cols) !== DEFAULT_COLUMNS)
    result.cols = search.cols;
  return result;
}

export function readSort(sort: string | undefined): Sort<ColumnKey> {
  const key = sort?.replace(/^-/, "") ?? "";
  return isColumn(key) ? { key, descending: sort?.startsWith("-") ?? false } : DEFAULT_SORT;
}

export function writeSort({ key, descending }: Sort<ColumnKey>): string | undefined {
  if (key === DEFAULT_SORT.key && descending === DEFAULT_SORT.descending) return undefined;
  return descending ? `-${key}` : key;
}

/** The columns named, in the table's order; the host itself is always there. */
export function readColumns(columns: string | undefined): readonly ColumnKey[] {
  if (columns === undefined) return DEFAULT_COLUMNS;
  const named = columns.split(",");
  return COLUMN_KEYS.filter((key) => key === "host" || named.includes(key));
}

export function writeColumns(columns: readonly ColumnKey[]): string | undefined {
  const text = COLUMN_KEYS.filter((key) => columns.includes(key)).join(",");
  return text === DEFAULT_COLUMNS.join(",") ? undefined : text;
}
