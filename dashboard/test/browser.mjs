// Chromium for journeys and screenshots.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const EXECUTABLE =
  process.env.HI_CHROMIUM ??
  ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) =>
    existsSync(path),
  );

/** Why there can be no browser, or null. */
export const missing =
  EXECUTABLE === undefined ? "no Chromium is installed (Debian: apt-get install chromium)" : null;

export function launch() {
  return chromium.launch({
    executablePath: EXECUTABLE,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
