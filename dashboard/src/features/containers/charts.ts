/** Charts of one container, as data. Pure. */
import { made, named, total } from "../../charts/of_host/lines";
import { type ChartSpec, find, type GridSeries, type PlotSeries } from "../../charts/spec";

export interface ContainerShape {
  host: string;
  /** Its names in the label `name`: with and without its engine's before it. */
  names: readonly string[];
  memoryLimit: boolean;
  cpuLimit: boolean;
}

/** Seconds between readings of containers. */
const INTERVAL = 10;

const selections = ({ host, names }: ContainerShape, metrics: readonly string[]) =>
  metrics.map((metric) => ({ metric, equal: { instance: host }, among: { name: names } }));

/** The sum of all series of a metric: of all processors, interfaces, disks. One of all of them stands for itself. */
function sum(series: readonly GridSeries[], metric: string, labels: Record<string, string> = {}) {
  const own = series.filter(
    (each) =>
      each.metric === metric && Object.entries(labels).every(([key, value]) => each.labels[key] === value),
  );
  const whole = own.filter(({ labels: { cpu } }) => cpu === "total");
  const counted = whole.length > 0 ? whole : own;
  return counted.length === 0 ? null : total(counted.map(({ avg }) => avg));
}

const line = (words: string, color: number, values: PlotSeries["avg"] | null, below = false): PlotSeries[] =>
  values === null ? [] : [{ ...made(words, color, values), below }];

export function cpu(shape: ContainerShape): ChartSpec {
  const metric = "container_cpu_usage_seconds_total";
  return {
    id: "chart-cpu",
    title: "CPU: 100 % is one processor",
    unit: "ratio",
    mode: "rate",
    interval: INTERVAL,
    leastTop: 0.05,
    selections: selections(shape, [metric]),
    shape: (series) => line("in use", 0, sum(series, metric)),
    empty: "Its use of processors was not read in this range.",
  };
}

export function memory(shape: ContainerShape): ChartSpec {
  const used = "container_memory_working_set_bytes";
  const limit = "container_spec_memory_limit_bytes";
  return {
    id: "chart-memory",
    title: "Memory",
    unit: "bytes",
    mode: "value",
    interval: INTERVAL,
    leastTop: 1024 ** 2,
    selections: selections(shape, shape.memoryLimit ? [used, limit] : [used]),
    shape: (series) => [
      ...named("working set", 0, find(series, used)),
      ...(shape.memoryLimit ? named("limit", 5, find(series, limit)) : []),
    ],
    empty: "Its memory was not read in this range.",
  };
}

/** Two counters, one above and one below zero. */
function mirrored(
  shape: ContainerShape,
  part: Pick<ChartSpec, "id" | "title" | "unit" | "leastTop" | "empty">,
  above: readonly [metric: string, words: string],
  below: readonly [metric: string, words: string],
  by = 1,
): ChartSpec {
  const times = (values: PlotSeries["avg"] | null) =>
    values?.map((value) => (value === null ? null : value * by)) ?? null;
  return {
    ...part,
    mode: "rate",
    interval: INTERVAL,
    selections: selections(shape, [above[0], below[0]]),
    shape: (series) => [
      ...line(above[1], 0, times(sum(series, above[0]))),
      ...line(below[1], 1, times(sum(series, below[0])), true),
    ],
  };
}

export const network = (shape: ContainerShape): ChartSpec =>
  mirrored(
    shape,
    {
      id: "chart-network",
      title: "Network",
      unit: "bits_per_second",
      leastTop: 10_000,
      empty: "Its traffic was not read in this range: it may share the host's network.",
    },
    ["container_network_receive_bytes_total", "received"],
    ["container_network_transmit_bytes_total", "sent"],
    8,
  );

export const disks = (shape: ContainerShape): ChartSpec =>
  mirrored(
    shape,
    {
      id: "chart-disks",
      title: "Disks",
      unit: "bytes_per_second",
      leastTop: 1024,
      empty: "What it reads and writes was not read in this range.",
    },
    ["container_fs_reads_bytes_total", "read"],
    ["container_fs_writes_bytes_total", "written"],
  );

/** The charts of its page; its panel has the first two. */
export const ofContainer = (shape: ContainerShape): ChartSpec[] => [
  cpu(shape),
  memory(shape),
  network(shape),
  disks(shape),
];
