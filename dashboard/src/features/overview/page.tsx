import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { lazy, Suspense, useMemo } from "react";
import { hostsQuery } from "../../api/queries";
import { Button } from "../../ui/button";
import { FilterField } from "../../ui/filter";
import { Menu, MenuCheck, MenuItem, MenuSeparator } from "../../ui/menu";
import { readSort, writeSort } from "../../ui/table";
import { useTitle } from "../../ui/title";
import { Command, Empty, ErrorNote, Skeleton } from "../../ui/views";
import { AttentionList } from "./attention";
import { COLUMNS } from "./columns";
import { arrange, HostsTable } from "./hosts_table";
import {
  COLUMN_KEYS,
  type ColumnKey,
  DEFAULT_SORT,
  type OverviewSearch,
  readColumns,
  writeColumns,
} from "./search";

const route = getRouteApi("/");
/** It brings the charts along, which the table does without. */
const HostPanel = lazy(async () => ({ default: (await import("./panel")).HostPanel }));

function ColumnMenu({
  shown,
  onChange,
}: {
  shown: readonly ColumnKey[];
  onChange: (shown?: ColumnKey[]) => void;
}) {
  return (
    <Menu label="Choose columns" icon="columns" text={<span className="not-on-phone">Columns</span>}>
      {COLUMNS.filter(({ key }) => key !== "host").map(({ key, words }) => (
        <MenuCheck
          key={key}
          checked={shown.includes(key)}
          onChange={(on) => onChange(on ? [...shown, key] : shown.filter((each) => each !== key))}
        >
          {words}
        </MenuCheck>
      ))}
      <MenuSeparator />
      <MenuItem onSelect={() => onChange(undefined)}>As at first</MenuItem>
    </Menu>
  );
}

function NoHosts() {
  return (
    <Empty title="No host has sent anything yet.">
      <p>Start an agent on each machine that you want to see here. On this one:</p>
      <Command>hi-agent run</Command>
      <p>On another, name the broker that this collector reads from, and its user if it asks for one:</p>
      <Command>hi-agent run --set nats.url=nats://BROKER:4222</Command>
      <p className="muted">A host appears by itself within about 15 seconds of its agent's start.</p>
    </Empty>
  );
}

function Failed({ known, error, retry }: { known: boolean; error: Error; retry: () => void }) {
  const what = known
    ? "The hosts could not be read again, these are the last known"
    : "The hosts could not be read";
  return <ErrorNote what={what} error={error} retry={retry} />;
}

export function OverviewPage() {
  useTitle("Overview");
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { data, error, refetch, isPending } = useQuery(hostsQuery);
  const sort = useMemo(() => readSort(search.sort, COLUMN_KEYS, DEFAULT_SORT), [search.sort]);
  const shown = useMemo(() => readColumns(search.cols), [search.cols]);
  const hosts = useMemo(() => arrange(data ?? [], search.q ?? "", sort), [data, search.q, sort]);
  const change = (next: Partial<OverviewSearch>) =>
    void navigate({
      search: (before) => ({ ...before, ...next }),
      replace: true,
      state: true,
      resetScroll: false,
    });

  return (
    <div className="page" data-panel={search.row === undefined ? undefined : ""}>
      <h1 className="sr-only">Overview</h1>
      <AttentionList hosts={data === undefined ? null : data.filter(({ state }) => state === "ok").length} />
      <section aria-labelledby="hosts-title" className="section">
        <div className="section-head">
          <h2 id="hosts-title">
            Hosts{" "}
            {data !== undefined && data.length > 0 && (
              <span className="count">
                {hosts.length === data.length ? data.length : `${hosts.length} of ${data.length}`}
              </span>
            )}
          </h2>
          <div className="section-tools">
            <FilterField
              value={search.q ?? ""}
              onChange={(q) => change({ q: q || undefined })}
              label="Filter hosts"
            />
            <ColumnMenu shown={shown} onChange={(next) => change({ cols: next && writeColumns(next) })} />
          </div>
        </div>
        {isPending && <Skeleton rows={6} height={45} label="Loading hosts" />}
        {error !== null && <Failed known={data !== undefined} error={error} retry={() => void refetch()} />}
        {data?.length === 0 && <NoHosts />}
        {data !== undefined && data.length > 0 && hosts.length === 0 && (
          <Empty title={`No host fits “${search.q}”.`}>
            <Button onClick={() => change({ q: undefined })}>Clear the filter</Button>
          </Empty>
        )}
        {hosts.length > 0 && (
          <HostsTable
            hosts={hosts}
            shown={shown}
            sort={sort}
            onSort={(next) => change({ sort: writeSort(next, DEFAULT_SORT) })}
          />
        )}
      </section>
      {search.row !== undefined && data !== undefined && (
        <Suspense>
          <HostPanel hosts={data} shown={hosts} />
        </Suspense>
      )}
    </div>
  );
}
