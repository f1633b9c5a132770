use std::fs;
use std::path::{Path, PathBuf};

use super::*;

fn fixture(state: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/btrfs").join(state)
}

fn read(root: &Path) -> (Readings, Result<Outcome, SourceError>) {
    let mut out = Readings::default();
    let result = Filesystems::default().read(&HostRoot::captured(root), &mut out);
    (out, result)
}

/// The values of a metric, by some of its labels joined with a blank.
fn values(out: &Readings, name: &str, keys: &[&str]) -> BTreeMap<String, f64> {
    let mut found = BTreeMap::new();
    for (metric, labels, value) in out.samples().filter(|(metric, ..)| metric.name == name) {
        let of = |key: &&str| labels[metric.labels.iter().position(|label| label == key).unwrap()];
        found.insert(keys.iter().map(of).collect::<Vec<_>>().join(" "), value);
    }
    found
}

/// `[/dev/loop0].write_io_errs    0` of `btrfs device stats`; of a missing device `[devid:2]`.
fn said_errors(state: &str) -> BTreeMap<String, f64> {
    let text = fs::read_to_string(fixture(state).join("device-stats.txt")).unwrap();
    let row = |line: &str| {
        let (device, rest) = line.trim_start_matches('[').split_once("].").unwrap();
        let (name, count) = rest.split_once(' ').unwrap();
        let device = device.trim_start_matches("/dev/").replace("devid:", "devid-");
        (format!("{device} {}", name.split('_').next().unwrap()), count.trim().parse().unwrap())
    };
    text.lines().map(row).collect()
}

/// `Data,RAID1: Size:67108864, Used:41943040 (62.50%)` of `btrfs filesystem usage -b`.
fn said_space(state: &str) -> BTreeMap<String, (f64, f64)> {
    let text = fs::read_to_string(fixture(state).join("usage.txt")).unwrap();
    let row = |line: &str| {
        let (group, rest) = line.split_once(": Size:")?;
        let (size, used) = rest.split_once(", Used:")?;
        let used = used.split(' ').next()?;
        Some((group.to_lowercase().replace(',', " "), (size.parse().ok()?, used.parse().ok()?)))
    };
    text.lines().filter_map(row).collect()
}

#[test]
fn every_state_is_told_as_btrfs_progs_tell_it() {
    for state in ["healthy", "scrubbing", "corrupted", "missing"] {
        let (out, result) = read(&fixture(state).join("root"));
        assert_eq!(result.unwrap(), Outcome::Read);
        assert_eq!(
            values(&out, "node_btrfs_device_errors_total", &["device", "type"]),
            said_errors(state),
            "{state}"
        );
        let keys = ["block_group_type", "mode"];
        let (size, used) =
            (values(&out, "node_btrfs_size_bytes", &keys), values(&out, "node_btrfs_used_bytes", &keys));
        let space: BTreeMap<String, (f64, f64)> =
            size.iter().map(|(group, size)| (group.clone(), (*size, used[group]))).collect();
        assert_eq!(space, said_space(state), "{state}");
        let missing = values(&out, "hi_btrfs_devices", &["state"])["missing"];
        assert_eq!(missing, if state == "missing" { 1.0 } else { 0.0 });
        assert_eq!(
            values(&out, "hi_btrfs_scrub_running", &[])[""],
            if state == "scrubbing" { 1.0 } else { 0.0 }
        );
        let fact = &out.facts()[0];
        assert_eq!((fact.kind, fact.id.as_str()), ("btrfs", "018695b9-8b21-4711-ad31-a5cbb3be770c"));
        let expected = if state == "missing" { "degraded" } else { "online" };
        assert_eq!(fact.doc["state"], FactValue::Text(expected.to_owned()));
        assert_eq!(fact.doc["label"], FactValue::Text("pond".to_owned()));
    }
}

#[test]
fn a_scrub_is_told_while_it_runs_and_after() {
    let (out, _) = read(&fixture("scrubbing").join("root"));
    let bytes = values(&out, "hi_btrfs_scrub_bytes", &[])[""];
    // Both devices together, of two copies of everything.
    let used: f64 = said_space("scrubbing").values().map(|(_, used)| 2.0 * used).sum();
    assert_eq!(values(&out, "hi_btrfs_scrub_ratio", &[])[""], bytes / used);
    assert!(bytes > 0.0 && bytes < used, "{bytes} of {used}");

    let (out, _) = read(&fixture("corrupted").join("root"));
    let errors = values(&out, "hi_btrfs_scrub_errors", &["type"]);
    assert_eq!((errors["checksum"], errors["corrected"], errors["uncorrectable"]), (20.0, 20.0, 0.0));
    assert!(values(&out, "hi_btrfs_scrub_ratio", &[])[""].is_nan());
    let FactValue::Map(last) = &out.facts()[0].doc["last_scrub"] else { panic!("last_scrub") };
    assert_eq!(last["result"], FactValue::Text("finished".to_owned()));
    let ended = values(&out, "hi_btrfs_scrub_last_finished_timestamp_seconds", &[])[""];
    assert!(ended > 1.7e9, "{ended}");
}

