import assert from "node:assert/strict";
import { test } from "node:test";
import { journey, standInOnly, text, until } from "./ground.mjs";

const panel = (page) => page.locator(".side-panel");
const search = (page) => new URL(page.url()).searchParams;
const names = (page) => page.locator(".containers [data-row-link]").allInnerTexts();
const groups = (page) => page.locator(".containers .group th").allInnerTexts();
const line = (page, name) => page.locator(".containers tbody tr:not(.group)", { hasText: name });
const has = (words, wanted) => {
  for (const part of wanted) assert.ok(words.includes(part), `${part} in ${words}`);
};

test("the page shows the containers of all hosts, grouped, in words", standInOnly, () =>
  journey({}, async ({ page, open }) => {
    await open("/");
    await page.locator(".hosts").waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("c");
    await page.waitForURL(/\/containers/);
    await page.locator(".containers").waitFor();
    has(await text(line(page, "jellyfin")), ["media / jellyfin", "running", "4 CPUs", "4 GiB", "25 d old"]);
    has(await text(line(page, "immich-machine-learning")), ["running, unhealthy", "Operation timed out"]);
    has(await text(line(page, "zigbee2mqtt")), ["restarting", "47 times", "47"]);
    has(await text(line(page, "old-wiki")), ["exited with 0", "720 d old"]);
    has(await text(line(page, "podman/pihole")), ["running, healthy"]);
    const heads = (await groups(page)).map((head) => head.replaceAll("\u2009", " "));
    assert.deepEqual(
      heads.map((head) => head.split(/\s/)[0]),
      ["home-assistant", "nas1", "pi-hole"],
    );
    assert.match(heads[1], /9 of 10 running · 1 unhealthy · CPU \d+ % · 3\.\d+ GiB/);
  }),
);

test(
  "group, filter, order and open row stand in the URL; j, k and Enter go through the rows",
  standInOnly,
  () =>
    journey({}, async ({ page, open }) => {
      await open("/containers");
      await page.locator(".containers").waitFor();
      await page.getByLabel("Grouped").selectOption("project");
      await until(
        async () => (await groups(page)).some((head) => head.includes("immich on nas1")),
        "projects",
      );
      await page.keyboard.press("/");
      await page.keyboard.type("immich");
      await until(async () => (await names(page)).length === 4, "four containers are immich's");
      await page.locator(".containers").getByRole("button", { name: "Memory" }).click();
      assert.equal((await names(page))[0], "immich-server");
      assert.deepEqual(
        [search(page).get("group"), search(page).get("q"), search(page).get("sort")],
        ["project", "immich", "-memory"],
      );
      await page.locator('[data-row="container:nas1:immich-server"]').focus();
      await page.keyboard.press("j");
      await page.keyboard.press("Enter");
      await panel(page).getByRole("heading", { name: "immich-machine-learning" }).waitFor();
      await page.locator("#panel-cpu canvas").waitFor();
      has(await text(panel(page)), ["Container of nas1", "unhealthy: curl", "of 2 GiB", "unless stopped"]);
      await page.keyboard.press("k");
      await until(() => search(page).get("row") === "container:nas1:immich-server", "the row before");
      await page.reload();
      await panel(page).getByRole("heading", { name: "immich-server" }).waitFor();
      assert.equal((await names(page)).length, 4);
      await page.keyboard.press("Escape");
      await panel(page).waitFor({ state: "detached" });
      await page.getByLabel("Filter containers").fill("nothing at all");
      await page.getByText("No container fits “nothing at all”.").waitFor();
      await page.getByRole("button", { name: "Clear the filter" }).click();
      await line(page, "jellyfin").waitFor();
    }),
);

