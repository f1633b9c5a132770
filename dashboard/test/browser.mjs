// Chromium for journeys and screenshots.
import { spawnSync } from "node:child_process";
import { chromium } from "playwright-core";

// Ubuntu's package is a script that fails without its snap: what cannot tell its version is not there.
const runs = (path) => spawnSync(path, ["--version"], { stdio: "ignore" }).status === 0;

const EXECUTABLE =
  process.env.HI_CHROMIUM ??
  ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(runs);

/** Why there can be no browser, or null. */
export const missing =
  EXECUTABLE === undefined
    ? "no Chromium that runs is installed (Debian: apt-get install chromium, Ubuntu: snap install chromium)"
    : null;

export function launch() {
  return chromium.launch({
    executablePath: EXECUTABLE,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      // Text is drawn alike on every machine that has the same fonts.
      "--font-render-hinting=none",
      "--disable-lcd-text",
      "--force-color-profile=srgb",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
