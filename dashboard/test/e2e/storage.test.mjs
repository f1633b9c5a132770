import assert from "node:assert/strict";
import { test } from "node:test";
import { journey, standInOnly, text, until } from "./ground.mjs";

const panel = (page) => page.locator(".side-panel");
const search = (page) => new URL(page.url()).searchParams;
const names = (page, list) => page.locator(`.storage-${list} [data-row-link]`).allInnerTexts();
const line = (page, list, name) => page.locator(`.storage-${list} tbody tr`, { hasText: name });
const dataset = (page, name) => page.locator(".datasets tbody tr", { hasText: name });
const datasetNames = (page) => page.locator(".datasets [data-row-link]").allInnerTexts();
const has = (words, wanted) => {
  for (const part of wanted) assert.ok(words.includes(part), `${part} in ${words}`);
};

test("a degraded pool is told on the overview and leads to its devices", standInOnly, () =>
  journey({}, async ({ page, open }) => {
    await open("/");
    const item = page.locator(".attention-item", { hasText: "pool tank" });
    assert.match(await text(item), /critical\s+nas1 pool tank degraded: sdc faulted.*1[34] min/s);
    await page.locator('[data-host="nas1"] [data-column="disks"]', { hasText: "a disk fails" }).waitFor();
    await item.getByRole("link", { name: "pool tank" }).click();
    await page.waitForURL(/\/storage\?row=pool/);
    await panel(page).getByRole("heading", { name: "Devices" }).waitFor();
    has(await text(panel(page)), [
      "Pool of nas1",
      "DEGRADED",
      "resilver",
      "8.1 %",
      "6 h left",
      "raidz1-0",
      "31 read, 412 write",
      "14 checksum",
      "spare",
    ]);
    await panel(page).getByRole("link", { name: "sdc", exact: true }).click();
    await page.locator("h1", { hasText: "TOSHIBA" }).waitFor();
    assert.match(page.url(), /\/disks\/nas1%3Awwn-0x/);
    await page.goBack();
    await panel(page).waitFor();
  }),
);

test("the page shows pools, arrays and disks, each in its own words", standInOnly, () =>
  journey({}, async ({ page, open }) => {
    await open("/storage");
    await page.locator(".storage-disks").waitFor();
    has(await text(line(page, "pools", "tank")), ["ZFS on nas1", "DEGRADED", "raidz1 of 4, spare", "71 %"]);
    has(await text(line(page, "pools", "data")), ["btrfs on media"]);
    has(await text(line(page, "arrays", "md0")), [
      "active, degraded, recovering",
      "1 of 2",
      "rebuild",
      "62 %",
    ]);
    has(await text(line(page, "disks", "slot 2")), [
      "nas1 · sdb",
      "failed: a threshold is exceeded",
      "18 TB",
      "2,360",
    ]);
    has(await text(line(page, "disks", "slot 4")), ["standby", "read 5 h ago"]);
    has(await text(line(page, "disks", "media · sda")), ["cannot be read", "USB"]);
    has(await text(line(page, "disks", "pi-hole")), ["no health data"]);
    has(await text(page.locator("#controllers")), ["backup", "MegaRAID", "cannot be read"]);
  }),
);

test("when all is well nothing is coloured, and a scrub shows its progress", standInOnly, () =>
  journey({ scenario: { storage: "healthy" } }, async ({ page, open }) => {
    await open("/storage");
    await page.locator(".storage-disks").waitFor();
    assert.equal(await page.locator("main :is(.state-critical, .state-warning)").count(), 0);
    has(await text(line(page, "pools", "tank")), ["ONLINE", "scrub", "37 %", "3 h 3 min left"]);
  }),
);

test("without any source of storage the page says what to do", standInOnly, () =>
  journey({ scenario: { storage: "none" } }, async ({ page, open }) => {
    await open("/storage");
    await page.getByText("No agent has told of any disk, array or pool yet.").waitFor();
    has(await text(page.locator("main")), ["hi-agent sources"]);
  }),
);

