/** What pages ask of the collector, as query options. */
import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import type { Range } from "../format/range";
import { get, type Parameters } from "./client";
import { selector } from "./selector";
import type {
  Attention,
  Bmc,
  BmcPage,
  Container,
  ContainerDetail,
  ContainerHost,
  ContainerPage,
  EventPage,
  FactPage,
  Gpu,
  GpuPage,
  HostDetail,
  HostPage,
  HostSummary,
  PowerPage,
  Samples,
  SensorChip,
  SensorPage,
  StorageArray,
  StorageArrayPage,
  StorageController,
  StorageDataset,
  StorageDatasetPage,
  StorageDisk,
  StorageDiskDetail,
  StorageDiskPage,
  StoragePool,
  StoragePoolPage,
  System,
  Ups,
  UpsPage,
} from "./types";

/** Pages with live figures ask this often; the agents' usual interval is 10 s. */
const REFRESH_MS = 5_000;
const ROWS_PER_PAGE = 500;
/** Stops following cursors that never end. */
const MOST_PAGES = 40;

/** Every page of a list, one after the other. */
async function allPages<Page extends { next_cursor: string | null }>(
  path: string,
  signal: AbortSignal,
  take: (page: Page) => void,
  parameters: Parameters = {},
): Promise<void> {
  let cursor: string | null = null;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const answer: Page = await get<Page>(path, { ...parameters, limit: ROWS_PER_PAGE, cursor }, signal);
    take(answer);
    cursor = answer.next_cursor;
    if (cursor === null) break;
  }
}

