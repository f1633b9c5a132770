//! The BMC as a fact: what it is, its sensors with their states, the newest entries of its log. Values are metrics.

use std::collections::BTreeMap;

use hi_common::fact::FactValue;

use super::answers::{Chassis, DeviceId};
use super::identity::Identity;
use super::manufacturers::manufacturer;
use super::sdr::Sensor;
use super::sel::{Entry, Info};
use super::sensors::Measured;
use super::words::type_name;
use crate::source::time::rfc3339;

/// A document, or a part of one.
pub(super) type Doc = BTreeMap<String, FactValue>;

fn put(doc: &mut Doc, key: &str, text: &str) {
    if !text.is_empty() {
        doc.insert(key.to_owned(), FactValue::Text(text.to_owned()));
    }
}

fn put_number(doc: &mut Doc, key: &str, number: impl Into<i64>) {
    doc.insert(key.to_owned(), FactValue::Int(number.into()));
}

/// What is known of the BMC in this run.
pub(super) struct Known<'k> {
    pub(super) id: &'k DeviceId,
    pub(super) identity: &'k Identity,
    pub(super) chassis: Option<&'k Chassis>,
    pub(super) log: Option<&'k Info>,
    /// All sensors, for the names in the log.
    pub(super) all: &'k [Sensor],
    pub(super) sensors: &'k [(Sensor, Measured)],
    pub(super) newest: &'k [Entry],
}

/// Its number and its maker's name, as FreeIPMI's `bmc-info` and so ipmi_exporter write them: `Dell Inc. (674)`.
pub(super) fn maker(number: u32) -> String {
    manufacturer(number).map_or_else(|| number.to_string(), |name| format!("{name} ({number})"))
}

/// The fact.
pub(super) fn describe(known: &Known) -> Doc {
    let (id, identity) = (known.id, known.identity);
    let mut doc = Doc::new();
    put(&mut doc, "manufacturer", manufacturer(id.manufacturer).unwrap_or(""));
    put_number(&mut doc, "manufacturer_id", id.manufacturer);
    put(&mut doc, "product", &identity.fru.product);
    put_number(&mut doc, "product_id", id.product);
    put_number(&mut doc, "device_id", id.device_id);
    put_number(&mut doc, "device_revision", id.device_revision);
    put(&mut doc, "firmware", &id.firmware);
    put(&mut doc, "ipmi_version", &id.version);
    put(&mut doc, "guid", identity.guid.as_deref().unwrap_or(""));
    put(&mut doc, "url", identity.url.as_deref().unwrap_or(""));
    put(&mut doc, "system_firmware", identity.system_firmware.as_deref().unwrap_or(""));
    let fru = &identity.fru;
    for (key, text) in [
        ("product_manufacturer", &fru.product_manufacturer),
        ("part_number", &fru.part_number),
        ("serial", &fru.serial),
        ("asset_tag", &fru.asset_tag),
        ("board_manufacturer", &fru.board_manufacturer),
        ("board", &fru.board),
        ("board_serial", &fru.board_serial),
    ] {
        put(&mut doc, key, text);
    }
    if let Some(chassis) = known.chassis {
        put(&mut doc, "power_restore_policy", chassis.restore_policy);
        put(&mut doc, "last_power_event", &chassis.last_power_event.join(", "));
    }
    put(&mut doc, "sel_version", known.log.map_or("", |info| info.version.as_str()));
    let sensors: Vec<FactValue> = known.sensors.iter().map(|pair| FactValue::Map(of_sensor(pair))).collect();
    if !sensors.is_empty() {
        doc.insert("sensors".to_owned(), FactValue::List(sensors));
    }
    let log: Vec<FactValue> =
        known.newest.iter().rev().map(|entry| FactValue::Map(of_entry(entry, known.all))).collect();
    if !log.is_empty() {
        doc.insert("log".to_owned(), FactValue::List(log));
    }
    doc
}

fn of_sensor((sensor, measured): &(Sensor, Measured)) -> Doc {
    let mut doc = Doc::new();
    put_number(&mut doc, "id", sensor.record);
    put(&mut doc, "name", &sensor.name);
    put(&mut doc, "type", type_name(sensor.kind));
    if sensor.formula.is_some() {
        put(&mut doc, "unit", &sensor.units.words());
    }
    put(&mut doc, "state", measured.level().map_or("", |level| level.word()));
    let states = measured.states.iter().flatten().map(|state| FactValue::Text(state.words.clone()));
    let states: Vec<FactValue> = states.collect();
    if !states.is_empty() {
        doc.insert("states".to_owned(), FactValue::List(states));
    }
    doc
}

fn of_entry(entry: &Entry, sensors: &[Sensor]) -> Doc {
    let told = entry.tell(sensors);
    let mut doc = Doc::new();
    put_number(&mut doc, "record_id", entry.record);
    put(&mut doc, "logged_at", &logged_at(entry));
    put(&mut doc, "sensor", &told.sensor);
    put(&mut doc, "sensor_type", told.sensor_type);
    put(&mut doc, "direction", told.direction);
    put(&mut doc, "text", &told.text);
    put(&mut doc, "level", told.level.word());
    doc
}

/// When an entry was logged, by the BMC's clock; empty when it does not say.
pub(super) fn logged_at(entry: &Entry) -> String {
    entry.unix_seconds().map(rfc3339).unwrap_or_default()
}
