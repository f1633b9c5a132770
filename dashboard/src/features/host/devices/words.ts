/** Sensors, power, graphics processors and power supplies in words. Pure. */
import type { Gpu, HostPower, PowerSource, Sensor, SensorChip } from "../../../api/types";
import * as number from "../../../format/number";

/** A value of a sensor with its unit. */
export const valueWords = (sensor: Pick<Sensor, "unit">, value: number | null): string =>
  number.text(number.measured(value, sensor.unit));

/** Its limits, in the order in which a reading would pass them: `5 to 84 °C · critical 100 °C`. */
export function limitWords(sensor: Sensor): string {
  const { min, max, critical_min: low, critical_max: high } = sensor;
  const write = (value: number) => valueWords(sensor, value);
  const usual =
    min !== null && max !== null
      ? `${number.measured(min, sensor.unit).value} to ${write(max)}`
      : max !== null
        ? `at most ${write(max)}`
        : min !== null
          ? `at least ${write(min)}`
          : null;
  const critical = [low === null ? null : `below ${write(low)}`, high === null ? null : write(high)]
    .filter((words) => words !== null)
    .join(" or ");
  return [usual, critical === "" ? null : `critical ${critical}`].filter(Boolean).join(" · ");
}

/** What a sensor says of itself. */
export function sensorWords(sensor: Sensor): string {
  if (sensor.message !== null) return sensor.message;
  if (sensor.fault === true) return "broken or not connected";
  if (sensor.alarm === true) return "alarm";
  return sensor.state === "unknown" ? "no reading" : "ok";
}

/** The name of a sensor within the URL: chip and sensor. */
export const sensorRow = (chip: SensorChip, sensor: Sensor): string => `sensor:${chip.id}/${sensor.sensor}`;

/** The series of a sensor among others: its metric and labels. */
export const seriesKey = (metric: string, labels: Readonly<Record<string, string>>): string =>
  `${metric}${JSON.stringify(
    Object.entries(labels)
      .filter(([key]) => key !== "instance" && key !== "job")
      .sort(([left], [right]) => (left < right ? -1 : 1)),
  )}`;

/** What the figure of the host is, and what it is not. */
export const BASIS: Record<HostPower["basis"], string> = {
  system: "Measured of the whole machine.",
  ups: "What the UPS gives: whatever else hangs on it is in the figure.",
  components: "The sum of the parts that measure themselves: the machine takes more.",
};

export const KIND: Record<PowerSource["kind"], string> = {
  dcmi: "management controller, whole machine",
  meter: "power meter, whole machine",
  ipmi: "management controller",
  ups: "UPS, all that hangs on it",
  rapl: "the processor itself",
  gpu: "graphics processor",
  hwmon: "sensor of a part",
  battery: "battery",
};

/** What slows a graphics processor down, in words. */
const THROTTLE: Record<string, string> = {
  gpu_idle: "idle",
  applications_clocks_setting: "clocks set by a program",
  sw_power_cap: "power limit",
  hw_slowdown: "heat or lack of power",
  hw_thermal_slowdown: "heat (hardware)",
  hw_power_brake_slowdown: "lack of power (brake)",
  sw_thermal_slowdown: "heat",
  sync_boost: "clocks kept equal with others",
  display_clocks_setting: "clocks of the display",
};
/** No fault: it simply has nothing to do, or was told so. */
const HARMLESS = ["gpu_idle", "applications_clocks_setting", "sync_boost", "display_clocks_setting", "none"];

export const throttleWords = ({ throttle_reasons: reasons }: Pick<Gpu, "throttle_reasons">): string[] =>
  reasons
    .filter((reason) => !HARMLESS.includes(reason))
    .map((reason) => THROTTLE[reason] ?? reason.replaceAll("_", " "));

/** `PCIe 4.0 ×8, could be 4.0 ×16`. */
export function linkWords(gpu: Gpu): string | null {
  const { pcie_generation: generation, pcie_width: width } = gpu;
  if (generation === null || width === null) return null;
  const now = `PCIe ${generation}.0 ×${width}`;
  const [best, widest] = [gpu.pcie_generation_max ?? generation, gpu.pcie_width_max ?? width];
  // Links slow down to save power: only fewer lanes than there could be are worth a word.
  return width < widest ? `${now}, could be ${best}.0 ×${widest}` : now;
}
