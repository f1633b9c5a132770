//! The series of filesystems.

use hi_common::metric::{MetricDef, Unit};

use crate::source::Readings;

use super::answers;
use super::filesystem::{Device, Filesystem};

const UUID: &[&str] = &["uuid"];
const DEVICE: &[&str] = &["uuid", "device", "btrfs_dev_uuid"];

static INFO: MetricDef = MetricDef::info("node_btrfs_info", &["uuid", "label"], "A mounted btrfs.");
static GLOBAL_RESERVE: MetricDef = MetricDef::gauge(
    "node_btrfs_global_rsv_size_bytes",
    Unit::Bytes,
    UUID,
    "Size of the global reserve, which keeps a full filesystem from locking up.",
);
static COMMITS: MetricDef =
    MetricDef::counter("node_btrfs_commits_total", Unit::None, UUID, "Commits of the filesystem.");
static COMMIT_LAST: MetricDef =
    MetricDef::gauge("node_btrfs_last_commit_seconds", Unit::Seconds, UUID, "How long the last commit took.");
static COMMIT_MAX: MetricDef = MetricDef::gauge(
    "node_btrfs_max_commit_seconds",
    Unit::Seconds,
    UUID,
    "How long the slowest commit took.",
);
static COMMIT_TIME: MetricDef = MetricDef::counter(
    "node_btrfs_commit_seconds_total",
    Unit::Seconds,
    UUID,
    "Time that all commits took, added up.",
);
static RESERVED: MetricDef = MetricDef::gauge(
    "node_btrfs_reserved_bytes",
    Unit::Bytes,
    &["uuid", "block_group_type"],
    "Space reserved for a type of content.",
);
static USED: MetricDef = MetricDef::gauge(
    "node_btrfs_used_bytes",
    Unit::Bytes,
    &["uuid", "block_group_type", "mode"],
    "Space in use by a type of content in a profile, one copy counted.",
);
static SIZE: MetricDef = MetricDef::gauge(
    "node_btrfs_size_bytes",
    Unit::Bytes,
    &["uuid", "block_group_type", "mode"],
    "Space given out to a type of content in a profile, one copy counted.",
);
static RATIO: MetricDef = MetricDef::gauge(
    "node_btrfs_allocation_ratio",
    Unit::Ratio,
    &["uuid", "block_group_type", "mode"],
    "Bytes on the devices for each byte of content.",
);
static DEVICE_SIZE: MetricDef =
    MetricDef::gauge("node_btrfs_device_size_bytes", Unit::Bytes, DEVICE, "Size of a device.");
static DEVICE_UNUSED: MetricDef = MetricDef::gauge(
    "node_btrfs_device_unused_bytes",
    Unit::Bytes,
    DEVICE,
    "Space of a device that is given out to nothing.",
);
static DEVICE_ERRORS: MetricDef = MetricDef::counter(
    "node_btrfs_device_errors_total",
    Unit::None,
    &["uuid", "device", "btrfs_dev_uuid", "type"],
    "Errors of a device: write, read, flush, corruption (wrong checksum or content), generation (a write that got lost).",
);
static DEVICES: MetricDef = MetricDef::gauge(
    "hi_btrfs_devices",
    Unit::None,
    &["uuid", "state"],
    "Devices of a filesystem that are present or missing.",
);
static DEVICE_MISSING: MetricDef = MetricDef::gauge(
    "hi_btrfs_device_missing",
    Unit::None,
    &["uuid", "devid"],
    "Whether a device is missing, by its number within the filesystem.",
);
static OPERATION: MetricDef = MetricDef::state(
    "hi_btrfs_exclusive_operation",
    &["uuid", "operation"],
    "Which of the operations runs of which there is but one at a time (Linux 5.10).",
);
static SCRUB_RUNNING: MetricDef =
    MetricDef::gauge("hi_btrfs_scrub_running", Unit::None, UUID, "Whether a scrub runs.");
static SCRUB_RATIO: MetricDef = MetricDef::gauge(
    "hi_btrfs_scrub_ratio",
    Unit::Ratio,
    UUID,
    "Part of all bytes in use that the running scrub has looked at.",
);
static SCRUB_BYTES: MetricDef = MetricDef::gauge(
    "hi_btrfs_scrub_bytes",
    Unit::Bytes,
    UUID,
    "Bytes that the running scrub has looked at, all copies counted.",
);
static SCRUB_ERRORS: MetricDef = MetricDef::gauge(
    "hi_btrfs_scrub_errors",
    Unit::None,
    &["uuid", "type"],
    "Errors that the running scrub has found, or else the last one.",
);
static SCRUB_LAST: MetricDef = MetricDef::gauge(
    "hi_btrfs_scrub_last_finished_timestamp_seconds",
    Unit::Seconds,
    UUID,
    "When the last scrub ended, whole or not.",
);

/// Words of `exclusive_operation`.
const OPERATIONS: [&str; 8] = [
    "none",
    "balance",
    "balance paused",
    "device add",
    "device remove",
    "device replace",
    "resize",
    "swap activate",
];

/// All of them.
pub(super) const METRICS: &[&MetricDef] = &[
    &INFO,
    &GLOBAL_RESERVE,
    &COMMITS,
    &COMMIT_LAST,
    &COMMIT_MAX,
    &COMMIT_TIME,
    &RESERVED,
    &USED,
    &SIZE,
    &RATIO,
    &DEVICE_SIZE,
    &DEVICE_UNUSED,
    &DEVICE_ERRORS,
    &DEVICES,
    &DEVICE_MISSING,
    &OPERATION,
    &SCRUB_RUNNING,
    &SCRUB_RATIO,
    &SCRUB_BYTES,
    &SCRUB_ERRORS,
    &SCRUB_LAST,
];

