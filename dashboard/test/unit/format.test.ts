import { describe, expect, it } from "vitest";
import * as number from "../../src/format/number";
import { parseRange, stepFor, toRange } from "../../src/format/range";
import { ago, duration, elapsed } from "../../src/format/time";

const THIN = "\u2009";
const said = (quantity: number.Quantity) => number.text(quantity).replace(THIN, " ");

describe("numbers", () => {
  it.each([
    [0, "0 B"],
    [512, "512 B"],
    [1023, "1,023 B"],
    [1023.8, "1.00 KiB"],
    [1024, "1 KiB"],
    [1536, "1.50 KiB"],
    [16 * 1024 ** 3, "16 GiB"],
    [3.456 * 1024 ** 4, "3.46 TiB"],
  ])("says %d bytes as %s", (value, words) => {
    expect(said(number.bytes(value))).toBe(words);
  });

  it("says a disk's capacity as its label does", () => {
    expect(said(number.capacity(18_000_207_937_536))).toBe("18.0 TB");
    expect(said(number.capacity(500_107_862_016))).toBe("500 GB");
  });

  it("says network rates in bits", () => {
    expect(said(number.bitsPerSecond(125_000_000))).toBe("1 Gbit/s");
    expect(said(number.bitsPerSecond(1_540))).toBe("12.3 kbit/s");
  });

  it("says shares with a decimal only where it tells something", () => {
    expect(said(number.percent(0.0321))).toBe("3.2 %");
    expect(said(number.percent(0.1234))).toBe("12 %");
    expect(said(number.percent(1))).toBe("100 %");
    expect(said(number.percent(0))).toBe("0 %");
  });

  it("says that a number is missing", () => {
    for (const write of [number.bytes, number.capacity, number.percent, number.count, number.celsius]) {
      expect(write(null)).toEqual(number.MISSING);
      expect(write(Number.NaN)).toEqual(number.MISSING);
    }
  });

  it("keeps three significant figures", () => {
    expect([0.0123, 1.234, 12.34, 99.96, 123.4].map(number.significant)).toEqual([
      "0.01",
      "1.23",
      "12.3",
      "100",
      "123",
    ]);
  });
});

describe("times", () => {
  const plain = (text: string) => text.replaceAll(THIN, " ");
  it.each([
    [0, "0 s"],
    [0.25, "250 ms"],
    [59.9, "59 s"],
    [61, "1 min 1 s"],
    [840, "14 min"],
    [845, "14 min"],
    [3_600, "1 h"],
    [11_000, "3 h 3 min"],
    [3 * 86_400 + 4 * 3_600, "3 d 4 h"],
    [20 * 86_400 + 4 * 3_600, "20 d"],
    [-5, "0 s"],
  ])("says %d s as %s", (seconds, words) => {
    expect(plain(duration(seconds))).toBe(words);
  });

  it("says how long readings took to the tenth of a millisecond", () => {
    expect(plain(elapsed(0.00042))).toBe("0.4 ms");
    expect(plain(elapsed(41))).toBe("41 s");
    expect(elapsed(null)).toBe("–");
  });

  it("says when in one unit, and never in the future", () => {
    expect(plain(ago(1_000_000, 1_005_000))).toBe("5 s ago");
    expect(plain(ago(1_000_000, 1_000_000 + 3_700_000))).toBe("1 h ago");
    expect(ago(2_000_000, 1_000_000)).toBe("just now");
    expect(ago(null, 0)).toBe("never");
  });
});

describe("ranges", () => {
  it("reads what the URL says and drops nonsense", () => {
    expect(parseRange({ range: "6h" })).toEqual({ range: "6h" });
    expect(parseRange({ range: "6 weeks", from: "x", to: 5 })).toEqual({});
    expect(parseRange({ from: 0, to: 1_000 })).toEqual({});
    expect(parseRange({ range: "24h", from: 1_000, to: 900_000 })).toEqual({
      range: "24h",
      from: 1_000,
      to: 900_000,
    });
    expect(parseRange({ from: 900_000, to: 1_000 })).toEqual({});
  });

  it("is live unless it is absolute", () => {
    expect(toRange({})).toEqual({ live: true, span: 3_600_000, from: null, to: null });
    expect(toRange({ range: "24h", from: 5, to: 100_005 })).toEqual({
      live: false,
      span: 100_000,
      from: 5,
      to: 100_005,
    });
  });

  it("asks for as many points as a chart can show, in round steps", () => {
    const hour = 3_600_000;
    expect([0.25, 1, 6, 24, 24 * 7, 24 * 90].map((hours) => stepFor(hours * hour))).toEqual([
      10, 10, 60, 300, 3600, 21600,
    ]);
    for (const hours of [0.25, 1, 3, 6, 24, 168, 720, 2160, 8760]) {
      // A week and more is asked for in whole hours: hourly summaries answer that.
      if (hours >= 168) expect(stepFor(hours * hour) % 3600).toBe(0);
      expect((hours * 3600) / stepFor(hours * hour)).toBeLessThanOrEqual(400);
    }
  });
});
