//! What is told of pools, their devices, scans and datasets beside node_exporter's names.

use hi_common::metric::{MetricDef, Unit};

use super::datasets::Known;
use super::nvlist::List;
use super::pool::{Pool, STATES};
use super::properties::{number, ratio};
use super::scan::{self, Scan};
use super::status::is_healthy;
use super::vdev::{Class, Vdev};
use crate::source::Readings;

const POOL: &[&str] = &["pool"];
const POOL_STATE: &[&str] = &["pool", "state"];
const SCAN: &[&str] = &["pool", "function", "vdev"];
const VDEV: &[&str] = &["pool", "vdev", "class"];
const VDEV_STATE: &[&str] = &["pool", "vdev", "class", "state"];
const DATASET: &[&str] = &["pool", "dataset"];

/// Declares metrics, and all of them as an array.
macro_rules! metrics {
    ($($name:ident $labels:ident $constructor:ident $metric:literal $unit:ident $help:literal;)+) => {
        $(static $name: MetricDef = MetricDef::$constructor($metric, Unit::$unit, $labels, $help);)+
        /// Every metric of this file.
        pub(super) const METRICS: &[&MetricDef] = &[&MODULE, $(&$name),+];
    };
}

static MODULE: MetricDef = MetricDef::info(
    "hi_zfs_module_info",
    &["version", "understood"],
    "The kernel's OpenZFS; understood is false for a version that this agent does not know: it reads what it recognises.",
);

