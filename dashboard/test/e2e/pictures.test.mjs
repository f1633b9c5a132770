// The pages as pictures, compared with those in pictures/: series that are
// computed, a clock that stands, no motion. `npm run pictures` makes them anew.
//
// Text is drawn with the fonts of the machine, so the pictures hold where those
// are the same; elsewhere this says SKIPPED. fonts.json has what the fonts
// measure. A little is allowed for: edges that another Chromium smooths
// otherwise are not counted (pixelmatch knows them), nor are MOST_DIFFERENT.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import pixelmatch from "pixelmatch";
import { PNG } from "pngjs";
import { launch, missing } from "../browser.mjs";
import { pack } from "../picture.mjs";
import { startStandIn } from "../stand_in/server.mjs";

const NOW = Date.parse("2026-03-04T12:00:05Z");
const THRESHOLD = 0.12;
/** Pixels that may differ: about as many as two changed letters have. */
const MOST_DIFFERENT = 40;
const PAGES = {
  overview: { path: "/", ready: ".hosts" },
  panel: { path: "/?row=nas1", ready: "#panel-cpu" },
  host: { path: "/hosts/nas1", ready: "#chart-load canvas" },
  storage: { path: "/storage", ready: ".storage-disks" },
  pool: { path: "/storage?row=pool:nas1:tank", ready: ".vdevs" },
  "pool-page": { path: "/pools/nas1%3Atank", ready: ".datasets" },
  containers: { path: "/containers", ready: ".containers" },
  "container-panel": { path: "/containers?row=container:nas1:jellyfin", ready: "#panel-memory canvas" },
  container: { path: "/containers/nas1/immich-machine-learning", ready: "#chart-memory canvas" },
  sensors: { path: "/hosts/nas1", alone: "sensors", ready: "#sensors .sparkline" },
  power: { path: "/hosts/nas1", alone: "power", ready: "#chart-power canvas" },
  images: { path: "/hosts/nas1", alone: "containers", ready: "#containers table" },
  ups: { path: "/hosts/nas1", alone: "ups", ready: "[id^=chart-ups-charge] canvas" },
  disk: { path: "/disks/nas1%3Awwn-0x5000c5004272fda4", ready: "#chart-temperature canvas" },
  system: { path: "/system", ready: "#housekeeping table" },
};
const SIZES = [
  [1440, 900],
  [390, 844],
];

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const references = at("./pictures");
const results = at("../../../target/pictures");
const renew = process.env.HI_PICTURES === "renew";
const skip = missing ?? (process.env.HI_URL ? "needs the stand-in server, HI_URL names a collector" : false);

let browser;
let server;
before(async () => {
  if (skip) return;
  browser = await launch();
  server = await startStandIn({ dist: at("../../dist"), scenario: { now: NOW / 1000, mute: true } });
});
after(() => Promise.all([browser?.close(), server?.close()]));

/** Widths of a text in the page's font: other fonts, other widths. */
const measure = (page) =>
  page.evaluate(() => {
    const context = document.createElement("canvas").getContext("2d");
    const { fontFamily } = getComputedStyle(document.body);
    return ["400 14px", "650 15px", "12px", "11px"].map((font) => {
      context.font = `${font} ${fontFamily}`;
      return Math.round(context.measureText("Hosts 0123456789 % GiB/s → Änderung").width * 10) / 10;
    });
  });

/** Leaves one section of the page: the others would push it about while they come. */
async function leave(page, id) {
  for (const late of ["sensors", "power", "gpu", "ups", "bmc", "containers"])
    await page.locator(`#${late}`).waitFor({ state: "attached" });
  await page.evaluate((kept) => {
    for (const each of document.querySelectorAll(".section, .section-index")) {
      if (each.id !== kept) each.style.display = "none";
    }
  }, id);
}

async function take({ path, ready, alone }, [width, height], theme) {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    reducedMotion: "reduce",
    locale: "en-US",
    timezoneId: "UTC",
  });
  try {
    const page = await context.newPage();
    await page.clock.setFixedTime(NOW);
    await page.goto(server.url + path);
    if (alone !== undefined) await leave(page, alone);
    await page.locator(ready).first().waitFor();
    // Nothing may be on its way any more: no skeleton, no request, no frame to be drawn.
    await page.waitForFunction(() =>
      [...document.querySelectorAll(".skeleton, [data-loading]")].every((each) => {
        const { top, bottom } = each.getBoundingClientRect();
        return top > innerHeight || bottom <= 0;
      }),
    );
    await page.evaluate(() => document.fonts.ready);
    await page.evaluate(
      () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
    );
    return { fonts: await measure(page), picture: await page.screenshot({ caret: "hide" }) };
  } finally {
    await context.close();
  }
}

function save(name, png) {
  mkdirSync(results, { recursive: true });
  const path = `${results}/${name}.png`;
  writeFileSync(path, pack(png));
  return path;
}

function compare(name, picture) {
  const actual = PNG.sync.read(picture);
  const reference = `${references}/${name}.png`;
  if (renew) return writeFileSync(reference, pack(actual));
  assert.ok(existsSync(reference), `there is no ${reference}: npm run pictures makes it`);
  const wanted = PNG.sync.read(readFileSync(reference));
  const { width, height } = wanted;
  assert.deepEqual([actual.width, actual.height], [width, height], "the picture's size");
  const diff = new PNG({ width, height });
  const different = pixelmatch(wanted.data, actual.data, diff.data, width, height, { threshold: THRESHOLD });
  if (different <= MOST_DIFFERENT) return;
  assert.fail(
    `${different} pixels of ${name} differ: see ${save(`${name}-diff`, diff)} and ${save(name, actual)}; ` +
      "if it is meant so, `npm run pictures` makes the references anew",
  );
}

describe("pictures", { concurrency: 2 }, () => {
  for (const [name, page] of Object.entries(PAGES)) {
    for (const size of SIZES) {
      for (const theme of ["light", "dark"]) {
        const id = `${name}-${size[0]}-${theme}`;
        test(`the picture of ${id}`, { skip }, async (context) => {
          const { fonts, picture } = await take(page, size, theme);
          const file = `${references}/fonts.json`;
          if (renew) {
            mkdirSync(references, { recursive: true });
            writeFileSync(file, `[${fonts.join(", ")}]\n`);
          } else if (!isDeepStrictEqual(fonts, JSON.parse(readFileSync(file, "utf8")))) {
            console.log(`SKIPPED: picture of ${id}: other fonts than those of the reference`);
            return context.skip("other fonts");
          }
          compare(id, picture);
        });
      }
    }
  }
});
