/** The uninterruptible power supplies that a host reads. */
import type { Ups } from "../../../api/types";
import { Chart } from "../../../charts/chart";
import type { ChartSpec } from "../../../charts/spec";
import * as number from "../../../format/number";
import { duration } from "../../../format/time";
import { Findings, Words } from "../../../ui/condition";
import { type FactRow, Facts } from "../../../ui/facts";
import { Ago, Bar, Quantity } from "../../../ui/figures";
import { BUSY_LIMITS } from "../../../ui/limits";

/** A full battery is no warning: the bar has no limits. */
const charge = (ratio: number | null) => (
  <span className="inline-bar">
    <Bar ratio={ratio} />
    <Quantity of={number.percent(ratio)} />
  </span>
);

const load = (ratio: number | null) => (
  <span className="inline-bar">
    <Bar ratio={ratio} limits={BUSY_LIMITS} />
    <Quantity of={number.percent(ratio)} />
  </span>
);

export function upsFacts(ups: Ups): FactRow[] {
  const quantity = (words: string, value: number | null, of: number.Quantity): FactRow | null =>
    value === null ? null : [words, <Quantity key={words} of={of} />];
  const rows: (FactRow | null)[] = [
    ["Battery", charge(ups.battery_charge_ratio)],
    ["Lasts", duration(ups.battery_runtime_seconds)],
    ["Load", load(ups.load_ratio)],
    quantity("Power", ups.power_watts, number.plain(ups.power_watts, "W")),
    quantity("Input", ups.input_voltage_volts, number.plain(ups.input_voltage_volts, "V")),
    quantity("Output", ups.output_voltage_volts, number.plain(ups.output_voltage_volts, "V")),
    quantity("Frequency", ups.input_frequency_hertz, number.hertz(ups.input_frequency_hertz)),
    quantity("Battery voltage", ups.battery_voltage_volts, number.plain(ups.battery_voltage_volts, "V")),
    quantity("Temperature", ups.temperature_celsius, number.celsius(ups.temperature_celsius)),
    quantity("Can carry", ups.nominal_power_watts, number.plain(ups.nominal_power_watts, "W")),
    ups.battery_type === null ? null : ["Battery type", ups.battery_type],
    ups.model === null ? null : ["Model", [ups.manufacturer, ups.model].filter(Boolean).join(" ")],
    ups.serial === null ? null : ["Serial number", ups.serial],
    ups.server === null
      ? null
      : ["Asked at", `${ups.server}, ${ups.protocol === "apcupsd" ? "apcupsd" : "NUT"}`],
    ["Last read", <Ago key="read" at={ups.last_read} />],
  ];
  return rows.filter((row) => row !== null);
}

export function Upses({
  upses,
  charts,
}: {
  upses: readonly Ups[];
  charts: ReadonlyMap<string, readonly ChartSpec[]>;
}) {
  return upses.map((ups) => (
    <div key={ups.id} className="device">
      <div className="device-name">
        <h3>{ups.description ?? ups.name}</h3>
        <Words
          state={ups.state}
          words={ups.unreadable === null ? (ups.status ?? "no status") : "cannot be read"}
        />
      </div>
      <Findings findings={ups.findings} />
      {ups.unreadable !== null && <p className="panel-quote">{ups.unreadable}</p>}
      <Facts rows={upsFacts(ups)} />
      <div className="chart-grid">
        {charts.get(ups.id)?.map((spec) => (
          <Chart key={spec.id} spec={spec} />
        ))}
      </div>
    </div>
  ));
}