test("filter, order and open row stand in the URL and survive a reload", standInOnly, () =>
  journey({}, async ({ page, open }) => {
    await open("/storage");
    await page.locator(".storage-disks").waitFor();
    await page.locator("#disks").getByRole("button", { name: "Powered on" }).click();
    await page.keyboard.press("/");
    await page.keyboard.type("toshiba");
    await until(async () => (await names(page, "disks")).length === 4, "four disks are Toshibas");
    assert.equal(await page.locator("#pools").count(), 0, "no pool is");
    assert.deepEqual([search(page).get("q"), search(page).get("sort_disk")], ["toshiba", "-age"]);
    await line(page, "disks", "slot 4").locator("[data-row-link]").click();
    await panel(page).getByText("standby: it is not woken").waitFor();
    await page.reload();
    await panel(page).getByText("standby: it is not woken").waitFor();
    assert.equal(await page.getByLabel("Filter storage").inputValue(), "toshiba");
    assert.equal(await page.locator("#disks th[data-column=age]").getAttribute("aria-sort"), "descending");
    await page.keyboard.press("Escape");
    await panel(page).waitFor({ state: "detached" });
    await page.getByLabel("Filter storage").fill("nothing at all");
    await page.getByText("No disk, array or pool fits “nothing at all”.").waitFor();
    await page.getByRole("button", { name: "Clear the filter" }).click();
    await page.locator("#pools").waitFor();
  }),
);

test("a failing disk's page has attributes, their history, logs and its past", standInOnly, () =>
  journey({}, async ({ page, open }) => {
    await open("/storage");
    await line(page, "disks", "slot 2").locator("[data-row-link]").click();
    await panel(page).locator("canvas").first().waitFor();
    await panel(page).locator(".panel-title a").click();
    await page.locator("#chart-temperature canvas").waitFor();
    await page.locator("#chart-errors canvas").waitFor();
    has(await text(page.locator("main")), [
      "predicts its failure: failed: a threshold is exceeded",
      "Completed: read failure",
      "Error: UNC at LBA = 0x04d78708",
      "Where it stood",
      "slot 6",
    ]);
    has(await text(page.locator("#attributes tr", { hasText: "Reallocated Sector Ct" })), [
      "failing now",
      "2,344",
    ]);
    has(await text(page.locator("#changes")), ["Passed: yes → no", "Slot: 6 → 2", "disk seen on nas1"]);
    await page.getByRole("button", { name: "Time range: Last 7 days" }).waitFor();
    await page.locator('[data-row="attribute:5"]').click();
    await page.locator("#panel-raw-5 canvas").waitFor();
    assert.equal(search(page).get("row"), "attribute:5");
    await page.keyboard.press("j");
    await until(() => search(page).get("row") === "attribute:9", "the next attribute");
    await page.keyboard.press("Escape");
    await panel(page).waitFor({ state: "detached" });
  }),
);

test("a disk that cannot be read, and one that is not there, say so", standInOnly, () =>
  journey({ calm: false }, async ({ page, base, open }) => {
    const { disks } = await (await fetch(`${base}/api/disks`)).json();
    const blind = disks.find(({ unreadable }) => unreadable !== null);
    await open(`/disks/${encodeURIComponent(blind.id)}`);
    await page.locator("h1", { hasText: blind.model }).waitFor();
    has(await text(page.locator("main")), [
      "cannot be read",
      "passes no SMART commands",
      "Its log has no error.",
    ]);
    await open("/disks/nas1%3Anone");
    await page.getByText("There is no disk nas1:none.").waitFor();
  }),
);

