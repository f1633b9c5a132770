/** Charts of a host's devices, as data. Pure. */
import type { Selection } from "../../../api/selector";
import type { Gpu, HostPower, Sensor, Ups } from "../../../api/types";
import { named } from "../../../charts/of_host/lines";
import { type ChartSpec, find, type Unit } from "../../../charts/spec";
import { seriesKey } from "./words";

/** Seconds between readings of devices. */
const INTERVAL = 10;
const SENSORS_INTERVAL = 30;
/** More lines than this cannot be told apart. */
const MOST_LINES = 8;

const UNITS: Record<string, Unit> = {
  celsius: "celsius",
  rpm: "rpm",
  volts: "volts",
  amperes: "amperes",
  watts: "watts",
  ratio: "ratio",
  hertz: "hertz",
};

/** Axes that end lower would draw noise. */
const LEAST_TOPS: Record<string, number> = { rpm: 100, celsius: 10, watts: 1, ratio: 0.1 };

/** A sensor's history. Energy is drawn as the power that it is the sum of. */
export function ofSensor(host: string, sensor: Sensor): ChartSpec {
  const energy = sensor.unit === "joules";
  return {
    id: "panel-sensor",
    title: energy ? `${sensor.label}: power` : sensor.label,
    unit: energy ? "watts" : (UNITS[sensor.unit] ?? "number"),
    mode: energy ? "rate" : "value",
    interval: SENSORS_INTERVAL,
    leastTop: LEAST_TOPS[sensor.unit],
    selections: [{ metric: sensor.metric, equal: { instance: host, ...sensor.labels } }],
    shape: (series) => named(sensor.label, 0, find(series, sensor.metric, sensor.labels)),
    empty: "It was not read in this range.",
  };
}

/** The power of all that measures it, those that make the host's figure first. */
export function ofPower(host: string, sources: HostPower["sources"]): ChartSpec {
  const shown = [...sources]
    .sort((left, right) => Number(right.counted) - Number(left.counted))
    .slice(0, MOST_LINES);
  // Counters of energy have no watts of their own to draw beside those that are measured.
  const drawn = shown.filter(({ energy_joules_total: joules }) => joules === null);
  const counters = drawn.length === 0;
  const all = counters ? shown : drawn;
  return {
    id: "chart-power",
    title: "Power",
    unit: "watts",
    mode: counters ? "rate" : "value",
    interval: SENSORS_INTERVAL,
    leastTop: 10,
    selections: all.map(({ metric, labels }) => ({ metric, equal: { instance: host, ...labels } })),
    shape: (series) =>
      all.flatMap(({ name, metric, labels }, color) => named(name, color, find(series, metric, labels))),
    empty: "No power was read in this range.",
  };
}

/**
 * Metrics of a graphics processor: those of the driver's own exporter, or ours for the others, of which each has a series
 * for every sensor and clock.
 */
const GPU_CHARTS: readonly (readonly [
  id: string,
  title: string,
  unit: Unit,
  lines: readonly (readonly [words: string, nvidia: string | null, other: string | null])[],
])[] = [
  [
    "busy",
    "Busy",
    "ratio",
    [
      ["processor", "nvidia_smi_utilization_gpu_ratio", "hi_gpu_busy_ratio"],
      ["memory", "nvidia_smi_utilization_memory_ratio", "hi_gpu_memory_busy_ratio"],
      ["encoder", "nvidia_smi_utilization_encoder_ratio", null],
      ["decoder", "nvidia_smi_utilization_decoder_ratio", null],
    ],
  ],
  [
    "memory",
    "Memory",
    "bytes",
    [
      ["in use", "nvidia_smi_memory_used_bytes", "hi_gpu_vram_used_bytes"],
      ["all", "nvidia_smi_memory_total_bytes", "hi_gpu_vram_size_bytes"],
    ],
  ],
  [
    "temperature",
    "Temperature",
    "celsius",
    [
      ["processor", "nvidia_smi_temperature_gpu", "hi_gpu_temperature_celsius"],
      ["memory", "nvidia_smi_temperature_memory", null],
    ],
  ],
  [
    "power",
    "Power",
    "watts",
    [
      ["power", "nvidia_smi_power_draw_watts", "hi_gpu_power_watts"],
      ["limit", "nvidia_smi_enforced_power_limit_watts", "hi_gpu_power_limit_watts"],
    ],
  ],
  [
    "clock",
    "Clocks",
    "hertz",
    [
      ["processor", "nvidia_smi_clocks_current_graphics_clock_hz", "hi_gpu_clock_hertz"],
      ["memory", "nvidia_smi_clocks_current_memory_clock_hz", null],
    ],
  ],
];

