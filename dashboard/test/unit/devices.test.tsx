// @vitest-environment happy-dom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import type { Gpu, HostPower, Sensor, SensorChip, Ups } from "../../src/api/types";
import { liveMatch } from "../../src/charts/of_host/sections";
import { ofGpu, ofPower, ofSensor, ofUps, trendsByKey } from "../../src/features/host/devices/charts";
import { gpuFacts } from "../../src/features/host/devices/gpus";
import { Power } from "../../src/features/host/devices/power";
import { wantedChips } from "../../src/features/host/devices/sensors";
import { upsFacts } from "../../src/features/host/devices/upses";
import {
  limitWords,
  linkWords,
  sensorWords,
  seriesKey,
  throttleWords,
} from "../../src/features/host/devices/words";
import * as number from "../../src/format/number";
import { Facts } from "../../src/ui/facts";
import { spread } from "../../src/ui/figures";

afterEach(cleanup);
const plain = (words: string | null | undefined) =>
  words?.replaceAll("\u2009", " ").replaceAll("\u00a0", " ");

function sensor(part: Partial<Sensor> = {}): Sensor {
  return {
    sensor: "temp1",
    label: "Package id 0",
    type: "temperature",
    unit: "celsius",
    value: 51,
    min: null,
    max: null,
    critical_min: null,
    critical_max: null,
    limits: {},
    alarm: null,
    fault: null,
    states: [],
    state: "ok",
    message: null,
    at: null,
    metric: "node_hwmon_temp_celsius",
    labels: { chip: "platform_coretemp_0", sensor: "temp1" },
    ...part,
  };
}

describe("a sensor", () => {
  it("says its limits in the order in which they are passed", () => {
    expect(plain(limitWords(sensor({ max: 84, critical_max: 100 })))).toBe("at most 84 °C · critical 100 °C");
    expect(plain(limitWords(sensor({ unit: "volts", min: 11.4, max: 12.6 })))).toBe("11.4 to 12.6 V");
    expect(plain(limitWords(sensor({ unit: "rpm", min: 500, critical_min: 300 })))).toBe(
      "at least 500 rpm · critical below 300 rpm",
    );
    expect(limitWords(sensor())).toBe("");
  });

  it("says what is wrong in words", () => {
    expect(sensorWords(sensor({ message: "105 °C, limit 100 °C" }))).toBe("105 °C, limit 100 °C");
    expect(sensorWords(sensor({ fault: true }))).toBe("broken or not connected");
    expect(sensorWords(sensor({ alarm: true }))).toBe("alarm");
    expect(sensorWords(sensor({ state: "unknown", value: null }))).toBe("no reading");
    expect(sensorWords(sensor())).toBe("ok");
  });

  it("finds its trend by its series, whatever the order of labels", () => {
    const series = {
      metric: "node_hwmon_temp_celsius",
      labels: { sensor: "temp1", job: "node", instance: "nas1", chip: "platform_coretemp_0" },
      avg: [1, 2],
    };
    const { metric, labels } = sensor();
    expect(trendsByKey([series]).get(seriesKey(metric, labels))).toEqual([1, 2]);
  });

  it("draws energy as power", () => {
    expect(ofSensor("nas1", sensor({ unit: "joules" }))).toMatchObject({ mode: "rate", unit: "watts" });
  });

  it("is found by its chip, its label and what ails it", () => {
    const chip = {
      id: "c",
      name: "nct6798",
      chip: "platform_nct6775_656",
      device: null,
      sensors: [sensor(), sensor({ sensor: "fan2", label: "Front fan", message: "stands still" })],
    } as unknown as SensorChip;
    const labels = (words: string) =>
      wantedChips([chip], words).flatMap((c) => c.sensors.map((s) => s.label));
    expect(labels("nct6798 fan")).toEqual(["Front fan"]);
    expect(labels("stands")).toEqual(["Front fan"]);
    expect(labels("")).toHaveLength(2);
    expect(wantedChips([chip], "nothing")).toEqual([]);
  });
});

describe("power", () => {
  const power = {
    host: "nas1",
    basis: "components",
    watts: 84.2,
    average_watts: 80,
    energy_kwh: 1.92,
    window_seconds: 86_400,
    projected_kwh_per_month: 58.4,
    projected_cost_per_month: 18.69,
    sources: [],
  } as unknown as HostPower;

  it("says what a month costs in the currency that is set", () => {
    render(<Power power={power} price={{ perKwh: 0.32, currency: "EUR" }} chart={null} />);
    const words = plain(document.body.textContent);
    expect(words).toContain("Cost per month€18.69");
    expect(words).toContain("A kilowatt-hour costs €0.32.");
    expect(words).toContain("the machine takes more");
  });

  it("says how to set a price where there is none", () => {
    const none = { ...power, projected_cost_per_month: null };
    render(<Power power={none} price={{ perKwh: null, currency: "EUR" }} chart={null} />);
    expect(screen.getByText("energy.price_per_kwh")).toBeTruthy();
    expect(screen.queryByText("Cost per month")).toBeNull();
  });

  it("draws watts, and counters of energy where there is nothing else", () => {
    const source = (metric: string, joules: number | null) =>
      ({
        kind: "rapl",
        name: metric,
        counted: true,
        metric,
        labels: {},
        energy_joules_total: joules,
      }) as never;
    expect(ofPower("nas1", [source("a", null), source("b", 7)])).toMatchObject({
      mode: "value",
      selections: [{ metric: "a" }],
    });
    expect(ofPower("nas1", [source("b", 7)])).toMatchObject({ mode: "rate", selections: [{ metric: "b" }] });
  });

  it("writes a currency that is no code behind the number", () => {
    expect(plain(number.money(12.5, "Taler"))).toBe("12.50 Taler");
    expect(number.money(null, "EUR")).toBe("–");
  });
});