test("a container's page has its charts, events, mounts and past", standInOnly, () =>
  journey({}, async ({ page, open }) => {
    await open("/containers?row=container:nas1:immich-machine-learning");
    await panel(page).locator(".panel-title a").click();
    await page.waitForURL(/\/containers\/nas1\/immich-machine-learning/);
    for (const chart of ["cpu", "memory", "network", "disks"])
      await page.locator(`#chart-${chart} canvas`).waitFor();
    has(await text(page.locator("#events")), ["is unhealthy", "ended with exit code 137", "container_die"]);
    has(await text(page.locator("#mounts")), ["/config", "/srv/immich-machine-learning", "volume"]);
    has(await text(page.locator("#networks")), ["immich_default", "172.20.0.7"]);
    has(await text(page.locator("#inside")), ["json-file", "41233", "Operation timed out"]);
    has(await text(page.locator("#changes")), ["Health: healthy → unhealthy"]);
    await open("/containers/pi-hole/podman%2Fpihole");
    await page.locator("h1", { hasText: "podman/pihole" }).waitFor();
    await page.locator("#chart-cpu canvas").waitFor();
  }),
);

test("five hundred containers are a table of few rows, at any width", standInOnly, async () => {
  for (const [width, height] of [
    [1440, 900],
    [390, 844],
  ]) {
    await journey({ scenario: { containers: 500 }, width, height }, async ({ page, open }) => {
      await open("/containers");
      await page.locator(".containers").waitFor();
      const rows = page.locator(".containers tbody tr:not(.spacer)");
      const few = async () => {
        const count = await rows.count();
        assert.ok(count > 5 && count < 130, `${count} rows are rendered`);
      };
      const seen = () =>
        rows.evaluateAll(
          (all) =>
            all.filter((row) => {
              const { top, bottom } = row.getBoundingClientRect();
              return bottom > 0 && top < innerHeight;
            }).length,
        );
      await few();
      for (const share of [0.3, 0.6, 0.99]) {
        await page.evaluate((to) => scrollTo(0, document.documentElement.scrollHeight * to), share);
        await until(async () => (await seen()) > 3, `rows are seen at ${share} of the page`);
        await few();
      }
      await page.getByLabel("Grouped").selectOption("none");
      await few();
      await page.getByLabel("Filter containers").fill("worker-499");
      await until(async () => (await rows.count()) === 1, "the one that was typed");
    });
  }
});

test("without any container the page says what to do; one that is not there says so", standInOnly, () =>
  journey({ scenario: { containers: null }, calm: false }, async ({ page, open }) => {
    await open("/containers");
    await page.getByText("No agent has told of any container yet.").waitFor();
    has(await text(page.locator("main")), ["hi-agent sample docker"]);
    await open("/containers/nas1/none");
    await page.getByText("There is no container none on nas1.").waitFor();
  }),
);

test("containers that cannot be read again stay as they were last known", standInOnly, () =>
  journey({ calm: false }, async ({ page, server, open }) => {
    await open("/containers");
    await page.locator(".containers").waitFor();
    server.state.fail = { "/api/containers": 503 };
    await page.getByText("The containers could not be read again, this is the last known").waitFor();
    await line(page, "jellyfin").waitFor();
    server.state.fail = {};
    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator(".error-note").waitFor({ state: "detached" });
  }),
);

test("the overview counts containers, tells what ails them, and search finds them", standInOnly, () =>
  journey({}, async ({ page, open }) => {
    await open("/");
    const nas = page.locator('[data-host="nas1"] [data-column="containers"]');
    has(await text(nas), ["9 of 10", "1 unhealthy"]);
    await page
      .locator(".attention-item", { hasText: "immich-machine-learning" })
      .getByRole("link", { name: "container immich-machine-learning" })
      .click();
    await page.waitForURL(/\/containers\?row=container/);
    await panel(page).getByRole("heading", { name: "immich-machine-learning" }).waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: /^Search hosts/ }).fill("vaultwarden");
    await page.getByRole("option", { name: /vaultwarden.*container of nas1/ }).waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/containers\/nas1\/vaultwarden/);
  }),
);
