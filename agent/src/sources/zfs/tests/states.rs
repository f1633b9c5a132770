//! Pools of the lab in many states, against what zpool and zfs printed in the same second: every kind of device, spares in use,
//! a resilver that stands still, a paused scrub, a disk that is not there, damage beyond repair, a disk that went.

use std::fs;

use super::recorded::rows;
use super::*;

const STATES: [&str; 8] =
    ["layouts", "spares", "resilvering", "broken", "damaged", "gone", "offline", "corrected"];
/// Day on which all of it was made, in Unix seconds, and as zpool writes it.
const DAY: (i64, &str) = (1_795_132_800, "Fri Nov 20");

fn folder(state: &str) -> PathBuf {
    lab().join("..").join(state)
}

fn printed(state: &str, file: &str) -> String {
    fs::read_to_string(folder(state).join(file)).unwrap()
}

fn read(state: &str) -> Readings {
    let mut out = Readings::default();
    let outcome = source().read(&HostRoot::captured(&folder(state).join("capture")), &mut out);
    assert_eq!(outcome.unwrap(), Outcome::Read, "{state}");
    out
}

/// Name and text of each pool in `zpool status` that the capture holds.
fn pools(state: &str) -> Vec<(String, String)> {
    let text = printed(state, "zpool-status.txt");
    let blocks = text.split("  pool: ").skip(1);
    let named = blocks.map(|block| (block.lines().next().unwrap().to_owned(), block.to_owned()));
    let held =
        |name: &str| folder(state).join(format!("capture/dev/zfs.ioctl/zfs-pool-stats-{name}")).exists();
    let named: Vec<_> = named.filter(|(name, _)| held(name)).collect();
    assert!(!named.is_empty(), "{state}");
    named
}

/// Every device in a fact of a pool: name, class and the part of the fact.
fn devices(doc: &BTreeMap<String, FactValue>) -> Vec<(String, String, &BTreeMap<String, FactValue>)> {
    fn walk<'d>(
        map: &'d BTreeMap<String, FactValue>,
        found: &mut Vec<(String, String, &'d BTreeMap<String, FactValue>)>,
    ) {
        found.push((text(map, "name").to_owned(), text(map, "class").to_owned(), map));
        maps(map, "children").into_iter().for_each(|child| walk(child, found));
    }
    let mut found = Vec::new();
    for key in ["vdevs", "spares", "cache"] {
        maps(doc, key).into_iter().for_each(|map| walk(map, &mut found));
    }
    found
}

#[test]
fn every_device_is_in_the_state_that_zpool_shows() {
    let mut compared = 0;
    for state in STATES {
        let out = read(state);
        let ones = ones(&out, "hi_zfs_vdev_state");
        let errors = ["read", "write", "checksum"]
            .map(|kind| values(&out, &format!("hi_zfs_vdev_{kind}_errors_total")));
        for (pool, block) in pools(state) {
            let devices = devices(fact(&out, "pool", &pool));
            let mut class = "data";
            let mut seen = 0;
            let table = block.lines().skip_while(|line| !line.trim_start().starts_with("NAME"));
            let table: Vec<&str> = table.skip(2).take_while(|line| !line.is_empty()).collect();
            for (_, words) in rows(&table.join("\n")) {
                if let [section] = words[..] {
                    class = section.trim_end_matches('s');
                    class = if section == "special" { section } else { class };
                    continue;
                }
                let (name, word) = (words[0], words[1]);
                seen += 1;
                let (.., part) = devices.iter().find(|device| device.0 == name && device.1 == class).unwrap();
                assert_eq!(text(part, "state"), word, "{state} {pool} {name}");
                let labels = format!("{pool} {name} {class}");
                assert!(
                    ones.contains(&format!("{labels} {}", word.to_lowercase())),
                    "{state} {labels} {word}"
                );
                for (kind, column) in errors.iter().zip(2..) {
                    if let Some(count) = words.get(column).and_then(|count| count.parse::<f64>().ok()) {
                        // Of a disk that just went they rise while one looks.
                        let own = if state == "gone" { kind[&labels].min(count) } else { kind[&labels] };
                        assert!(own == count || own > 10_000.0, "{state} {labels}: {own}, not {count}");
                    }
                }
                let note = words[2..].join(" ");
                if let Some((_, path)) = note.split_once("was ") {
                    assert_eq!(text(part, "path"), path);
                }
                if note.contains("external device fault") {
                    assert_eq!(text(part, "aux"), "external");
                }
            }
            assert_eq!(seen, devices.len(), "{state} {pool}");
            compared += seen;
        }
    }
    assert_eq!(compared, 76);
}

