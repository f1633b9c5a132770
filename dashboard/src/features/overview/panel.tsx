/** The panel of a host: its key figures, what is wrong there, and how it went. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { hostEventsQuery, hostQuery } from "../../api/queries";
import type { HostSummary } from "../../api/types";
import { Chart } from "../../charts/chart";
import { marksOf } from "../../charts/marks";
import { cpu, memoryUse } from "../../charts/of_host/compute";
import { inPanel, liveMatch } from "../../charts/of_host/sections";
import { shapeOf } from "../../charts/of_host/shape";
import { ChartPageProvider } from "../../charts/provider";
import * as number from "../../format/number";
import { duration } from "../../format/time";
import { type FactRow, Facts } from "../../ui/facts";
import { Ago, Bar, Quantity } from "../../ui/figures";
import { HostAttention, useWorst } from "../../ui/host_attention";
import { FILESYSTEM_LIMITS } from "../../ui/limits";
import { Gone, SidePanel } from "../../ui/side_panel";
import { State } from "../../ui/state";
import { compare } from "../../ui/table";
import { useOpenRow, useRange } from "../../ui/view";
import { Skeleton } from "../../ui/views";
import { hostState } from "./columns";

/** So many filesystems, fullest first; the host's page has them all. */
const MOST_FILESYSTEMS = 5;

const containersRow = (host: HostSummary): FactRow => [
  "Containers",
  <span key="containers">
    <Link to="/containers" search={{ q: host.host }}>
      {host.containers_running} of {host.container_count} running
    </Link>
    {host.containers_unhealthy > 0 && (
      <span className="state-warning">, {host.containers_unhealthy} unhealthy</span>
    )}
  </span>,
];

const upsRow = (host: HostSummary): FactRow => [
  "UPS",
  <span key="ups" className={host.ups_on_battery === true ? "state-critical" : undefined}>
    {host.ups_on_battery === true ? "on battery, " : "on line, "}
    {number.text(number.percent(host.ups_charge_ratio))}
  </span>,
];

function Figures({ host }: { host: HostSummary }) {
  const [severity, word] = hostState(host, useWorst(host.host));
  return (
    <Facts
      rows={[
        ["State", <State key="state" of={severity} word={word} />],
        ["Last seen", <Ago key="seen" at={host.last_seen} />],
        ["Uptime", duration(host.uptime_seconds)],
        ["CPU", <Quantity key="cpu" of={number.percent(host.cpu_busy_ratio)} />],
        ["Load", <Quantity key="load" of={number.plain(host.load1)} />],
        [
          "Memory used",
          <span key="memory">
            <Quantity of={number.percent(host.memory_used_ratio)} />
            <span className="muted"> of {number.text(number.bytes(host.memory_total_bytes))}</span>
          </span>,
        ],
        ["Received", <Quantity key="rx" of={number.bitsPerSecond(host.network_receive_bytes_per_second)} />],
        ["Sent", <Quantity key="tx" of={number.bitsPerSecond(host.network_transmit_bytes_per_second)} />],
        [
          "Hottest",
          <span key="hottest">
            <Quantity of={number.celsius(host.hottest_celsius)} />
            {host.hottest_sensor !== null && <span className="muted"> {host.hottest_sensor}</span>}
          </span>,
        ],
        ...(host.container_count === 0 ? [] : [containersRow(host)]),
        ...(host.ups_on_battery === null ? [] : [upsRow(host)]),
        ["System", host.os ?? "–"],
        ["Kernel", host.kernel ?? "–"],
        ["Agent", host.agent_version ?? "–"],
      ]}
    />
  );
}

function Filesystems({ name }: { name: string }) {
  const { data, error } = useQuery(hostQuery(name));
  if (data === undefined)
    return error === null ? <Skeleton rows={3} height={28} label="Loading filesystems" /> : null;
  if (data.filesystems.length === 0) return null;
  const fullest = [...data.filesystems].sort((left, right) =>
    compare(left.used_ratio, right.used_ratio, true),
  );
  const more = fullest.length - MOST_FILESYSTEMS;
  return (
    <>
      <h3 className="panel-part">Filesystems</h3>
      <ul className="panel-list">
        {fullest.slice(0, MOST_FILESYSTEMS).map((each) => (
          <li key={each.mountpoint}>
            <Link
              to="/hosts/$host"
              params={{ host: name }}
              search={{ row: `filesystem:${each.mountpoint}` }}
              className="row-link ellipsis"
            >
              {each.mountpoint}
            </Link>
            <span className="muted nowrap">{number.text(number.bytes(each.avail_bytes))} left</span>
            <span className="inline-bar">
              <Bar ratio={each.used_ratio} limits={FILESYSTEM_LIMITS} />
              <Quantity of={number.percent(each.used_ratio)} />
            </span>
          </li>
        ))}
      </ul>
      {more > 0 && (
        <p className="sub">
          <Link to="/hosts/$host" params={{ host: name }} hash="filesystems">
            {more} more
          </Link>
        </p>
      )}
    </>
  );
}

function Charts({ host }: { host: HostSummary }) {
  const { range } = useRange();
  const events = useQuery(hostEventsQuery(host.host, range)).data?.events;
  const marks = useMemo(() => marksOf(events ?? []), [events]);
  // Figures change every few seconds; the charts depend on these two only.
  const { host: name, cpu_count: cpus, memory_total_bytes: memory } = host;
  const charts = useMemo(() => {
    const shape = shapeOf({ host: name, cpu_count: cpus, memory_total_bytes: memory });
    return inPanel([cpu(shape), memoryUse(shape)]);
  }, [name, cpus, memory]);
  const match = useMemo(() => liveMatch(charts, name), [charts, name]);
  return (
    <ChartPageProvider host={name} match={match} marks={marks}>
      {charts.map((spec) => (
        <Chart key={spec.id} spec={spec} />
      ))}
    </ChartPageProvider>
  );
}

/** `shown`: the hosts of the table in its order; `hosts`: all of them. */
export function HostPanel({
  hosts,
  shown,
}: {
  hosts: readonly HostSummary[];
  shown: readonly HostSummary[];
}) {
  const { row, show, close } = useOpenRow();
  if (row === null) return null;
  const host = hosts.find((each) => each.host === row);
  return (
    <SidePanel
      row={row}
      kind="Host"
      heading={
        host === undefined ? (
          row
        ) : (
          <Link to="/hosts/$host" params={{ host: row }}>
            {row}
          </Link>
        )
      }
      rows={shown.map((each) => each.host)}
      show={show}
      close={close}
    >
      {host === undefined ? (
        <Gone what={`Host ${row}`} />
      ) : (
        <div key={row} className="panel-parts">
          <HostAttention host={row} />
          <Figures host={host} />
          <Charts host={host} />
          <Filesystems name={row} />
        </div>
      )}
    </SidePanel>
  );
}
