//! What of storage needs attention.

use std::collections::BTreeMap;

use super::Storage;
use super::view::{StorageDisk, StorageFinding, StorageScan, StorageState};
use crate::attention::{AttentionKind, AttentionSeverity};
use crate::moment::Time;

/// Something that the attention list should have.
#[derive(Clone, Debug)]
pub struct StorageAttention {
    /// How bad it is.
    pub severity: AttentionSeverity,
    /// What it is about.
    pub kind: AttentionKind,
    /// The thing: `pool tank`.
    pub subject: String,
    /// Its row on the page: `pool:nas1:tank`.
    pub target: Option<String>,
    /// In words, to be read behind the thing.
    pub message: String,
    /// Since when.
    pub since: Time,
}

impl Storage {
    /// What of it needs attention. Of a silent host's running scans nothing is known.
    pub fn attention(&self) -> Vec<StorageAttention> {
        let mut found = Vec::new();
        let mut unreadable: BTreeMap<&str, Vec<&StorageDisk>> = BTreeMap::new();
        for disk in &self.disks {
            match &disk.unreadable {
                Some(reason) if disk.state == StorageState::Warning => {
                    unreadable.entry(reason).or_default().push(disk);
                }
                _ => found.extend(of_disk(disk)),
            }
        }
        // What ails all disks alike is one thing.
        for disks in unreadable.into_values() {
            let [first, rest @ ..] = disks.as_slice() else { continue };
            let names: Vec<&str> = disks.iter().map(|disk| disk.device.as_str()).collect();
            let (subject, target) = (format!("disk {}", names.join(", ")), format!("disk:{}", first.id));
            let of = |finding| attention(AttentionKind::DiskUnreadable, &subject, &target, finding);
            let Some(mut item) = first.findings.first().and_then(of) else { continue };
            if !rest.is_empty() {
                item.subject = item.subject.replacen("disk", "disks", 1);
                item.message = item.message.replacen("its", "their", 1);
            }
            found.push(item);
        }
        for array in &self.arrays {
            let (subject, target) = (format!("array {}", array.name), format!("array:{}", array.id));
            let of = |finding| attention(AttentionKind::ArrayDegraded, &subject, &target, finding);
            found.extend(array.findings.iter().filter_map(of));
            found.extend(running(&array.scans, array.host_silent, &subject, &target, array.since));
        }
        for pool in &self.pools {
            let (subject, target) = (format!("pool {}", pool.name), format!("pool:{}", pool.id));
            let of = |finding| attention(AttentionKind::PoolDegraded, &subject, &target, finding);
            found.extend(pool.findings.iter().filter_map(of));
            found.extend(running(&pool.scans, pool.host_silent, &subject, &target, pool.since));
        }
        found
    }
}

/// A disk is one entry, however much is wrong with it.
fn of_disk(disk: &StorageDisk) -> Option<StorageAttention> {
    let told = |finding: &&StorageFinding| finding.state >= StorageState::Warning;
    let messages: Vec<&str> = disk.findings.iter().filter(told).map(|f| f.message.as_str()).collect();
    let (subject, target) = (format!("disk {}", disk.device), format!("disk:{}", disk.id));
    let mut item = attention(AttentionKind::DiskFailing, &subject, &target, disk.findings.first()?)?;
    item.message = messages.join("; ");
    Some(item)
}

fn attention(
    kind: AttentionKind,
    subject: &str,
    target: &str,
    finding: &StorageFinding,
) -> Option<StorageAttention> {
    let severity = match finding.state {
        StorageState::Critical => AttentionSeverity::Critical,
        StorageState::Warning => AttentionSeverity::Warning,
        _ => return None,
    };
    Some(StorageAttention {
        severity,
        kind,
        subject: subject.to_owned(),
        target: Some(target.to_owned()),
        message: finding.message.clone(),
        since: finding.since,
    })
}

/// Scrubs and checks are routine; what restores or changes redundancy is worth a line.
fn running(
    scans: &[StorageScan],
    silent: bool,
    subject: &str,
    target: &str,
    otherwise: Time,
) -> Vec<StorageAttention> {
    const ROUTINE: [&str; 4] = ["scrub", "error_scrub", "check", "repair"];
    let shown = |scan: &&StorageScan| scan.running && !silent && !ROUTINE.contains(&scan.function.as_str());
    let line = |scan: &StorageScan| {
        let done = scan
            .progress_ratio
            .map_or(String::new(), |ratio| format!(", {} % done", (ratio.clamp(0.0, 1.0) * 100.0).floor()));
        StorageAttention {
            severity: AttentionSeverity::Info,
            kind: AttentionKind::StorageRebuilding,
            subject: subject.to_owned(),
            target: Some(target.to_owned()),
            message: format!("{} is running{done}", function_words(&scan.function)),
            since: scan.started_at.unwrap_or(otherwise),
        }
    };
    scans.iter().filter(shown).map(line).collect()
}

fn function_words(function: &str) -> &str {
    match function {
        "recover" | "recovery" | "rebuild" => "rebuild",
        "expand" => "expansion",
        "remove" => "removal of a device",
        other => other,
    }
}
