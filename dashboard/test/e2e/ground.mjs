// What every journey stands on: a browser, a server, and a page that must not
// complain nor ask any other host for anything.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { launch, missing } from "../browser.mjs";
import { startStandIn } from "../stand_in/server.mjs";

const dist = fileURLToPath(new URL("../../dist", import.meta.url));
const collector = process.env.HI_URL?.replace(/\/$/, "");

/** Options of a journey that works with any collector. */
export const anywhere = { skip: missing ?? false };
/** Options of a journey that needs to make the server fail. */
export const standInOnly = {
  skip: missing ?? (collector ? "needs the stand-in server, HI_URL names a collector" : false),
};

let browser;

before(async () => {
  if (missing !== null) return;
  if (collector === undefined)
    assert.ok(existsSync(`${dist}/index.html`), "dist/ is missing: run `npm run build` first");
  browser = await launch();
});
// A browser that does not end when it is asked to must not hold up all tests.
after(async () => {
  if (browser === undefined) return;
  const limit = new Promise((resolve) => setTimeout(resolve, 10_000).unref());
  await Promise.race([browser.close(), limit]);
});

/** Runs a journey on a fresh page; `scenario` is for the stand-in server. */
export async function journey(
  { scenario = {}, width = 1440, height = 900, theme = "light", calm = true },
  walk,
) {
  const server = collector === undefined ? await startStandIn({ dist, scenario }) : null;
  const base = collector ?? server.url;
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme });
  const page = await context.newPage();
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(`page error: ${error.message}`));
  page.on("console", (message) => {
    // Reading a canvas back is what a journey does, not the page.
    if (message.text().startsWith("Canvas2D")) return;
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(base) && !/^(data|blob):/.test(request.url()))
      complaints.push(`asked ${request.url()}`);
  });
  try {
    await walk({ page, base, server, open: (path) => page.goto(base + path) });
    // Journeys that break the server see failed requests logged by the browser.
    if (calm) assert.deepEqual(complaints, []);
    else
      assert.deepEqual(
        complaints.filter((each) => !each.includes("Failed to load resource") && !each.includes("net::ERR")),
        [],
      );
  } finally {
    await context.close();
    await server?.close();
  }
}

/** Waits until nothing moves any more but what moves for ever: colours and places are then what they are to be. */
export async function still(page) {
  await page.evaluate(() => {
    const ends = document
      .getAnimations()
      .filter((each) => each.effect.getComputedTiming().endTime < Infinity);
    return Promise.allSettled(ends.map((each) => each.finished));
  });
}

/** Waits until `probe` yields something true; for levels, in place of sleeping. */
export async function until(probe, words, limitMs = 15_000) {
  const end = Date.now() + limitMs;
  for (;;) {
    const found = await probe();
    if (found) return found;
    assert.ok(Date.now() < end, `not within ${limitMs} ms: ${words}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Text with plain spaces. */
export const text = async (locator) => (await locator.innerText()).replaceAll("\u2009", " ");

/** The name of the first host that reports. */
export async function firstHost(base) {
  const { hosts } = await (await fetch(`${base}/api/hosts`)).json();
  const found = hosts.find(({ state }) => state === "ok");
  assert.ok(found, "a host reports");
  return found.host;
}
