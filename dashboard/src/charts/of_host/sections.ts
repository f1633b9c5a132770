/** The charts of a host's page by area, and of the panels beside it. */
import { selector } from "../../api/selector";
import type { ChartSpec } from "../spec";
import { cpu, load, memoryUse, pressure, swap } from "./compute";
import { disks, filesystems, network } from "./devices";
import type { HostShape } from "./shape";

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

/** What the live stream has to send for these charts: as few selectors as will do. */
export function liveMatch(
  charts: readonly ChartSpec[],
  host: string,
  also: readonly string[] = [],
): string[] {
  const drawn = charts.flatMap(({ selections }) => selections.map(({ metric }) => metric));
  const metrics = new Set([...drawn, ...also]);
  const one = [...metrics].sort().map((metric) => selector({ metric, equal: { instance: host } }));
  if (one.length <= MOST_SELECTORS) return one;
  return [selector({ metric: "", equal: { instance: host }, among: { __name__: [...metrics].sort() } })];
}

/** The same charts for a panel: under ids of their own, each in one colour if it is about one thing. */
export function inPanel(charts: readonly ChartSpec[], color?: number): ChartSpec[] {
  return charts.map((spec) => ({
    ...spec,
    id: spec.id.replace(/^chart-/, "panel-"),
    shape: (series) => {
      const lines = spec.shape(series);
      return color === undefined ? lines : lines.map((line) => ({ ...line, color }));
    },
  }));
}
