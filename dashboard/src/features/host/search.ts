/** What of a host's page stands in its URL beside what every page has there. */
import { parseView, searchText, type ViewSearch } from "../../ui/view";

/** The lists of the page, as `row`, `sort_…` and `filter_…` name them. */
export const LIST_KINDS = ["interface", "disk", "filesystem", "source"] as const;
export type ListKind = (typeof LIST_KINDS)[number];

export type HostSearch = ViewSearch &
  Partial<Record<`sort_${ListKind}` | `filter_${ListKind}` | "filter_sensor", string>>;

export function parseHost(search: Record<string, unknown>): HostSearch {
  const result: HostSearch = parseView(search);
  for (const kind of LIST_KINDS) {
    result[`sort_${kind}`] = searchText(search[`sort_${kind}`]);
    result[`filter_${kind}`] = searchText(search[`filter_${kind}`]);
  }
  result.filter_sensor = searchText(search.filter_sensor);
  return result;
}

/** `disk:sda` as its two parts; null for anything else. */
export function readRow(row: string | null): { kind: string; name: string } | null {
  const at = row?.indexOf(":") ?? -1;
  return row === null || at < 1 ? null : { kind: row.slice(0, at), name: row.slice(at + 1) };
}
