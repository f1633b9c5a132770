use serde_json::{Value, json};

use super::*;
use crate::attention::AttentionSeverity;
use crate::moment::Time;
use crate::overview::host::tests::{layout, row};
use crate::storage::view::{StorageChangeEvent, StorageState::*};
use crate::store::{FactRow, PastFact};

const SINCE: i64 = 1_000;
const READ: i64 = 50_000;

fn fact(kind: &str, id: &str, doc: Value) -> StandingFact {
    let fact = FactRow { host: 1, kind: kind.to_owned(), id: id.to_owned(), since: 2 * SINCE, doc };
    StandingFact { fact, state_since: SINCE }
}

/// Metric, labels, value.
type Sample<'a> = (&'a str, &'a [(&'a str, &'a str)], f64);

/// Values of one device or pool.
fn latest(values: &[Sample<'_>]) -> Latest {
    let series: Vec<(&str, &[(&str, &str)])> =
        values.iter().map(|(metric, labels, _)| (*metric, *labels)).collect();
    let numbers: Vec<f64> = values.iter().map(|(.., value)| *value).collect();
    let mut latest = Latest::new(&SHAPE);
    latest.apply(&row(&layout("any", &series), READ, &numbers));
    latest
}

fn all(facts: &[StandingFact], latest: &Latest) -> Storage {
    HostStorage { host: "nas1", silent: false, facts, latest }.all()
}

/// Severity, subject and message of what needs attention.
fn lines(storage: &Storage) -> Vec<(AttentionSeverity, String)> {
    storage
        .attention()
        .into_iter()
        .map(|found| (found.severity, format!("{} {}", found.subject, found.message)))
        .collect()
}

fn disk_fact(device: &str) -> StandingFact {
    let doc =
        json!({"device": device, "model": "WDC WD40EFRX", "serial": "WD-1", "size_bytes": 4e12, "slot": "3"});
    fact("disk", &format!("wwn-{device}"), doc)
}

#[test]
fn a_degraded_pool_names_what_failed() {
    let vdevs = json!([{"name": "mirror-0", "type": "mirror", "state": "DEGRADED", "children": [
        {"name": "sda", "type": "disk", "state": "ONLINE", "device": "sda1", "checksum_errors": 0},
        {"name": "4958546901916", "path": "/dev/disk/sdc", "state": "FAULTED", "aux": "err_exceeded", "device": "sdc1"},
    ]}]);
    let pool = json!({"state": "DEGRADED", "status": "faulted_device", "reason": "A device has failed.",
        "data_errors": 0, "vdevs": vdevs});
    let facts = [disk_fact("sda"), disk_fact("sdc"), fact("pool", "tank", pool.clone())];
    let storage = all(&facts, &Latest::new(&SHAPE));
    assert_eq!(
        lines(&storage),
        [(AttentionSeverity::Critical, "pool tank degraded: sdc faulted".to_owned())]
    );
    let items = storage.attention();
    assert_eq!((items[0].since.0, items[0].target.as_deref()), (SINCE, Some("pool:nas1:tank")));
    let mirror = &storage.pools[0].vdevs[0];
    assert_eq!((mirror.state, mirror.children[1].state), (Warning, Critical));
    assert_eq!(mirror.children[1].disk.as_deref(), Some("nas1:wwn-sdc"));
    assert_eq!(mirror.children[1].reason.as_deref(), Some("err exceeded"));
    assert_eq!(storage.disks[1].used_by, ["pool tank"]);

    // With a resilver on its way there is nothing to do but to wait.
    let mut mending = pool;
    mending["scans"] = json!([{"function": "resilver", "state": "scanning", "started_at": 7}]);
    let of = [("function", "resilver"), ("pool", "tank")];
    let values = latest(&[("hi_zfs_scan_progress_ratio", &of, 0.425)]);
    assert_eq!(
        lines(&all(&[fact("pool", "tank", mending)], &values)),
        [
            (AttentionSeverity::Warning, "pool tank degraded: sdc faulted".to_owned()),
            (AttentionSeverity::Info, "pool tank resilver is running, 42 % done".to_owned()),
        ]
    );
}

#[test]
fn errors_of_an_online_pool_are_told_and_a_scrub_is_not() {
    let vdev =
        |errors: u32| json!([{"name": "sdb", "type": "disk", "state": "ONLINE", "checksum_errors": errors}]);
    let pool = |errors, status: &str| {
        let scans = json!([{"function": "scrub", "state": "scanning", "started_at": 7}]);
        let doc = json!({"state": "ONLINE", "status": status, "reason": "A device had errors.", "vdevs": vdev(errors),
            "scans": scans});
        [fact("pool", "tank", doc)]
    };
    let none = Latest::new(&SHAPE);
    assert_eq!(lines(&all(&pool(0, "ok"), &none)), []);
    assert_eq!(
        lines(&all(&pool(3, "failing_device"), &none)),
        [(AttentionSeverity::Warning, "pool tank a device had errors: sdb 3 checksum errors".to_owned())]
    );
    let lost = latest(&[("hi_zfs_pool_data_errors", &[("pool", "tank")], 1.0)]);
    let words = "pool tank 1 permanent data error: files are lost";
    for status in ["ok", "corrupt_data"] {
        assert_eq!(lines(&all(&pool(0, status), &lost)), [(AttentionSeverity::Critical, words.to_owned())]);
    }
    let doc = json!({"state": "ONLINE", "damaged_files": ["/tank/a", 7, "tank/b:<0x3>"], "damaged_files_count": 2,
        "damaged_files_unread": "needs CAP_SYS_ADMIN"});
    let found = &all(&[fact("pool", "tank", doc)], &none).pools[0];
    assert_eq!(found.damaged_files, ["/tank/a", "tank/b:<0x3>"]);
    assert_eq!(found.damaged_files_count, Some(2.0));
    assert_eq!(found.damaged_files_unread.as_deref(), Some("needs CAP_SYS_ADMIN"));
    let suspended = lines(&all(&pool(0, "suspended_wait"), &none));
    assert_eq!(suspended, [(AttentionSeverity::Critical, "pool tank a device had errors".to_owned())]);
    assert_eq!(lines(&all(&pool(0, "suspended_wait"), &lost)).len(), 2);
}

#[test]
fn arrays_lack_members_or_have_failed() {
    let members =
        json!([{"device": "sda1", "role": "active", "slot": 0}, {"device": "sdb1", "role": "faulty"}]);
    let array = |degraded: u32, failed: bool, action: &str| {
        let doc = json!({"state": "active", "level": "raid1", "raid_disks": 2, "degraded": degraded, "failed": failed,
            "sync_action": action, "members": members});
        [fact("array", "md0", doc)]
    };
    let none = Latest::new(&SHAPE);
    assert_eq!(
        lines(&all(&array(1, false, "idle"), &none)),
        [(AttentionSeverity::Critical, "array md0 degraded: sdb1 faulty".to_owned())]
    );
    assert_eq!(
        lines(&all(&array(1, true, "idle"), &none)),
        [(AttentionSeverity::Critical, "array md0 failed: sdb1 faulty".to_owned())]
    );
    let values = latest(&[
        ("hi_md_sync_ratio", &[("device", "md0")], 0.5),
        ("hi_md_sync_speed_bytes_per_second", &[("device", "md0")], 1e8),
    ]);
    let storage = all(&array(1, false, "recover"), &values);
    assert_eq!(
        lines(&storage),
        [
            (AttentionSeverity::Warning, "array md0 degraded: sdb1 faulty".to_owned()),
            (AttentionSeverity::Info, "array md0 rebuild is running, 50 % done".to_owned()),
        ]
    );
    assert_eq!(storage.arrays[0].scans[0].bytes_per_second, Some(1e8));
    assert_eq!(
        lines(&all(&[fact("array", "md9", json!({}))], &none)),
        [],
        "what says nothing is shown, not judged"
    );
}

#[test]
fn a_disk_is_judged_by_its_own_words_and_figures() {
    let sda = [("device", "sda")];
    let current = [("device", "sda"), ("temperature_type", "current")];
    let limit = [("device", "sda"), ("temperature_type", "op_limit_max")];
    let values = latest(&[
        ("smartctl_device_temperature", &current, 61.0),
        ("smartctl_device_temperature", &limit, 60.0),
        ("hi_smart_wear_ratio", &sda, 0.93),
        ("hi_smart_pending_sectors", &sda, 8.0),
        ("hi_smart_reading_age_seconds", &sda, 20.0),
        ("smartctl_device_power_on_seconds", &sda, 3_600.0),
    ]);
    let health = json!({"device": "sda", "state": "read", "protocol": "ATA", "verdict": "failed: a threshold is exceeded",
        "passed": false, "self_tests": [{"kind": "Short", "result": "Completed: read failure", "passed": false}]});
    let facts = [disk_fact("sda"), fact("disk_health", "wwn-sda", health)];
    let storage = all(&facts, &values);
    let disk = &storage.disks[0];
    assert_eq!(
        (disk.state, disk.last_read, disk.error_count),
        (Critical, Some(Time(READ - 20_000)), Some(8.0))
    );
    let words: Vec<&str> = disk.findings.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(
        words,
        [
            "predicts its failure: failed: a threshold is exceeded",
            "8 sectors could not be read and may be lost",
            "93 % of its rated endurance is used up",
            "61 °C, its limit is 60 °C",
            "its last self-test failed: Completed: read failure",
        ]
    );
    assert_eq!(storage.attention()[0].since.0, SINCE);
    assert_eq!(worst(&storage.disks), Critical);
}

#[test]
fn each_critical_warning_of_an_nvme_disk_is_said() {
    let of = [("device", "nvme0")];
    let values = latest(&[
        ("smartctl_device_critical_warning", &of, 3.0),
        ("smartctl_device_smart_status", &of, 0.0),
        ("smartctl_device_available_spare", &of, 5.0),
        ("smartctl_device_available_spare_threshold", &of, 10.0),
    ]);
    let storage = all(&[disk_fact("nvme0n1")], &values);
    let words = "its spare blocks have fallen below its threshold; its temperature is beyond its limits";
    assert_eq!(lines(&storage), [(AttentionSeverity::Critical, format!("disk nvme0n1 {words}"))]);
}

#[test]
fn attributes_fail_by_their_thresholds() {
    let of = |kind: &'static str| {
        [
            ("attribute_flags_long", "prefailure,updated_online"),
            ("attribute_id", "5"),
            ("attribute_name", "Reallocated_Sector_Ct"),
            ("attribute_value_type", kind),
            ("device", "sda"),
        ]
    };
    let metric = "smartctl_device_attribute";
    let values = latest(&[
        (metric, &of("value"), 10.0),
        (metric, &of("worst"), 9.0),
        (metric, &of("thresh"), 36.0),
        (metric, &of("raw"), 2_000.0),
    ]);
    let facts = [disk_fact("sda")];
    let host = HostStorage { host: "nas1", silent: false, facts: &facts, latest: &values };
    let detail = host.disk_detail("wwn-sda", &HashMap::new()).unwrap();
    let attribute = &detail.attributes[0];
    assert_eq!((attribute.id, attribute.threshold, attribute.raw), (5, Some(36.0), Some(2_000.0)));
    assert_eq!((attribute.failed.as_deref(), attribute.prefailure), (Some("now"), true));
    assert_eq!(detail.disk.findings[0].message, "Reallocated_Sector_Ct has fallen to 10, its limit is 36");
    assert!(host.disk_detail("wwn-sdz", &HashMap::new()).is_none());
}

