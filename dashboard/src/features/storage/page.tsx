/** The storage of all hosts: pools, arrays, disks. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { lazy, type ReactNode, Suspense, useMemo } from "react";
import { arraysQuery, disksQuery, poolsQuery } from "../../api/queries";
import type { StorageController } from "../../api/types";
import { Button } from "../../ui/button";
import { HostLink } from "../../ui/condition";
import { Section } from "../../ui/facts";
import { FilterField } from "../../ui/filter";
import { arrange, ListTable } from "../../ui/list_table";
import { State } from "../../ui/state";
import { useTitle } from "../../ui/title";
import { Command, Empty, ErrorNote, Skeleton } from "../../ui/views";
import { DISKS } from "./disks";
import { ARRAYS, POOLS } from "./pools";
import { type Kind, readRow, type StorageSearch } from "./search";

const route = getRouteApi("/storage");
/** It brings the charts along, which the tables do without. */
const StoragePanel = lazy(async () => ({ default: (await import("./panel")).StoragePanel }));

function Nothing() {
  return (
    <Empty title="No agent has told of any disk, array or pool yet.">
      <p>
        The sources block, smart, md, zfs and btrfs find what there is by themselves. What they can read on a
        host, and what they lack for more, this tells there:
      </p>
      <Command>hi-agent sources</Command>
    </Empty>
  );
}

function Controllers({ controllers }: { controllers: readonly StorageController[] }) {
  if (controllers.length === 0) return null;
  return (
    <ul className="controllers">
      {controllers.map((each) => (
        <li key={each.id}>
          <State of="unknown" word="not visible" />
          <p>
            <HostLink host={each.host} /> · {[each.family, each.model].filter(Boolean).join(" ")}
            {each.volumes.length > 0 && ` (${each.volumes.join(", ")})`}
            <span className="muted">
              : {each.reason ?? "the disks behind this controller cannot be read"}
            </span>
          </p>
        </li>
      ))}
    </ul>
  );
}

/** Number of rows, and of how many when a filter hides some. */
function Count({ shown, all }: { shown: number; all: number }) {
  return <span className="count">{shown === all ? all : `${shown} of ${all}`}</span>;
}

function Part({ id, title, children }: { id: string; title: ReactNode; children: ReactNode }) {
  return (
    <section id={id} className="section" aria-labelledby={`${id}-title`}>
      <div className="section-head">
        <h2 id={`${id}-title`}>{title}</h2>
      </div>
      {children}
    </section>
  );
}

export function StoragePage() {
  useTitle("Storage");
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const disks = useQuery(disksQuery);
  const arrays = useQuery(arraysQuery);
  const pools = useQuery(poolsQuery);
  const wanted = search.q ?? "";
  const all = useMemo(
    () => ({ disk: disks.data?.disks ?? [], array: arrays.data ?? [], pool: pools.data ?? [] }),
    [disks.data, arrays.data, pools.data],
  );
  const { sort_disk: sortDisk, sort_array: sortArray, sort_pool: sortPool } = search;
  const disk = useMemo(() => arrange(DISKS, all.disk, wanted, sortDisk), [all, wanted, sortDisk]);
  const array = useMemo(() => arrange(ARRAYS, all.array, wanted, sortArray), [all, wanted, sortArray]);
  const pool = useMemo(() => arrange(POOLS, all.pool, wanted, sortPool), [all, wanted, sortPool]);
  const change = (next: Partial<StorageSearch>) =>
    void navigate({
      search: (before) => ({ ...before, ...next }),
      replace: true,
      state: true,
      resetScroll: false,
    });
  const sorted = (kind: Kind) => (text: string | undefined) => change({ [`sort_${kind}`]: text });

  const queries = [disks, arrays, pools];
  const failed = queries.find(({ error }) => error !== null);
  const pending = queries.some(({ isPending }) => isPending);
  const controllers = disks.data?.controllers ?? [];
  const total = all.disk.length + all.array.length + all.pool.length + controllers.length;
  const shown = disk.rows.length + array.rows.length + pool.rows.length;
  const isKnown = queries.some(({ data }) => data !== undefined);

  return (
    <div className="page" data-panel={readRow(search.row ?? null) === null ? undefined : ""}>
      <div className="page-head">
        <h1>Storage</h1>
        <div className="section-tools">
          <FilterField
            value={wanted}
            onChange={(q) => change({ q: q || undefined })}
            label="Filter storage"
          />
        </div>
      </div>
      {failed?.error && (
        <ErrorNote
          what={
            isKnown
              ? "The storage could not be read again, this is the last known"
              : "The storage could not be read"
          }
          error={failed.error}
          retry={() => void Promise.all(queries.map(({ refetch }) => refetch()))}
        />
      )}
      {pending && failed === undefined && <Skeleton rows={8} height={45} label="Loading storage" />}
      {!pending && total === 0 && failed === undefined && <Nothing />}
      {!pending && total > 0 && shown === 0 && wanted !== "" && (
        <Empty title={`No disk, array or pool fits “${wanted}”.`}>
          <Button onClick={() => change({ q: undefined })}>Clear the filter</Button>
        </Empty>
      )}
      {pool.rows.length > 0 && (
        <Part
          id="pools"
          title={
            <>
              Pools <Count shown={pool.rows.length} all={all.pool.length} />
            </>
          }
        >
          <ListTable spec={POOLS} rows={pool.rows} sort={pool.sort} onSort={sorted("pool")} />
        </Part>
      )}
      {array.rows.length > 0 && (
        <Part
          id="arrays"
          title={
            <>
              Arrays <Count shown={array.rows.length} all={all.array.length} />
            </>
          }
        >
          <ListTable spec={ARRAYS} rows={array.rows} sort={array.sort} onSort={sorted("array")} />
        </Part>
      )}
      {disk.rows.length > 0 && (
        <Part
          id="disks"
          title={
            <>
              Disks <Count shown={disk.rows.length} all={all.disk.length} />
            </>
          }
        >
          <ListTable spec={DISKS} rows={disk.rows} sort={disk.sort} onSort={sorted("disk")} />
        </Part>
      )}
      {controllers.length > 0 && (
        <Section id="controllers" title="RAID controllers">
          <Controllers controllers={controllers} />
        </Section>
      )}
      {search.row !== undefined && isKnown && (
        <Suspense>
          <StoragePanel all={all} shown={{ disk: disk.rows, array: array.rows, pool: pool.rows }} />
        </Suspense>
      )}
    </div>
  );
}
