use std::fs;
use std::path::Path;

use super::*;
use proptest::prelude::*;

/// Makes a host of what was captured in the lab: `/proc/mdstat` and lines `path<TAB>content` of sysfs.
fn lab(state: &str) -> tempfile::TempDir {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/md").join(state);
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("proc")).unwrap();
    fs::copy(from.join("mdstat"), folder.path().join("proc/mdstat")).unwrap();
    let lines = fs::read_to_string(from.join("sysfs.txt")).unwrap_or_default();
    for (path, content) in lines.lines().filter_map(|line| line.split_once('\t')) {
        if content.contains("Permission denied") {
            continue;
        }
        let path = folder.path().join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content.replace("\\n", "\n")).unwrap();
    }
    folder
}

fn read(root: &Path) -> (Readings, Result<Outcome, SourceError>) {
    let mut out = Readings::default();
    let result = Md::default().read(&HostRoot::captured(root), &mut out);
    (out, result)
}

fn value(out: &Readings, name: &str, labels: &[&str]) -> Option<f64> {
    let mut samples = out.samples();
    samples.find(|(metric, found, _)| metric.name == name && found == labels).map(|(_, _, value)| value)
}

fn text<'d>(doc: &'d Doc, key: &str) -> &'d str {
    match doc.get(key) {
        Some(FactValue::Text(text)) => text,
        _ => "",
    }
}

/// What mdadm said in the same moment.
#[derive(Default)]
struct Said {
    state: String,
    level: String,
    uuid: String,
    size_kib: i64,
    slots: i64,
    failed: usize,
    spare: usize,
    /// Device to its state.
    members: BTreeMap<String, String>,
}

fn said(state: &str) -> Said {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/md/{state}/mdadm-D.txt"));
    let text = fs::read_to_string(file).unwrap();
    let mut said = Said::default();
    for line in text.lines() {
        if let Some((key, value)) = line.split_once(" : ") {
            let (key, value) = (key.trim(), value.trim());
            match key {
                "State" => said.state = value.replace("clean", "active"),
                "Raid Level" => said.level = value.to_owned(),
                "UUID" => said.uuid = value.replace(':', ""),
                "Array Size" => said.size_kib = value.split(' ').next().unwrap().parse().unwrap(),
                "Raid Devices" => said.slots = value.parse().unwrap(),
                "Failed Devices" => said.failed = value.parse().unwrap(),
                "Spare Devices" => said.spare = value.parse().unwrap(),
                _ => {}
            }
        } else if let Some((head, device)) = line.split_once("/dev/")
            && head.trim().starts_with(|c: char| c.is_ascii_digit())
        {
            let words: Vec<&str> = head.split_whitespace().skip(4).collect();
            said.members.insert(device.to_owned(), words.join(" "));
        }
    }
    said
}

#[test]
fn the_lab_says_what_mdadm_said() {
    for state in ["healthy", "degraded", "recovering", "checking", "disk-gone"] {
        let host = lab(state);
        let (out, result) = read(host.path());
        assert_eq!(result.unwrap(), Outcome::Read);
        let said = said(state);
        let fact = &out.facts()[0];
        assert_eq!((fact.kind, fact.id.as_str()), ("array", "md0"));
        assert_eq!(text(&fact.doc, "state"), said.state, "{state}");
        assert_eq!(text(&fact.doc, "level"), said.level);
        if state != "checking" {
            assert_eq!(text(&fact.doc, "uuid").replace('-', ""), said.uuid);
        }
        assert_eq!(fact.doc["size_bytes"], FactValue::Int(said.size_kib * 1024));
        assert_eq!(fact.doc["raid_disks"], FactValue::Int(said.slots));
        let FactValue::List(members) = &fact.doc["members"] else { panic!("members") };
        let roles: BTreeMap<&str, &str> = members
            .iter()
            .map(|member| match member {
                FactValue::Map(doc) => (text(doc, "device"), text(doc, "role")),
                _ => panic!("member"),
            })
            .collect();
        let count = |role: &str| roles.values().filter(|found| **found == role).count();
        // The disk that is gone stands in mdstat for some seconds yet; mdadm has taken it out.
        if state != "disk-gone" {
            assert_eq!(count("faulty"), said.failed, "{state}");
            assert_eq!(count("spare") + count("rebuilding"), said.spare, "{state}");
            assert_eq!(roles.len(), said.members.len());
        }
        for (device, words) in &said.members {
            let role = match words.as_str() {
                "active sync" => "active",
                "spare rebuilding" => "rebuilding",
                other => other,
            };
            assert_eq!(roles[device.as_str()], role, "{state} {device}");
        }
        assert_eq!(value(&out, "hi_md_failed", &["md0"]), Some(0.0));
    }
}

