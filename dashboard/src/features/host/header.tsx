/** Who this host is, and whether it is well. */
import type { HostDetail } from "../../api/types";
import * as number from "../../format/number";
import { duration, exact, parseTime } from "../../format/time";
import { type FactRow, Facts } from "../../ui/facts";
import { Ago, Quantity } from "../../ui/figures";
import { Icon } from "../../ui/icons";
import { State } from "../../ui/state";

/** What the state means for what is seen below. */
function StateNote({ host }: { host: HostDetail }) {
  if (host.state === "silent") {
    return (
      <div className="banner critical" role="status">
        <Icon name="critical" />
        <p>
          {host.host} is silent: nothing has come from it since {exact(parseTime(host.last_seen) ?? 0)} (
          <Ago at={host.last_seen} />
          ). It may be off, without network, or its agent may have ended. All figures are the last known.
        </p>
      </div>
    );
  }
  if (host.state === "conflict") {
    return (
      <div className="banner warning" role="status">
        <Icon name="warning" />
        <p>
          Another machine uses the same host name, so this one is shown as {host.host}. Give one of them
          another name, or a machine-id of its own if it was cloned.
        </p>
      </div>
    );
  }
  return null;
}

function rows(host: HostDetail): FactRow[] {
  const addresses = host.interfaces.flatMap(({ device, address }) =>
    address && device !== "lo" ? [address] : [],
  );
  const booted = parseTime(host.boot_time);
  const all: (FactRow | null)[] = [
    ["System", host.os ?? "–"],
    ["Kernel", [host.kernel, host.architecture].filter(Boolean).join(" · ") || "–"],
    ["CPUs", host.cpu_count ?? "–"],
    ["Memory", <Quantity key="memory" of={number.bytes(host.memory_total_bytes)} />],
    addresses.length === 0 ? null : ["Address", addresses.slice(0, 2).join(", ")],
    [
      "Uptime",
      <span key="uptime" title={booted === null ? undefined : `booted ${exact(booted)}`}>
        {duration(host.uptime_seconds)}
      </span>,
    ],
    ["Agent", host.agent_version ?? "–"],
    ["Last seen", <Ago key="seen" at={host.last_seen} />],
  ];
  return all.filter((row) => row !== null);
}

export function HostHeader({ host }: { host: HostDetail }) {
  const failing = host.sources_failing;
  return (
    <header className="host-head">
      <div className="host-name">
        <h1>{host.host}</h1>
        {host.state === "ok" && failing === 0 && <State of="ok" word="ok" />}
        {host.state === "ok" && failing > 0 && (
          <a href="#sources" className="plain">
            <State of="warning" word={`${failing} ${failing === 1 ? "source fails" : "sources fail"}`} />
          </a>
        )}
        {host.state === "silent" && <State of="critical" word="silent" />}
        {host.state === "conflict" && <State of="warning" word="name conflict" />}
      </div>
      <StateNote host={host} />
      <Facts rows={rows(host)} />
    </header>
  );
}
