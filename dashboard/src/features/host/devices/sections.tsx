/** The sections of a host's page about its devices: those that it has. */
import { useRouterState } from "@tanstack/react-router";
import { type ReactNode, useEffect } from "react";
import type { HostDetail } from "../../../api/types";
import { Section } from "../../../ui/facts";
import { Bmcs } from "./bmc";
import { Containers } from "./containers";
import { Gpus } from "./gpus";
import { Power } from "./power";
import { Sensors } from "./sensors";
import { Upses } from "./upses";
import type { DeviceCharts, Devices } from "./use_devices";

export interface DeviceSection {
  id: string;
  title: string;
  body: ReactNode;
}

export function deviceSections(detail: HostDetail, devices: Devices, charts: DeviceCharts): DeviceSection[] {
  const { host } = detail;
  const { chips, power, price, gpus, upses, bmcs } = devices;
  const sections: DeviceSection[] = [];
  if (chips.length > 0)
    sections.push({ id: "sensors", title: "Sensors", body: <Sensors host={host} chips={chips} /> });
  if (power !== null)
    sections.push({
      id: "power",
      title: "Power and energy",
      body: <Power power={power} price={price} chart={charts.power} />,
    });
  if (gpus.length > 0)
    sections.push({ id: "gpu", title: "GPU", body: <Gpus gpus={gpus} charts={charts.gpus} /> });
  if (upses.length > 0)
    sections.push({ id: "ups", title: "UPS", body: <Upses upses={upses} charts={charts.upses} /> });
  if (bmcs.length > 0)
    sections.push({ id: "bmc", title: "Management controller", body: <Bmcs bmcs={bmcs} /> });
  if (detail.container_count > 0)
    sections.push({ id: "containers", title: "Containers", body: <Containers host={detail} /> });
  return sections;
}

/** How long what is above a section may take to come and push it down, in ms. */
const SETTLES_MS = 3_000;
/** Whoever does one of these has taken over. */
const TAKES_OVER = ["wheel", "touchstart", "keydown", "pointerdown"] as const;

/** Keeps an element where a link to it brought the page, while what is above it still comes. */
function useStay(id: string, wanted: boolean): void {
  useEffect(() => {
    if (!wanted) return;
    const stay = () => document.getElementById(id)?.scrollIntoView();
    const observer = new ResizeObserver(stay);
    const end = () => {
      observer.disconnect();
      clearTimeout(timer);
      for (const each of TAKES_OVER) window.removeEventListener(each, end);
    };
    const timer = setTimeout(end, SETTLES_MS);
    for (const each of TAKES_OVER) window.addEventListener(each, end, { passive: true });
    stay();
    observer.observe(document.body);
    return end;
  }, [id, wanted]);
}

/** A section that comes after the rest of the page; a link to it finds it all the same. */
export function LateSection({ id, title, body }: DeviceSection) {
  const hash = useRouterState({ select: ({ location }) => location.hash });
  useStay(id, hash === id);
  return (
    <Section id={id} title={title}>
      {body}
    </Section>
  );
}
