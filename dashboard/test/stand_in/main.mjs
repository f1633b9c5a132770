// Starts the stand-in server by hand: node test/stand_in/main.mjs [port], with
// the built page if there is one. HI_SCENARIO takes JSON, see server.mjs.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { startStandIn } from "./server.mjs";

const dist = fileURLToPath(new URL("../../dist", import.meta.url));
const server = await startStandIn({
  port: Number(process.argv[2] ?? 8099),
  dist: existsSync(dist) ? dist : null,
  scenario: JSON.parse(process.env.HI_SCENARIO ?? "{}"),
});
console.log(server.url);
