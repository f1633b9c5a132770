// Deterministic series: every value is a function of host, labels and time, so
// that two requests for the same moment agree and counters never fall.

import { containerSeries } from "./containers.mjs";
import { poolSeries } from "./datasets.mjs";
import { deviceSeries } from "./devices.mjs";
import { healthSeries } from "./storage.mjs";

/** A number in [0, 1) from any text. */
export function hash(text) {
  let value = 2166136261;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 16777619);
  }
  value ^= value >>> 15;
  value = Math.imul(value, 2246822507);
  value ^= value >>> 13;
  return (value >>> 0) / 4294967296;
}

const TAU = 2 * Math.PI;

/** A counter whose rate wanders around `rate`: waves of a day and minutes, and bursts. */
export function counter(key, rate, at) {
  const phase = hash(key) * 1000;
  const day = (86400 / TAU) * 0.5 * Math.sin((TAU * (at + phase * 80)) / 86400);
  const hour = (2700 / TAU) * 0.25 * Math.sin((TAU * (at + phase * 7)) / 2700);
  const period = 700 + phase;
  const width = 45 + phase / 20;
  const turns = Math.floor((at + phase) / period);
  const bursts = (turns * width + Math.min((at + phase) % period, width)) * 2.5;
  const noise = (hash(`${key}${Math.floor(at / 10)}`) - 0.5) * 2;
  return rate * (at + day + hour + bursts + noise);
}

/** A gauge around `base`, swinging by the share `swing`. */
export function gauge(key, base, swing, at) {
  const phase = hash(key) * 5000;
  const wave = 0.6 * Math.sin((TAU * (at + phase)) / 7200) + 0.3 * Math.sin((TAU * (at + phase)) / 640);
  const noise = 0.2 * (hash(`${key}${Math.floor(at / 10)}`) - 0.5);
  return base * (1 + swing * (wave + noise));
}

const GIB = 1024 ** 3;

/** All series of a host: metric, labels, kind and the value at a time (Unix s). */
export function seriesOf(host) {
  const { name } = host;
  const all = [];
  const add = (metric, labels, kind, value) => {
    const key = `${name}${metric}${Object.values(labels).join()}`;
    all.push({
      id: 1 + Math.floor(hash(key) * 2 ** 31),
      metric,
      labels: { instance: name, job: "node", ...labels },
      kind,
      unit: null,
      value: (at) => value(key, at),
    });
  };
  const busy = { user: 0.5, system: 0.22, iowait: 0.12, softirq: 0.05, irq: 0.02, nice: 0.01, steal: 0 };
  for (let cpu = 0; cpu < host.cpus; cpu += 1) {
    for (const [mode, share] of Object.entries(busy)) {
      add("node_cpu_seconds_total", { cpu: String(cpu), mode }, "counter", (key, at) =>
        counter(key, host.busy * share, at),
      );
    }
    add("node_cpu_seconds_total", { cpu: String(cpu), mode: "idle" }, "counter", (key, at) =>
      counter(key, 1 - host.busy, at),
    );
  }
  for (const [minutes, swing] of [
    [1, 0.5],
    [5, 0.3],
    [15, 0.15],
  ]) {
    add(`node_load${minutes}`, {}, "gauge", () => 0);
    all.at(-1).value = (at) => gauge(`${name}load`, host.cpus * host.busy * 1.2, swing, at);
  }
  for (const [part, share] of [
    ["cpu_waiting", 0.04],
    ["memory_waiting", 0.003],
    ["io_waiting", 0.06],
    ["memory_stalled", 0.001],
    ["io_stalled", 0.04],
    ["irq_stalled", 0.002],
  ]) {
    add(`node_pressure_${part}_seconds_total`, {}, "counter", (key, at) =>
      counter(key, share * host.busy * 2, at),
    );
  }
  const memory = {
    MemTotal: 1,
    MemFree: 0.12,
    Buffers: 0.03,
    Cached: 0.3,
    SReclaimable: 0.04,
    MemAvailable: 1 - host.memoryUsed,
  };
  for (const [part, share] of Object.entries(memory)) {
    add(`node_memory_${part}_bytes`, {}, "gauge", (key, at) =>
      part === "MemTotal" ? host.memory : gauge(key, host.memory * share, 0.1, at),
    );
  }
  add("node_memory_SwapTotal_bytes", {}, "gauge", () => host.swap);
  add("node_memory_SwapFree_bytes", {}, "gauge", (key, at) => gauge(key, host.swap * 0.8, 0.05, at));
  for (const { device, rate } of host.interfaces) {
    add("node_network_receive_bytes_total", { device }, "counter", (key, at) => counter(key, rate, at));
    add("node_network_transmit_bytes_total", { device }, "counter", (key, at) =>
      counter(key, rate * 0.4, at),
    );
    for (const what of ["receive_errs", "transmit_errs", "receive_drop", "transmit_drop"]) {
      add(`node_network_${what}_total`, { device }, "counter", (key, at) =>
        what === "receive_drop" ? Math.floor(counter(key, 0.02, at)) : 0,
      );
    }
  }
  for (const { device, rate } of host.disks) {
    add("node_disk_read_bytes_total", { device }, "counter", (key, at) => counter(key, rate, at));
    add("node_disk_written_bytes_total", { device }, "counter", (key, at) => counter(key, rate * 0.7, at));
    add("node_disk_reads_completed_total", { device }, "counter", (key, at) =>
      counter(key, rate / 40_000, at),
    );
    add("node_disk_writes_completed_total", { device }, "counter", (key, at) =>
      counter(key, rate / 30_000, at),
    );
    add("node_disk_io_time_seconds_total", { device }, "counter", (key, at) =>
      counter(key, Math.min(0.28, rate / 4e7), at),
    );
  }
  for (const { mountpoint, device, fstype, size, used } of host.filesystems) {
    const labels = { device, fstype, mountpoint };
    add("node_filesystem_size_bytes", labels, "gauge", () => size);
    for (const what of ["free", "avail"]) {
      add(
        `node_filesystem_${what}_bytes`,
        labels,
        "gauge",
        (_key, at) => size * (1 - used) * (1 + 0.04 * Math.sin(at / 9000)),
      );
    }
  }
  healthSeries(host, add);
  poolSeries(host, add);
  containerSeries(host, add);
  deviceSeries(host, add);
  return all;
}

/** Whether the host has readings at a time: silent since, and holes. */
export function present(host, at) {
  if (host.silentSince !== null && at > host.silentSince) return false;
  if (at < host.firstSeen) return false;
  return !host.holes.some(([from, to]) => at >= from && at < to);
}

export { GIB };
