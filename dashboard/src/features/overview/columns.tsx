/** The columns of the hosts table: what each says, and by what it sorts. */
import type { ReactNode } from "react";
import type { HostSummary } from "../../api/types";
import * as number from "../../format/number";
import { duration, parseTime } from "../../format/time";
import { hasWords } from "../../format/words";
import { Ago, Bar, Quantity, Sparkline } from "../../ui/figures";
import { useWorst } from "../../ui/host_attention";
import { CPU_LIMITS, FILESYSTEM_LIMITS, MEMORY_LIMITS } from "../../ui/limits";
import { RowLink } from "../../ui/row_link";
import { type Severity, State } from "../../ui/state";
import type { ColumnKey } from "./search";

export interface Column {
  key: ColumnKey;
  words: string;
  numeric: boolean;
  sortBy: (host: HostSummary) => string | number | null;
  cell: (host: HostSummary) => ReactNode;
}

/** How a host stands, as a state with a word; `worst` of what needs attention there, where that is known. */
export function hostState(host: HostSummary, worst: Severity | null = null): readonly [Severity, string] {
  if (host.state === "silent") return ["critical", "silent"];
  if (host.state === "conflict") return ["warning", "name conflict"];
  const level = worst ?? (host.attention > 0 ? "warning" : "ok");
  if (host.sources_failing > 0) {
    const words = host.sources_failing === 1 ? "1 source failing" : `${host.sources_failing} sources failing`;
    return [level === "critical" ? level : "warning", words];
  }
  // What is only worth knowing makes no host one that needs attention.
  return level === "ok" || level === "info" ? ["ok", "ok"] : [level, "needs attention"];
}

function HostCell({ host }: { host: HostSummary }) {
  const [severity, word] = hostState(host, useWorst(host.host));
  return (
    <div className="host-cell">
      <State of={severity} word={word} quiet />
      <div>
        <RowLink row={host.host}>{host.host}</RowLink>
        <div className="sub">
          {host.state === "ok" ? (
            (host.os ?? "operating system not known yet")
          ) : (
            <span className={`state-${severity}`}>
              {word}
              {host.state === "silent" && <Ago at={host.last_seen} prefix=", last seen " />}
            </span>
          )}
        </div>
      </div>
    </div>
  );
}

function NetworkCell({ host }: { host: HostSummary }) {
  const { network_receive_bytes_per_second: receive, network_transmit_bytes_per_second: transmit } = host;
  return (
    <div className="spark-cell">
      <Sparkline values={host.network_history} label="Network traffic in the last hour" />
      <div className="stacked">
        <span>
          <span className="unit" title="received">
            ↓{" "}
          </span>
          <Quantity of={number.bitsPerSecond(receive)} />
        </span>
        <span>
          <span className="unit" title="sent">
            ↑{" "}
          </span>
          <Quantity of={number.bitsPerSecond(transmit)} />
        </span>
      </div>
    </div>
  );
}

function FilesystemCell({ host }: { host: HostSummary }) {
  const fullest = host.filesystem_fullest;
  if (fullest === null) return <span className="muted">–</span>;
  return (
    <div className="bar-cell">
      <div className="bar-line">
        <span className="ellipsis" title={`${fullest.mountpoint} on ${fullest.device}`}>
          {fullest.mountpoint}
        </span>
        <Quantity of={number.percent(fullest.used_ratio)} />
      </div>
      <Bar ratio={fullest.used_ratio} limits={FILESYSTEM_LIMITS} />
    </div>
  );
}

/** How many, and how the worst of them is: nothing while all are well. */
function DisksCell({ host }: { host: HostSummary }) {
  const worst = host.disks_worst;
  const bad = worst === "warning" || worst === "critical";
  return (
    <span className="disks-cell">
      {bad && <State of={worst} word={worst === "critical" ? "a disk fails" : "a disk warns"} quiet />}
      <Quantity of={number.count(host.disk_count)} />
    </span>
  );
}

function HottestCell({ host }: { host: HostSummary }) {
  return (
    <div>
      <Quantity of={number.celsius(host.hottest_celsius)} />
      {host.hottest_sensor !== null && (
        <div className="sub ellipsis" title={host.hottest_sensor}>
          {host.hottest_sensor}
        </div>
      )}
    </div>
  );
}

/** How many run, and of how many where some do not; those that are unhealthy are said to be. */
function ContainersCell({ host }: { host: HostSummary }) {
  const { container_count: all, containers_running: running, containers_unhealthy: bad } = host;
  if (all === 0) return <span className="muted">–</span>;
  return (
    <div>
      <span>
        {running}
        {running < all && <span className="unit"> of {all}</span>}
      </span>
      {bad > 0 && <div className="sub state-warning">{bad} unhealthy</div>}
    </div>
  );
}

function UpsCell({ host }: { host: HostSummary }) {
  if (host.ups_on_battery === null) return <span className="muted">–</span>;
  return (
    <span className="disks-cell">
      {host.ups_on_battery && <State of="critical" word="on battery" quiet />}
      <Quantity of={number.percent(host.ups_charge_ratio)} />
    </span>
  );
}

