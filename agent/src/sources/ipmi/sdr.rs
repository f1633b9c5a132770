//! Sensor data records (IPMI 2.0, 43): what sensors there are and how they are read. Pure.

use super::bytes::{array, le16, text};
use super::formula::{Factors, Format, Formula};
use super::units::Units;
use crate::sys::ipmi::Target;

/// Bytes of the header: record, version, type, length of what follows.
pub(super) const HEADER_BYTES: usize = 5;
/// Most sensors that one record stands for (4 bits).
const SHARED_MAX: u8 = 15;
/// Address of the BMC, which owns most sensors.
const BMC_ADDRESS: u8 = 0x20;
/// Event/reading type of a sensor with thresholds (table 42-1).
pub(super) const THRESHOLD: u8 = 0x01;

/// The six thresholds, in the order of the bits of their masks, as labels have them.
pub(super) const THRESHOLDS: [&str; 6] = [
    "lower_non_critical",
    "lower_critical",
    "lower_non_recoverable",
    "upper_non_critical",
    "upper_critical",
    "upper_non_recoverable",
];

/// Who has a sensor, and under which number: what readings and log entries name it by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub(super) struct Key {
    /// Address of the controller, or of software (lowest bit set).
    pub(super) owner: u8,
    pub(super) channel: u8,
    pub(super) lun: u8,
    pub(super) number: u8,
}

impl Key {
    /// Whom to ask; `None` for what software reports.
    pub(super) fn target(self) -> Option<Target> {
        match self.owner {
            BMC_ADDRESS => Some(Target::Bmc { lun: self.lun }),
            software if software & 1 != 0 => None,
            address => Some(Target::Controller { channel: self.channel, address, lun: self.lun }),
        }
    }
}

/// A sensor.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Sensor {
    pub(super) record: u16,
    pub(super) key: Key,
    /// Entity and its instance (43.14): of what it is a sensor.
    pub(super) entity: (u8, u8),
    pub(super) kind: u8,
    /// Event/reading type (42.1).
    pub(super) event_type: u8,
    pub(super) name: String,
    pub(super) units: Units,
    /// How its byte becomes a value; `None` where it has states only.
    pub(super) formula: Option<Formula>,
    /// Thresholds in the record, as bytes; only those are there that can be read.
    pub(super) thresholds: [Option<u8>; 6],
    /// Whether its thresholds can be asked for.
    pub(super) asks_thresholds: bool,
    /// Whether it can be read, and does not only send events.
    pub(super) readable: bool,
}

/// What a record is about.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Record {
    /// One sensor, or several alike.
    Sensors(Vec<Sensor>),
    /// Something the source has no use for.
    Other,
}

/// The record's number, type and whole length in bytes, out of its header.
pub(super) fn header(bytes: &[u8]) -> Option<(u16, u8, usize)> {
    Some((le16(bytes, 0)?, *bytes.get(3)?, HEADER_BYTES + usize::from(*bytes.get(4)?)))
}

/// A whole record.
///
/// # Errors
/// What it lacks.
pub(super) fn parse(bytes: &[u8]) -> Result<Record, &'static str> {
    const FULL: u8 = 0x01;
    const COMPACT: u8 = 0x02;
    const EVENT_ONLY: u8 = 0x03;
    let (record, kind, _) = header(bytes).ok_or("a sensor record without a header")?;
    let sensors = match kind {
        FULL => vec![full(record, bytes).ok_or("a full sensor record that is cut")?],
        COMPACT => compact(record, bytes).ok_or("a compact sensor record that is cut")?,
        EVENT_ONLY => event_only(record, bytes).ok_or("an event-only record that is cut")?,
        _ => return Ok(Record::Other),
    };
    Ok(Record::Sensors(sensors))
}

fn key(bytes: &[u8]) -> Option<Key> {
    let [owner, lun, number] = array(bytes, 5)?;
    Some(Key { owner, channel: lun >> 4, lun: lun & 3, number })
}

/// Table 43-1.
fn full(record: u16, bytes: &[u8]) -> Option<Sensor> {
    let units: [u8; 3] = array(bytes, 20)?;
    let event_type = *bytes.get(13)?;
    let mut sensor = Sensor {
        record,
        key: key(bytes)?,
        entity: (*bytes.get(8)?, *bytes.get(9)?),
        kind: *bytes.get(12)?,
        event_type,
        name: text(*bytes.get(47)?, bytes.get(48..)?),
        units: Units::parse(units),
        formula: None,
        thresholds: [None; 6],
        asks_thresholds: false,
        readable: true,
    };
    let formula = Format::of(units[0]).map(|format| Formula {
        format,
        factors: Factors::parse(array(bytes, 24).unwrap_or_default()),
        linearization: bytes.get(23).copied().unwrap_or(0) & 0x7f,
    });
    // Only sensors with thresholds have values by the book; some makers give values to others too, and then name a unit.
    sensor.formula = formula.filter(|_| event_type == THRESHOLD || sensor.units.is_given());
    let access = *bytes.get(11)? >> 2 & 3;
    if event_type == THRESHOLD && sensor.formula.is_some() && access != 0 {
        // 1 readable, 2 settable as well, 3 fixed and not to be asked for; the mask tells which.
        let readable = *bytes.get(18)?;
        let [unr, uc, unc, lnr, lc, lnc]: [u8; 6] = array(bytes, 36)?;
        for (at, raw) in [lnc, lc, lnr, unc, uc, unr].into_iter().enumerate() {
            sensor.thresholds[at] = (readable >> at & 1 != 0).then_some(raw);
        }
        sensor.asks_thresholds = access != 3;
    }
    Some(sensor)
}

