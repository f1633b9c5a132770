//! Against what zpool, telegraf and a real machine said of the same moment.

use std::fs;

use serde_json::Value as Json;

use super::*;
use crate::sources::zfs::vdev::{Stats, Vdev};

/// Rows of a table of zpool, each with the depth of its indentation.
pub(super) fn rows(text: &str) -> Vec<(usize, Vec<&str>)> {
    let mut rows = Vec::new();
    for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        rows.push((line.len() - line.trim_start().len(), line.split_whitespace().collect()));
    }
    rows
}

#[test]
fn the_lab_s_pool_is_what_zpool_shows() {
    let host = HostRoot::captured(&lab());
    let mut out = Readings::default();
    assert_eq!(source().read(&host, &mut out).unwrap(), Outcome::Read);
    let status = fs::read_to_string(lab().join("zpool-status.txt")).unwrap();
    let table: Vec<_> =
        rows(&status).into_iter().skip_while(|(_, words)| words[0] != "NAME").skip(1).collect();
    let table: Vec<_> = table.iter().take_while(|(indent, _)| *indent > 0).collect();
    assert_eq!(table.len(), 4);
    let states = ones(&out, "hi_zfs_vdev_state");
    for (_, words) in &table[1..] {
        let labels = format!("tank {} data", words[0]);
        assert!(states.contains(&format!("{labels} {}", words[1].to_lowercase())), "{words:?} in {states:?}");
        for (metric, count) in ["read", "write", "checksum"].into_iter().zip(&words[2..]) {
            let metric = format!("hi_zfs_vdev_{metric}_errors_total");
            assert_eq!(values(&out, &metric)[&labels].to_string(), **count, "{metric} of {labels}");
        }
    }
    assert_eq!(ones(&out, "hi_zfs_pool_state"), ["tank online"]);
    assert_eq!(ones(&out, "node_zfs_zpool_state"), ["tank online"]);
    assert_eq!(ones(&out, "hi_zfs_pool_healthy"), ["tank"]);
    let list = fs::read_to_string(lab().join("zpool-list-p.txt")).unwrap();
    let list = rows(&list);
    let bytes = |row: usize, column: usize| list[row].1[column].parse::<f64>().unwrap();
    for (metric, column) in [("size", 1), ("allocated", 2), ("free", 3)] {
        assert_eq!(
            values(&out, &format!("hi_zfs_pool_{metric}_bytes"))["tank"],
            bytes(1, column),
            "{metric}"
        );
    }
    assert_eq!(values(&out, "hi_zfs_vdev_size_bytes")["tank mirror-0 data"], bytes(2, 1));
    assert_eq!(values(&out, "hi_zfs_vdev_allocated_bytes")["tank mirror-0 data"], bytes(2, 2));
    let doc = fact(&out, "pool", "tank");
    let mirror = maps(doc, "vdevs")[0];
    for (disk, row) in maps(mirror, "children").into_iter().zip(3..) {
        assert_eq!(text(disk, "name"), list[row].1[0]);
        assert_eq!(disk["size_bytes"], FactValue::Int(bytes(row, 1) as i64));
    }
    // "scrub repaired 0B in 00:00:03 with 0 errors on Fri Nov 20 08:09:27 2026"
    assert!(status.contains("scan: scrub repaired 0B in 00:00:03 with 0 errors on Fri Nov 20 08:09:27 2026"));
    let scan = maps(doc, "scans")[0];
    assert_eq!((text(scan, "function"), text(scan, "state")), ("scrub", "finished"));
    let finished = 1_795_162_167;
    assert_eq!(scan["finished_at"], FactValue::Int(finished));
    assert_eq!(scan["started_at"], FactValue::Int(finished - 3));
    assert_eq!((&scan["errors"], &scan["repaired_bytes"]), (&FactValue::Int(0), &FactValue::Int(0)));
    assert_eq!(values(&out, "hi_zfs_scan_progress_ratio")["tank scrub "], 1.0);
    assert_eq!(out.fingerprint(), {
        let mut again = Readings::default();
        source().read(&host, &mut again).unwrap();
        again.fingerprint()
    });
}

/// The lab's kernel names every statistic, and so does telegraf's machine; both are declared here, unless left out on purpose.
#[test]
fn every_statistic_of_a_known_file_is_declared() {
    let mut folders = vec![lab().join("proc/spl/kstat/zfs")];
    folders.extend(shared("fixtures/03-zfs/telegraf-zfs/linux/issue_17578/zfs"));
    for folder in folders {
        for table in kstat_names::TABLES {
            let Ok(text) = fs::read_to_string(folder.join(table.file)) else { continue };
            for line in text.lines().skip(2) {
                let name = line.split_whitespace().next().unwrap().replace('-', "_");
                assert!(table.rows.iter().any(|(known, _)| *known == name), "{} {name}", table.file);
            }
        }
    }
}

