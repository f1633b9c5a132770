use std::fs;
use std::path::Path;

use hi_common::event::Severity;

use super::*;

fn put(root: &Path, files: &[(&str, &str)]) {
    for (file, text) in files {
        let path = root.join("sys/devices/system/edac/mc").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// A controller as new kernels show it.
fn host() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    put(
        folder.path(),
        &[
            ("mc0/ce_count", "5\n"),
            ("mc0/ue_count", "0\n"),
            ("mc0/ce_noinfo_count", "0\n"),
            ("mc0/ue_noinfo_count", "0\n"),
            ("mc0/mc_name", "F17h_M70h\n"),
            ("mc0/size_mb", "32768\n"),
            ("mc0/dimm0/dimm_ce_count", "5\n"),
            ("mc0/dimm0/dimm_ue_count", "0\n"),
            ("mc0/dimm0/dimm_label", "DIMM_A1\n"),
            ("mc0/dimm0/size", "16384\n"),
            ("mc0/dimm0/dimm_mem_type", "Unbuffered-DDR4\n"),
            ("mc0/rank1/dimm_ce_count", "0\n"),
            ("mc0/rank1/dimm_ue_count", "0\n"),
            ("mc0/power/control", "auto\n"),
            ("power/control", "auto\n"),
        ],
    );
    folder
}

fn read(source: &mut Edac, root: &Path) -> (Readings, Result<Outcome, SourceError>) {
    let mut out = Readings::default();
    let result = source.read(&HostRoot::captured(root), &mut out);
    (out, result)
}

fn events(source: &mut Edac, root: &Path) -> Vec<String> {
    let (out, result) = read(source, root);
    assert!(result.is_ok());
    out.events().iter().map(|event| format!("{} {}", event.severity.as_str(), event.message)).collect()
}

#[test]
fn dimms_are_counted_and_described() {
    let folder = host();
    let (out, result) = read(&mut Edac::default(), folder.path());
    assert_eq!(result.unwrap(), Outcome::Read);
    let found: Vec<String> = out
        .samples()
        .map(|(metric, labels, value)| format!("{} {} {value}", metric.name, labels.join(" ")))
        .collect();
    assert!(
        found.contains(&"hi_edac_dimm_correctable_errors_total 0 dimm0 DIMM_A1 5".to_owned()),
        "{found:?}"
    );
    let fact = &out.facts()[0];
    assert_eq!((fact.kind, fact.id.as_str()), ("memory_controller", "mc0"));
    assert_eq!(fact.doc["size_bytes"], FactValue::Int(32 << 30));
    let FactValue::List(dimms) = &fact.doc["dimms"] else { panic!("no list") };
    let FactValue::Map(dimm) = &dimms[0] else { panic!("no map") };
    assert_eq!(dimm["label"], FactValue::Text("DIMM_A1".to_owned()));
    assert_eq!(dimm["size_bytes"], FactValue::Int(16 << 30));
}

#[test]
fn new_errors_are_told_and_many_are_added_up() {
    let folder = host();
    let root = folder.path();
    let mut source = Edac::default();
    assert!(events(&mut source, root).is_empty(), "what was before is not told");
    put(root, &[("mc0/ce_count", "8"), ("mc0/dimm0/dimm_ce_count", "8")]);
    assert_eq!(events(&mut source, root), ["warning 3 corrected memory errors in controller mc0 (DIMM_A1)"]);
    assert!(events(&mut source, root).is_empty());
    put(root, &[("mc0/ue_count", "1"), ("mc0/rank1/dimm_ue_count", "1")]);
    assert_eq!(events(&mut source, root), ["critical 1 uncorrected memory error in controller mc0 (rank1)"]);

    let mut told = Vec::new();
    for run in 0..200_u32 {
        let count = (9 + run).to_string();
        put(root, &[("mc0/ce_count", &count), ("mc0/dimm0/dimm_ce_count", &count)]);
        told.extend(events(&mut source, root));
    }
    assert!(told.len() < 12, "{} events of 200 errors in a row", told.len());
    put(root, &[("mc0/ce_count", "0"), ("mc0/dimm0/dimm_ce_count", "0")]);
    let after = events(&mut source, root);
    assert!(after.len() <= 1, "a reset brings nothing new: {after:?}");
}

#[test]
fn one_bad_controller_costs_only_itself() {
    let folder = host();
    put(folder.path(), &[("mc1/ce_count", "garbage\n"), ("mc1/ue_count", "0\n"), ("mcx/ce_count", "1\n")]);
    let mut source = Edac::default();
    let (out, result) = read(&mut source, folder.path());
    assert_eq!(result.unwrap_err().reason(), "parse");
    assert_eq!(out.facts().len(), 1);
    assert!(
        out.samples()
            .any(|(metric, labels, value)| metric.name == CE.name && labels == ["0"] && value == 5.0)
    );
    let empty = tempfile::tempdir().unwrap();
    let (out, result) = read(&mut source, empty.path());
    assert_eq!((result.unwrap(), out.len()), (Outcome::Absent, 0));
    assert_eq!(Severity::Critical.as_str(), "critical");
}