metrics! {
    POOL_STATES POOL_STATE gauge "hi_zfs_pool_state" None "1 for the state that a pool is in, 0 for the others.";
    POOL_HEALTHY POOL gauge "hi_zfs_pool_healthy" None "1 when a pool is online and nothing is wrong with it, a running resilver aside; the fact of the pool says what is.";
    SIZE POOL gauge "hi_zfs_pool_size_bytes" Bytes "Size of a pool, parity included for raidz, as zpool list shows it.";
    ALLOCATED POOL gauge "hi_zfs_pool_allocated_bytes" Bytes "Used part of a pool.";
    FREE POOL gauge "hi_zfs_pool_free_bytes" Bytes "Unused part of a pool.";
    FREEING POOL gauge "hi_zfs_pool_freeing_bytes" Bytes "What is still being freed in the background.";
    LEAKED POOL gauge "hi_zfs_pool_leaked_bytes" Bytes "What was lost to an interrupted destruction of a damaged dataset.";
    EXPANDABLE POOL gauge "hi_zfs_pool_expandable_bytes" Bytes "What the devices have beyond what the pool uses of them.";
    CHECKPOINT POOL gauge "hi_zfs_pool_checkpoint_bytes" Bytes "What a checkpoint holds.";
    FRAGMENTATION POOL gauge "hi_zfs_pool_fragmentation_ratio" Ratio "How fragmented the free space of a pool is.";
    DEDUP POOL gauge "hi_zfs_pool_dedup_ratio" None "Bytes before deduplication by bytes after it: 1 without any.";
    COMPRESSION POOL gauge "hi_zfs_pool_compression_ratio" None "Bytes before compression by bytes after it, of all datasets of a pool.";
    READONLY POOL gauge "hi_zfs_pool_readonly" None "Whether a pool is imported read-only.";
    DATA_ERRORS POOL gauge "hi_zfs_pool_data_errors" None "Damage that could not be repaired: blocks or files that are lost.";
    READS POOL counter "hi_zfs_pool_reads_completed_total" None "Reads of a pool's devices.";
    WRITES POOL counter "hi_zfs_pool_writes_completed_total" None "Writes to a pool's devices.";
    READ_BYTES POOL counter "hi_zfs_pool_read_bytes_total" Bytes "Bytes read of a pool's devices.";
    WRITTEN_BYTES POOL counter "hi_zfs_pool_written_bytes_total" Bytes "Bytes written to a pool's devices.";
    SCAN_RUNNING SCAN gauge "hi_zfs_scan_running" None "1 while a scrub, resilver, error_scrub, rebuild (sequential resilver), expand or remove runs or is paused; vdev is empty when it goes over the whole pool.";
    SCAN_PAUSED SCAN gauge "hi_zfs_scan_paused" None "1 while it is paused.";
    SCAN_PROGRESS SCAN gauge "hi_zfs_scan_progress_ratio" Ratio "Part that is done; 1 when the last one finished.";
    SCAN_DONE SCAN gauge "hi_zfs_scan_done_bytes" Bytes "Bytes done; blocks of an error_scrub.";
    SCAN_TOTAL SCAN gauge "hi_zfs_scan_total_bytes" Bytes "Bytes to do, those done included; blocks of an error_scrub.";
    SCAN_RATE SCAN gauge "hi_zfs_scan_rate_bytes_per_second" BytesPerSecond "How fast it goes, while it runs.";
    SCAN_REMAINING SCAN gauge "hi_zfs_scan_remaining_seconds" Seconds "When it will be done at this rate; without value when that is too slow to tell.";
    SCAN_REPAIRED SCAN gauge "hi_zfs_scan_repaired_bytes" Bytes "Bytes repaired or resilvered.";
    SCAN_ERRORS SCAN gauge "hi_zfs_scan_errors" None "Errors it could not repair.";
    SCAN_STARTED SCAN gauge "hi_zfs_scan_started_timestamp_seconds" Seconds "When it began.";
    SCAN_FINISHED SCAN gauge "hi_zfs_scan_finished_timestamp_seconds" Seconds "When it ended or was cancelled; without value while it runs.";
    VDEV_STATES VDEV_STATE gauge "hi_zfs_vdev_state" None "1 for the state that a device is in, 0 for the others; spares have avail and inuse.";
    VDEV_READ_ERRORS VDEV counter "hi_zfs_vdev_read_errors_total" None "Reads of a device that failed, since the pool was imported or cleared.";
    VDEV_WRITE_ERRORS VDEV counter "hi_zfs_vdev_write_errors_total" None "Writes to a device that failed.";
    VDEV_CHECKSUM_ERRORS VDEV counter "hi_zfs_vdev_checksum_errors_total" None "Blocks of a device that were not what was written.";
    VDEV_SLOW VDEV counter "hi_zfs_vdev_slow_ios_total" None "I/Os of a device that took longer than 30 seconds.";
    VDEV_SIZE VDEV gauge "hi_zfs_vdev_size_bytes" Bytes "Size of a device that a pool is made of directly, or of a cache.";
    VDEV_ALLOCATED VDEV gauge "hi_zfs_vdev_allocated_bytes" Bytes "Used part of it.";
    VDEV_FRAGMENTATION VDEV gauge "hi_zfs_vdev_fragmentation_ratio" Ratio "How fragmented its free space is.";
    DATASETS POOL gauge "hi_zfs_datasets" None "Filesystems and volumes of a pool that are told.";
    TRUNCATED POOL gauge "hi_zfs_datasets_truncated" None "1 when there are more than are told.";
    USED DATASET gauge "hi_zfs_dataset_used_bytes" Bytes "Space that a dataset takes, snapshots and children included.";
    AVAILABLE DATASET gauge "hi_zfs_dataset_available_bytes" Bytes "Space that is left for it.";
    BY_SNAPSHOTS DATASET gauge "hi_zfs_dataset_used_by_snapshots_bytes" Bytes "What would be free without its snapshots, where it has any.";
    QUOTA DATASET gauge "hi_zfs_dataset_quota_bytes" Bytes "Its quota, where it has one.";
    COMPRESSED DATASET gauge "hi_zfs_dataset_compression_ratio" None "Bytes before compression by bytes after it, of a dataset and its children.";
    KEY DATASET gauge "hi_zfs_dataset_key_available" None "Whether the key of an encrypted dataset is loaded.";
    SNAPSHOTS DATASET gauge "hi_zfs_dataset_snapshots" None "Snapshots it has.";
    NEWEST DATASET gauge "hi_zfs_dataset_newest_snapshot_timestamp_seconds" Seconds "When the newest of them was made.";
}

