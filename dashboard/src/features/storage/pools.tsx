/** The tables of pools and arrays. */
import type { StorageArray, StoragePool, StorageScan } from "../../api/types";
import * as number from "../../format/number";
import { NameCell, PlainWords } from "../../ui/condition";
import { Bar, Quantity } from "../../ui/figures";
import { FILESYSTEM_LIMITS } from "../../ui/limits";
import type { Column, ListSpec } from "../../ui/list_table";
import { rankOf } from "./disks";
import { Scan } from "./parts";
import { layout } from "./words";

const dash = <span className="muted">–</span>;

/** What goes on, or else the one that ended last. */
export function newest(scans: readonly StorageScan[]): StorageScan | null {
  const running = scans.find((scan) => scan.running);
  if (running !== undefined) return running;
  const ended = [...scans].sort((left, right) =>
    (right.finished_at ?? "").localeCompare(left.finished_at ?? ""),
  );
  return ended[0] ?? null;
}

function ScanCell({ scans }: { scans: readonly StorageScan[] }) {
  const scan = newest(scans);
  return scan === null ? dash : <Scan scan={scan} />;
}

function Finding({ of }: { of: StoragePool | StorageArray }) {
  return (
    <div className="verdict">
      <PlainWords state={of.state} words={of.words} />
      {of.findings[0] !== undefined && <div className="sub ellipsis">{of.findings[0].message}</div>}
    </div>
  );
}

const POOL_COLUMNS: readonly Column<StoragePool>[] = [
  {
    key: "pool",
    words: "Pool",
    sortBy: (pool) => pool.name,
    cell: (pool) => (
      <NameCell
        row={`pool:${pool.id}`}
        state={pool.state}
        name={pool.name}
        below={`${pool.type === "zfs" ? "ZFS" : "btrfs"} on ${pool.host}`}
      />
    ),
  },
  {
    key: "state",
    words: "State",
    phone: "line",
    sortBy: (pool) => rankOf(pool.state),
    cell: (pool) => <Finding of={pool} />,
  },
  {
    key: "layout",
    words: "Layout",
    phone: "none",
    sortBy: (pool) => layout(pool.vdevs),
    cell: (pool) => layout(pool.vdevs) || dash,
  },
  {
    key: "used",
    words: "Used",
    numeric: true,
    sortBy: (pool) => pool.used_ratio,
    cell: (pool) => (
      <div className="bar-cell">
        <div className="bar-line">
          <span className="sub">{number.text(number.bytes(pool.size_bytes))}</span>
          <Quantity of={number.percent(pool.used_ratio)} />
        </div>
        <Bar ratio={pool.used_ratio} limits={FILESYSTEM_LIMITS} />
      </div>
    ),
  },
  {
    key: "fragmentation",
    words: "Fragmented",
    phone: "none",
    numeric: true,
    sortBy: (pool) => pool.fragmentation_ratio,
    cell: (pool) => <Quantity of={number.percent(pool.fragmentation_ratio)} />,
  },
  {
    key: "scan",
    words: "Scrub, resilver",
    phone: "two",
    sortBy: (pool) => newest(pool.scans)?.progress_ratio ?? null,
    cell: (pool) => <ScanCell scans={pool.scans} />,
  },
];

export const POOLS: ListSpec<StoragePool> = {
  many: "Pools",
  name: "storage storage-pools",
  columns: POOL_COLUMNS,
  first: { key: "pool", descending: false },
  also: (pool) =>
    [
      pool.host,
      pool.type,
      pool.words,
      ...pool.findings.map(({ message }) => message),
      ...pool.mountpoints,
    ].join(" "),
};

const ARRAY_COLUMNS: readonly Column<StorageArray>[] = [
  {
    key: "array",
    words: "Array",
    sortBy: (array) => array.name,
    cell: (array) => (
      <NameCell
        row={`array:${array.id}`}
        state={array.state}
        name={array.name}
        below={`${array.level ?? "md"} on ${array.host}`}
      />
    ),
  },
  {
    key: "state",
    words: "State",
    phone: "line",
    sortBy: (array) => rankOf(array.state),
    cell: (array) => <Finding of={array} />,
  },
  {
    key: "members",
    words: "Members",
    numeric: true,
    sortBy: (array) => array.slots,
    cell: (array) =>
      array.slots === null ? (
        <Quantity of={number.count(array.members.length)} />
      ) : (
        `${array.slots - (array.degraded ?? 0)} of ${array.slots}`
      ),
  },
  {
    key: "size",
    words: "Size",
    numeric: true,
    sortBy: (array) => array.size_bytes,
    cell: (array) => <Quantity of={number.bytes(array.size_bytes)} />,
  },
  {
    key: "used",
    words: "Used for",
    sortBy: (array) => array.used_by.join(", "),
    cell: (array) => array.used_by.join(", ") || dash,
  },
  {
    key: "scan",
    words: "Check, rebuild",
    phone: "two",
    sortBy: (array) => newest(array.scans)?.progress_ratio ?? null,
    cell: (array) => <ScanCell scans={array.scans} />,
  },
];

export const ARRAYS: ListSpec<StorageArray> = {
  many: "Arrays",
  name: "storage storage-arrays",
  columns: ARRAY_COLUMNS,
  first: { key: "array", descending: false },
  also: (array) =>
    [array.host, array.uuid, array.words, ...array.members.map(({ device }) => device)]
      .concat(array.findings.map(({ message }) => message))
      .join(" "),
};
