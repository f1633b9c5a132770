// The containers of the stand-in's homelab. Times are Unix seconds.
import { counter, gauge, hash } from "./series.mjs";

const iso = (seconds) => (seconds === null ? null : new Date(seconds * 1000).toISOString());
const MIB = 1024 ** 2;
const HOUR = 3600;
const DAY = 86_400;

/** name, image, project, cores, MiB, and what is special. */
const HOMELAB = {
  nas1: [
    [
      "immich-server",
      "ghcr.io/immich-app/immich-server:v1.122.3",
      "immich",
      0.42,
      812,
      { health: "healthy" },
    ],
    [
      "immich-machine-learning",
      "ghcr.io/immich-app/immich-machine-learning:v1.122.3",
      "immich",
      0.03,
      640,
      {
        health: "unhealthy",
        health_output: "curl: (28) Operation timed out after 10001 milliseconds with 0 bytes received",
        memory: 2048,
      },
    ],
    ["immich-redis", "docker.io/library/redis:7.4-alpine", "immich", 0.004, 11, { health: "healthy" }],
    ["immich-postgres", "docker.io/library/postgres:16", "immich", 0.06, 318, { health: "healthy" }],
    ["jellyfin", "jellyfin/jellyfin:10.10", "media", 1.84, 1460, { memory: 4096, cpus: 4 }],
    ["sonarr", "lscr.io/linuxserver/sonarr:latest", "media", 0.01, 211, { age: 210 }],
    ["radarr", "lscr.io/linuxserver/radarr:latest", "media", 0.012, 240, { age: 210 }],
    ["traefik", "traefik:v3.2", "proxy", 0.05, 74, { ports: ["0.0.0.0:80->80/tcp", "0.0.0.0:443->443/tcp"] }],
    ["vaultwarden", "vaultwarden/server:1.32.5", null, 0.002, 38, { memory: 40, health: "healthy" }],
    ["old-wiki", "requarks/wiki:2", null, null, null, { state: "exited", exit_code: 0, age: 720 }],
  ],
  "home-assistant": [
    ["homeassistant", "ghcr.io/home-assistant/home-assistant:2024.12", "home", 0.21, 690, {}],
    ["mosquitto", "eclipse-mosquitto:2", "home", 0.003, 9, {}],
    [
      "zigbee2mqtt",
      "koenkk/zigbee2mqtt:latest",
      "home",
      null,
      null,
      { state: "restarting", exit_code: 1, restarts: 47 },
    ],
  ],
  "pi-hole": [["pihole", "pihole/pihole:2024.07.0", null, 0.04, 96, { health: "healthy", engine: "podman" }]],
};

