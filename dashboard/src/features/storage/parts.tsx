/** Small parts that the page, its panels and the page of a disk share. */
import { Link } from "@tanstack/react-router";
import type { StorageFinding, StorageScan, StorageState } from "../../api/types";
import * as number from "../../format/number";
import { duration } from "../../format/time";
import { Ago, Bar, Quantity } from "../../ui/figures";
import { Since } from "../../ui/host_attention";
import { RowLink } from "../../ui/row_link";
import { type Severity, State } from "../../ui/state";
import { scanWords, stateWord } from "./words";

const SHOWN: Record<StorageState, Severity> = {
  ok: "ok",
  unknown: "unknown",
  info: "info",
  warning: "warning",
  critical: "critical",
};

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
          <State of={SHOWN[finding.state]} />
          <p>{finding.message}</p>
          <Since at={finding.since} />
        </li>
      ))}
    </ul>
  );
}

/** The thing's own words, coloured where they are bad news; the icon stands beside its name. */
export function PlainWords({ state, words }: { state: StorageState; words: string }) {
  const colour = state === "ok" ? undefined : `state-${SHOWN[state]}`;
  return <span className={colour}>{words}</span>;
}

/** The state in an icon and the thing's own words. */
export function Words({ state, words }: { state: StorageState; words: string }) {
  return <State of={SHOWN[state]} word={words} />;
}

/** What goes on, as a bar with figures; or how the last one went. */
export function Scan({ scan }: { scan: StorageScan }) {
  if (!scan.running) {
    return (
      <span className="scan">
        <span>
          {scanWords(scan)} <span className="muted">{scan.state}</span>
        </span>
        {scan.finished_at !== null && (
          <span className="sub">
            <Ago at={scan.finished_at} />
            {scan.errors !== null && scan.errors > 0 && `, ${number.text(number.count(scan.errors))} errors`}
          </span>
        )}
      </span>
    );
  }
  const speed = scan.bytes_per_second;
  const left = scan.remaining_seconds;
  return (
    <span className="scan">
      <span className="bar-line">
        <span>
          {scanWords(scan)}
          {scan.state === "paused" && <span className="muted"> paused</span>}
        </span>
        <Quantity of={number.percent(scan.progress_ratio)} />
      </span>
      <Bar ratio={scan.progress_ratio} />
      {(speed !== null || left !== null) && (
        <span className="sub">
          {speed !== null && number.text(number.bytesPerSecond(speed))}
          {speed !== null && left !== null && " · "}
          {left !== null && `${duration(left)} left`}
        </span>
      )}
    </span>
  );
}

/** The name of a device, as a link to its disk where it is known. */
export function DeviceLink({ disk, children }: { disk: string | null; children: string }) {
  if (disk === null) return <>{children}</>;
  return (
    <Link to="/disks/$id" params={{ id: disk }} className="row-link">
      {children}
    </Link>
  );
}

export const HostLink = ({ host }: { host: string }) => (
  <Link to="/hosts/$host" params={{ host }}>
    {host}
  </Link>
);
