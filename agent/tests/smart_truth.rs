//! smartctl's own words as the truth: over the same bytes, our parsers yield the same fields, but for what is listed here by drive
//! and field.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use hi_agent::decode::decode;
use hi_agent::sources::smart::ata::families::Family;
use hi_agent::sources::smart::ata::identify::Identify;
use hi_agent::sources::smart::ata::{errors, self_tests, smart};
use hi_agent::sources::smart::scsi::{inquiry, sense};
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
    ("sat-Seagate_Exos_7E8-ST1000NM000A-2J3100-sdq", "188 raw string", LATER_DATABASE),
    ("sat-Seagate_Constellation_ES_SATA_6Gb_s-ST500NM0011-sda", "188 raw string", LATER_DATABASE),
    ("sat-Seagate_Exos_X16-ST16000NM001G-2KK103-sda", "1 raw string", LATER_DATABASE),
    ("sat-Seagate_Exos_X16-ST16000NM001G-2KK103-sda", "7 raw string", LATER_DATABASE),
    ("sat-Seagate_Exos_X16-ST16000NM001G-2KK103-sda", "188 raw string", LATER_DATABASE),
    ("ST3500418AS_11", "188 raw string", LATER_DATABASE),
    ("ST3500418AS_11", "240 raw string", LATER_DATABASE),
    ("ST3200820AS_15", "1 raw string", LATER_DATABASE),
    ("ST3200820AS_15", "7 raw string", LATER_DATABASE),
    ("ST3200820AS_15", "195 name", LATER_DATABASE),
    ("ST3200820AS_15", "195 raw string", LATER_DATABASE),
];
const LATER_DATABASE: &str = "smartctl's database tells these numbers apart since it said this";
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

/// Sectors of one disk as the records that `decode ata` takes.
fn records(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (tag, file) in [(b"IDFY", "identify.bin"), (b"SMDT", "smart-data.bin"), (b"SMTH", "smart-thresh.bin")]
    {
        let payload = fs::read(folder.join(file)).unwrap();
        bytes.extend(tag);
        bytes.extend((payload.len() as u32).to_be_bytes());
        bytes.extend(payload);
    }
    bytes.extend(b"SMST\0\0\0\x04\0\0\0\x01");
    bytes
}

/// The project's own recordings.
fn own(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/smart").join(path)
}

#[test]
fn disks_of_the_lab_are_read_as_smartctl_reads_them() {
    let mut comparison = Comparison::default();
    for drive in ["ata/sata1", "ata/sata3"] {
        let folder = own(drive);
        let truth = json_of(&folder.join("smartctl-x.json"));
        compare_ata(&mut comparison, drive, &truth, &decode("ata", &records(&folder)).unwrap());
        let log = errors::parse(&fs::read(folder.join("smart-log01-error.bin")).unwrap()).unwrap();
        comparison.field(
            drive,
            "errors",
            &truth["ata_smart_error_log"]["summary"]["count"],
            &json!(log.count),
        );
        let log = self_tests::parse(&fs::read(folder.join("smart-log06-selftest.bin")).unwrap()).unwrap();
        let count = &truth["ata_smart_self_test_log"]["standard"]["count"];
        comparison.field(drive, "self-tests", count, &json!(log.tests.len()));
    }
    let after = fs::read(own("ata/sata1-after-selftest/smart-log06-selftest.bin")).unwrap();
    let test = &self_tests::parse(&after).unwrap().tests[0];
    // As in smartctl-selftest.txt beside it.
    assert_eq!((test.kind_text.as_str(), test.status.text()), ("Short offline", "Completed without error"));
    assert_eq!((test.at_hours, test.failing_sector), (4660, None));

    let truth = json_of(&own("nvme/smartctl-x.json"));
    let ours = decode("nvme-identify", &fs::read(own("nvme/id-ctrl.bin")).unwrap()).unwrap();
    comparison.paths("nvme", &truth, &ours, &["/model_name", "/serial_number", "/firmware_version"]);
    comparison.paths(
        "nvme",
        &truth,
        &ours,
        &["/nvme_pci_vendor/id", "/nvme_number_of_namespaces", "/nvme_version/string"],
    );
    compare_health(&mut comparison, "nvme", &truth, &fs::read(own("nvme/smart-log.bin")).unwrap());
    let warned = decode("nvme-smart", &fs::read(own("nvme/smart-log-warning4.bin")).unwrap()).unwrap();
    assert_eq!(warned["smart_status"]["passed"], json!(false));
    comparison.end("disks of the lab");
}

