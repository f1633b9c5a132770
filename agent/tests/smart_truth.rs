//! smartctl's own words as the truth: over the same bytes, our parsers yield the same fields, but for what is listed here by drive
//! and field.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use hi_agent::decode::decode;
use serde_json::{Value, json};

/// Fields that differ on purpose: drive, field, why. `*` stands for any drive.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("WDC_WD2500JS-75NCB3--10.02E04", "link speed max", NO_SATA_VERSION),
    ("WDC_WD5000AAKS--00TMA0-12.01C01", "link speed max", NO_SATA_VERSION),
    ("ST9160821AS--3.CLH", "link speed max", NO_SATA_VERSION),
    ("ST9100821AS--3.CME", "link speed max", NO_SATA_VERSION),
    ("GIGABYTE_GP-GSTFS31100TNTD", "/wwn/naa", ZERO_NAME),
    ("GIGABYTE_GP-GSTFS31100TNTD", "/wwn/oui", ZERO_NAME),
    ("GIGABYTE_GP-GSTFS31100TNTD", "/wwn/id", ZERO_NAME),
];
const NO_SATA_VERSION: &str =
    "smartctl tells no speed of a disk that names no version of Serial ATA; word 76 has it";
const ZERO_NAME: &str = "a world wide name of zero is none";

/// A folder of recorded inputs, unless it is not there.
fn shared(folder: &str) -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let shared = std::env::var_os("HI_SHARED").map_or(workspace.join("../shared"), PathBuf::from);
    let path = shared.join("fixtures/02-smart").join(folder);
    if !path.is_dir() {
        println!("SKIPPED: HI_SHARED has no fixtures/02-smart/{folder} ({})", path.display());
        return None;
    }
    Some(path)
}

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// What was compared and what differs.
#[derive(Default)]
struct Comparison {
    fields: usize,
    wrong: Vec<String>,
    excepted: BTreeSet<String>,
}

impl Comparison {
    fn field(&mut self, drive: &str, field: &str, truth: &Value, ours: &Value) {
        self.fields += 1;
        // 47 and 47.0 are one number.
        if truth == ours || truth.as_f64().is_some() && truth.as_f64() == ours.as_f64() {
            return;
        }
        let listed = EXCEPTIONS.iter().any(|row| (row.0 == drive || row.0 == "*") && row.1 == field);
        match listed {
            true => drop(self.excepted.insert(format!("{drive} {field}"))),
            false => self.wrong.push(format!("{drive}: {field}: smartctl {truth}, ours {ours}")),
        }
    }

    /// Compares the paths that the truth has, and those that it lacks.
    fn paths(&mut self, drive: &str, truth: &Value, ours: &Value, paths: &[&str]) {
        for path in paths {
            let of = |value: &Value| value.pointer(path).cloned().unwrap_or(Value::Null);
            self.field(drive, path, &of(truth), &of(ours));
        }
    }

    fn attributes(&mut self, drive: &str, truth: &Value, ours: &Value) {
        let table =
            |value: &Value| value.pointer("/ata_smart_attributes/table").cloned().unwrap_or(json!([]));
        let (truth, ours) = (table(truth), table(ours));
        let (truth, ours) = (truth.as_array().unwrap(), ours.as_array().unwrap());
        assert_eq!(truth.len(), ours.len(), "{drive} has all attributes");
        for (truth, ours) in truth.iter().zip(ours) {
            for field in ["id", "name", "value", "worst", "thresh", "when_failed"] {
                self.field(drive, &format!("{} {field}", truth["id"]), &truth[field], &ours[field]);
            }
            for field in ["value", "string"] {
                self.field(
                    drive,
                    &format!("{} raw {field}", truth["id"]),
                    &truth["raw"][field],
                    &ours["raw"][field],
                );
            }
            let flags = json!(truth["flags"]["string"].as_str().unwrap().trim());
            self.field(drive, &format!("{} flags", truth["id"]), &flags, &ours["flags"]["string"]);
        }
    }