pub(super) fn push(found: &[Filesystem], out: &mut Readings) {
    push_space(found, out);
    push_devices(found, out);
    push_state(found, out);
}

fn push_space(found: &[Filesystem], out: &mut Readings) {
    for filesystem in found {
        out.push(&INFO, &[&filesystem.uuid, &filesystem.label], 1.0);
    }
    let mut each = |metric: &'static MetricDef, value: &dyn Fn(&Filesystem) -> f64| {
        for filesystem in found {
            out.push(metric, &[&filesystem.uuid], value(filesystem));
        }
    };
    let seconds = |ms: u64| ms as f64 / 1000.0;
    each(&GLOBAL_RESERVE, &|filesystem| filesystem.global_reserve_bytes.unwrap_or(0) as f64);
    each(&COMMITS, &|filesystem| filesystem.commits.count as f64);
    each(&COMMIT_LAST, &|filesystem| seconds(filesystem.commits.last_ms));
    each(&COMMIT_MAX, &|filesystem| seconds(filesystem.commits.max_ms));
    each(&COMMIT_TIME, &|filesystem| seconds(filesystem.commits.total_ms));
    let groups =
        || found.iter().flat_map(|filesystem| filesystem.groups.iter().map(move |group| (filesystem, group)));
    for (filesystem, group) in groups() {
        out.push(&RESERVED, &[&filesystem.uuid, &group.kind], group.reserved_bytes as f64);
    }
    for (metric, index) in [(&USED, 0), (&SIZE, 1), (&RATIO, 2)] {
        for (filesystem, group) in groups() {
            for profile in &group.profiles {
                let values =
                    [profile.used_bytes as f64, profile.total_bytes as f64, filesystem.ratio(&profile.name)];
                out.push(metric, &[&filesystem.uuid, &group.kind, &profile.name], values[index]);
            }
        }
    }
}

fn push_devices(found: &[Filesystem], out: &mut Readings) {
    for filesystem in found {
        // Where it could not be asked, sysfs has names and sizes.
        if filesystem.devices.iter().all(|device| device.size_bytes.is_none()) {
            for member in &filesystem.members {
                let size = member.size_bytes.unwrap_or(0);
                out.push(&DEVICE_SIZE, &[&filesystem.uuid, &member.name, ""], size as f64);
            }
        }
    }
    let devices = || {
        found.iter().flat_map(|filesystem| filesystem.devices.iter().map(move |device| (filesystem, device)))
    };
    for (filesystem, device) in devices() {
        if let Some(size) = device.size_bytes {
            out.push(&DEVICE_SIZE, &[&filesystem.uuid, &shown(device), &device.uuid], size as f64);
        }
    }
    for (filesystem, device) in devices() {
        if let Some(unused) = device.unused_bytes {
            out.push(&DEVICE_UNUSED, &[&filesystem.uuid, &shown(device), &device.uuid], unused as f64);
        }
    }
    for (filesystem, device) in devices() {
        for (kind, count) in device.errors.iter().flat_map(answers::Errors::by_type) {
            let labels = [filesystem.uuid.as_str(), &shown(device), &device.uuid, kind];
            out.push(&DEVICE_ERRORS, &labels, count as f64);
        }
    }
    for (filesystem, device) in devices() {
        let missing = if device.missing { 1.0 } else { 0.0 };
        out.push(&DEVICE_MISSING, &[&filesystem.uuid, &device.id.to_string()], missing);
    }
}

/// Name of a device; its number where it has none.
pub(super) fn shown(device: &Device) -> String {
    match device.name.as_str() {
        "" => format!("devid-{}", device.id),
        name => name.to_owned(),
    }
}

fn push_state(found: &[Filesystem], out: &mut Readings) {
    for filesystem in found {
        let missing = filesystem.missing();
        let present = filesystem.devices.len().max(filesystem.members.len()) - missing;
        out.push(&DEVICES, &[&filesystem.uuid, "present"], present as f64);
        out.push(&DEVICES, &[&filesystem.uuid, "missing"], missing as f64);
    }
    for filesystem in found.iter().filter(|filesystem| !filesystem.operation.is_empty()) {
        for word in OPERATIONS {
            let holds = if filesystem.operation == word { 1.0 } else { 0.0 };
            out.push(&OPERATION, &[&filesystem.uuid, word], holds);
        }
    }
    for filesystem in found {
        let scrub = filesystem.scrub;
        if !filesystem.scrub_denied {
            out.push(&SCRUB_RUNNING, &[&filesystem.uuid], if scrub.is_some() { 1.0 } else { 0.0 });
            for (metric, value) in [
                (&SCRUB_RATIO, filesystem.scrub_ratio()),
                (&SCRUB_BYTES, scrub.map(|scrub| scrub.bytes as f64)),
            ] {
                match value {
                    Some(value) => out.push(metric, &[&filesystem.uuid], value),
                    None => out.push_absent(metric, &[&filesystem.uuid]),
                }
            }
        }
        let found = scrub.or(filesystem.last_scrub.map(|last| last.found));
        for (kind, count) in found.iter().flat_map(answers::Scrub::by_type) {
            out.push(&SCRUB_ERRORS, &[&filesystem.uuid, kind], count as f64);
        }
        if let Some(last) = filesystem.last_scrub {
            out.push(&SCRUB_LAST, &[&filesystem.uuid], last.started.saturating_add(last.seconds) as f64);
        }
    }
}