#[test]
fn what_cannot_be_read_of_many_disks_is_one_entry() {
    let health = |device: &str, state: &str, reason: &str| {
        fact(
            "disk_health",
            &format!("wwn-{device}"),
            json!({"device": device, "state": state, "reason": reason}),
        )
    };
    let facts = [
        health("sda", "permission", "group disk and CAP_SYS_RAWIO"),
        health("sdb", "permission", "group disk and CAP_SYS_RAWIO"),
        health("sdc", "unsupported", "the USB bridge passes no SMART"),
        health("sdd", "stalled", "no answer for 60 s"),
    ];
    let storage = all(&facts, &Latest::new(&SHAPE));
    assert_eq!(
        lines(&storage),
        [
            (AttentionSeverity::Critical, "disk sdd does not answer: no answer for 60 s".to_owned()),
            (
                AttentionSeverity::Warning,
                "disks sda, sdb their health cannot be read without group disk and CAP_SYS_RAWIO".to_owned()
            ),
        ]
    );
    let states: Vec<StorageState> = storage.disks.iter().map(|disk| disk.state).collect();
    assert_eq!(states, [Warning, Warning, Unknown, Critical]);
    let mute = json!({"device": "sda", "state": "failed", "reason": "aborted command", "verdict": "passed", "passed": true});
    assert_eq!(
        lines(&all(&[fact("disk_health", "wwn-sda", mute)], &Latest::new(&SHAPE))),
        [(AttentionSeverity::Critical, "disk sda tells no more of its health: aborted command".to_owned())]
    );
}