/** What names a graphics processor in its series: exporters write UUIDs with and without their kind in front. */
function gpuLabel({ vendor, key, uuid, pci_address: address }: Gpu): Pick<Selection, "among"> {
  if (vendor !== "nvidia") return { among: { pci_address: [address ?? key] } };
  const name = uuid ?? key;
  return { among: { uuid: [...new Set([name, name.replace(/^GPU-/i, "").toLowerCase()])] } };
}

export function ofGpu(host: string, gpu: Gpu): ChartSpec[] {
  const label = gpuLabel(gpu);
  const nvidia = gpu.vendor === "nvidia";
  const isOwn = (labels: Record<string, string>) =>
    Object.entries(label.among ?? {}).every(([key, values]) => values.includes(labels[key] ?? ""));
  const told = new Set(gpu.readings.map(({ metric }) => metric));
  return GPU_CHARTS.flatMap(([id, title, unit, lines]) => {
    const known = lines.flatMap(([words, own, other]) => {
      const metric = nvidia ? own : other;
      return metric !== null && told.has(metric) ? [{ words, metric }] : [];
    });
    if (known.length === 0) return [];
    return [
      {
        id: `chart-gpu-${id}-${gpu.key}`,
        title,
        unit,
        mode: "value" as const,
        interval: INTERVAL,
        leastTop: unit === "ratio" ? 0.1 : undefined,
        selections: known.map(({ metric }) => ({ metric, equal: { instance: host }, ...label })),
        shape: (series) =>
          known
            .flatMap(({ words, metric }) =>
              series
                .filter((each) => each.metric === metric && isOwn(each.labels))
                .map((each) => ({ each, words: each.labels.sensor ?? each.labels.clock ?? words })),
            )
            .flatMap(({ each, words }, color) => named(words, color, each)),
        empty: "It was not read in this range.",
      } satisfies ChartSpec,
    ];
  });
}

/** Ends of the names of a UPS's variables, as NUT has them; what counts in per cent is drawn as a share. */
const UPS_CHARTS: readonly (readonly [
  id: string,
  title: string,
  unit: Unit,
  lines: readonly (readonly [words: string, variable: string, by: number])[],
])[] = [
  [
    "charge",
    "Charge and load",
    "ratio",
    [
      ["charge", "battery_charge", 0.01],
      ["load", "ups_load", 0.01],
    ],
  ],
  [
    "voltage",
    "Voltage",
    "volts",
    [
      ["input", "input_voltage", 1],
      ["output", "output_voltage", 1],
    ],
  ],
];

export function ofUps(host: string, ups: Ups): ChartSpec[] {
  const told = new Set(ups.readings.map(({ metric }) => metric));
  return UPS_CHARTS.flatMap(([id, title, unit, lines]) => {
    const known = lines
      .map(([words, variable, by]) => ({ words, metric: `network_ups_tools_${variable}`, by }))
      .filter(({ metric }) => told.has(metric));
    if (known.length === 0) return [];
    return [
      {
        id: `chart-ups-${id}-${ups.key}`,
        title,
        unit,
        mode: "value" as const,
        interval: INTERVAL,
        top: unit === "ratio" ? 1 : undefined,
        selections: known.map(({ metric }) => ({ metric, equal: { instance: host, ups: ups.name } })),
        shape: (series) =>
          known.flatMap(({ words, metric, by }, color) =>
            named(words, color, find(series, metric, { ups: ups.name })).map((line) => ({
              ...line,
              avg: times(line.avg, by) ?? [],
              min: times(line.min, by),
              max: times(line.max, by),
            })),
          ),
        empty: "It was not read in this range.",
      } satisfies ChartSpec,
    ];
  });
}

const times = (values: readonly (number | null)[] | null, by: number) =>
  values?.map((value) => (value === null ? null : value * by)) ?? null;

/** Trends by the series that they are of. */
export const trendsByKey = (
  series: readonly {
    metric: string;
    labels: Record<string, string>;
    avg?: readonly (number | null)[] | null;
  }[],
): Map<string, readonly (number | null)[]> =>
  new Map(series.map(({ metric, labels, avg }) => [seriesKey(metric, labels), avg ?? []]));