/** Greatest first brings the hosts with unhealthy containers to the top. */
const byContainers = (host: HostSummary): number | null =>
  host.container_count === 0 ? null : host.containers_unhealthy * 10_000 + host.containers_running;

const RANK: Record<string, number> = { critical: 2, warning: 1 };
/** Greatest first brings the hosts with ailing disks to the top. */
const byDisks = (host: HostSummary): number => (RANK[host.disks_worst] ?? 0) * 10_000 + host.disk_count;

const traffic = (host: HostSummary): number | null =>
  host.network_receive_bytes_per_second === null
    ? null
    : host.network_receive_bytes_per_second + (host.network_transmit_bytes_per_second ?? 0);

export const COLUMNS: readonly Column[] = [
  {
    key: "host",
    words: "Host",
    numeric: false,
    sortBy: (host) => host.host,
    cell: (host) => <HostCell host={host} />,
  },
  {
    key: "cpu",
    words: "CPU",
    numeric: true,
    sortBy: (host) => host.cpu_busy_ratio,
    cell: (host) => (
      <div className="spark-cell">
        <Sparkline values={host.cpu_busy_history} top={1} label="CPU busy in the last hour" />
        <div className="bar-cell">
          <div className="bar-line">
            <span className="sub">{host.cpu_count === null ? "" : `${host.cpu_count} CPU`}</span>
            <Quantity of={number.percent(host.cpu_busy_ratio)} />
          </div>
          <Bar ratio={host.cpu_busy_ratio} limits={CPU_LIMITS} />
        </div>
      </div>
    ),
  },
  {
    key: "memory",
    words: "Memory",
    numeric: true,
    sortBy: (host) => host.memory_used_ratio,
    cell: (host) => (
      <div className="bar-cell">
        <div className="bar-line">
          <span className="sub">{number.text(number.bytes(host.memory_total_bytes))}</span>
          <Quantity of={number.percent(host.memory_used_ratio)} />
        </div>
        <Bar ratio={host.memory_used_ratio} limits={MEMORY_LIMITS} />
      </div>
    ),
  },
  {
    key: "filesystem",
    words: "Fullest filesystem",
    numeric: true,
    sortBy: (host) => host.filesystem_fullest?.used_ratio ?? null,
    cell: (host) => <FilesystemCell host={host} />,
  },
  {
    key: "network",
    words: "Network",
    numeric: true,
    sortBy: traffic,
    cell: (host) => <NetworkCell host={host} />,
  },
  {
    key: "load",
    words: "Load",
    numeric: true,
    sortBy: (host) => host.load1,
    cell: (host) => <Quantity of={number.plain(host.load1)} />,
  },
  {
    key: "hottest",
    words: "Hottest",
    numeric: true,
    sortBy: (host) => host.hottest_celsius,
    cell: (host) => <HottestCell host={host} />,
  },
  {
    key: "disks",
    words: "Disks",
    numeric: true,
    sortBy: byDisks,
    cell: (host) => <DisksCell host={host} />,
  },
  {
    key: "containers",
    words: "Containers",
    numeric: true,
    sortBy: byContainers,
    cell: (host) => <ContainersCell host={host} />,
  },
  {
    key: "ups",
    words: "UPS",
    numeric: true,
    sortBy: (host) => host.ups_charge_ratio,
    cell: (host) => <UpsCell host={host} />,
  },
  {
    key: "gpu",
    words: "GPU",
    numeric: true,
    sortBy: (host) => host.gpu_busy_ratio,
    cell: (host) => <Quantity of={number.percent(host.gpu_busy_ratio)} />,
  },
  {
    key: "uptime",
    words: "Uptime",
    numeric: true,
    sortBy: (host) => host.uptime_seconds,
    cell: (host) => duration(host.uptime_seconds),
  },
  {
    key: "kernel",
    words: "Kernel",
    numeric: false,
    sortBy: (host) => host.kernel,
    cell: (host) => host.kernel ?? "–",
  },
  {
    key: "agent",
    words: "Agent",
    numeric: false,
    sortBy: (host) => host.agent_version,
    cell: (host) => host.agent_version ?? "–",
  },
  {
    key: "seen",
    words: "Last seen",
    numeric: true,
    sortBy: (host) => parseTime(host.last_seen),
    cell: (host) => <Ago at={host.last_seen} />,
  },
];

/** Whether all words that were typed are somewhere in what the table says of the host. */
export function matches(host: HostSummary, wanted: string): boolean {
  const text = [host.host, host.os, host.kernel, host.architecture, host.agent_version, hostState(host)[1]]
    .concat(host.filesystem_fullest?.mountpoint ?? "")
    .concat(host.hottest_sensor ?? "")
    .concat(host.containers_unhealthy > 0 ? "unhealthy" : "")
    .concat(host.ups_on_battery === true ? "on battery" : "")
    .join(" ");
  return hasWords(text, wanted);
}
