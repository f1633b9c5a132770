/** What the containers of a host are made of: engines, images, volumes, networks, with their sizes. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { containerHostQuery } from "../../../api/queries";
import type { ContainerPart, HostDetail } from "../../../api/types";
import * as number from "../../../format/number";
import { Ago, Quantity } from "../../../ui/figures";
import { Scroll } from "../../../ui/scroll";
import { State } from "../../../ui/state";
import { ErrorNote, Skeleton } from "../../../ui/views";

/** So many are shown at once; the largest come first. */
const MOST_ROWS = 8;

/** A fact's field as text; lists are joined. */
export function factText(part: ContainerPart, key: string): string | null {
  const value = part.facts[key];
  if (Array.isArray(value)) return value.length === 0 ? null : value.join(", ");
  return typeof value === "string" && value !== "" ? value : null;
}

const usedBy = (part: ContainerPart): number | null => {
  const count = part.facts.containers;
  return typeof count === "number" ? count : null;
};

/** What images and volumes are called: by their tags or names, else by their identity. */
export const partName = (part: ContainerPart): string =>
  factText(part, "tags") ?? factText(part, "name") ?? part.key;

const sum = (parts: readonly ContainerPart[]): number =>
  parts.reduce((total, { size_bytes: size }) => total + (size ?? 0), 0);

function Engine({ engine }: { engine: ContainerPart }) {
  const down = engine.facts.up === false;
  const words = [
    factText(engine, "product") ?? engine.key,
    factText(engine, "version"),
    factText(engine, "storage_driver"),
    engine.facts.rootless === true ? "rootless" : null,
  ];
  return (
    <li>
      <span>{words.filter(Boolean).join(" · ")}</span>
      <span className="muted">{factText(engine, "endpoint")}</span>
      {down ? (
        <State of="warning" word={factText(engine, "message") ?? "does not answer"} />
      ) : (
        <State of="ok" word="answers" />
      )}
    </li>
  );
}

function Rows({ parts }: { parts: readonly ContainerPart[] }) {
  return parts.map((part) => {
    const used = usedBy(part);
    return (
      <tr key={part.key}>
        <th scope="row" className="wrap">
          {partName(part)}
        </th>
        <td className="numeric">
          <Quantity of={number.bytes(part.size_bytes)} />
        </td>
        <td className={used === 0 ? "numeric muted" : "numeric"}>{used ?? "–"}</td>
        <td className="numeric">
          {part.created_at === null ? <span className="muted">–</span> : <Ago at={part.created_at} />}
        </td>
      </tr>
    );
  });
}

function Parts({ title, parts }: { title: string; parts: readonly ContainerPart[] }) {
  if (parts.length === 0) return null;
  const table = (shown: readonly ContainerPart[], caption: string): ReactNode => (
    <Scroll label={caption}>
      <table className="table">
        <caption className="sr-only">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col" className="numeric">
              Size
            </th>
            <th scope="col" className="numeric">
              Containers
            </th>
            <th scope="col" className="numeric">
              Made
            </th>
          </tr>
        </thead>
        <tbody>
          <Rows parts={shown} />
        </tbody>
      </table>
    </Scroll>
  );
  const rest = parts.slice(MOST_ROWS);
  return (
    <>
      <div className="device-name">
        <h3>{title}</h3>
        <span className="muted">
          {parts.length}
          {sum(parts) > 0 && `, ${number.text(number.bytes(sum(parts)))} together`}
        </span>
      </div>
      {table(parts.slice(0, MOST_ROWS), title)}
      {rest.length > 0 && (
        <details>
          <summary>{rest.length} smaller ones</summary>
          {table(rest, `${title}, smaller ones`)}
        </details>
      )}
    </>
  );
}

export function Containers({ host }: { host: HostDetail }) {
  const { data, error, refetch } = useQuery(containerHostQuery(host.host));
  return (
    <div className="device">
      <p>
        <Link to="/containers" search={{ q: host.host }}>
          {host.containers_running} of {host.container_count} running
        </Link>
        {host.containers_unhealthy > 0 && (
          <span className="state-warning">, {host.containers_unhealthy} unhealthy</span>
        )}
      </p>
      {error !== null && data === undefined && (
        <ErrorNote
          what="What they are made of could not be read"
          error={error}
          retry={() => void refetch()}
        />
      )}
      {data === undefined && error === null && (
        <Skeleton rows={4} height={34} label="Loading images and volumes" />
      )}
      {data !== undefined && (
        <>
          <ul className="panel-list">
            {data.engines.map((engine) => (
              <Engine key={engine.key} engine={engine} />
            ))}
          </ul>
          <Parts title="Images" parts={data.images} />
          <Parts title="Volumes" parts={data.volumes} />
          {data.networks.length > 0 && (
            <p className="muted">
              Networks:{" "}
              {data.networks
                .map((each) => [partName(each), factText(each, "subnets")].filter(Boolean).join(" "))
                .join(", ")}
            </p>
          )}
        </>
      )}
    </div>
  );
}
