//! The source against what was recorded in the lab, what ipmitool said of it, and what was made up.

mod hostile;
mod log;
mod made;

use std::collections::BTreeMap;
use std::fs;
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

/// A file that was recorded in the lab.
pub(super) fn fixture(path: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ipmi");
    fs::read(folder.join(path)).unwrap()
}

fn words(path: &str) -> String {
    String::from_utf8(fixture(path)).unwrap()
}

/// A host whose BMC answers what it is told to.
pub(super) struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// The lab, with the sensor records in pieces because it refuses whole ones.
    fn lab() -> Self {
        let machine = Self::new();
        machine.raw(&words("raw.txt"));
        machine.records(&fixture("sdr.bin"), true);
        machine.refuse("ipmi-2c-02-dc010000", 0xc1);
        machine
    }

    /// Requests and answers as `ipmitool raw` shows them.
    fn raw(&self, text: &str) {
        let mut key = None;
        for line in text.lines() {
            if let Some(request) = line.strip_prefix("> ") {
                let request: Vec<&str> = request.split('(').next().unwrap().split_whitespace().collect();
                // Records stand in several lines: see `records`.
                if request[..2] == ["0a", "23"] {
                    continue;
                }
                let data = request[2..].concat();
                let dash = if data.is_empty() { "" } else { "-" };
                key = Some(format!("ipmi-{}-{}{dash}{data}", request[0], request[1]));
                continue;
            }
            let bytes: Option<Vec<u8>> =
                line.split_whitespace().map(|hex| u8::from_str_radix(hex, 16).ok()).collect();
            if let (Some(bytes), Some(key)) = (bytes, key.take()) {
                self.answer(&key, &bytes);
            }
        }
    }

    fn place(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join("dev/ipmi0.ioctl");
        fs::create_dir_all(&folder).unwrap();
        folder.join(name)
    }

    fn answer(&self, key: &str, bytes: &[u8]) {
        let _ = fs::remove_file(self.place(&format!("{key}.error")));
        fs::write(self.place(key), bytes).unwrap();
        fs::write(self.place(&format!("{key}.status")), [0]).unwrap();
    }

    fn refuse(&self, key: &str, code: u8) {
        fs::write(self.place(key), []).unwrap();
        fs::write(self.place(&format!("{key}.status")), [code]).unwrap();
    }

    fn fail(&self, key: &str, errno: i32) {
        fs::write(self.place(&format!("{key}.error")), errno.to_string()).unwrap();
    }

    /// Puts records into the repository.
    fn records(&self, bytes: &[u8], in_pieces: bool) {
        let mut records = Vec::new();
        let mut rest = bytes;
        while let Some((number, _, length)) = sdr::header(rest) {
            records.push((number, &rest[..length]));
            rest = &rest[length..];
        }
        let count = u8::try_from(records.len()).unwrap();
        self.answer("ipmi-0a-20", &[0x51, count, 0, 0xfe, 0xff, 0x93, 8, 0, 0, 0, 0, 0, 0, 2]);
        self.answer("ipmi-0a-22", &[5, 0]);
        for (at, (number, record)) in records.iter().enumerate() {
            let next = records.get(at + 1).map_or(0xffff, |(number, _)| *number).to_le_bytes();
            // The first is asked for as 0.
            let number = if at == 0 { 0 } else { *number };
            let key = |offset: usize, count: usize| {
                format!("ipmi-0a-23-0000{:04x}{offset:02x}{count:02x}", number.swap_bytes())
            };
            if !in_pieces {
                self.answer(&key(0, 0xff), &[&next, *record].concat());
                continue;
            }
            self.refuse(&key(0, 0xff), 0xca);
            for (at, piece) in record.chunks(16).enumerate() {
                let asked = piece.len().max(if at == 0 { 16 } else { 0 });
                self.answer(&key(16 * at, asked), &[&next, piece].concat());
            }
        }
    }

    fn host(&self) -> HostRoot {
        HostRoot::captured(self.folder.path())
    }

    fn read(&self, source: &mut Ipmi) -> (Readings, Result<Outcome, SourceError>) {
        let mut out = Readings::default();
        let result = source.read(&self.host(), &mut out);
        (out, result)
    }
}

