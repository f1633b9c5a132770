// What stands in the URL, and that a link brings it back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { journey, standInOnly, text, until } from "./ground.mjs";

const search = (page) => new URL(page.url()).searchParams;
const order = (page, section) => page.locator(`${section} [data-row-link]`).allInnerTexts();

test("the time range goes along to every page that has one", standInOnly, () =>
  journey({}, async ({ page, server, open }) => {
    await open("/");
    await page.getByRole("button", { name: "Time range: Last hour" }).click();
    await page.getByRole("menuitemradio", { name: "Last 7 days" }).click();
    await until(() => search(page).get("range") === "7d", "the URL says so");
    await page.locator("[data-row='pve1']").click();
    await page.locator("#panel-cpu canvas").waitFor();
    const steps = server.seen
      .filter((url) => url.startsWith("/api/samples"))
      .map((url) => new URL(url, "http://x").searchParams.get("step_seconds"));
    assert.deepEqual([...new Set(steps)], ["3600"], "the panel's charts follow, in whole hours");
    await page.locator(".panel-title a").click();
    await page.waitForURL(/\/hosts\/pve1\?range=7d$/);
    await page.locator(".rail").getByRole("link", { name: "Events" }).click();
    await page.waitForURL(/\/events\?range=7d$/);
    await page.locator(".events tbody tr").first().waitFor();
    await until(
      () => server.seen.some((url) => url.startsWith("/api/events?start=")),
      "events are asked for of that time",
    );
    await page.locator(".rail").getByRole("link", { name: "System" }).click();
    await page.waitForURL(/\/system\?range=7d$/);
    assert.equal(await page.getByRole("button", { name: /^Time range/ }).count(), 0);
    await page.goBack();
    await page.goBack();
    await page.waitForURL(/\/hosts\/pve1\?range=7d$/);
  }),
);

test("an absolute range can be typed; what makes no sense is said and kept", standInOnly, () =>
  journey({}, async ({ page, open }) => {
    await open("/hosts/pve1");
    await page.getByRole("button", { name: /^Time range/ }).click();
    await page.getByRole("menuitem", { name: "From … to …" }).click();
    const dialog = page.getByRole("dialog", { name: "From … to …" });
    assert.equal(await dialog.getByLabel("From").evaluate((field) => field === document.activeElement), true);
    await dialog.getByLabel("From").fill("2026-03-02T10:00");
    await dialog.getByLabel("To", { exact: true }).fill("2026-03-01T10:00");
    await dialog.getByRole("button", { name: "Show" }).click();
    await dialog.getByText("The end lies before the beginning.").waitFor();
    await dialog.getByLabel("To", { exact: true }).fill("2026-03-03T10:00");
    await dialog.getByRole("button", { name: "Show" }).click();
    await dialog.waitFor({ state: "detached" });
    await until(() => search(page).has("to"), "the URL has it");
    assert.equal(Number(search(page).get("to")) - Number(search(page).get("from")), 86_400_000);
    await page.getByRole("button", { name: "Paused: go live" }).click();
    await until(() => !search(page).has("to"), "and live again");
  }),
);

test("order, filter and lines shown alone of a host's page are in its link", standInOnly, () =>
  journey({}, async ({ page, open }) => {
    await open("/hosts/nas1");
    await page.locator("#disks").getByRole("button", { name: "Busy", exact: true }).click();
    await until(() => search(page).get("sort_disk") === "-busy", "the order is in the URL");
    await page.locator("#sources").getByRole("button", { name: "Source", exact: true }).click();
    await page.getByLabel("Filter sources").fill("o");
    await page.locator("#chart-load canvas").waitFor();
    const load = page.locator("#chart-load .legend");
    await load.getByRole("button", { name: "5 min", exact: true }).click();
    await load.getByRole("button", { name: "15 min" }).click({ modifiers: ["Shift"] });
    await until(() => search(page).get("lines") === "chart-load:5 min,15 min", "the lines are in the URL");
    const before = [await order(page, "#disks"), await order(page, "#sources")];
    assert.ok(before[1].length > 0 && before[1].every((name) => /o/.test(name)), before[1].join());
    await page.reload();
    await page.locator("#chart-load canvas").waitFor();
    assert.equal(await load.locator("tr[data-hidden]").count(), 1);
    assert.equal(await page.getByLabel("Filter sources").inputValue(), "o");
    assert.equal(await page.locator("#disks th[data-column=busy]").getAttribute("aria-sort"), "descending");
    assert.equal(await page.locator("#sources th[aria-sort]").getAttribute("data-column"), "source");
    assert.deepEqual(await order(page, "#sources"), before[1]);
  }),
);

test("nonsense in the URL becomes what is usual", standInOnly, () =>
  journey({}, async ({ page, open }) => {
    await open("/hosts/pve1?range=toString&from=x&to=5&sort_disk=nothing&lines=;;:&row=what");
    await page.locator("#chart-load canvas").waitFor();
    await page.getByRole("button", { name: "Time range: Last hour" }).waitFor();
    assert.equal(await page.locator(".side-panel").count(), 0);
    assert.match(await text(page.locator("h1")), /pve1/);
  }),
);
