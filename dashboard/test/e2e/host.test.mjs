import assert from "node:assert/strict";
import { test } from "node:test";
import { anywhere, firstHost, journey, standInOnly, text, until } from "./ground.mjs";

const chart = (page, id) => page.locator(`#${id}`);
const drawn = (page, id) => chart(page, id).locator("canvas");
const now = (page, id) => chart(page, id).locator("[data-now]").first().innerText();
const search = (page) => new URL(page.url()).searchParams;

/** Drags over a chart from one share of its width to another. */
async function drag(page, id, from, to, modifier) {
  const box = await chart(page, id).locator(".u-over").boundingBox();
  const y = box.y + box.height / 2;
  if (modifier) await page.keyboard.down(modifier);
  await page.mouse.move(box.x + box.width * from, y);
  await page.mouse.down();
  await page.mouse.move(box.x + (box.width * (from + to)) / 2, y, { steps: 4 });
  await page.mouse.move(box.x + box.width * to, y, { steps: 4 });
  await page.mouse.up();
  if (modifier) await page.keyboard.up(modifier);
}

test("a host's page draws its charts and appends what is live to the same drawing", anywhere, () =>
  journey({}, async ({ page, base, open }) => {
    await open(`/hosts/${await firstHost(base)}`);
    await drawn(page, "chart-load").waitFor();
    await drawn(page, "chart-cpu").evaluate((canvas) => {
      canvas.dataset.same = "yes";
    });
    const before = await now(page, "chart-cpu");
    await until(async () => (await now(page, "chart-cpu")) !== before, "a live value arrives", 40_000);
    assert.equal(await drawn(page, "chart-cpu").getAttribute("data-same"), "yes", "the drawing was kept");
    for (const id of ["chart-memory", "chart-filesystems"]) {
      await chart(page, id).scrollIntoViewIfNeeded();
      await drawn(page, id).waitFor();
    }
    await page.locator("#sources").scrollIntoViewIfNeeded();
    assert.match(await text(page.locator("#sources")), /cpu\s+read\s+[\d.]+ m?s/);
  }),
);

test("dragging zooms all charts, the URL says so, double-click goes back", anywhere, () =>
  journey({}, async ({ page, base, open }) => {
    await open(`/hosts/${await firstHost(base)}?range=6h`);
    await drawn(page, "chart-load").waitFor();
    // To the right, where a collector that has just begun has its readings.
    await drag(page, "chart-load", 0.5, 0.995);
    await page.waitForURL(/from=/);
    const [from, to] = [Number(search(page).get("from")), Number(search(page).get("to"))];
    assert.ok(
      Math.abs(to - from - 3 * 3_600_000) < 300_000,
      `half of six hours, not ${(to - from) / 3_600_000} h`,
    );
    await page.getByRole("button", { name: "Paused: go live" }).waitFor();
    await page.reload();
    await drawn(page, "chart-cpu").waitFor();
    assert.equal(Number(search(page).get("from")), from);
    await drag(page, "chart-load", 0.5, 0.25, "Shift");
    await until(() => Number(search(page).get("from")) > from, "moved to later");
    assert.equal(Number(search(page).get("to")) - Number(search(page).get("from")), to - from);
    await chart(page, "chart-load").locator(".u-over").dblclick();
    await until(() => !search(page).has("from"), "the range is relative again");
    assert.equal(search(page).get("range"), "6h");
    await page.goBack();
    await until(() => search(page).has("from"), "back works");
  }),
);

test("the crosshair is shared and the legend follows it", anywhere, () =>
  journey({}, async ({ page, base, open }) => {
    await open(`/hosts/${await firstHost(base)}`);
    await drawn(page, "chart-cpu").waitFor();
    await drawn(page, "chart-load").waitFor();
    const box = await chart(page, "chart-cpu").locator(".u-over").boundingBox();
    await page.mouse.move(box.x + box.width - 30, box.y + 60, { steps: 3 });
    const head = chart(page, "chart-load").locator("thead th").nth(1);
    await until(
      async () => /^\d\d:\d\d:\d\d$/.test(await head.innerText()),
      "the other legend shows the time",
    );
    await chart(page, "chart-cpu").locator(".chart-tooltip").waitFor();
    await page.mouse.move(10, 10, { steps: 3 });
    await until(async () => (await head.innerText()) === "now", "and the present again");
  }),
);

test("a click in the legend isolates a line", anywhere, () =>
  journey({}, async ({ page, base, open }) => {
    await open(`/hosts/${await firstHost(base)}`);
    await drawn(page, "chart-load").waitFor();
    const legend = chart(page, "chart-load").locator(".legend");
    await legend.getByRole("button", { name: "5 min", exact: true }).click();
    assert.equal(await legend.locator("tr[data-hidden]").count(), 2);
    await legend.getByRole("button", { name: "5 min", exact: true }).click();
    assert.equal(await legend.locator("tr[data-hidden]").count(), 0);
  }),
);