function made(host, index, [name, image, project, cores, memory, special], now) {
  const key = special.engine === undefined ? name : `${special.engine}/${name}`;
  const seed = hash(`${host.name}${name}`);
  const state = special.state ?? "running";
  const running = state === "running";
  const started = now - DAY - seed * 30 * DAY;
  const ended = running ? null : now - 5 * HOUR - seed * DAY;
  const limit = special.memory === undefined ? null : special.memory * MIB;
  const used = running ? gauge(`${host.name}${name}memory`, memory * MIB, 0.04, now) : null;
  const age = (special.age ?? 12 + seed * 60) * DAY;
  const found = [];
  const finding = (level, message) => found.push({ state: level, message, since: iso(now - 2 * HOUR) });
  if (special.health === "unhealthy") finding("warning", `unhealthy: ${special.health_output}`);
  if (state === "restarting")
    finding("warning", `ends and is started again, ${special.restarts} times with exit code 1`);
  if (limit !== null && used !== null && used / limit > 0.95)
    finding("warning", `uses ${Math.floor((used / limit) * 100)} % of the memory it may have`);
  return {
    id: `${host.name}:${key}`,
    host: host.name,
    host_silent: host.silentSince !== null,
    key,
    name,
    engine: special.engine ?? "docker",
    container_id: hash(`${host.name}${name}id`).toString(16).slice(2).padEnd(64, "3f9ac1"),
    image,
    image_id: `sha256:${hash(image).toString(16).slice(2).padEnd(64, "b7")}`,
    image_digest: `sha256:${hash(`${image}d`).toString(16).slice(2).padEnd(64, "e1")}`,
    image_created_at: iso(now - age),
    image_age_seconds: age,
    state,
    health: running ? (special.health ?? null) : null,
    condition: found.length > 0 ? "warning" : "ok",
    findings: found,
    exit_code: special.exit_code ?? 0,
    oom_killed: false,
    restart_count: special.restarts ?? 0,
    restart_policy: "unless-stopped",
    created_at: iso(started - 60),
    started_at: iso(started),
    finished_at: iso(ended),
    uptime_seconds: running ? now - started : null,
    compose_project: project,
    compose_service: project === null ? null : name.replace(`${project}-`, ""),
    ports: special.ports ?? (index % 3 === 0 ? [`0.0.0.0:${8000 + index}->8080/tcp`] : []),
    cpu_cores: running ? Math.max(0, gauge(`${host.name}${name}cpu`, cores, 0.5, now)) : null,
    cpu_limit_cores: special.cpus ?? null,
    cpu_throttled_ratio: special.cpus === undefined ? null : 0.031,
    memory_bytes: used,
    memory_limit_bytes: limit,
    memory_ratio: limit === null || used === null ? null : used / limit,
    network_receive_bytes_per_second: running ? gauge(`${host.name}${name}rx`, 9e4 * seed, 0.6, now) : null,
    network_transmit_bytes_per_second: running ? gauge(`${host.name}${name}tx`, 4e4 * seed, 0.6, now) : null,
    block_read_bytes_per_second: running ? 2e4 * seed : null,
    block_write_bytes_per_second: running ? 5e4 * seed : null,
    pids: running ? 3 + Math.floor(seed * 60) : null,
    last_read: running ? iso(now - 4) : null,
    since: iso(started),
  };
}

/** `more`: how many containers the first host has beside its own; null: nobody has any. */
export function containersOf(host, now, more = 0) {
  if (more === null) return [];
  const own = HOMELAB[host.name] ?? [];
  const rest = Array.from({ length: host.name === "nas1" ? more : 0 }, (_, index) => {
    const name = `worker-${String(index).padStart(3, "0")}`;
    return [name, "registry.lan/worker:1.4", `batch-${index % 7}`, hash(name) / 4, 20 + hash(name) * 200, {}];
  });
  return [...own, ...rest]
    .map((each, index) => made(host, index, each, now))
    .sort((left, right) => left.id.localeCompare(right.id));
}

export function containerDetail(container, now) {
  const event = (type, severity, message, at) => ({
    id: `${container.id} ${at}`,
    host: container.host,
    at: iso(at),
    type,
    severity,
    message,
    data: { container: container.key, image: container.image, engine: container.engine },
  });
  const unhealthy = container.health === "unhealthy";
  return {
    ...container,
    command: "/docker-entrypoint.sh serve --config /config",
    mounts: [
      { type: "bind", source: `/srv/${container.name}`, destination: "/config", read_only: false },
      { type: "volume", source: `${container.name}-data`, destination: "/data", read_only: false },
      { type: "bind", source: "/etc/localtime", destination: "/etc/localtime", read_only: true },
    ],
    networks: [{ name: `${container.compose_project ?? "bridge"}_default`, address: "172.20.0.7" }],
    labels: { "org.opencontainers.image.source": "https://example.org", "traefik.enable": "true" },
    log_driver: "json-file",
    privileged: false,
    pid: container.state === "running" ? 41_233 : null,
    health_output: unhealthy ? (container.findings[0]?.message.replace("unhealthy: ", "") ?? null) : null,
    readings: [],
    facts: {},
    history: [
      {
        at: iso(now - 2 * HOUR),
        host: container.host,
        kind: "container",
        event: "changed",
        fields: [{ field: "health", before: "healthy", after: container.health }],
      },
      { at: iso(now - 30 * DAY), host: container.host, kind: "container", event: "appeared", fields: [] },
    ],
    events: [
      ...(unhealthy
        ? [event("container_health", "warning", `${container.name} is unhealthy`, now - 2 * HOUR)]
        : []),
      event("container_start", "info", `${container.name} was started`, now - 26 * HOUR),
      event("container_die", "warning", `${container.name} ended with exit code 137`, now - 26 * HOUR - 12),
    ],
  };
}

