/** The charts of a host's page, as data: which series, and what is made of them. */
import { type Selection, selector } from "../../api/selector";
import { type ChartSpec, combine, find, type GridSeries, type PlotSeries } from "../../charts/spec";
import { type HostShape, interval } from "./shape";

const named = (name: string, color: number, series: GridSeries | undefined, below = false): PlotSeries[] =>
  series === undefined ? [] : [{ name, color, avg: series.avg, min: series.min, max: series.max, below }];

const scaled = (series: PlotSeries[], by: number): PlotSeries[] =>
  series.map((each) => {
    const scale = (values: PlotSeries["avg"]) => values.map((value) => (value === null ? null : value * by));
    return {
      ...each,
      avg: scale(each.avg),
      min: each.min === null ? null : scale(each.min),
      max: each.max === null ? null : scale(each.max),
    };
  });

/** Sum of those that are known. */
function total(all: readonly PlotSeries["avg"][]): PlotSeries["avg"] {
  return (all[0] ?? []).map((_, index) =>
    all.reduce<number | null>((sum, values) => {
      const value = values[index] ?? null;
      return value === null ? sum : (sum ?? 0) + value;
    }, null),
  );
}

/** A line from a combination of series; least and greatest are not known for it. */
const made = (name: string, color: number, avg: PlotSeries["avg"]): PlotSeries => ({
  name,
  color,
  avg,
  min: null,
  max: null,
});

/** The busy modes from below to above, each always in the same colour. */
const MODES: readonly (readonly [mode: string, color: number])[] = [
  ["user", 0],
  ["system", 5],
  ["iowait", 1],
  ["nice", 2],
  ["irq", 3],
  ["softirq", 6],
  ["steal", 7],
];

function cpu(shape: HostShape): ChartSpec {
  return {
    id: "chart-cpu",
    title: "CPU by mode",
    unit: "ratio",
    selections: [
      { metric: "node_cpu_seconds_total", equal: { instance: shape.host }, unequal: { mode: "idle" } },
    ],
    mode: "rate",
    sumBy: ["mode"],
    interval: interval(shape, "cpu"),
    stacked: true,
    leastTop: 0.1,
    shape: (series) =>
      MODES.flatMap(([mode, color]) =>
        scaled(named(mode, color, find(series, "node_cpu_seconds_total", { mode })), 1 / shape.cpus),
      ).filter(({ avg }, index) => index < 2 || avg.some((value) => value !== null && value > 0.0005)),
    empty: "No CPU readings in this range.",
  };
}

function load(shape: HostShape): ChartSpec {
  const names = [
    ["node_load1", "1 min", 0],
    ["node_load5", "5 min", 1],
    ["node_load15", "15 min", 2],
  ] as const;
  return {
    id: "chart-load",
    title: `Load average, ${shape.cpus} CPU`,
    unit: "number",
    selections: names.map(([metric]) => ({ metric, equal: { instance: shape.host } })),
    mode: "value",
    interval: interval(shape, "load"),
    leastTop: 1,
    shape: (series) => names.flatMap(([metric, name, color]) => named(name, color, find(series, metric))),
    empty: "No load readings in this range.",
  };
}

function pressure(shape: HostShape, kind: "some" | "full"): ChartSpec {
  const all = [
    ["cpu_waiting", "CPU", 0, "some"],
    ["memory_waiting", "memory", 2, "some"],
    ["io_waiting", "I/O", 1, "some"],
    ["memory_stalled", "memory", 2, "full"],
    ["io_stalled", "I/O", 1, "full"],
    ["irq_stalled", "interrupts", 3, "full"],
  ] as const;
  const names = all.filter((each) => each[3] === kind);
  const metric = (name: string) => `node_pressure_${name}_seconds_total`;
  return {
    id: `chart-pressure-${kind}`,
    title: kind === "some" ? "Pressure: some work waits for" : "Pressure: all work waits for",
    unit: "ratio",
    selections: names.map(([name]) => ({ metric: metric(name), equal: { instance: shape.host } })),
    mode: "rate",
    interval: interval(shape, "pressure"),
    leastTop: 0.05,
    shape: (series) =>
      names.flatMap(([name, words, color]) => named(words, color, find(series, metric(name)))),
    empty: "No pressure readings: the kernel was built or started without pressure stall information.",
  };
}

const memory = (name: string) => `node_memory_${name}_bytes`;

function memoryUse(shape: HostShape): ChartSpec {
  const wanted = ["MemTotal", "MemAvailable", "MemFree"];
  return {
    id: "chart-memory",
    title: "Memory",
    unit: "bytes",
    selections: wanted.map((name) => ({ metric: memory(name), equal: { instance: shape.host } })),
    mode: "value",
    interval: interval(shape, "memory"),
    stacked: true,
    top: shape.memory ?? undefined,
    // Used as the overview counts it: what no program could have without swapping.
    shape: (series) => {
      const [all, available, free] = wanted.map((name) => find(series, memory(name))?.avg);
      if (!all || !available || !free) return [];
      return [
        made(
          "used",
          0,
          combine([all, available], (sum, usable) => Math.max(0, sum - usable)),
        ),
        made(
          "cache, given up when needed",
          4,
          combine([available, free], (usable, unused) => Math.max(0, usable - unused)),
        ),
      ];
    },
    empty: "No memory readings in this range.",
  };
}

function swap(shape: HostShape): ChartSpec {
  const selections = ["SwapTotal", "SwapFree"].map((name) => ({
    metric: memory(name),
    equal: { instance: shape.host },
  }));
  return {
    id: "chart-swap",
    title: "Swap",
    unit: "bytes",
    selections,
    mode: "value",
    interval: interval(shape, "memory"),
    leastTop: 64 * 1024 ** 2,
    shape: (series) => {
      const total = find(series, memory("SwapTotal"))?.avg;
      const free = find(series, memory("SwapFree"))?.avg;
      if (!total?.some((value) => value !== null && value > 0) || !free) return [];
      return [
        made(
          "used",
          0,
          combine([total, free], (all, unused) => all - unused),
        ),
      ];
    },
    empty: "This host has no swap.",
  };
}

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

function network(shape: HostShape): ChartSpec[] {
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

function disks(shape: HostShape): ChartSpec[] {
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

function filesystems(shape: HostShape): ChartSpec[] {
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

export interface ChartSection {
  id: string;
  title: string;
  charts: readonly ChartSpec[];
}

export function sections(shape: HostShape): ChartSection[] {
  return [
    { id: "cpu", title: "CPU", charts: [cpu(shape), load(shape)] },
    { id: "pressure", title: "Pressure", charts: [pressure(shape, "some"), pressure(shape, "full")] },
    { id: "memory", title: "Memory", charts: [memoryUse(shape), swap(shape)] },
    { id: "network", title: "Network", charts: network(shape) },
    { id: "disks", title: "Disks", charts: disks(shape) },
    { id: "filesystems", title: "Filesystems", charts: filesystems(shape) },
  ];
}

/** The collector takes at most so many selectors at once. */
const MOST_SELECTORS = 32;

/** What the live stream has to send for all charts: as few selectors as will do. */
export function liveMatch(all: readonly ChartSection[], host: string): string[] {
  const charts = all.flatMap((section) => section.charts);
  const metrics = new Set(charts.flatMap(({ selections }) => selections.map(({ metric }) => metric)));
  const one = [...metrics].sort().map((metric) => selector({ metric, equal: { instance: host } }));
  return one.length <= MOST_SELECTORS ? one : [selector({ metric: "", equal: { instance: host } })];
}
