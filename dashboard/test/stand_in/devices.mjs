// The devices of the stand-in's homelab: sensors, power, graphics processors, power supplies, a management controller.
// Times are Unix seconds.
import { counter, gauge } from "./series.mjs";

const iso = (seconds) => new Date(seconds * 1000).toISOString();
const GIB = 1024 ** 3;
const HOUR = 3600;

/** chip, device, and its sensors: name, label, type, about, limits. */
const CHIPS = {
  nas1: [
    [
      "platform_coretemp_0",
      "coretemp",
      "coretemp.0",
      [
        ["temp1", "Package id 0", "temperature", 52, { max: 84, critical_max: 100 }],
        ["temp2", "Core 0", "temperature", 49, { max: 84, critical_max: 100 }],
        ["temp3", "Core 1", "temperature", 51, { max: 84, critical_max: 100 }],
        ["temp4", "Core 2", "temperature", 50, { max: 84, critical_max: 100 }],
        ["temp5", "Core 3", "temperature", 48, { max: 84, critical_max: 100 }],
      ],
    ],
    [
      "platform_nct6775_656",
      "nct6798",
      "nct6775.656",
      [
        ["in0", "Vcore", "voltage", 0.912, { min: 0, max: 1.74 }],
        ["in1", "+5V", "voltage", 5.04, { min: 4.75, max: 5.25 }],
        ["in2", "+12V", "voltage", 12.09, { min: 11.4, max: 12.6 }],
        ["fan1", "Rear fan", "fan", 812, { min: 300 }],
        ["fan2", "Front fan", "fan", 0, { min: 300, alarm: true }],
        ["temp1", "SYSTIN", "temperature", 38, { max: 70 }],
        ["pwm1", "pwm1", "pwm", 0.42, {}],
      ],
    ],
    [
      "nvme_nvme0",
      "nvme",
      "nvme0",
      [["temp1", "Composite", "temperature", 44, { min: -5, max: 79, critical_max: 84 }]],
    ],
  ],
  pve1: [
    [
      "pci0000:00_0000:00:18_3",
      "k10temp",
      "0000:00:18.3",
      [
        ["temp1", "Tctl", "temperature", 61, {}],
        ["temp3", "Tccd1", "temperature", 57, {}],
      ],
    ],
  ],
};
const METRICS = {
  temperature: ["node_hwmon_temp_celsius", "celsius"],
  fan: ["node_hwmon_fan_rpm", "rpm"],
  voltage: ["node_hwmon_in_volts", "volts"],
  pwm: ["node_hwmon_pwm", "ratio"],
  power: ["node_hwmon_power_average_watt", "watts"],
};
const NO_LIMITS = { min: null, max: null, critical_min: null, critical_max: null };

const readingOf = (host, chip, [name, , type, about], at) =>
  gauge(`${host.name}${chip}${name}`, about, type === "voltage" ? 0.01 : 0.05, at);

export function chipsOf(host, now) {
  const at = host.silentSince ?? now;
  return (CHIPS[host.name] ?? []).map(([chip, name, device, sensors]) => {
    const all = sensors.map((each) => {
      const [sensor, label, type, , { alarm = false, ...limits }] = each;
      const [metric, unit] = METRICS[type];
      return {
        sensor,
        label,
        type,
        unit,
        value: readingOf(host, chip, each, at),
        ...NO_LIMITS,
        ...limits,
        limits: type === "temperature" && limits.max !== undefined ? { max_hyst: limits.max - 4 } : {},
        alarm,
        fault: false,
        state: alarm ? "warning" : "ok",
        message: alarm ? "stands still: below its least of 300 rpm" : null,
        at: iso(at - 6),
        metric,
        labels: { chip, sensor },
      };
    });
    return {
      id: `${host.name}:hwmon:${chip}`,
      host: host.name,
      host_silent: host.silentSince !== null,
      origin: "hwmon",
      chip,
      name,
      device,
      state: all.some(({ state }) => state === "warning") ? "warning" : "ok",
      sensors: all,
    };
  });
}

const RAPL = { path: "/sys/class/powercap/intel-rapl:0", index: "0" };

