/** Who this host is, and whether it is well. */
import { Link } from "@tanstack/react-router";
import type { HostDetail } from "../../api/types";
import * as number from "../../format/number";
import { duration, exact, parseTime } from "../../format/time";
import { type FactRow, Facts } from "../../ui/facts";
import { Ago, Quantity } from "../../ui/figures";
import { HostAttention, useWorst } from "../../ui/host_attention";
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

/** The addresses that the agent names in its facts about the host; they are absent until those have come. */
function addressesOf(host: HostDetail): string[] {
  const named = host.facts.find(({ kind }) => kind === "host")?.doc.addresses;
  return Array.isArray(named) ? named.filter((each) => typeof each === "string") : [];
}

function rows(host: HostDetail): FactRow[] {
  const addresses = addressesOf(host);
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
    host.container_count === 0
      ? null
      : [
          "Containers",
          <Link key="containers" to="/containers" search={{ q: host.host }}>
            {host.containers_running} of {host.container_count} running
          </Link>,
        ],
    ["Agent", host.agent_version ?? "–"],
    ["Last seen", <Ago key="seen" at={host.last_seen} />],
  ];
  return all.filter((row) => row !== null);
}

/** The state in a word. What is only worth knowing is no state. */
function Word({ host }: { host: HostDetail }) {
  const worst = useWorst(host.host) ?? (host.attention > 0 ? "warning" : "ok");
  if (host.state === "silent") return <State of="critical" word="silent" />;
  if (host.state === "conflict") return <State of="warning" word="name conflict" />;
  if (host.sources_failing > 0) {
    const words = host.sources_failing === 1 ? "1 source fails" : `${host.sources_failing} sources fail`;
    return (
      <a href="#sources" className="plain">
        <State of={worst === "critical" ? worst : "warning"} word={words} />
      </a>
    );
  }
  if (worst === "ok" || worst === "info") return <State of="ok" word="ok" />;
  return <State of={worst} word="needs attention" />;
}

export function HostHeader({ host }: { host: HostDetail }) {
  return (
    <header className="host-head">
      <div className="host-name">
        <h1>{host.host}</h1>
        <Word host={host} />
      </div>
      <StateNote host={host} />
      {/* That the host is silent or in conflict is said at length above. */}
      <HostAttention host={host.host} without={["host_silent", "name_conflict"]} />
      <Facts rows={rows(host)} />
    </header>
  );
}
