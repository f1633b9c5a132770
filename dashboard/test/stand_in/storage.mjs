// The storage of the stand-in's homelab: disks, arrays and pools with what may befall them. Times are Unix seconds.
import { gauge, hash } from "./series.mjs";

const iso = (seconds) => new Date(seconds * 1000).toISOString();
const HOUR = 3600;
const DAY = 86_400;
const YEAR = 365.25 * DAY;
const TB = 1000 ** 4;

const finding = (state, message, since) => ({ state, message, since: iso(since) });
const WORST = ["critical", "warning", "info", "unknown", "ok"];
const worst = (findings, otherwise) =>
  WORST.find((state) => findings.some((each) => each.state === state)) ?? otherwise;

/** What the drives of the homelab are, beside what is the same for all. */
const AILING = {
  "nas1 sdb": {
    verdict: "failed: a threshold is exceeded",
    passed: false,
    errors: { reallocated_sectors: 2344, pending_sectors: 8, uncorrectable_sectors: 8, crc_errors: 0 },
    findings: (now) => [
      finding("critical", "predicts its failure: failed: a threshold is exceeded", now - 5 * HOUR),
      finding("critical", "Reallocated_Sector_Ct has fallen to 5, its limit is 10", now - 300),
      finding("warning", "8 sectors could not be read and may be lost", now - 300),
    ],
  },
  "nas1 sdd": { standby: true, age: 5.5 * HOUR },
  "media sda": {
    passed: null,
    verdict: null,
    unreadable: "the USB bridge (152d:0578) passes no SMART commands",
    transport: "usb",
    blind: true,
    findings: (now) => [
      finding(
        "unknown",
        "its health cannot be read: the USB bridge (152d:0578) passes no SMART commands",
        now - DAY,
      ),
    ],
  },
  "pve1 nvme1n1": {
    wear: 0.93,
    findings: (now) => [finding("warning", "93 % of its rated endurance is used up", now - 300)],
  },
};

/** Nothing is wrong with any disk. */
const HEALTHY = { "nas1 sdd": AILING["nas1 sdd"], "media sda": AILING["media sda"] };

/** Attributes of a rotating disk: id, name, value, worst, threshold, raw, prefailure. */
const ATTRIBUTES = [
  [1, "Raw_Read_Error_Rate", 100, 100, 50, 0, true],
  [3, "Spin_Up_Time", 100, 100, 1, 8123, true],
  [4, "Start_Stop_Count", 100, 100, 0, 312, false],
  [5, "Reallocated_Sector_Ct", 100, 100, 10, 0, true],
  [9, "Power_On_Hours", 24, 24, 0, 30_412, false],
  [12, "Power_Cycle_Count", 100, 100, 0, 118, false],
  [192, "Power-Off_Retract_Count", 100, 100, 0, 97, false],
  [194, "Temperature_Celsius", 100, 100, 0, 38, false],
  [197, "Current_Pending_Sector", 100, 100, 0, 0, false],
  [198, "Offline_Uncorrectable", 100, 100, 0, 0, false],
  [199, "UDMA_CRC_Error_Count", 200, 200, 0, 0, false],
];