/// Copies a capture without the answers of the filesystem.
fn without_answers(state: &str) -> tempfile::TempDir {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
            let target = to.join(entry.file_name());
            match entry.file_type().unwrap() {
                kind if kind.is_symlink() => {
                    std::os::unix::fs::symlink(fs::read_link(entry.path()).unwrap(), target).unwrap();
                }
                kind if kind.is_dir() => copy(&entry.path(), &target),
                _ => drop(fs::copy(entry.path(), target).unwrap()),
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    copy(&fixture(state).join("root"), folder.path());
    fs::remove_dir_all(folder.path().join("mnt/pond.ioctl")).unwrap();
    folder
}

#[test]
fn without_an_answer_there_is_what_sysfs_tells() {
    let folder = without_answers("missing");
    let (out, result) = read(folder.path());
    assert_eq!(result.unwrap(), Outcome::Read);
    assert_eq!(
        values(&out, "node_btrfs_device_size_bytes", &["device"]),
        BTreeMap::from([("loop0".to_owned(), 314_572_800.0)])
    );
    assert_eq!(
        values(&out, "node_btrfs_device_errors_total", &["device", "type"])["devid-2 corruption"],
        20.0
    );
    let expected = BTreeMap::from([("1".to_owned(), 0.0), ("2".to_owned(), 1.0)]);
    assert_eq!(values(&out, "hi_btrfs_device_missing", &["devid"]), expected);
}

#[test]
fn a_mount_point_that_may_not_be_opened_is_named() {
    let folder = without_answers("healthy");
    let answers = folder.path().join("mnt/pond.ioctl");
    fs::create_dir_all(&answers).unwrap();
    fs::write(answers.join("btrfs-fs-info.error"), "13\n").unwrap();
    let (out, result) = read(folder.path());
    let error = result.unwrap_err();
    assert_eq!((error.reason(), error.to_string().ends_with("/mnt/pond")), ("permission", true), "{error}");
    assert!(out.len() > 20 && out.facts().len() == 1, "sysfs is read all the same");
}

#[test]
fn progress_that_may_not_be_asked_is_left_out_and_said() {
    let folder = without_answers("healthy");
    let from = fixture("healthy").join("root/mnt/pond.ioctl");
    let to = folder.path().join("mnt/pond.ioctl");
    fs::create_dir_all(&to).unwrap();
    for name in
        ["btrfs-fs-info", "btrfs-dev-info-1", "btrfs-dev-info-2", "btrfs-dev-stats-1", "btrfs-dev-stats-2"]
    {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
    fs::write(to.join("btrfs-scrub-progress-1.error"), "1\n").unwrap();
    let (out, result) = read(folder.path());
    assert_eq!(result.unwrap(), Outcome::Read);
    assert!(values(&out, "hi_btrfs_scrub_running", &[]).is_empty());
    assert_eq!(out.facts()[0].doc["scrub_progress"], FactValue::Text("needs CAP_SYS_ADMIN".to_owned()));
    assert_eq!(values(&out, "node_btrfs_device_size_bytes", &["device"]).len(), 2);
}

#[test]
fn a_host_without_btrfs_has_nothing_to_read() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("sys/fs/btrfs/features")).unwrap();
    assert_eq!(read(folder.path()).1.unwrap(), Outcome::Absent);
}

#[test]
fn new_errors_and_a_missing_device_are_told_once() {
    let mut source = Filesystems::default();
    let mut told = |state: &str| {
        let mut out = Readings::default();
        source.read(&HostRoot::captured(&fixture(state).join("root")), &mut out).unwrap();
        out.events().iter().map(|event| event.message.clone()).collect::<Vec<_>>()
    };
    assert_eq!(told("healthy"), [""; 0]);
    assert_eq!(told("corrupted"), ["device loop1 of btrfs pond has new errors: 20 corruption"]);
    assert_eq!(told("corrupted"), [""; 0]);
    assert_eq!(told("missing"), ["device loop1 of btrfs pond is missing"]);
    assert_eq!(told("healthy"), [""; 0], "errors that were reset are none");
}
