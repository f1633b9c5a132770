/** What of the page Containers stands in its URL. Pure. */
import { parseView, searchText, type ViewSearch } from "../../ui/view";

/** What the table is grouped by. */
export const GROUPS = ["host", "project", "none"] as const;
export type Group = (typeof GROUPS)[number];
export const DEFAULT_GROUP: Group = "host";

export interface ContainersSearch extends ViewSearch {
  /** What the table is filtered by. */
  q?: string;
  sort?: string;
  group?: Group;
}

export function parseContainers(search: Record<string, unknown>): ContainersSearch {
  const group = GROUPS.find((each) => each === search.group);
  return {
    ...parseView(search),
    q: searchText(search.q),
    sort: searchText(search.sort),
    group: group === DEFAULT_GROUP ? undefined : group,
  };
}
