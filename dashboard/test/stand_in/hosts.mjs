// The homelab that the stand-in server shows. Times are Unix seconds.
import { containerAttention, containersOf } from "./containers.mjs";
import { deviceAttention, hottest, upsesOf } from "./devices.mjs";
import { counter, GIB, gauge, hash, present, seriesOf } from "./series.mjs";
import { disksOf, storageAttention } from "./storage.mjs";

const TB = 1000 ** 4;

const disk = (device, rate, size, rotational, model) => ({ device, rate, size, rotational, model });
const filesystem = (mountpoint, device, fstype, size, used) => ({ mountpoint, device, fstype, size, used });

function host(name, part) {
  return {
    name,
    id: `0b7c3a52-0000-5000-8000-${Math.floor(hash(name) * 2 ** 47)
      .toString(16)
      .padStart(12, "0")}`,
    os: "Debian GNU/Linux 12 (bookworm)",
    kernel: "6.1.0-28-amd64",
    architecture: "x86_64",
    cpus: 4,
    busy: 0.12,
    memory: 16 * GIB,
    memoryUsed: 0.5,
    swap: 2 * GIB,
    celsius: 48,
    booted: -8 * 86400,
    silentSince: null,
    firstSeen: Number.NEGATIVE_INFINITY,
    holes: [],
    failing: [],
    conflict: false,
    disks: [disk("sda", 900_000, 0.5 * TB, false, "Samsung SSD 870 EVO 500GB")],
    interfaces: [{ device: "eth0", rate: 220_000, address: "192.168.1.20" }],
    filesystems: [filesystem("/", "/dev/sda1", "ext4", 460 * GIB, 0.42)],
    ...part,
  };
}

function homelab(now) {
  return [
    host("nas1", {
      cpus: 8,
      busy: 0.21,
      memory: 64 * GIB,
      memoryUsed: 0.71,
      celsius: 52,
      booted: now - 41 * 86400,
      holes: [[now - 2400, now - 1860]],
      disks: [
        disk("nvme0n1", 2_400_000, TB, false, "WD Red SN700 1000GB"),
        ...["sda", "sdb", "sdc", "sdd"].map((name) =>
          disk(name, 9_000_000, 18 * TB, true, "TOSHIBA MG09ACA18TE"),
        ),
      ],
      interfaces: [
        { device: "eno1", rate: 24_000_000, address: "192.168.1.10" },
        { device: "eno2", rate: 1_500_000, address: "10.0.0.10" },
        { device: "docker0", rate: 40_000, address: "172.17.0.1" },
      ],
      filesystems: [
        filesystem("/", "/dev/nvme0n1p2", "ext4", 900 * GIB, 0.31),
        filesystem("/boot/efi", "/dev/nvme0n1p1", "vfat", 0.5 * GIB, 0.02),
        filesystem("/mnt/tank", "tank", "zfs", 48_000 * GIB, 0.964),
        filesystem("/mnt/tank/photos", "tank/photos", "zfs", 9_000 * GIB, 0.77),
      ],
    }),
    host("pve1", {
      os: "Debian GNU/Linux 12 (bookworm)",
      kernel: "6.8.12-4-pve",
      cpus: 16,
      busy: 0.37,
      memory: 128 * GIB,
      memoryUsed: 0.83,
      celsius: 61,
      booted: now - 12 * 86400,
      disks: [
        disk("nvme0n1", 5_000_000, 2 * TB, false, "Samsung SSD 990 PRO 2TB"),
        disk("nvme1n1", 4_000_000, 2 * TB, false, "Samsung SSD 990 PRO 2TB"),
      ],
      interfaces: [
        { device: "enp4s0", rate: 8_000_000, address: "192.168.1.11" },
        { device: "vmbr0", rate: 7_000_000, address: "192.168.1.11" },
      ],
      filesystems: [
        filesystem("/", "/dev/mapper/pve-root", "ext4", 94 * GIB, 0.58),
        filesystem("/var/lib/vz", "/dev/nvme1n1p1", "xfs", 1800 * GIB, 0.66),
      ],
    }),
    host("pve2", {
      kernel: "6.8.12-4-pve",
      cpus: 12,
      busy: 0.28,
      memory: 96 * GIB,
      memoryUsed: 0.62,
      celsius: 57,
      booted: now - 12 * 86400,
    }),
    host("pi-hole", {
      os: "Raspberry Pi OS 12",
      kernel: "6.6.51+rpt-rpi-v8",
      architecture: "aarch64",
      busy: 0.04,
      memory: 1.9 * GIB,
      memoryUsed: 0.34,
      celsius: 46,
      swap: 0,
      booted: now - 97 * 86400,
      disks: [disk("mmcblk0", 20_000, 0.032 * TB, false, null)],
      interfaces: [{ device: "end0", rate: 18_000, address: "192.168.1.2" }],
      filesystems: [filesystem("/", "/dev/mmcblk0p2", "ext4", 29 * GIB, 0.88)],
    }),
    host("home-assistant", {
      busy: 0.09,
      memory: 4 * GIB,
      memoryUsed: 0.58,
      celsius: 51,
      booted: now - 20 * 86400,
      failing: [["filesystem", "stalled", "timed out", "statfs /mnt/backup: no answer for 41 s"]],
    }),
    host("media", { busy: 0.44, cpus: 6, memoryUsed: 0.9, celsius: 66, booted: now - 3 * 86400 - 4 * 3600 }),
    host("router", {
      os: "OpenWrt 23.05",
      kernel: "5.15.167",
      architecture: "aarch64",
      cpus: 2,
      busy: 0.06,
      memory: 1 * GIB,
      memoryUsed: 0.28,
      celsius: null,
      booted: now - 203 * 86400,
      interfaces: [
        { device: "wan", rate: 3_000_000, address: "203.0.113.7" },
        { device: "br-lan", rate: 3_100_000, address: "192.168.1.1" },
      ],
    }),
    host("backup", { busy: 0.02, memoryUsed: 0.2, booted: now - 63 * 86400, silentSince: now - 795 }),
    host("desk-3f9a", {
      os: "Ubuntu 24.04.1 LTS",
      kernel: "6.8.0-49-generic",
      busy: 0.1,
      memoryUsed: 0.45,
      booted: now - 7200,
      conflict: true,
      firstSeen: now - 7200,
    }),
  ];
}

