//! The system event log (IPMI 2.0, 31 and 32). Pure.

use super::bytes::{array, hex, le16, le24, le32};
use super::sdr::{Sensor, THRESHOLD};
use super::words::{Level, event, type_name};

/// Bytes of a record.
pub(super) const RECORD_BYTES: usize = 16;
/// Number of no record: the end of the log; as a question, its newest.
pub(super) const LAST: u16 = 0xffff;
/// Seconds below which a time counts from the start of the BMC (37).
const SINCE_START_MAX: u32 = 0x2000_0000;

/// Get SEL Info (31.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Info {
    pub(super) version: String,
    pub(super) entries: u16,
    /// `None` where the BMC does not say: 65,535 or more.
    pub(super) free_bytes: Option<u16>,
    pub(super) added: Option<u32>,
    pub(super) erased: Option<u32>,
    pub(super) overflow: bool,
}

impl Info {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let version = *bytes.first()?;
        Some(Self {
            version: format!("{}.{}", version & 0xf, version >> 4),
            entries: le16(bytes, 1)?,
            free_bytes: le16(bytes, 3).filter(|free| *free != u16::MAX),
            added: time(le32(bytes, 5)?),
            erased: time(le32(bytes, 9)?),
            overflow: bytes.get(13)? & 0x80 != 0,
        })
    }
}

/// A time of the BMC's clock, unless it is none.
fn time(seconds: u32) -> Option<u32> {
    (seconds != 0 && seconds != u32::MAX).then_some(seconds)
}

/// Answer to Get SEL Entry (31.5): the number of the next record, and the record.
pub(super) fn entry(bytes: &[u8]) -> Option<(u16, Entry)> {
    Some((le16(bytes, 0)?, Entry::parse(bytes.get(2..)?)?))
}

/// A record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    pub(super) record: u16,
    /// Seconds of the BMC's clock.
    pub(super) seconds: Option<u32>,
    content: Content,
    /// The record as it is.
    pub(super) bytes: [u8; RECORD_BYTES],
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Content {
    /// 32.1: owner of the sensor, its unit, type and number, event type, whether the state began, three bytes of data.
    Event { owner: u8, lun: u8, kind: u8, number: u8, event_type: u8, asserted: bool, data: [u8; 3] },
    /// 32.2: of a maker's own, with a time.
    Oem { manufacturer: u32, data: [u8; 6] },
    /// 32.3: of a maker's own, without one.
    OemUntimed { data: [u8; 13] },
    /// A type that the specification leaves free.
    Unknown,
}

/// A record in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Told {
    pub(super) sensor: String,
    pub(super) sensor_type: &'static str,
    /// `asserted`, `deasserted`, or nothing.
    pub(super) direction: &'static str,
    pub(super) text: String,
    pub(super) level: Level,
}

impl Entry {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        const EVENT: u8 = 0x02;
        let bytes: [u8; RECORD_BYTES] = array(bytes, 0)?;
        let content = match bytes[2] {
            EVENT => Content::Event {
                owner: bytes[7],
                lun: bytes[8] & 3,
                kind: bytes[10],
                number: bytes[11],
                event_type: bytes[12] & 0x7f,
                asserted: bytes[12] & 0x80 == 0,
                data: [bytes[13], bytes[14], bytes[15]],
            },
            0xc0..=0xdf => Content::Oem { manufacturer: le24(&bytes, 7)?, data: array(&bytes, 10)? },
            0xe0..=0xff => Content::OemUntimed { data: array(&bytes, 3)? },
            _ => Content::Unknown,
        };
        let timed = !matches!(content, Content::OemUntimed { .. });
        let seconds = le32(&bytes, 3).and_then(time).filter(|_| timed);
        Some(Self { record: le16(&bytes, 0)?, seconds, content, bytes })
    }

    /// Unix time by the BMC's clock; `None` when it counted from its start, or has no time.
    pub(super) fn unix_seconds(&self) -> Option<i64> {
        self.seconds.filter(|seconds| *seconds > SINCE_START_MAX).map(i64::from)
    }

    /// In words; the sensors give it the name and the unit.
    pub(super) fn tell(&self, sensors: &[Sensor]) -> Told {
        let plain = |text: String| Told {
            sensor: String::new(),
            sensor_type: "",
            direction: "",
            text,
            level: Level::Nominal,
        };
        match self.content {
            Content::Event { owner, lun, kind, number, event_type, asserted, data } => {
                let all =
                    || sensors.iter().filter(|sensor| sensor.key.number == number && sensor.kind == kind);
                // Some name themselves otherwise in the log than in their records.
                let owned = all().find(|sensor| (sensor.key.owner, sensor.key.lun) == (owner, lun));
                let sensor = owned.or_else(|| all().next().filter(|_| owner & 1 == 0));
                let state = event(kind, event_type, data[0] & 0xf);
                let name =
                    sensor.map_or_else(|| format!("sensor {number:02x}h"), |sensor| sensor.name.clone());
                let (direction, level) = match asserted {
                    true => ("asserted", state.level.unwrap_or(Level::Nominal)),
                    false => ("deasserted", Level::Nominal),
                };
                let details = details(event_type, asserted, data, sensor);
                Told {
                    text: format!("{name}: {} {direction}{details}", state.words),
                    sensor: name,
                    sensor_type: type_name(kind),
                    direction,
                    level,
                }
            }
            Content::Oem { manufacturer, data } => {
                plain(format!("OEM record {:02x}h of maker {manufacturer}: {}", self.bytes[2], hex(&data)))
            }
            Content::OemUntimed { data } => {
                plain(format!("OEM record {:02x}h: {}", self.bytes[2], hex(&data)))
            }
            Content::Unknown => {
                plain(format!("record of type {:02x}h: {}", self.bytes[2], hex(&self.bytes[3..])))
            }
        }
    }
}

