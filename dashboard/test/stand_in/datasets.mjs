// The datasets of a pool of ZFS. Times are Unix seconds.
import { gauge, hash } from "./series.mjs";

const iso = (seconds) => new Date(seconds * 1000).toISOString();
const GIB = 1024 ** 3;
const DAY = 86_400;

const dataset = (name, part) => ({
  name,
  type: "filesystem",
  mountpoint: `/${name}`,
  origin: null,
  used_bytes: 0,
  available_bytes: 9_000 * GIB,
  used_by_snapshots_bytes: 0,
  quota_bytes: null,
  refquota_bytes: null,
  reservation_bytes: null,
  size_bytes: null,
  compression_ratio: 1,
  encryption: null,
  key_available: null,
  readonly: false,
  snapshots: 0,
  newest_snapshot_at: null,
  created_at: iso(1_600_000_000),
  ...part,
});

const snapshots = (count, at) => ({ snapshots: count, newest_snapshot_at: iso(at) });

/** What a homelab has; a pool may have many more. */
function usual(pool, now) {
  const hourly = snapshots(96, now - 1_900);
  const daily = snapshots(31, now - DAY / 2);
  return [
    dataset(pool, { mountpoint: "none", used_bytes: 41_700 * GIB, compression_ratio: 1.34 }),
    dataset(`${pool}/backup`, { used_bytes: 11_900 * GIB, compression_ratio: 1.71, ...daily }),
    dataset(`${pool}/backup/laptop`, {
      used_bytes: 1_870 * GIB,
      quota_bytes: 2_000 * GIB,
      available_bytes: 130 * GIB,
      compression_ratio: 1.8,
      ...daily,
    }),
    dataset(`${pool}/backup/offsite`, {
      used_bytes: 9_400 * GIB,
      encryption: "aes-256-gcm",
      key_available: false,
      readonly: true,
      ...snapshots(12, now - 8 * DAY),
    }),
    dataset(`${pool}/home`, {
      used_bytes: 812 * GIB,
      encryption: "aes-256-gcm",
      key_available: true,
      compression_ratio: 1.22,
      ...hourly,
    }),
    dataset(`${pool}/home/ann`, {
      used_bytes: 590 * GIB,
      quota_bytes: 800 * GIB,
      available_bytes: 210 * GIB,
      encryption: "aes-256-gcm",
      key_available: true,
      compression_ratio: 1.2,
      used_by_snapshots_bytes: 41 * GIB,
      ...hourly,
    }),
    dataset(`${pool}/media`, { used_bytes: 27_800 * GIB, compression_ratio: 1.01 }),
    dataset(`${pool}/vm-100-disk-0`, {
      type: "volume",
      mountpoint: null,
      size_bytes: 64 * GIB,
      used_bytes: 66 * GIB,
      compression_ratio: 1.9,
      ...hourly,
    }),
  ];
}

export function datasetsOf(pool, now, count) {
  if (pool.type !== "zfs") return [];
  const vms = dataset(`${pool.name}/vms`, { used_bytes: 600 * GIB });
  const all = [...usual(pool.name, now), vms].slice(0, count);
  for (let index = 0; all.length < count; index += 1) {
    const name = `${pool.name}/vms/vm-${String(index).padStart(4, "0")}`;
    all.push(
      dataset(name, {
        used_bytes: gauge(name, 40 * GIB, 0.5, now),
        compression_ratio: 1 + hash(name),
        ...snapshots(Math.floor(hash(`${name}s`) * 60), now - hash(`${name}n`) * DAY),
      }),
    );
  }
  return all;
}

const POOLS = { nas1: ["tank", 72e12, 51e12], pve1: ["rpool", 2e12, 0.9e12] };

/** Series of a host's pool and of those of its datasets that a homelab has. */
export function poolSeries(host, add) {
  const [pool, size, used] = POOLS[host.name] ?? [];
  if (pool === undefined) return;
  const grows = (bytes) => (_key, at) => bytes * (1 + 0.02 * Math.sin(at / 400_000));
  add("hi_zfs_pool_size_bytes", { pool }, "gauge", () => size);
  add("hi_zfs_pool_allocated_bytes", { pool }, "gauge", grows(used));
  add("hi_zfs_pool_fragmentation_ratio", { pool }, "gauge", grows(0.11));
  for (const each of usual(pool, 0)) {
    const labels = { pool, dataset: each.name };
    add("hi_zfs_dataset_used_bytes", labels, "gauge", grows(each.used_bytes));
    add("hi_zfs_dataset_used_by_snapshots_bytes", labels, "gauge", () => each.used_by_snapshots_bytes);
    if (each.quota_bytes !== null) add("hi_zfs_dataset_quota_bytes", labels, "gauge", () => each.quota_bytes);
  }
}
