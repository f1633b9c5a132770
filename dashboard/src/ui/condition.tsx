/** How a thing is as the collector judges it, with its own words; the same on every page. */
import { Link } from "@tanstack/react-router";
import type { StorageFinding, StorageState } from "../api/types";
import { Since } from "./host_attention";
import { RowLink } from "./row_link";
import { type Severity, State } from "./state";

/** The state in one word; what a thing says of itself stands beside it. */
export function stateWord(state: StorageState): readonly [Severity, string] {
  switch (state) {
    case "ok":
      return ["ok", "ok"];
    case "info":
      return ["info", "in progress"];
    case "warning":
      return ["warning", "warning"];
    case "critical":
      return ["critical", "critical"];
    default:
      return ["unknown", "unknown"];
  }
}

/** The name of a row with its state, and a line below. */
export function NameCell({
  row,
  state,
  name,
  below,
}: {
  row: string;
  state: StorageState;
  name: string;
  below: string;
}) {
  const [severity, word] = stateWord(state);
  return (
    <div className="host-cell">
      <State of={severity} word={word} quiet />
      <div>
        <RowLink row={row}>{name}</RowLink>
        <div className="sub">{below}</div>
      </div>
    </div>
  );
}

/** What was found, worst first. */
export function Findings({ findings }: { findings: readonly StorageFinding[] }) {
  if (findings.length === 0) return null;
  return (
    <ul className="host-attention" aria-label="Findings">
      {findings.map((finding) => (
        <li key={finding.message} className="attention-item">
          <State of={finding.state} />
          <p>{finding.message}</p>
          <Since at={finding.since} />
        </li>
      ))}
    </ul>
  );
}

/** The thing's own words, coloured where they are bad news; the icon stands beside its name. */
export function PlainWords({ state, words }: { state: StorageState; words: string }) {
  const colour = state === "ok" ? undefined : `state-${state}`;
  return <span className={colour}>{words}</span>;
}

/** The state in an icon and the thing's own words. */
export function Words({ state, words }: { state: StorageState; words: string }) {
  return <State of={state} word={words} />;
}

export const HostLink = ({ host }: { host: string }) => (
  <Link to="/hosts/$host" params={{ host }}>
    {host}
  </Link>
);
