/** Charts of what a host has several of: interfaces, disks, filesystems. */
import type { Selection } from "../../api/selector";
import { type ChartSpec, combine, find } from "../spec";
import { made, named, scaled, total } from "./lines";
import { type HostShape, interval } from "./shape";

/** Two counters of each device, one drawn above zero and one below. */
function mirrored(
  shape: HostShape,
  devices: readonly string[],
  source: string,
  part: Pick<ChartSpec, "id" | "title" | "unit" | "empty" | "leastTop">,
  above: readonly [metric: string, words: string],
  below: readonly [metric: string, words: string],
  scale = 1,
): ChartSpec {
  const selection = (metric: string): Selection => ({
    metric,
    equal: { instance: shape.host },
    among: { device: devices },
  });
  return {
    ...part,
    selections: [selection(above[0]), selection(below[0])],
    mode: "rate",
    interval: interval(shape, source),
    shape: (series) =>
      scaled(
        devices.flatMap((device, color) => [
          ...named(`${device} ${above[1]}`, color, find(series, above[0], { device })),
          ...named(`${device} ${below[1]}`, color, find(series, below[0], { device }), true),
        ]),
        scale,
      ),
  };
}

export function network(shape: HostShape): ChartSpec[] {
  if (shape.interfaces.length === 0) return [];
  const errors = ["receive_errs", "transmit_errs", "receive_drop", "transmit_drop"].map((name) => ({
    metric: `node_network_${name}_total`,
    words: name.replace("_", " ").replace("errs", "errors").replace("drop", "drops"),
  }));
  return [
    mirrored(
      shape,
      shape.interfaces,
      "network",
      {
        id: "chart-network",
        title: "Traffic",
        unit: "bits_per_second",
        leastTop: 10_000,
        empty: "No network readings in this range.",
      },
      ["node_network_receive_bytes_total", "received"],
      ["node_network_transmit_bytes_total", "sent"],
      8,
    ),
    {
      id: "chart-network-errors",
      title: "Errors and drops of all interfaces",
      unit: "per_second",
      selections: errors.map(({ metric }) => ({
        metric,
        equal: { instance: shape.host },
        among: { device: shape.interfaces },
      })),
      mode: "rate",
      interval: interval(shape, "network"),
      leastTop: 1,
      // The collector would add up over the four metrics as well, so this is done here.
      shape: (series) =>
        errors.flatMap(({ metric, words }, color) => {
          const devices = series.filter((each) => each.metric === metric).map(({ avg }) => avg);
          return devices.length === 0 ? [] : [made(words, color, total(devices))];
        }),
      empty: "No network readings in this range.",
    },
  ];
}

export function disks(shape: HostShape): ChartSpec[] {
  if (shape.disks.length === 0) return [];
  const part = { empty: "No disk readings in this range." };
  return [
    mirrored(
      shape,
      shape.disks,
      "disk",
      { ...part, id: "chart-disk-bytes", title: "Throughput", unit: "bytes_per_second", leastTop: 1024 },
      ["node_disk_read_bytes_total", "read"],
      ["node_disk_written_bytes_total", "written"],
    ),
    mirrored(
      shape,
      shape.disks,
      "disk",
      { ...part, id: "chart-disk-operations", title: "Operations", unit: "per_second", leastTop: 1 },
      ["node_disk_reads_completed_total", "reads"],
      ["node_disk_writes_completed_total", "writes"],
    ),
    {
      ...part,
      id: "chart-disk-busy",
      title: "Busy",
      unit: "ratio",
      selections: [
        {
          metric: "node_disk_io_time_seconds_total",
          equal: { instance: shape.host },
          among: { device: shape.disks },
        },
      ],
      mode: "rate",
      interval: interval(shape, "disk"),
      leastTop: 0.1,
      shape: (series) =>
        shape.disks.flatMap((device, color) =>
          named(device, color, find(series, "node_disk_io_time_seconds_total", { device })),
        ),
    },
  ];
}

export function filesystems(shape: HostShape): ChartSpec[] {
  if (shape.mountpoints.length === 0) return [];
  const metrics = ["size", "free", "avail"].map((name) => `node_filesystem_${name}_bytes`);
  return [
    {
      id: "chart-filesystems",
      title: "Filesystems used",
      unit: "ratio",
      selections: metrics.map((metric) => ({
        metric,
        equal: { instance: shape.host },
        among: { mountpoint: shape.mountpoints },
      })),
      mode: "value",
      interval: interval(shape, "filesystem"),
      top: 1,
      // As df says it: what root keeps for itself counts as neither used nor available.
      shape: (series) =>
        shape.mountpoints.flatMap((mountpoint, color) => {
          const [size, free, avail] = metrics.map((metric) => find(series, metric, { mountpoint })?.avg);
          if (!size || !free || !avail) return [];
          const used = combine(
            [size, free, avail],
            (all, unused, usable) => (all - unused) / (all - unused + usable),
          );
          return [made(mountpoint, color, used)];
        }),
      empty: "No filesystem readings in this range.",
    },
  ];
}
