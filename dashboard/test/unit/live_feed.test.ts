import { describe, expect, it } from "vitest";
import { LiveFeed } from "../../src/charts/live_feed";

const cpu = (id: number, number: string, mode: string) => ({
  id,
  metric: "node_cpu_seconds_total",
  labels: { instance: "nas1", cpu: number, mode },
  kind: "counter" as const,
  unit: "seconds",
});
const busy = [{ metric: "node_cpu_seconds_total", equal: { instance: "nas1" }, unequal: { mode: "idle" } }];

function feed() {
  const made = new LiveFeed(busy, "rate", ["mode"]);
  made.learn([
    cpu(1, "0", "user"),
    cpu(2, "1", "user"),
    cpu(3, "0", "idle"),
    { ...cpu(4, "0", "user"), metric: "other" },
  ]);
  return made;
}
const at = (seconds: number, samples: [number, number | null][]) => ({
  host: "nas1",
  at_unix_ms: seconds * 1000,
  samples,
});

describe("LiveFeed", () => {
  it("follows only the chart's own series", () => {
    expect(feed().size).toBe(2);
  });

  it("makes rates of counters and adds up over the labels left out", () => {
    const made = feed();
    expect(
      made.take(
        at(0, [
          [1, 100],
          [2, 200],
          [3, 1],
        ]),
      ),
    ).toEqual([]);
    expect(
      made.take(
        at(10, [
          [1, 105],
          [2, 201],
          [3, 9],
        ]),
      ),
    ).toEqual([{ metric: "node_cpu_seconds_total", labels: { mode: "user" }, value: 0.6 }]);
  });

  it("takes a counter that fell as begun anew", () => {
    const made = feed();
    made.take(at(0, [[1, 1000]]));
    expect(made.take(at(10, [[1, 20]]))[0]?.value).toBe(2);
  });

  it("draws no rate over a hole, nor from a doubled or late reading", () => {
    const made = feed();
    made.take(at(0, [[1, 0]]));
    expect(made.take(at(0, [[1, 5]]))).toEqual([]);
    expect(made.take(at(1000, [[1, 5000]]))).toEqual([]);
    made.interrupt();
    expect(made.take(at(1010, [[1, 5010]]))).toEqual([]);
    expect(made.take(at(1020, [[1, 5020]]))[0]?.value).toBe(1);
  });

  it("passes gauges on and leaves out what is not known", () => {
    const made = new LiveFeed([{ metric: "node_load1", equal: { instance: "nas1" } }], "value", undefined);
    const labels = { instance: "nas1", job: "node" };
    made.learn([{ id: 9, metric: "node_load1", labels, kind: "gauge", unit: "" }]);
    expect(
      made.take(
        at(0, [
          [9, null],
          [10, 1],
        ]),
      ),
    ).toEqual([]);
    expect(made.take(at(1, [[9, 0.5]]))).toEqual([{ metric: "node_load1", labels, value: 0.5 }]);
  });
});