/** `count` hosts: the homelab, then as many more as are wanted. */
export function makeHosts(count, now) {
  const hosts = homelab(now).slice(0, count);
  while (hosts.length < count) {
    const name = `node-${String(hosts.length).padStart(3, "0")}`;
    hosts.push(
      host(name, {
        busy: hash(name) * 0.7,
        memoryUsed: 0.2 + hash(`${name}m`) * 0.6,
        booted: now - hash(`${name}b`) * 9e6,
      }),
    );
  }
  for (const each of hosts) each.series = seriesOf(each);
  return hosts;
}

const iso = (seconds) => new Date(seconds * 1000).toISOString();
const rate = (key, base, at) => (counter(key, base, at) - counter(key, base, at - 60)) / 60;

/** The last hour in minutes. */
function history(host, at, value) {
  return Array.from({ length: 60 }, (_, index) => {
    const then = at - (59 - index) * 60;
    return present(host, then) ? value(then) : null;
  });
}

const busyAt = (host, at) => Math.max(0, Math.min(1, rate(`${host.name}busy`, host.busy * 0.7, at)));
const trafficAt = (host, at) =>
  host.interfaces.reduce((sum, { device, rate: base }) => sum + rate(`${host.name}${device}`, base, at), 0);

/** What the overview says of containers and devices. */
function things(host, now, battery) {
  const containers = containersOf(host, now);
  const hot = hottest(host, now);
  const [ups] = upsesOf(host, now, battery);
  return {
    hottest_celsius: hot?.value ?? host.celsius,
    hottest_sensor: hot?.name ?? (host.celsius === null ? null : "cpu_thermal temp1"),
    container_count: containers.length,
    containers_running: containers.filter(({ state }) => state === "running").length,
    containers_unhealthy: containers.filter(({ health }) => health === "unhealthy").length,
    ups_on_battery: ups?.on_battery ?? null,
    ups_charge_ratio: ups?.battery_charge_ratio ?? null,
    gpu_count: host.name === "nas1" ? 1 : 0,
    gpu_busy_ratio: host.name === "nas1" ? 0.34 : null,
  };
}