#[test]
fn every_pool_is_in_the_state_and_for_the_reason_that_zpool_tells() {
    for state in STATES {
        let out = read(state);
        for (pool, block) in pools(state) {
            let line = |start: &str| block.lines().find_map(|line| line.trim_start().strip_prefix(start));
            let doc = fact(&out, "pool", &pool);
            assert_eq!(text(doc, "state"), line("state: ").unwrap());
            let word = match line("status: ").unwrap_or_default() {
                "" => "ok",
                text if text.contains("currently being resilvered") && block.contains("resilver (") => {
                    "rebuilding"
                }
                text if text.contains("currently being resilvered") => "resilvering",
                text if text.contains("faulted in response") => "faulted_device",
                text if text.contains("could not be opened") => "missing_device",
                text if text.contains("taken offline") => "offline_device",
                text if text.contains("unrecoverable error") => "failing_device",
                text if text.contains("data") || block.contains("corruption") => "corrupt_data",
                other => panic!("{other}"),
            };
            assert_eq!(text(doc, "status"), word, "{state} {pool}");
            let healthy = text(doc, "state") == "ONLINE" && ["ok", "resilvering"].contains(&word);
            assert_eq!(ones(&out, "hi_zfs_pool_healthy").contains(&pool), healthy, "{state} {pool}");
            let lost = line("errors: ").unwrap().split(' ').next().unwrap().parse().unwrap_or(0.0);
            let own = values(&out, "hi_zfs_pool_data_errors")[&pool];
            assert!(own == lost || state == "gone" && own > 0.0, "{state} {pool}: {own}, not {lost}");
            let scans = maps(doc, "scans");
            let told: Vec<&str> = block
                .lines()
                .filter(|line| line.starts_with("  scan: ") || line.starts_with("remove: "))
                .collect();
            assert_eq!(told.len(), scans.len(), "{state} {pool} {scans:?}");
            for line in told {
                compare_scan(line, &block, &scans);
            }
        }
    }
}

fn compare_scan(line: &str, block: &str, scans: &[&BTreeMap<String, FactValue>]) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (function, state) = match &words[1..] {
        ["scrub", "repaired", ..] => ("scrub", "finished"),
        ["scrub", "paused", ..] => ("scrub", "paused"),
        ["resilvered", device, ..] if device.starts_with('(') => ("rebuild", "finished"),
        ["resilvered", ..] => ("resilver", "finished"),
        ["resilver", device, ..] if device.starts_with('(') => ("rebuild", "scanning"),
        ["resilver", "in", ..] => ("resilver", "scanning"),
        ["Removal", ..] => ("remove", "finished"),
        other => panic!("{other:?}"),
    };
    let scan = scans.iter().find(|scan| text(scan, "function") == function).unwrap();
    assert_eq!(text(scan, "state"), state, "{line}");
    if let Some(device) = line.split_once('(').and_then(|(_, rest)| rest.split_once(')')) {
        assert_eq!(text(scan, "vdev"), device.0);
    }
    if let Some((_, errors)) = line.split_once(" errors on ").zip(line.split_once(" with ")) {
        let errors: i64 = errors.1.split(' ').next().unwrap().parse().unwrap();
        assert_eq!(scan["errors"], FactValue::Int(errors), "{line}");
    }
    let at = |line: &str| {
        let (_, time) = line.split_once(DAY.1).unwrap();
        let clock = time.split_whitespace().next().unwrap().split(':');
        DAY.0 + clock.fold(0, |sum, part| sum * 60 + part.parse::<i64>().unwrap())
    };
    let started = block.lines().find(|line| line.contains("scrub started on"));
    match (state, started) {
        ("finished", _) => assert_eq!(scan["finished_at"], FactValue::Int(at(line)), "{line}"),
        ("paused", Some(started)) => assert_eq!(scan["started_at"], FactValue::Int(at(started)), "{line}"),
        _ => assert_eq!(scan["started_at"], FactValue::Int(at(line)), "{line}"),
    }
}

/// One state of the lab after the other, for one source.
#[test]
fn what_happens_to_a_pool_is_told_once() {
    let mut zfs = source();
    let mut told = |state: &str, pool: &str| {
        let folder = if state == "lab" { lab() } else { folder(state).join("capture") };
        let mut out = Readings::default();
        zfs.read(&HostRoot::captured(&folder), &mut out).unwrap();
        let of_pool = out.events().iter().filter(|event| event.data[0].1 == pool);
        of_pool.map(|event| (event.kind, event.message.clone())).collect::<Vec<_>>()
    };
    assert_eq!(told("corrected", "tank"), [], "nothing at the first look");
    let offline = [
        ("pool_device_failed", "device ata-LAB_SSD_LAB-SATA-3 of pool tank is offline".to_owned()),
        ("pool_degraded", "pool tank is degraded".to_owned()),
    ];
    assert_eq!(told("offline", "tank"), offline);
    assert_eq!(told("offline", "tank"), []);
    let events = told("corrected", "tank");
    let kinds: Vec<_> = events.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, ["pool_device_errors", "pool_recovered", "pool_scan_finished"], "{events:?}");
    assert_eq!(told("spares", "dr"), []);
    let events = told("resilvering", "dr");
    assert_eq!(events[0].1, "scrub of pool dr is done, with 0 errors");
    assert_eq!(events[1].1, "rebuild of pool dr is done, with 0 errors");
}

