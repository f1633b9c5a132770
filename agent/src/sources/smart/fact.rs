//! The fact `disk_health`: what changes only when something happens to a disk. What moves by itself is a metric.

use std::collections::BTreeMap;

use hi_common::fact::FactValue;

use super::ata::attributes::State as AttributeState;
use super::ata::reading::AtaReading;
use super::examine::{Reading, Report, State};
use super::nvme::reading::NvmeReading;
use super::scsi::reading::ScsiReading;

type Doc = BTreeMap<String, FactValue>;

/// Most errors and self-tests that a fact holds.
const ENTRIES_MAX: usize = 21;

fn text(value: impl Into<String>) -> FactValue {
    FactValue::Text(value.into())
}

fn number(value: impl TryInto<i64>) -> FactValue {
    FactValue::Int(value.try_into().unwrap_or(i64::MAX))
}

fn map<const N: usize>(fields: [(&str, Option<FactValue>); N]) -> FactValue {
    let filled = fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    FactValue::Map(filled.collect())
}

/// What is to be told of a disk whose name now is `device`.
pub(super) fn describe(device: &str, report: &Report) -> Doc {
    let mut doc = Doc::new();
    let mut set = |key: &str, value: FactValue| {
        doc.insert(key.to_owned(), value);
    };
    set("device", text(device));
    // That a disk sleeps now and then is no change of its health.
    let state = if report.state == State::Standby { State::Read } else { report.state };
    let state = if report.reading.is_none() { report.state } else { state };
    set("state", text(state.as_str()));
    if !report.reason.is_empty() && report.state != State::Standby {
        set("reason", text(report.reason.as_str()));
    }
    let Some((_, reading)) = &report.reading else { return doc };
    let who = reading.who();
    for (key, value) in [
        ("protocol", who.protocol),
        ("family", who.family),
        ("model", &who.model),
        ("serial", &who.serial),
        ("firmware", if who.firmware.is_empty() { &who.scsi_revision } else { &who.firmware }),
        ("form_factor", who.form_factor),
        ("verdict", &reading.verdict()),
    ] {
        if !value.is_empty() && value != "unknown" {
            set(key, text(value));
        }
    }
    if let Some(rpm) = who.rotation_rpm {
        set("rotation_rpm", number(rpm));
    }
    if let Some(passed) = reading.passed() {
        set("passed", FactValue::Bool(passed));
    }
    match reading.as_ref() {
        Reading::Ata(reading) => ata(reading, &mut set),
        Reading::Nvme(reading) => nvme(reading, &mut set),
        Reading::Scsi(reading) => scsi(reading, &mut set),
    }
    doc
}

fn list(values: impl Iterator<Item = FactValue>) -> FactValue {
    FactValue::List(values.take(ENTRIES_MAX).collect())
}

fn words<const N: usize>(words: [(&str, bool); N]) -> FactValue {
    list(words.into_iter().filter(|(_, has)| *has).map(|(word, _)| text(word)))
}

fn ata(reading: &AtaReading, set: &mut impl FnMut(&str, FactValue)) {
    let capabilities = [
        ("error_log", reading.errors.is_some() || reading.extended_errors.is_some()),
        ("self_test", reading.self_tests.is_some()),
        ("device_statistics", !reading.statistics.is_empty()),
        ("sct", reading.sct.is_some()),
        ("trim", reading.identify.trim),
    ];
    set("capabilities", words(capabilities));
    set(
        "test_minutes",
        map([
            ("short", Some(reading.data.short_test_minutes).filter(|&n| n > 0).map(number)),
            ("extended", Some(reading.data.extended_test_minutes).filter(|&n| n > 0).map(number)),
            ("conveyance", Some(reading.data.conveyance_test_minutes).filter(|&n| n > 0).map(number)),
        ]),
    );
    let failed = reading.data.attributes.iter().filter(|one| one.state != AttributeState::Ok);
    set(
        "failed_attributes",
        list(failed.map(|one| {
            map([
                ("id", Some(number(one.id))),
                ("name", Some(text(one.name))),
                ("when", Some(text(one.state.when_failed()))),
                ("prefailure", Some(FactValue::Bool(one.is_prefailure()))),
            ])
        })),
    );
    if let Some(log) = &reading.self_tests {
        set(
            "self_tests",
            list(log.tests.iter().filter(|test| !test.status.in_progress()).map(|test| {
                map([
                    ("kind", Some(text(test.kind_text.as_str()))),
                    ("result", Some(text(test.status.text()))),
                    ("passed", test.status.passed().map(FactValue::Bool)),
                    ("at_hours", Some(number(test.at_hours))),
                    ("failing_sector", test.failing_sector.map(number)),
                ])
            })),
        );
    }
    if let Some(log) = reading.extended_errors.as_ref().or(reading.errors.as_ref()) {
        set("error_count", number(log.count));
        set(
            "errors",
            list(log.errors.iter().map(|error| {
                map([
                    ("number", Some(number(error.number))),
                    ("at_hours", Some(number(error.at_hours))),
                    ("text", Some(text(error.words.as_str()))),
                    ("sector", Some(number(error.lba))),
                ])
            })),
        );
    }
    if !reading.problems.is_empty() {
        set("problems", list(reading.problems.iter().map(|problem| text(problem.as_str()))));
    }
}