/// States of a device that are told, in lower case; a state beyond them counts as none of them.
const VDEV_STATE_WORDS: [&str; 6] = ["online", "degraded", "faulted", "offline", "removed", "unavail"];
/// Those of a spare.
const SPARE_STATE_WORDS: [&str; 6] = ["avail", "inuse", "faulted", "offline", "removed", "unavail"];

fn flag(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

/// Pushes which OpenZFS there is.
pub(super) fn push_module(version: &str, understood: bool, out: &mut Readings) {
    out.push(&MODULE, &[version, if understood { "true" } else { "false" }], 1.0);
}

/// Pushes all of a pool but its datasets. `now` is Unix seconds, `None` in a capture; `properties` are the pool's, empty
/// when it cannot be asked for them.
pub(super) fn push_pool(pool: &Pool, properties: &List, now: Option<u64>, out: &mut Readings) {
    let labels = [pool.name.as_str()];
    for state in STATES {
        out.push(&POOL_STATES, &[&pool.name, state], flag(pool.state_word().eq_ignore_ascii_case(state)));
    }
    out.push(&POOL_HEALTHY, &labels, flag(is_healthy(pool)));
    push_capacity(pool, properties, out);
    if let Some(errors) = pool.data_errors {
        out.push(&DATA_ERRORS, &labels, errors as f64);
    }
    if let Some(stats) = &pool.root.stats {
        out.push(&READS, &labels, stats.reads as f64);
        out.push(&WRITES, &labels, stats.writes as f64);
        out.push(&READ_BYTES, &labels, stats.read_bytes as f64);
        out.push(&WRITTEN_BYTES, &labels, stats.written_bytes as f64);
    }
    for scan in &pool.scans {
        push_scan(&pool.name, scan, now, out);
    }
    let mut names: Vec<(&str, Class)> = Vec::new();
    pool.walk(&mut |vdev, depth| {
        let name = (vdev.name.as_str(), vdev.class);
        let class = vdev.class.word();
        // Two disks that were at the same place one after the other have the same name.
        if names.contains(&name) {
            push_vdev(&[&pool.name, &vdev.guid.to_string(), class], vdev, depth, out);
        } else {
            names.push(name);
            push_vdev(&[&pool.name, name.0, class], vdev, depth, out);
        }
    });
}

fn push_capacity(pool: &Pool, properties: &List, out: &mut Readings) {
    let labels = [pool.name.as_str()];
    let root = pool.root.stats.unwrap_or_default();
    let size = number(properties, "size").unwrap_or(root.space_bytes);
    let allocated = number(properties, "allocated").unwrap_or(root.alloc_bytes);
    out.push(&SIZE, &labels, size as f64);
    out.push(&ALLOCATED, &labels, allocated as f64);
    out.push(&FREE, &labels, number(properties, "free").unwrap_or(size.saturating_sub(allocated)) as f64);
    for (metric, name) in [(&FREEING, "freeing"), (&LEAKED, "leaked"), (&EXPANDABLE, "expandsize")] {
        if let Some(bytes) = number(properties, name) {
            // The largest number stands for "unknown".
            out.push(metric, &labels, if bytes == u64::MAX { 0.0 } else { bytes as f64 });
        }
    }
    if let Some(bytes) = number(properties, "checkpoint").or(pool.checkpoint_bytes) {
        out.push(&CHECKPOINT, &labels, bytes as f64);
    }
    if let Some(percent) = number(properties, "fragmentation").filter(|&percent| percent <= 100) {
        out.push(&FRAGMENTATION, &labels, percent as f64 / 100.0);
    }
    if let Some(ratio) = ratio(properties, "dedupratio") {
        out.push(&DEDUP, &labels, ratio);
    }
    if let Some(readonly) = number(properties, "readonly") {
        out.push(&READONLY, &labels, flag(readonly == 1));
    }
}

fn push_scan(pool: &str, scan: &Scan, now: Option<u64>, out: &mut Readings) {
    let labels = [pool, scan.function, &scan.vdev];
    let running = [scan::State::Scanning, scan::State::Paused].contains(&scan.state);
    out.push(&SCAN_RUNNING, &labels, flag(running));
    out.push(&SCAN_PAUSED, &labels, flag(scan.state == scan::State::Paused));
    out.push(&SCAN_PROGRESS, &labels, scan.progress());
    out.push(&SCAN_DONE, &labels, scan.done as f64);
    out.push(&SCAN_TOTAL, &labels, scan.total as f64);
    // The same series whether it runs or not.
    let mut push = |metric, value: Option<f64>| match value {
        Some(value) => out.push(metric, &labels, value),
        None => out.push_absent(metric, &labels),
    };
    push(&SCAN_RATE, now.and_then(|now| scan.rate(now)));
    push(&SCAN_REMAINING, now.and_then(|now| scan.remaining_seconds(now)));
    push(&SCAN_REPAIRED, scan.repaired_bytes.map(|bytes| bytes as f64));
    push(&SCAN_ERRORS, scan.errors.map(|errors| errors as f64));
    push(&SCAN_STARTED, Some(scan.started_at as f64));
    push(&SCAN_FINISHED, scan.finished_at.map(|at| at as f64));
}

fn push_vdev(labels: &[&str; 3], vdev: &Vdev, depth: usize, out: &mut Readings) {
    let state = vdev.state_word();
    let words = if vdev.class == Class::Spare { SPARE_STATE_WORDS } else { VDEV_STATE_WORDS };
    for word in words {
        let labels = [labels[0], labels[1], labels[2], word];
        out.push(&VDEV_STATES, &labels, flag(state.eq_ignore_ascii_case(word)));
    }
    let Some(stats) = &vdev.stats else { return };
    out.push(&VDEV_READ_ERRORS, labels, stats.read_errors as f64);
    out.push(&VDEV_WRITE_ERRORS, labels, stats.write_errors as f64);
    out.push(&VDEV_CHECKSUM_ERRORS, labels, stats.checksum_errors as f64);
    if let (Some(slow), []) = (stats.slow_ios, vdev.children.as_slice()) {
        out.push(&VDEV_SLOW, labels, slow as f64);
    }
    if stats.space_bytes > 0 {
        out.push(&VDEV_SIZE, labels, stats.space_bytes as f64);
        out.push(&VDEV_ALLOCATED, labels, stats.alloc_bytes as f64);
    }
    if let (Some(percent), 1, true) = (stats.fragmentation_percent, depth, stats.space_bytes > 0) {
        out.push(&VDEV_FRAGMENTATION, labels, percent as f64 / 100.0);
    }
}

/// Pushes how many datasets of a pool are told, and the compression of all.
pub(super) fn push_datasets(pool: &str, known: &[Known], truncated: bool, out: &mut Readings) {
    out.push(&DATASETS, &[pool], known.len() as f64);
    out.push(&TRUNCATED, &[pool], flag(truncated));
    if let Some(ratio) = known.first().filter(|root| *root.name == *pool).and_then(|root| root.compress_ratio)
    {
        out.push(&COMPRESSION, &[pool], ratio);
    }
    for dataset in known {
        push_dataset(pool, dataset, out);
    }
}

fn push_dataset(pool: &str, dataset: &Known, out: &mut Readings) {
    let labels = [pool, &dataset.name];
    out.push(&USED, &labels, dataset.used_bytes as f64);
    out.push(&AVAILABLE, &labels, dataset.available_bytes as f64);
    let counts = [
        (&BY_SNAPSHOTS, dataset.used_by_snapshots_bytes),
        (&QUOTA, dataset.quota_bytes),
        (&SNAPSHOTS, dataset.snapshots),
        (&NEWEST, dataset.newest_at),
        (&KEY, dataset.key_available.map(u64::from)),
    ];
    if let Some(ratio) = dataset.compress_ratio {
        out.push(&COMPRESSED, &labels, ratio);
    }
    for (metric, value) in counts {
        if let Some(value) = value {
            out.push(metric, &labels, value as f64);
        }
    }
}
