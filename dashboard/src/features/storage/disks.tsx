/** The table of disks. */
import type { StorageDisk } from "../../api/types";
import * as number from "../../format/number";
import { age, parseTime } from "../../format/time";
import { NameCell, PlainWords } from "../../ui/condition";
import { Ago, Bar, Quantity } from "../../ui/figures";
import { WEAR_LIMITS } from "../../ui/limits";
import type { Column, ListSpec } from "../../ui/list_table";
import { State } from "../../ui/state";
import { place, transport, verdict } from "./words";

const RANK = { critical: 4, warning: 3, info: 2, unknown: 1, ok: 0 } as const;
/** Worst first when sorted downwards; used by all lists. */
export const rankOf = (state: keyof typeof RANK): number => RANK[state];

const dash = <span className="muted">–</span>;

function Temperature({ disk }: { disk: StorageDisk }) {
  const { temperature_celsius: celsius, temperature_limit_celsius: limit } = disk;
  const hot = celsius !== null && limit !== null && celsius > limit;
  return (
    <span
      className={hot ? "state-warning" : undefined}
      title={limit === null ? undefined : `limit ${limit} °C`}
    >
      <Quantity of={number.celsius(celsius)} />
    </span>
  );
}

function LastRead({ disk }: { disk: StorageDisk }) {
  if (disk.standby === true) {
    return (
      <div>
        standby
        {disk.last_read !== null && (
          <div className="sub">
            <Ago at={disk.last_read} prefix="read " />
          </div>
        )}
      </div>
    );
  }
  return disk.last_read === null ? dash : <Ago at={disk.last_read} />;
}

const COLUMNS: readonly Column<StorageDisk>[] = [
  {
    key: "disk",
    words: "Disk",
    sortBy: (disk) => `${disk.host} ${disk.device}`,
    cell: (disk) => (
      <NameCell
        row={`disk:${disk.id}`}
        state={disk.state}
        name={disk.model ?? disk.device}
        below={disk.serial ?? disk.key}
      />
    ),
  },
  {
    key: "host",
    words: "Host and place",
    phone: "line",
    sortBy: (disk) => `${disk.host} ${place(disk) ?? ""} ${disk.device}`,
    cell: (disk) => (
      <div>
        {disk.host} · {disk.device}
        <div className="sub ellipsis">{place(disk) ?? " "}</div>
      </div>
    ),
  },
  {
    key: "verdict",
    words: "Verdict",
    phone: "line",
    sortBy: (disk) => rankOf(disk.state),
    cell: (disk) => (
      <div className="verdict">
        <PlainWords state={disk.state} words={verdict(disk)} />
        {disk.findings[0] !== undefined && <div className="sub ellipsis">{disk.findings[0].message}</div>}
      </div>
    ),
  },
  {
    key: "size",
    words: "Capacity",
    numeric: true,
    sortBy: (disk) => disk.size_bytes,
    cell: (disk) => <Quantity of={number.capacity(disk.size_bytes)} />,
  },
  {
    key: "transport",
    words: "Link",
    phone: "none",
    sortBy: (disk) => transport(disk.transport),
    cell: (disk) => transport(disk.transport) ?? dash,
  },
  {
    key: "temperature",
    words: "Temp.",
    numeric: true,
    sortBy: (disk) => disk.temperature_celsius,
    cell: (disk) => <Temperature disk={disk} />,
  },
  {
    key: "age",
    words: "Powered on",
    numeric: true,
    sortBy: (disk) => disk.power_on_seconds,
    cell: (disk) => age(disk.power_on_seconds),
  },
  {
    key: "wear",
    words: "Wear",
    numeric: true,
    sortBy: (disk) => disk.wear_ratio,
    cell: (disk) =>
      disk.wear_ratio === null ? (
        dash
      ) : (
        <span className="inline-bar">
          <Bar ratio={disk.wear_ratio} limits={WEAR_LIMITS} />
          <Quantity of={number.percent(disk.wear_ratio)} />
        </span>
      ),
  },
  {
    key: "errors",
    words: "Errors",
    numeric: true,
    sortBy: (disk) => disk.error_count,
    cell: (disk) => (
      <span className={disk.error_count !== null && disk.error_count > 0 ? "state-warning" : undefined}>
        <Quantity of={number.count(disk.error_count)} />
      </span>
    ),
  },
  {
    key: "read",
    words: "Last read",
    numeric: true,
    sortBy: (disk) => parseTime(disk.last_read),
    cell: (disk) => <LastRead disk={disk} />,
  },
];

export const DISKS: ListSpec<StorageDisk> = {
  many: "Disks",
  name: "storage storage-disks",
  columns: COLUMNS,
  first: { key: "disk", descending: false },
  also: (disk) =>
    [disk.model, disk.serial, disk.wwn, disk.vendor, disk.device, verdict(disk), ...disk.used_by]
      .concat(disk.findings.map(({ message }) => message))
      .concat(disk.standby === true ? "standby" : "")
      .join(" "),
};

/** A sleeping or silent disk's figures are old. */
export const Sleeping = ({ disk }: { disk: StorageDisk }) =>
  disk.standby === true ? <State of="unknown" word="standby" /> : null;
