/** What the charts need to know of a host. Pure. */
import type { HostDetail, HostSummary } from "../../api/types";

/** What the charts need to know of a host; changes rarely, unlike its figures. */
export interface HostShape {
  host: string;
  cpus: number;
  disks: readonly string[];
  interfaces: readonly string[];
  mountpoints: readonly string[];
  memory: number | null;
  /** Seconds between readings, by source. */
  intervals: Readonly<Record<string, number>>;
}

/** More lines than this cannot be told apart. */
const MOST_LINES = 12;
/** Interfaces that containers and virtual machines bring along; their traffic passes a real one. */
const VIRTUAL = /^(lo|veth|br-|docker|virbr|vnet|tap|cali|flannel|cni|fwbr|fwln|fwpr)/;

/** What is known of a host: all of it, or what the overview needs. */
type Known = Pick<HostSummary, "host" | "cpu_count" | "memory_total_bytes"> &
  Partial<Pick<HostDetail, "disks" | "interfaces" | "filesystems" | "sources">>;

export function shapeOf(known: Known): HostShape {
  const { disks = [], interfaces = [], filesystems = [], sources = [] } = known;
  const names = interfaces.map(({ device }) => device).sort();
  const real = names.filter((name) => !VIRTUAL.test(name));
  return {
    host: known.host,
    cpus: known.cpu_count ?? 1,
    disks: disks
      .map(({ device }) => device)
      .sort()
      .slice(0, MOST_LINES),
    interfaces: (real.length > 0 ? real : names).slice(0, MOST_LINES),
    mountpoints: filesystems
      .map(({ mountpoint }) => mountpoint)
      .sort()
      .slice(0, MOST_LINES),
    memory: known.memory_total_bytes,
    intervals: Object.fromEntries(sources.map(({ source, interval_seconds }) => [source, interval_seconds])),
  };
}

const DEFAULT_INTERVAL = 10;
/** Seconds between readings of a source. */
export const interval = (shape: HostShape, source: string): number =>
  shape.intervals[source] ?? DEFAULT_INTERVAL;
