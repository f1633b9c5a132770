import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { eventsQuery, hostsQuery } from "../../api/queries";
import type { HostEvent } from "../../api/types";
import { EVENTS_RANGE, RANGE_WORDS } from "../../format/range";
import { dayClock, exact, span } from "../../format/time";
import { hasWords } from "../../format/words";
import { Button } from "../../ui/button";
import { Ago } from "../../ui/figures";
import { FilterField } from "../../ui/filter";
import { State, severity } from "../../ui/state";
import { moveInList } from "../../ui/table";
import { useTitle } from "../../ui/title";
import { type RangeView, useRange } from "../../ui/view";
import { Empty, ErrorNote, Skeleton } from "../../ui/views";

const route = getRouteApi("/events");

/** Whether all words typed are somewhere in the event. */
export function fits(event: HostEvent, wanted: string): boolean {
  return hasWords(`${event.host ?? "collector"} ${event.type} ${event.severity} ${event.message}`, wanted);
}

function Choice({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: string;
  options: readonly string[];
  onChange: (value: string | undefined) => void;
}) {
  const all = value !== "" && !options.includes(value) ? [value, ...options] : options;
  return (
    <label className="choice">
      <span className="sr-only">{label}</span>
      <select value={value} onChange={(event) => onChange(event.target.value || undefined)}>
        <option value="">{label}</option>
        {all.map((option) => (
          <option key={option} value={option}>
            {option}
          </option>
        ))}
      </select>
    </label>
  );
}

function Row({ event }: { event: HostEvent }) {
  return (
    <tr>
      <td className="nowrap" data-column="at">
        <time dateTime={event.at} title={exact(Date.parse(event.at))}>
          {dayClock(Date.parse(event.at))}
        </time>
        <span className="sub">
          <Ago at={event.at} />
        </span>
      </td>
      <td data-column="severity">
        <State of={severity(event.severity)} />
      </td>
      <th scope="row" data-column="host">
        {event.host === null ? (
          <Link to="/system" data-row-link="" className="row-link">
            collector
          </Link>
        ) : (
          <Link
            to="/hosts/$host"
            params={{ host: event.host }}
            hash="events"
            data-row-link=""
            className="row-link"
          >
            {event.host}
          </Link>
        )}
      </th>
      <td className="wrap" data-column="message">
        {event.message}
      </td>
      <td className="muted" data-column="type">
        {event.type}
      </td>
    </tr>
  );
}

function Table({ events }: { events: readonly HostEvent[] }) {
  return (
    <table className="table events phone-rows">
      <caption className="sr-only">Events, newest first</caption>
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">Severity</th>
          <th scope="col">Host</th>
          <th scope="col">What</th>
          <th scope="col">Type</th>
        </tr>
      </thead>
      <tbody data-list="" onKeyDown={moveInList}>
        {events.map((event) => (
          <Row key={event.id} event={event} />
        ))}
      </tbody>
    </table>
  );
}

function Nothing({ view: { range, name, choose } }: { view: RangeView }) {
  const when = range.live
    ? `in the last ${RANGE_WORDS[name]}`
    : `between ${span(range.from ?? 0, range.to ?? 0, Date.now())}`;
  return (
    <Empty title={`Nothing happened ${when}.`}>
      <p>Restarts, failing sources and other things that happen once are listed here.</p>
      {!(range.live && name === "1y") && <Button onClick={() => choose("1y")}>Show the last year</Button>}
    </Empty>
  );
}

export function EventsPage() {
  useTitle("Events");
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const view = useRange(EVENTS_RANGE);
  const hosts = useQuery(hostsQuery).data ?? [];
  const { data, error, refetch, isPending, hasNextPage, isFetchingNextPage, fetchNextPage } =
    useInfiniteQuery(eventsQuery({ host: search.host, type: search.type }, view.range));
  const loaded = data?.pages.flatMap(({ events }) => events) ?? [];
  const events = search.q === undefined ? loaded : loaded.filter((event) => fits(event, search.q ?? ""));
  const types = [...new Set(loaded.map(({ type }) => type))].sort();
  const filtered = search.host !== undefined || search.type !== undefined || search.q !== undefined;
  const change = (next: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...next }), replace: true, resetScroll: false });

  return (
    <div className="page">
      <div className="section-head">
        <h1>Events</h1>
        <div className="section-tools">
          <FilterField
            value={search.q ?? ""}
            onChange={(q) => change({ q: q || undefined })}
            label="Filter events"
          />
          <Choice
            label="All hosts"
            value={search.host ?? ""}
            options={hosts.map(({ host }) => host).sort()}
            onChange={(host) => change({ host })}
          />
          <Choice
            label="All types"
            value={search.type ?? ""}
            options={types}
            onChange={(type) => change({ type })}
          />
        </div>
      </div>
      {isPending && <Skeleton rows={8} height={41} label="Loading events" />}
      {error !== null && (
        <ErrorNote what="The events could not be read" error={error} retry={() => void refetch()} />
      )}
      {data !== undefined && events.length === 0 && filtered && (
        <Empty title="No event of this time fits the filter.">
          <Button onClick={() => change({ host: undefined, type: undefined, q: undefined })}>
            Clear the filter
          </Button>
        </Empty>
      )}
      {data !== undefined && events.length === 0 && !filtered && <Nothing view={view} />}
      {events.length > 0 && <Table events={events} />}
      {hasNextPage && (
        <p className="more">
          <Button onClick={() => void fetchNextPage()} disabled={isFetchingNextPage}>
            {isFetchingNextPage ? "Loading older events…" : "Older events"}
          </Button>
        </p>
      )}
    </div>
  );
}
