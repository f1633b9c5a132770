/** A disk's own page: what it says of itself, how that went, and where it has been. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { ApiError } from "../../api/client";
import { diskQuery } from "../../api/queries";
import type { StorageDiskDetail } from "../../api/types";
import { Chart } from "../../charts/chart";
import { liveMatch } from "../../charts/of_host/sections";
import { ChartPageProvider } from "../../charts/provider";
import { DISK_RANGE } from "../../format/range";
import { factValue, sentence } from "../../format/words";
import { Findings, Words } from "../../ui/condition";
import { Facts, Section } from "../../ui/facts";
import { Ago } from "../../ui/figures";
import { History } from "../../ui/history";
import { Icon } from "../../ui/icons";
import { useTitle } from "../../ui/title";
import { Empty, ErrorNote, Skeleton } from "../../ui/views";
import { AttributePanel, Attributes, Readings } from "./attributes";
import { type DiskShape, ofDisk } from "./charts";
import { Sleeping } from "./disks";
import { Log, Places } from "./logs";
import { diskFacts, ErrorCounts } from "./panel";
import { verdict } from "./words";

const route = getRouteApi("/disks/$id");
const MARKS: readonly never[] = [];

function Head({ disk }: { disk: StorageDiskDetail }) {
  return (
    <header className="host-head">
      <p className="sub disk-path">
        <Link to="/storage">Storage</Link> · disk {disk.device} of {disk.host}
      </p>
      <div className="host-name">
        <h1>{disk.model ?? disk.device}</h1>
        <Words state={disk.state} words={verdict(disk)} />
        <Sleeping disk={disk} />
      </div>
      {disk.host_silent && (
        <div className="banner critical" role="status">
          <Icon name="critical" />
          <p>{disk.host} is silent: all of this is the last that was known.</p>
        </div>
      )}
      <Findings findings={disk.findings} />
      <Facts rows={diskFacts(disk)} />
    </header>
  );
}

function FactsNow({ facts }: { facts: StorageDiskDetail["facts"] }) {
  return (
    <ul className="fact-list">
      {Object.entries(facts).map(([kind, doc]) => (
        <li key={kind}>
          <details>
            <summary>{sentence(kind)}</summary>
            <dl className="facts">
              {Object.entries((doc ?? {}) as Record<string, unknown>).map(([key, value]) => (
                <div key={key}>
                  <dt>{sentence(key)}</dt>
                  <dd className="break">{factValue(key, value)}</dd>
                </div>
              ))}
            </dl>
          </details>
        </li>
      ))}
    </ul>
  );
}

function Body({ disk }: { disk: StorageDiskDetail }) {
  // Figures change; the charts depend on these only.
  const key = JSON.stringify({
    host: disk.host,
    device: disk.health_device,
    errors: Object.keys(disk.errors),
    wear: disk.wear_ratio !== null,
    temperature: disk.temperature_celsius !== null,
  });
  const shape = useMemo(() => JSON.parse(key) as DiskShape, [key]);
  const charts = useMemo(() => ofDisk(shape), [shape]);
  const match = useMemo(() => liveMatch(charts, shape.host), [charts, shape.host]);
  return (
    <ChartPageProvider host={shape.host} match={match} marks={MARKS} usual={DISK_RANGE}>
      {charts.length > 0 && (
        <Section id="charts" title="History">
          <div className="chart-grid">
            {charts.map((spec) => (
              <Chart key={spec.id} spec={spec} />
            ))}
          </div>
        </Section>
      )}
      {Object.keys(disk.errors).length > 0 && (
        <Section id="errors" title="Errors it counts">
          <ErrorCounts disk={disk} />
        </Section>
      )}
      {disk.attributes.length > 0 && (
        <Section id="attributes" title="Attributes">
          <Attributes attributes={disk.attributes} />
        </Section>
      )}
      <Section id="self-tests" title="Self-tests">
        <Log label="Self-tests" entries={disk.self_tests} empty="Its log has no self-test." />
      </Section>
      <Section id="error-log" title="Error log">
        <Log label="Error log" entries={disk.error_log} empty="Its log has no error." />
      </Section>
      {disk.readings.length > 0 && (
        <Section id="readings" title="Readings" aside={<Ago at={disk.last_read} prefix="read " />}>
          <Readings readings={disk.readings} />
        </Section>
      )}
      <Section id="places" title="Where it stood">
        <Places places={disk.places} />
      </Section>
      <Section id="changes" title="What changed">
        <History changes={disk.history} />
      </Section>
      <Section id="facts" title="Facts">
        <FactsNow facts={disk.facts} />
      </Section>
      <AttributePanel attributes={disk.attributes} shape={shape} />
    </ChartPageProvider>
  );
}

export function DiskPage() {
  const { id } = route.useParams();
  const { data, error, refetch } = useQuery(diskQuery(id));
  useTitle(data?.model ?? data?.device ?? id);
  if (data === undefined && error instanceof ApiError && error.status === 404) {
    return (
      <div className="page">
        <h1 className="sr-only">{id}</h1>
        <Empty title={`There is no disk ${id}.`}>
          <p>It may have been taken out, or put into another host.</p>
          <p>
            <Link to="/storage">All disks</Link>
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
              ? "The disk could not be read"
              : "The disk could not be read again, this is the last known"
          }
          error={error}
          retry={() => void refetch()}
        />
      )}
      {data === undefined && error === null && (
        <>
          <h1 className="sr-only">{id}</h1>
          <Skeleton rows={2} height={40} label="Loading the disk" />
          <Skeleton rows={2} height={280} label="Loading charts" />
        </>
      )}
      {data !== undefined && (
        <>
          <Head disk={data} />
          <Body key={data.id} disk={data} />
        </>
      )}
    </div>
  );
}
