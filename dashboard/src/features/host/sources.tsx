/** The host's sources: what each read last, how long that took, and what is wrong. */
import type { HostDetail, SourceState } from "../../api/types";
import * as number from "../../format/number";
import { duration, elapsed } from "../../format/time";
import { Ago, Quantity } from "../../ui/figures";
import { Scroll } from "../../ui/scroll";
import { State } from "../../ui/state";
import { Command, Empty } from "../../ui/views";

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

/** Failing first, then by name. */
export const bySeverity = (left: SourceState, right: SourceState): number =>
  RANK[left.outcome] - RANK[right.outcome] || left.source.localeCompare(right.source);

export function SourcesTable({ host }: { host: HostDetail }) {
  if (host.sources.length === 0) {
    return (
      <Empty title="The agent has not said yet what it reads.">
        <p>On the host itself, this shows every source and what it lacks:</p>
        <Command>hi-agent sources</Command>
      </Empty>
    );
  }
  return (
    <Scroll label="Sources">
      <table className="table">
        <caption className="sr-only">Sources</caption>
        <thead>
          <tr>
            <th scope="col">Source</th>
            <th scope="col">Outcome</th>
            <th scope="col" className="numeric">
              Took
            </th>
            <th scope="col" className="numeric">
              Every
            </th>
            <th scope="col" className="numeric">
              Series
            </th>
            <th scope="col" className="numeric">
              Last read
            </th>
            <th scope="col">Remarks</th>
          </tr>
        </thead>
        <tbody>
          {[...host.sources].sort(bySeverity).map((source) => (
            <tr key={source.source} className={source.outcome === "absent" ? "quiet" : undefined}>
              <th scope="row">{source.source}</th>
              <td>
                <Outcome source={source} />
              </td>
              <td className="numeric">{elapsed(source.duration_seconds)}</td>
              <td className="numeric">{duration(source.interval_seconds)}</td>
              <td className="numeric">
                <Quantity of={number.count(source.series)} />
              </td>
              <td className="numeric">
                <Ago at={source.last_read} />
              </td>
              <td className="wrap">
                {source.message ?? source.reason}
                {(source.outcome === "error" || source.outcome === "stalled") && (
                  <span className="muted">
                    {" "}
                    <Ago at={source.since} prefix="since " />
                  </span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
