// Against a real collector with the simulated host `homelab` (tests/src/homelab.rs), whose facts and readings came over a
// real broker: cargo run -p hi-e2e --bin stack, then HI_URL=… npm run e2e.
import assert from "node:assert/strict";
import { test } from "node:test";
import { missing } from "../browser.mjs";
import { journey, text, until } from "./ground.mjs";

const collector = process.env.HI_URL?.replace(/\/$/, "");
const known = async () => {
  const answer = await fetch(`${collector}/api/hosts/homelab`);
  return answer.ok;
};
const there = missing === null && collector !== undefined && (await known());
const skip = there ? false : "needs a collector with the simulated host homelab: HI_URL";
const has = (words, wanted) => {
  for (const part of wanted) assert.ok(words.includes(part), `${part} in ${words}`);
};

test("containers of a real collector, their use and events", { skip }, () =>
  journey({}, async ({ page, open }) => {
    await open("/containers?q=homelab");
    const line = (name) => page.locator(".containers tbody tr:not(.group)", { hasText: name });
    await line("web").waitFor();
    has(await text(line("web")), ["shop / web", "running, healthy", "30 %", "1 GiB", "registry.lan/web:1.4"]);
    has(await text(line("worker")), ["running, unhealthy", "no answer"]);
    await line("worker").locator("[data-row-link]").click();
    await page.locator("#panel-cpu canvas").waitFor();
    await page.locator(".panel-title a").click();
    await page.waitForURL(/\/containers\/homelab\/worker/);
    for (const chart of ["cpu", "memory", "network"]) await page.locator(`#chart-${chart} canvas`).waitFor();
    has(await text(page.locator("#events")), ["worker is unhealthy"]);
    has(await text(page.locator("#mounts")), ["/srv/shop"]);
  }),
);

test("devices of a real collector", { skip }, () =>
  journey({}, async ({ page, open }) => {
    await open("/hosts/homelab");
    const sensors = page.locator("#sensors");
    await sensors.getByText("temp1", { exact: true }).waitFor();
    has(await text(sensors), ["coretemp", "at most 84 °C · critical 100 °C", "at least 300 rpm"]);
    await sensors.getByRole("img", { name: "temp1 in the last hour" }).waitFor();
    await sensors.getByRole("link", { name: "fan1" }).click();
    await page.locator("#panel-sensor canvas").waitFor();
    await page.keyboard.press("Escape");
    for (const [id, chart, words] of [
      ["power", "#chart-power", ["Measured of the whole machine."]],
      ["gpu", "[id^=chart-gpu-busy]", ["NVIDIA RTX A2000", "550.127.05"]],
      ["ups", "[id^=chart-ups-charge]", ["Rack UPS", "62 %", "23 %"]],
    ]) {
      await page.locator(`#${id}`).scrollIntoViewIfNeeded();
      await page.locator(`${chart} canvas`).first().waitFor();
      has(await text(page.locator(`#${id}`)), words);
    }
    await page.locator("#bmc").scrollIntoViewIfNeeded();
    has(await text(page.locator("#bmc")), [
      "Supermicro X11SCL-IF",
      "CPU Temp",
      "Power supply AC lost asserted",
    ]);
  }),
);

test("a UPS on battery and an unhealthy container are told by a real collector", { skip }, () =>
  journey({}, async ({ page, open }) => {
    await open("/");
    await page.locator(".attention-item", { hasText: "container worker" }).waitFor();
    const ups = page.locator(".attention-item", { hasText: "UPS eaton" });
    await ups.getByRole("link", { name: "UPS eaton" }).click();
    await page.waitForURL(/\/hosts\/homelab#ups/);
    await page.locator("#ups").waitFor();
  }),
);

test("datasets of a real collector", { skip }, () =>
  journey({}, async ({ page, open }) => {
    await open("/pools/homelab%3Atank");
    const line = page.locator(".datasets tbody tr", { hasText: "/tank/home" });
    await line.waitFor();
    has(await text(line), ["2.", "4 GiB", "locked", "31"]);
    await until(async () => (await page.locator(".datasets tbody tr").count()) === 2, "two datasets");
  }),
);
