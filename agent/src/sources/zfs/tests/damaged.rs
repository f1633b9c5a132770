//! What a pool has lost for good, out of made-up answers: names, what has none, who may not ask, and how many.

use super::built::Machine;
use super::*;
use crate::sources::zfs::damage::{DENIED, NAMES_BYTES_MAX, NAMES_MAX};

const LOG: &str = "dev/zfs.ioctl/zfs-error-log-tank";

/// A machine whose pool has damage in these objects of datasets.
fn machine(places: &[(u64, u64)], complete: bool) -> Machine {
    let machine = Machine::new("2.1.11-1");
    machine.errors(places.len() as u64);
    log(&machine, places, complete);
    machine
}

fn log(machine: &Machine, places: &[(u64, u64)], complete: bool) {
    let place = |&(dataset, object): &(u64, u64)| [dataset, object, 0, 7];
    let words = places.iter().flat_map(place);
    machine.file(LOG, &words.flat_map(u64::to_ne_bytes).collect::<Vec<u8>>());
    machine.file(&format!("{LOG}.status"), format!("complete {}\n", u8::from(complete)).as_bytes());
}

fn names(machine: &Machine, datasets: &[(u64, &str)], files: &[(u64, &str, &str)]) {
    for (number, name) in datasets {
        machine.file(&format!("dev/zfs.ioctl/zfs-dataset-name-{number:x}-tank"), name.as_bytes());
    }
    for (object, dataset, path) in files {
        machine.file(&format!("dev/zfs.ioctl/zfs-object-path-{object:x}-{dataset}"), path.as_bytes());
    }
}

fn listed(out: &Readings) -> Vec<String> {
    match fact(out, "pool", "tank").get("damaged_files") {
        Some(FactValue::List(list)) => list
            .iter()
            .map(|value| match value {
                FactValue::Text(text) => text.clone(),
                other => panic!("{other:?} is no text"),
            })
            .collect(),
        None => Vec::new(),
        other => panic!("{other:?} is no list"),
    }
}

#[test]
fn damaged_files_are_named_as_zpool_does() {
    let places = [(54, 128), (54, 128), (54, 9), (70, 3), (80, 2), (90, 1), (0, 61)];
    let machine = machine(&places, true);
    names(
        &machine,
        &[(54, "tank/data"), (70, "tank/data@before"), (80, "tank/shelf")],
        &[(128, "tank.2fdata", "/lost letters.txt"), (3, "tank.2fdata.40before", "/gone")],
    );
    names(&machine, &[], &[(2, "tank.2fshelf", "/folder/lost")]);
    let mounts = "30 1 0:30 / /srv/my\\040data rw - zfs tank/data rw\n31 1 0:31 /in /bound rw - zfs tank/shelf rw\n\
                  32 1 8:1 / /shelf rw - ext4 tank/shelf rw\n";
    machine.file("proc/1/mountinfo", mounts.as_bytes());
    let mut zfs = source();
    let mut out = Readings::default();
    zfs.read(&machine.host(), &mut out).unwrap();
    let expected = [
        "<metadata>:<0x3d>",
        "tank/data:<0x9>",
        "/srv/my data/lost letters.txt",
        "tank/data@before:/gone",
        "tank/shelf:/folder/lost",
        "<0x5a>:<0x1>",
    ];
    assert_eq!(listed(&out), expected);
    let doc = fact(&out, "pool", "tank");
    assert_eq!((&doc["damaged_files_count"], &doc["data_errors"]), (&FactValue::Int(6), &FactValue::Int(7)));
    assert_eq!((out.events(), out.notes()), (&[][..], &[][..]), "found, not seen to happen");

    // As long as nothing happens the pool is not asked again; then it is.
    std::fs::remove_file(machine.folder.path().join(LOG)).unwrap();
    out.clear();
    zfs.read(&machine.host(), &mut out).unwrap();
    assert_eq!(out.facts(), []);
    log(&machine, &[(80, 2)], true);
    machine.errors(1);
    zfs.read(&machine.host(), &mut out).unwrap();
    assert_eq!(listed(&out), ["tank/shelf:/folder/lost"]);
    out.clear();
    machine.errors(0);
    zfs.read(&machine.host(), &mut out).unwrap();
    assert!(!fact(&out, "pool", "tank").keys().any(|key| key.starts_with("damaged")));
    // The first damage that is seen to happen is an event.
    out.clear();
    machine.errors(1);
    zfs.read(&machine.host(), &mut out).unwrap();
    let lost =
        "pool tank has lost data: 1 errors that could not be repaired, the first in tank/shelf:/folder/lost";
    assert_eq!(out.events().iter().map(|event| event.message.as_str()).collect::<Vec<_>>(), [lost]);
}

#[test]
fn a_hundred_names_are_enough() {
    let places: Vec<(u64, u64)> = (1..=500).map(|object| (54, object)).collect();
    let mut out = Readings::default();
    let many = machine(&places, true);
    names(&many, &[(54, "tank")], &[]);
    source().read(&many.host(), &mut out).unwrap();
    assert_eq!((listed(&out).len(), listed(&out)[99].as_str()), (NAMES_MAX, "tank:<0x64>"));
    assert_eq!(fact(&out, "pool", "tank")["damaged_files_count"], FactValue::Int(500));
    // Of a log that did not fit it is not known how many there are.
    log(&many, &places, false);
    out.clear();
    source().read(&many.host(), &mut out).unwrap();
    assert_eq!(listed(&out).len(), NAMES_MAX);
    assert!(!fact(&out, "pool", "tank").contains_key("damaged_files_count"));
    let long = format!("/{}", "x".repeat(8000));
    let files: Vec<(u64, &str, &str)> = (1..=500).map(|object| (object, "tank", long.as_str())).collect();
    names(&many, &[], &files);
    out.clear();
    source().read(&many.host(), &mut out).unwrap();
    assert_eq!(listed(&out).len(), NAMES_BYTES_MAX / 8006);
}

#[test]
fn who_may_not_ask_is_told_how_many_alone() {
    let machine = machine(&[(54, 1)], true);
    let failing = |errno: i32| {
        machine.file(&format!("{LOG}.error"), format!("{errno}\n").as_bytes());
        let mut out = Readings::default();
        source().read(&machine.host(), &mut out).unwrap();
        assert_eq!((listed(&out).len(), values(&out, "hi_zfs_pool_data_errors")["tank"]), (0, 1.0));
        out
    };
    for errno in [libc::EACCES, libc::EPERM] {
        let out = failing(errno);
        assert_eq!(text(fact(&out, "pool", "tank"), "damaged_files_unread"), DENIED);
        assert_eq!(out.notes(), ["pool tank: which files are damaged is not known: needs CAP_SYS_ADMIN"]);
    }
    assert!(failing(libc::EIO).notes()[0].contains("cannot be read"));
    // Suspended or exported at this moment.
    assert_eq!(failing(libc::EAGAIN).notes(), [""; 0]);
}
