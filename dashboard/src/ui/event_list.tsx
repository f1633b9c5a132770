/** Events of a host or of a thing on it, newest first. */
import type { HostEvent } from "../api/types";
import { Ago } from "./figures";
import { Scroll } from "./scroll";
import { State, severity } from "./state";
import { Empty } from "./views";

const MOST_EVENTS = 20;

export function EventList({
  events,
  empty,
}: {
  events: readonly HostEvent[] | undefined;
  /** What to say when there are none. */
  empty: string;
}) {
  if (events === undefined) return null;
  if (events.length === 0) return <Empty title={empty} />;
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
