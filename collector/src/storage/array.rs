//! Arrays of Linux software RAID: the fact `array` of the source md, and its progress.

use crate::moment::Time;
use crate::store::StandingFact;

use super::relations::Relations;
use super::view::{StorageArray, StorageFinding, StorageMember, StorageScan, StorageState};
use super::{HostStorage, sort_worst_first, worst_of};
use crate::doc::Doc;

/// What goes on in an array that has something going on.
const BUSY: [&str; 5] = ["resync", "recover", "check", "repair", "reshape"];

pub(super) fn array(
    host: &HostStorage<'_>,
    relations: &Relations<'_>,
    standing: &StandingFact,
) -> StorageArray {
    let fact = &standing.fact;
    let doc = Doc(&fact.doc);
    let members: Vec<StorageMember> =
        doc.list("members").map(|part| member(host, relations, &fact.id, part)).collect();
    let scans = scan(host, &fact.id, doc, fact.since);
    let findings = findings(standing, doc, &members, &scans);
    StorageArray {
        id: host.id(&fact.id),
        host: host.host.to_owned(),
        host_silent: host.silent,
        name: fact.id.clone(),
        state: worst_of(&findings, StorageState::Ok),
        findings,
        words: doc.text("state").unwrap_or_else(|| "unknown".to_owned()),
        level: doc.text("level"),
        metadata: doc.text("metadata"),
        uuid: doc.text("uuid"),
        size_bytes: doc.number("size_bytes"),
        slots: doc.number("raid_disks"),
        degraded: doc.number("degraded"),
        mismatch_bytes: host
            .latest
            .of(&fact.id)
            .value("hi_md_mismatch_bytes")
            .or(doc.number("mismatch_bytes")),
        members,
        scans,
        used_by: relations
            .used_by(&fact.id)
            .into_iter()
            .filter(|used| *used != format!("array {}", fact.id))
            .collect(),
        state_since: Time(standing.state_since),
        since: Time(fact.since),
    }
}

fn member(host: &HostStorage<'_>, relations: &Relations<'_>, array: &str, doc: Doc<'_>) -> StorageMember {
    let device = doc.text("device").unwrap_or_else(|| "?".to_owned());
    let role = doc.first(&["role", "state"]).unwrap_or_else(|| "unknown".to_owned());
    let errors = host.latest.of(array).labelled("hi_md_member_read_errors_total", "member", &device);
    StorageMember {
        disk: relations.disk_of(&device),
        slot: doc.number("slot"),
        state: match role.as_str() {
            "faulty" => StorageState::Critical,
            "rebuilding" | "replacement" => StorageState::Info,
            "unknown" => StorageState::Unknown,
            _ => StorageState::Ok,
        },
        role,
        read_errors: errors.or(doc.number("read_errors")),
        device,
    }
}

/// What goes on. The kernel keeps no account of the last one.
fn scan(host: &HostStorage<'_>, name: &str, doc: Doc<'_>, since: i64) -> Vec<StorageScan> {
    let known = host.latest.of(name);
    let live =
        known.all("hi_md_sync_action").find(|value| value.value > 0.0).map(|value| value.label("action"));
    let told = doc.text("sync_action");
    let action = live.or(told.as_deref()).filter(|action| BUSY.contains(action));
    let Some(action) = action else { return Vec::new() };
    vec![StorageScan {
        function: action.to_owned(),
        state: "scanning".to_owned(),
        running: true,
        started_at: Some(Time(since)),
        progress_ratio: known.value("hi_md_sync_ratio"),
        bytes_per_second: known.value("hi_md_sync_speed_bytes_per_second"),
        remaining_seconds: known.value("hi_md_sync_left_seconds"),
        ..StorageScan::default()
    }]
}

fn findings(
    standing: &StandingFact,
    doc: Doc<'_>,
    members: &[StorageMember],
    scans: &[StorageScan],
) -> Vec<StorageFinding> {
    let mut found = Vec::new();
    let mut add =
        |state, message: String, since| found.push(StorageFinding { state, message, since: Time(since) });
    let since = standing.state_since;
    let degraded = doc.number("degraded").unwrap_or(0.0);
    let faulty: Vec<String> =
        members.iter().filter(|m| m.role == "faulty").map(|m| format!("{} faulty", m.device)).collect();
    let missing = match (faulty.is_empty(), doc.number("raid_disks")) {
        (false, _) => faulty.join(", "),
        (true, Some(all)) => format!("{degraded} of {all} members missing"),
        (true, None) => format!("{degraded} members missing"),
    };
    if doc.flag("failed") == Some(true) {
        add(StorageState::Critical, format!("failed: {missing}"), since);
    } else if degraded > 0.0 {
        // While a rebuild is running there is nothing to do but to wait.
        let rebuilding =
            scans.iter().any(|scan| ["recover", "resync", "reshape"].contains(&scan.function.as_str()));
        let state = if rebuilding { StorageState::Warning } else { StorageState::Critical };
        add(state, format!("degraded: {missing}"), since);
    } else if !faulty.is_empty() {
        add(StorageState::Warning, faulty.join(", "), since);
    }
    let words = doc.text("state").unwrap_or_default();
    if words.starts_with("inactive") && doc.flag("is_container") != Some(true) {
        add(StorageState::Warning, "inactive: it was not started".to_owned(), since);
    }
    sort_worst_first(&mut found);
    found
}