    fn end(self, what: &str) {
        assert!(
            self.wrong.is_empty(),
            "{} of {} fields:\n{}",
            self.wrong.len(),
            self.fields,
            self.wrong.join("\n")
        );
        println!("{what}: {} fields, {} differ as listed", self.fields, self.excepted.len());
        assert!(self.excepted.len() * 50 <= self.fields, "more than 2 % differ");
    }
}

#[test]
fn sectors_of_ata_disks_are_read_as_smartctl_reads_them() {
    let mut comparison = Comparison::default();
    let mut drives = 0;
    for folder in ["LGPL-2.1-libatasmart", "LGPL-2.1-libblockdev"] {
        let Some(folder) = shared(folder) else { return };
        for entry in fs::read_dir(folder.join("truth")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let Some(drive) = name.strip_suffix(".smartctl.json") else { continue };
            let blob = [folder.join(drive), folder.join(format!("{drive}.bin"))];
            let blob = fs::read(blob.iter().find(|path| path.is_file()).unwrap()).unwrap();
            let truth = json_of(&folder.join("truth").join(&name));
            let ours = decode("ata", &blob).unwrap();
            compare_ata(&mut comparison, drive, &truth, &ours);
            drives += 1;
        }
    }
    assert_eq!(drives, 20);
    comparison.end("20 ATA disks");
}

const IDENTITY: &[&str] = &[
    "/model_name",
    "/model_family",
    "/serial_number",
    "/firmware_version",
    "/wwn/naa",
    "/wwn/oui",
    "/wwn/id",
    "/user_capacity/blocks",
    "/user_capacity/bytes",
    "/logical_block_size",
    "/physical_block_size",
    "/rotation_rate",
    "/form_factor/name",
    "/ata_version/string",
    "/sata_version/string",
    "/trim/supported",
    "/smart_support/available",
    "/smart_support/enabled",
    "/ata_sct_capabilities/value",
];

fn compare_ata(comparison: &mut Comparison, drive: &str, truth: &Value, ours: &Value) {
    comparison.paths(drive, truth, ours, IDENTITY);
    comparison.paths(
        drive,
        truth,
        ours,
        &[
            "/smart_status/passed",
            "/temperature/current",
            "/power_on_time/hours",
            "/power_cycle_count",
            "/ata_smart_attributes/revision",
            "/ata_smart_data/offline_data_collection/status/value",
            "/ata_smart_data/offline_data_collection/status/string",
            "/ata_smart_data/offline_data_collection/completion_seconds",
            "/ata_smart_data/self_test/status/value",
            "/ata_smart_data/self_test/status/passed",
            "/ata_smart_data/capabilities/values/0",
            "/ata_smart_data/capabilities/values/1",
            "/ata_smart_data/capabilities/error_logging_supported",
        ],
    );
    if let Some(minutes) = truth.pointer("/power_on_time/minutes") {
        comparison.field(drive, "/power_on_time/minutes", minutes, &ours["power_on_time"]["minutes"]);
    }
    for test in ["short", "extended", "conveyance"] {
        let path = format!("/ata_smart_data/self_test/polling_minutes/{test}");
        let minutes = truth.pointer(&path).cloned().unwrap_or(json!(0));
        comparison.field(drive, &path, &minutes, ours.pointer(&path).unwrap());
    }
    let speed =
        |truth: &Value| Some(json!(truth["units_per_second"].as_u64()? * truth["bits_per_unit"].as_u64()?));
    for which in ["max", "current"] {
        let truth = speed(&truth["interface_speed"][which]).unwrap_or(Value::Null);
        comparison.field(
            drive,
            &format!("link speed {which}"),
            &truth,
            &ours["interface_speed"][which]["bits_per_second"],
        );
    }
    comparison.attributes(drive, truth, ours);
}