const powerSource = (kind, name, counted, watts, metric, labels, now, part = {}) => ({
  kind,
  name,
  counted,
  watts,
  average_watts: watts * 0.96,
  energy_kwh: (watts * 0.96 * 24) / 1000,
  energy_joules_total: null,
  at: iso(now - 5),
  metric,
  labels,
  ...part,
});

export function powerOf(host, now) {
  const of = {
    nas1: () => [
      powerSource(
        "dcmi",
        "system",
        true,
        gauge("nas1dcmi", 84, 0.1, now),
        "ipmi_dcmi_power_consumption_watts",
        {},
        now,
      ),
      powerSource(
        "rapl",
        "package-0",
        false,
        gauge("nas1rapl", 21, 0.2, now),
        "node_rapl_package_joules_total",
        RAPL,
        now,
        {
          energy_joules_total: 8.1e7,
        },
      ),
      powerSource(
        "gpu",
        "NVIDIA RTX A2000 12GB",
        false,
        gauge("nas1gpuw", 31, 0.3, now),
        "nvidia_smi_power_draw_watts",
        { uuid: GPU },
        now,
      ),
    ],
    pve1: () => [
      powerSource(
        "rapl",
        "package-0",
        true,
        gauge("pve1rapl", 38, 0.2, now),
        "node_rapl_package_joules_total",
        RAPL,
        now,
        {
          energy_joules_total: 2.1e8,
        },
      ),
    ],
  }[host.name];
  if (of === undefined) return [];
  const sources = of();
  const [{ watts, average_watts: average, energy_kwh: energy }] = sources;
  const month = (average * 730.5) / 1000;
  return [
    {
      host: host.name,
      host_silent: false,
      basis: host.name === "nas1" ? "system" : "components",
      watts,
      average_watts: average,
      energy_kwh: energy,
      window_seconds: 86_400,
      projected_kwh_per_month: month,
      projected_cost_per_month: month * 0.32,
      sources,
    },
  ];
}

const GPU = "df6e7a7c-7314-46f8-abc4-b88b36dcf3aa";
const GPU_METRICS = {
  nvidia_smi_utilization_gpu_ratio: 0.34,
  nvidia_smi_utilization_memory_ratio: 0.18,
  nvidia_smi_utilization_decoder_ratio: 0.22,
  nvidia_smi_memory_used_bytes: 4.1 * GIB,
  nvidia_smi_memory_total_bytes: 12 * GIB,
  nvidia_smi_temperature_gpu: 63,
  nvidia_smi_power_draw_watts: 31,
  nvidia_smi_enforced_power_limit_watts: 70,
  nvidia_smi_clocks_current_graphics_clock_hz: 1.2e9,
  nvidia_smi_clocks_current_memory_clock_hz: 5.9e9,
};
const swings = (metric) => (/total|limit/.test(metric) ? 0 : 0.25);
const readings = (metrics, host, at) =>
  Object.entries(metrics).map(([metric, about]) => ({
    metric,
    labels: {},
    value: gauge(`${host.name}${metric}`, about, swings(metric), at),
    unit: "",
    help: "",
    at: iso(at),
  }));

