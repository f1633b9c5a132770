/** What pages ask of the collector, as query options. */
import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import type { Range } from "../format/range";
import { get } from "./client";
import type { Attention, EventPage, HostDetail, HostSummary, System } from "./types";

/** Pages with live figures ask this often; the agents' usual interval is 10 s. */
const REFRESH_MS = 5_000;
const HOSTS_PER_PAGE = 500;
/** Stops following cursors that never end. */
const MOST_PAGES = 40;

async function allHosts(signal: AbortSignal): Promise<HostSummary[]> {
  const hosts: HostSummary[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const answer: { hosts: HostSummary[]; next_cursor: string | null } = await get(
      "/api/hosts",
      { limit: HOSTS_PER_PAGE, cursor },
      signal,
    );
    hosts.push(...answer.hosts);
    cursor = answer.next_cursor;
    if (cursor === null) break;
  }
  return hosts;
}

export const hostsQuery = queryOptions({
  queryKey: ["hosts"],
  queryFn: ({ signal }) => allHosts(signal),
  refetchInterval: REFRESH_MS,
});

export const attentionQuery = queryOptions({
  queryKey: ["attention"],
  queryFn: ({ signal }) => get<Attention>("/api/attention", undefined, signal),
  refetchInterval: REFRESH_MS,
});

export const hostQuery = (host: string) =>
  queryOptions({
    queryKey: ["host", host],
    queryFn: ({ signal }) => get<HostDetail>(`/api/hosts/${encodeURIComponent(host)}`, undefined, signal),
    refetchInterval: REFRESH_MS,
  });

export const systemQuery = queryOptions({
  queryKey: ["system"],
  queryFn: ({ signal }) => get<System>("/api/system", undefined, signal),
  refetchInterval: REFRESH_MS,
});

export interface EventFilter {
  host?: string;
  type?: string;
}

/** Begin and end of a range as they are now; a live one is open at its end. */
function bounds({ from, to, span }: Range) {
  const start = new Date(from ?? Date.now() - span).toISOString();
  return { start, end: to === null ? undefined : new Date(to).toISOString() };
}

/** Events of a range, newest first, a page at a time. */
export const eventsQuery = (filter: EventFilter, range: Range) =>
  infiniteQueryOptions({
    queryKey: ["events", filter, range.from ?? range.span, range.to],
    queryFn: ({ signal, pageParam }) =>
      get<EventPage>("/api/events", { ...filter, ...bounds(range), limit: 100, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
    refetchInterval: range.live ? 15_000 : false,
  });

/** One host's events within a range, for marks on charts. */
export const hostEventsQuery = (host: string, range: Range) =>
  queryOptions({
    queryKey: ["host-events", host, range.from ?? range.span, range.to],
    queryFn: ({ signal }) => get<EventPage>("/api/events", { host, ...bounds(range), limit: 200 }, signal),
    refetchInterval: range.live ? 15_000 : false,
    placeholderData: keepPreviousData,
  });