#[test]
fn progress_is_told_while_there_is_some() {
    let (out, _) = read(lab("recovering").path());
    assert_eq!(value(&out, "hi_md_sync_action", &["md0", "recover"]), Some(1.0));
    assert_eq!(value(&out, "hi_md_sync_action", &["md0", "idle"]), Some(0.0));
    // sysfs was read some seconds after mdstat, and counts sectors.
    assert_eq!(value(&out, "hi_md_sync_ratio", &["md0"]), Some(130_944.0 / 2_093_056.0));
    assert_eq!(value(&out, "hi_md_sync_speed_bytes_per_second", &["md0"]), Some(3104.0 * 1024.0));
    assert_eq!(value(&out, "hi_md_sync_left_seconds", &["md0"]), Some(330.0));
    assert_eq!(value(&out, "hi_md_member_state", &["md0", "sdc", "rebuilding"]), Some(1.0));
    assert_eq!(value(&out, "node_md_degraded", &["md0"]), Some(1.0));
    let (out, _) = read(lab("healthy").path());
    assert!(value(&out, "hi_md_sync_ratio", &["md0"]).unwrap().is_nan(), "nothing goes on");
    assert_eq!(value(&out, "hi_md_mismatch_bytes", &["md0"]), Some(0.0));
    assert_eq!(value(&out, "hi_md_member_read_errors_total", &["md0", "sdb"]), Some(0.0));
}

#[test]
fn a_host_without_arrays_has_nothing_to_read() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(read(folder.path()).1.unwrap(), Outcome::Absent);
    fs::create_dir(folder.path().join("proc")).unwrap();
    fs::write(folder.path().join("proc/mdstat"), "Personalities : \nunused devices: <none>\n").unwrap();
    let (out, result) = read(folder.path());
    assert_eq!((result.unwrap(), out.len(), out.facts().len()), (Outcome::Absent, 0, 0));
    fs::write(folder.path().join("proc/mdstat"), "md0 : active raid1 sda[0\n").unwrap();
    assert_eq!(read(folder.path()).1.unwrap_err().reason(), "parse");
}

