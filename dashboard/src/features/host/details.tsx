/** The host's events and facts. */
import type { HostDetail, HostEvent } from "../../api/types";
import { Ago } from "../../ui/figures";
import { Scroll } from "../../ui/scroll";
import { State, severity } from "../../ui/state";
import { Empty } from "../../ui/views";

const MOST_EVENTS = 20;

export function HostEvents({ events }: { events: readonly HostEvent[] | undefined }) {
  if (events === undefined) return null;
  if (events.length === 0)
    return <Empty title="Nothing happened in this range: no restart, no failure, no change." />;
  return (
    <Scroll label="Events">
      <table className="table">
        <caption className="sr-only">Events</caption>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Severity</th>
            <th scope="col">What</th>
            <th scope="col">Type</th>
          </tr>
        </thead>
        <tbody>
          {events.slice(0, MOST_EVENTS).map((event) => (
            <tr key={event.id}>
              <td>
                <Ago at={event.at} />
              </td>
              <td>
                <State of={severity(event.severity)} />
              </td>
              <td className="wrap">{event.message}</td>
              <td className="muted">{event.type}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

/** The fields of a fact, one level deep; what is nested stays as it was sent. */
function fields(doc: unknown): [string, string][] {
  if (typeof doc !== "object" || doc === null) return [["value", String(doc)]];
  return Object.entries(doc).map(([key, value]) => [
    key,
    typeof value === "object" ? JSON.stringify(value) : String(value),
  ]);
}

export function FactsList({ host }: { host: HostDetail }) {
  if (host.facts.length === 0) return <Empty title="The agent has sent no facts about this host yet." />;
  return (
    <ul className="fact-list">
      {host.facts.map((fact) => (
        <li key={`${fact.kind} ${fact.id}`}>
          <details>
            <summary>
              {fact.kind} <b>{fact.id}</b>{" "}
              <span className="muted">
                <Ago at={fact.since} prefix="as it is since " />
              </span>
            </summary>
            <dl className="facts">
              {fields(fact.doc).map(([key, value]) => (
                <div key={key}>
                  <dt>{key}</dt>
                  <dd className="break">{value}</dd>
                </div>
              ))}
            </dl>
          </details>
        </li>
      ))}
    </ul>
  );
}