export function gpusOf(host, now) {
  if (host.name !== "nas1") return [];
  const all = readings(GPU_METRICS, host, now);
  const of = (metric) => all.find((each) => each.metric === metric)?.value ?? null;
  return [
    {
      id: `${host.name}:GPU-${GPU}`,
      host: host.name,
      host_silent: false,
      key: `GPU-${GPU}`,
      vendor: "nvidia",
      name: "NVIDIA RTX A2000 12GB",
      pci_address: "0000:01:00.0",
      uuid: `GPU-${GPU}`,
      driver_version: "550.127.05",
      vbios_version: "94.06.27.00.02",
      state: "ok",
      findings: [],
      unreadable: null,
      busy_ratio: of("nvidia_smi_utilization_gpu_ratio"),
      memory_busy_ratio: of("nvidia_smi_utilization_memory_ratio"),
      encoder_ratio: 0,
      decoder_ratio: of("nvidia_smi_utilization_decoder_ratio"),
      memory_total_bytes: 12 * GIB,
      memory_used_bytes: of("nvidia_smi_memory_used_bytes"),
      memory_used_ratio: of("nvidia_smi_memory_used_bytes") / (12 * GIB),
      temperature_celsius: of("nvidia_smi_temperature_gpu"),
      memory_temperature_celsius: null,
      fan_ratio: 0.3,
      fan_rpm: null,
      power_watts: of("nvidia_smi_power_draw_watts"),
      power_limit_watts: 70,
      clock_hertz: of("nvidia_smi_clocks_current_graphics_clock_hz"),
      clock_max_hertz: 2.1e9,
      memory_clock_hertz: of("nvidia_smi_clocks_current_memory_clock_hz"),
      performance_state: 2,
      pcie_generation: 4,
      pcie_generation_max: 4,
      pcie_width: 8,
      pcie_width_max: 16,
      throttle_reasons: ["sw_power_cap"],
      ecc_corrected_errors: 0,
      ecc_uncorrected_errors: 0,
      processes: [
        { process: "/usr/lib/jellyfin-ffmpeg/ffmpeg", container: "jellyfin", memory_bytes: 0.62 * GIB },
        { process: "python3", container: "immich-machine-learning", memory_bytes: 3.4 * GIB },
      ],
      facts: {},
      readings: all,
      last_read: iso(now - 4),
      since: iso(now - 86_400),
    },
  ];
}

const UPS_METRICS = {
  network_ups_tools_battery_charge: 100,
  network_ups_tools_ups_load: 23,
  network_ups_tools_input_voltage: 231,
  network_ups_tools_output_voltage: 230,
};

/** `battery`: it runs from its battery. */
export function upsesOf(host, now, battery = false) {
  if (host.name !== "nas1") return [];
  const charge = battery ? 0.62 : 1;
  return [
    {
      id: `${host.name}:eaton@127.0.0.1:3493`,
      host: host.name,
      host_silent: false,
      key: "eaton@127.0.0.1:3493",
      name: "eaton",
      server: "127.0.0.1:3493",
      protocol: "nut",
      manufacturer: "EATON",
      model: "Ellipse ECO 1200",
      serial: "G355K12345",
      firmware: "02.08.0010",
      description: "Rack UPS",
      battery_type: "PbAc",
      state: battery ? "critical" : "ok",
      findings: battery
        ? [{ state: "critical", message: "runs from its battery: 62 %, 21 min left", since: iso(now - 480) }]
        : [],
      unreadable: null,
      flags: battery ? ["OB", "DISCHRG"] : ["OL"],
      status: battery ? "on battery, discharging" : "on line",
      on_battery: battery,
      low_battery: false,
      replace_battery: false,
      battery_charge_ratio: charge,
      battery_charge_low_ratio: 0.2,
      battery_runtime_seconds: charge * 2040,
      battery_voltage_volts: null,
      temperature_celsius: null,
      load_ratio: 0.23,
      power_watts: 172,
      nominal_power_watts: 750,
      input_voltage_volts: battery ? 0 : 231,
      input_frequency_hertz: 50,
      output_voltage_volts: 230,
      facts: {},
      readings: readings(UPS_METRICS, host, now),
      last_read: iso(now - 3),
      since: iso(now - 9 * 86_400),
    },
  ];
}

const BMC_SENSORS = [
  ["CPU Temp", "temperature", "celsius", 54, { max: 90, critical_max: 95 }, "ipmi_temperature_celsius"],
  [
    "Peripheral Temp",
    "temperature",
    "celsius",
    41,
    { max: 80, critical_max: 85 },
    "ipmi_temperature_celsius",
  ],
  ["FAN1", "fan", "rpm", 1100, { min: 500, critical_min: 300 }, "ipmi_fan_speed_rpm"],
  ["12V", "voltage", "volts", 12.1, { min: 10.8, max: 13.2 }, "ipmi_voltage_volts"],
];

