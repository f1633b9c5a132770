//! The fact `ups`: what a UPS is and how it is set, which changes only when something happens.

use std::collections::BTreeMap;

use hi_common::fact::FactValue;

use super::config::Server;
use super::unit::{State, Unit};

/// Key of the fact and the variables that it is taken from, the first that is told.
const TEXTS: [(&str, &[&str]); 21] = [
    ("manufacturer", &["device.mfr", "ups.mfr"]),
    ("model", &["device.model", "ups.model"]),
    ("serial", &["device.serial", "ups.serial"]),
    ("type", &["device.type"]),
    ("topology", &["ups.type"]),
    ("mode", &["ups.mode"]),
    ("firmware", &["ups.firmware"]),
    ("firmware_aux", &["ups.firmware.aux"]),
    ("part", &["device.part"]),
    ("mac_address", &["device.macaddr"]),
    ("location", &["device.location"]),
    ("contact", &["device.contact"]),
    ("manufactured", &["ups.mfr.date"]),
    ("battery_type", &["battery.type"]),
    ("battery_date", &["battery.date", "battery.mfr.date"]),
    ("test_result", &["ups.test.result"]),
    ("transfer_reason", &["input.transfer.reason"]),
    ("sensitivity", &["input.sensitivity"]),
    ("driver", &["driver.name"]),
    ("driver_version", &["driver.version"]),
    ("status", &["ups.status"]),
];

/// The same of numbers; none of them moves by itself.
const NUMBERS: [(&str, &str); 8] = [
    ("nominal_power_watts", "ups.realpower.nominal"),
    ("nominal_power_va", "ups.power.nominal"),
    ("nominal_input_volts", "input.voltage.nominal"),
    ("transfer_low_volts", "input.transfer.low"),
    ("transfer_high_volts", "input.transfer.high"),
    ("low_charge_percent", "battery.charge.low"),
    ("low_runtime_seconds", "battery.runtime.low"),
    ("nominal_battery_volts", "battery.voltage.nominal"),
];

/// Id of the fact about a UPS.
pub(super) fn id(server: &Server, unit: &str) -> String {
    format!("{unit}@{}", server.name)
}

/// Why a UPS could not be read; empty when it was.
fn reason(unit: &Unit) -> String {
    match (unit.state, &unit.reason) {
        (State::Ok, _) => String::new(),
        (state, None) => state.meaning().to_owned(),
        (state, Some(reason)) => format!("{} ({reason})", state.meaning()),
    }
}

/// What is known of a UPS.
pub(super) fn describe(server: &Server, version: &str, unit: &Unit) -> BTreeMap<String, FactValue> {
    let mut doc = BTreeMap::new();
    let mut text = |key: &str, text: &str| {
        if !text.is_empty() {
            doc.insert(key.to_owned(), FactValue::Text(text.to_owned()));
        }
    };
    text("name", &unit.name);
    text("server", &server.name);
    text("protocol", server.protocol.word());
    text("server_version", version);
    text("state", unit.state.word());
    text("reason", &reason(unit));
    text("description", unit.description.as_deref().unwrap_or_default());
    text("user", server.login.as_ref().map_or("", |login| &login.user));
    text("alarm", unit.text("ups.alarm").unwrap_or_default());
    for (key, variables) in TEXTS {
        let told = variables.iter().find_map(|variable| unit.text(variable));
        text(key, told.unwrap_or_default());
    }
    for (key, variable) in NUMBERS {
        if let Some(number) = unit.number(variable) {
            doc.insert(key.to_owned(), FactValue::Float(number));
        }
    }
    if let Some(logins) = unit.logins {
        doc.insert("logins".to_owned(), FactValue::Int(logins));
    }
    doc.insert("encrypted".to_owned(), FactValue::Bool(server.tls.is_some()));
    doc
}
