// A small HTTP server in a collector's place: the contract's routes over series
// that are computed, with the failures that pages must live with. Not a mock:
// browsers and tests speak real HTTP and server-sent events with it.

import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { containerDetail, containerParts, containersOf } from "./containers.mjs";
import { datasetsOf } from "./datasets.mjs";
import { bmcLog, bmcsOf, chipsOf, gpusOf, powerOf, upsesOf } from "./devices.mjs";
import { attention, detail, events, factsOf, makeHosts, summary } from "./hosts.mjs";
import { samples, select } from "./samples.mjs";
import { present } from "./series.mjs";
import { arraysOf, controllersOf, diskDetail, diskOf, disksOf, poolsOf } from "./storage.mjs";
import { system } from "./system.mjs";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};
/** The policy that the collector sends as well; the page must work under it. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
  "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * Starts the server. `scenario` can be changed while it runs:
 * hosts (number), well (nothing needs attention), fail (path prefix → status),
 * storage (healthy, ailing or none), datasets (how many a pool of ZFS has),
 * containers (how many one host has beside those of the homelab; null: there are none), battery (the UPS runs from it), slowMs, ailing (system problems), liveMs (pause between live batches), mute (no live batches),
 * now (Unix s at which its clock stands; null: it goes).
 */
export async function startStandIn({ port = 0, dist = null, scenario = {} } = {}) {
  const state = {
    hosts: 9,
    well: false,
    fail: {},
    storage: "ailing",
    datasets: 23,
    containers: 0,
    battery: false,
    slowMs: 0,
    ailing: false,
    liveMs: 2_000,
    mute: false,
    now: null,
    ...scenario,
  };
  const seconds = () => state.now ?? Date.now() / 1000;
  const seen = [];
  let streams = 0;
  let made = { count: -1, hosts: [] };
  const hosts = () => {
    if (made.count !== state.hosts) made = { count: state.hosts, hosts: makeHosts(state.hosts, seconds()) };
    return made.hosts;
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url, "http://127.0.0.1");
    seen.push(request.url);
    setTimeout(() => answer(request, response, url), url.pathname.startsWith("/api/") ? state.slowMs : 0);
  });

  function answer(request, response, url) {
    const path = url.pathname;
    const failing = Object.keys(state.fail).find((prefix) => path.startsWith(prefix));
    if (failing !== undefined)
      return problem(
        response,
        state.fail[failing],
        "The request could not be served",
        "stand-in failure: the database does not answer",
      );
    if (path === "/healthz") return json(response, { status: "ok" });
    if (path === "/api/live") return live(request, response, url.searchParams);
    if (path.startsWith("/api/")) return api(response, path, url.searchParams);
    return asset(response, path);
  }

  function api(response, path, query) {
    const now = seconds();
    const all = hosts();
    if (path === "/api/hosts")
      return json(response, {
        hosts: all.map((host) => summary(host, now, state.storage, state.battery)),
        next_cursor: null,
      });
    if (path === "/api/attention")
      return json(
        response,
        state.well
          ? { checked_at: new Date(now * 1000).toISOString(), items: [] }
          : attention(all, now, state.storage, state.battery),
      );
    if (path === "/api/system") return json(response, system(all, now, state.ailing));
    if (path === "/api/samples") return json(response, samples(all, query, now));
    if (path === "/api/events") return json(response, eventPage(all, query, now));
    if (path.startsWith("/api/disks") || path === "/api/arrays" || path.startsWith("/api/pools"))
      return storage(response, path, all, now);
    const device = devices(path, query, all, now);
    if (device !== null) return json(response, device);
    if (path.startsWith("/api/containers")) return containers(response, path, all, now);
    const [, name, facts] = /^\/api\/hosts\/([^/]+)(\/facts)?$/.exec(path) ?? [];
    const host = all.find((each) => each.name === decodeURIComponent(name ?? ""));
    if (host !== undefined && facts !== undefined) {
      const found = factsOf(host, now).filter(({ kind }) => kind === (query.get("kind") ?? kind));
      return json(response, { facts: found, next_cursor: null });
    }
    if (host !== undefined) return json(response, detail(host, now, state.storage));
    return problem(response, 404, "Not found", `there is no ${name === undefined ? path : `host ${name}`}`);
  }

  function storage(response, path, all, now) {
    const kind = state.storage;
    const every = (of) => all.flatMap((host) => of(host, now, kind)).sort((a, b) => a.id.localeCompare(b.id));
    if (path === "/api/arrays") return json(response, { arrays: every(arraysOf), next_cursor: null });
    if (path === "/api/pools") return json(response, { pools: every(poolsOf), next_cursor: null });
    if (path === "/api/disks") {
      const controllers = all.flatMap((host) => controllersOf(host, kind));
      return json(response, { disks: every(disksOf), controllers, next_cursor: null });
    }
    const pool = /^\/api\/pools\/([^/]+)\/datasets$/.exec(path)?.[1];
    if (pool !== undefined) {
      const id = decodeURIComponent(pool);
      const there = every(poolsOf).find((each) => each.id === id);
      if (there === undefined) return problem(response, 404, "Not found", `there is no pool ${id}`);
      const datasets = datasetsOf(there, now, state.datasets);
      return json(response, { datasets, truncated: false, next_cursor: null });
    }
    const id = decodeURIComponent(path.slice("/api/disks/".length));
    for (const host of kind === "none" ? [] : all) {
      const part = host.disks.find((each) => diskOf(host, each, now, kind).id === id);
      if (part !== undefined) return json(response, diskDetail(host, part, now, kind));
    }
    return problem(response, 404, "Not found", `there is no disk ${id}`);
  }

  /** The answer about devices; null for any other address. */
  function devices(path, query, all, now) {
    const wanted = all.filter(({ name }) => name === (query.get("host") ?? name));
    const every = (of) => wanted.flatMap((host) => of(host, now, state.battery));
    switch (path) {
      case "/api/sensors":
        return { chips: every(chipsOf), next_cursor: null };
      case "/api/gpus":
        return { gpus: every(gpusOf), next_cursor: null };
      case "/api/ups":
        return { ups: every(upsesOf), next_cursor: null };
      case "/api/bmc":
        return { bmcs: every(bmcsOf), next_cursor: null };
      case "/api/power":
        return { hosts: every(powerOf), price_per_kwh: 0.32, currency: "EUR", next_cursor: null };
      default:
        return null;
    }
  }

  function containers(response, path, all, now) {
    const every = all.flatMap((host) => containersOf(host, now, state.containers));
    const [, host, key] = /^\/api\/containers\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    const of = /^\/api\/containers\/([^/]+)$/.exec(path)?.[1];
    if (of !== undefined) return json(response, containerParts(decodeURIComponent(of), every, now));
    if (host === undefined) {
      const running = every.filter((each) => each.state === "running").length;
      const unhealthy = every.filter(({ health }) => health === "unhealthy").length;
      const page = { containers: every, total: every.length, running, unhealthy, next_cursor: null };
      return json(response, page);
    }
    const id = `${decodeURIComponent(host)}:${decodeURIComponent(key)}`;
    const found = every.find((each) => each.id === id);
    if (found === undefined) return problem(response, 404, "Not found", `there is no container ${id}`);
    return json(response, containerDetail(found, now));
  }

  function live(request, response, query) {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    const send = (type, data) => response.write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
    const found = select(hosts(), query.getAll("match"));
    send("series", {
      series: found.map(({ series: { id, metric, labels, kind, unit } }) => ({
        id,
        metric,
        labels,
        kind,
        unit,
      })),
    });
    const tick = () => {
      const at = Math.floor(seconds());
      const host = hosts().find(({ name }) => name === query.get("host"));
      if (host !== undefined && !state.mute && present(host, at)) {
        const values = found.map(({ series }) => [series.id, series.value(at)]);
        send("samples", { host: host.name, at_unix_ms: at * 1000, samples: values });
      }
      timer = setTimeout(tick, state.liveMs);
    };
    let timer = setTimeout(tick, 50);
    streams += 1;
    request.on("close", () => {
      streams -= 1;
      clearTimeout(timer);
    });
  }

  function asset(response, path) {
    const file = dist === null ? null : join(dist, normalize(path));
    const found = file?.startsWith(dist) === true && existsSync(file) && statSync(file).isFile();
    if (dist === null || (!found && extname(path) !== "")) return problem(response, 404, "Not found", path);
    const name = found ? file : join(dist, "index.html");
    response.writeHead(200, {
      "content-type": TYPES[extname(name)] ?? "application/octet-stream",
      "content-security-policy": POLICY,
    });
    response.end(readFileSync(name));
  }

  await new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    port: server.address().port,
    state,
    seen,
    /** How many live streams are open. */
    open: () => streams,
    /** Ends every connection, as a killed collector does. */
    close: () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      return closed;
    },
  };
}

function eventPage(hosts, query, now) {
  if (query.get("type") === "bmc_log") {
    const logs = hosts.filter(({ name }) => name === query.get("host")).flatMap((host) => bmcLog(host, now));
    return { events: logs, next_cursor: null };
  }
  const wanted = (key, value) => !query.has(key) || query.get(key) === value;
  const start = query.get("start") ?? "";
  const end = query.get("end") ?? "9";
  const all = events(hosts, now).filter(
    (event) =>
      wanted("host", event.host) && wanted("type", event.type) && event.at >= start && event.at <= end,
  );
  const limit = Number(query.get("limit") ?? 100);
  const from = Number(query.get("cursor") ?? 0);
  const page = all.slice(from, from + limit);
  return { events: page, next_cursor: from + limit < all.length ? String(from + limit) : null };
}

function json(response, body) {
  response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(body));
}

function problem(response, status, title, detail) {
  response.writeHead(status, { "content-type": "application/problem+json" });
  response.end(JSON.stringify({ type: "about:blank", title, status, detail }));
}
