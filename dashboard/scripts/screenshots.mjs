// Pictures of every page at 1440 and 390 px, light and dark, in the folder
// named as the first argument. HI_URL: a real collector instead of the stand-in.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { launch } from "../test/browser.mjs";
import { startStandIn } from "../test/stand_in/server.mjs";

const folder = process.argv[2] ?? "screenshots";
const only = process.argv[3];
mkdirSync(folder, { recursive: true });
const dist = fileURLToPath(new URL("../dist", import.meta.url));
const server = process.env.HI_URL ? null : await startStandIn({ dist });
const base = process.env.HI_URL ?? server.url;
const { hosts } = await (await fetch(`${base}/api/hosts`)).json();
const host = hosts[0]?.host;
const { disks } = await (await fetch(`${base}/api/disks?host=${host}`)).json();
const disk = (disks.find(({ passed }) => passed === false) ?? disks[0])?.id;
const { containers } = await (await fetch(`${base}/api/containers?host=${host}`)).json();
const container = containers.find((each) => each.host === host);
const pages = [
  ["overview", "/"],
  ["panel", `/?row=${host}`],
  ["host", `/hosts/${host}`],
  ["storage", "/storage"],
  ["storage-pool", `/storage?row=pool:${host}:tank`],
  ["pool", `/pools/${encodeURIComponent(`${host}:tank`)}`],
  ["storage-disk", `/storage?row=disk:${disk}`],
  ["disk", `/disks/${encodeURIComponent(disk)}`],
  ["containers", "/containers"],
  ["container-panel", `/containers?row=${encodeURIComponent(`container:${container?.id}`)}`],
  ["container", `/containers/${host}/${encodeURIComponent(container?.key ?? "none")}`],
  ["events", "/events"],
  ["system", "/system"],
];
const browser = await launch();
for (const [width, height] of [
  [1440, 900],
  [390, 844],
]) {
  for (const theme of ["light", "dark"]) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme });
    for (const [name, path] of pages) {
      if (only && only !== name) continue;
      const page = await context.newPage();
      await page.goto(base + path);
      await page.locator("main h1").first().waitFor({ state: "attached" });
      // Charts are read when they come near: pass them all once.
      for (let round = 0; round < (["host", "disk", "container"].includes(name) ? 8 : 0); round += 1) {
        await page.mouse.wheel(0, 700);
        await page.waitForTimeout(120);
      }
      await page.evaluate(() => scrollTo(0, 0));
      await page.locator(".skeleton").first().waitFor({ state: "detached" });
      await page.waitForTimeout(400);
      await page.screenshot({
        path: join(folder, `${name}-${width}-${theme}.png`),
        fullPage: ["host", "disk", "container"].includes(name),
      });
      await page.close();
    }
    await context.close();
  }
}
await browser.close();
await server?.close();
