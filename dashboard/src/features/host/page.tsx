import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { ApiError } from "../../api/client";
import { LiveStream } from "../../api/live";
import { hostEventsQuery, hostQuery } from "../../api/queries";
import type { HostDetail, HostEvent } from "../../api/types";
import { Chart } from "../../charts/chart";
import type { Mark } from "../../charts/marks";
import { type ChartPage, ChartPageContext } from "../../charts/page";
import { SHORTEST_RANGE_MS, toRange } from "../../format/range";
import { Section } from "../../ui/facts";
import { useTitle } from "../../ui/title";
import { Empty, ErrorNote, Skeleton } from "../../ui/views";
import { liveMatch, sections } from "./charts";
import { FactsList, HostEvents } from "./details";
import { HostHeader } from "./header";
import { SectionIndex } from "./section_index";
import { type HostShape, shapeOf } from "./shape";
import { SourcesTable } from "./sources";
import { DiskTable, FilesystemTable, InterfaceTable } from "./tables";

const route = getRouteApi("/hosts/$host");

/** Vertical marks of the charts; several of one moment become one line. */
export function marksOf(events: readonly HostEvent[]): Mark[] {
  return events.map((event) => ({
    at: Date.parse(event.at),
    words: event.message || event.type,
    severity: event.severity,
  }));
}

/** The host's live stream while `live`; a new one when it has to send other series. */
function useStream(host: string, match: readonly string[], live: boolean): LiveStream | null {
  const [stream, setStream] = useState<LiveStream | null>(null);
  const queries = useQueryClient();
  const wanted = match.join("\n");
  useEffect(() => {
    if (!live) return;
    const made = new LiveStream(host, wanted.split("\n"));
    made.listen({ host: () => void queries.invalidateQueries({ queryKey: ["host", host] }) });
    setStream(made);
    return () => {
      made.end();
      setStream(null);
    };
  }, [host, wanted, live, queries]);
  return stream;
}

/** All that the charts share. */
function useChartPage(shape: HostShape, events: readonly HostEvent[] | undefined) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { range: name, from, to } = search;
  const range = useMemo(() => toRange({ range: name, from, to }), [name, from, to]);
  const parts = useMemo(() => sections(shape), [shape]);
  const match = useMemo(() => liveMatch(parts, shape.host), [parts, shape.host]);
  const stream = useStream(shape.host, match, range.live);
  const marks = useMemo(() => marksOf(events ?? []), [events]);
  const page = useMemo<ChartPage>(
    () => ({
      range,
      stream,
      marks,
      zoom: (start, end) => {
        const middle = (start + end) / 2;
        const half = Math.max(end - start, SHORTEST_RANGE_MS) / 2;
        void navigate({
          search: (before) => ({ ...before, from: Math.round(middle - half), to: Math.round(middle + half) }),
          resetScroll: false,
        });
      },
      reset: () => void navigate({ search: ({ range }) => ({ range }), resetScroll: false }),
    }),
    [range, stream, marks, navigate],
  );
  return { page, parts };
}

const LISTS: Record<string, (props: { host: HostDetail }) => React.ReactNode> = {
  network: InterfaceTable,
  disks: DiskTable,
  filesystems: FilesystemTable,
};

function Body({ host, events }: { host: HostDetail; events: readonly HostEvent[] | undefined }) {
  // Figures change every few seconds, the shape hardly ever: the charts depend on the shape only.
  const key = JSON.stringify(shapeOf(host));
  const shape = useMemo(() => JSON.parse(key) as HostShape, [key]);
  const { page, parts } = useChartPage(shape, events);
  const index = [
    ...parts.map(({ id, title }) => ({ id, title })),
    { id: "events", title: "Events" },
    { id: "sources", title: "Sources" },
    { id: "facts", title: "Facts" },
  ];
  return (
    <ChartPageContext value={page}>
      <SectionIndex sections={index} />
      {parts.map(({ id, title, charts }) => {
        const List = LISTS[id];
        return (
          <Section key={id} id={id} title={title}>
            {charts.length > 0 && (
              <div className="chart-grid">
                {charts.map((spec) => (
                  <Chart key={spec.id} spec={spec} />
                ))}
              </div>
            )}
            {List !== undefined && <List host={host} />}
          </Section>
        );
      })}
      <Section
        id="events"
        title="Events"
        aside={
          <Link to="/events" search={{ host: host.host }}>
            All events of {host.host}
          </Link>
        }
      >
        <HostEvents events={events} />
      </Section>
      <Section id="sources" title="Sources">
        <SourcesTable host={host} />
      </Section>
      <Section id="facts" title="Facts">
        <FactsList host={host} />
      </Section>
    </ChartPageContext>
  );
}

export function HostPage() {
  const { host: name } = route.useParams();
  const { range, from, to } = route.useSearch();
  const shown = useMemo(() => toRange({ range, from, to }), [range, from, to]);
  useTitle(name);
  const { data, error, refetch } = useQuery(hostQuery(name));
  const events = useQuery(hostEventsQuery(name, shown));

  if (data === undefined && error instanceof ApiError && error.status === 404) {
    return (
      <div className="page">
        <h1 className="sr-only">{name}</h1>
        <Empty title={`No host is called ${name}.`}>
          <p>It may have been renamed, or its agent has never reached this collector.</p>
          <p>
            <Link to="/">All hosts</Link>
          </p>
        </Empty>
      </div>
    );
  }
  return (
    <div className="page" data-silent={data?.state === "silent" ? "" : undefined}>
      {error !== null && (
        <ErrorNote
          what={
            data === undefined
              ? `${name} could not be read`
              : `${name} could not be read again, this is the last known`
          }
          error={error}
          retry={() => void refetch()}
        />
      )}
      {data === undefined && error === null && (
        <>
          <h1 className="sr-only">{name}</h1>
          <Skeleton rows={2} height={40} label={`Loading ${name}`} />
          <Skeleton rows={3} height={280} label="Loading charts" />
        </>
      )}
      {data !== undefined && (
        <>
          <HostHeader host={data} />
          <Body key={data.host} host={data} events={events.data?.events} />
        </>
      )}
    </div>
  );
}
