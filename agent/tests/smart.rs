//! The source `smart` over hosts made of recorded disks.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

mod disks;

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use disks::{Host, REFUSED, ata, fixture, nvme, registers, scsi};
use hi_agent::host::HostRoot;
use hi_agent::source::{Outcome, Readings, Source, SourceError};
use hi_agent::sources::smart::DEF;
use hi_common::fact::FactValue;

/// A host in a folder of its own, and the source that reads it.
struct Case {
    _folder: tempfile::TempDir,
    host: Host,
    source: Box<dyn Source>,
}

/// One reading: samples by metric and labels, facts by kind and id.
struct Read {
    result: Result<Outcome, SourceError>,
    samples: BTreeMap<String, f64>,
    facts: BTreeMap<String, BTreeMap<String, FactValue>>,
    notes: Vec<String>,
    events: Vec<String>,
}

impl Case {
    fn new() -> Self {
        Self::with("sources.smart.disk_interval_secs = 0")
    }

    fn with(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = Host(folder.path().to_owned());
        Self { _folder: folder, host, source: (DEF.make)(&config.parse().unwrap()).unwrap() }
    }

    fn read(&mut self) -> Read {
        let mut out = Readings::default();
        let result = self.source.read(&HostRoot::captured(&self.host.0), &mut out);
        let key = |name: &str, labels: &[&str]| format!("{name} {}", labels.join(" ")).trim().to_owned();
        let samples =
            out.samples().map(|(metric, labels, value)| (key(metric.name, &labels), value)).collect();
        let facts = out.facts().iter().map(|fact| (format!("{} {}", fact.kind, fact.id), fact.doc.clone()));
        let events = out.events().iter().map(|event| format!("{}: {}", event.kind, event.message)).collect();
        Read { result, samples, facts: facts.collect(), notes: out.notes().to_vec(), events }
    }
}

impl Read {
    fn value(&self, key: &str) -> f64 {
        *self.samples.get(key).unwrap_or_else(|| panic!("{key} is not in {:#?}", self.samples))
    }

    fn state(&self, device: &str) -> &str {
        let prefix = format!("hi_smart_state {device} ");
        let held = self.samples.iter().find(|(key, value)| key.starts_with(&prefix) && **value == 1.0);
        &held.unwrap_or_else(|| panic!("{device} has no state")).0[prefix.len()..]
    }

    fn fact(&self, key: &str) -> &BTreeMap<String, FactValue> {
        self.facts.get(key).unwrap_or_else(|| panic!("{key} is not in {:?}", self.facts.keys()))
    }
}

fn text(value: &FactValue) -> &str {
    match value {
        FactValue::Text(text) => text,
        other => panic!("{other:?} is no text"),
    }
}

#[test]
fn a_sata_disk_is_read_under_the_names_of_smartctl_exporter() {
    let mut case = Case::new();
    case.host.sata("sda", 0, "sata1");
    let read = case.read();
    assert_eq!(read.result.as_ref().unwrap(), &Outcome::Read);
    assert_eq!(read.state("sda"), "read");
    for (key, value) in [
        ("smartctl_devices", 1.0),
        ("smartctl_device_smart_status sda", 1.0),
        ("smartctl_device_smartctl_exit_status sda", 0.0),
        ("smartctl_device_temperature sda current", 31.0),
        ("smartctl_device_power_on_seconds sda", 3600.0),
        ("smartctl_device_power_cycle_count sda", 0.0),
        ("smartctl_device_capacity_bytes sda", 1_073_741_824.0),
        ("smartctl_device_block_size sda logical", 512.0),
        ("smartctl_device_rotation_rate sda", 7200.0),
        ("smartctl_device_error_log_count sda summary", 0.0),
        ("smartctl_device_self_test_log_count sda standard", 0.0),
        ("smartctl_device_attribute sda Spin_Up_Time PO---- prefailure,updated_online raw 3", 16.0),
        (
            "smartctl_device_attribute sda Reallocated_Sector_Ct PO---- prefailure,updated_online thresh 5",
            36.0,
        ),
        ("hi_smart_reading_age_seconds sda", 0.0),
        ("hi_smart_standby_skips_total sda", 0.0),
        ("hi_smart_power_state sda active", 1.0),
        ("hi_smart_reallocated_sectors sda", 0.0),
        ("hi_smart_reallocations_total sda", 0.0),
    ] {
        assert_eq!(read.value(key), value, "{key}");
    }
    let info = "smartctl_device sda sat ATA unknown LAB HDD LAB-SATA-1 unknown 2.5+";
    assert!(read.samples.keys().any(|key| key.starts_with(info)), "{:#?}", read.samples);
    let fact = read.fact("disk_health wwn-0x5000c50000000000");
    assert_eq!(
        (text(&fact["device"]), text(&fact["protocol"]), text(&fact["verdict"])),
        ("sda", "ATA", "passed")
    );
    assert_eq!(fact["passed"], FactValue::Bool(true));
    assert_eq!(read.notes, ["sda (LAB HDD): read"]);
}