/** The state that the scenario asks for: `healthy`, `ailing` or `none`. */
export function diskOf(host, part, now, kind) {
  const ailing = (kind === "healthy" ? HEALTHY : AILING)[`${host.name} ${part.device}`] ?? {};
  const seed = hash(host.name + part.device);
  const solid = !part.rotational;
  const blind = ailing.blind === true || part.device.startsWith("mmcblk");
  const serial = part.model === null ? null : `S${Math.floor(seed * 1e9)}`;
  const wwn = `0x5000c500${Math.floor(seed * 2 ** 32)
    .toString(16)
    .padStart(8, "0")}`;
  const key = part.model === null ? "path-platform-fe340000.mmc" : `wwn-${wwn}`;
  const findings = ailing.findings?.(now) ?? [];
  const nvme = part.device.startsWith("nvme");
  return {
    id: `${host.name}:${key}`,
    host: host.name,
    host_silent: host.silentSince !== null,
    key,
    device: part.device,
    health_device: healthDevice(part.device),
    model: part.model,
    serial,
    wwn: part.model === null ? null : wwn,
    vendor: null,
    firmware: part.model === null ? null : "0603",
    size_bytes: part.size,
    rotational: part.rotational,
    removable: false,
    transport: ailing.transport ?? (nvme ? "nvme" : part.device.startsWith("mmc") ? "mmc" : "sata"),
    path: nvme ? "pci-0000:04:00.0-nvme-1" : "pci-0000:00:17.0-ata-2",
    enclosure: null,
    slot: host.name === "nas1" && !nvme ? String(part.device.charCodeAt(2) - 96) : null,
    used_by: host.filesystems
      .filter(({ device }) => device.startsWith(`/dev/${part.device}`))
      .map(({ mountpoint }) => mountpoint),
    protocol: blind ? null : nvme ? "NVMe" : "ATA",
    state: blind && findings.length === 0 ? "unknown" : worst(findings, "ok"),
    findings,
    verdict: ailing.verdict !== undefined ? ailing.verdict : blind ? null : "passed",
    passed: ailing.passed !== undefined ? ailing.passed : blind ? null : true,
    unreadable: ailing.unreadable ?? null,
    temperature_celsius: blind ? null : Math.round(31 + seed * 14),
    temperature_limit_celsius: blind ? null : nvme ? 82 : 60,
    power_on_seconds: blind ? null : Math.round((0.4 + seed * 4) * YEAR),
    power_cycles: blind ? null : 20 + Math.floor(seed * 200),
    wear_ratio: blind || !solid ? null : (ailing.wear ?? 0.02 + seed * 0.2),
    spare_ratio: nvme ? 1 : null,
    spare_threshold_ratio: nvme ? 0.1 : null,
    errors:
      ailing.errors ??
      (blind
        ? {}
        : nvme
          ? { media_errors: 0, log_entries: 12 }
          : { reallocated_sectors: 0, pending_sectors: 0, crc_errors: 0 }),
    error_count: ailing.errors ? 2360 : blind ? null : 0,
    standby: blind ? null : ailing.standby === true,
    last_read: blind ? null : iso((host.silentSince ?? now) - (ailing.age ?? 40 + seed * 400)),
    since: iso(now - 40 * DAY),
  };
}

/** What the series of its health call a disk. */
const healthDevice = (device) => device.replace(/^(nvme\d+)n\d+$/, "$1");

export const disksOf = (host, now, kind) =>
  kind === "none" ? [] : host.disks.map((part) => diskOf(host, part, now, kind));

export function diskDetail(host, part, now, kind) {
  const disk = diskOf(host, part, now, kind);
  const bad = disk.passed === false;
  const attributes = part.rotational
    ? ATTRIBUTES.map(([id, name, value, lowest, threshold, raw, prefailure]) => ({
        id,
        name,
        value: bad && id === 5 ? 5 : value,
        worst: bad && id === 5 ? 5 : lowest,
        threshold,
        raw: bad && id === 5 ? 2344 : bad && (id === 197 || id === 198) ? 8 : raw,
        prefailure,
        failed: bad && id === 5 ? "now" : null,
      }))
    : [];
  const reading = (metric, value, unit, labels = {}) => ({
    metric,
    labels,
    value,
    unit,
    help: "",
    at: iso(now - 120),
  });
  return {
    ...disk,
    attributes,
    readings:
      disk.last_read === null
        ? []
        : [
            reading("hi_smart_power_state", 1, "", { state: disk.standby ? "standby" : "active" }),
            reading("smartctl_device_bytes_written", 41.2 * TB, "bytes"),
            reading("smartctl_device_power_cycle_count", disk.power_cycles, ""),
            reading("smartctl_device_temperature", disk.temperature_celsius, "celsius", {
              temperature_type: "current",
            }),
          ],
    self_tests:
      disk.last_read === null
        ? []
        : [
            {
              kind: "Extended offline",
              result: bad ? "Completed: read failure" : "Completed without error",
              passed: !bad,
              at_hours: 30_390,
              ...(bad ? { failing_sector: 81_233_992 } : {}),
            },
            { kind: "Short offline", result: "Completed without error", passed: true, at_hours: 30_222 },
          ],
    error_log: bad
      ? [{ number: 17, at_hours: 30_391, text: "Error: UNC at LBA = 0x04d78708", sector: 81_233_672 }]
      : [],
    facts: {
      disk: {
        device: disk.device,
        model: disk.model,
        serial: disk.serial,
        size_bytes: disk.size_bytes,
        transport: disk.transport,
      },
      ...(disk.last_read === null
        ? {}
        : { disk_health: { protocol: disk.protocol, state: "read", passed: disk.passed } }),
    },
    history: [
      ...(bad
        ? [
            {
              at: iso(now - 5 * HOUR),
              host: host.name,
              kind: "disk_health",
              event: "changed",
              fields: [
                { field: "passed", before: true, after: false },
                { field: "verdict", before: "passed", after: disk.verdict },
              ],
            },
          ]
        : []),
      {
        at: iso(now - 12 * DAY),
        host: host.name,
        kind: "disk",
        event: "changed",
        fields: [{ field: "slot", before: "6", after: disk.slot }],
      },
      { at: iso(now - 40 * DAY), host: host.name, kind: "disk", event: "appeared", fields: [] },
    ],
    places: [
      {
        host: host.name,
        device: disk.device,
        path: disk.path,
        enclosure: null,
        slot: disk.slot,
        from: iso(now - 12 * DAY),
        until: null,
      },
      {
        host: host.name,
        device: "sdx",
        path: disk.path,
        enclosure: null,
        slot: "6",
        from: iso(now - 40 * DAY),
        until: iso(now - 12 * DAY),
      },
    ],
  };
}

