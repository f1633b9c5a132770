//! What is wrong with a disk. The disk's own words come first; the collector adds what its figures say.

use crate::moment::Time;

use super::sort_worst_first;
use super::view::{StorageAttribute, StorageDisk, StorageFinding, StorageState};
use crate::doc::Doc;
use crate::latest::Thing;

/// From this share of its rated endurance on a disk needs to be replaced soon.
const WORN_RATIO: f64 = 0.9;
/// Bits of the critical warning of an NVMe disk (NVM Express Base Specification 2.0, figure 207).
const WARNINGS: [(StorageState, &str); 6] = [
    (StorageState::Critical, "its spare blocks have fallen below its threshold"),
    (StorageState::Warning, "its temperature is beyond its limits"),
    (StorageState::Critical, "its reliability is degraded by errors"),
    (StorageState::Critical, "it takes no more writes"),
    (StorageState::Critical, "the backup of its volatile memory has failed"),
    (StorageState::Critical, "its persistent memory region is read-only"),
];
/// What is wrong, worst first. `since`: since when its verdict reads so.
pub(super) fn findings(
    disk: &StorageDisk,
    attributes: &[StorageAttribute],
    known: Thing<'_>,
    told: Doc<'_>,
    since: i64,
) -> Vec<StorageFinding> {
    let read = disk.last_read.unwrap_or(Time(since));
    let since = if since > 0 { Time(since) } else { read };
    let mut found = Vec::new();
    let mut add = |state, message: String, since| found.push(StorageFinding { state, message, since });
    let bits = known.value("smartctl_device_critical_warning").filter(|bits| (0.0..256.0).contains(bits));
    let bits = bits.map_or(0, |bits| bits as u32);
    // An NVMe disk's verdict is these warnings.
    if disk.passed == Some(false) && bits == 0 {
        let verdict = disk.verdict.as_deref().unwrap_or("failed");
        add(StorageState::Critical, format!("predicts its failure: {verdict}"), since);
    }
    if let Some(reason) = &disk.unreadable {
        let (state, message) = match told.text("state").as_deref() {
            Some("stalled") => (StorageState::Critical, format!("does not answer: {reason}")),
            // What once told and does so no more is failing.
            Some("failed") if disk.verdict.is_some() => {
                (StorageState::Critical, format!("tells no more of its health: {reason}"))
            }
            // It never will, which is nothing that needs attention.
            Some("unsupported") => (StorageState::Unknown, format!("its health cannot be read: {reason}")),
            Some("permission") => {
                (StorageState::Warning, format!("its health cannot be read without {reason}"))
            }
            _ => (StorageState::Warning, format!("its health cannot be read: {reason}")),
        };
        add(state, message, since);
    }
    for (bit, (state, words)) in WARNINGS.iter().enumerate() {
        if bits & (1 << bit) != 0 {
            add(*state, (*words).to_owned(), read);
        }
    }
    for attribute in attributes.iter().filter(|attribute| attribute.failed.as_deref() == Some("now")) {
        let state = if attribute.prefailure { StorageState::Critical } else { StorageState::Warning };
        let (value, limit) = (attribute.value.unwrap_or(0.0), attribute.threshold.unwrap_or(0.0));
        add(state, format!("{} has fallen to {value}, its limit is {limit}", attribute.name), read);
    }
    figures(disk, bits, read, &mut add);
    if let Some(test) = told.list("self_tests").next().filter(|test| has_failed(*test)) {
        let words = test.first(&["result", "status"]).unwrap_or_else(|| "failed".to_owned());
        add(StorageState::Warning, format!("its last self-test failed: {words}"), since);
    }
    sort_worst_first(&mut found);
    found
}

fn figures(disk: &StorageDisk, bits: u32, read: Time, add: &mut impl FnMut(StorageState, String, Time)) {
    let count = |kind: &str| disk.errors.get(kind).copied().filter(|count| *count > 0.0);
    if let Some(count) = count("pending_sectors") {
        let noun = if count > 1.0 { "sectors" } else { "sector" };
        add(StorageState::Warning, format!("{count} {noun} could not be read and may be lost"), read);
    }
    if let Some(count) = count("uncorrectable_sectors") {
        let noun = if count > 1.0 { "sectors" } else { "sector" };
        add(StorageState::Warning, format!("{count} uncorrectable {noun}"), read);
    }
    if let Some(wear) = disk.wear_ratio.filter(|wear| *wear >= WORN_RATIO) {
        let percent = (wear * 100.0).round();
        add(StorageState::Warning, format!("{percent} % of its rated endurance is used up"), read);
    }
    if let Some((spare, limit)) = disk.spare_ratio.zip(disk.spare_threshold_ratio)
        && spare < limit
        && bits & 1 == 0
    {
        let percent = |ratio: f64| (ratio * 100.0).round();
        let message = format!(
            "{} % of its spare blocks are left, its threshold is {} %",
            percent(spare),
            percent(limit)
        );
        add(StorageState::Critical, message, read);
    }
    if let Some((celsius, limit)) = disk.temperature_celsius.zip(disk.temperature_limit_celsius)
        && celsius > limit
    {
        add(StorageState::Warning, format!("{celsius} °C, its limit is {limit} °C"), read);
    }
}

/// Whether a self-test ended in a failure, as the flag or the words of it say.
fn has_failed(test: Doc<'_>) -> bool {
    if let Some(passed) = test.flag("passed") {
        return !passed;
    }
    let words = test.first(&["result", "status"]).unwrap_or_default().to_lowercase();
    words.contains("fail")
}
