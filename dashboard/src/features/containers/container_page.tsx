/** A container's own page: how it is, how it went, what happened to it, and what it is made of. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { ApiError } from "../../api/client";
import { containerQuery } from "../../api/queries";
import { selector } from "../../api/selector";
import type { ContainerDetail } from "../../api/types";
import { Chart } from "../../charts/chart";
import { marksOf } from "../../charts/marks";
import { ChartPageProvider } from "../../charts/provider";
import { Findings, Words } from "../../ui/condition";
import { EventList } from "../../ui/event_list";
import { Facts, Section } from "../../ui/facts";
import { History } from "../../ui/history";
import { Icon } from "../../ui/icons";
import { useTitle } from "../../ui/title";
import { Empty, ErrorNote, Skeleton } from "../../ui/views";
import { ofContainer } from "./charts";
import { Inside, Labels, Mounts, Networks } from "./inside";
import { containerFacts, useShape } from "./parts";
import { stateWords } from "./words";

const route = getRouteApi("/containers/$host/$name");

function Head({ container }: { container: ContainerDetail }) {
  return (
    <header className="host-head">
      <p className="sub disk-path">
        <Link to="/containers">Containers</Link> · container of {container.host}
      </p>
      <div className="host-name">
        <h1>{container.key}</h1>
        <Words state={container.condition} words={stateWords(container)} />
      </div>
      {container.host_silent && (
        <div className="banner critical" role="status">
          <Icon name="critical" />
          <p>{container.host} is silent: all of this is the last that was known.</p>
        </div>
      )}
      <Findings findings={container.findings} />
      <Facts rows={containerFacts(container)} />
    </header>
  );
}

function Body({ container }: { container: ContainerDetail }) {
  const shape = useShape(container);
  const charts = useMemo(() => ofContainer(shape), [shape]);
  const match = useMemo(
    () => charts.flatMap(({ selections }) => selections.map((each) => selector(each))),
    [charts],
  );
  const marks = useMemo(() => marksOf(container.events), [container.events]);
  return (
    <ChartPageProvider host={shape.host} match={match} marks={marks}>
      <Section id="charts" title="Use">
        <div className="chart-grid">
          {charts.map((spec) => (
            <Chart key={spec.id} spec={spec} />
          ))}
        </div>
      </Section>
      <Section
        id="events"
        title="Events"
        aside={
          <Link to="/events" search={{ host: container.host, q: container.name }}>
            All events of {container.name}
          </Link>
        }
      >
        <EventList events={container.events} empty="Nothing has happened to it since it is watched." />
      </Section>
      <Section id="inside" title="What it is">
        <Inside container={container} />
      </Section>
      <Section id="mounts" title="Mounts">
        <Mounts mounts={container.mounts} />
      </Section>
      <Section id="networks" title="Networks">
        <Networks container={container} />
      </Section>
      <Section id="labels" title="Labels">
        <Labels labels={container.labels} />
      </Section>
      <Section id="changes" title="What changed">
        <History changes={container.history} />
      </Section>
    </ChartPageProvider>
  );
}

export function ContainerPage() {
  const { host, name } = route.useParams();
  const { data, error, refetch } = useQuery(containerQuery(host, name));
  useTitle(`${name} on ${host}`);
  if (data === undefined && error instanceof ApiError && error.status === 404) {
    return (
      <div className="page">
        <h1 className="sr-only">{name}</h1>
        <Empty title={`There is no container ${name} on ${host}.`}>
          <p>It may have been removed, or made anew under another name.</p>
          <p>
            <Link to="/containers">All containers</Link>
          </p>
        </Empty>
      </div>
    );
  }
  return (
    <div className="page" data-silent={data?.host_silent === true ? "" : undefined}>
      {error !== null && (
        <ErrorNote
          what={
            data === undefined
              ? "The container could not be read"
              : "The container could not be read again, this is the last known"
          }
          error={error}
          retry={() => void refetch()}
        />
      )}
      {data === undefined && error === null && (
        <>
          <h1 className="sr-only">{name}</h1>
          <Skeleton rows={2} height={40} label="Loading the container" />
          <Skeleton rows={2} height={280} label="Loading charts" />
        </>
      )}
      {data !== undefined && (
        <>
          <Head container={data} />
          <Body key={data.id} container={data} />
        </>
      )}
    </div>
  );
}
