import { describe, expect, it } from "vitest";
import type { StorageDataset, StorageDisk, StorageScan, StorageVdev } from "../../src/api/types";
import { valueLabels } from "../../src/charts/axes";
import { ofAttribute, ofDisk } from "../../src/features/storage/charts";
import { type DatasetRow, datasetRows, FLAT, quotaUsed, TREE } from "../../src/features/storage/datasets";
import { newest } from "../../src/features/storage/pools";
import { parseStorage, readRow } from "../../src/features/storage/search";
import {
  damagedBeyond,
  errorLines,
  flatten,
  layout,
  place,
  transport,
  vdevErrors,
  verdict,
} from "../../src/features/storage/words";
import { age } from "../../src/format/time";
import { factValue, sentence } from "../../src/format/words";
import { arrange, type ListSpec } from "../../src/ui/list_table";

const plain = (words: string) => words.replaceAll("\u2009", " ");

function vdev(name: string, part: Partial<StorageVdev> = {}): StorageVdev {
  return {
    name,
    type: "disk",
    class: "data",
    words: "ONLINE",
    state: "ok",
    reason: null,
    path: null,
    device: null,
    disk: null,
    size_bytes: null,
    read_errors: 0,
    write_errors: 0,
    checksum_errors: 0,
    children: [],
    ...part,
  };
}

describe("damaged files", () => {
  const beyond = (files: string[], count: number | null, unread: string | null = null) =>
    damagedBeyond({ damaged_files: files, damaged_files_count: count, damaged_files_unread: unread });
  it("say what their list leaves out", () => {
    expect(beyond([], null)).toBeNull();
    expect(beyond(["/tank/a"], 1)).toBeNull();
    expect(beyond(["/tank/a"], 31)).toBe("and 30 more");
    expect(beyond(["/tank/a"], null)).toBe("and more");
    expect(beyond([], null, "needs CAP_SYS_ADMIN")).toBe("Which ones is not known: needs CAP_SYS_ADMIN");
  });
});

describe("a pool's devices", () => {
  const mirror = (name: string) => vdev(name, { type: "mirror", children: [vdev("a"), vdev("b")] });
  it("are said in short", () => {
    expect(layout([mirror("mirror-0"), mirror("mirror-1"), vdev("s", { class: "spare" })])).toBe(
      "2 × mirror of 2, spare",
    );
    expect(layout([vdev("raidz2-0", { type: "raidz", children: [vdev("a")] })])).toBe("raidz2 of 1");
    expect(layout([vdev("draid1:7d:8c:0s-0", { type: "draid", children: [vdev("a")] })])).toBe("draid1 of 1");
    expect(layout([])).toBe("");
  });

  it("become lines with their depth and errors", () => {
    expect(flatten([mirror("m")]).map(({ vdev: { name }, depth }) => `${depth}${name}`)).toEqual([
      "0m",
      "1a",
      "1b",
    ]);
    expect(vdevErrors(vdev("a"))).toBe("");
    expect(vdevErrors(vdev("a", { read_errors: 1200, checksum_errors: 2, write_errors: null }))).toBe(
      "1,200 read, 2 checksum",
    );
  });
});

describe("a scan", () => {
  const scan = (part: Partial<StorageScan>) =>
    ({ running: false, finished_at: null, ...part }) as StorageScan;
  it("is the one that runs, or else the one that ended last", () => {
    const old = scan({ finished_at: "2026-01-01T00:00:00Z" });
    const late = scan({ finished_at: "2026-02-01T00:00:00Z" });
    const running = scan({ running: true });
    expect(newest([old, late])).toBe(late);
    expect(newest([old, running, late])).toBe(running);
    expect(newest([])).toBeNull();
  });
});

describe("a disk in words", () => {
  const disk = (part: Partial<StorageDisk>) =>
    ({ verdict: null, unreadable: null, state: "ok", ...part }) as StorageDisk;
  it("says what it says, or why it says nothing", () => {
    expect(verdict(disk({ verdict: "passed" }))).toBe("passed");
    expect(verdict(disk({ unreadable: "needs CAP_SYS_RAWIO" }))).toBe("cannot be read");
    expect(verdict(disk({ state: "unknown" }))).toBe("no health data");
  });

  it("stands somewhere", () => {
    expect(place({ enclosure: "SHELF", slot: "7", path: "x" })).toBe("SHELF, slot 7");
    expect(place({ enclosure: null, slot: "7", path: "x" })).toBe("slot 7");
    expect(place({ enclosure: null, slot: null, path: "pci-1" })).toBe("pci-1");
    expect(transport("nvme")).toBe("NVMe");
    expect(transport("new")).toBe("new");
  });

  it("counts errors, those that there are first", () => {
    expect(errorLines({ crc_errors: 0, pending_sectors: 3, grown_things: 0 })[0]).toEqual([
      "sectors waiting to be replaced",
      3,
    ]);
    expect(errorLines({ grown_things: 1 })).toEqual([["Grown things", 1]]);
  });

  it("has an age", () => {
    expect(plain(age(4.1 * 365.25 * 86_400))).toBe("4.1 years");
    expect(plain(age(90_000))).toBe("1 d 1 h");
    expect(age(null)).toBe("–");
  });
});