fn source() -> Ipmi {
    Ipmi::new(Config::default())
}

/// Values of a metric by its labels, joined by `|`; what is absent is not there.
fn values(out: &Readings, metric: &str) -> BTreeMap<String, f64> {
    let samples =
        out.samples().filter(|(def, _, value)| def.name == metric && !hi_common::batch::is_absent(*value));
    samples.map(|(_, labels, value)| (labels.join("|"), value)).collect()
}

fn value(out: &Readings, metric: &str, labels: &str) -> Option<f64> {
    values(out, metric).get(labels).copied()
}

fn fact(out: &Readings) -> &Doc {
    &out.facts().iter().find(|fact| (fact.kind, fact.id.as_str()) == FACT).unwrap().doc
}

fn text<'d>(doc: &'d Doc, key: &str) -> &'d str {
    match doc.get(key) {
        Some(FactValue::Text(text)) => text,
        _ => "",
    }
}

fn maps<'d>(doc: &'d Doc, key: &str) -> Vec<&'d Doc> {
    let Some(FactValue::List(list)) = doc.get(key) else { return Vec::new() };
    let map = |value: &'d FactValue| match value {
        FactValue::Map(map) => map,
        other => panic!("{other:?} is no map"),
    };
    list.iter().map(map).collect()
}

/// Compares values, thresholds and states with a table of `ipmitool sensor`.
fn compare(out: &Readings, table: &str) -> usize {
    let mut compared = 0;
    for (at, line) in table.lines().enumerate() {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let [name, reading, unit, state, thresholds @ ..] = &columns[..] else { panic!("{line}") };
        let (metric, state_metric, kind) = match *unit {
            "degrees C" => ("ipmi_temperature_celsius", "ipmi_temperature_state", "Temperature"),
            "RPM" => ("ipmi_fan_speed_rpm", "ipmi_fan_speed_state", "Fan"),
            "Volts" => ("ipmi_voltage_volts", "ipmi_voltage_state", "Voltage"),
            other => panic!("{other}"),
        };
        let labels = format!("{}|{name}", at + 1);
        assert_eq!(value(out, metric, &labels), Some(reading.parse().unwrap()), "{line}");
        let level = match *state {
            "ok" => 0.0,
            "nc" => 1.0,
            _ => 2.0,
        };
        assert_eq!(value(out, state_metric, &labels), Some(level), "{line}");
        // The tool's order: lower from the worst up, then upper.
        let order = [2, 1, 0, 3, 4, 5].map(|at: usize| sdr::THRESHOLDS[at]);
        for (word, threshold) in order.into_iter().zip(thresholds) {
            let ours = value(out, "hi_ipmi_sensor_threshold", &format!("{labels}|{kind}|{word}"));
            assert_eq!(ours, Some(threshold.parse().unwrap()), "{word} of {line}");
            compared += 1;
        }
    }
    compared
}

#[test]
fn the_lab_s_bmc_is_what_ipmitool_shows() {
    let (out, result) = Machine::lab().read(&mut source());
    assert_eq!(result.unwrap(), Outcome::Read);
    assert_eq!(compare(&out, &words("sensor.txt")), 24);
    assert_eq!(
        (value(&out, "ipmi_sel_logs_count", ""), value(&out, "ipmi_sel_free_space_bytes", "")),
        (Some(0.0), Some(16_000.0))
    );
    assert_eq!(value(&out, "ipmi_chassis_power_state", ""), Some(1.0));
    assert_eq!(value(&out, "ipmi_chassis_drive_fault_state", ""), Some(1.0));
    assert_eq!(value(&out, "ipmi_chassis_cooling_fault_state", ""), Some(1.0));
    assert!(values(&out, "hi_ipmi_chassis_fault").values().all(|fault| *fault == 0.0));
    assert_eq!(value(&out, "ipmi_bmc_info", "9.08|MontaVista Software, Inc. (4753)|N/A|N/A"), Some(1.0));
    let up: Vec<(String, f64)> = values(&out, "ipmi_up").into_iter().collect();
    let up: Vec<(&str, f64)> = up.iter().map(|(collector, up)| (collector.as_str(), *up)).collect();
    assert_eq!(
        up,
        [("bmc", 1.0), ("chassis", 1.0), ("ipmi", 1.0), ("sel", 1.0)],
        "it has no DCMI and told of no watchdog"
    );
    let doc = fact(&out);
    assert_eq!((text(doc, "manufacturer"), text(doc, "firmware")), ("MontaVista Software, Inc.", "9.08"));
    assert_eq!((text(doc, "ipmi_version"), text(doc, "power_restore_policy")), ("2.0", "always-off"));
    let sensors: Vec<&str> = maps(doc, "sensors").iter().map(|sensor| text(sensor, "name")).collect();
    assert_eq!(sensors, ["CPU Temp", "System Temp", "FAN1", "12V"]);
    assert!(out.events().is_empty());
}