const scan = (name, part) => ({
  function: name,
  part: "",
  state: "finished",
  running: false,
  started_at: null,
  finished_at: null,
  progress_ratio: null,
  bytes_per_second: null,
  remaining_seconds: null,
  errors: null,
  repaired_bytes: null,
  ...part,
});

const vdev = (name, type, part = {}) => ({
  name,
  type,
  class: "data",
  words: "ONLINE",
  state: "ok",
  reason: null,
  path: null,
  device: null,
  disk: null,
  size_bytes: null,
  read_errors: 0,
  write_errors: 0,
  checksum_errors: 0,
  children: [],
  ...part,
});

const pool = (host, name, part) => ({
  id: `${host.name}:${name}`,
  host: host.name,
  host_silent: host.silentSince !== null,
  type: "zfs",
  name,
  guid: "12233445566778899",
  state: "ok",
  findings: [],
  words: "ONLINE",
  reason: "Nothing is wrong.",
  size_bytes: 72 * TB,
  allocated_bytes: 51 * TB,
  free_bytes: 21 * TB,
  used_ratio: 51 / 72,
  fragmentation_ratio: 0.11,
  dedup_ratio: 1,
  compression_ratio: 1.34,
  data_errors: 0,
  damaged_files: [],
  damaged_files_count: null,
  damaged_files_unread: null,
  vdevs: [],
  scans: [],
  allocation: [],
  datasets: 23,
  mountpoints: [],
  ...part,
});

export function poolsOf(host, now, kind) {
  if (kind === "none") return [];
  const since = { state_since: iso(now - 840), since: iso(now - 840) };
  const disks = disksOf(host, now, kind);
  const of = (device) => disks.find((disk) => disk.device === device)?.id ?? null;
  const leaf = (device, part = {}) => vdev(device, "disk", { device, disk: of(device), ...part });
  if (host.name === "pve1") {
    const scrub = scan("scrub", { finished_at: iso(now - 9 * DAY), errors: 0, progress_ratio: 1 });
    const mirror = vdev("mirror-0", "mirror", { children: [leaf("nvme0n1"), leaf("nvme1n1")] });
    return [
      pool(host, "rpool", {
        ...since,
        size_bytes: 2 * TB,
        allocated_bytes: 0.9 * TB,
        free_bytes: 1.1 * TB,
        used_ratio: 0.45,
        vdevs: [mirror],
        scans: [scrub],
        datasets: 41,
      }),
    ];
  }
  if (host.name === "media") {
    const device = vdev("sda1", "device", { device: "sda1", disk: of("sda"), words: "present" });
    return [
      pool(host, "2b1f6c1e-data", {
        ...since,
        type: "btrfs",
        name: "data",
        words: "ok",
        reason: null,
        fragmentation_ratio: null,
        dedup_ratio: null,
        compression_ratio: null,
        data_errors: null,
        datasets: null,
        vdevs: [device],
        mountpoints: ["/srv"],
        allocation: [{ type: "data", profile: "single", used_bytes: 31 * TB }],
      }),
    ];
  }
  if (host.name !== "nas1") return [];
  if (kind === "healthy") {
    const running = scan("scrub", {
      state: "scanning",
      running: true,
      started_at: iso(now - 2 * HOUR),
      progress_ratio: 0.37,
      bytes_per_second: 612e6,
      remaining_seconds: 11_000,
    });
    const raidz = vdev("raidz1-0", "raidz", {
      children: ["sda", "sdb", "sdc", "sdd"].map((name) => leaf(name)),
    });
    return [pool(host, "tank", { ...since, vdevs: [raidz], scans: [running] })];
  }
  const resilver = scan("resilver", {
    state: "scanning",
    running: true,
    started_at: iso(now - 700),
    progress_ratio: 0.081,
    bytes_per_second: 430e6,
    remaining_seconds: 21_600,
  });
  const raidz = vdev("raidz1-0", "raidz", {
    words: "DEGRADED",
    state: "warning",
    children: [
      leaf("sda"),
      leaf("sdb", { state: "warning", checksum_errors: 14 }),
      leaf("sdc", {
        words: "FAULTED",
        state: "critical",
        reason: "err exceeded",
        read_errors: 31,
        write_errors: 412,
      }),
      leaf("sdd"),
    ],
  });
  const spare = vdev("sde", "disk", { class: "spare", words: "INUSE", state: "info", read_errors: null });
  return [
    pool(host, "tank", {
      ...since,
      state: "critical",
      words: "DEGRADED",
      reason: "A device has failed; others stand in for it.",
      findings: [finding("critical", "degraded: sdc faulted, sdb 14 checksum errors", now - 840)],
      vdevs: [raidz, spare],
      scans: [resilver, scan("scrub", { finished_at: iso(now - 12 * DAY), errors: 0 })],
    }),
  ];
}

