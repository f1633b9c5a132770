/** Charts of a host's processors and memory, as data: which series, and what is made of them. */
import { type ChartSpec, combine, find } from "../spec";
import { made, named, scaled } from "./lines";
import { type HostShape, interval } from "./shape";

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

export function cpu(shape: HostShape): ChartSpec {
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

export function load(shape: HostShape): ChartSpec {
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

export function pressure(shape: HostShape, kind: "some" | "full"): ChartSpec {
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

export function memoryUse(shape: HostShape): ChartSpec {
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

export function swap(shape: HostShape): ChartSpec {
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