describe("facts in words", () => {
  it("take the unit off the name and put it to the value", () => {
    expect(sentence("size_bytes")).toBe("Size");
    expect(plain(factValue("size_bytes", 4e12))).toBe("4 TB");
    expect(factValue("passed", false)).toBe("no");
    expect(factValue("capabilities", ["trim", "sct"])).toBe("trim, sct");
    expect(factValue("errors", [{ a: 1 }, { a: 2 }])).toBe("2 entries");
    expect(factValue("test_minutes", { short: 2 })).toBe("short 2");
    expect(factValue("gone", null)).toBe("–");
  });
});

describe("the page's URL", () => {
  it("names rows by kind and id", () => {
    expect(readRow("disk:nas1:wwn-0x5000")).toEqual({ kind: "disk", id: "nas1:wwn-0x5000" });
    expect(readRow("what:nas1")).toBeNull();
    expect(readRow("nas1")).toBeNull();
    expect(readRow(null)).toBeNull();
    expect(parseStorage({ q: 7, sort_disk: "-age", row: "pool:a:b", other: 1 })).toMatchObject({
      q: "7",
      sort_disk: "-age",
      row: "pool:a:b",
    });
  });

  it("orders and filters rows, ties by id", () => {
    const spec: ListSpec<{ id: string; size: number | null }> = {
      many: "Things",
      name: "things",
      first: { key: "id", descending: false },
      also: ({ id }) => (id === "b" ? "beta" : ""),
      columns: [
        { key: "id", words: "Id", sortBy: ({ id }) => id, cell: () => null },
        { key: "size", words: "Size", sortBy: ({ size }) => size, cell: () => null },
      ],
    };
    const rows = [
      { id: "c", size: 1 },
      { id: "a", size: null },
      { id: "b", size: 1 },
    ];
    const ids = (wanted: string, sort?: string) => arrange(spec, rows, wanted, sort).rows.map(({ id }) => id);
    expect(ids("")).toEqual(["a", "b", "c"]);
    expect(ids("", "-size")).toEqual(["b", "c", "a"]);
    expect(ids("beta", "nonsense")).toEqual(["b"]);
  });
});

describe("an axis of large numbers", () => {
  it("keeps their zeros", () => {
    const labels = valueLabels("number") as unknown as (plot: unknown, splits: number[]) => string[];
    expect(labels(null, [0, 500, 1000, 1500]).map(plain)).toEqual(["0", "500", "1 k", "1.5 k"]);
  });
});

describe("a disk's charts", () => {
  it("are those of what it tells", () => {
    const shape = { host: "nas1", device: "sda", errors: ["crc_errors"], wear: false, temperature: true };
    expect(ofDisk(shape).map(({ id }) => id)).toEqual(["chart-temperature"]);
    expect(ofDisk({ ...shape, wear: true, errors: ["media_errors"] }).map(({ id }) => id)).toEqual([
      "chart-temperature",
      "chart-wear",
      "chart-errors",
    ]);
  });

  it("tell an attribute's value, worst and threshold apart", () => {
    const series = ["value", "worst", "thresh"].map((type, index) => ({
      metric: "smartctl_device_attribute",
      labels: { instance: "nas1", device: "sda", attribute_id: "5", attribute_value_type: type },
      avg: [index],
      min: [index],
      max: [index],
    }));
    const [, normalised] = ofAttribute({ host: "nas1", device: "sda" }, { id: 5, threshold: 10 });
    expect(normalised?.shape(series).map(({ name, avg }) => [name, avg[0]])).toEqual([
      ["value", 0],
      ["worst", 1],
      ["threshold", 2],
    ]);
  });
});

describe("datasets", () => {
  const dataset = (name: string, part: Partial<StorageDataset> = {}) =>
    ({
      name,
      type: "filesystem",
      used_bytes: 1,
      quota_bytes: null,
      key_available: null,
      ...part,
    }) as StorageDataset;
  const all = [
    dataset("tank"),
    dataset("tank/a", { quota_bytes: 4, used_bytes: 3, key_available: false, encryption: "aes-256-gcm" }),
    dataset("tank/a/b", { used_bytes: 9 }),
    dataset("tank/a-b"),
  ];
  const rows = datasetRows(all, false);
  const namesOf = (found: { rows: DatasetRow[] }) => found.rows.map(({ name }) => name);

  it("stay a tree until they are sorted or filtered", () => {
    expect(rows.map(({ depth }) => depth)).toEqual([0, 1, 2, 1]);
    expect(namesOf(arrange(TREE, rows, "", undefined))).toEqual(all.map(({ name }) => name));
    expect(namesOf(arrange(FLAT, rows, "", "-used")).slice(0, 2)).toEqual(["tank/a/b", "tank/a"]);
    expect(namesOf(arrange(FLAT, rows, "locked", undefined))).toEqual(["tank/a"]);
  });

  it("say how much of their quota they take", () => {
    expect(rows.map(quotaUsed)).toEqual([null, 0.75, null, null]);
  });
});
