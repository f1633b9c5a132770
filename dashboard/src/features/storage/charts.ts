/** Charts of one disk, as data. Pure. */
import { named } from "../../charts/of_host/lines";
import { type ChartSpec, find } from "../../charts/spec";

/** Seconds between readings of a disk's health. */
const INTERVAL = 600;

export interface DiskShape {
  host: string;
  device: string;
  /** Kinds of errors that it counts. */
  errors: readonly string[];
  wear: boolean;
  temperature: boolean;
}

/** Metrics behind the kinds of errors. */
const ERROR_METRICS: readonly (readonly [kind: string, metric: string, words: string])[] = [
  ["reallocated_sectors", "hi_smart_reallocated_sectors", "reallocated"],
  ["pending_sectors", "hi_smart_pending_sectors", "waiting"],
  ["media_errors", "smartctl_device_media_errors", "media errors"],
  ["uncorrected_reads", "smartctl_read_total_uncorrected_errors", "uncorrected reads"],
  ["uncorrected_writes", "smartctl_write_total_uncorrected_errors", "uncorrected writes"],
];

const part = { mode: "value", interval: INTERVAL } as const;

export function temperature({ host, device }: DiskShape): ChartSpec {
  const metric = "smartctl_device_temperature";
  const labels = { device, temperature_type: "current" };
  return {
    ...part,
    id: "chart-temperature",
    title: "Temperature",
    unit: "celsius",
    selections: [{ metric, equal: { instance: host, ...labels } }],
    shape: (series) => named("temperature", 0, find(series, metric, labels)),
    empty: "No temperature was read in this range.",
  };
}

export function wear({ host, device }: DiskShape): ChartSpec {
  const metric = "hi_smart_wear_ratio";
  return {
    ...part,
    id: "chart-wear",
    title: "Wear",
    unit: "ratio",
    leastTop: 0.1,
    selections: [{ metric, equal: { instance: host, device } }],
    shape: (series) => named("used up", 3, find(series, metric, { device })),
    empty: "Nothing was read of its wear in this range.",
  };
}

export function errors({ host, device, errors: kinds }: DiskShape): ChartSpec {
  const all = ERROR_METRICS.filter(([kind]) => kinds.includes(kind));
  return {
    ...part,
    id: "chart-errors",
    title: "Errors",
    unit: "number",
    leastTop: 4,
    selections: all.map(([, metric]) => ({ metric, equal: { instance: host, device } })),
    shape: (series) =>
      all.flatMap(([, metric, words], color) => named(words, color, find(series, metric, { device }))),
    empty: "No errors were read in this range.",
  };
}

/** The charts of its page. */
export function ofDisk(shape: DiskShape): ChartSpec[] {
  const counted = ERROR_METRICS.some(([kind]) => shape.errors.includes(kind));
  return [
    ...(shape.temperature ? [temperature(shape)] : []),
    ...(shape.wear ? [wear(shape)] : []),
    ...(counted ? [errors(shape)] : []),
  ];
}

/** What an attribute counted and how it was judged. */
export function ofAttribute(
  { host, device }: Pick<DiskShape, "host" | "device">,
  attribute: { id: number; threshold: number | null },
): ChartSpec[] {
  const metric = "smartctl_device_attribute";
  const labels = { device, attribute_id: String(attribute.id) };
  const selection = (types: readonly string[]) => ({
    metric,
    equal: { instance: host, ...labels },
    among: { attribute_value_type: types },
  });
  const line = (words: string, color: number, type: string) => (series: Parameters<ChartSpec["shape"]>[0]) =>
    named(words, color, find(series, metric, { ...labels, attribute_value_type: type }));
  const raw = line("raw value", 0, "raw");
  const lines = [line("value", 0, "value"), line("worst", 2, "worst"), line("threshold", 5, "thresh")];
  return [
    {
      ...part,
      id: `panel-raw-${attribute.id}`,
      title: "Raw value",
      unit: "number",
      selections: [selection(["raw"])],
      shape: raw,
      empty: "It was not read in this range.",
    },
    {
      ...part,
      id: `panel-value-${attribute.id}`,
      title: "Normalised value: higher is better",
      unit: "number",
      leastTop: 100,
      selections: [selection(["value", "worst", "thresh"])],
      shape: (series) => lines.flatMap((each) => each(series)),
      empty: "It was not read in this range.",
    },
  ];
}

/** Seconds between readings of pools. */
const POOL_INTERVAL = 30;

interface PoolShape {
  host: string;
  name: string;
}

/** How full and how fragmented a pool of ZFS is. */
export function ofPool({ host, name }: PoolShape): ChartSpec[] {
  const labels = { pool: name };
  const lines = [
    ["allocated", "hi_zfs_pool_allocated_bytes"],
    ["size", "hi_zfs_pool_size_bytes"],
  ] as const;
  const fragmentation = "hi_zfs_pool_fragmentation_ratio";
  return [
    {
      mode: "value",
      interval: POOL_INTERVAL,
      id: "chart-space",
      title: "Space",
      unit: "bytes",
      selections: lines.map(([, metric]) => ({ metric, equal: { instance: host, ...labels } })),
      shape: (series) =>
        lines.flatMap(([words, metric], color) => named(words, color, find(series, metric, labels))),
      empty: "The pool was not read in this range.",
    },
    {
      mode: "value",
      interval: POOL_INTERVAL,
      id: "chart-fragmentation",
      title: "Free space fragmented",
      unit: "ratio",
      leastTop: 0.1,
      selections: [{ metric: fragmentation, equal: { instance: host, ...labels } }],
      shape: (series) => named("fragmented", 2, find(series, fragmentation, labels)),
      empty: "The pool was not read in this range.",
    },
  ];
}

/** What a dataset takes, and how much of it its snapshots hold. */
export function datasetSpace({ host, name }: PoolShape, dataset: string): ChartSpec {
  const labels = { pool: name, dataset };
  const lines = [
    ["used", "hi_zfs_dataset_used_bytes"],
    ["by snapshots", "hi_zfs_dataset_used_by_snapshots_bytes"],
    ["quota", "hi_zfs_dataset_quota_bytes"],
  ] as const;
  return {
    mode: "value",
    interval: POOL_INTERVAL,
    id: "chart-dataset",
    title: "Space",
    unit: "bytes",
    selections: lines.map(([, metric]) => ({ metric, equal: { instance: host, ...labels } })),
    shape: (series) =>
      lines.flatMap(([words, metric], color) => named(words, color, find(series, metric, labels))),
    empty: "It was not read in this range.",
  };
}
