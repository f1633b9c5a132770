/** What of the Storage page stands in its URL, and how its rows are named there. Pure. */
import { parseView, searchText, type ViewSearch } from "../../ui/view";

/** The lists of the page, as `row` and `sort_…` name them. */
export const KINDS = ["disk", "array", "pool"] as const;
export type Kind = (typeof KINDS)[number];

export interface StorageSearch extends ViewSearch, Partial<Record<`sort_${Kind}`, string>> {
  /** What the lists are filtered by. */
  q?: string;
}

/** What of a pool's page stands in its URL. */
export interface PoolSearch extends ViewSearch {
  /** What the datasets are filtered by. */
  q?: string;
  sort?: string;
}

export const parsePool = (search: Record<string, unknown>): PoolSearch => ({
  ...parseView(search),
  q: searchText(search.q),
  sort: searchText(search.sort),
});

export function parseStorage(search: Record<string, unknown>): StorageSearch {
  const result: StorageSearch = { ...parseView(search), q: searchText(search.q) };
  for (const kind of KINDS) result[`sort_${kind}`] = searchText(search[`sort_${kind}`]);
  return result;
}

/** `disk:nas1:wwn-0x5000` as kind and id; null for anything else. */
export function readRow(row: string | null): { kind: Kind; id: string } | null {
  const at = row?.indexOf(":") ?? -1;
  const kind = KINDS.find((each) => each === row?.slice(0, at));
  return row === null || kind === undefined ? null : { kind, id: row.slice(at + 1) };
}