test("24 hours of a host are on the page within a second", anywhere, () =>
  journey({}, async ({ page, base, open }) => {
    const host = await firstHost(base);
    await open("/");
    await page.locator(".hosts").waitFor();
    const begin = Date.now();
    await open(`/hosts/${host}?range=24h`);
    await drawn(page, "chart-cpu").waitFor();
    const took = Date.now() - begin;
    console.log(`first chart of 24 h after ${took} ms`);
    // The goal is one second on an idle machine; a test must bear a busy one.
    assert.ok(took < 5_000, `took ${took} ms`);
  }),
);

test("gaps are gaps, and restarts are marked", standInOnly, () =>
  journey({}, async ({ page, open }) => {
    await open("/hosts/nas1");
    await drawn(page, "chart-load").waitFor();
    // Where the host sent nothing the plot has no coloured point; beside it, it has.
    const coloured = (share) =>
      drawn(page, "chart-cpu").evaluate((canvas, at) => {
        const scale = devicePixelRatio;
        const left = 76 * scale + (canvas.width - 84 * scale) * at;
        const { data } = canvas.getContext("2d").getImageData(left, canvas.height - 45 * scale, 4, 10);
        let most = 0;
        for (let i = 0; i < data.length; i += 4)
          most = Math.max(
            most,
            data[i + 3] &&
              Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]),
          );
        return most > 60;
      }, share);
    assert.equal(await coloured(0.2), true);
    assert.equal(await coloured(0.42), false);
    assert.equal(await coloured(0.8), true);
  }),
);

test("a silent host says so and its charts end", standInOnly, () =>
  journey({}, async ({ page, open }) => {
    await open("/hosts/backup");
    await page.getByText(/backup is silent: nothing has come from it since/).waitFor();
    await drawn(page, "chart-load").waitFor();
    assert.match(
      await text(chart(page, "chart-load").locator(".chart-head")),
      /stale · last reading 1[234] min ago/,
    );
  }),
);

test("a host that nobody knows is no error", standInOnly, () =>
  journey({ calm: false }, async ({ page, open }) => {
    await open("/hosts/nobody");
    await page.getByText("No host is called nobody.").waitFor();
  }),
);

test("hidden, the page lets go of the stream; seen again, it fetches the hole", standInOnly, () =>
  journey({ scenario: { liveMs: 300 } }, async ({ page, server, open }) => {
    await open("/hosts/pve1");
    await drawn(page, "chart-load").waitFor();
    const lives = () => server.seen.filter((url) => url.startsWith("/api/live")).length;
    await until(() => lives() >= 1, "the stream is open");
    await until(() => server.open() === 1, "one stream");
    const hide = (hidden) =>
      page.evaluate((value) => {
        Object.defineProperty(document, "hidden", { value, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      }, hidden);
    await hide(true);
    await until(() => server.open() === 0, "the stream is closed");
    const asked = server.seen.length;
    const opened = lives();
    await hide(false);
    await until(() => lives() > opened, "the stream is opened again");
    const holes = () =>
      server.seen.slice(asked).filter((url) => {
        const query = new URL(url, "http://x").searchParams;
        return (
          url.startsWith("/api/samples") &&
          Date.parse(query.get("end")) - Date.parse(query.get("start")) < 1_800_000
        );
      });
    await until(() => holes().length > 0, "the hole, and no more, is asked for");
  }),
);

test("a chart's data can be taken along", standInOnly, () =>
  journey({}, async ({ page, base, open }) => {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: base });
    await open("/hosts/pve1");
    await drawn(page, "chart-load").waitFor();
    const copy = async (entry) => {
      await chart(page, "chart-load").getByRole("button", { name: /^Copy/ }).click();
      await page.getByRole("menuitem", { name: entry }).click();
      await chart(page, "chart-load").getByText("copied").waitFor();
      return page.evaluate(() => navigator.clipboard.readText());
    };
    const csv = await copy("Copy as CSV");
    assert.match(csv, /^time,1 min,5 min,15 min\n\d{4}-\d\d-\d\dT[\d:.]+Z,[\d.]+,/);
    assert.match(await copy("Copy as PromQL"), /^node_load1\{instance="pve1"\}\n/);
  }),
);

test("facts are asked for when they are looked at", standInOnly, () =>
  journey({}, async ({ page, server, open }) => {
    await open("/hosts/nas1");
    const disks = page.locator("#facts > ul > li", { hasText: /^disk/ });
    await disks.locator("summary").first().click();
    const sda = disks.locator("li", { hasText: /^sda/ });
    await sda.locator("summary").click();
    await sda.getByText("rotational").waitFor();
    assert.deepEqual(
      server.seen.filter((each) => each.startsWith("/api/hosts/nas1/facts")),
      ["/api/hosts/nas1/facts?kind=disk&limit=100"],
    );
  }),
);
