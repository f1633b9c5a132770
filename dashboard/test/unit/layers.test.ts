import { describe, expect, it } from "vitest";
import { bridge, csv, extent, longestBridge, negate, stack } from "../../src/charts/layers";
import { combine, statistics } from "../../src/charts/spec";

const _ = undefined;

describe("gaps", () => {
  it("draws over a reading that came late, not over one that is missing", () => {
    expect(bridge([1, null, 3, null, null, 6, null], 1)).toEqual([1, _, 3, null, null, 6, null]);
    expect(bridge([null, null, 3], 5)).toEqual([null, null, 3]);
    expect(bridge([1, null, 2], 0)).toEqual([1, null, 2]);
  });

  it("knows how many buckets may be empty between two readings", () => {
    expect(longestBridge(10, 10)).toBe(2);
    expect(longestBridge(60, 10)).toBe(14);
    expect(longestBridge(10, 60)).toBe(0);
    expect(longestBridge(10, 3600)).toBe(0);
  });
});

describe("layers", () => {
  it("stacks, and is missing only where all are", () => {
    expect(
      stack([
        [1, null, null],
        [2, 5, null],
      ]),
    ).toEqual([
      [1, 0, null],
      [3, 5, null],
    ]);
  });

  it("ends the axis at zero and above the highest", () => {
    expect(extent([[0.02, 0.03]], undefined, 0.1)).toEqual([0, 0.1]);
    expect(extent([[50, null, _]], undefined, undefined)).toEqual([0, 54]);
    expect(extent([[0.4]], 1, undefined)).toEqual([0, 1]);
    expect(extent([[null]], undefined, undefined)).toEqual([0, 1]);
    const [low, high] = extent([[10], negate([5])], undefined, 1);
    expect(low).toBeCloseTo(-5.4);
    expect(high).toBeCloseTo(10.8);
  });

  it("combines bucket by bucket and knows nothing where an operand is missing", () => {
    expect(
      combine(
        [
          [4, null, 6],
          [2, 2, 0],
        ],
        (left, right) => left / right,
      ),
    ).toEqual([2, null, null]);
  });
});

describe("what is said of a chart", () => {
  const series = { name: "a, b", color: 0, avg: [1, null, 3], min: [0, null, 2], max: [5, null, 4] };

  it("keeps the peaks within buckets in the legend", () => {
    expect(statistics(series)).toEqual({ now: 3, min: 0, avg: 2, max: 5 });
    expect(statistics({ ...series, avg: [null, null, null] })).toEqual({
      now: null,
      min: null,
      avg: null,
      max: null,
    });
  });

  it("writes CSV that other programs read", () => {
    expect(csv([0, 10_000, 20_000], [series])).toBe(
      'time,"a, b"\n1970-01-01T00:00:00.000Z,1\n1970-01-01T00:00:10.000Z,\n1970-01-01T00:00:20.000Z,3\n',
    );
  });
});