#[test]
fn sensors_over_their_thresholds_are_told_once_as_events() {
    let (machine, mut source) = (Machine::lab(), source());
    machine.read(&mut source).1.unwrap();
    machine.raw(&words("hot/raw.txt"));
    let (out, result) = machine.read(&mut source);
    assert_eq!(result.unwrap(), Outcome::Read);
    compare(&out, &words("hot/sensor.txt"));
    let told: Vec<(&str, Severity)> =
        out.events().iter().map(|event| (event.message.as_str(), event.severity)).collect();
    assert_eq!(
        told,
        [
            (
                "sensor CPU Temp is critical: above upper critical, above upper non-critical (97 degrees C)",
                Severity::Critical
            ),
            (
                "sensor FAN1 is critical: below lower non-recoverable, below lower critical, below lower non-critical (0 RPM)",
                Severity::Critical
            ),
        ]
    );
    let hot = maps(fact(&out), "sensors")[0];
    assert_eq!(text(hot, "state"), "critical");
    let (out, _) = machine.read(&mut source);
    assert!(out.events().is_empty() && out.facts().is_empty());
    machine.raw(&words("raw.txt"));
    let (out, _) = machine.read(&mut source);
    let told: Vec<&str> = out.events().iter().map(|event| event.message.as_str()).collect();
    assert_eq!(told[0], "sensor CPU Temp is nominal: no state of alarm (41 degrees C)");
}

#[test]
fn a_machine_without_a_bmc_is_silent_and_one_that_hides_it_says_so() {
    let machine = Machine::new();
    let (out, result) = machine.read(&mut source());
    assert_eq!(result.unwrap(), Outcome::Absent);
    assert!(out.is_empty() && out.facts().is_empty() && out.notes().is_empty());
    fs::create_dir_all(machine.folder.path().join("sys/bus/platform/drivers/ipmi_si/IPI0001:00")).unwrap();
    assert_eq!(machine.read(&mut source()).0.notes().len(), 1);
    fs::create_dir_all(machine.folder.path().join("sys/class/ipmi/ipmi0")).unwrap();
    assert_eq!(machine.read(&mut source()).1.unwrap_err().reason(), "permission");
    machine.fail("ipmi-06-01", libc::EACCES);
    assert_eq!(machine.read(&mut source()).1.unwrap_err().reason(), "permission");
}

#[test]
fn a_bmc_that_goes_takes_its_fact_along_and_comes_back_as_new() {
    let (machine, mut source) = (Machine::lab(), source());
    machine.read(&mut source).1.unwrap();
    machine.fail("ipmi-06-01", libc::ENODEV);
    let (out, result) = machine.read(&mut source);
    assert_eq!((result.unwrap(), out.gone()), (Outcome::Absent, &[("bmc", "0".to_owned())][..]));
    machine.raw(&words("raw.txt"));
    machine.raw(&words("hot/raw.txt"));
    let (out, _) = machine.read(&mut source);
    assert!(out.events().is_empty() && out.facts().len() == 1, "{:?}", out.events());
}

#[test]
fn excluded_sensors_are_not_asked() {
    let machine = Machine::lab();
    machine.fail("ipmi-04-2d-03", libc::ETIMEDOUT);
    let config = Config { exclude_sensors: vec!["FAN*".to_owned()], ..Config::default() };
    let (out, result) = machine.read(&mut Ipmi::new(config));
    result.unwrap();
    assert!(values(&out, "ipmi_fan_speed_rpm").is_empty() && values(&out, "ipmi_voltage_volts").len() == 1);
}
