/** The host's facts. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { factsQuery } from "../../api/queries";
import type { HostDetail } from "../../api/types";
import * as number from "../../format/number";
import { Button } from "../../ui/button";
import { Ago } from "../../ui/figures";
import { Empty, ErrorNote, Skeleton } from "../../ui/views";

/** The fields of a fact, one level deep; what is nested stays as it was sent. */
function fields(doc: unknown): [string, string][] {
  if (typeof doc !== "object" || doc === null) return [["value", String(doc)]];
  return Object.entries(doc).map(([key, value]) => [
    key,
    typeof value === "object" ? JSON.stringify(value) : String(value),
  ]);
}

/** The facts of one kind; they are asked for when they are to be seen. */
function FactsOfKind({ host, kind }: { host: string; kind: string }) {
  const { data, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery(
    factsQuery(host, kind),
  );
  if (error !== null && data === undefined)
    return <ErrorNote what="The facts could not be read" error={error} retry={() => void refetch()} />;
  if (data === undefined) return <Skeleton rows={2} height={34} label="Loading facts" />;
  return (
    <>
      <ul className="fact-list">
        {data.pages
          .flatMap(({ facts }) => facts)
          .map((fact) => (
            <li key={fact.id}>
              <details>
                <summary>
                  <b>{fact.id}</b>{" "}
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
      {hasNextPage && (
        <p className="more">
          <Button onClick={() => void fetchNextPage()} disabled={isFetchingNextPage}>
            {isFetchingNextPage ? "Loading more…" : "More"}
          </Button>
        </p>
      )}
    </>
  );
}

function FactKind({ host, kind, count }: { host: string; kind: string; count: number }) {
  const [open, setOpen] = useState(false);
  return (
    <li>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          {kind.replaceAll("_", " ")} <span className="muted">{number.text(number.count(count))}</span>
        </summary>
        {open && <FactsOfKind host={host} kind={kind} />}
      </details>
    </li>
  );
}

/** What exists on the host, by kind. */
export function FactsList({ host }: { host: HostDetail }) {
  if (host.fact_counts === null)
    return <Empty title="The facts cannot be read while the database does not answer." />;
  const kinds = Object.entries(host.fact_counts);
  if (kinds.length === 0) return <Empty title="The agent has sent no facts about this host yet." />;
  return (
    <ul className="fact-list">
      {kinds.map(([kind, count]) => (
        <FactKind key={kind} host={host.host} kind={kind} count={count} />
      ))}
    </ul>
  );
}