describe("a graphics processor", () => {
  const gpu = {
    key: "GPU-AB",
    uuid: "GPU-AB",
    vendor: "nvidia",
    throttle_reasons: ["gpu_idle", "sw_power_cap"],
    pcie_generation: 1,
    pcie_generation_max: 4,
    pcie_width: 8,
    pcie_width_max: 16,
    performance_state: 2,
    readings: [{ metric: "nvidia_smi_utilization_gpu_ratio" }, { metric: "nvidia_smi_temperature_gpu" }],
    memory_total_bytes: 12 * 1024 ** 3,
    busy_ratio: 0.31,
    memory_used_ratio: 0.5,
    power_limit_watts: null,
    power_watts: 31,
    clock_max_hertz: null,
    clock_hertz: 1.2e9,
    fan_ratio: null,
    fan_rpm: null,
    encoder_ratio: null,
    decoder_ratio: null,
    ecc_uncorrected_errors: null,
    driver_version: null,
    pci_address: null,
    temperature_celsius: 60,
  } as unknown as Gpu;

  it("says what slows it down; being idle is no slowing down", () => {
    expect(throttleWords(gpu)).toEqual(["power limit"]);
    expect(throttleWords({ throttle_reasons: ["gpu_idle"] })).toEqual([]);
    expect(linkWords(gpu)).toBe("PCIe 1.0 ×8, could be 4.0 ×16");
    render(<Facts rows={gpuFacts(gpu)} />);
    expect(plain(document.body.textContent)).toContain("Slowed down bypower limit");
  });

  it("has charts of what it tells, under either spelling of its UUID", () => {
    const charts = ofGpu("nas1", gpu);
    expect(charts.map(({ title }) => title)).toEqual(["Busy", "Temperature"]);
    expect(charts[0]?.selections[0]?.among).toEqual({ uuid: ["GPU-AB", "ab"] });
    expect(ofGpu("nas1", { ...gpu, readings: [] })).toEqual([]);
  });

  it("of another maker has a line for each of its sensors", () => {
    const metric = "hi_gpu_temperature_celsius";
    const amd = { ...gpu, vendor: "amd", key: "0000:03:00.0", uuid: null, pci_address: null };
    const [chart] = ofGpu("nas1", { ...amd, readings: [{ metric }] } as unknown as Gpu);
    const series = (sensor: string, pci_address: string) => ({
      metric,
      labels: { sensor, pci_address, card: "card0" },
      avg: [50],
      min: [50],
      max: [50],
    });
    const all = [
      series("edge", "0000:03:00.0"),
      series("junction", "0000:03:00.0"),
      series("edge", "0000:04:00.0"),
    ];
    expect(chart?.shape(all).map(({ name, color }) => [name, color])).toEqual([
      ["edge", 0],
      ["junction", 1],
    ]);
  });
});

describe("a UPS", () => {
  const ups = {
    key: "eaton@h:1",
    name: "eaton",
    battery_charge_ratio: 0.62,
    battery_runtime_seconds: 1260,
    load_ratio: 0.23,
    power_watts: null,
    input_voltage_volts: 0,
    output_voltage_volts: null,
    input_frequency_hertz: null,
    battery_voltage_volts: null,
    temperature_celsius: null,
    nominal_power_watts: null,
    battery_type: null,
    model: null,
    serial: null,
    server: null,
    last_read: null,
    readings: [{ metric: "network_ups_tools_battery_charge" }],
  } as unknown as Ups;

  it("says charge, how long it lasts and what comes in, none included", () => {
    render(<Facts rows={upsFacts(ups)} />);
    const words = plain(document.body.textContent);
    expect(words).toContain("Battery62 %Lasts21 minLoad23 %Input0 V");
  });

  it("draws per cents as shares", () => {
    const [chart] = ofUps("nas1", ups);
    const series = {
      metric: "network_ups_tools_battery_charge",
      labels: { ups: "eaton" },
      avg: [62, null],
      min: [60, null],
      max: [64, null],
    };
    expect(chart?.shape([series])[0]).toMatchObject({ avg: [0.62, null], max: [0.64, null] });
  });
});

describe("the live stream", () => {
  it("is asked for many metrics by one selector", () => {
    const chart = (metric: string) => ({ ...ofSensor("nas1", sensor({ metric })) });
    const few = liveMatch([chart("b"), chart("a")], "nas1", ["c"]);
    expect(few).toEqual(['a{instance="nas1"}', 'b{instance="nas1"}', 'c{instance="nas1"}']);
    const many = Array.from({ length: 40 }, (_, index) => chart(`m${index}`));
    const [one, ...rest] = liveMatch(many, "nas1");
    expect(rest).toEqual([]);
    expect(one).toMatch(/^\{instance="nas1",__name__=~"m0\|m1\|/);
  });
});

describe("a trend", () => {
  it("lies between its own least and greatest, with room for what is level", () => {
    expect(spread([12, null, 12])).toEqual({ low: 11.88, high: 12.12 });
    expect(spread([null])).toEqual({ low: 0, high: 1 });
  });
});
