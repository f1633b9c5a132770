//! Disks: the facts `disk` of the source block and `disk_health` of the source smart, and what smart reads.

use std::collections::{BTreeMap, HashMap};

use crate::moment::Time;
use crate::store::{MetricRow, StandingFact};

use super::relations::Relations;
use super::view::{StorageAttribute, StorageDisk, StorageDiskDetail, StorageState};
use super::{HostStorage, disk_findings, worst_of};
use crate::doc::Doc;
use crate::latest::Thing;
use crate::readings;

/// Labels that name a disk, not a reading of it.
const NAMING: [&str; 5] = ["device", "model_family", "model_name", "serial_number", "disk"];
/// Metrics that have a table of their own, or say nothing.
const OWN_TABLES: [&str; 2] = ["smartctl_device_attribute", "smartctl_device"];
/// Attributes of ATA disks that count errors, by number. All makers use these so.
const COUNTING: [(u32, &str); 3] =
    [(187, "reported_uncorrectable"), (198, "uncorrectable_sectors"), (199, "crc_errors")];
/// Metrics that count errors.
const COUNTED: [(&str, &str); 7] = [
    ("hi_smart_reallocated_sectors", "reallocated_sectors"),
    ("hi_smart_pending_sectors", "pending_sectors"),
    ("smartctl_device_media_errors", "media_errors"),
    ("smartctl_read_total_uncorrected_errors", "uncorrected_reads"),
    ("smartctl_write_total_uncorrected_errors", "uncorrected_writes"),
    ("hi_smart_verify_uncorrected_errors", "uncorrected_verifies"),
    ("hi_smart_errors_logged_total", "log_entries"),
];
/// Kinds of temperature that are limits of the disk's own, the first that there is.
const LIMITS: [&str; 3] = ["op_limit_max", "critical_limit_max", "drive_trip"];
/// Errors that say nothing of the medium: those of the cable, and refused commands.
const HARMLESS: [&str; 2] = ["crc_errors", "log_entries"];

/// All disks of a host, by name. One that smart alone tells of is shown as well.
pub(super) fn disks(host: &HostStorage<'_>, relations: &Relations<'_>) -> Vec<StorageDisk> {
    let mut found: Vec<StorageDisk> = keys(host).into_iter().map(|key| disk(host, relations, key)).collect();
    found.sort_by(|a, b| (a.device.len(), &a.device, &a.key).cmp(&(b.device.len(), &b.device, &b.key)));
    found
}

fn keys<'a>(host: &HostStorage<'a>) -> Vec<&'a str> {
    let mut keys: Vec<&str> =
        host.of("disk").chain(host.of("disk_health")).map(|standing| standing.fact.id.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn find<'a>(host: &HostStorage<'a>, kind: &str, key: &str) -> Option<&'a StandingFact> {
    host.of(kind).find(|standing| standing.fact.id == key)
}

fn disk(host: &HostStorage<'_>, relations: &Relations<'_>, key: &str) -> StorageDisk {
    let (fact, health) = (find(host, "disk", key), find(host, "disk_health", key));
    let null = serde_json::Value::Null;
    let doc = Doc(fact.map_or(&null, |standing| &standing.fact.doc));
    let told = Doc(health.map_or(&null, |standing| &standing.fact.doc));
    let text = |name: &str| doc.text(name).or_else(|| told.text(name));
    let device = text("device").unwrap_or_else(|| key.to_owned());
    let name = health_device(&device);
    let known = host.latest.of(&name);
    let passed = told.flag("passed").or(known.value("smartctl_device_smart_status").map(|value| value > 0.0));
    let percent = |metric: &str| known.value(metric).map(|percent| percent / 100.0);
    let attributes = attributes(known);
    let errors = errors(known, &attributes);
    let mut disk = StorageDisk {
        id: host.id(key),
        host: host.host.to_owned(),
        host_silent: host.silent,
        key: key.to_owned(),
        model: text("model"),
        serial: text("serial"),
        wwn: text("wwn"),
        vendor: text("vendor"),
        firmware: doc.first(&["revision", "firmware"]).or_else(|| told.first(&["revision", "firmware"])),
        size_bytes: doc.number("size_bytes").or(known.value("smartctl_device_capacity_bytes")),
        rotational: doc.flag("rotational"),
        removable: doc.flag("removable"),
        transport: text("transport"),
        path: text("path"),
        enclosure: text("enclosure"),
        slot: text("slot"),
        used_by: relations.used_by(&device),
        protocol: told.text("protocol"),
        verdict: told
            .text("verdict")
            .or_else(|| passed.map(|passed| (if passed { "PASSED" } else { "FAILED" }).to_owned())),
        passed,
        unreadable: told.text("reason"),
        temperature_celsius: temperature(known, &["current", ""]),
        temperature_limit_celsius: temperature(known, &LIMITS).filter(|celsius| *celsius > 0.0),
        power_on_seconds: known.value("smartctl_device_power_on_seconds"),
        power_cycles: known.value("smartctl_device_power_cycle_count"),
        wear_ratio: known.value("hi_smart_wear_ratio").or(percent("smartctl_device_percentage_used")),
        spare_ratio: percent("smartctl_device_available_spare"),
        spare_threshold_ratio: percent("smartctl_device_available_spare_threshold"),
        error_count: error_count(&errors),
        errors,
        standby: standby(known),
        last_read: last_read(known),
        since: fact.or(health).map(|standing| Time(standing.fact.since)),
        health_device: name,
        device,
        ..StorageDisk::default()
    };
    let since = health.map_or(0, |standing| standing.state_since);
    disk.findings = disk_findings::findings(&disk, &attributes, known, told, since);
    let unknown = disk.passed.is_none() && disk.last_read.is_none();
    disk.state = worst_of(&disk.findings, if unknown { StorageState::Unknown } else { StorageState::Ok });
    disk
}

