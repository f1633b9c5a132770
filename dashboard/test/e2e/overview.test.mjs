import assert from "node:assert/strict";
import { test } from "node:test";
import { anywhere, firstHost, journey, standInOnly, text, until } from "./ground.mjs";

const names = (page) => page.locator(".hosts [data-row-link]").allInnerTexts();

test("the overview says what is wrong, worst first, then shows every host", standInOnly, () =>
  journey({}, async ({ page, open }) => {
    await open("/");
    const items = page.locator(".attention-item");
    await items.first().waitFor();
    assert.match(await text(items.first()), /critical\s+backup is silent/);
    const severities = await page.locator(".attention-item .state").allInnerTexts();
    assert.deepEqual(severities, [...severities].sort(), "critical comes before warning");
    assert.equal((await names(page)).length, 9);
    assert.match(await text(page.locator('[data-host="nas1"]')), /\/mnt\/tank\s+96 %/);
    assert.match(await text(page.locator('[data-host="backup"]')), /silent, last seen 1[34] min ago/);
  }),
);

test("an overview with nothing wrong is quiet", standInOnly, () =>
  journey({ scenario: { well: true } }, async ({ page, open }) => {
    await open("/");
    const line = page.locator(".all-well");
    await line.waitFor();
    assert.match(await text(line), /All is well.*checked (just now|\d s ago)/s);
  }),
);

test("any collector's overview lists its hosts with their figures", anywhere, () =>
  journey({}, async ({ page, base, open }) => {
    const host = await firstHost(base);
    await open("/");
    const row = page.locator(`[data-host="${host}"]`);
    await row.waitFor();
    await until(async () => /\d+(\.\d)? %/.test(await text(row)), "the row has a share in per cent");
    await row.locator("[data-row-link]").click();
    await page.locator(".side-panel").getByRole("link", { name: host, exact: true }).click();
    await page.locator("h1", { hasText: host }).waitFor();
  }),
);

test("filter, sort and columns stand in the URL and survive a reload", standInOnly, () =>
  journey({}, async ({ page, open }) => {
    await open("/");
    await page.locator(".hosts").waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("debian");
    await until(async () => (await names(page)).length === 6, "six hosts run Debian");
    await page.getByRole("button", { name: "CPU", exact: true }).click();
    await page.getByRole("button", { name: "Choose columns" }).click();
    await page.getByRole("menuitemcheckbox", { name: "Uptime" }).click();
    await page.keyboard.press("Escape");
    await until(() => page.locator('th[data-column="uptime"]').isHidden(), "the column is gone");
    const url = new URL(page.url());
    assert.equal(url.searchParams.get("q"), "debian");
    assert.equal(url.searchParams.get("sort"), "-cpu");
    const before = await names(page);
    await page.reload();
    await page.locator(".hosts").waitFor();
    assert.deepEqual([...(await names(page))].sort(), [...before].sort());
    assert.equal(await page.locator('th[data-column="cpu"]').getAttribute("aria-sort"), "descending");
    assert.equal(await page.locator('th[data-column="uptime"]').count(), 0);
    await page.locator("[data-filter]").fill("zzz");
    await page.getByText("No host fits “zzz”.").waitFor();
    await page.getByRole("button", { name: "Clear the filter" }).click();
    await until(async () => (await names(page)).length === 9, "all are back");
  }),
);

test("the keyboard alone leads anywhere", standInOnly, () =>
  journey({}, async ({ page, open }) => {
    await open("/");
    await page.locator(".hosts").waitFor();
    await page.locator("main").press("?");
    await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").fill("pve");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/hosts/pve2");
    await page.keyboard.press("g");
    await page.keyboard.press("s");
    await page.waitForURL("**/system");
    await page.keyboard.press("g");
    await page.keyboard.press("e");
    await page.waitForURL("**/events");
    await page.goBack();
    await page.waitForURL("**/system");
    await page.keyboard.press("g");
    await page.keyboard.press("o");
    await page.locator(".hosts").waitFor();
    await page.locator(".hosts [data-row-link]").first().focus();
    await page.keyboard.press("j");
    await page.keyboard.press("k");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.locator(".side-panel", { hasText: "desk-3f9a" }).waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL("**/hosts/desk-3f9a");
  }),
);

test("five hundred hosts stay quick: only what is near is rendered", standInOnly, () =>
  journey({ scenario: { hosts: 500, well: true } }, async ({ page, open }) => {
    await open("/?sort=host");
    await page.locator(".hosts").waitFor();
    assert.ok((await page.locator(".hosts tbody tr").count()) < 120);
    assert.equal(await page.locator(".hosts").getAttribute("aria-rowcount"), "501");
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
    await until(async () => (await names(page)).includes("router"), "the last host is there at the end");
    assert.ok((await page.locator(".hosts tbody tr").count()) < 120);
  }),
);

test("events can be filtered and older ones fetched", standInOnly, () =>
  journey({}, async ({ page, open }) => {
    await open("/events");
    const rows = page.locator(".events tbody tr");
    await rows.first().waitFor();
    assert.equal(await rows.count(), 100);
    await page.getByRole("button", { name: "Older events" }).click();
    await until(async () => (await rows.count()) === 200, "the next page is added");
    await page.getByLabel("All hosts").selectOption("nas1");
    await until(async () => (await rows.count()) === 24, "only the host's events");
    assert.equal(new URL(page.url()).searchParams.get("host"), "nas1");
  }),
);

test("any collector's system page says how it is", anywhere, () =>
  journey({}, async ({ page, open }) => {
    await open("/system");
    await page.getByRole("heading", { name: "Ingest" }).waitFor();
    const words = await text(page.locator("main"));
    for (const part of ["Samples per second", "Last flush", "Dead letters", "Housekeeping", "PostgreSQL"]) {
      assert.ok(words.includes(part), part);
    }
  }),
);

test("the system page says its problems in words", standInOnly, () =>
  journey({ scenario: { ailing: true } }, async ({ page, open }) => {
    await open("/system");
    await page.locator(".attention-list").waitFor();
    const words = await text(page.locator(".attention-list"));
    assert.match(words, /critical\s+The database does not answer: connection refused/);
    assert.match(words, /2 messages could not be understood/);
    assert.match(await text(page.locator("#dead-letters")), /too large/);
  }),
);