#[test]
fn a_disk_in_standby_is_said_to_be() {
    let state = |state: &'static str| [("device", "sda"), ("state", state)];
    let values = latest(&[
        ("hi_smart_state", &state("read"), 0.0),
        ("hi_smart_state", &state("standby"), 1.0),
        ("smartctl_device_smart_status", &[("device", "sda")], 1.0),
    ]);
    let disk = all(&[disk_fact("sda")], &values).disks.remove(0);
    assert_eq!((disk.standby, disk.state, disk.verdict.as_deref()), (Some(true), Ok, Some("PASSED")));
}

#[test]
fn relations_lead_from_disks_to_mount_points() {
    let facts = [
        disk_fact("sda"),
        disk_fact("nvme0n1"),
        fact("block_device", "sda1", json!({"type": "part", "on": ["sda"]})),
        fact("block_device", "dm-0", json!({"type": "crypt", "on": ["sda1"], "mountpoints": ["/srv"]})),
        fact("array", "md0", json!({"members": [{"device": "nvme0n1p2"}]})),
        fact("block_device", "md0", json!({"type": "raid", "on": ["nvme0n1p2"], "mountpoints": ["/"]})),
        fact("block_device", "nvme0n1p2", json!({"type": "part", "on": ["nvme0n1"]})),
    ];
    let storage = all(&facts, &Latest::new(&SHAPE));
    let used: Vec<_> =
        storage.disks.iter().map(|disk| (disk.device.as_str(), disk.used_by.join(" "))).collect();
    assert_eq!(used, [("sda", "/srv".to_owned()), ("nvme0n1", "/ array md0".to_owned())]);
    assert_eq!(storage.arrays[0].members[0].disk.as_deref(), Some("nas1:wwn-nvme0n1"));
    assert_eq!(storage.arrays[0].used_by, ["/"]);
}

