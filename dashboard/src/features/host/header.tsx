/** Who this host is, and whether it is well. */
import { useQuery } from "@tanstack/react-query";
import { attentionQuery } from "../../api/queries";
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
    ["Agent", host.agent_version ?? "–"],
    ["Last seen", <Ago key="seen" at={host.last_seen} />],
  ];
  return all.filter((row) => row !== null);
}

/** What of the attention list concerns this host. */
function HostAttention({ host }: { host: HostDetail }) {
  const { data } = useQuery(attentionQuery);
  // That the host is silent or in conflict is said at length above.
  const items = data?.items.filter(
    (item) => item.host === host.host && item.kind !== "host_silent" && item.kind !== "name_conflict",
  );
  if (items === undefined || items.length === 0) return null;
  return (
    <ul className="host-attention" aria-label="Needs attention">
      {items.map((item) => (
        <li key={`${item.kind} ${item.subject}`} className="attention-item">
          <State of={item.severity} />
          <p>
            <span className="attention-subject">{item.subject}</span>{" "}
            <span className="attention-message">{item.message}</span>
          </p>
          <span className="attention-since">
            <Ago at={item.since} prefix="since " />
          </span>
        </li>
      ))}
    </ul>
  );
}

/** The state in a word: what the figures of the header alone can tell. */
function Word({ host }: { host: HostDetail }) {
  if (host.state === "silent") return <State of="critical" word="silent" />;
  if (host.state === "conflict") return <State of="warning" word="name conflict" />;
  if (host.sources_failing > 0) {
    const words = host.sources_failing === 1 ? "1 source fails" : `${host.sources_failing} sources fail`;
    return (
      <a href="#sources" className="plain">
        <State of="warning" word={words} />
      </a>
    );
  }
  return host.attention > 0 ? <State of="warning" word="needs attention" /> : <State of="ok" word="ok" />;
}

export function HostHeader({ host }: { host: HostDetail }) {
  return (
    <header className="host-head">
      <div className="host-name">
        <h1>{host.host}</h1>
        <Word host={host} />
      </div>
      <StateNote host={host} />
      <HostAttention host={host} />
      <Facts rows={rows(host)} />
    </header>
  );
}