#[test]
fn scsi_disks_of_the_lab_are_read_as_smartctl_reads_them() {
    let mut comparison = Comparison::default();
    for drive in ["scsi/scsi", "scsi/scsi_debug"] {
        let folder = own(drive);
        let truth = json_of(&folder.join("smartctl-x.json"));
        let file = |name: &str| fs::read(folder.join(name)).unwrap();
        let found = inquiry::parse_standard(&file("inquiry.bin")).unwrap();
        let mut field = |name: &str, ours: Value| comparison.field(drive, name, &truth[name], &ours);
        field("scsi_vendor", json!(found.vendor));
        field("scsi_product", json!(found.product));
        field("scsi_revision", json!(found.revision));
        field("scsi_version", json!(found.version));
        field("serial_number", json!(inquiry::parse_serial(&file("vpd-80.bin")).unwrap()));
        let names = inquiry::parse_names(&file("vpd-83.bin")).unwrap();
        field("logical_unit_id", json!(inquiry::best_name(&names).map(|name| format!("0x{name}"))));
        let (rpm, form_factor) = inquiry::parse_characteristics(&file("vpd-b1.bin")).unwrap();
        if rpm.is_some() {
            field("rotation_rate", json!(rpm));
        }
        comparison.field(drive, "form factor", &truth["form_factor"]["name"], &json!(form_factor));
    }
    let log = |name: &str| decode("scsi-log", &fs::read(own("scsi/scsi_debug").join(name)).unwrap()).unwrap();
    assert_eq!(log("log-00.bin")["supported"], json!([0, 0x0d, 0x2f]));
    assert_eq!(log("log-0d.bin")["temperature"], json!({"current": 38, "reference": 65}));
    assert_eq!(log("log-2f.bin")["passed"], json!(true));
    assert_eq!(log("log-2f-predict.bin")["passed"], json!(false));
    comparison.end("SCSI disks of the lab");
}

#[test]
fn nvme_logs_are_read_as_smartctl_reads_them() {
    let Some(folder) = shared("constructed-nvme-log") else { return };
    let mut comparison = Comparison::default();
    for entry in fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(drive) = name.strip_suffix(".truth.json") else { continue };
        let truth = json_of(&folder.join(&name));
        let bytes = fs::read(folder.join(format!("{drive}.log02.bin"))).unwrap();
        let truth = json!({
            "smart_status": truth["smart_status"],
            "nvme_smart_health_information_log": truth["log"],
        });
        compare_health(&mut comparison, drive, &truth, &bytes);
    }
    assert!(comparison.fields > 500);
    comparison.end("NVMe health logs");
}

fn compare_health(comparison: &mut Comparison, drive: &str, truth: &Value, bytes: &[u8]) {
    let ours = decode("nvme-smart", bytes).unwrap();
    comparison.paths(drive, truth, &ours, &["/smart_status/passed"]);
    let log = "nvme_smart_health_information_log";
    for (field, value) in truth[log].as_object().unwrap() {
        // smartctl's own: the namespace it asked, and sensors where there are any.
        if field != "nsid" && field != "temperature_sensors" {
            comparison.field(drive, field, value, &ours[log][field]);
        }
    }
}

#[test]
fn answers_to_identify_are_read_as_smartctl_reads_them() {
    let Some(folder) = shared("parse-identify") else { return };
    let mut comparison = Comparison::default();
    for drive in ["identify1", "identify2"] {
        let truth = json_of(&folder.join(format!("truth/{drive}.smartctl.json")));
        let ours = decode("ata-identify", &fs::read(folder.join(format!("{drive}.bin"))).unwrap()).unwrap();
        // Without -c smartctl tells nothing of SCT.
        let told: Vec<&str> = IDENTITY.iter().copied().filter(|path| !path.contains("sct")).collect();
        comparison.paths(drive, &truth, &ours, &told);
    }
    comparison.end("answers to IDENTIFY DEVICE");
}

#[test]
fn pages_of_sg3_utils_are_read_as_they_are_explained() {
    let Some(folder) = shared("sg3_utils-inhex") else { return };
    let bytes = |name: &str| hex(&fs::read_to_string(folder.join(name)).unwrap());
    let found = inquiry::parse_standard(&bytes("inq_standard.hex")).unwrap();
    assert_eq!(
        (found.vendor.as_str(), found.product.as_str(), found.version),
        ("Linux", "scsi_debug", "SPC-5")
    );
    let names = inquiry::parse_names(&bytes("vpd_dev_id.hex")).unwrap();
    assert_eq!((names.len(), inquiry::best_name(&names)), (5, Some("5000c5003011cb2b")));
    let found = sense::parse(&bytes("fixed_sense.hex")).unwrap();
    assert_eq!((found.key, found.asc, found.ascq), (3, 0x11, 0));
    let found = sense::parse(&bytes("ref_sense.hex")).unwrap();
    assert_eq!((found.key, found.ata), (0, None));
    // The pages stand one behind the other.
    let pages = bytes("logs_sdeb_aa.hex");
    let temperatures = &pages[25..];
    let ours = decode("scsi-log", temperatures).unwrap();
    assert_eq!(ours["temperature"], json!({"current": 38, "reference": 65}), "{ours}");
}

