/** The host's sources: what each read last, how long that took, and what is wrong. */
import type { HostDetail, SourceState } from "../../../api/types";
import * as number from "../../../format/number";
import { duration, elapsed } from "../../../format/time";
import { Facts } from "../../../ui/facts";
import { Ago, Quantity } from "../../../ui/figures";
import { State } from "../../../ui/state";
import { Command, Empty } from "../../../ui/views";
import { type Column, list } from "./list";

const RANK: Record<SourceState["outcome"], number> = { stalled: 0, error: 1, pending: 2, read: 3, absent: 4 };

function Outcome({ source }: { source: SourceState }) {
  switch (source.outcome) {
    case "read":
      return <State of="ok" word="read" />;
    case "absent":
      return <State of="unknown" word="not present" />;
    case "pending":
      return <State of="unknown" word="not read yet" />;
    case "stalled":
      return <State of="critical" word="stalled" />;
    case "error":
      return <State of="warning" word="error" />;
  }
}

/** What an outcome means for the readings. */
const MEANING: Record<SourceState["outcome"], string> = {
  read: "It is read as often as it should be.",
  absent: "This host has nothing for it to read. That is no fault.",
  pending: "The agent knows it and has not read it yet.",
  stalled: "Reading it hangs. The other sources go on; its series have a gap until it answers.",
  error: "Reading it fails. The other sources go on; its series have a gap until it works again.",
};

const fails = ({ outcome }: SourceState): boolean => outcome === "error" || outcome === "stalled";

const COLUMNS: readonly Column<SourceState>[] = [
  {
    key: "source",
    words: "Source",
    numeric: false,
    sortBy: (row) => row.source,
    cell: (row) => row.source,
  },
  {
    key: "outcome",
    words: "Outcome",
    numeric: false,
    sortBy: (row) => RANK[row.outcome],
    cell: (row) => <Outcome source={row} />,
  },
  {
    key: "took",
    words: "Took",
    numeric: true,
    sortBy: (row) => row.duration_seconds,
    cell: (row) => elapsed(row.duration_seconds),
  },
  {
    key: "every",
    words: "Every",
    numeric: true,
    sortBy: (row) => row.interval_seconds,
    cell: (row) => duration(row.interval_seconds),
  },
  {
    key: "series",
    words: "Series",
    numeric: true,
    sortBy: (row) => row.series,
    cell: (row) => <Quantity of={number.count(row.series)} />,
  },
  {
    key: "last",
    words: "Last read",
    numeric: true,
    sortBy: (row) => row.last_read,
    cell: (row) => <Ago at={row.last_read} />,
  },
  {
    key: "remarks",
    words: "Remarks",
    numeric: false,
    wrap: true,
    sortBy: (row) => row.message ?? row.reason,
    cell: (row) => (
      <>
        {row.message ?? row.reason}
        {fails(row) && (
          <span className="muted">
            {" "}
            <Ago at={row.since} prefix="since " />
          </span>
        )}
      </>
    ),
  },
];

function Details({ row }: { row: SourceState; host: HostDetail }) {
  return (
    <>
      <p className="panel-note">
        <Outcome source={row} /> <span className="muted">{MEANING[row.outcome]}</span>
      </p>
      {row.message !== null && <p className="panel-quote break">{row.message}</p>}
      <Facts
        rows={[
          ["Reason", row.reason ?? "–"],
          ["So since", <Ago key="since" at={row.since} />],
          ["Last read", <Ago key="last" at={row.last_read} />],
          ["Took", elapsed(row.duration_seconds)],
          ["Read every", duration(row.interval_seconds)],
          ["Series", <Quantity key="series" of={number.count(row.series)} />],
        ]}
      />
      <h3 className="panel-part">What it yields, on the host itself</h3>
      <Command>{`hi-agent sample ${row.source}`}</Command>
    </>
  );
}

export const SOURCES = list<SourceState>({
  kind: "source",
  section: "sources",
  one: "Source",
  many: "Sources",
  rows: (host) => host.sources,
  columns: COLUMNS,
  first: { key: "outcome", descending: false },
  quiet: (row) => row.outcome === "absent",
  empty: (
    <Empty title="The agent has not said yet what it reads.">
      <p>On the host itself, this shows every source and what it lacks:</p>
      <Command>hi-agent sources</Command>
    </Empty>
  ),
  Details,
});
