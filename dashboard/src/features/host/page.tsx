import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { ApiError } from "../../api/client";
import { hostEventsQuery, hostQuery } from "../../api/queries";
import type { HostDetail, HostEvent } from "../../api/types";
import { Chart } from "../../charts/chart";
import { marksOf } from "../../charts/marks";
import { liveMatch, sections } from "../../charts/of_host/sections";
import { type HostShape, shapeOf } from "../../charts/of_host/shape";
import { ChartPageProvider } from "../../charts/provider";
import { EventList } from "../../ui/event_list";
import { Section } from "../../ui/facts";
import { useTitle } from "../../ui/title";
import { useOpenRow, useRange } from "../../ui/view";
import { Empty, ErrorNote, Skeleton } from "../../ui/views";
import { FactsList } from "./details";
import { deviceSections, LateSection } from "./devices/sections";
import { openSensor, SensorPanel } from "./devices/sensors";
import { useDeviceCharts, useDevices } from "./devices/use_devices";
import { HostHeader } from "./header";
import { LISTS } from "./lists";
import { SOURCES } from "./lists/sources";
import { HostPanel } from "./panel";
import { SectionIndex } from "./section_index";

const route = getRouteApi("/hosts/$host");

function Body({ host, events }: { host: HostDetail; events: readonly HostEvent[] | undefined }) {
  // Figures change every few seconds, the shape hardly ever: the charts depend on the shape only.
  const key = JSON.stringify(shapeOf(host));
  const shape = useMemo(() => JSON.parse(key) as HostShape, [key]);
  const parts = useMemo(() => sections(shape), [shape]);
  const devices = useDevices(shape.host);
  const deviceCharts = useDeviceCharts(shape.host, devices);
  const { row } = useOpenRow();
  const open = openSensor(devices.chips, row)?.sensor.metric;
  const match = useMemo(() => {
    const charts = [...parts.flatMap((part) => part.charts), ...deviceCharts.all];
    return liveMatch(charts, shape.host, open === undefined ? [] : [open]);
  }, [parts, deviceCharts, shape.host, open]);
  const late = deviceSections(host, devices, deviceCharts);
  const marks = useMemo(() => marksOf(events ?? []), [events]);
  const index = [
    ...[...parts, ...late].map(({ id, title }) => ({ id, title })),
    { id: "events", title: "Events" },
    { id: "sources", title: "Sources" },
    { id: "facts", title: "Facts" },
  ];
  return (
    <ChartPageProvider host={shape.host} match={match} marks={marks}>
      <SectionIndex sections={index} />
      {parts.map(({ id, title, charts }) => {
        const list = LISTS.find(({ section }) => section === id);
        return (
          <Section key={id} id={id} title={title}>
            {charts.length > 0 && (
              <div className="chart-grid">
                {charts.map((spec) => (
                  <Chart key={spec.id} spec={spec} />
                ))}
              </div>
            )}
            {list?.table(host)}
          </Section>
        );
      })}
      {late.map((section) => (
        <LateSection key={section.id} {...section} />
      ))}
      <Section
        id="events"
        title="Events"
        aside={
          <Link to="/events" search={{ host: host.host }}>
            All events of {host.host}
          </Link>
        }
      >
        <EventList
          events={events}
          empty="Nothing happened in this range: no restart, no failure, no change."
        />
      </Section>
      <Section id="sources" title="Sources">
        {SOURCES.table(host)}
      </Section>
      <Section id="facts" title="Facts">
        <FactsList host={host} />
      </Section>
      <HostPanel host={host} shape={shape} />
      <SensorPanel host={shape.host} chips={devices.chips} />
    </ChartPageProvider>
  );
}

export function HostPage() {
  const { host: name } = route.useParams();
  const { range } = useRange();
  useTitle(name);
  const { data, error, refetch } = useQuery(hostQuery(name));
  const events = useQuery(hostEventsQuery(name, range));

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