/// What smartctl_exporter calls a disk in its labels: of an NVMe disk the controller (`nvme0` of `nvme0n1`), and no slashes.
fn health_device(device: &str) -> String {
    let controller = || {
        let number = device.strip_prefix("nvme")?;
        let end = number.find(|c: char| !c.is_ascii_digit())?;
        (end > 0 && number[end..].starts_with('n')).then(|| device[.."nvme".len() + end].to_owned())
    };
    controller().unwrap_or_else(|| device.replace('/', "_"))
}

fn temperature(known: Thing<'_>, kinds: &[&str]) -> Option<f64> {
    const METRIC: &str = "smartctl_device_temperature";
    kinds.iter().find_map(|kind| known.labelled(METRIC, "temperature_type", kind))
}

/// Whether it sleeps: by the power it has, or because it was left asleep.
fn standby(known: Thing<'_>) -> Option<bool> {
    let sleeps = |metric: &str| known.labelled(metric, "state", "standby").map(|value| value > 0.0);
    match (sleeps("hi_smart_power_state"), sleeps("hi_smart_state")) {
        (None, None) => None,
        (power, state) => Some(power == Some(true) || state == Some(true)),
    }
}

/// A disk that was not asked is told again as it was, with the age of that.
fn last_read(known: Thing<'_>) -> Option<Time> {
    let at = known.last_read("smartctl_")?;
    let age_ms = known.value("hi_smart_reading_age_seconds").unwrap_or(0.0) * 1000.0;
    Some(Time(at - age_ms as i64))
}

/// Errors that are counted, by kind.
fn errors(known: Thing<'_>, attributes: &[StorageAttribute]) -> BTreeMap<String, f64> {
    let mut errors = BTreeMap::new();
    for (id, kind) in COUNTING {
        let raw = attributes.iter().find(|attribute| attribute.id == id).and_then(|attribute| attribute.raw);
        errors.extend(raw.map(|raw| (kind.to_owned(), raw)));
    }
    for (metric, kind) in COUNTED {
        errors.extend(known.value(metric).map(|count| (kind.to_owned(), count)));
    }
    errors
}

/// Errors of the medium, all kinds together.
fn error_count(errors: &BTreeMap<String, f64>) -> Option<f64> {
    let mut of_medium = errors.iter().filter(|(kind, _)| !HARMLESS.contains(&kind.as_str())).peekable();
    of_medium.peek()?;
    Some(of_medium.map(|(_, count)| count).sum())
}

/// Attributes of an ATA disk, by number.
fn attributes(known: Thing<'_>) -> Vec<StorageAttribute> {
    let mut table: BTreeMap<(u32, String), StorageAttribute> = BTreeMap::new();
    for value in known.all("smartctl_device_attribute") {
        let Ok(id) = value.label("attribute_id").parse() else { continue };
        let name = value.label("attribute_name").to_owned();
        let row = table.entry((id, name)).or_insert_with_key(|(id, name)| StorageAttribute {
            id: *id,
            name: name.clone(),
            prefailure: value.label("attribute_flags_long").contains("prefailure")
                || value.label("attribute_flags_short").starts_with('P'),
            ..StorageAttribute::default()
        });
        match value.label("attribute_value_type") {
            "value" => row.value = Some(value.value),
            "worst" => row.worst = Some(value.value),
            "thresh" => row.threshold = Some(value.value),
            "raw" => row.raw = Some(value.value),
            _ => {}
        }
    }
    let mut rows: Vec<StorageAttribute> = table.into_values().collect();
    for row in &mut rows {
        let below =
            |value: Option<f64>| value.zip(row.threshold).is_some_and(|(v, limit)| limit > 0.0 && v <= limit);
        row.failed = match (below(row.value), below(row.worst)) {
            (true, _) => Some("now".to_owned()),
            (_, true) => Some("past".to_owned()),
            _ => None,
        };
    }
    rows
}

/// One disk with its attributes, readings and logs.
pub(super) fn detail(
    host: &HostStorage<'_>,
    relations: &Relations<'_>,
    key: &str,
    metrics: &HashMap<String, MetricRow>,
) -> Option<StorageDiskDetail> {
    if !keys(host).contains(&key) {
        return None;
    }
    let disk = disk(host, relations, key);
    let known = host.latest.of(&disk.health_device);
    let facts: BTreeMap<_, _> = super::DISK_FACT_KINDS
        .iter()
        .filter_map(|kind| Some(((*kind).to_owned(), find(host, kind, key)?.fact.doc.clone())))
        .collect();
    let null = serde_json::Value::Null;
    let told = Doc(facts.get("disk_health").unwrap_or(&null));
    let log = |key: &str| told.list(key).map(Doc::fields).collect();
    Some(StorageDiskDetail {
        attributes: attributes(known),
        readings: readings::list(known, metrics, &["smartctl_", "hi_smart_"], &NAMING, &OWN_TABLES),
        self_tests: log("self_tests"),
        error_log: log("errors"),
        history: Vec::new(),
        places: Vec::new(),
        facts,
        disk,
    })
}
