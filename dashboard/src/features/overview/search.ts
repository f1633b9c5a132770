/** What of the overview stands in its URL. */
import type { Sort } from "../../ui/table";
import { parseView, searchText, type ViewSearch } from "../../ui/view";

export const COLUMN_KEYS = [
  "host",
  "cpu",
  "memory",
  "filesystem",
  "network",
  "load",
  "hottest",
  "disks",
  "containers",
  "ups",
  "gpu",
  "uptime",
  "kernel",
  "agent",
  "seen",
] as const;
export type ColumnKey = (typeof COLUMN_KEYS)[number];

export const DEFAULT_COLUMNS: readonly ColumnKey[] = COLUMN_KEYS.filter(
  (key) => !["load", "ups", "gpu", "kernel", "agent"].includes(key),
);
export const DEFAULT_SORT: Sort<ColumnKey> = { key: "host", descending: false };

export interface OverviewSearch extends ViewSearch {
  /** What the table is filtered by. */
  q?: string;
  /** Column, with a minus in front for greatest first. */
  sort?: string;
  /** Columns shown, separated by commas. */
  cols?: string;
}

const isColumn = (key: string): key is ColumnKey => (COLUMN_KEYS as readonly string[]).includes(key);

export function parseOverview(search: Record<string, unknown>): OverviewSearch {
  const { sort, cols } = search;
  return {
    ...parseView(search),
    q: searchText(search.q),
    sort: typeof sort === "string" && isColumn(sort.replace(/^-/, "")) ? sort : undefined,
    cols: typeof cols === "string" ? writeColumns(readColumns(cols)) : undefined,
  };
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