#[test]
fn facts_are_told_again_when_they_change_but_not_for_a_write() {
    let host = lab("healthy");
    let mut md = Md::default();
    let mut facts = |array_state: &str, degraded: &str| {
        fs::write(host.path().join("sys/block/md0/md/array_state"), array_state).unwrap();
        fs::write(host.path().join("sys/block/md0/md/degraded"), degraded).unwrap();
        let mut out = Readings::default();
        md.read(&HostRoot::captured(host.path()), &mut out).unwrap();
        out.facts().iter().map(|fact| text(&fact.doc, "state").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(facts("clean\n", "0\n"), ["active"]);
    assert_eq!(facts("active\n", "0\n"), [""; 0]);
    assert_eq!(facts("active\n", "1\n"), ["active, degraded"]);
    assert_eq!(facts("readonly\n", "2\n"), ["readonly, FAILED"]);
}

#[test]
fn what_happens_to_an_array_is_told_once() {
    let mut md = Md::default();
    let mut told = |state: Option<&str>| {
        let folder = state.map_or_else(|| tempfile::tempdir().unwrap(), lab);
        let mut out = Readings::default();
        md.read(&HostRoot::captured(folder.path()), &mut out).unwrap();
        let messages: Vec<String> = out.events().iter().map(|event| event.message.clone()).collect();
        (messages.join("; "), out.gone().len())
    };
    assert_eq!(told(Some("healthy")), (String::new(), 0));
    let failed = "member sdc of array md0 has failed; array md0 lacks 1 of 2 members";
    assert_eq!(told(Some("degraded")), (failed.to_owned(), 0));
    assert_eq!(told(Some("recovering")), (String::new(), 0));
    assert_eq!(told(Some("healthy")), ("array md0 has all its members again".to_owned(), 0));
    assert_eq!(told(Some("disk-gone")).0, failed);
    assert_eq!(told(None), (String::new(), 1), "an array that was stopped");
}

#[test]
fn an_array_that_fails_and_one_whose_members_differ_are_told() {
    let host = lab("healthy");
    let mut md = Md::default();
    let mut told = |attribute: &str, text: &str| {
        fs::write(host.path().join("sys/block/md0/md").join(attribute), text).unwrap();
        let mut out = Readings::default();
        md.read(&HostRoot::captured(host.path()), &mut out).unwrap();
        out.events().iter().map(|event| event.kind).collect::<Vec<_>>()
    };
    assert_eq!(told("sync_action", "check\n"), [""; 0]);
    assert_eq!(told("mismatch_cnt", "128\n"), [""; 0], "not before it is at its end");
    assert_eq!(told("sync_action", "idle\n"), ["array_mismatch"]);
    assert_eq!(told("degraded", "2\n"), ["array_failed"]);
    assert_eq!(told("degraded", "2\n"), [""; 0]);
}

/// A level, `mdstat`'s map of slots, whether that has failed. `near=N` is a layout of RAID 10.
#[test]
fn an_array_fails_when_more_is_lost_than_its_level_bears() {
    for (level, map, layout, failed) in [
        ("raid1", "U_", "", false),
        ("raid1", "__", "", true),
        ("raid5", "UU_", "", false),
        ("raid5", "U__", "", true),
        ("raid6", "UU__", "", false),
        ("raid6", "U___", "", true),
        ("raid10", "U_U_", "258", false),
        ("raid10", "__UU", "258", true),
        ("raid10", "_U__", "513", true),
        ("raid10", "_UU_", "513", false),
        ("raid0", "", "", false),
    ] {
        let slots = (map.len() as u32, map.matches('U').count() as u32);
        let line = mdstat::Array {
            activity: "active".into(),
            level: Some(level.into()),
            slots: Some(slots),
            map: Some(map.into()),
            ..mdstat::Array::default()
        };
        let layout = Some(layout.to_owned()).filter(|layout| !layout.is_empty());
        let attributes = Attributes { layout, ..Attributes::default() };
        assert_eq!(View::new("md0", Some(line), Some(attributes)).has_failed(), failed, "{level} {map}");
    }
}

/// Captures of other projects: every array of each is understood.
#[test]
fn captured_files_are_understood() {
    let shared = std::env::var_os("HI_SHARED")
        .map_or(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), std::path::PathBuf::from);
    let folder = shared.join("fixtures/01-linux-proc-sys");
    if !folder.is_dir() {
        println!("SKIPPED: mdstat of other projects: HI_SHARED has no fixtures ({})", folder.display());
        return;
    }
    let mut files: Vec<_> = ["pymdstat", "glouton-mdstat/mdstat"]
        .iter()
        .flat_map(|name| fs::read_dir(folder.join(name)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("SOURCE.md"))
        .collect();
    files.push(folder.join("node_exporter/proc/mdstat"));
    let mut arrays = 0;
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let found = mdstat::parse(&text);
        assert_eq!(found.problem, None, "{}", file.display());
        assert_eq!(found.arrays.len(), text.matches(" : ").count() - 1, "{}", file.display());
        for array in &found.arrays {
            assert!(array.blocks.is_some() && !array.members.is_empty(), "{} {}", file.display(), array.name);
            assert!(array.other.is_empty(), "{} {:?}", file.display(), array.other);
            let working = array.map.as_ref().map(|map| map.matches('U').count());
            assert_eq!(working, array.slots.map(|(_, working)| working as usize), "{}", array.name);
        }
        arrays += found.arrays.len();
    }
    assert!(arrays > 40, "{arrays}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_sysfs_says_nothing_panics(texts in prop::collection::vec("([0-9]{1,25}|/| |none|\\(|external:|-|,|.){0,12}", 12)) {
        let host = lab("recovering");
        let names = [
            "level", "array_state", "metadata_version", "raid_disks", "degraded", "chunk_size", "layout", "sync_action",
            "sync_completed", "sync_speed", "mismatch_cnt", "dev-sdb/state",
        ];
        for (name, text) in names.iter().zip(&texts) {
            fs::write(host.path().join("sys/block/md0/md").join(name), text).unwrap();
        }
        let (out, _) = read(host.path());
        prop_assert_eq!(out.facts().len(), 1);
    }
}