#[test]
fn sizes_are_those_that_zpool_lists() {
    let mut compared = 0;
    for state in STATES {
        let out = read(state);
        let held: Vec<String> = pools(state).into_iter().map(|(pool, _)| pool).collect();
        let mut pool = String::new();
        for line in printed(state, "zpool-list.txt").lines().filter(|line| line.contains('\t')) {
            let words: Vec<&str> = line.trim().split('\t').collect();
            let is_pool = !line.starts_with('\t');
            if is_pool {
                words[0].clone_into(&mut pool);
            }
            if !held.contains(&pool) {
                continue;
            }
            let number = |column: usize| words[column].parse::<f64>().ok();
            let labels = format!("{pool} {}", words[0]);
            let check = |metric: &str, value: Option<f64>| {
                let Some(value) = value else { return 0 };
                let found =
                    values(&out, &format!("hi_zfs_{}_{metric}", if is_pool { "pool" } else { "vdev" }));
                let own = found.iter().find(|(key, _)| match is_pool {
                    true => **key == pool,
                    false => key.rsplit_once(' ').unwrap().0 == labels,
                });
                let own = own.map_or(f64::NAN, |(_, value)| *value);
                // A pool that has just been scrubbed still frees a little.
                let close = state == "corrected" && (own - value).abs() <= value * 1e-3;
                assert!(own == value || close, "{state} {labels} {metric} is {own}, not {value}");
                1
            };
            if number(2).is_some() {
                // The size of a disk that stands alone is told as what can be used of it.
                let size = number(2).zip(number(3)).map(|(allocated, free)| allocated + free);
                compared += check("size_bytes", size) + check("allocated_bytes", number(2));
                compared +=
                    check("fragmentation_ratio", number(6).filter(|_| is_pool).map(|part| part / 100.0));
            } else if let Some(size) = number(1) {
                let devices = devices(fact(&out, "pool", &pool));
                let (.., part) = devices.iter().find(|device| device.0 == words[0]).unwrap();
                assert_eq!(part["size_bytes"], FactValue::Int(size as i64), "{state} {labels}");
                compared += 1;
            }
            if is_pool {
                compared += check("free_bytes", number(3)) + check("dedup_ratio", number(8));
            }
        }
    }
    assert!(compared > 120, "{compared}");
}

#[test]
fn datasets_are_those_that_zfs_lists() {
    let out = read("layouts");
    let series = |metric: &str, name: &str| {
        let pool = name.split('/').next().unwrap();
        values(&out, &format!("hi_zfs_dataset_{metric}")).get(&format!("{pool} {name}")).copied()
    };
    let mut listed = 0;
    let snapshots = printed("layouts", "snapshots.txt");
    let text_of = |doc: &BTreeMap<String, FactValue>, key: &str, none: &str| match doc.get(key) {
        None => none.to_owned(),
        Some(FactValue::Text(text)) => text.clone(),
        Some(FactValue::Int(number)) => number.to_string(),
        other => panic!("{other:?}"),
    };
    for line in printed("layouts", "zfs-list.txt").lines().filter(|line| !line.starts_with("tank")) {
        let words: Vec<&str> = line.split('\t').collect();
        let [name, kind, used, available, by_snapshots, quota, encryption, key, mountpoint, origin, volsize] =
            words[..]
        else {
            panic!("{line}")
        };
        listed += 1;
        let number = |text: &str| text.parse::<f64>().ok();
        assert_eq!(
            (series("used_bytes", name), series("available_bytes", name)),
            (number(used), number(available))
        );
        assert_eq!(series("quota_bytes", name), number(quota).filter(|&bytes| bytes > 0.0));
        let locked = match key {
            "-" => None,
            key => Some(f64::from(u8::from(key == "available"))),
        };
        assert_eq!(series("key_available", name), locked, "{name}");
        let doc = fact(&out, "dataset", name);
        assert_eq!(text(doc, "type"), kind);
        assert_eq!(text_of(doc, "encryption", "off"), encryption);
        assert_eq!(text_of(doc, "mountpoint", "-"), mountpoint);
        assert_eq!(text_of(doc, "origin", "-"), origin);
        assert_eq!(text_of(doc, "size_bytes", "-"), volsize);
        let own = snapshots.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('@'));
        let times: Vec<f64> = own.map(|line| line.split('\t').nth(1).unwrap().parse().unwrap()).collect();
        assert_eq!(series("snapshots", name), Some(times.len() as f64), "{name}");
        assert_eq!(series("newest_snapshot_timestamp_seconds", name), times.last().copied(), "{name}");
        let expected = number(by_snapshots).filter(|_| !times.is_empty());
        assert_eq!(series("used_by_snapshots_bytes", name), expected, "{name}");
    }
    assert_eq!(listed, values(&out, "hi_zfs_dataset_used_bytes").len());
    assert_eq!(listed, 10);
}
