/** The table of containers. */
import type { Container } from "../../api/types";
import * as number from "../../format/number";
import { duration, parseTime } from "../../format/time";
import { NameCell, PlainWords } from "../../ui/condition";
import { Ago, Bar, Quantity } from "../../ui/figures";
import { CPU_LIMITS, MEMORY_LIMITS } from "../../ui/limits";
import type { Column, ListSpec } from "../../ui/list_table";
import type { Group } from "./search";
import { composeWords, cpuOfLimit, cpuShare, imageAge, imageName, stateWords, traffic } from "./words";

const dash = <span className="muted">–</span>;
const RANK = { critical: 4, warning: 3, info: 2, unknown: 1, ok: 0 } as const;

function StateCell({ container }: { container: Container }) {
  const finding = container.findings[0]?.message;
  return (
    <div className="verdict">
      <PlainWords state={container.condition} words={stateWords(container)} />
      {finding !== undefined && (
        <div className="sub ellipsis" title={finding}>
          {finding}
        </div>
      )}
    </div>
  );
}

function Cpu({ container }: { container: Container }) {
  const limit = container.cpu_limit_cores;
  if (container.cpu_cores === null) return dash;
  if (limit === null) return <Quantity of={number.percent(cpuShare(container))} />;
  return (
    <div className="bar-cell">
      <div className="bar-line">
        <span className="sub">{number.text(number.plain(limit, limit === 1 ? "CPU" : "CPUs"))}</span>
        <Quantity of={number.percent(cpuShare(container))} />
      </div>
      <Bar ratio={cpuOfLimit(container)} limits={CPU_LIMITS} />
    </div>
  );
}

function Memory({ container }: { container: Container }) {
  const { memory_bytes: used, memory_limit_bytes: limit, memory_ratio: ratio } = container;
  if (used === null) return dash;
  if (limit === null) return <Quantity of={number.bytes(used)} />;
  return (
    <div className="bar-cell">
      <div className="bar-line">
        <span className="sub">{number.text(number.bytes(limit))}</span>
        <Quantity of={number.bytes(used)} />
      </div>
      <Bar ratio={ratio} limits={MEMORY_LIMITS} />
    </div>
  );
}

function Network({ container }: { container: Container }) {
  if (traffic(container) === null) return dash;
  return (
    <div className="stacked">
      <span>
        <span className="unit">↓ </span>
        <Quantity of={number.bitsPerSecond(container.network_receive_bytes_per_second)} />
      </span>
      <span>
        <span className="unit">↑ </span>
        <Quantity of={number.bitsPerSecond(container.network_transmit_bytes_per_second)} />
      </span>
    </div>
  );
}

function Uptime({ container }: { container: Container }) {
  if (container.uptime_seconds !== null) return duration(container.uptime_seconds);
  if (container.finished_at === null) return dash;
  return (
    <span className="muted">
      <Ago at={container.finished_at} />
    </span>
  );
}

const COLUMNS: readonly Column<Container>[] = [
  {
    key: "container",
    words: "Container",
    sortBy: (row) => row.key,
    cell: (row) => (
      <NameCell
        row={`container:${row.id}`}
        state={row.condition}
        name={row.key}
        below={composeWords(row) ?? "\u00a0"}
      />
    ),
  },
  {
    key: "host",
    words: "Host",
    phone: "none",
    sortBy: (row) => row.host,
    cell: (row) => row.host,
  },
  {
    key: "state",
    words: "State",
    phone: "line",
    sortBy: (row) => `${RANK[row.condition]} ${stateWords(row)}`,
    cell: (row) => <StateCell container={row} />,
  },
  { key: "cpu", words: "CPU", numeric: true, sortBy: cpuShare, cell: (row) => <Cpu container={row} /> },
  {
    key: "memory",
    words: "Memory",
    numeric: true,
    sortBy: (row) => row.memory_bytes,
    cell: (row) => <Memory container={row} />,
  },
  {
    key: "network",
    words: "Network",
    numeric: true,
    sortBy: traffic,
    cell: (row) => <Network container={row} />,
  },
  {
    key: "image",
    words: "Image",
    phone: "line",
    sortBy: (row) => row.image_age_seconds,
    cell: (row) => (
      <div className="container-image">
        <div className="ellipsis" title={row.image ?? undefined}>
          {imageName(row.image) ?? dash}
        </div>
        <div className="sub">{imageAge(row) ?? "\u00a0"}</div>
      </div>
    ),
  },
  {
    key: "restarts",
    words: "Restarts",
    numeric: true,
    sortBy: (row) => row.restart_count,
    cell: (row) => <Quantity of={number.count(row.restart_count)} />,
  },
  {
    key: "uptime",
    words: "Uptime",
    numeric: true,
    sortBy: (row) => row.uptime_seconds ?? -(Date.now() - (parseTime(row.finished_at) ?? 0)),
    cell: (row) => <Uptime container={row} />,
  },
];

const spec = (columns: readonly Column<Container>[]): ListSpec<Container> => ({
  many: "Containers",
  name: "containers",
  columns,
  first: { key: "container", descending: false },
  also: (row) =>
    [row.host, row.image, composeWords(row), row.engine, row.container_id.slice(0, 12), stateWords(row)]
      .concat(row.ports)
      .concat(row.findings.map(({ message }) => message))
      .join(" "),
});

const WITH_HOST = spec(COLUMNS);
const WITHOUT_HOST = spec(COLUMNS.filter(({ key }) => key !== "host"));

/** The table; where the groups name the host, its column does not. */
export const specFor = (group: Group): ListSpec<Container> => (group === "none" ? WITH_HOST : WITHOUT_HOST);
