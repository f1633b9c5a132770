/** What a container is made of: image, command, mounts, networks, labels. */
import type { ContainerDetail } from "../../api/types";
import { exact, parseTime } from "../../format/time";
import { type FactRow, Facts } from "../../ui/facts";
import { Scroll } from "../../ui/scroll";
import { Empty } from "../../ui/views";

const time = (at: string | null): string | null => {
  const known = parseTime(at);
  return known === null ? null : exact(known);
};

export function Inside({ container }: { container: ContainerDetail }) {
  const rows: (readonly [string, string | number | null])[] = [
    ["Command", container.command],
    ["Image", container.image],
    ["Image made", time(container.image_created_at)],
    ["Digest", container.image_digest],
    ["Image's identity", container.image_id],
    ["Identity", container.container_id],
    ["Made", time(container.created_at)],
    ["Started", time(container.started_at)],
    ["Ended", time(container.finished_at)],
    ["Exit code", container.state === "running" ? null : container.exit_code],
    ["Killed for want of memory", container.oom_killed === true ? "yes" : null],
    ["Log driver", container.log_driver],
    ["Privileged", container.privileged === null ? null : container.privileged ? "yes" : "no"],
    ["Process on the host", container.pid],
    ["Health check said", container.health_output],
  ];
  return (
    <Facts
      rows={rows
        .filter(([, value]) => value !== null && value !== "")
        .map(([name, value]): FactRow => [name, value])}
    />
  );
}

export function Mounts({ mounts }: { mounts: ContainerDetail["mounts"] }) {
  if (mounts.length === 0) return <Empty title="Nothing is mounted in it." />;
  return (
    <Scroll label="Mounts">
      <table className="table">
        <caption className="sr-only">Mounts</caption>
        <thead>
          <tr>
            <th scope="col">In the container</th>
            <th scope="col">Of the host</th>
            <th scope="col">Kind</th>
            <th scope="col">Writable</th>
          </tr>
        </thead>
        <tbody>
          {mounts.map((mount) => (
            <tr key={`${mount.destination} ${mount.source}`}>
              <th scope="row" className="wrap">
                {mount.destination ?? "–"}
              </th>
              <td className="wrap">{mount.source ?? "–"}</td>
              <td>{mount.type ?? "–"}</td>
              <td>{mount.read_only === null ? "–" : mount.read_only ? "no" : "yes"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

export function Networks({ container }: { container: ContainerDetail }) {
  const { networks, ports } = container;
  if (networks.length === 0 && ports.length === 0) return <Empty title="It is in no network." />;
  return (
    <Facts
      rows={[
        ...networks.map(({ name, address }): FactRow => [name, address || "no address"]),
        ...(ports.length === 0 ? [] : [["Ports", ports.join(", ")] as const]),
      ]}
    />
  );
}

export function Labels({ labels }: { labels: ContainerDetail["labels"] }) {
  const all = Object.entries(labels);
  if (all.length === 0) return <Empty title="It has no labels that its agent tells." />;
  return (
    <ul className="fact-list">
      <li>
        <details>
          <summary>
            {all.length} {all.length === 1 ? "label" : "labels"}
          </summary>
          <dl className="facts">
            {all.map(([key, value]) => (
              <div key={key}>
                <dt className="break">{key}</dt>
                <dd className="break">{value}</dd>
              </div>
            ))}
          </dl>
        </details>
      </li>
    </ul>
  );
}
