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

/** Events, newest first, a page at a time. */
export const eventsQuery = (filter: EventFilter) =>
  infiniteQueryOptions({
    queryKey: ["events", filter],
    queryFn: ({ signal, pageParam }) =>
      get<EventPage>("/api/events", { ...filter, limit: 100, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
    refetchInterval: 15_000,
  });

/** One host's events within a range, for marks on charts. */
export const hostEventsQuery = (host: string, range: Range) =>
  queryOptions({
    queryKey: ["host-events", host, range.from ?? range.span, range.to],
    queryFn: ({ signal }) => {
      const to = range.to ?? Date.now();
      const start = new Date(range.from ?? to - range.span).toISOString();
      return get<EventPage>(
        "/api/events",
        { host, start, end: new Date(to).toISOString(), limit: 200 },
        signal,
      );
    },
    refetchInterval: range.live ? 15_000 : false,
    placeholderData: keepPreviousData,
  });
