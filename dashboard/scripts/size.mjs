// Fails when the JavaScript that the first page load needs exceeds the budget.
// Counted: the entry and everything it imports statically, gzipped one by one
// as the collector serves them. Lazily loaded chunks are listed, not counted.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const BUDGET_BYTES = 250_000;
const dist = resolve(dirname(fileURLToPath(import.meta.url)), "../dist");

if (!existsSync(join(dist, "index.html"))) {
  console.error("dist/index.html is missing: run `npm run build` first");
  process.exit(2);
}

const html = readFileSync(join(dist, "index.html"), "utf8");
const first = new Set();
const queue = [...html.matchAll(/(?:src|href)="\/([^"]+\.js)"/g)].map((match) => match[1]);
while (queue.length > 0) {
  const file = queue.pop();
  if (first.has(file)) continue;
  first.add(file);
  const code = readFileSync(join(dist, file), "utf8");
  for (const match of code.matchAll(/(?:from|import)\s*["']\.\/([^"']+\.js)["']/g)) {
    queue.push(join(dirname(file), match[1]));
  }
}

const gzipped = (file) => gzipSync(readFileSync(join(dist, file)), { level: 9 }).length;
let total = 0;
const all = [
  ...first,
  ...readdirSync(join(dist, "assets"))
    .filter((name) => name.endsWith(".js"))
    .map((name) => `assets/${name}`),
];
for (const file of new Set(all)) {
  const bytes = gzipped(file);
  const counted = first.has(file);
  if (counted) total += bytes;
  console.log(`${String(bytes).padStart(8)}  ${counted ? "first load" : "later     "}  ${file}`);
}
console.log(`${String(total).padStart(8)}  of ${BUDGET_BYTES} bytes of JavaScript at first load, gzipped`);
if (total > BUDGET_BYTES) process.exit(1);
