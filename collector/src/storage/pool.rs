//! Pools of ZFS: the fact `pool` of the source zfs, and what moves in them.

use crate::moment::Time;
use crate::store::StandingFact;

use super::relations::Relations;
use super::view::{StorageFinding, StoragePool, StoragePoolType, StorageScan, StorageState, StorageVdev};
use super::{HostStorage, sort_worst_first, worst_of};
use crate::doc::Doc;
use crate::latest::Thing;

/// Deepest tree that is shown.
const DEPTH_MAX: usize = 8;
/// Devices that are named in one sentence.
const NAMED_MAX: usize = 4;
/// Words of `status` that mean nothing is wrong.
const HEALTHY: [&str; 6] =
    ["ok", "rebuild_scrub", "non_native_ashift", "errata", "resilvering", "rebuilding"];

pub(super) fn pool(
    host: &HostStorage<'_>,
    relations: &Relations<'_>,
    standing: &StandingFact,
) -> StoragePool {
    let fact = &standing.fact;
    let doc = Doc(&fact.doc);
    let known = host.latest.of(&fact.id);
    let parts = [("vdevs", "data"), ("spares", "spare"), ("cache", "cache")];
    let parts = parts.into_iter().flat_map(|(key, class)| doc.list(key).map(move |part| (part, class)));
    let vdevs: Vec<StorageVdev> = parts.map(|(part, class)| vdev(relations, part, class, 0)).collect();
    let scans = scans(doc, known);
    let size = known.value("hi_zfs_pool_size_bytes").or(doc.number("size_bytes"));
    let allocated = known.value("hi_zfs_pool_allocated_bytes");
    let data_errors = known.value("hi_zfs_pool_data_errors").or(doc.number("data_errors"));
    let findings = findings(standing, doc, &vdevs, &scans, data_errors);
    StoragePool {
        id: host.id(&fact.id),
        host: host.host.to_owned(),
        host_silent: host.silent,
        kind: StoragePoolType::Zfs,
        name: fact.id.clone(),
        guid: doc.text("guid"),
        state: worst_of(&findings, StorageState::Ok),
        findings,
        words: doc.text("state").unwrap_or_else(|| "UNKNOWN".to_owned()),
        reason: doc.text("reason"),
        size_bytes: size,
        allocated_bytes: allocated,
        free_bytes: known.value("hi_zfs_pool_free_bytes"),
        used_ratio: allocated.zip(size).filter(|(_, size)| *size > 0.0).map(|(used, size)| used / size),
        fragmentation_ratio: known.value("hi_zfs_pool_fragmentation_ratio"),
        dedup_ratio: known.value("hi_zfs_pool_dedup_ratio"),
        compression_ratio: known.value("hi_zfs_pool_compression_ratio"),
        data_errors,
        damaged_files: doc.texts("damaged_files").map(str::to_owned).collect(),
        damaged_files_count: doc.number("damaged_files_count"),
        damaged_files_unread: doc.text("damaged_files_unread"),
        vdevs,
        scans,
        allocation: Vec::new(),
        datasets: known.value("hi_zfs_datasets"),
        mountpoints: Vec::new(),
        state_since: Time(standing.state_since),
        since: Time(fact.since),
    }
}

fn vdev(relations: &Relations<'_>, doc: Doc<'_>, class: &str, depth: usize) -> StorageVdev {
    let words = doc.text("state").unwrap_or_else(|| "UNKNOWN".to_owned());
    let class = doc.text("class").unwrap_or_else(|| class.to_owned());
    let device = doc.text("device");
    let children = doc.list("children").filter(|_| depth < DEPTH_MAX);
    let mut vdev = StorageVdev {
        name: doc.first(&["name", "device", "path"]).unwrap_or_else(|| "?".to_owned()),
        kind: doc.text("type").unwrap_or_default(),
        state: StorageState::Ok,
        reason: doc.text("aux").map(|aux| aux.replace('_', " ")),
        path: doc.text("path"),
        disk: device.as_deref().and_then(|device| relations.disk_of(device)),
        device,
        size_bytes: doc.number("size_bytes"),
        read_errors: doc.number("read_errors"),
        write_errors: doc.number("write_errors"),
        checksum_errors: doc.number("checksum_errors"),
        children: children.map(|child| self::vdev(relations, child, &class, depth + 1)).collect(),
        words,
        class,
    };
    vdev.state = match vdev.words.to_ascii_uppercase().as_str() {
        "ONLINE" | "AVAIL" if errors(&vdev).is_none() => StorageState::Ok,
        "ONLINE" | "AVAIL" => StorageState::Warning,
        "INUSE" | "SPLIT" => StorageState::Info,
        "OFFLINE" | "DEGRADED" => StorageState::Warning,
        "UNKNOWN" => StorageState::Unknown,
        _ => StorageState::Critical,
    };
    vdev
}

/// `3 read, 1 checksum errors`.
fn errors(vdev: &StorageVdev) -> Option<String> {
    let counts =
        [("read", vdev.read_errors), ("write", vdev.write_errors), ("checksum", vdev.checksum_errors)];
    let words: Vec<String> = counts
        .into_iter()
        .filter_map(|(word, count)| Some((word, count.filter(|count| *count > 0.0)?)))
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    (!words.is_empty()).then(|| format!("{} errors", words.join(", ")))
}

