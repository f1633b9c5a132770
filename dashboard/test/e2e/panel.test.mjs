import assert from "node:assert/strict";
import { test } from "node:test";
import { anywhere, firstHost, journey, standInOnly, still, text, until } from "./ground.mjs";

const panel = (page) => page.locator(".side-panel");
const title = (page) => page.locator(".panel-title");
const row = (page) => new URL(page.url()).searchParams.get("row");
const focused = (page, selector) =>
  page.evaluate((wanted) => document.activeElement?.matches(wanted) === true, selector);
const rowLink = (page, name) => page.locator(`[data-row-link][data-row="${name}"]`);

test(
  "a host's row opens a panel that follows j and k, and Esc gives the row its focus back",
  standInOnly,
  () =>
    journey({}, async ({ page, open }) => {
      await open("/?range=6h");
      await rowLink(page, "nas1").click();
      await title(page).getByRole("link", { name: "nas1" }).waitFor();
      assert.equal(row(page), "nas1");
      await until(() => focused(page, ".panel-title a"), "the heading has the focus");
      assert.equal(await rowLink(page, "nas1").getAttribute("aria-expanded"), "true");
      await panel(page).locator("#panel-cpu canvas").waitFor();
      const words = await text(panel(page));
      for (const part of ["/mnt/tank is 96 % full", "Uptime", "Memory used", "/mnt/tank/photos"])
        assert.ok(words.includes(part), part);
      await page.keyboard.press("j");
      await until(async () => (await text(title(page))) === "pi-hole", "the panel follows j");
      await page.keyboard.press("j");
      await page.keyboard.press("k");
      await until(async () => row(page) === "pi-hole", "and k, in the URL as well");
      await until(() => focused(page, ".panel-title a"), "the heading has the focus");
      await page.keyboard.press("Escape");
      await panel(page).waitFor({ state: "detached" });
      assert.equal(row(page), null);
      await until(() => focused(page, '[data-row="pi-hole"]'), "the row has the focus");
      assert.equal(new URL(page.url()).searchParams.get("range"), "6h");
    }),
);

test("Back closes the panel, a link restores it, its title leads to the host", standInOnly, () =>
  journey({}, async ({ page, open }) => {
    await open("/?q=pve&sort=-cpu&range=24h");
    await rowLink(page, "pve1").click();
    await panel(page).waitFor();
    await rowLink(page, "pve2").click();
    await until(async () => (await text(title(page))) === "pve2", "another row takes its place");
    await page.goBack();
    await panel(page).waitFor({ state: "detached" });
    assert.equal(new URL(page.url()).searchParams.get("q"), "pve");
    await page.goForward();
    await panel(page).waitFor();
    await page.reload();
    await title(page).getByRole("link", { name: "pve2" }).click();
    await page.waitForURL(/\/hosts\/pve2\?range=24h$/);
    await page.locator("h1", { hasText: "pve2" }).waitFor();
    await page.goBack();
    await until(async () => (await text(title(page))) === "pve2", "back at the panel");
  }),
);

test("a row that is gone is said to be", standInOnly, () =>
  journey({}, async ({ page, open }) => {
    await open("/?row=nobody");
    await panel(page).getByText("Host nobody is not there (any more).").waitFor();
    await page.keyboard.press("Escape");
    await panel(page).waitFor({ state: "detached" });
  }),
);

test("filesystems, disks, interfaces and sources have their panels", standInOnly, () =>
  journey({}, async ({ page, open }) => {
    await open("/hosts/nas1");
    for (const [name, id, wanted] of [
      ["filesystem:/mnt/tank", "#panel-filesystems", ["96 % used", "1,700,000 of 30,000,000 (5.7 %)", "zfs"]],
      ["disk:nvme0n1", "#panel-disk-busy", ["WD Red SN700", "solid state", "Filesystems on it", "/boot/efi"]],
      ["interface:eno1", "#panel-network", ["02:42:", "1 Gbit/s", "Errors since boot"]],
    ]) {
      await rowLink(page, name).click();
      await until(async () => row(page) === name, name);
      await page.locator(`${id} canvas`).waitFor();
      const words = await text(panel(page));
      for (const part of wanted) assert.ok(words.includes(part), `${part} in ${words}`);
    }
    await page.keyboard.press("Escape");
    await panel(page).waitFor({ state: "detached" });
    await open("/hosts/home-assistant?row=source:filesystem");
    await panel(page).waitFor();
    const words = await text(panel(page));
    for (const part of ["stalled", "timed out", "no answer for 41 s", "Read every"])
      assert.ok(words.includes(part), part);
    await page.keyboard.press("j");
    await until(async () => row(page) !== "source:filesystem", "the next source");
  }),
);

test("any collector's host has a panel for a filesystem", anywhere, () =>
  journey({}, async ({ page, base, open }) => {
    await open(`/hosts/${await firstHost(base)}`);
    await page.locator("#filesystems [data-row-link]").first().click();
    await panel(page).locator("canvas").first().waitFor();
    assert.match(await text(panel(page)), /% used/);
  }),
);

test("on a phone the panel is a sheet over the page", standInOnly, () =>
  journey({ width: 390, height: 844 }, async ({ page, open }) => {
    await open("/");
    await rowLink(page, "media").click();
    const sheet = page.getByRole("dialog", { name: "media" });
    await sheet.waitFor();
    // Where it comes to rest, not where it slides past.
    await still(page);
    const box = await sheet.boundingBox();
    assert.deepEqual([box.x, box.y, box.width, box.height], [0, 0, 390, 844]);
    await sheet.getByRole("button", { name: "Next row (j)" }).click();
    await page.getByRole("dialog", { name: "nas1" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    assert.equal(row(page), null);
    await rowLink(page, "media").click();
    await sheet.waitFor();
    await page.goBack();
    await sheet.waitFor({ state: "detached" });
  }),
);
