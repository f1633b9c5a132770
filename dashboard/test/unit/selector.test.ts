import { describe, expect, it } from "vitest";
import { address } from "../../src/api/client";
import { selector, selects } from "../../src/api/selector";

describe("selections", () => {
  const selection = {
    metric: "node_disk_read_bytes_total",
    equal: { instance: 'na"s\\1' },
    unequal: { mode: "idle" },
    among: { device: ["sda", "dm-0", "a.b"] },
  };

  it("are written as Prometheus reads them", () => {
    expect(selector(selection)).toBe(
      'node_disk_read_bytes_total{instance="na\\"s\\\\1",mode!="idle",device=~"sda|dm-0|a\\\\.b"}',
    );
    expect(selector({ metric: "up" })).toBe("up");
    expect(selector({ metric: "", equal: { instance: "a" } })).toBe('{instance="a"}');
  });

  it("select the same series from the live stream", () => {
    const labels = { instance: 'na"s\\1', device: "dm-0" };
    expect(selects(selection, "node_disk_read_bytes_total", labels)).toBe(true);
    expect(selects(selection, "node_disk_read_bytes_total", { ...labels, mode: "idle" })).toBe(false);
    expect(selects(selection, "node_disk_read_bytes_total", { ...labels, device: "axb" })).toBe(false);
    expect(selects(selection, "other", labels)).toBe(false);
  });
});

describe("addresses", () => {
  it("repeat lists and leave out what is not there", () => {
    expect(address("/api/samples", { match: ["a", "b"], start: "", step_seconds: 10, end: undefined })).toBe(
      "/api/samples?match=a&match=b&step_seconds=10",
    );
  });
});
