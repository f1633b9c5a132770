//! What the parsers make of raw bytes, as JSON: for `hi-agent decode` and the fuzzer.

use serde_json::{Value, json};

use super::sdr::{Record, Sensor, THRESHOLDS, header, parse};
use super::sel::{Entry, RECORD_BYTES};
use super::words::type_name;
use super::{answers, facts, fru, sel};

/// Sensor records back to back.
///
/// # Errors
/// A record that is cut or has no header.
pub fn records(mut bytes: &[u8]) -> Result<Value, String> {
    let mut sensors = Vec::new();
    while !bytes.is_empty() {
        let (number, kind, length) = header(bytes).ok_or("the last record is cut")?;
        let record = bytes.get(..length).ok_or_else(|| format!("record {number} is cut"))?;
        match parse(record)? {
            Record::Sensors(found) => sensors.extend(found.iter().map(of_sensor)),
            Record::Other => sensors.push(json!({ "record_id": number, "record_type": kind })),
        }
        bytes = &bytes[length..];
    }
    Ok(sensors.into())
}

fn of_sensor(sensor: &Sensor) -> Value {
    let mut thresholds = serde_json::Map::new();
    for (raw, word) in sensor.thresholds.iter().zip(THRESHOLDS) {
        let value = raw.zip(sensor.formula).and_then(|(raw, formula)| formula.value(raw));
        if let Some(value) = value {
            thresholds.insert(word.to_owned(), value.into());
        }
    }
    json!({
        "record_id": sensor.record,
        "name": sensor.name,
        "number": sensor.key.number,
        "owner": sensor.key.owner,
        "type": type_name(sensor.kind),
        "event_type": sensor.event_type,
        "entity": format!("{}.{}", sensor.entity.0, sensor.entity.1),
        "unit": sensor.units.words(),
        "has_value": sensor.formula.is_some(),
        "thresholds": thresholds,
    })
}

/// Entries of the event log.
///
/// # Errors
/// The last one is cut.
pub fn log(bytes: &[u8]) -> Result<Value, String> {
    let entry = |bytes: &[u8]| {
        let entry = Entry::parse(bytes).ok_or("the last entry is cut")?;
        let told = entry.tell(&[]);
        Ok(json!({
            "record_id": entry.record,
            "logged_at": facts::logged_at(&entry),
            "sensor_type": told.sensor_type,
            "text": told.text,
            "level": told.level.word(),
        }))
    };
    bytes.chunks(RECORD_BYTES).map(entry).collect::<Result<Vec<Value>, String>>().map(Value::from)
}

/// Every parser of an answer, one after the other.
pub fn answers(bytes: &[u8]) {
    let _ = (answers::DeviceId::parse(bytes), answers::guid(bytes), answers::system_info(bytes));
    let _ = (answers::Stamp::of_repository(bytes), answers::Stamp::of_device(bytes));
    let _ = (answers::Reading::parse(bytes), answers::thresholds(bytes), answers::Chassis::parse(bytes));
    let _ = (answers::Power::parse(bytes), answers::Watchdog::parse(bytes), sel::Info::parse(bytes));
    let _ = (fru::areas(bytes), sel::entry(bytes));
    let mut unit = fru::Fru::default();
    unit.product(bytes);
    unit.board(bytes);
}
