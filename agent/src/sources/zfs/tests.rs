//! The source against what was recorded and what was built: pools, spares, scans, datasets.

mod built;
mod damaged;
mod recorded;
mod states;

use std::path::{Path, PathBuf};

use hi_common::fact::FactValue;

use super::*;

/// A folder of recorded inputs that are not the project's own, unless it is not there.
pub(super) fn shared(path: &str) -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let shared = std::env::var_os("HI_SHARED").map_or(workspace.join("../shared"), PathBuf::from);
    let folder = shared.join(path);
    if !folder.is_dir() {
        println!("SKIPPED: HI_SHARED has no {path} ({})", folder.display());
        return None;
    }
    Some(folder)
}

/// The capture of the lab's machine.
fn lab() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/zfs/lab")
}

fn source() -> Zfs {
    Zfs::new(&Config::default()).unwrap()
}

/// Values of a metric by its labels, joined by spaces.
fn values(out: &Readings, metric: &str) -> BTreeMap<String, f64> {
    let samples = out.samples().filter(|(def, ..)| def.name == metric);
    samples.map(|(_, labels, value)| (labels.join(" "), value)).collect()
}

/// Labels of the samples of a metric that are 1.
fn ones(out: &Readings, metric: &str) -> Vec<String> {
    values(out, metric).into_iter().filter(|(_, value)| *value == 1.0).map(|(labels, _)| labels).collect()
}

fn fact<'r>(out: &'r Readings, kind: &str, id: &str) -> &'r BTreeMap<String, FactValue> {
    &out.facts().iter().find(|fact| fact.kind == kind && fact.id == id).unwrap().doc
}

fn text<'d>(doc: &'d BTreeMap<String, FactValue>, key: &str) -> &'d str {
    match doc.get(key) {
        Some(FactValue::Text(text)) => text,
        other => panic!("{key} is {other:?}"),
    }
}

fn maps<'d>(doc: &'d BTreeMap<String, FactValue>, key: &str) -> Vec<&'d BTreeMap<String, FactValue>> {
    let Some(FactValue::List(list)) = doc.get(key) else { return Vec::new() };
    let map = |value: &'d FactValue| match value {
        FactValue::Map(map) => map,
        other => panic!("{other:?} is no map"),
    };
    list.iter().map(map).collect()
}
