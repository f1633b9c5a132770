import { describe, expect, it } from "vitest";
import { parseLines, readLines, writeLines } from "../../src/format/lines";
import { hasWords } from "../../src/format/words";

describe("lines shown alone, in the URL", () => {
  it("come back as they were, whatever they are called", () => {
    const lines = { "chart-load": ["5 min", "15 min"], "chart-filesystems": ["/a:b;c,d", "/100%", "/ü"] };
    expect(readLines(writeLines(lines))).toEqual(lines);
    expect(writeLines({ "chart-load": ["5 min"] })).toBe("chart-load:5 min");
  });

  it("are nothing when none is alone, or when the URL makes no sense", () => {
    expect(writeLines({ "chart-load": [] })).toBeUndefined();
    expect(readLines(undefined)).toEqual({});
    expect(parseLines(";:a;b:;c:%E0%A4%A")).toBe("c:%25E0%25A4%25A");
    expect(parseLines(5)).toBeUndefined();
  });
});

describe("a filter", () => {
  it("wants every word, in any order and case", () => {
    expect(hasWords("nas1 Debian", "deb NAS")).toBe(true);
    expect(hasWords("nas1 Debian", "deb pve")).toBe(false);
    expect(hasWords("nas1", "")).toBe(true);
  });
});
