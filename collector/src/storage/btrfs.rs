//! Filesystems of btrfs: the fact `btrfs` of the source of that name. They are pools: one thing over several devices, with
//! redundancy and checksums of its own.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::moment::Time;
use crate::store::StandingFact;

use super::relations::Relations;
use super::view::{StorageFinding, StoragePool, StoragePoolType, StorageScan, StorageState, StorageVdev};
use super::{HostStorage, sort_worst_first, worst_of};
use crate::doc::Doc;
use crate::latest::Thing;

pub(super) fn pool(
    host: &HostStorage<'_>,
    relations: &Relations<'_>,
    standing: &StandingFact,
) -> StoragePool {
    let fact = &standing.fact;
    let doc = Doc(&fact.doc);
    let known = host.latest.of(&fact.id);
    let vdevs: Vec<StorageVdev> = doc.list("devices").map(|part| device(relations, known, part)).collect();
    let space = space(known);
    // Copies count: a mirror of two takes twice the bytes.
    let used =
        (!space.is_empty()).then(|| space.iter().map(|part| part.used_bytes * part.copies).sum::<f64>());
    let sizes: Vec<f64> = known.all("node_btrfs_device_size_bytes").map(|value| value.value).collect();
    let told = || vdevs.iter().map(|vdev| vdev.size_bytes).sum::<Option<f64>>();
    let size =
        Some(sizes.iter().sum::<f64>()).filter(|size| *size > 0.0).or_else(told).filter(|size| *size > 0.0);
    let findings = findings(standing, doc, &vdevs);
    let mut mountpoints: Vec<String> = doc.texts("mountpoints").map(str::to_owned).collect();
    if mountpoints.is_empty() {
        mountpoints = vdevs
            .iter()
            .filter_map(|vdev| vdev.device.as_deref())
            .flat_map(|d| relations.mountpoints(d))
            .collect();
        mountpoints.sort();
        mountpoints.dedup();
    }
    StoragePool {
        id: host.id(&fact.id),
        host: host.host.to_owned(),
        host_silent: host.silent,
        kind: StoragePoolType::Btrfs,
        name: doc.text("label").or_else(|| mountpoints.first().cloned()).unwrap_or_else(|| fact.id.clone()),
        guid: Some(fact.id.clone()),
        state: worst_of(&findings, StorageState::Ok),
        words: doc.text("state").unwrap_or_else(|| words(&findings).to_owned()),
        findings,
        reason: doc.text("reason"),
        size_bytes: size,
        allocated_bytes: used,
        free_bytes: used.zip(size).map(|(used, size)| size - used),
        used_ratio: used.zip(size).filter(|(_, size)| *size > 0.0).map(|(used, size)| used / size),
        fragmentation_ratio: None,
        dedup_ratio: None,
        compression_ratio: None,
        data_errors: None,
        damaged_files: Vec::new(),
        damaged_files_count: None,
        damaged_files_unread: None,
        vdevs,
        scans: scrubs(doc, known),
        allocation: space.into_iter().map(Space::fields).collect(),
        datasets: None,
        mountpoints,
        state_since: Time(standing.state_since),
        since: Time(fact.since),
    }
}

fn words(findings: &[StorageFinding]) -> &'static str {
    match worst_of(findings, StorageState::Ok) {
        StorageState::Critical => "degraded",
        StorageState::Warning => "errors",
        _ => "ok",
    }
}

/// Space of a kind of content in a profile, one copy counted.
struct Space {
    kind: String,
    profile: String,
    used_bytes: f64,
    size_bytes: Option<f64>,
    /// Bytes on the devices for each byte of content.
    copies: f64,
}

impl Space {
    fn fields(self) -> BTreeMap<String, Value> {
        let mut fields = BTreeMap::from([
            ("type".to_owned(), Value::from(self.kind)),
            ("profile".to_owned(), Value::from(self.profile)),
            ("used_bytes".to_owned(), Value::from(self.used_bytes)),
        ]);
        fields.extend(self.size_bytes.map(|bytes| ("size_bytes".to_owned(), Value::from(bytes))));
        fields
    }
}

fn space(known: Thing<'_>) -> Vec<Space> {
    let part = |used: &crate::latest::Value| {
        let (kind, profile) = (used.label("block_group_type"), used.label("mode"));
        let of = |metric: &str| {
            let same = |other: &&crate::latest::Value| {
                other.label("block_group_type") == kind && other.label("mode") == profile
            };
            known.all(metric).find(same).map(|value| value.value)
        };
        Space {
            kind: kind.to_owned(),
            profile: profile.to_owned(),
            used_bytes: used.value,
            size_bytes: of("node_btrfs_size_bytes"),
            copies: of("node_btrfs_allocation_ratio").unwrap_or(1.0),
        }
    };
    known.all("node_btrfs_used_bytes").map(part).collect()
}