/** Engines, images, volumes and networks of a host. */
export function containerParts(host, containers, now) {
  const own = containers.filter((each) => each.host === host);
  const part = (key, facts, size = null, age = 20 * DAY) => ({
    key,
    size_bytes: size,
    created_at: iso(now - age),
    since: iso(now - DAY),
    facts,
  });
  const images = [...new Map(own.map((each) => [each.image, each])).values()];
  const engine = {
    product: "Docker",
    version: "27.3.1",
    storage_driver: "overlay2",
    endpoint: "/run/docker.sock",
  };
  return {
    host,
    host_silent: false,
    engines: [part("docker", { ...engine, up: true, rootless: false })],
    images: images
      .map((each) =>
        part(
          each.image_id.slice(7, 19),
          { tags: [each.image], containers: 1 },
          (80 + hash(each.image) * 1900) * MIB,
          each.image_age_seconds,
        ),
      )
      .concat(part("0a1b2c3d4e5f", { containers: 0 }, 2400 * MIB))
      .sort((left, right) => right.size_bytes - left.size_bytes),
    volumes: own
      .slice(0, 3)
      .map((each) => part(`${each.name}-data`, { name: `${each.name}-data`, containers: 1 }, 900 * MIB)),
    networks: [part("immich_default", { name: "immich_default", subnets: ["172.20.0.0/16"] })],
  };
}

/** What of them stands on the attention list. */
export const containerAttention = (host, now) =>
  containersOf(host, now)
    .filter(({ condition, host_silent: silent }) => condition === "warning" && !silent)
    .map((each) => ({
      severity: "warning",
      kind: "container_failing",
      host: host.name,
      subject: `container ${each.key}`,
      target: `container:${each.id}`,
      message: each.findings.map(({ message }) => message).join("; "),
      since: each.findings[0].since,
    }));

/** Series of the homelab's containers. */
export function containerSeries(host, add) {
  for (const [name, image, , cores, memory, special] of HOMELAB[host.name] ?? []) {
    if (special.state !== undefined) continue;
    const labels = { name: special.engine === undefined ? name : `${special.engine}/${name}`, image };
    const seed = hash(`${host.name}${name}`);
    add("container_cpu_usage_seconds_total", { ...labels, cpu: "total" }, "counter", (key, at) =>
      counter(key, cores, at),
    );
    add("container_memory_working_set_bytes", labels, "gauge", (key, at) =>
      gauge(key, memory * MIB, 0.04, at),
    );
    if (special.memory !== undefined)
      add("container_spec_memory_limit_bytes", labels, "gauge", () => special.memory * MIB);
    const eth = { ...labels, interface: "eth0" };
    add("container_network_receive_bytes_total", eth, "counter", (key, at) => counter(key, 9e4 * seed, at));
    add("container_network_transmit_bytes_total", eth, "counter", (key, at) => counter(key, 4e4 * seed, at));
    add("container_fs_reads_bytes_total", labels, "counter", (key, at) => counter(key, 2e4 * seed, at));
    add("container_fs_writes_bytes_total", labels, "counter", (key, at) => counter(key, 5e4 * seed, at));
  }
}
