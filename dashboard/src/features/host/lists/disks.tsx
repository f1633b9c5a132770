/** The host's disks. */
import type { Disk, HostDetail } from "../../../api/types";
import { Chart } from "../../../charts/chart";
import { disks } from "../../../charts/of_host/devices";
import { inPanel } from "../../../charts/of_host/sections";
import type { HostShape } from "../../../charts/of_host/shape";
import * as number from "../../../format/number";
import { Facts } from "../../../ui/facts";
import { Bar, Quantity } from "../../../ui/figures";
import { BUSY_LIMITS, FILESYSTEM_LIMITS } from "../../../ui/limits";
import { RowLink } from "../../../ui/row_link";
import { Empty } from "../../../ui/views";
import { type Column, list, plainText } from "./list";

const kindOf = (row: Disk) =>
  row.rotational === null ? plainText(null) : row.rotational ? "rotating" : "solid state";

const COLUMNS: readonly Column<Disk>[] = [
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
    cell: kindOf,
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

/** Filesystems on the disk or its partitions, by their names: sda1, nvme0n1p2, mmcblk0p1. */
export function filesystemsOn(host: HostDetail, device: string) {
  return host.filesystems.filter(({ device: from }) => {
    const name = from.replace(/^\/dev\//, "");
    return name.startsWith(device) && /^(p?\d+)?$/.test(name.slice(device.length));
  });
}

function Details({ row, host, shape }: { row: Disk; host: HostDetail; shape: HostShape }) {
  const on = filesystemsOn(host, row.device);
  return (
    <>
      <Facts
        rows={[
          ["Model", plainText(row.model)],
          ["Serial number", plainText(row.serial)],
          ["Capacity", <Quantity key="size" of={number.capacity(row.size_bytes)} />],
          ["Kind", kindOf(row)],
          ["Busy", <Quantity key="busy" of={number.percent(row.busy_ratio)} />],
          ["Read", <Quantity key="read" of={number.bytesPerSecond(row.read_bytes_per_second)} />],
          ["Written", <Quantity key="written" of={number.bytesPerSecond(row.write_bytes_per_second)} />],
        ]}
      />
      {on.length > 0 && (
        <>
          <h3 className="panel-part">Filesystems on it</h3>
          <ul className="panel-list">
            {on.map((each) => (
              <li key={each.mountpoint}>
                <RowLink row={`filesystem:${each.mountpoint}`}>{each.mountpoint}</RowLink>
                <span className="inline-bar">
                  <Bar ratio={each.used_ratio} limits={FILESYSTEM_LIMITS} />
                  <Quantity of={number.percent(each.used_ratio)} />
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
      {inPanel(disks({ ...shape, disks: [row.device] }), Math.max(0, shape.disks.indexOf(row.device))).map(
        (spec) => (
          <Chart key={spec.id} spec={spec} />
        ),
      )}
    </>
  );
}

export const DISKS = list<Disk>({
  kind: "disk",
  section: "disks",
  one: "Disk",
  many: "Disks",
  rows: (host) => host.disks,
  columns: COLUMNS,
  first: { key: "device", descending: false },
  empty: <Empty title="No disk has been read on this host." />,
  Details,
});