fn nvme(reading: &NvmeReading, set: &mut impl FnMut(&str, FactValue)) {
    let controller = &reading.controller;
    let (major, minor, _) = controller.version;
    set("nvme_version", text(format!("{major}.{minor}")));
    set("capabilities", words([("error_log", true), ("self_test", controller.self_test)]));
    set("warnings", list(reading.health.warnings().map(text)));
    if controller.self_test && controller.extended_test_minutes > 0 {
        set("test_minutes", map([("extended", Some(number(controller.extended_test_minutes)))]));
    }
    if let Some(log) = &reading.self_tests {
        set(
            "self_tests",
            list(log.tests.iter().map(|test| {
                map([
                    ("kind", Some(text(test.kind_text()))),
                    ("result", Some(text(test.result_text()))),
                    ("passed", test.passed().map(FactValue::Bool)),
                    ("at_hours", Some(number(test.at_hours))),
                    ("failing_sector", test.failing_lba.map(number)),
                ])
            })),
        );
    }
    set("error_count", number(u64::try_from(reading.health.error_log_entries.0).unwrap_or(u64::MAX)));
    set(
        "errors",
        list(reading.errors.iter().map(|error| {
            map([
                ("number", Some(number(error.number))),
                ("text", Some(text(format!("status {:03x}h", error.status & 0x7ff)))),
                ("sector", Some(error.lba).filter(|&lba| lba != u64::MAX).map(number)),
                ("namespace", Some(error.namespace).filter(|&n| n != 0 && n != u32::MAX).map(number)),
            ])
        })),
    );
}

fn scsi(reading: &ScsiReading, set: &mut impl FnMut(&str, FactValue)) {
    let identity = &reading.identity;
    if let Some(name) = &identity.name {
        set("logical_unit_name", text(name.as_str()));
    }
    let capabilities = [
        ("informational_exceptions", reading.exceptions.is_some()),
        ("error_counters", reading.counters.iter().any(Option::is_some)),
        ("self_test", reading.self_tests.is_some()),
        ("background_scan", reading.scan.is_some()),
    ];
    set("capabilities", words(capabilities));
    if let Some((year, week)) = reading.cycles.as_ref().and_then(|cycles| cycles.made.as_ref()) {
        set("made", text(format!("{year} week {week}")));
    }
    if let Some(tests) = &reading.self_tests {
        set(
            "self_tests",
            list(tests.iter().filter(|test| !test.in_progress()).map(|test| {
                map([
                    ("kind", Some(text(test.kind_text()))),
                    ("result", Some(text(test.result_text()))),
                    ("passed", test.passed().map(FactValue::Bool)),
                    ("at_hours", Some(number(test.at_hours))),
                    ("failing_sector", test.failing_lba.map(number)),
                ])
            })),
        );
    }
    if let Some(count) = reading.grown_defects {
        set("grown_defects", number(count));
    }
    let phys = reading.phys.iter().map(|phy| {
        map([
            ("port", Some(number(phy.port))),
            ("phy", Some(number(phy.phy))),
            ("address", Some(text(format!("{:016x}", phy.address)))),
            ("attached_to", Some(text(format!("{:016x}", phy.attached_address)))),
            ("bits_per_second", phy.bits_per_second.map(number)),
        ])
    });
    if !reading.phys.is_empty() {
        set("phys", list(phys));
    }
}