#[test]
fn a_disk_that_fails_says_so() {
    let mut case = Case::new();
    case.host.sata("sda", 0, "sata1");
    case.host.answer("sda", ata::STATUS, &[], &registers(0, 0xf4, 0x2c));
    let mut data = fixture("ata/sata1/smart-data.bin");
    // The fourth row is attribute 5, whose threshold is 36.
    data[2 + 3 * 12 + 3] = 36;
    data[2 + 3 * 12 + 5] = 7;
    case.host.answer("sda", ata::DATA, &data, &[0]);
    case.host.answer(
        "sda",
        ata::SELF_TESTS,
        &fixture("ata/sata1-after-selftest/smart-log06-selftest.bin"),
        &[0],
    );
    let read = case.read();
    // Failing, an attribute failed now, and the checksum that was right before.
    assert_eq!(read.value("smartctl_device_smartctl_exit_status sda"), f64::from(1 << 2 | 1 << 3 | 1 << 4));
    assert_eq!(read.value("smartctl_device_smart_status sda"), 0.0);
    assert_eq!(read.value("hi_smart_failed_attributes sda now"), 1.0);
    assert_eq!(read.value("hi_smart_self_test_passed sda"), 1.0);
    // 4660 hours is after the one hour that attribute 9 has: nobody knows how long ago that was.
    assert!(!read.samples.contains_key("hi_smart_self_test_age_seconds sda"));
    let fact = read.fact("disk_health wwn-0x5000c50000000000");
    assert_eq!(text(&fact["verdict"]), "failed: a threshold is exceeded");
    let FactValue::List(failed) = &fact["failed_attributes"] else { panic!() };
    let FactValue::Map(failed) = &failed[0] else { panic!() };
    assert_eq!((text(&failed["name"]), text(&failed["when"])), ("Reallocated_Sector_Ct", "now"));
    let FactValue::List(tests) = &fact["self_tests"] else { panic!() };
    assert_eq!(tests.len(), 1);
}

#[test]
fn a_disk_that_sleeps_is_asked_for_its_power_alone_and_keeps_its_values() {
    let mut case = Case::new();
    case.host.sata("sda", 0, "sata1");
    let awake = case.read();
    assert_eq!(awake.value("hi_smart_power_state sda active"), 1.0);
    // From now on it refuses every command but CHECK POWER MODE.
    fs::remove_dir_all(case.host.0.join("dev/sda.ioctl")).unwrap();
    case.host.answer("sda", ata::POWER, &[], &registers(0, 0, 0));
    let asleep = case.read();
    assert_eq!(asleep.result.as_ref().unwrap(), &Outcome::Read);
    assert_eq!(asleep.state("sda"), "standby");
    assert_eq!(asleep.value("hi_smart_standby_skips_total sda"), 1.0);
    assert_eq!(asleep.value("hi_smart_power_state sda standby"), 1.0);
    assert_eq!(asleep.value("smartctl_device_temperature sda current"), 31.0);
    assert!(asleep.samples.contains_key("hi_smart_reading_age_seconds sda"));
    let key = "disk_health wwn-0x5000c50000000000";
    assert_eq!(asleep.fact(key), awake.fact(key), "to sleep is no change of health");
    case.host.sata_answers("sda", "sata1");
    assert_eq!(case.read().state("sda"), "read");
}

#[test]
fn between_its_turns_a_disk_is_left_alone_and_its_values_are_told() {
    let mut case = Case::with("");
    case.host.sata("sda", 0, "sata1");
    assert!(case.read().facts.contains_key("disk_health wwn-0x5000c50000000000"));
    case.host.answer("sda", ata::STATUS, &[], &registers(0, 0xf4, 0x2c));
    case.host.sata("sdb", 1, "sata1");
    let read = case.read();
    assert_eq!((read.state("sda"), read.state("sdb")), ("read", "read"));
    assert_eq!(read.value("smartctl_device_smart_status sda"), 1.0, "it was not asked again");
    assert!(read.events.is_empty() && !read.facts.contains_key("disk_health wwn-0x5000c50000000000"));
    assert_eq!(read.facts.len(), 1, "that of the disk that is new: {:?}", read.facts.keys());
    assert_eq!(read.notes.len(), 2);
}

