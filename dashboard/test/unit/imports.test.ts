import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const src = fileURLToPath(new URL("../../src", import.meta.url));

/** Which folders a folder may import from; everything may import from itself. */
const ALLOWED: Record<string, readonly string[]> = {
  format: [],
  api: ["format"],
  ui: ["api", "format"],
  charts: ["api", "ui", "format"],
  app: ["api", "ui", "format", "features"],
  features: ["api", "ui", "charts", "format"],
};
/** The longest a file may be; generated ones do not count. */
const MOST_LINES = 400;

const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((name) => /\.tsx?$/.test(name));

describe("the code's shape", () => {
  it.each(files.filter((name) => name.includes("/")))("%s imports only what it may", (name) => {
    const folder = name.split("/")[0] ?? "";
    const text = readFileSync(join(src, name), "utf8");
    for (const [, path = ""] of text.matchAll(/(?:from|import)\s*\(?"(\.[^"]+)"/g)) {
      const target = relative(src, resolve(dirname(join(src, name)), path));
      const [other = "", page] = target.split("/");
      if (other === folder && folder !== "features") continue;
      if (other === "features" && folder === "features")
        expect(page, `${name} → ${path}`).toBe(name.split("/")[1]);
      else expect(ALLOWED[folder], `${name} → ${path}`).toContain(other);
    }
  });

  it("uPlot is known to one file", () => {
    const users = files.filter((name) =>
      /^import (?!type).*"uplot/m.test(readFileSync(join(src, name), "utf8")),
    );
    expect(users).toEqual(["charts/plot.ts"]);
  });

  it("files stay short", () => {
    const long = files.filter(
      (name) =>
        !name.endsWith(".d.ts") && readFileSync(join(src, name), "utf8").split("\n").length > MOST_LINES,
    );
    expect(long).toEqual([]);
  });
});