export function arraysOf(host, now, kind) {
  if (kind === "none" || host.name !== "pve2") return [];
  const bad = kind !== "healthy";
  const since = iso(now - 3 * HOUR);
  const member = (device, slot, role = "active", state = "ok") => ({
    device,
    disk: null,
    slot,
    role,
    state,
    read_errors: 0,
  });
  return [
    {
      id: `${host.name}:md0`,
      host: host.name,
      host_silent: host.silentSince !== null,
      name: "md0",
      state: bad ? "warning" : "ok",
      findings: bad ? [finding("warning", "degraded: 1 of 2 members missing", now - 3 * HOUR)] : [],
      words: bad ? "active, degraded, recovering" : "active",
      level: "raid1",
      metadata: "1.2",
      uuid: "c0ffee00:12345678:9abcdef0:00112233",
      size_bytes: 0.48 * TB,
      slots: 2,
      degraded: bad ? 1 : 0,
      mismatch_bytes: 0,
      members: bad
        ? [member("sda2", 0), member("sdb2", 1, "rebuilding", "info")]
        : [member("sda2", 0), member("sdb2", 1)],
      scans: bad
        ? [
            scan("recover", {
              state: "scanning",
              running: true,
              started_at: iso(now - HOUR),
              progress_ratio: 0.62,
              bytes_per_second: 118e6,
              remaining_seconds: 1540,
            }),
          ]
        : [],
      used_by: ["/"],
      state_since: since,
      since,
    },
  ];
}

export const controllersOf = (host, kind) =>
  kind === "none" || host.name !== "backup"
    ? []
    : [
        {
          id: `${host.name}:0000:03:00.0`,
          host: host.name,
          family: "MegaRAID",
          model: "LSI MegaRAID SAS 9260-8i",
          driver: "megaraid_sas",
          volumes: ["sda"],
          readable_disks: [],
          reason: "the disks behind this MegaRAID controller cannot be read: the kernel does not show them",
        },
      ];

/** What of it stands on the attention list. */
export function storageAttention(host, now, kind) {
  const line = (kindOf, subject, target) => (each) => ({
    severity: each.state,
    kind: kindOf,
    host: host.name,
    subject,
    target,
    message: each.message,
    since: each.since,
  });
  const told = ({ state }) => state === "critical" || state === "warning";
  return [
    ...disksOf(host, now, kind).flatMap((disk) => {
      const found = disk.findings.filter(told);
      const message = found.map((each) => each.message).join("; ");
      const entry = line("disk_failing", `disk ${disk.device}`, `disk:${disk.id}`);
      return found.slice(0, 1).map((each) => entry({ ...each, message }));
    }),
    ...poolsOf(host, now, kind).flatMap((each) =>
      each.findings.filter(told).map(line("pool_degraded", `pool ${each.name}`, `pool:${each.id}`)),
    ),
    ...arraysOf(host, now, kind).flatMap((each) =>
      each.findings.filter(told).map(line("array_degraded", `array ${each.name}`, `array:${each.id}`)),
    ),
  ];
}

/** Series of the disks' health. */
export function healthSeries(host, add) {
  for (const { device: name, rotational } of host.disks) {
    const device = healthDevice(name);
    const seed = hash(host.name + name);
    const base = 31 + seed * 14;
    add("smartctl_device_temperature", { device, temperature_type: "current" }, "gauge", (key, at) =>
      Math.round(gauge(key, base, 0.06, at)),
    );
    if (!rotational)
      add("hi_smart_wear_ratio", { device }, "gauge", (_key, at) => 0.02 + seed * 0.2 + at / 6e10);
    const ails = `${host.name} ${device}` === "nas1 sdb";
    add("hi_smart_reallocated_sectors", { device }, "gauge", () => (ails ? 2344 : 0));
    add("hi_smart_pending_sectors", { device }, "gauge", () => (ails ? 8 : 0));
    for (const [id, name, value, lowest, threshold, raw] of rotational ? ATTRIBUTES : [])
      for (const [type, number] of Object.entries({ value, worst: lowest, thresh: threshold, raw }))
        add(
          "smartctl_device_attribute",
          { device, attribute_id: String(id), attribute_name: name, attribute_value_type: type },
          "gauge",
          () => number,
        );
  }
}