export function summary(host, now, storage, battery) {
  const seen = host.silentSince ?? Math.floor(now / 10) * 10;
  const fullest = host.filesystems.reduce((most, each) => (each.used > most.used ? each : most));
  const traffic = trafficAt(host, seen);
  return {
    host: host.name,
    host_id: host.id,
    state: host.silentSince !== null ? "silent" : host.conflict ? "conflict" : "ok",
    os: host.os,
    kernel: host.kernel,
    architecture: host.architecture,
    agent_version: "0.1.0",
    first_seen: iso(Math.max(host.firstSeen, now - 40 * 86400)),
    last_seen: iso(seen),
    epoch_started: iso(host.booted + 30),
    boot_time: iso(host.booted),
    uptime_seconds: Math.round(seen - host.booted),
    cpu_count: host.cpus,
    cpu_busy_ratio: busyAt(host, seen),
    cpu_busy_history: history(host, now, (at) => busyAt(host, at)),
    load1: gauge(`${host.name}load`, host.cpus * host.busy * 1.2, 0.5, seen),
    memory_total_bytes: host.memory,
    memory_used_ratio: host.memoryUsed,
    filesystem_fullest: {
      mountpoint: fullest.mountpoint,
      device: fullest.device,
      size_bytes: fullest.size,
      avail_bytes: fullest.size * (1 - fullest.used),
      used_ratio: fullest.used,
    },
    network_receive_bytes_per_second: traffic * 0.7,
    network_transmit_bytes_per_second: traffic * 0.3,
    network_history: history(host, now, (at) => trafficAt(host, at)),
    disk_count: host.disks.length,
    disks_worst:
      ["critical", "warning"].find((state) =>
        disksOf(host, now, storage).some((disk) => disk.state === state),
      ) ?? "ok",
    ...things(host, now, battery),
    sources_failing: host.failing.length,
    attention: host.failing.length + (fullest.used > 0.9 ? 1 : 0),
  };
}

const SOURCES = [
  ["cpu", 10],
  ["memory", 10],
  ["load", 10],
  ["pressure", 10],
  ["filesystem", 30],
  ["disk", 10],
  ["network", 10],
  ["os", 60],
  ["processes", 30],
];

/** What exists on a host, by kind and id. */
export function factsOf(host, now) {
  const since = iso(Math.max(host.firstSeen, now - 40 * 86400));
  const disks = host.disks.map((each) => ({
    kind: "disk",
    id: each.device,
    since,
    doc: { model: each.model, size_bytes: each.size, rotational: each.rotational },
  }));
  const own = { os: host.os, kernel: host.kernel, addresses: host.interfaces.map(({ address }) => address) };
  return [...disks, { kind: "host", id: "host", since, doc: own }];
}

export function detail(host, now, storage) {
  const head = summary(host, now, storage);
  const at = host.silentSince ?? now;
  return {
    ...head,
    facts: factsOf(host, now).filter(({ kind }) => kind === "host"),
    fact_counts: { disk: host.disks.length, host: 1 },
    sources: SOURCES.map(([source, interval]) => {
      const failing = host.failing.find(([name]) => name === source);
      return {
        source,
        outcome: failing ? failing[1] : "read",
        reason: failing ? failing[2] : null,
        message: failing ? failing[3] : null,
        interval_seconds: interval,
        duration_seconds: failing ? 41 : 0.0003 + hash(source) * 0.003,
        last_read: iso((failing ? now - 2900 : at) - hash(source) * interval),
        since: iso(failing ? now - 2900 : now - 86400),
        series: 4 + Math.floor(hash(source) * 60),
      };
    }).concat({
      source: "hwmon",
      outcome: "absent",
      reason: null,
      message: null,
      interval_seconds: 30,
      duration_seconds: null,
      last_read: null,
      since: iso(now - 86400),
      series: 0,
    }),
    filesystems: host.filesystems.map((each) => ({
      mountpoint: each.mountpoint,
      device: each.device,
      fstype: each.fstype,
      size_bytes: each.size,
      avail_bytes: each.size * (1 - each.used),
      free_bytes: each.size * (1 - each.used),
      used_ratio: each.used,
      inodes: each.fstype === "vfat" ? 0 : 30_000_000,
      inodes_free: each.fstype === "vfat" ? 0 : 28_300_000,
      readonly: false,
      stalled: false,
    })),
    disks: host.disks.map((each) => ({
      device: each.device,
      model: each.model,
      serial: each.model === null ? null : `S${Math.floor(hash(host.name + each.device) * 1e9)}`,
      size_bytes: each.size,
      rotational: each.rotational,
      read_bytes_per_second: rate(`${host.name}r${each.device}`, each.rate, at),
      write_bytes_per_second: rate(`${host.name}w${each.device}`, each.rate * 0.7, at),
      reads_per_second: rate(`${host.name}r${each.device}`, each.rate / 40_000, at),
      writes_per_second: rate(`${host.name}w${each.device}`, each.rate / 30_000, at),
      busy_ratio: Math.min(1, rate(`${host.name}b${each.device}`, Math.min(0.28, each.rate / 4e7), at)),
    })),
    interfaces: [...host.interfaces, { device: "lo", rate: 900, address: "127.0.0.1" }].map((each) => ({
      device: each.device,
      operstate: each.device === "eno2" ? "down" : "up",
      speed_bytes_per_second: each.device === "lo" ? null : 125_000_000,
      address: `02:42:${Math.floor(hash(host.name + each.device) * 2 ** 32)
        .toString(16)
        .padStart(8, "0")
        .replace(/(..)(?=.)/g, "$1:")}`,
      receive_bytes_per_second: rate(`${host.name}${each.device}`, each.rate * 0.7, at),
      transmit_bytes_per_second: rate(`${host.name}${each.device}`, each.rate * 0.3, at),
      errors_total: each.device === "eno2" ? 14 : 0,
    })),
  };
}

