/** Small parts that the pages of storage share. */
import { Link } from "@tanstack/react-router";
import type { StorageScan } from "../../api/types";
import * as number from "../../format/number";
import { duration } from "../../format/time";
import { Ago, Bar, Quantity } from "../../ui/figures";
import { scanWords } from "./words";

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
