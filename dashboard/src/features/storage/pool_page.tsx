/** A pool's own page: how it is, how full it was, its datasets and devices. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { datasetsQuery, poolsQuery } from "../../api/queries";
import type { StoragePool } from "../../api/types";
import { Chart } from "../../charts/chart";
import { liveMatch } from "../../charts/of_host/sections";
import { ChartPageProvider } from "../../charts/provider";
import { DISK_RANGE } from "../../format/range";
import { Button } from "../../ui/button";
import { Findings, Words } from "../../ui/condition";
import { Facts, Section } from "../../ui/facts";
import { FilterField } from "../../ui/filter";
import { Icon } from "../../ui/icons";
import { arrange, ListTable } from "../../ui/list_table";
import { useTitle } from "../../ui/title";
import { Empty, ErrorNote, Skeleton } from "../../ui/views";
import { ofPool } from "./charts";
import { DatasetPanel, datasetRows, FLAT, TREE } from "./datasets";
import { Allocation, DamagedFiles, knowsDamage, poolFacts, Scans } from "./pool_parts";
import type { PoolSearch } from "./search";
import { Vdevs } from "./vdevs";

const route = getRouteApi("/pools/$id");
const MARKS: readonly never[] = [];

function Head({ pool }: { pool: StoragePool }) {
  return (
    <header className="host-head">
      <p className="sub disk-path">
        <Link to="/storage">Storage</Link> · {pool.type === "zfs" ? "ZFS pool" : "btrfs"} of {pool.host}
      </p>
      <div className="host-name">
        <h1>{pool.name}</h1>
        <Words state={pool.state} words={pool.words} />
      </div>
      {pool.host_silent && (
        <div className="banner critical" role="status">
          <Icon name="critical" />
          <p>{pool.host} is silent: all of this is the last that was known.</p>
        </div>
      )}
      <Findings findings={pool.findings} />
      {pool.reason !== null && pool.state !== "ok" && <p className="panel-quote">{pool.reason}</p>}
      <Facts rows={poolFacts(pool)} />
    </header>
  );
}

function Datasets({ pool }: { pool: StoragePool }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { data, error, refetch } = useQuery(datasetsQuery(pool.id));
  const all = useMemo(
    () => datasetRows(data?.datasets ?? [], pool.host_silent),
    [data?.datasets, pool.host_silent],
  );
  const { q: wanted = "", sort: sortText } = search;
  const isTree = wanted === "" && sortText === undefined;
  const spec = isTree ? TREE : FLAT;
  const { rows, sort } = useMemo(() => arrange(spec, all, wanted, sortText), [spec, all, wanted, sortText]);
  const change = (next: Partial<PoolSearch>) =>
    void navigate({
      search: (before) => ({ ...before, ...next }),
      replace: true,
      state: true,
      resetScroll: false,
    });
  const count = rows.length === all.length ? all.length : `${rows.length} of ${all.length}`;
  return (
    <section id="datasets" className="section" aria-labelledby="datasets-title">
      <div className="section-head">
        <h2 id="datasets-title">Datasets {data !== undefined && <span className="count">{count}</span>}</h2>
        <div className="section-tools">
          <FilterField
            value={wanted}
            onChange={(q) => change({ q: q || undefined })}
            label="Filter datasets"
          />
        </div>
      </div>
      {error !== null && (
        <ErrorNote what="The datasets could not be read" error={error} retry={() => void refetch()} />
      )}
      {data === undefined && error === null && <Skeleton rows={6} height={45} label="Loading datasets" />}
      {data?.truncated === true && (
        <p className="panel-note muted">
          The pool has more datasets than its agent tells; <code>datasets_exclude</code> in its configuration
          leaves some out.
        </p>
      )}
      {data !== undefined && all.length === 0 && (
        <Empty title="The agent has told of no datasets: it may lack the permission to open /dev/zfs." />
      )}
      {all.length > 0 && rows.length === 0 && (
        <Empty title={`No dataset fits “${wanted}”.`}>
          <Button onClick={() => change({ q: undefined })}>Clear the filter</Button>
        </Empty>
      )}
      {rows.length > 0 && (
        <ListTable spec={spec} rows={rows} sort={sort} onSort={(text) => change({ sort: text })} />
      )}
      <DatasetPanel pool={pool} all={all} shown={rows} />
    </section>
  );
}

function History({ pool: { host, name } }: { pool: StoragePool }) {
  const charts = useMemo(() => ofPool({ host, name }), [host, name]);
  const match = useMemo(() => liveMatch(charts, host), [charts, host]);
  return (
    <Section id="charts" title="History">
      <ChartPageProvider host={host} match={match} marks={MARKS} usual={DISK_RANGE}>
        <div className="chart-grid">
          {charts.map((spec) => (
            <Chart key={spec.id} spec={spec} />
          ))}
        </div>
      </ChartPageProvider>
    </Section>
  );
}

function Body({ pool }: { pool: StoragePool }) {
  return (
    <>
      {knowsDamage(pool) && (
        <Section id="damaged" title="Damaged files">
          <DamagedFiles pool={pool} />
        </Section>
      )}
      {pool.type === "zfs" && <Datasets pool={pool} />}
      <Section id="devices" title="Devices">
        <Vdevs vdevs={pool.vdevs} />
      </Section>
      {pool.scans.length > 0 && (
        <div className="section panel-parts">
          <Scans of={pool} />
        </div>
      )}
      {pool.allocation.length > 0 && (
        <Section id="allocation" title="Allocation">
          <Allocation pool={pool} />
        </Section>
      )}
      {pool.type === "zfs" && <History pool={pool} />}
    </>
  );
}

export function PoolPage() {
  const { id } = route.useParams();
  const { data, error, refetch } = useQuery(poolsQuery);
  const pool = data?.find((each) => each.id === id);
  useTitle(pool?.name ?? id);
  if (data !== undefined && pool === undefined) {
    return (
      <div className="page">
        <h1 className="sr-only">{id}</h1>
        <Empty title={`There is no pool ${id}.`}>
          <p>It may have been exported, destroyed, or imported on another host.</p>
          <p>
            <Link to="/storage">All pools</Link>
          </p>
        </Empty>
      </div>
    );
  }
  return (
    <div className="page" data-silent={pool?.host_silent === true ? "" : undefined}>
      {error !== null && (
        <ErrorNote
          what={
            data === undefined
              ? "The pool could not be read"
              : "The pool could not be read again, this is the last known"
          }
          error={error}
          retry={() => void refetch()}
        />
      )}
      {data === undefined && error === null && (
        <>
          <h1 className="sr-only">{id}</h1>
          <Skeleton rows={2} height={40} label="Loading the pool" />
          <Skeleton rows={6} height={45} label="Loading datasets" />
        </>
      )}
      {pool !== undefined && (
        <>
          <Head pool={pool} />
          <Body key={pool.id} pool={pool} />
        </>
      )}
    </div>
  );
}
