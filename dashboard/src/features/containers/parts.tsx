/** What is said of a container, in its panel and on its page. */
import { useMemo } from "react";
import type { Container } from "../../api/types";
import * as number from "../../format/number";
import { duration } from "../../format/time";
import { HostLink, Words } from "../../ui/condition";
import type { FactRow } from "../../ui/facts";
import { Ago, Quantity } from "../../ui/figures";
import type { ContainerShape } from "./charts";
import { composeWords, imageAge, imageName, shortId, stateWords } from "./words";

const known = (rows: readonly (FactRow | null)[]): FactRow[] => rows.filter((row) => row !== null);

const of = (used: number.Quantity, limit: number.Quantity | null) => (
  <span>
    <Quantity of={used} />
    {limit !== null && <span className="muted"> of {number.text(limit)}</span>}
  </span>
);

/** Figures change every few seconds; its charts depend on these only. */
export function useShape(container: Container): ContainerShape {
  const { host, key, name, memory_limit_bytes: memory, cpu_limit_cores: cpu } = container;
  const [memoryLimit, cpuLimit] = [memory !== null, cpu !== null];
  return useMemo(
    () => ({ host, names: key === name ? [name] : [key, name], memoryLimit, cpuLimit }),
    [host, key, name, memoryLimit, cpuLimit],
  );
}

export function containerFacts(container: Container): FactRow[] {
  const cpuLimit = container.cpu_limit_cores;
  const memoryLimit = container.memory_limit_bytes;
  const { network_receive_bytes_per_second: receive, network_transmit_bytes_per_second: transmit } =
    container;
  const project = composeWords(container);
  return known([
    ["State", <Words key="state" state={container.condition} words={stateWords(container)} />],
    container.uptime_seconds === null
      ? ["Ended", <Ago key="ended" at={container.finished_at} />]
      : ["Uptime", duration(container.uptime_seconds)],
    ["Host", <HostLink key="host" host={container.host} />],
    [
      "CPU",
      <span key="cpu">
        {of(
          number.percent(container.cpu_cores),
          cpuLimit === null ? null : number.plain(cpuLimit, cpuLimit === 1 ? "CPU" : "CPUs"),
        )}
      </span>,
    ],
    [
      "Memory",
      <span key="memory">
        {of(number.bytes(container.memory_bytes), memoryLimit === null ? null : number.bytes(memoryLimit))}
      </span>,
    ],
    container.cpu_throttled_ratio === null || container.cpu_throttled_ratio < 0.001
      ? null
      : ["Held back", <Quantity key="throttled" of={number.percent(container.cpu_throttled_ratio)} />],
    receive === null ? null : ["Received", <Quantity key="rx" of={number.bitsPerSecond(receive)} />],
    transmit === null ? null : ["Sent", <Quantity key="tx" of={number.bitsPerSecond(transmit)} />],
    container.pids === null ? null : ["Processes", <Quantity key="pids" of={number.count(container.pids)} />],
    ["Image", imageName(container.image) ?? "–"],
    container.image_age_seconds === null ? null : ["Image is", imageAge(container)],
    project === null ? null : ["Compose", project],
    container.restart_count === null
      ? null
      : ["Restarts", <Quantity key="restarts" of={number.count(container.restart_count)} />],
    container.restart_policy === null ? null : ["Restarted", container.restart_policy.replaceAll("-", " ")],
    container.ports.length === 0 ? null : ["Ports", container.ports.join(", ")],
    container.created_at === null ? null : ["Made", <Ago key="made" at={container.created_at} />],
    container.engine === null ? null : ["Engine", container.engine],
    ["Identity", shortId(container.container_id)],
  ]);
}