/// Bytes in hexadecimal, separated by spaces or commas, with comments behind `#`.
fn hex(text: &str) -> Vec<u8> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    lines
        .flat_map(|line| line.split([' ', ',', '\t']))
        .filter(|word| !word.is_empty())
        .map(|word| u8::from_str_radix(word, 16).unwrap())
        .collect()
}

/// Every drive whose attributes smartctl tells: a sector is made of id, flags, value, worst, raw value and threshold, and has to
/// yield name, raw text and judgement. A drive that smartctl's database puts into another family than it did then is compared but
/// for names and texts.
#[test]
fn attributes_of_many_drives_have_the_names_and_texts_that_smartctl_gives_them() {
    let Some(folder) = shared("smartctl_exporter") else { return };
    let mut comparison = Comparison::default();
    let (mut drives, mut others) = (0, Vec::new());
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let Some(name) =
            path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".json"))
        else {
            continue;
        };
        let truth = json_of(&path);
        let Some(table) = truth.pointer("/ata_smart_attributes/table").and_then(Value::as_array) else {
            continue;
        };
        drives += 1;
        let (data, thresholds) = sectors(table);
        let identify = Identify {
            model: truth["model_name"].as_str().unwrap().to_owned(),
            firmware: truth["firmware_version"].as_str().unwrap_or_default().to_owned(),
            rotation_rpm: truth["rotation_rate"].as_u64().map(|rpm| rpm as u16),
            ..Identify::default()
        };
        let family = Family::of(&identify.model, &identify.firmware).map(|family| family.name);
        let same_family = truth["model_family"].as_str() == family;
        if !same_family {
            others.push(format!("{name}: smartctl then {}, now {family:?}", truth["model_family"]));
        }
        let ours = smart::parse(&data, Some(&thresholds), &identify).unwrap();
        assert_eq!(ours.attributes.len(), table.len());
        for (truth, ours) in table.iter().zip(&ours.attributes) {
            let field = |what: &str| format!("{} {what}", truth["id"]);
            if same_family {
                comparison.field(name, &field("name"), &truth["name"], &json!(ours.name));
                comparison.field(name, &field("raw string"), &truth["raw"]["string"], &json!(ours.raw_text));
            }
            comparison.field(
                name,
                &field("when_failed"),
                &truth["when_failed"],
                &json!(ours.state.when_failed()),
            );
        }
        for (path, ours) in [
            ("/temperature/current", json!(ours.celsius())),
            ("/power_on_time/hours", json!(ours.power_on_seconds().map(|seconds| seconds / 3600))),
            ("/power_cycle_count", json!(ours.power_cycles())),
        ] {
            comparison.field(name, path, truth.pointer(path).unwrap_or(&Value::Null), &ours);
        }
    }
    println!("of another family, not compared by name:\n{}", others.join("\n"));
    assert!(drives > 40 && others.len() * 4 < drives, "{drives} drives:\n{}", others.join("\n"));
    comparison.end(&format!("{drives} drives of smartctl_exporter"));
}

/// Sectors of SMART READ DATA and THRESHOLDS with these attributes.
fn sectors(table: &[Value]) -> (Vec<u8>, Vec<u8>) {
    let (mut data, mut thresholds) = (vec![0; 512], vec![0; 512]);
    for (row, attribute) in table.iter().enumerate() {
        let number = |value: &Value| value.as_u64().unwrap_or(0);
        let at = 2 + row * 12;
        let id = number(&attribute["id"]) as u8;
        data[at] = id;
        data[at + 1..at + 3].copy_from_slice(&(number(&attribute["flags"]["value"]) as u16).to_le_bytes());
        data[at + 3] = number(&attribute["value"]) as u8;
        data[at + 4] = number(&attribute["worst"]) as u8;
        data[at + 5..at + 12].copy_from_slice(&number(&attribute["raw"]["value"]).to_le_bytes()[..7]);
        thresholds[at] = id;
        thresholds[at + 1] = number(&attribute["thresh"]) as u8;
    }
    (data, thresholds)
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
