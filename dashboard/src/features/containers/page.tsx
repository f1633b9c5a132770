/** The containers of all hosts. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { lazy, Suspense, useMemo } from "react";
import { containersQuery } from "../../api/queries";
import type { Container } from "../../api/types";
import { Button } from "../../ui/button";
import { FilterField } from "../../ui/filter";
import { arrange, grouped, ListTable } from "../../ui/list_table";
import { useTitle } from "../../ui/title";
import { Command, Empty, ErrorNote, Skeleton } from "../../ui/views";
import { type ContainersSearch, DEFAULT_GROUP, GROUPS, type Group } from "./search";
import { specFor } from "./table";
import { GROUP_OF, groupWords } from "./words";

const route = getRouteApi("/containers");
/** It brings the charts along, which the table does without. */
const ContainerPanel = lazy(async () => ({ default: (await import("./panel")).ContainerPanel }));

const GROUP_WORDS: Record<Group, string> = { host: "By host", project: "By project", none: "One list" };

function Nothing() {
  return (
    <Empty title="No agent has told of any container yet.">
      <p>
        The source docker finds the sockets of Docker and Podman by itself. Whether it may read them, and what
        it lacks, this tells on a host:
      </p>
      <Command>hi-agent sample docker</Command>
    </Empty>
  );
}

function Grouping({ group, onChange }: { group: Group; onChange: (group: Group) => void }) {
  return (
    <label className="choice">
      <span className="sr-only">Grouped</span>
      <select value={group} onChange={(event) => onChange(event.target.value as Group)}>
        {GROUPS.map((each) => (
          <option key={each} value={each}>
            {GROUP_WORDS[each]}
          </option>
        ))}
      </select>
    </label>
  );
}

function GroupHead({ name, rows, isHost }: { name: string; rows: readonly Container[]; isHost: boolean }) {
  return (
    <>
      {isHost ? (
        <Link to="/hosts/$host" params={{ host: name }}>
          {name}
        </Link>
      ) : (
        name
      )}{" "}
      <span className="sub">{groupWords(rows)}</span>
    </>
  );
}

export function ContainersPage() {
  useTitle("Containers");
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { data, error, refetch, isPending } = useQuery(containersQuery);
  const all = useMemo(() => data ?? [], [data]);
  const { q: wanted = "", sort: sortText, group = DEFAULT_GROUP } = search;
  const spec = specFor(group);
  const groupOf = group === "none" ? undefined : GROUP_OF[group];
  const { rows, sort } = useMemo(() => {
    const arranged = arrange(spec, all, wanted, sortText);
    return groupOf === undefined ? arranged : { ...arranged, rows: grouped(arranged.rows, groupOf) };
  }, [spec, all, wanted, sortText, groupOf]);
  const change = (next: Partial<ContainersSearch>) =>
    void navigate({
      search: (before) => ({ ...before, ...next }),
      replace: true,
      state: true,
      resetScroll: false,
    });
  const count = rows.length === all.length ? all.length : `${rows.length} of ${all.length}`;
  return (
    <div className="page" data-panel={search.row === undefined ? undefined : ""}>
      <div className="page-head section-head">
        <h1>Containers {all.length > 0 && <span className="count">{count}</span>}</h1>
        <div className="section-tools">
          <FilterField
            value={wanted}
            onChange={(q) => change({ q: q || undefined })}
            label="Filter containers"
          />
          <Grouping
            group={group}
            onChange={(next) => change({ group: next === DEFAULT_GROUP ? undefined : next })}
          />
        </div>
      </div>
      {all.length > 0 && <p className="muted containers-sum">{groupWords(all)}</p>}
      {error !== null && (
        <ErrorNote
          what={
            data === undefined
              ? "The containers could not be read"
              : "The containers could not be read again, this is the last known"
          }
          error={error}
          retry={() => void refetch()}
        />
      )}
      {isPending && error === null && <Skeleton rows={10} height={45} label="Loading containers" />}
      {data !== undefined && all.length === 0 && <Nothing />}
      {all.length > 0 && rows.length === 0 && (
        <Empty title={`No container fits “${wanted}”.`}>
          <Button onClick={() => change({ q: undefined })}>Clear the filter</Button>
        </Empty>
      )}
      {rows.length > 0 && (
        <ListTable
          spec={spec}
          rows={rows}
          sort={sort}
          onSort={(text) => change({ sort: text })}
          groupOf={groupOf}
          groupHead={(name, own) => <GroupHead name={name} rows={own} isHost={group === "host"} />}
        />
      )}
      {search.row !== undefined && data !== undefined && (
        <Suspense>
          <ContainerPanel all={all} shown={rows} />
        </Suspense>
      )}
    </div>
  );
}
