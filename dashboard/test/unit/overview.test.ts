import { describe, expect, it } from "vitest";
import type { AttentionItem, HostSummary } from "../../src/api/types";
import { rank } from "../../src/app/rank";
import { worstFirst } from "../../src/features/overview/attention";
import { hostState, matches } from "../../src/features/overview/columns";
import { arrange } from "../../src/features/overview/hosts_table";
import {
  COLUMN_KEYS,
  DEFAULT_COLUMNS,
  DEFAULT_SORT,
  parseOverview,
  readColumns,
  writeColumns,
} from "../../src/features/overview/search";
import { readSort, writeSort } from "../../src/ui/table";

function host(name: string, part: Partial<HostSummary> = {}): HostSummary {
  return {
    host: name,
    host_id: name,
    state: "ok",
    os: "Debian GNU/Linux 12",
    kernel: null,
    architecture: null,
    agent_version: null,
    first_seen: "2026-01-01T00:00:00Z",
    last_seen: "2026-01-02T00:00:00Z",
    epoch_started: null,
    boot_time: null,
    uptime_seconds: null,
    cpu_count: 4,
    cpu_busy_ratio: null,
    cpu_busy_history: [],
    load1: null,
    memory_total_bytes: null,
    memory_used_ratio: null,
    filesystem_fullest: null,
    network_receive_bytes_per_second: null,
    network_transmit_bytes_per_second: null,
    network_history: [],
    disk_count: 0,
    disks_worst: "ok",
    hottest_celsius: null,
    hottest_sensor: null,
    container_count: 0,
    containers_running: 0,
    containers_unhealthy: 0,
    ups_on_battery: null,
    ups_charge_ratio: null,
    gpu_count: 0,
    gpu_busy_ratio: null,
    sources_failing: 0,
    attention: 0,
    ...part,
  };
}

const names = (hosts: readonly HostSummary[]) => hosts.map((each) => each.host);

describe("the hosts table", () => {
  const hosts = [
    host("node10", { cpu_busy_ratio: 0.5 }),
    host("node2", { cpu_busy_ratio: 0.9, os: "OpenWrt" }),
    host("node1"),
    host("alpha", { cpu_busy_ratio: 0.5 }),
  ];

  it("sorts names as people count, and what is unknown last either way", () => {
    expect(names(arrange(hosts, "", { key: "host", descending: false }))).toEqual([
      "alpha",
      "node1",
      "node2",
      "node10",
    ]);
    expect(names(arrange(hosts, "", { key: "cpu", descending: true }))).toEqual([
      "node2",
      "alpha",
      "node10",
      "node1",
    ]);
    expect(names(arrange(hosts, "", { key: "cpu", descending: false }))).toEqual([
      "alpha",
      "node10",
      "node2",
      "node1",
    ]);
  });

  it("filters by all words, wherever they are", () => {
    expect(names(arrange(hosts, "openwrt node", { key: "host", descending: false }))).toEqual(["node2"]);
    expect(matches(host("x", { state: "silent" }), "silent")).toBe(true);
    expect(matches(host("x"), "silent")).toBe(false);
  });

  it("says the worst of a host's states", () => {
    expect(hostState(host("x", { state: "silent", sources_failing: 1 }))).toEqual(["critical", "silent"]);
    expect(hostState(host("x", { sources_failing: 1 }))[0]).toBe("warning");
    expect(hostState(host("x"))).toEqual(["ok", "ok"]);
  });
});

describe("the overview's URL", () => {
  it("holds sort and columns, and nothing while they are as at first", () => {
    expect(writeSort(readSort("-cpu", COLUMN_KEYS, DEFAULT_SORT), DEFAULT_SORT)).toBe("-cpu");
    expect(writeSort(readSort("nonsense", COLUMN_KEYS, DEFAULT_SORT), DEFAULT_SORT)).toBeUndefined();
    expect(writeColumns(readColumns("cpu,seen"))).toBe("host,cpu,seen");
    expect(writeColumns(DEFAULT_COLUMNS)).toBeUndefined();
    expect(parseOverview({ q: 5, sort: "-uptime", cols: "host,load" })).toEqual({
      q: "5",
      sort: "-uptime",
      cols: "host,load",
    });
    expect(parseOverview({ q: "", sort: "drop table", cols: undefined })).toEqual({});
  });
});

describe("attention", () => {
  it("is listed worst first, of the equally bad the newest first", () => {
    const item = (severity: AttentionItem["severity"], since: string): AttentionItem => ({
      severity,
      since,
      kind: "host_silent",
      host: "a",
      subject: "",
      target: null,
      message: "",
    });
    const items = [
      item("info", "2026-01-05"),
      item("critical", "2026-01-01"),
      item("warning", "2026-01-04"),
      item("critical", "2026-01-03"),
    ];
    expect(worstFirst(items).map(({ since }) => since.slice(-1))).toEqual(["3", "1", "4", "5"]);
  });
});

describe("search", () => {
  const entries = [
    { words: "backup", also: "host debian" },
    { words: "nas-backup", also: "host debian" },
    { words: "System", also: "collector backup broker" },
  ];
  it("puts beginnings before middles before mentions, and wants every word", () => {
    expect(rank("back", entries).map(({ words }) => words)).toEqual(["backup", "nas-backup", "System"]);
    expect(rank("nas debian", entries).map(({ words }) => words)).toEqual(["nas-backup"]);
    expect(rank("  ", entries)).toHaveLength(3);
    expect(rank("zzz", entries)).toEqual([]);
  });
});
