import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { anywhere, firstHost, journey, still, until } from "./ground.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PAGES = [
  "/",
  "/hosts/:host",
  "/storage",
  "/pools/:host%3Atank",
  "/containers",
  "/containers/:host/jellyfin",
  "/events",
  "/system",
];
const PANELS = [
  "/?row=:host",
  "/hosts/:host?row=source:cpu",
  "/storage?row=pool::host:tank",
  "/containers?row=container::host:jellyfin",
];

async function settle(page) {
  await page.locator("main h1").first().waitFor({ state: "attached" });
  await page.locator(".skeleton-rows").first().waitFor({ state: "detached" });
  if (new URL(page.url()).searchParams.has("row")) await page.locator(".side-panel").waitFor();
  await still(page);
}

for (const theme of ["light", "dark"]) {
  for (const width of [1440, 390]) {
    test(`axe finds nothing on any page, ${theme}, ${width} px`, anywhere, () =>
      journey({ theme, width, height: width === 390 ? 844 : 900 }, async ({ page, base, open }) => {
        const host = await firstHost(base);
        const { disks } = await (await fetch(`${base}/api/disks?host=${host}`)).json();
        const ofDisks = disks.slice(0, 1).map(({ id }) => `/disks/${encodeURIComponent(id)}`);
        for (const path of [...PAGES, ...PANELS, ...ofDisks]) {
          await open(path.replace(":host", host));
          await settle(page);
          if (!PANELS.includes(path) && path.startsWith("/hosts"))
            await page.locator("#chart-cpu canvas").waitFor();
          await page.evaluate(axe);
          const { violations } = await page.evaluate(() =>
            window.axe.run(document, {
              runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
            }),
          );
          const found = violations.map(
            ({ id, nodes }) =>
              `${id}: ${nodes
                .slice(0, 3)
                .map(({ target, failureSummary }) => `${target} ${failureSummary}`)
                .join(" | ")}`,
          );
          assert.deepEqual(found, [], path);
        }
      }),
    );
  }
}

test("no page scrolls sideways on a phone", anywhere, () =>
  journey({ width: 390, height: 844 }, async ({ page, base, open }) => {
    const host = await firstHost(base);
    for (const path of [...PAGES, ...PANELS]) {
      await open(path.replace(":host", host));
      await settle(page);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= 390, `${path} is ${wide} px wide`);
    }
  }),
);

test("a narrow window has a narrow rail", anywhere, () =>
  journey({ width: 820 }, async ({ page, open }) => {
    await open("/system");
    assert.equal((await page.locator(".rail").boundingBox()).width, 56);
    await page.setViewportSize({ width: 1200, height: 800 });
    await until(async () => (await page.locator(".rail").boundingBox()).width === 208, "the wide rail");
  }),
);

test("the theme can be chosen and is kept", anywhere, () =>
  journey({ theme: "light" }, async ({ page, open }) => {
    await open("/system");
    const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
    assert.equal(await theme(), "light");
    await page.getByRole("button", { name: "Theme" }).click();
    await page.getByRole("menuitemradio", { name: "Dark" }).click();
    assert.equal(await theme(), "dark");
    await page.reload();
    assert.equal(await theme(), "dark");
  }),
);