test("Ctrl-K finds disks by serial number, arrays and pools", standInOnly, () =>
  journey({}, async ({ page, base, open }) => {
    const { disks } = await (await fetch(`${base}/api/disks`)).json();
    const wanted = disks.find(({ host, device }) => host === "pve1" && device === "nvme1n1");
    await open("/");
    await page.locator(".hosts").waitFor();
    const field = page.getByRole("combobox");
    const find = async (words) => {
      await field.waitFor({ state: "detached" });
      await page.keyboard.press("Control+k");
      await field.fill(words);
    };
    await find(wanted.serial);
    await page.getByRole("option", { name: /disk nvme1n1 of pve1/ }).waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/disks\/pve1%3Awwn/);
    await find("rpool");
    await page.getByRole("option", { name: /rpool.*pool of pve1/ }).waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/storage\?row=pool/);
    await panel(page).getByText("mirror-0").waitFor();
    await find("md0");
    await page.getByRole("option", { name: /md0.*array of pve2/ }).waitFor();
    await page.keyboard.press("Enter");
    await panel(page).getByText("Array of pve2").waitFor();
  }),
);

test("storage that cannot be read again keeps what was known", standInOnly, () =>
  journey({ calm: false }, async ({ page, server, open }) => {
    await open("/storage");
    await page.locator(".storage-disks").waitFor();
    server.state.fail = { "/api/pools": 500 };
    await page.getByText("The storage could not be read again, this is the last known").waitFor();
    await line(page, "pools", "tank").waitFor();
    server.state.fail = {};
    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator(".error-note").waitFor({ state: "detached" });
  }),
);

test("a pool's page has its datasets as a tree that filters and sorts", standInOnly, () =>
  journey({}, async ({ page, open }) => {
    await open("/storage?row=pool:nas1:tank");
    await panel(page).locator(".panel-title a").click();
    await page.waitForURL(/\/pools\/nas1%3Atank/);
    await page.locator(".datasets").waitFor();
    has(await text(dataset(page, "laptop")), ["1.83 TiB", "1.95 TiB", "94 %", "1.80 ×", "31"]);
    has(await text(dataset(page, "offsite")), ["/tank/backup/offsite · read-only", "locked"]);
    has(await text(dataset(page, "vm-100-disk-0")), ["volume of 64 GiB", "96", "31 min ago"]);
    await page.locator("#datasets").getByRole("button", { name: "Used" }).click();
    await until(async () => (await datasetNames(page))[0] === "tank", "the largest first");
    await page.keyboard.press("/");
    await page.keyboard.type("home locked");
    await page.getByText("No dataset fits “home locked”.").waitFor();
    await page.getByLabel("Filter datasets").fill("home");
    assert.deepEqual(await datasetNames(page), ["tank/home", "tank/home/ann"]);
    await page.locator('[data-row="dataset:tank/home/ann"]').click();
    await page.locator("#panel-dataset canvas").waitFor();
    has(await text(panel(page)), ["aes-256-gcm", "key loaded", "800 GiB", "96"]);
    await page.reload();
    await panel(page).getByText("aes-256-gcm").waitFor();
    assert.deepEqual([search(page).get("q"), search(page).get("sort")], ["home", "-used"]);
  }),
);

test("a thousand datasets are a table of few rows, on a phone too", standInOnly, async () => {
  for (const [width, height] of [
    [1440, 900],
    [390, 844],
  ]) {
    await journey({ scenario: { datasets: 1000 }, width, height }, async ({ page, open }) => {
      await open("/pools/nas1%3Atank");
      await page.locator(".datasets").waitFor();
      const rows = page.locator(".datasets tbody tr:not(.spacer)");
      const few = async () => {
        const count = await rows.count();
        assert.ok(count > 5 && count < 130, `${count} rows are rendered`);
      };
      await few();
      await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight / 2));
      const seen = () =>
        rows.evaluateAll(
          (all) =>
            all.filter((row) => {
              const { top, bottom } = row.getBoundingClientRect();
              return bottom > 0 && top < innerHeight;
            }).length,
        );
      await until(async () => (await seen()) > 3, "rows in the middle of the table are seen");
      await few();
      await page.getByLabel("Filter datasets").fill("vm-0987");
      await until(async () => (await rows.count()) === 1, "the one that was typed");
    });
  }
});

test("a pool that is not there says so", standInOnly, () =>
  journey({ calm: false }, async ({ page, open }) => {
    await open("/pools/nas1%3Anone");
    await page.getByText("There is no pool nas1:none.").waitFor();
  }),
);