/// What the data of an event adds (29.7): the reading and the threshold that it crossed, or the bytes as they are.
fn details(
    event_type: u8,
    asserted: bool,
    [flags, second, third]: [u8; 3],
    sensor: Option<&Sensor>,
) -> String {
    if event_type == THRESHOLD {
        let value =
            |raw| sensor.and_then(|sensor| sensor.formula.filter(|f| !f.asks_for_factors())?.value(raw));
        let unit = sensor.map(|sensor| sensor.units.words()).filter(|unit| !unit.is_empty());
        let unit = unit.map(|unit| format!(" {unit}")).unwrap_or_default();
        let reading = if flags >> 6 == 1 { value(second) } else { None };
        let threshold = if flags >> 4 & 3 == 1 { value(third) } else { None };
        // An even offset is a crossing downwards, and its end one upwards.
        let downwards = (flags & 1 == 0) == asserted;
        let sign = if downwards { '<' } else { '>' };
        return match (reading, threshold) {
            (Some(reading), Some(threshold)) => {
                format!(", reading {} {sign} threshold {}{unit}", rounded(reading), rounded(threshold))
            }
            (Some(reading), None) => format!(", reading {}{unit}", rounded(reading)),
            _ => String::new(),
        };
    }
    match (flags >> 6, flags >> 4 & 3) {
        (0, 0) => String::new(),
        (_, 0) => format!(" ({second:02x}h)"),
        (0, _) => format!(" (-, {third:02x}h)"),
        _ => format!(" ({second:02x}h, {third:02x}h)"),
    }
}

/// At most three digits behind the point.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::ipmi::sdr;
    use crate::sources::ipmi::tests::fixture;
    use proptest::prelude::*;

    /// Five events of the lab, as `ipmitool sel elist` shows them.
    #[test]
    fn events_are_told_as_ipmitool_tells_them() {
        let sensors = sdr::tests::records(&fixture("sdr.bin"));
        let bytes = fixture("hot/sel.bin");
        let words = String::from_utf8(fixture("hot/sel-elist.txt")).unwrap();
        let mut compared = 0;
        for (record, line) in bytes.chunks(RECORD_BYTES).zip(words.lines()) {
            let entry = Entry::parse(record).unwrap();
            let told = entry.tell(&sensors);
            let columns: Vec<&str> = line.split('|').map(str::trim).collect();
            let [number, date, time, sensor, what, direction, reading] = columns[..] else {
                panic!("{line}")
            };
            assert_eq!(format!("{:x}", entry.record), number);
            assert_eq!(format!("{} {}", told.sensor_type, told.sensor), sensor);
            let ours =
                format!("{}: {what} {}, {}", told.sensor, direction.to_lowercase(), reading.to_lowercase());
            assert_eq!(told.text.to_lowercase(), ours.to_lowercase());
            assert_eq!((date, time), ("11/20/26", "08:06:17 UTC"));
            assert_eq!(entry.unix_seconds(), Some(1_795_161_977));
            assert_eq!(
                told.level,
                if what.contains("Non-critical") { Level::Warning } else { Level::Critical }
            );
            compared += 1;
        }
        assert_eq!(compared, 5);
    }

    #[test]
    fn makers_records_are_told_in_hex_and_ends_of_states_are_no_alarm() {
        let oem = Entry::parse(&[7, 0, 0xc1, 1, 2, 3, 0x60, 0x57, 1, 0, 1, 2, 3, 4, 5, 6]).unwrap();
        assert_eq!(oem.tell(&[]).text, "OEM record c1h of maker 343: 010203040506");
        let untimed = Entry::parse(&[7, 0, 0xe0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]).unwrap();
        assert_eq!(
            (untimed.seconds, untimed.tell(&[]).text.as_str()),
            (None, "OEM record e0h: 0102030405060708090a0b0c0d")
        );
        let lost = Entry::parse(&[7, 0, 2, 9, 0, 0, 0, 0x20, 0, 4, 8, 0x50, 0xef, 0x83, 0xff, 0xff]).unwrap();
        let told = lost.tell(&[]);
        assert_eq!((told.level, told.direction, lost.unix_seconds()), (Level::Nominal, "deasserted", None));
        assert_eq!(told.text, "sensor 50h: Power Supply input lost (AC/DC) deasserted (ffh)");
        assert_eq!(Entry::parse(&[0; 15]), None);
    }

    #[test]
    fn the_lab_s_log_is_empty() {
        let info = Info::parse(&[0x51, 0, 0, 0x80, 0x3e, 0, 0, 0, 0, 0, 0, 0, 0, 0x0a]).unwrap();
        assert_eq!((info.version.as_str(), info.entries, info.free_bytes), ("1.5", 0, Some(16_000)));
        assert_eq!((info.added, info.overflow), (None, false));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let sensors = sdr::tests::records(&fixture("sdr.bin"));
            let _ = (Info::parse(&bytes), entry(&bytes).map(|(_, entry)| entry.tell(&sensors)));
            if let Some(entry) = Entry::parse(&bytes) {
                prop_assert!(!entry.tell(&sensors).text.is_empty());
            }
        }
    }
}