export function bmcsOf(host, now) {
  if (host.name !== "nas1") return [];
  const sensors = BMC_SENSORS.map(([label, type, unit, about, limits, metric], index) => ({
    sensor: String(index + 1),
    label,
    type,
    unit,
    value: gauge(`${host.name}bmc${label}`, about, 0.03, now),
    ...NO_LIMITS,
    ...limits,
    limits: {},
    alarm: false,
    fault: false,
    state: "ok",
    message: null,
    at: iso(now - 20),
    metric,
    labels: { id: String(index + 1), name: label, type },
  }));
  return [
    {
      id: `${host.name}:0`,
      host: host.name,
      host_silent: false,
      manufacturer: "Supermicro",
      product: "X11SCL-IF",
      firmware: "1.23",
      ipmi_version: "2.0",
      state: "ok",
      findings: [],
      unreadable: null,
      chassis_power_on: true,
      chassis_faults: [],
      power_watts: 84,
      log_entries: 37,
      log_free_bytes: 9_500,
      sensors,
      facts: {},
      last_read: iso(now - 20),
      since: iso(now - 86_400),
    },
  ];
}

/** Entries of the event log of the management controller. */
export const bmcLog = (host, now) =>
  host.name !== "nas1"
    ? []
    : [
        ["Power supply AC lost deasserted", "PS1 Status", "info", 3 * HOUR],
        ["Power supply AC lost asserted", "PS1 Status", "critical", 3 * HOUR + 40],
      ].map(([text, sensor, severity, ago], index) => ({
        id: `${host.name}-bmc-${index}`,
        host: host.name,
        at: iso(now - ago),
        type: "bmc_log",
        severity,
        message: `BMC log: ${sensor}: ${text}`,
        data: {
          record_id: 37 - index,
          logged_at: iso(now - ago - 2),
          sensor,
          sensor_type: "power supply",
          text,
        },
      }));

/** What of them stands on the attention list. */
export function deviceAttention(host, now, battery) {
  const item = (kind, subject, target, { state, message, since }) => ({
    severity: state,
    kind,
    host: host.name,
    subject,
    target,
    message,
    since,
  });
  const sensors = chipsOf(host, now).flatMap((chip) =>
    chip.sensors
      .filter(({ state }) => state !== "ok")
      .map(({ label, state, message }) =>
        item("sensor_alarm", `sensor ${chip.name} ${label}`, `sensor:${chip.id}`, {
          state,
          message,
          since: iso(now - 1800),
        }),
      ),
  );
  const gpus = gpusOf(host, now).flatMap((gpu) =>
    gpu.findings.map((each) => item("gpu_failing", `GPU ${gpu.name}`, `gpu:${gpu.id}`, each)),
  );
  const upses = upsesOf(host, now, battery).flatMap((ups) =>
    ups.findings.map((each) => item("ups_on_battery", `UPS ${ups.name}`, `ups:${ups.id}`, each)),
  );
  return [...sensors, ...gpus, ...upses];
}

/** Series of the homelab's devices. */
export function deviceSeries(host, add) {
  for (const [chip, , , sensors] of CHIPS[host.name] ?? [])
    for (const each of sensors)
      add(METRICS[each[2]][0], { chip, sensor: each[0] }, "gauge", (_key, at) =>
        readingOf(host, chip, each, at),
      );
  if (host.name === "pve1")
    add("node_rapl_package_joules_total", RAPL, "counter", (key, at) => counter(key, 38, at));
  if (host.name !== "nas1") return;
  add("ipmi_dcmi_power_consumption_watts", {}, "gauge", (_key, at) => gauge("nas1dcmi", 84, 0.1, at));
  for (const [metric, about] of Object.entries(GPU_METRICS))
    add(metric, { uuid: GPU }, "gauge", (_key, at) => gauge(`nas1${metric}`, about, swings(metric), at));
  for (const [metric, about] of Object.entries(UPS_METRICS))
    add(metric, { ups: "eaton" }, "gauge", (key, at) => gauge(key, about, 0.01, at));
  BMC_SENSORS.forEach(([label, type, , about, , metric], index) => {
    add(metric, { id: String(index + 1), name: label, type }, "gauge", (_key, at) =>
      gauge(`nas1bmc${label}`, about, 0.03, at),
    );
  });
}

/** The hottest of its sensors, as the overview has it. */
export function hottest(host, now) {
  const all = chipsOf(host, now).flatMap((chip) =>
    chip.sensors
      .filter(({ type }) => type === "temperature")
      .map(({ label, value }) => ({ name: `${chip.name} ${label}`, value })),
  );
  return all.sort((left, right) => right.value - left.value)[0] ?? null;
}
