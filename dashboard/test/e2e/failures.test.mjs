import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { startStandIn } from "../stand_in/server.mjs";
import { journey, standInOnly, text, until } from "./ground.mjs";

const dist = fileURLToPath(new URL("../../dist", import.meta.url));

test("without any host, the overview says what to do", standInOnly, () =>
  journey({ scenario: { hosts: 0 } }, async ({ page, open }) => {
    await open("/");
    await page.getByText("No host has sent anything yet.").waitFor();
    assert.match(await text(page.locator("main")), /hi-agent run/);
  }),
);

test("what takes long shows a skeleton first", standInOnly, () =>
  journey({ scenario: { slowMs: 700 } }, async ({ page, open }) => {
    await open("/");
    await page.getByText("Loading hosts").waitFor({ state: "attached" });
    await page.locator(".hosts").waitFor();
    assert.equal(await page.getByText("Loading hosts").count(), 0);
  }),
);

for (const [path, prefix, words] of [
  ["/", "/api/hosts", "The hosts could not be read"],
  ["/system", "/api/system", "The system’s state could not be read"],
  ["/events", "/api/events", "The events could not be read"],
  ["/storage", "/api/", "The storage could not be read"],
  ["/hosts/nas1", "/api/samples", "“CPU by mode” could not be read"],
]) {
  test(`an error at ${prefix} says what failed, shows details, and can be retried`, standInOnly, () =>
    journey({ scenario: { fail: { [prefix]: 500 } }, calm: false }, async ({ page, server, open }) => {
      await open(path);
      const note = page.locator(".error-note", { hasText: words }).first();
      await note.waitFor();
      assert.match(await text(note), /stand-in failure: the database does not answer/);
      await note.locator("summary").click();
      assert.match(await text(note), new RegExp(`${prefix}.*status 500`, "s"));
      server.state.fail = {};
      await note.getByRole("button", { name: "Try again" }).click();
      await note.waitFor({ state: "detached" });
    }),
  );
}

test("with the collector gone, the last data stays, dimmed, until it is back", standInOnly, () =>
  journey({ calm: false }, async ({ page, server, open }) => {
    await open("/hosts/nas1");
    await page.locator("#chart-load canvas").waitFor();
    await server.close();
    const banner = page.locator(".banner", { hasText: "The collector does not answer since" });
    await banner.waitFor();
    assert.equal(await page.locator("main[data-offline]").count(), 1);
    assert.equal(await page.locator("#chart-load canvas").count(), 1, "the chart is still there");
    assert.match(await text(page.locator("h1")), /nas1/);
    const again = await startStandIn({ dist, port: server.port });
    try {
      await banner.waitFor({ state: "detached" });
      await until(() => again.seen.some((url) => url.startsWith("/api/live")), "the stream is open again");
      await until(() => again.seen.some((url) => url.startsWith("/api/samples")), "the hole is fetched");
      assert.equal(await page.locator("main[data-offline]").count(), 0);
    } finally {
      await again.close();
    }
  }),
);