/// Table 43-2.
fn compact(record: u16, bytes: &[u8]) -> Option<Vec<Sensor>> {
    let sensor = Sensor {
        record,
        key: key(bytes)?,
        entity: (*bytes.get(8)?, *bytes.get(9)?),
        kind: *bytes.get(12)?,
        event_type: *bytes.get(13)?,
        name: text(*bytes.get(31)?, bytes.get(32..)?),
        units: Units::parse(array(bytes, 20)?),
        formula: None,
        thresholds: [None; 6],
        asks_thresholds: false,
        readable: true,
    };
    Some(shared(&sensor, array(bytes, 23)?))
}

/// Table 43-3.
fn event_only(record: u16, bytes: &[u8]) -> Option<Vec<Sensor>> {
    let sensor = Sensor {
        record,
        key: key(bytes)?,
        entity: (*bytes.get(8)?, *bytes.get(9)?),
        kind: *bytes.get(10)?,
        event_type: *bytes.get(11)?,
        name: text(*bytes.get(16)?, bytes.get(17..)?),
        units: Units::default(),
        formula: None,
        thresholds: [None; 6],
        asks_thresholds: false,
        readable: false,
    };
    Some(shared(&sensor, array(bytes, 12)?))
}

/// The sensors that a record stands for: how many there are and how their names go on, in two bytes.
fn shared(first: &Sensor, [sharing, offset]: [u8; 2]) -> Vec<Sensor> {
    let count = (sharing & SHARED_MAX).max(1);
    let (is_alphabetic, is_instance) = (sharing >> 4 & 3 == 1, offset & 0x80 != 0);
    (0..count)
        .map(|at| {
            let mut sensor = first.clone();
            sensor.key.number = sensor.key.number.wrapping_add(at);
            if is_instance {
                sensor.entity.1 = sensor.entity.1.wrapping_add(at);
            }
            if count > 1 {
                let number = (offset & 0x7f).wrapping_add(at);
                match is_alphabetic {
                    true => sensor.name.push(char::from(b'A' + number % 26)),
                    false => sensor.name.push_str(&number.to_string()),
                }
            }
            sensor
        })
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Records back to back.
    pub(in super::super) fn records(mut bytes: &[u8]) -> Vec<Sensor> {
        let mut sensors = Vec::new();
        while let Some((_, _, length)) = header(bytes) {
            let Record::Sensors(found) = parse(&bytes[..length]).unwrap() else { panic!("no sensor") };
            sensors.extend(found);
            bytes = &bytes[length..];
        }
        sensors
    }

    /// A compact record of a sensor-specific type.
    pub(in super::super) fn compact_record(
        number: u8,
        kind: u8,
        event_type: u8,
        share: [u8; 2],
        name: &str,
    ) -> Vec<u8> {
        let mut bytes = vec![0, 0, 0x51, 2, 0, 0x20, 0, number, 7, 1, 0x7f, 0x40, kind, event_type];
        bytes.extend([0; 6]);
        bytes.extend([0xc0, 0, 0]);
        bytes.extend(share);
        bytes.extend([0; 6]);
        bytes.push(0xc0 | name.len() as u8);
        bytes.extend(name.as_bytes());
        bytes[4] = (bytes.len() - HEADER_BYTES) as u8;
        bytes
    }

    #[test]
    fn sensors_of_a_shared_record_have_numbers_and_names_of_their_own() {
        let Ok(Record::Sensors(sensors)) = parse(&compact_record(0x40, 4, 8, [0x03, 0x81], "Fan ")) else {
            panic!()
        };
        let told: Vec<_> = sensors.iter().map(|s| (s.key.number, s.name.as_str(), s.entity.1)).collect();
        assert_eq!(told, [(0x40, "Fan1", 1), (0x41, "Fan2", 2), (0x42, "Fan3", 3)]);
        let Ok(Record::Sensors(sensors)) = parse(&compact_record(1, 4, 8, [0x12, 0], "P")) else { panic!() };
        assert_eq!(sensors.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["PA", "PB"]);
        let Ok(Record::Sensors(sensors)) = parse(&compact_record(1, 8, 0x6f, [1, 0], "PS1 Status")) else {
            panic!()
        };
        assert_eq!((sensors.len(), sensors[0].name.as_str(), sensors[0].formula), (1, "PS1 Status", None));
    }

    #[test]
    fn owners_are_asked_where_they_are() {
        let key = |owner, lun| key(&[0, 0, 0, 0, 0, owner, lun, 9]).unwrap();
        assert_eq!(key(0x20, 1).target(), Some(Target::Bmc { lun: 1 }));
        assert_eq!(key(0x2c, 0x60).target(), Some(Target::Controller { channel: 6, address: 0x2c, lun: 0 }));
        assert_eq!(key(0x41, 0).target(), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..80), kind in 0_u8..5) {
            if let Some(at) = bytes.get_mut(3) {
                *at = kind;
            }
            if let Ok(Record::Sensors(sensors)) = parse(&bytes) {
                prop_assert!(sensors.len() <= usize::from(SHARED_MAX));
            }
        }
    }
}
