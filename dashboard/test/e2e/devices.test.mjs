import assert from "node:assert/strict";
import { test } from "node:test";
import { journey, standInOnly, text, until } from "./ground.mjs";

const panel = (page) => page.locator(".side-panel");
const search = (page) => new URL(page.url()).searchParams;
const has = (words, wanted) => {
  for (const part of wanted) assert.ok(words.includes(part), `${part} in ${words}`);
};
/** Everything below the window is drawn when it comes near. */
const bring = (page, id) => page.locator(`#${id}`).first().scrollIntoViewIfNeeded();

test("a host's page has its sensors by chip with limits, trends and words", standInOnly, () =>
  journey({}, async ({ page, server, open }) => {
    await open("/hosts/nas1");
    const sensors = page.locator("#sensors");
    await sensors.getByText("Package id 0").waitFor();
    has(await text(sensors), ["coretemp.0", "at most 84 °C · critical 100 °C", "4.75 to 5.25 V"]);
    has(await text(sensors.locator("tr", { hasText: "Front fan" })), ["0 rpm", "stands still"]);
    await sensors.getByRole("img", { name: "Package id 0 in the last hour" }).waitFor();
    const asked = server.seen.filter((each) => each.includes("match=node_hwmon"));
    assert.ok(asked.length <= 1, "all trends are one question");
    await page.getByLabel("Filter sensors").fill("fan");
    await until(async () => (await sensors.locator("[data-row-link]").count()) === 2, "two fans");
    await sensors.getByRole("link", { name: "Rear fan" }).click();
    await page.locator("#panel-sensor canvas").waitFor();
    has(await text(panel(page)), ["Sensor of nas1", "nct6798: Rear fan", "300 rpm"]);
    await page.keyboard.press("j");
    await panel(page).getByRole("heading", { name: "nct6798: Front fan" }).waitFor();
    await page.reload();
    await panel(page).getByRole("heading", { name: "nct6798: Front fan" }).waitFor();
    assert.equal(search(page).get("filter_sensor"), "fan");
  }),
);

test(
  "power has its cost, a GPU its programs, a UPS its charge, the BMC its log, containers their images",
  standInOnly,
  () =>
    journey({}, async ({ page, open }) => {
      await open("/hosts/nas1");
      await bring(page, "power");
      await page.locator("#chart-power canvas").waitFor();
      has(await text(page.locator("#power")), [
        "Measured of the whole machine.",
        "Cost per month",
        "€",
        "A kilowatt-hour costs €0.32.",
        "the processor itself",
      ]);
      await bring(page, "gpu");
      await page.locator("[id^=chart-gpu-busy] canvas").waitFor();
      has(await text(page.locator("#gpu")), [
        "NVIDIA RTX A2000 12GB",
        "power limit",
        "PCIe 4.0 ×8",
        "jellyfin",
      ]);
      await bring(page, "ups");
      await page.locator("[id^=chart-ups-charge] canvas").waitFor();
      has(await text(page.locator("#ups")), ["Rack UPS", "on line", "100 %", "34 min", "231 V"]);
      await bring(page, "bmc");
      has(await text(page.locator("#bmc")), [
        "Supermicro X11SCL-IF",
        "switched on",
        "at least 500 rpm · critical below 300 rpm",
        "Power supply AC lost asserted",
        "PS1 Status",
      ]);
      await bring(page, "containers");
      await page.locator("#containers").getByText("Docker · 27.3.1 · overlay2").waitFor();
      has(await text(page.locator("#containers")), [
        "9 of 10 running, 1 unhealthy",
        "jellyfin/jellyfin:10.10",
        "0a1b2c3d4e5f",
        "immich_default 172.20.0.0/16",
      ]);
      await page.locator("#gpu").getByRole("link", { name: "jellyfin" }).click();
      await page.waitForURL(/\/containers\/nas1\/jellyfin/);
    }),
);

test("a UPS on battery is told on the overview and leads to its part of the page", standInOnly, () =>
  journey({ scenario: { battery: true } }, async ({ page, open }) => {
    await open("/");
    const item = page.locator(".attention-item", { hasText: "UPS eaton" });
    has(await text(item), ["critical", "runs from its battery: 62 %, 21 min left"]);
    await item.getByRole("link", { name: "UPS eaton" }).click();
    await page.waitForURL(/\/hosts\/nas1#ups/);
    await page.locator("#ups").getByText("on battery, discharging").waitFor();
    await until(async () => {
      const box = await page.locator("#ups").boundingBox();
      return box !== null && box.y > 0 && box.y < 600;
    }, "the page is scrolled to the UPS");
  }),
);

test("a host without devices has no sections about them", standInOnly, () =>
  journey({}, async ({ page, open }) => {
    await open("/hosts/media");
    await page.locator("#filesystems table").waitFor();
    await page.locator("#facts").waitFor();
    for (const id of ["sensors", "power", "gpu", "ups", "bmc", "containers"])
      assert.equal(await page.locator(`#${id}`).count(), 0, id);
  }),
);
