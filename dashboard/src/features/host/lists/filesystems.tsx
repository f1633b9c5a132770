/** The host's filesystems. */
import type { Filesystem, HostDetail } from "../../../api/types";
import { Chart } from "../../../charts/chart";
import { filesystems } from "../../../charts/of_host/devices";
import { inPanel } from "../../../charts/of_host/sections";
import type { HostShape } from "../../../charts/of_host/shape";
import * as number from "../../../format/number";
import { Facts } from "../../../ui/facts";
import { Bar, Quantity } from "../../../ui/figures";
import { FILESYSTEM_LIMITS } from "../../../ui/limits";
import { State } from "../../../ui/state";
import { Empty } from "../../../ui/views";
import { type Column, list } from "./list";

function FilesystemState({ filesystem }: { filesystem: Filesystem }) {
  if (filesystem.stalled) return <State of="critical" word="does not answer" />;
  return filesystem.readonly ? (
    <State of="info" word="read-only" />
  ) : (
    <span className="muted">read-write</span>
  );
}

const inodesUsed = ({ inodes, inodes_free: free }: Filesystem): number | null =>
  inodes === null || free === null || inodes === 0 ? null : 1 - free / inodes;

const COLUMNS: readonly Column<Filesystem>[] = [
  {
    key: "mountpoint",
    words: "Mounted at",
    numeric: false,
    sortBy: (row) => row.mountpoint,
    cell: (row) => row.mountpoint,
  },
  {
    key: "used",
    words: "Used",
    numeric: true,
    sortBy: (row) => row.used_ratio,
    cell: (row) => (
      <span className="inline-bar">
        <Bar ratio={row.used_ratio} limits={FILESYSTEM_LIMITS} />
        <Quantity of={number.percent(row.used_ratio)} />
      </span>
    ),
  },
  {
    key: "avail",
    words: "Available",
    numeric: true,
    sortBy: (row) => row.avail_bytes,
    cell: (row) => <Quantity of={number.bytes(row.avail_bytes)} />,
  },
  {
    key: "size",
    words: "Size",
    numeric: true,
    sortBy: (row) => row.size_bytes,
    cell: (row) => <Quantity of={number.bytes(row.size_bytes)} />,
  },
  {
    key: "inodes",
    words: "Inodes used",
    numeric: true,
    sortBy: inodesUsed,
    cell: (row) => <Quantity of={number.percent(inodesUsed(row))} />,
  },
  { key: "fstype", words: "Type", numeric: false, sortBy: (row) => row.fstype, cell: (row) => row.fstype },
  { key: "device", words: "Device", numeric: false, sortBy: (row) => row.device, cell: (row) => row.device },
  {
    key: "state",
    words: "State",
    numeric: false,
    sortBy: (row) => Number(row.stalled) * 2 + Number(row.readonly),
    cell: (row) => <FilesystemState filesystem={row} />,
  },
];

const bytes = (value: number | null) => <Quantity of={number.bytes(value)} />;

/** "1 700 000 of 30 000 000 (5.7 %)" */
function inodes(row: Filesystem) {
  if (row.inodes === null || row.inodes_free === null) return "–";
  if (row.inodes === 0) return "no limit of its own";
  const [used, all, share] = [
    number.count(row.inodes - row.inodes_free),
    number.count(row.inodes),
    number.percent(inodesUsed(row)),
  ].map(number.text);
  return `${used} of ${all} (${share})`;
}

function Details({ row, shape }: { row: Filesystem; host: HostDetail; shape: HostShape }) {
  const charts = filesystems({ ...shape, mountpoints: [row.mountpoint] });
  const used = row.size_bytes === null || row.free_bytes === null ? null : row.size_bytes - row.free_bytes;
  // What root keeps for itself is free, but not available.
  const kept = row.free_bytes === null || row.avail_bytes === null ? null : row.free_bytes - row.avail_bytes;
  return (
    <>
      {row.stalled && (
        <p className="panel-note">
          <State of="critical" word="does not answer" /> The figures are the last known; a network share or a
          failing disk may be the cause.
        </p>
      )}
      <p className="panel-figure">
        <Quantity of={number.percent(row.used_ratio)} /> <span className="muted">used</span>
        <Bar ratio={row.used_ratio} limits={FILESYSTEM_LIMITS} />
      </p>
      <Facts
        rows={[
          ["Used", bytes(used)],
          ["Available", bytes(row.avail_bytes)],
          ["Size", bytes(row.size_bytes)],
          ["Kept for root", bytes(kept)],
          ["Inodes used", inodes(row)],
          ["Mounted", <FilesystemState key="state" filesystem={row} />],
          ["Type", row.fstype],
          ["Device", row.device],
        ]}
      />
      {inPanel(charts, Math.max(0, shape.mountpoints.indexOf(row.mountpoint))).map((spec) => (
        <Chart key={spec.id} spec={{ ...spec, title: "Share used" }} />
      ))}
    </>
  );
}

export const FILESYSTEMS = list<Filesystem>({
  kind: "filesystem",
  section: "filesystems",
  one: "Filesystem",
  many: "Filesystems",
  rows: (host) => host.filesystems,
  columns: COLUMNS,
  first: { key: "used", descending: true },
  empty: <Empty title="No filesystem has been read on this host." />,
  Details,
});
