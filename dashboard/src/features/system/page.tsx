import { useQuery } from "@tanstack/react-query";
import { systemQuery } from "../../api/queries";
import type { System } from "../../api/types";
import * as number from "../../format/number";
import { duration, elapsed } from "../../format/time";
import { Facts, Section } from "../../ui/facts";
import { Ago, Bar, Quantity } from "../../ui/figures";
import { State } from "../../ui/state";
import { useTitle } from "../../ui/title";
import { ErrorNote, Skeleton } from "../../ui/views";
import { problems } from "./problems";
import { DeadLetters, Housekeeping, RefusedSeries } from "./tables";

const count = (value: number | null) => <Quantity of={number.count(value)} />;
const bytes = (value: number | null) => <Quantity of={number.bytes(value)} />;

function Connected({ yes }: { yes: boolean }) {
  return yes ? <State of="ok" word="connected" /> : <State of="critical" word="not connected" />;
}

function Problems({ system }: { system: System }) {
  const found = problems(system);
  if (found.length === 0) {
    return (
      <p className="all-well" role="status">
        <State of="ok" word="The system is well" />
        <span className="muted">collector, broker and database work; nothing was lost</span>
      </p>
    );
  }
  return (
    <ul className="attention-list">
      {found.map(({ severity, words, advice }) => (
        <li key={words} className="attention-item">
          <State of={severity} />
          <p>
            {words}. <span className="muted">{advice}</span>
          </p>
        </li>
      ))}
    </ul>
  );
}

function Collector({ system }: { system: System }) {
  return (
    <Facts
      rows={[
        ["Version", system.version],
        ["Started", <Ago key="started" at={system.started_at} />],
        ["Runs for", duration(system.uptime_seconds)],
        ["Memory", bytes(system.rss_bytes)],
        ["Written to disk", bytes(system.bytes_written)],
        ["Live clients", `${system.clients.live} of ${system.clients.limit}`],
      ]}
    />
  );
}

function Ingest({ ingest, cursor }: Pick<System, "ingest" | "cursor">) {
  return (
    <Facts
      rows={[
        ["Stream", <Connected key="connected" yes={ingest.connected} />],
        ["Behind by", ingest.lag_seconds === null ? "–" : elapsed(ingest.lag_seconds)],
        ["Messages waiting", count(ingest.lag_messages)],
        ["Samples per second", <Quantity key="rate" of={number.plain(ingest.samples_per_second)} />],
        ["Samples", count(ingest.samples_total)],
        ["Batches", count(ingest.batches_total)],
        ["Duplicates left out", count(ingest.duplicates_total)],
        ["Series", count(ingest.series)],
        ["Layouts", count(ingest.layouts)],
        ["Hosts followed", count(cursor.hosts)],
        ["Gaps open", count(cursor.gaps_open)],
        ["Gaps repaired", count(cursor.gaps_repaired_total)],
        ["Batches lost", count(cursor.batches_lost_total)],
      ]}
    />
  );
}

function Storage({ system: { head, flush, database } }: { system: System }) {
  const filled = head.limit_bytes > 0 ? head.bytes / head.limit_bytes : null;
  return (
    <Facts
      rows={[
        [
          "Head",
          <span key="head" className="inline-bar">
            <Bar ratio={filled} limits={{ warning: 0.8, critical: 0.95 }} />
            <Quantity of={number.bytes(head.bytes)} />
            <span className="muted"> of {number.text(number.bytes(head.limit_bytes))}</span>
          </span>,
        ],
        ["Samples in the head", count(head.samples)],
        ["Oldest in the head", <Ago key="oldest" at={head.oldest_at} />],
        ["Last flush", <Ago key="flush" at={flush.last_at} />],
        ["Last flush took", elapsed(flush.last_seconds)],
        ["Last flush wrote", <span key="wrote">{count(flush.last_samples)} samples</span>],
        [
          "Flushes",
          <span key="flushes">
            {count(flush.count)}, every {duration(flush.interval_seconds)}
          </span>,
        ],
        ["Database", <Connected key="database" yes={database.connected} />],
        ["PostgreSQL", database.version ?? "–"],
        ["TimescaleDB", database.timescaledb ?? "not there, plain partitions are used"],
        ["Size", bytes(database.size_bytes)],
      ]}
    />
  );
}

function Broker({ broker }: { broker: System["broker"] }) {
  return (
    <Facts
      rows={[
        ["Connection", <Connected key="connected" yes={broker.connected} />],
        [
          "Address",
          <span key="url" className="break">
            {broker.url}
          </span>,
        ],
        ["NATS", broker.version ?? "–"],
        ["Kept in streams", bytes(broker.stream_bytes)],
        ["Messages kept", count(broker.stream_messages)],
      ]}
    />
  );
}

function Sections({ system }: { system: System }) {
  return (
    <>
      <Problems system={system} />
      <Section id="collector" title="Collector">
        <Collector system={system} />
      </Section>
      <Section id="ingest" title="Ingest">
        <Ingest ingest={system.ingest} cursor={system.cursor} />
      </Section>
      <Section id="storage" title="Storage">
        <Storage system={system} />
      </Section>
      <Section id="broker" title="Broker">
        <Broker broker={system.broker} />
      </Section>
      <Section id="housekeeping" title="Housekeeping">
        <Housekeeping tasks={system.housekeeping} />
      </Section>
      <Section id="dead-letters" title="Dead letters">
        <DeadLetters letters={system.dead_letters} />
      </Section>
      <Section id="refused" title="Refused series">
        <RefusedSeries refused={system.refused_series} />
      </Section>
    </>
  );
}

export function SystemPage() {
  useTitle("System");
  const { data, error, refetch, isPending } = useQuery(systemQuery);
  return (
    <div className="page">
      <h1>System</h1>
      {error !== null && (
        <ErrorNote
          what={
            data === undefined
              ? "The system’s state could not be read"
              : "The system’s state could not be read again, this is the last known"
          }
          error={error}
          retry={() => void refetch()}
        />
      )}
      {isPending && <Skeleton rows={8} height={48} label="Loading the system’s state" />}
      {data !== undefined && <Sections system={data} />}
    </div>
  );
}
