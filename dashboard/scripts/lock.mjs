// Completes package-lock.json after `npm install`: names the optional packages
// of other platforms that the registry in use does not offer (many mirrors keep
// those of their own platform only). Without them `npm ci` refuses the file. It
// also takes out where packages were fetched from, which is nobody's business.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const path = fileURLToPath(new URL("../package-lock.json", import.meta.url));
const lock = JSON.parse(readFileSync(path, "utf8"));

/** The platform that the name of such a package ends in. */
function platform(name) {
  const words = name.split("/").at(-1).split("-");
  const find = (all) => all.find((each) => words.includes(each));
  const system = find([
    "android",
    "darwin",
    "freebsd",
    "linux",
    "openbsd",
    "win32",
    "wasm32",
    "openharmony",
    "aix",
    "netbsd",
    "sunos",
  ]);
  const cpu = find(["arm64", "x64", "arm", "ia32", "ppc64", "s390x", "riscv64", "wasm32", "loong64"]);
  if (system === undefined || cpu === undefined) throw new Error(`no platform in the name of ${name}`);
  return { cpu: [cpu], os: system === "wasm32" ? undefined : [system] };
}

let added = 0;
for (const [owner, entry] of Object.entries({ ...lock.packages })) {
  delete entry.resolved;
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const places = [`${owner}/node_modules/${name}`, `node_modules/${name}`];
    if (places.some((place) => place in lock.packages)) continue;
    // Optional parts that are no platform's (fsevents is macOS's) keep their usual names.
    const where = name === "fsevents" ? { os: ["darwin"] } : platform(name);
    lock.packages[`node_modules/${name}`] = {
      version: version.replace(/^[~^]/, ""),
      dev: entry.dev,
      optional: true,
      ...where,
    };
    added += 1;
  }
}
const head = lock.packages[""];
const { "": _root, ...rest } = lock.packages;
lock.packages = {
  "": head,
  ...Object.fromEntries(Object.entries(rest).sort(([left], [right]) => left.localeCompare(right, "en"))),
};
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} packages of other platforms added`);
