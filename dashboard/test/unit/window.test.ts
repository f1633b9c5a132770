import { describe, expect, it } from "vitest";
import type { Samples } from "../../src/api/types";
import { SampleWindow } from "../../src/charts/window";

const labels = { instance: "a" };

function answer(start: number, step: number, avg: (number | null)[]): Samples {
  return {
    start: new Date(start).toISOString(),
    end: new Date(start + avg.length * step).toISOString(),
    step_seconds: step / 1000,
    resolution: "raw",
    partial: false,
    series: [{ id: 1, metric: "m", labels, kind: "gauge", unit: "", avg, min: avg, max: avg, last: avg }],
  };
}

const only = (window: SampleWindow) => window.series()[0]?.avg;

describe("SampleWindow", () => {
  it("puts an answer on its grid", () => {
    const window = new SampleWindow(10_000, 105_000, 140_000);
    expect(window.start).toBe(100_000);
    window.merge(answer(100_000, 10_000, [1, 2, null, 4]));
    expect(only(window)).toEqual([1, 2, null, 4]);
    expect(window.newest()).toBe(140_000);
  });

  it("moves on, drops what is too old, and keeps the rest in place", () => {
    const window = new SampleWindow(10_000, 100_000, 130_000);
    window.merge(answer(100_000, 10_000, [1, 2, 3]));
    expect(window.slide(130_000)).toBe(false);
    expect(window.slide(145_000)).toBe(true);
    expect(window.times()).toEqual([120_000, 130_000, 140_000]);
    expect(only(window)).toEqual([3, null, null]);
    window.slide(1_000_000);
    expect(only(window)).toEqual([null, null, null]);
  });

  it("averages live values of a bucket and keeps its peaks", () => {
    const window = new SampleWindow(60_000, 0, 120_000);
    for (const [at, value] of [
      [60_000, 1],
      [70_000, 5],
      [80_000, 3],
    ] as const)
      window.add("m", labels, at, value);
    expect(only(window)).toEqual([null, 3]);
    expect(window.series()[0]).toMatchObject({ min: [null, 1], max: [null, 5] });
  });

  it("weighs what was fetched of a bucket against the live values that follow", () => {
    const window = new SampleWindow(60_000, 0, 60_000);
    window.merge(answer(0, 60_000, [10]));
    // 50 s into the bucket about five readings are in the fetched average.
    window.add("m", labels, 50_000, 40);
    expect(only(window)?.[0]).toBeCloseTo(15);
  });

  it("fills a hole without losing live values beside it", () => {
    const window = new SampleWindow(10_000, 100_000, 150_000);
    window.add("m", labels, 101_000, 1);
    window.add("m", labels, 141_000, 5);
    window.merge(answer(110_000, 10_000, [2, 3, null, null]));
    expect(only(window)).toEqual([1, 2, 3, null, 5]);
  });

  it("ignores an answer on another grid and values outside", () => {
    const window = new SampleWindow(10_000, 100_000, 120_000);
    window.merge(answer(100_000, 60_000, [9]));
    window.add("m", labels, 99_000, 9);
    window.add("m", labels, 120_000, 9);
    expect(window.newest()).toBeNull();
  });
});
