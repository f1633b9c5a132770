/** Containers in words. Pure. */
import type { Container } from "../../api/types";
import * as number from "../../format/number";
import { duration } from "../../format/time";
import type { Group } from "./search";

/** State and health as the engine says them: `running, unhealthy`. */
export function stateWords({ state, health, exit_code: code }: Container): string {
  const words = state === "exited" && code !== null ? `exited with ${code}` : state;
  return health === null || health === "none" || state !== "running" ? words : `${words}, ${health}`;
}

/** The image without what all have in common: its registry's usual host and `library/`. */
export const imageName = (image: string | null): string | null =>
  image?.replace(/^(docker\.io\/)?(library\/)?/, "").replace(/@sha256:.*$/, "") ?? null;

/** Compose's project and service, or nothing. */
export function composeWords({
  compose_project: project,
  compose_service: service,
}: Container): string | null {
  if (project === null) return null;
  return service === null ? project : `${project} / ${service}`;
}

/** Processors in use as `docker stats` says them: 100 % is one of them. */
export const cpuShare = ({ cpu_cores: cores }: Container): number | null => cores;

/** Share of the processors it may use; nothing without a limit. */
export const cpuOfLimit = ({ cpu_cores: cores, cpu_limit_cores: limit }: Container): number | null =>
  cores === null || limit === null || limit <= 0 ? null : cores / limit;

export const traffic = (container: Container): number | null =>
  container.network_receive_bytes_per_second === null
    ? null
    : container.network_receive_bytes_per_second + (container.network_transmit_bytes_per_second ?? 0);

/** What stands in the place of a project where there is none. */
const NO_PROJECT = "no project";

/** The group of a container; projects of one name on two hosts are two. */
export const GROUP_OF: Record<Exclude<Group, "none">, (container: Container) => string> = {
  host: ({ host }) => host,
  project: ({ host, compose_project: project }) => `${project ?? NO_PROJECT} on ${host}`,
};

export interface Sum {
  running: number;
  unhealthy: number;
  cpu: number;
  memory: number;
}

export function sumOf(containers: readonly Container[]): Sum {
  const sum = { running: 0, unhealthy: 0, cpu: 0, memory: 0 };
  for (const each of containers) {
    if (each.state === "running") sum.running += 1;
    if (each.state === "running" && each.health === "unhealthy") sum.unhealthy += 1;
    sum.cpu += each.cpu_cores ?? 0;
    sum.memory += each.memory_bytes ?? 0;
  }
  return sum;
}

/** `11 of 12 running · 1 unhealthy · CPU 84 % · 6.2 GiB`. */
export function groupWords(containers: readonly Container[]): string {
  const { running, unhealthy, cpu, memory } = sumOf(containers);
  return [
    running === containers.length ? `${running} running` : `${running} of ${containers.length} running`,
    unhealthy > 0 ? `${unhealthy} unhealthy` : null,
    `CPU ${number.text(number.percent(cpu))}`,
    number.text(number.bytes(memory)),
  ]
    .filter((words) => words !== null)
    .join(" · ");
}

/** How old the image is, in one unit. */
export const imageAge = ({ image_age_seconds: seconds }: Container): string | null =>
  seconds === null ? null : `${duration(Math.floor(seconds / 86_400) * 86_400 || seconds)} old`;

/** The end of its identity that people know: without the kind of hash. */
export const shortId = (id: string): string => id.replace(/^sha256:/, "").slice(0, 12);