export function attention(hosts, now, storage, battery) {
  const items = [];
  for (const host of hosts) {
    if (host.silentSince !== null) {
      items.push({
        severity: "critical",
        kind: "host_silent",
        host: host.name,
        subject: "",
        message: "is silent: no reading has arrived",
        since: iso(host.silentSince),
      });
    }
    for (const { mountpoint, used, size } of host.filesystems) {
      if (used > 0.85) {
        const left = Math.round((size * (1 - used)) / GIB);
        items.push({
          severity: used > 0.95 ? "critical" : "warning",
          kind: "filesystem_full",
          host: host.name,
          subject: mountpoint,
          message: `is ${Math.round(used * 100)} % full, ${left} GiB left`,
          since: iso(now - 50_000 * used),
        });
      }
    }
    for (const [source, outcome, reason, message] of host.failing) {
      items.push({
        severity: "warning",
        kind: outcome === "stalled" ? "filesystem_stalled" : "source_failing",
        host: host.name,
        subject: source,
        message: `${reason}: ${message}`,
        since: iso(now - 2900),
      });
    }
    items.push(...storageAttention(host, now, storage), ...containerAttention(host, now));
    items.push(...deviceAttention(host, now, battery));
    if (host.conflict) {
      items.push({
        severity: "warning",
        kind: "name_conflict",
        host: host.name,
        subject: "",
        message: "another machine claims the name desk",
        since: iso(now - 7200),
      });
    }
  }
  for (const item of items) item.target ??= null;
  const weight = { critical: 0, warning: 1, info: 2 };
  items.sort((left, right) => weight[left.severity] - weight[right.severity]);
  return { checked_at: iso(now), items };
}

/** A fixed history of events, newest first. */
export function events(hosts, now) {
  const kinds = [
    ["agent_started", "info", "agent 0.1.0 started"],
    ["host_booted", "warning", "the host was restarted"],
    ["source_failing", "warning", "filesystem: timed out"],
    ["source_recovered", "info", "filesystem is read again"],
    ["batches_lost", "critical", "12 batches were dropped: the spool was full"],
  ];
  return hosts
    .flatMap((host) =>
      Array.from({ length: 24 }, (_, index) => {
        const [type, severity, message] = kinds[Math.floor(hash(`${host.name}${index}`) * kinds.length)];
        const at =
          Math.floor(now / 3600) * 3600 - index * 31_000 * hash(`${index}${host.name}`) - 1300 * (index + 1);
        return {
          id: `${host.name}-${index}`,
          host: host.name,
          at: iso(at),
          type,
          severity,
          message,
          data: {},
        };
      }),
    )
    .sort((left, right) => right.at.localeCompare(left.at));
}
