/** What a host has several of: filesystems, disks, interfaces. */
import { useState } from "react";
import type { Disk, Filesystem, HostDetail, Interface } from "../../api/types";
import * as number from "../../format/number";
import { Bar, Quantity } from "../../ui/figures";
import { BUSY_LIMITS, FILESYSTEM_LIMITS } from "../../ui/limits";
import { Scroll } from "../../ui/scroll";
import { State } from "../../ui/state";
import { compare, type Sort, SortHead } from "../../ui/table";
import { Empty } from "../../ui/views";

interface Column<Row> {
  key: string;
  words: string;
  numeric: boolean;
  sortBy: (row: Row) => string | number | null;
  cell: (row: Row) => React.ReactNode;
}

const plainText = (value: string | null) => value || <span className="muted">–</span>;

/** A table that sorts; the first column names the row. */
function List<Row>({
  caption,
  rows,
  columns,
  first,
}: {
  caption: string;
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  first: Sort<string>;
}) {
  const [sort, setSort] = useState(first);
  const by = columns.find(({ key }) => key === sort.key);
  const sorted = [...rows].sort((left, right) =>
    by === undefined ? 0 : compare(by.sortBy(left), by.sortBy(right), sort.descending),
  );
  const [name, ...rest] = columns;
  if (name === undefined) return null;
  return (
    <Scroll label={caption}>
      <table className="table">
        <caption className="sr-only">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ key, words, numeric }) => (
              <SortHead key={key} column={key} sort={sort} onSort={setSort} numeric={numeric}>
                {words}
              </SortHead>
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted.map((row) => (
            <tr key={String(name.sortBy(row))}>
              <th scope="row">{name.cell(row)}</th>
              {rest.map(({ key, numeric, cell }) => (
                <td key={key} className={numeric ? "numeric" : undefined}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

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

const FILESYSTEMS: readonly Column<Filesystem>[] = [
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

const DISKS: readonly Column<Disk>[] = [
  { key: "device", words: "Disk", numeric: false, sortBy: (row) => row.device, cell: (row) => row.device },
  {
    key: "busy",
    words: "Busy",
    numeric: true,
    sortBy: (row) => row.busy_ratio,
    cell: (row) => (
      <span className="inline-bar">
        <Bar ratio={row.busy_ratio} limits={BUSY_LIMITS} />
        <Quantity of={number.percent(row.busy_ratio)} />
      </span>
    ),
  },
  {
    key: "read",
    words: "Read",
    numeric: true,
    sortBy: (row) => row.read_bytes_per_second,
    cell: (row) => <Quantity of={number.bytesPerSecond(row.read_bytes_per_second)} />,
  },
  {
    key: "write",
    words: "Written",
    numeric: true,
    sortBy: (row) => row.write_bytes_per_second,
    cell: (row) => <Quantity of={number.bytesPerSecond(row.write_bytes_per_second)} />,
  },
  {
    key: "reads",
    words: "Reads",
    numeric: true,
    sortBy: (row) => row.reads_per_second,
    cell: (row) => <Quantity of={number.plain(row.reads_per_second, "/s")} />,
  },
  {
    key: "writes",
    words: "Writes",
    numeric: true,
    sortBy: (row) => row.writes_per_second,
    cell: (row) => <Quantity of={number.plain(row.writes_per_second, "/s")} />,
  },
  {
    key: "size",
    words: "Capacity",
    numeric: true,
    sortBy: (row) => row.size_bytes,
    cell: (row) => <Quantity of={number.capacity(row.size_bytes)} />,
  },
  {
    key: "kind",
    words: "Kind",
    numeric: false,
    sortBy: (row) => Number(row.rotational),
    cell: (row) => (row.rotational === null ? plainText(null) : row.rotational ? "rotating" : "solid state"),
  },
  {
    key: "model",
    words: "Model",
    numeric: false,
    sortBy: (row) => row.model,
    cell: (row) => plainText(row.model),
  },
  {
    key: "serial",
    words: "Serial number",
    numeric: false,
    sortBy: (row) => row.serial,
    cell: (row) => plainText(row.serial),
  },
];

const INTERFACES: readonly Column<Interface>[] = [
  {
    key: "device",
    words: "Interface",
    numeric: false,
    sortBy: (row) => row.device,
    cell: (row) => row.device,
  },
  {
    key: "state",
    words: "Link",
    numeric: false,
    sortBy: (row) => row.operstate,
    cell: (row) =>
      row.operstate === "up" ? (
        <State of="ok" word="up" />
      ) : (
        <State of="unknown" word={row.operstate ?? "unknown"} />
      ),
  },
  {
    key: "receive",
    words: "Received",
    numeric: true,
    sortBy: (row) => row.receive_bytes_per_second,
    cell: (row) => <Quantity of={number.bitsPerSecond(row.receive_bytes_per_second)} />,
  },
  {
    key: "transmit",
    words: "Sent",
    numeric: true,
    sortBy: (row) => row.transmit_bytes_per_second,
    cell: (row) => <Quantity of={number.bitsPerSecond(row.transmit_bytes_per_second)} />,
  },
  {
    key: "speed",
    words: "Speed",
    numeric: true,
    sortBy: (row) => row.speed_bytes_per_second,
    cell: (row) => <Quantity of={number.bitsPerSecond(row.speed_bytes_per_second)} />,
  },
  {
    key: "errors",
    words: "Errors since boot",
    numeric: true,
    sortBy: (row) => row.errors_total,
    cell: (row) => <Quantity of={number.count(row.errors_total)} />,
  },
  {
    key: "address",
    words: "Address",
    numeric: false,
    sortBy: (row) => row.address,
    cell: (row) => plainText(row.address),
  },
];

export function FilesystemTable({ host }: { host: HostDetail }) {
  if (host.filesystems.length === 0) return <Empty title="No filesystem has been read on this host." />;
  return (
    <List
      caption="Filesystems"
      rows={host.filesystems}
      columns={FILESYSTEMS}
      first={{ key: "used", descending: true }}
    />
  );
}

export function DiskTable({ host }: { host: HostDetail }) {
  if (host.disks.length === 0) return <Empty title="No disk has been read on this host." />;
  return (
    <List caption="Disks" rows={host.disks} columns={DISKS} first={{ key: "device", descending: false }} />
  );
}

export function InterfaceTable({ host }: { host: HostDetail }) {
  if (host.interfaces.length === 0) return <Empty title="No network interface has been read on this host." />;
  return (
    <List
      caption="Network interfaces"
      rows={host.interfaces}
      columns={INTERFACES}
      first={{ key: "device", descending: false }}
    />
  );
}
