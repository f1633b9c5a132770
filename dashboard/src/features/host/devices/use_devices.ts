/** The devices of a host, as far as they are known already; what it has none of is empty. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { bmcsQuery, gpusQuery, powerQuery, sensorsQuery, upsesQuery } from "../../../api/queries";
import type { Bmc, Gpu, HostPower, SensorChip, Ups } from "../../../api/types";
import type { ChartSpec } from "../../../charts/spec";
import { ofGpu, ofPower, ofUps } from "./charts";

/** The price of a kilowatt-hour, as the collector is configured. */
export interface Price {
  perKwh: number | null;
  currency: string;
}

export interface Devices {
  /** Chips of the kernel's drivers; those of the management controller are with it. */
  chips: readonly SensorChip[];
  power: HostPower | null;
  price: Price;
  gpus: readonly Gpu[];
  upses: readonly Ups[];
  bmcs: readonly Bmc[];
}

const NONE: readonly never[] = [];
const NO_PRICE: Price = { perKwh: null, currency: "" };

export function useDevices(host: string): Devices {
  const { data: chips } = useQuery(sensorsQuery(host));
  const { data: power } = useQuery(powerQuery(host));
  const { data: gpus } = useQuery(gpusQuery(host));
  const { data: upses } = useQuery(upsesQuery(host));
  const { data: bmcs } = useQuery(bmcsQuery(host));
  return useMemo(
    () => ({
      chips: chips?.filter(({ origin }) => origin !== "ipmi") ?? NONE,
      power: power?.hosts.find((each) => each.host === host) ?? null,
      price: power === undefined ? NO_PRICE : { perKwh: power.price_per_kwh, currency: power.currency },
      gpus: gpus ?? NONE,
      upses: upses ?? NONE,
      bmcs: bmcs ?? NONE,
    }),
    [host, chips, power, gpus, upses, bmcs],
  );
}

export interface DeviceCharts {
  power: ChartSpec | null;
  gpus: ReadonlyMap<string, readonly ChartSpec[]>;
  upses: ReadonlyMap<string, readonly ChartSpec[]>;
  all: readonly ChartSpec[];
}

/** Their charts. Figures change every few seconds; what is drawn changes when something comes or goes. */
export function useDeviceCharts(host: string, { power, gpus, upses }: Devices): DeviceCharts {
  const metrics = (readings: readonly { metric: string }[]) => readings.map(({ metric }) => metric).join();
  const key = JSON.stringify([
    power?.sources.map(({ metric, labels }) => [metric, labels]),
    gpus.map(({ key: name, readings }) => [name, metrics(readings)]),
    upses.map(({ key: name, readings }) => [name, metrics(readings)]),
  ]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` has of the devices what the charts depend on
  return useMemo(() => {
    const drawn = power === null ? null : ofPower(host, power.sources);
    const ofGpus = new Map(gpus.map((gpu) => [gpu.id, ofGpu(host, gpu)]));
    const ofUpses = new Map(upses.map((ups) => [ups.id, ofUps(host, ups)]));
    return {
      power: drawn,
      gpus: ofGpus,
      upses: ofUpses,
      all: [
        ...(drawn === null ? [] : [drawn]),
        ...[...ofGpus.values()].flat(),
        ...[...ofUpses.values()].flat(),
      ],
    };
  }, [host, key]);
}