#[test]
fn a_btrfs_is_a_pool_that_may_lack_devices() {
    let doc = json!({"label": "data", "state": "degraded", "missing_devices": 1, "mountpoints": ["/srv"], "devices": [
        {"id": 1, "device": "sda1", "size_bytes": 500, "missing": false, "write_errors": 0},
        {"id": 2, "missing": true, "uuid": "u2"}],
        "last_scrub": {"result": "finished", "started_at": 10, "duration_seconds": 5, "errors": {"read": 0, "corrected": 2}}});
    let group = [("block_group_type", "data"), ("mode", "raid1"), ("uuid", "uuid-1")];
    let device = |kind| [("device", "sda1"), ("type", kind), ("uuid", "uuid-1")];
    let values = latest(&[
        ("node_btrfs_used_bytes", &group, 100.0),
        ("node_btrfs_allocation_ratio", &group, 2.0),
        ("node_btrfs_device_size_bytes", &device(""), 500.0),
        ("node_btrfs_device_errors_total", &device("corruption"), 3.0),
    ]);
    let storage = all(&[fact("btrfs", "uuid-1", doc)], &values);
    assert_eq!(
        lines(&storage),
        [
            (AttentionSeverity::Critical, "pool data degraded: u2 missing".to_owned()),
            (AttentionSeverity::Warning, "pool data errors were counted on sda1".to_owned()),
        ]
    );
    let pool = &storage.pools[0];
    assert_eq!(
        (pool.kind, pool.size_bytes, pool.used_ratio),
        (view::StoragePoolType::Btrfs, Some(500.0), Some(0.4))
    );
    assert_eq!((pool.vdevs[0].checksum_errors, pool.vdevs[0].write_errors), (Some(3.0), Some(0.0)));
    assert_eq!((pool.scans[0].finished_at, pool.scans[0].errors), (Some(Time(15_000)), Some(0.0)));
}

