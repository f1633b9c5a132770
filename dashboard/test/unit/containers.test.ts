import { describe, expect, it } from "vitest";
import type { Container } from "../../src/api/types";
import { cpu, memory, network } from "../../src/features/containers/charts";
import { parseContainers } from "../../src/features/containers/search";
import { specFor } from "../../src/features/containers/table";
import {
  composeWords,
  GROUP_OF,
  groupWords,
  imageAge,
  imageName,
  shortId,
  stateWords,
} from "../../src/features/containers/words";
import { arrange, grouped } from "../../src/ui/list_table";

const plain = (words: string) => words.replaceAll("\u2009", " ");

function container(key: string, part: Partial<Container> = {}): Container {
  return {
    id: `nas1:${key}`,
    host: "nas1",
    host_silent: false,
    key,
    name: key,
    container_id: "3f9ac1".repeat(10),
    image: null,
    image_age_seconds: null,
    state: "running",
    health: null,
    condition: "ok",
    findings: [],
    exit_code: null,
    restart_count: 0,
    compose_project: null,
    compose_service: null,
    ports: [],
    cpu_cores: 0.5,
    memory_bytes: 1024 ** 3,
    network_receive_bytes_per_second: null,
    network_transmit_bytes_per_second: null,
    uptime_seconds: 60,
    finished_at: null,
    ...part,
  } as Container;
}

describe("a container in words", () => {
  it("says its state, and its health while it runs", () => {
    expect(stateWords(container("a", { health: "unhealthy" }))).toBe("running, unhealthy");
    expect(stateWords(container("a", { health: "none" }))).toBe("running");
    expect(stateWords(container("a", { state: "exited", exit_code: 137, health: "unhealthy" }))).toBe(
      "exited with 137",
    );
  });

  it("says its image without what all have in common", () => {
    expect(imageName("docker.io/library/redis:7.4")).toBe("redis:7.4");
    expect(imageName("ghcr.io/immich-app/immich-server:v1@sha256:ab12")).toBe(
      "ghcr.io/immich-app/immich-server:v1",
    );
    expect(imageName(null)).toBeNull();
    expect(plain(imageAge(container("a", { image_age_seconds: 40 * 86_400 + 5 })) ?? "")).toBe("40 d old");
    expect(plain(imageAge(container("a", { image_age_seconds: 7200 })) ?? "")).toBe("2 h old");
    expect(shortId("sha256:0123456789abcdef")).toBe("0123456789ab");
  });

  it("belongs to a project, and so to a group", () => {
    const server = container("s", { compose_project: "immich", compose_service: "server" });
    expect(composeWords(server)).toBe("immich / server");
    expect(composeWords(container("a"))).toBeNull();
    expect(GROUP_OF.project(server)).toBe("immich on nas1");
    expect(GROUP_OF.project(container("a"))).toBe("no project on nas1");
  });

  it("is summed up with the others of its group", () => {
    const all = [
      container("a", { health: "unhealthy" }),
      container("b", { state: "exited", cpu_cores: null, memory_bytes: null }),
      container("c", { cpu_cores: 1 }),
    ];
    expect(plain(groupWords(all))).toBe("2 of 3 running · 1 unhealthy · CPU 150 % · 2 GiB");
  });
});

describe("the table", () => {
  const all = [
    container("web", { image: "nginx:1", ports: ["0.0.0.0:80->80/tcp"] }),
    container("db", { image: "postgres:16", cpu_cores: 2 }),
    { ...container("db", { condition: "warning", cpu_cores: 1 }), id: "pve:db", host: "pve" },
  ];
  const ids = (rows: readonly Container[]) => rows.map(({ id }) => id);

  it("keeps its order within groups", () => {
    const { rows } = arrange(specFor("host"), all, "", "-cpu");
    expect(ids(rows)).toEqual(["nas1:db", "pve:db", "nas1:web"]);
    expect(ids(grouped(rows, GROUP_OF.host))).toEqual(["nas1:db", "nas1:web", "pve:db"]);
  });

  it("is filtered by all that is known", () => {
    const found = (words: string) => ids(arrange(specFor("host"), all, words, undefined).rows);
    expect(found("postgres")).toEqual(["nas1:db"]);
    expect(found("80->80")).toEqual(["nas1:web"]);
    expect(found("pve db")).toEqual(["pve:db"]);
  });

  it("stands in the URL as far as it is not as usual", () => {
    expect(parseContainers({ group: "host", q: "x", sort: "-cpu" })).toMatchObject({ q: "x", sort: "-cpu" });
    expect(parseContainers({ group: "host" }).group).toBeUndefined();
    expect(parseContainers({ group: "project" }).group).toBe("project");
    expect(parseContainers({ group: 7 }).group).toBeUndefined();
  });
});

describe("a container's charts", () => {
  const shape = { host: "nas1", names: ["podman/web", "web"], memoryLimit: true, cpuLimit: false };
  const series = (metric: string, labels: Record<string, string>, value: number) => ({
    metric,
    labels,
    avg: [value],
    min: [value],
    max: [value],
  });

  it("ask for either of its names", () => {
    expect(cpu(shape).selections).toEqual([
      {
        metric: "container_cpu_usage_seconds_total",
        equal: { instance: "nas1" },
        among: { name: ["podman/web", "web"] },
      },
    ]);
    expect(memory({ ...shape, memoryLimit: false }).selections).toHaveLength(1);
  });

  it("add up processors and interfaces, but take the sum where there is one", () => {
    const metric = "container_cpu_usage_seconds_total";
    const parts = [series(metric, { cpu: "cpu00" }, 0.25), series(metric, { cpu: "cpu01" }, 0.5)];
    expect(cpu(shape).shape(parts)[0]?.avg).toEqual([0.75]);
    expect(cpu(shape).shape([...parts, series(metric, { cpu: "total" }, 0.8)])[0]?.avg).toEqual([0.8]);
    const received = "container_network_receive_bytes_total";
    const lines = network(shape).shape([
      series(received, { interface: "eth0" }, 1),
      series(received, { interface: "eth1" }, 2),
    ]);
    expect(lines.map(({ name, avg }) => [name, avg])).toEqual([["received", [24]]]);
  });
});
