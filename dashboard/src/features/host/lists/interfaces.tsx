/** The host's network interfaces. */
import type { HostDetail, Interface } from "../../../api/types";
import { Chart } from "../../../charts/chart";
import { network } from "../../../charts/of_host/devices";
import { inPanel } from "../../../charts/of_host/sections";
import type { HostShape } from "../../../charts/of_host/shape";
import * as number from "../../../format/number";
import { Facts } from "../../../ui/facts";
import { Quantity } from "../../../ui/figures";
import { State } from "../../../ui/state";
import { Empty } from "../../../ui/views";
import { type Column, list, plainText } from "./list";

const link = (row: Interface) =>
  row.operstate === "up" ? (
    <State of="ok" word="up" />
  ) : (
    <State of="unknown" word={row.operstate ?? "unknown"} />
  );

const COLUMNS: readonly Column<Interface>[] = [
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
    cell: link,
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

const bits = (value: number | null) => <Quantity of={number.bitsPerSecond(value)} />;

function Details({ row, shape }: { row: Interface; host: HostDetail; shape: HostShape }) {
  const [traffic, ...errors] = network({ ...shape, interfaces: [row.device] });
  const color = Math.max(0, shape.interfaces.indexOf(row.device));
  const charts = [...(traffic ? inPanel([traffic], color) : []), ...inPanel(errors)];
  return (
    <>
      <Facts
        rows={[
          ["Link", link(row)],
          ["Speed", bits(row.speed_bytes_per_second)],
          ["Address", plainText(row.address)],
          ["Received", bits(row.receive_bytes_per_second)],
          ["Sent", bits(row.transmit_bytes_per_second)],
          ["Errors since boot", <Quantity key="errors" of={number.count(row.errors_total)} />],
        ]}
      />
      {charts.map((spec) => (
        <Chart
          key={spec.id}
          spec={spec.id === "panel-network-errors" ? { ...spec, title: "Errors and drops" } : spec}
        />
      ))}
    </>
  );
}

export const INTERFACES = list<Interface>({
  kind: "interface",
  section: "network",
  one: "Network interface",
  many: "Network interfaces",
  rows: (host) => host.interfaces,
  columns: COLUMNS,
  first: { key: "device", descending: false },
  empty: <Empty title="No network interface has been read on this host." />,
  Details,
});