fn scans(doc: Doc<'_>, known: Thing<'_>) -> Vec<StorageScan> {
    let scan = |part: Doc<'_>| {
        let function = part.text("function").unwrap_or_else(|| "scan".to_owned());
        let over = part.text("vdev").unwrap_or_default();
        let of = |metric: &str| {
            let is = |value: &&crate::latest::Value| {
                value.label("function") == function && value.label("vdev") == over
            };
            known.all(metric).find(is).map(|value| value.value)
        };
        let state = part.text("state").unwrap_or_default();
        let running =
            of("hi_zfs_scan_running").map_or(["scanning", "paused"].contains(&state.as_str()), |v| v > 0.0);
        let unix = |key: &str| part.number(key).filter(|at| *at > 0.0).map(|at| Time((at * 1000.0) as i64));
        StorageScan {
            state: if running && state == "finished" { "scanning".to_owned() } else { state },
            running,
            started_at: unix("started_at"),
            finished_at: unix("finished_at").filter(|_| !running),
            progress_ratio: of("hi_zfs_scan_progress_ratio"),
            bytes_per_second: of("hi_zfs_scan_rate_bytes_per_second").filter(|_| running),
            remaining_seconds: of("hi_zfs_scan_remaining_seconds").filter(|_| running),
            errors: of("hi_zfs_scan_errors").or(part.number("errors")),
            repaired_bytes: of("hi_zfs_scan_repaired_bytes").or(part.number("repaired_bytes")),
            part: over,
            function,
        }
    };
    doc.list("scans").chain(doc.0.get("scan").map(Doc)).map(scan).collect()
}

fn findings(
    standing: &StandingFact,
    doc: Doc<'_>,
    vdevs: &[StorageVdev],
    scans: &[StorageScan],
    data_errors: Option<f64>,
) -> Vec<StorageFinding> {
    let mut found = Vec::new();
    let (now, since) = (Time(standing.fact.since), Time(standing.state_since));
    let mut add = |state, message: String, since| found.push(StorageFinding { state, message, since });
    let word = doc.text("state").unwrap_or_default().to_lowercase();
    let status = doc.text("status");
    let healthy = status.as_deref().is_none_or(|status| HEALTHY.contains(&status));
    let reason = doc.text("reason").unwrap_or_default();
    let troubled = troubled(vdevs);
    let lost = data_errors.filter(|errors| *errors > 0.0);
    // That data is lost is said in numbers.
    let is_loss = lost.is_some() && status.as_deref() == Some("corrupt_data");
    if !["online", "unknown", ""].contains(&word.as_str()) {
        // While a resilver is running there is nothing to do but to wait.
        let mends =
            |scan: &StorageScan| scan.running && ["resilver", "rebuild"].contains(&scan.function.as_str());
        let waits = word == "degraded" && scans.iter().any(mends);
        let state = if waits { StorageState::Warning } else { StorageState::Critical };
        let why = if troubled.is_empty() { sentence(&reason) } else { troubled.join(", ") };
        add(state, join(&word, &why), since);
    } else if !troubled.is_empty() || !(healthy || is_loss) {
        let why = if healthy || is_loss { String::new() } else { sentence(&reason) };
        let stands = status.is_some_and(|status| status.starts_with("suspended"));
        let state = if stands { StorageState::Critical } else { StorageState::Warning };
        add(state, join_any(&why, &troubled.join(", ")), now);
    }
    if let Some(errors) = lost {
        let noun = if errors > 1.0 { "errors" } else { "error" };
        add(StorageState::Critical, format!("{errors} permanent data {noun}: files are lost"), now);
    }
    sort_worst_first(&mut found);
    found
}

fn join(word: &str, why: &str) -> String {
    if why.is_empty() { word.to_owned() } else { format!("{word}: {why}") }
}

fn join_any(why: &str, devices: &str) -> String {
    match (why.is_empty(), devices.is_empty()) {
        (true, _) => devices.to_owned(),
        (_, true) => why.to_owned(),
        _ => format!("{why}: {devices}"),
    }
}

/// The first sentence, as part of another.
fn sentence(text: &str) -> String {
    let text = text.trim().trim_end_matches('.');
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// What people call a device: one that is missing has but a number, and the path where it was.
fn called(vdev: &StorageVdev) -> &str {
    let was = vdev.path.as_deref().and_then(|path| path.rsplit('/').next());
    let is_number = vdev.name.bytes().all(|byte| byte.is_ascii_digit());
    was.filter(|was| is_number && !was.is_empty()).unwrap_or(&vdev.name)
}

/// Devices with trouble of their own: `sdc faulted`, `sdb 3 checksum errors`.
fn troubled(vdevs: &[StorageVdev]) -> Vec<String> {
    let mut found = Vec::new();
    for vdev in vdevs {
        gather(vdev, &mut found);
    }
    let more = found.len().saturating_sub(NAMED_MAX);
    if more > 0 {
        found.truncate(NAMED_MAX);
        found.push(format!("{more} more"));
    }
    found
}

fn gather(vdev: &StorageVdev, found: &mut Vec<String>) {
    if !vdev.children.is_empty() {
        vdev.children.iter().for_each(|child| gather(child, found));
        return;
    }
    match (vdev.words.to_ascii_lowercase().as_str(), errors(vdev)) {
        ("online" | "avail" | "inuse" | "unknown", None) => {}
        ("online" | "avail" | "inuse" | "unknown", Some(errors)) => {
            found.push(format!("{} {errors}", called(vdev)));
        }
        (word, _) => found.push(format!("{} {word}", called(vdev))),
    }
}