#[test]
fn the_past_of_a_disk_tells_changes_and_places() {
    let past = |host: &str, since, until, doc: Option<Value>| PastFact {
        host: host.to_owned(),
        kind: "disk".to_owned(),
        since,
        until,
        doc,
    };
    let doc = |device: &str, slot: &str| Some(json!({"device": device, "slot": slot, "model": "X"}));
    let facts = [
        past("nas1", 1, Some(5), doc("sda", "1")),
        past("nas1", 5, Some(7), doc("sdb", "4")),
        past("nas1", 7, None, None),
        past("nas2", 9, None, doc("sda", "2")),
    ];
    let changes = changes(&facts);
    let events: Vec<_> = changes.iter().map(|change| (change.at.0, change.event)).collect();
    use StorageChangeEvent::{Appeared, Changed, Gone};
    assert_eq!(events, [(9, Appeared), (7, Gone), (5, Changed), (1, Appeared)]);
    let fields: Vec<_> = changes[2].fields.iter().map(|field| field.field.as_str()).collect();
    assert_eq!(fields, ["device", "slot"]);
    let places = places(&facts);
    let stood: Vec<_> =
        places.iter().map(|p| (p.host.as_str(), p.slot.as_deref(), p.until.map(|t| t.0))).collect();
    assert_eq!(
        stood,
        [("nas2", Some("2"), None), ("nas1", Some("4"), Some(7)), ("nas1", Some("1"), Some(5))]
    );
}

#[test]
fn datasets_are_facts_with_their_newest_figures_as_a_tree() {
    let of = |name: &str, doc: Value| FactRow {
        host: 1,
        kind: "dataset".to_owned(),
        id: name.to_owned(),
        since: SINCE,
        doc,
    };
    let facts = [
        of("tank", json!({"type": "filesystem", "mountpoint": "/tank"})),
        of("tank/a-b", json!({"type": "volume", "size_bytes": 100})),
        of(
            "tank/a",
            json!({"type": "filesystem", "encryption": "aes-256-gcm", "key_available": true, "quota_bytes": 7}),
        ),
        of("tank/a/b", json!({"type": "filesystem", "created_at": 5})),
        of("tank2/x", json!({"type": "filesystem"})),
    ];
    let a = [("dataset", "tank/a"), ("pool", "tank")];
    let gone = [("dataset", "tank/gone"), ("pool", "tank")];
    let values = latest(&[
        ("hi_zfs_dataset_used_bytes", &a, 6.0),
        ("hi_zfs_dataset_quota_bytes", &a, 8.0),
        ("hi_zfs_dataset_key_available", &a, 0.0),
        ("hi_zfs_dataset_compression_ratio", &a, 1.5),
        ("hi_zfs_dataset_snapshots", &a, 3.0),
        ("hi_zfs_dataset_newest_snapshot_timestamp_seconds", &a, 9.0),
        ("hi_zfs_dataset_used_bytes", &gone, 1.0),
        ("hi_zfs_datasets_truncated", &[("pool", "tank")], 1.0),
    ]);
    let pool = [fact("pool", "tank", json!({"state": "ONLINE"}))];
    let host = HostStorage { host: "nas1", silent: false, facts: &pool, latest: &values };
    assert_eq!((host.pool_host("tank"), host.pool_host("tank2")), (Some(1), None));
    let (found, truncated) = host.datasets("tank", &facts);
    let names: Vec<&str> = found.iter().map(|dataset| dataset.name.as_str()).collect();
    assert_eq!((names.as_slice(), truncated), (["tank", "tank/a", "tank/a/b", "tank/a-b"].as_slice(), true));
    let own = &found[1];
    assert_eq!((own.used_bytes, own.quota_bytes, own.compression_ratio), (Some(6.0), Some(8.0), Some(1.5)));
    assert_eq!((own.key_available, own.snapshots), (Some(false), Some(3.0)));
    assert_eq!(own.newest_snapshot_at.map(|at| at.0), Some(9_000));
    assert_eq!(found[2].created_at.map(|at| at.0), Some(5_000));
    assert_eq!(found[3].size_bytes, Some(100.0));
    // Without the database the figures name them.
    let (found, _) = host.datasets("tank", &[]);
    let names: Vec<&str> = found.iter().map(|dataset| dataset.name.as_str()).collect();
    assert_eq!(names, ["tank/a", "tank/gone"]);
}