#[test]
fn a_disk_that_the_kernel_has_suspended_is_not_even_opened() {
    let mut case = Case::new();
    case.host.sata("sda", 0, "sata1");
    let place = "pci0000:00/0000:00:1f.2/ata0/host0/target0:0:0/0:0:0:0/block/sda";
    case.host.attribute(place, "device/power/runtime_status", "suspended\n");
    fs::remove_dir_all(case.host.0.join("dev/sda.ioctl")).unwrap();
    let read = case.read();
    assert_eq!(read.state("sda"), "standby");
    assert_eq!(read.notes, ["sda: asleep, left asleep: the kernel has suspended it"]);
}

const USB: &str = "pci0000:00/0000:00:14.0/usb2/2-3/2-3:1.0/host5/target5:0:0/5:0:0:0/block/sdc";

#[test]
fn a_bridge_that_knows_the_short_command_alone_is_asked_with_it() {
    let mut case = Case::new();
    case.host.disk(USB, "8:32\n", &[("device/vendor", "JMicron\n"), ("device/serial", "A1B2C3\n")]);
    case.host.answer("sdc", ata::POWER, &[], REFUSED);
    // Fixed format: the registers stand in other places.
    let fixed = |count: u8, mid: u8, high: u8| {
        vec![2, 0x70, 0, 1, 0, 0x50, 0, count, 10, 0, 0, mid, high, 0, 0x1d, 0, 0, 0, 0]
    };
    case.host.answer("sdc", ata::POWER_12, &[], &fixed(0xff, 0, 0));
    case.host.answer("sdc", ata::STATUS_12, &[], &fixed(0, 0x4f, 0xc2));
    for (key, file) in [
        (ata::IDENTIFY_12, "identify.bin"),
        (ata::DATA_12, "smart-data.bin"),
        (ata::THRESHOLDS_12, "smart-thresh.bin"),
        (ata::ERRORS_12, "smart-log01-error.bin"),
        (ata::SELF_TESTS_12, "smart-log06-selftest.bin"),
    ] {
        case.host.answer("sdc", key, &fixture(&format!("ata/sata3/{file}")), &[0]);
    }
    let read = case.read();
    assert_eq!(read.notes, ["sdc (LAB SSD): read"]);
    assert_eq!(read.value("smartctl_device_smart_status sdc"), 1.0);
}

#[test]
fn a_bridge_that_hides_whether_the_disk_sleeps_is_asked_after_use_alone() {
    let mut case = Case::new();
    case.host.disk(USB, "8:32\n", &[("stat", "10 0 0 0 5 0 0 0 0 0 0\n"), ("device/serial", "A1B2C3\n")]);
    case.host.sata_answers("sdc", "sata1");
    case.host.answer("sdc", ata::POWER, &[], &[0]);
    assert_eq!(case.read().state("sdc"), "standby");
    assert_eq!(case.read().state("sdc"), "standby");
    case.host.attribute(USB, "stat", "11 0 0 0 5 0 0 0 0 0 0\n");
    assert_eq!(case.read().state("sdc"), "read");
    let idle = case.read();
    assert_eq!(idle.state("sdc"), "standby");
    assert!(idle.notes[0].contains("hides whether it sleeps"), "{:?}", idle.notes);
}

#[test]
fn what_has_nothing_to_read_is_named_once_with_the_reason_and_not_asked_again() {
    let mut case = Case::new();
    case.host.disk(USB, "8:32\n", &[("device/vendor", "Generic\n"), ("device/serial", "A1B2C3\n")]);
    case.host.answer("sdc", ata::POWER, &[], REFUSED);
    case.host.answer("sdc", ata::POWER_12, &[], REFUSED);
    case.host.scsi("sdd", 7, "scsi", "");
    for _ in 0..2 {
        let read = case.read();
        assert_eq!(read.result.as_ref().unwrap(), &Outcome::Read);
        assert_eq!((read.state("sdc"), read.state("sdd")), ("unsupported", "unsupported"));
        assert_eq!(
            read.notes,
            [
                "sdc: nothing to read: its USB bridge passes no SMART",
                "sdd: nothing to read: it has no log pages"
            ]
        );
        // No temperature of 0 °C, no status of a disk that has none.
        assert!(!read.samples.keys().any(|key| key.starts_with("smartctl_device_")), "{:#?}", read.samples);
        let fact = read.facts.values().find(|doc| text(&doc["device"]) == "sdc").unwrap();
        assert_eq!(text(&fact["reason"]), "its USB bridge passes no SMART");
        // Whoever asks again gets no answer at all.
        let _ = fs::remove_dir_all(case.host.0.join("dev"));
    }
    case.host.attribute(USB, "removable", "1\n");
    let mut other = Case::new();
    other.host.disk(USB, "8:32\n", &[("removable", "1\n"), ("device/serial", "A1B2C3\n")]);
    assert_eq!(other.read().notes, ["sdc: nothing to read: a medium that can be taken out has no SMART"]);
}