async function allHosts(signal: AbortSignal): Promise<HostSummary[]> {
  const hosts: HostSummary[] = [];
  await allPages<HostPage>("/api/hosts", signal, (page) => hosts.push(...page.hosts));
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

/** A host's facts of one kind, a page at a time. They are read when they are looked at, not again and again. */
export const factsQuery = (host: string, kind: string) =>
  infiniteQueryOptions({
    queryKey: ["facts", host, kind],
    queryFn: ({ signal, pageParam }) =>
      get<FactPage>(
        `/api/hosts/${encodeURIComponent(host)}/facts`,
        { kind, limit: 100, cursor: pageParam },
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
  });

export interface Disks {
  disks: StorageDisk[];
  controllers: StorageController[];
}

async function allDisks(signal: AbortSignal): Promise<Disks> {
  const all: Disks = { disks: [], controllers: [] };
  await allPages<StorageDiskPage>("/api/disks", signal, (page) => {
    all.disks.push(...page.disks);
    all.controllers.push(...page.controllers);
  });
  return all;
}

async function allArrays(signal: AbortSignal): Promise<StorageArray[]> {
  const all: StorageArray[] = [];
  await allPages<StorageArrayPage>("/api/arrays", signal, (page) => all.push(...page.arrays));
  return all;
}

async function allPools(signal: AbortSignal): Promise<StoragePool[]> {
  const all: StoragePool[] = [];
  await allPages<StoragePoolPage>("/api/pools", signal, (page) => all.push(...page.pools));
  return all;
}

export const disksQuery = queryOptions({
  queryKey: ["disks"],
  queryFn: ({ signal }) => allDisks(signal),
  refetchInterval: REFRESH_MS,
});

export const arraysQuery = queryOptions({
  queryKey: ["arrays"],
  queryFn: ({ signal }) => allArrays(signal),
  refetchInterval: REFRESH_MS,
});

export const poolsQuery = queryOptions({
  queryKey: ["pools"],
  queryFn: ({ signal }) => allPools(signal),
  refetchInterval: REFRESH_MS,
});

export interface Datasets {
  datasets: StorageDataset[];
  /** The pool has more than its agent tells. */
  truncated: boolean;
}

async function allDatasets(pool: string, signal: AbortSignal): Promise<Datasets> {
  const all: Datasets = { datasets: [], truncated: false };
  await allPages<StorageDatasetPage>(`/api/pools/${encodeURIComponent(pool)}/datasets`, signal, (page) => {
    all.datasets.push(...page.datasets);
    all.truncated ||= page.truncated;
  });
  return all;
}

/** The datasets of a pool, which its agent lists anew every five minutes. */
export const datasetsQuery = (pool: string) =>
  queryOptions({
    queryKey: ["datasets", pool],
    queryFn: ({ signal }) => allDatasets(pool, signal),
    refetchInterval: 6 * REFRESH_MS,
  });

/** A disk is read every ten minutes; its history is more work than a list. */
export const diskQuery = (id: string) =>
  queryOptions({
    queryKey: ["disk", id],
    queryFn: ({ signal }) =>
      get<StorageDiskDetail>(`/api/disks/${encodeURIComponent(id)}`, undefined, signal),
    refetchInterval: 4 * REFRESH_MS,
  });

async function allContainers(signal: AbortSignal): Promise<Container[]> {
  const all: Container[] = [];
  await allPages<ContainerPage>("/api/containers", signal, (page) => all.push(...page.containers));
  return all;
}

export const containersQuery = queryOptions({
  queryKey: ["containers"],
  queryFn: ({ signal }) => allContainers(signal),
  refetchInterval: REFRESH_MS,
});

/** `key`: the container's name, with its engine's before it where that is not the usual one. */
export const containerQuery = (host: string, key: string) =>
  queryOptions({
    queryKey: ["container", host, key],
    queryFn: ({ signal }) =>
      get<ContainerDetail>(
        `/api/containers/${encodeURIComponent(host)}/${encodeURIComponent(key)}`,
        undefined,
        signal,
      ),
    refetchInterval: REFRESH_MS,
  });

/** What the containers of a host are made of: engines, images, volumes, networks. */
export const containerHostQuery = (host: string) =>
  queryOptions({
    queryKey: ["container-host", host],
    queryFn: ({ signal }) =>
      get<ContainerHost>(`/api/containers/${encodeURIComponent(host)}`, undefined, signal),
    refetchInterval: 12 * REFRESH_MS,
  });

/** What devices of one kind a host has; they are read every ten seconds or less often. */
const devicesQuery = <Page extends { next_cursor: string | null }, Thing>(
  path: string,
  host: string,
  things: (page: Page) => readonly Thing[],
) =>
  queryOptions({
    queryKey: ["devices", path, host],
    queryFn: async ({ signal }) => {
      const all: Thing[] = [];
      await allPages<Page>(path, signal, (page) => all.push(...things(page)), { host });
      return all;
    },
    refetchInterval: 2 * REFRESH_MS,
  });

export const sensorsQuery = (host: string) =>
  devicesQuery<SensorPage, SensorChip>("/api/sensors", host, ({ chips }) => chips);
export const gpusQuery = (host: string) => devicesQuery<GpuPage, Gpu>("/api/gpus", host, ({ gpus }) => gpus);
export const upsesQuery = (host: string) => devicesQuery<UpsPage, Ups>("/api/ups", host, ({ ups }) => ups);
export const bmcsQuery = (host: string) => devicesQuery<BmcPage, Bmc>("/api/bmc", host, ({ bmcs }) => bmcs);

/** The power of a host, with the price of energy. */
export const powerQuery = (host: string) =>
  queryOptions({
    queryKey: ["power", host],
    queryFn: ({ signal }) => get<PowerPage>("/api/power", { host }, signal),
    refetchInterval: 2 * REFRESH_MS,
  });

/** Buckets of a trend, and their length in seconds: an hour together. */
const TREND = { buckets: 60, step: 60 };

/** The last hour of several metrics of a host at a glance, each series by its metric and labels. */
export const trendsQuery = (host: string, metrics: readonly string[]) =>
  queryOptions({
    queryKey: ["trends", host, metrics],
    queryFn: async ({ signal }) => {
      const end = Math.floor(Date.now() / 1000 / TREND.step) * TREND.step;
      const match = metrics.map((metric) => selector({ metric, equal: { instance: host } }));
      const at = (seconds: number) => new Date(seconds * 1000).toISOString();
      return get<Samples>(
        "/api/samples",
        {
          match,
          start: at(end - TREND.buckets * TREND.step),
          end: at(end),
          step_seconds: TREND.step,
        },
        signal,
      );
    },
    refetchInterval: TREND.step * 1000,
    enabled: metrics.length > 0,
    placeholderData: keepPreviousData,
  });

/** The newest entries of the event log of a host's management controller. */
export const bmcLogQuery = (host: string) =>
  queryOptions({
    queryKey: ["bmc-log", host],
    queryFn: ({ signal }) => get<EventPage>("/api/events", { host, type: "bmc_log", limit: 50 }, signal),
    refetchInterval: 6 * REFRESH_MS,
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