fn device(relations: &Relations<'_>, known: Thing<'_>, doc: Doc<'_>) -> StorageVdev {
    let device = doc.text("device");
    let missing = doc.flag("missing") == Some(true);
    let count = |kinds: [&str; 2]| {
        let of = |kind: &str| {
            let is = |value: &&crate::latest::Value| {
                value.label("type") == kind && device.as_deref() == Some(value.label("device"))
            };
            let live = known.all("node_btrfs_device_errors_total").find(is).map(|value| value.value);
            live.or_else(|| doc.number(&format!("{kind}_errors")))
        };
        let counts = kinds.map(of);
        counts.iter().any(Option::is_some).then(|| counts.iter().flatten().sum::<f64>())
    };
    let read_errors = count(["read", ""]);
    let write_errors = count(["write", "flush"]);
    let checksum_errors = count(["corruption", "generation"]);
    let has_errors = [read_errors, write_errors, checksum_errors].iter().flatten().any(|count| *count > 0.0);
    StorageVdev {
        name: device.clone().or_else(|| doc.text("uuid")).unwrap_or_else(|| "?".to_owned()),
        kind: "device".to_owned(),
        class: "data".to_owned(),
        words: if missing { "missing".to_owned() } else { "present".to_owned() },
        state: match (missing, has_errors) {
            (true, _) => StorageState::Critical,
            (_, true) => StorageState::Warning,
            _ => StorageState::Ok,
        },
        disk: device.as_deref().and_then(|device| relations.disk_of(device)),
        device,
        size_bytes: doc.number("size_bytes"),
        read_errors,
        write_errors,
        checksum_errors,
        ..StorageVdev::default()
    }
}

/// The scrub that runs, and the last one that ended.
fn scrubs(doc: Doc<'_>, known: Thing<'_>) -> Vec<StorageScan> {
    let mut found = Vec::new();
    let runs = known.value("hi_btrfs_scrub_running").map(|value| value > 0.0);
    if runs.or(doc.flag("scrub_running")) == Some(true) {
        found.push(StorageScan {
            function: "scrub".to_owned(),
            state: "scanning".to_owned(),
            running: true,
            progress_ratio: known.value("hi_btrfs_scrub_ratio"),
            ..StorageScan::default()
        });
    }
    if let Some(last) = doc.0.get("last_scrub").map(Doc) {
        let unix = |seconds: f64| Time((seconds * 1000.0) as i64);
        let started = last.number("started_at");
        let errors = last.0.get("errors").and_then(Value::as_object).map(|errors| {
            let lasting = errors.iter().filter(|(kind, _)| *kind != "corrected");
            lasting.filter_map(|(_, count)| count.as_f64()).sum()
        });
        found.push(StorageScan {
            function: "scrub".to_owned(),
            state: last.text("result").unwrap_or_default(),
            started_at: started.map(unix),
            finished_at: started.zip(last.number("duration_seconds")).map(|(at, took)| unix(at + took)),
            errors,
            ..StorageScan::default()
        });
    }
    found
}

fn findings(standing: &StandingFact, doc: Doc<'_>, devices: &[StorageVdev]) -> Vec<StorageFinding> {
    let mut found = Vec::new();
    let mut add = |state, message: String, at| found.push(StorageFinding { state, message, since: Time(at) });
    let missing: Vec<&str> =
        devices.iter().filter(|d| d.state == StorageState::Critical).map(|d| d.name.as_str()).collect();
    let count = doc.number("missing_devices").unwrap_or(0.0);
    if !missing.is_empty() {
        add(
            StorageState::Critical,
            format!("degraded: {} missing", missing.join(", ")),
            standing.state_since,
        );
    } else if count > 0.0 {
        add(StorageState::Critical, format!("degraded: {count} devices missing"), standing.state_since);
    }
    let erring: Vec<&str> =
        devices.iter().filter(|d| d.state == StorageState::Warning).map(|d| d.name.as_str()).collect();
    if !erring.is_empty() {
        add(
            StorageState::Warning,
            format!("errors were counted on {}", erring.join(", ")),
            standing.fact.since,
        );
    }
    sort_worst_first(&mut found);
    found
}