#[test]
fn a_scsi_disk_predicts_its_failure_in_its_own_words() {
    let mut case = Case::new();
    case.host.scsi("sdb", 6, "scsi_debug", "log-2f.bin");
    case.host.scsi("sdc", 7, "scsi_debug", "log-2f-predict.bin");
    let read = case.read();
    assert_eq!(read.value("smartctl_device_smart_status sdb"), 1.0);
    assert_eq!(read.value("smartctl_device_smart_status sdc"), 0.0);
    assert_eq!(read.value("smartctl_device_temperature sdb current"), 38.0);
    assert_eq!(read.value("smartctl_device_temperature sdb drive_trip"), 65.0);
    let facts: Vec<_> =
        read.facts.values().map(|doc| (text(&doc["device"]), text(&doc["verdict"]))).collect();
    assert_eq!(facts.len(), 2, "both have the same serial number");
    assert!(facts.contains(&("sdb", "passed")));
    assert!(facts.contains(&("sdc", "failure prediction threshold exceeded (false)")));
}

#[test]
fn an_nvme_controller_tells_each_warning_by_itself() {
    let mut case = Case::new();
    case.host.nvme(0, "smart-log.bin");
    case.host.nvme(1, "smart-log-warning4.bin");
    let read = case.read();
    for (key, value) in [
        ("smartctl_device_temperature nvme0 current", 50.0),
        ("smartctl_device_bytes_read nvme0", 3.0 * 512_000.0),
        ("smartctl_device_smart_status nvme0", 1.0),
        ("smartctl_device_smart_status nvme1", 0.0),
        ("smartctl_device_critical_warning nvme1", 4.0),
        ("hi_smart_critical_warning nvme1 reliability", 1.0),
        ("hi_smart_critical_warning nvme1 temperature", 0.0),
        ("hi_smart_host_reads_total nvme0", 52.0),
    ] {
        assert_eq!(read.value(key), value, "{key}");
    }
    let fact = read.fact("disk_health wwn-eui.0025385b71b00001");
    assert_eq!(text(&fact["verdict"]), "NVM subsystem reliability has been degraded");
}

#[test]
fn without_permission_the_disk_and_what_is_missing_are_named() {
    let mut case = Case::new();
    case.host.sata("sda", 0, "sata1");
    case.host.nvme(0, "smart-log.bin");
    for key in [ata::POWER, ata::IDENTIFY] {
        case.host.fails("sda", key, libc_eacces());
    }
    let read = case.read();
    let error = read.result.as_ref().unwrap_err();
    assert_eq!(error.reason(), "permission");
    assert!(error.to_string().ends_with("dev/sda"), "{error}");
    assert_eq!((read.state("sda"), read.state("nvme0")), ("permission", "read"));
    assert_eq!(read.notes[1], "sda: needs permission: group disk and CAP_SYS_RAWIO");
    assert!(DEF.permission.contains("CAP_SYS_RAWIO") && DEF.permission.contains("AmbientCapabilities="));
}

fn libc_eacces() -> i32 {
    rustix::io::Errno::ACCESS.raw_os_error()
}

#[test]
fn a_volume_of_a_raid_controller_is_one_and_the_controller_is_named() {
    let mut case = Case::new();
    let place = "pci0000:00/0000:00:01.0/0000:3b:00.0/host2/target2:2:0/2:2:0:0/block/sda";
    let attributes = [
        ("device/vendor", "AVAGO\n"),
        ("device/model", "MR9361-8i\n"),
        ("device/wwid", "naa.600605b00a1b2c3d\n"),
    ];
    case.host.disk(place, "8:0\n", &attributes);
    case.host.attribute(
        "pci0000:00/0000:00:01.0/0000:3b:00.0/host2/scsi_host/host2",
        "proc_name",
        "megaraid_sas\n",
    );
    fs::create_dir_all(case.host.0.join("sys/class/scsi_host")).unwrap();
    let link = "../../devices/pci0000:00/0000:00:01.0/0000:3b:00.0/host2/scsi_host/host2";
    std::os::unix::fs::symlink(link, case.host.0.join("sys/class/scsi_host/host2")).unwrap();
    let read = case.read();
    assert_eq!(read.state("sda"), "unsupported");
    let fact = read.fact("raid_controller 0000:3b:00.0");
    assert_eq!((text(&fact["driver"]), text(&fact["family"])), ("megaraid_sas", "MegaRAID"));
    assert!(text(&fact["reason"]).contains("cannot be read"));
    assert_eq!(fact["volumes"], FactValue::List(vec![FactValue::Text("sda".to_owned())]));
}