/// telegraf's plain fields are our metrics: `arcstats_hits` is `node_zfs_arc_hits`.
#[test]
fn statistics_have_the_values_that_telegraf_expects() {
    let Some(folder) = shared("fixtures/03-zfs/telegraf-zfs/linux/issue_17578") else { return };
    let tree = tempfile::tempdir().unwrap();
    fs::create_dir_all(tree.path().join("proc/spl/kstat")).unwrap();
    std::os::unix::fs::symlink(folder.join("zfs"), tree.path().join("proc/spl/kstat/zfs")).unwrap();
    let mut out = Readings::default();
    assert_eq!(source().read(&HostRoot::captured(tree.path()), &mut out).unwrap(), Outcome::Read);
    let expected = fs::read_to_string(folder.join("expected.out")).unwrap();
    let (mut compared, mut of_datasets) = (0, 0);
    for line in expected.lines().filter(|line| !line.is_empty()) {
        let (head, fields) = line.split_once(' ').unwrap();
        let fields = fields.split([',', ' ']).filter_map(|field| field.split_once('='));
        let dataset = head.split(',').find_map(|tag| tag.strip_prefix("dataset="));
        for (field, value) in fields {
            let value = value.trim_end_matches('i').parse::<f64>();
            let Ok(value) = value else { continue };
            match dataset {
                Some(dataset) => {
                    let found = values(&out, &format!("node_zfs_zpool_dataset_{field}"));
                    let pool = dataset.split('/').next().unwrap();
                    // The tree holds some of the datasets alone.
                    let Some(found) = found.get(&format!("{pool} {dataset}")) else { continue };
                    assert_eq!(*found, value, "{field} of {dataset}");
                    of_datasets += 1;
                }
                None => {
                    let known = kstat_names::TABLES.into_iter().find_map(|table| {
                        let name = field.strip_prefix(table.file)?.strip_prefix('_')?.replace('-', "_");
                        table.rows.iter().find(|(row, _)| *row == name).map(|(_, metric)| metric.name)
                    });
                    let Some(metric) = known else { continue };
                    assert_eq!(values(&out, metric)[""], value, "{field}");
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 180 && of_datasets >= 12 * 6, "{compared} {of_datasets}");
}

/// A machine's `zpool status -j`, of which the lists were made.
#[test]
fn constructed_pools_have_the_states_and_errors_of_their_status() {
    let Some(folder) = shared("fixtures/03-zfs/constructed-pool-stats") else { return };
    let status: Json = serde_json::from_slice(&fs::read(folder.join("source-status.json")).unwrap()).unwrap();
    let mut vdevs = 0;
    for (name, truth) in status["pools"].as_object().unwrap() {
        for encoding in ["native-le", "xdr"] {
            let bytes = fs::read(folder.join(format!("{name}.{encoding}.nvlist"))).unwrap();
            let pool = Pool::new(&decode(&bytes).unwrap(), false, true).unwrap();
            assert_eq!(
                (pool.name.as_str(), pool.state_word()),
                (name.as_str(), truth["state"].as_str().unwrap())
            );
            assert_eq!(Some(pool.guid), truth["pool_guid"].as_u64());
            assert_eq!(pool.data_errors, truth["error_count"].as_u64());
            let (scan, of) = (&pool.scans[0], &truth["scan_stats"]);
            let number = |key: &str| of[key].as_u64().unwrap();
            assert_eq!(Some(scan.function), of["function"].as_str().map(str::to_lowercase).as_deref());
            assert_eq!(Some(scan.state.word()), of["state"].as_str().map(str::to_lowercase).as_deref());
            assert_eq!((scan.started_at, scan.finished_at), (number("start_time"), Some(number("end_time"))));
            assert_eq!(scan.total, number("to_examine") - number("skipped"));
            assert_eq!((scan.done, scan.errors), (number("issued"), Some(number("errors"))));
            assert_eq!(scan.repaired_bytes, Some(number("processed")));
            compare(&pool.root, &truth["vdevs"][name], &mut vdevs);
        }
    }
    assert!(vdevs > 40, "{vdevs}");
}

fn compare(vdev: &Vdev, truth: &Json, compared: &mut usize) {
    let Stats { alloc_bytes, space_bytes, read_errors, write_errors, checksum_errors, slow_ios, .. } =
        vdev.stats.unwrap();
    let number = |key: &str| truth[key].as_u64().unwrap_or(0);
    assert_eq!(Some(vdev.name.as_str()), truth["name"].as_str());
    assert_eq!(Some(vdev.kind.as_str()), truth["vdev_type"].as_str(), "{}", vdev.name);
    assert_eq!(Some(vdev.state_word()), truth["state"].as_str(), "{}", vdev.name);
    assert_eq!(vdev.aux().map(str::to_uppercase).as_deref(), truth["aux"].as_str(), "{}", vdev.name);
    assert_eq!(vdev.path.as_deref(), truth["path"].as_str());
    assert_eq!(vdev.guid, number("guid"));
    let errors = (number("read_errors"), number("write_errors"), number("checksum_errors"));
    assert_eq!((read_errors, write_errors, checksum_errors), errors, "{}", vdev.name);
    assert_eq!((alloc_bytes, space_bytes), (number("alloc_space"), number("total_space")), "{}", vdev.name);
    assert_eq!(slow_ios, Some(number("slow_ios")), "{}", vdev.name);
    let none = serde_json::Map::new();
    let children = truth["vdevs"].as_object().unwrap_or(&none);
    assert_eq!(vdev.children.len(), children.len(), "{}", vdev.name);
    for child in &vdev.children {
        compare(child, &children[&child.name], compared);
    }
    *compared += 1;
}

/// Damage to what the kernel told never panics anywhere behind the decoder either.
#[test]
fn a_damaged_answer_costs_itself() {
    let bytes = fs::read(lab().join("dev/zfs.ioctl/zfs-pool-stats-tank")).unwrap();
    for step in 0..2000 {
        let mut damaged = bytes.clone();
        // Spread over all of it, each time another bit.
        let at = (step * 7919) % damaged.len();
        damaged[at] ^= 1 << (step % 8);
        let Ok(list) = decode(&damaged) else { continue };
        let Ok(pool) = Pool::new(&list, false, true) else { continue };
        let mut out = Readings::default();
        let status = status::status(&pool);
        metrics::push_pool(&pool, &List::default(), Some(1_795_162_167), &mut out);
        let _ = facts::of_pool(&pool, &List::default(), status, None, None, &|_| None);
    }
}