#[test]
fn another_disk_in_the_same_place_begins_anew() {
    let mut case = Case::new();
    case.host.sata("sda", 0, "sata1");
    let mut data = fixture("ata/sata1/smart-data.bin");
    let _ = case.read();
    data[2 + 3 * 12 + 5] = 7;
    case.host.answer("sda", ata::DATA, &data, &[0]);
    assert_eq!(case.read().value("hi_smart_reallocations_total sda"), 7.0);
    let place = "pci0000:00/0000:00:1f.2/ata0/host0/target0:0:0/0:0:0:0/block/sda";
    case.host.attribute(place, "device/wwid", "naa.5000c500ffff0001\n");
    assert_eq!(case.read().value("hi_smart_reallocations_total sda"), 0.0);
}

#[test]
fn a_host_without_such_disks_has_nothing_to_read() {
    let mut case = Case::new();
    assert_eq!(case.read().result.unwrap(), Outcome::Absent);
    let place = "pci0000:00/0000:00:02.0/virtio1/block/vda";
    case.host.disk(place, "254:0\n", &[("serial", "abcdef\n")]);
    assert_eq!(case.read().result.unwrap(), Outcome::Absent);
}

#[test]
fn a_disk_that_stops_telling_is_failing_and_not_given_up() {
    let mut case = Case::new();
    case.host.sata("sda", 0, "sata1");
    let _ = case.read();
    let aborted = [2, 0x70, 0, 0x0b, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    case.host.answer("sda", ata::DATA, &[], &aborted);
    let read = case.read();
    assert_eq!(read.state("sda"), "failed");
    assert_eq!(read.notes, ["sda (LAB HDD): failed: it has SMART and does not tell it: sense bh,00h,00h"]);
    assert_eq!(read.value("smartctl_device_temperature sda current"), 31.0, "it keeps what it said");
    case.host.sata_answers("sda", "sata1");
    assert_eq!(case.read().state("sda"), "read");
}

#[test]
fn a_disk_that_changes_its_judgement_is_an_event() {
    let mut case = Case::new();
    case.host.sata("sda", 0, "sata1");
    assert!(case.read().events.is_empty());
    case.host.answer("sda", ata::STATUS, &[], &registers(0, 0xf4, 0x2c));
    let failing = "disk_failing: disk sda (LAB HDD LAB-SATA-1) is failing: failed: a threshold is exceeded";
    assert_eq!(case.read().events, [failing]);
    assert!(case.read().events.is_empty(), "once");
    case.host.answer("sda", ata::STATUS, &[], &registers(0, 0x4f, 0xc2));
    assert_eq!(case.read().events.len(), 1);
}

/// Processor time of this process, helper threads included.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[test]
fn two_dozen_disks_are_read_in_one_pass() {
    let mut case = Case::new();
    for number in 0..16 {
        case.host.sata(&format!("sd{}", char::from(b'a' + number)), u32::from(number), "sata1");
    }
    for number in 0..4 {
        case.host.scsi(
            &format!("sdx{}", char::from(b'a' + number)),
            u32::from(number),
            "scsi_debug",
            "log-2f.bin",
        );
        case.host.nvme(u32::from(number), "smart-log.bin");
    }
    assert_eq!(case.read().value("smartctl_devices"), 24.0);
    let before = cpu_time();
    let read = case.read();
    let took = cpu_time().saturating_sub(before);
    assert_eq!(read.facts.keys().filter(|key| key.starts_with("disk_health ")).count(), 24);
    assert!(read.notes.iter().all(|note| note.ends_with(": read")), "{:?}", read.notes);
    println!("{} series of 24 disks in {took:?} of processor time, not optimised", read.samples.len());
}

#[test]
fn keys_of_questions_are_those_of_the_recordings() {
    assert_eq!(scsi::log(0x2f), "sg-4d006f00000000100000");
    assert_eq!(nvme::HEALTH, "nvme-02-ffffffff-7f0002");
}
