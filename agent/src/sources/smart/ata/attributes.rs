//! The table of attributes: 30 rows of 12 bytes in SMART READ DATA, and as many of thresholds in SMART READ THRESHOLDS.
//!
//! Both were last described by ATA-3 (X3T10/2008D, 6.8) and SFF-8035i; ACS calls the bytes vendor specific, all disks have them.

use serde::Serialize;

use super::families::{Family, meaning};
use super::raw::Format;
use crate::sources::smart::bytes::{byte, le16};

/// Rows of a table.
const ROWS: usize = 30;
/// Bytes of a row.
const ROW_BYTES: usize = 12;
/// Where the first row begins.
const TABLE: usize = 2;

/// Flags by bit: letter of the short form, word of the long one. The words are smartctl's.
pub const FLAGS: [(char, &str); 6] = [
    ('P', "prefailure"),
    ('O', "updated_online"),
    ('S', "performance"),
    ('R', "error_rate"),
    ('C', "event_count"),
    ('K', "auto_keep"),
];

/// How an attribute stands to its threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Above it, or there is none.
    Ok,
    /// Was at or below it once.
    FailedPast,
    /// Is at or below it.
    FailedNow,
}

impl State {
    /// When it failed, in smartctl's words; empty for never.
    pub fn when_failed(self) -> &'static str {
        match self {
            Self::Ok => "",
            Self::FailedPast => "past",
            Self::FailedNow => "now",
        }
    }
}

/// One attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attribute {
    /// Number, 1 to 255.
    pub id: u8,
    /// Name.
    pub name: &'static str,
    /// Flags.
    pub flags: u16,
    /// Normalized value; `None` where its place holds something else.
    pub value: Option<u8>,
    /// Lowest value so far.
    pub worst: Option<u8>,
    /// Value at or below which it has failed; `None` when the disk gives none, 0 when it never fails.
    pub threshold: Option<u8>,
    /// How it stands to that.
    pub state: State,
    /// Raw value.
    pub raw: u64,
    /// What that means, as text.
    pub raw_text: String,
    /// What its bytes mean.
    #[serde(skip)]
    pub format: Format,
}

impl Attribute {
    /// Letters of the flags that are set, a dash for each other: `PO--CK`.
    pub fn flags_short(&self) -> String {
        let letter = |(bit, (letter, _)): (usize, &(char, &str))| {
            if self.flags >> bit & 1 == 1 { *letter } else { '-' }
        };
        let mut text: String = FLAGS.iter().enumerate().map(letter).collect();
        if self.flags >> FLAGS.len() != 0 {
            text.push('+');
        }
        text
    }

    /// Words of the flags that are set, joined with commas.
    pub fn flags_long(&self) -> String {
        let set = FLAGS.iter().enumerate().filter(|(bit, _)| self.flags >> bit & 1 == 1);
        set.map(|(_, (_, word))| *word).collect::<Vec<_>>().join(",")
    }

    /// Whether it announces a failure rather than wear.
    pub fn is_prefailure(&self) -> bool {
        self.flags & 1 == 1
    }
}

/// Reads the table in a sector of SMART READ DATA; `thresholds` is the sector of SMART READ THRESHOLDS, if there is one.
pub(super) fn parse(
    data: &[u8],
    thresholds: Option<&[u8]>,
    family: Option<&Family>,
    rotation_rpm: Option<u16>,
) -> Vec<Attribute> {
    let rows = (0..ROWS).filter_map(|row| {
        let at = TABLE + row * ROW_BYTES;
        let bytes: &[u8; ROW_BYTES] = data.get(at..)?.first_chunk()?;
        let threshold = threshold(thresholds, row, bytes[0]);
        (bytes[0] != 0).then(|| attribute(bytes, threshold, family, rotation_rpm))
    });
    rows.collect()
}

fn attribute(
    bytes: &[u8; ROW_BYTES],
    threshold: Option<u8>,
    family: Option<&Family>,
    rotation_rpm: Option<u16>,
) -> Attribute {
    let [id, flags_low, flags_high, value, worst, raw0, raw1, raw2, raw3, raw4, raw5, reserved] = *bytes;
    let (format, name) = meaning(family, id, rotation_rpm);
    let raw = format.number(value, worst, [raw0, raw1, raw2, raw3, raw4, raw5], reserved);
    let normalized = !format.replaces_normalized();
    let threshold = threshold.filter(|_| normalized);
    // A threshold of zero is one that is always passed (ATA-3, table 47).
    let state = match threshold.unwrap_or(0) {
        0 => State::Ok,
        threshold if value <= threshold => State::FailedNow,
        threshold if worst <= threshold => State::FailedPast,
        _ => State::Ok,
    };
    Attribute {
        id,
        name,
        flags: u16::from_le_bytes([flags_low, flags_high]),
        value: normalized.then_some(value),
        worst: normalized.then_some(worst),
        threshold,
        state,
        raw,
        raw_text: format.text(raw),
        format,
    }
}

/// The threshold of an attribute: usually in the same row, else wherever its number stands.
fn threshold(thresholds: Option<&[u8]>, row: usize, id: u8) -> Option<u8> {
    let thresholds = thresholds?;
    let of = |row: usize| {
        let at = TABLE + row * ROW_BYTES;
        (byte(thresholds, at)? == id).then(|| byte(thresholds, at + 1)).flatten()
    };
    of(row).or_else(|| (0..ROWS).find_map(of))
}

/// Revision of a table.
pub(super) fn revision(data: &[u8]) -> u16 {
    le16(data, 0).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::smart::ata::SECTOR_BYTES;

    fn tables(value: u8, worst: u8, threshold: u8) -> (Vec<u8>, Vec<u8>) {
        let (mut data, mut thresholds) = (vec![0; SECTOR_BYTES], vec![0; SECTOR_BYTES]);
        data[2..14].copy_from_slice(&[5, 0x33, 0, value, worst, 43, 0, 43, 0, 0, 0, 0]);
        // In another row than the attribute.
        thresholds[14..16].copy_from_slice(&[5, threshold]);
        (data, thresholds)
    }

    #[test]
    fn an_attribute_fails_at_its_threshold_and_never_at_zero() {
        for (value, worst, threshold, state) in [
            (100, 100, 36, State::Ok),
            (36, 36, 36, State::FailedNow),
            (100, 36, 36, State::FailedPast),
            (0, 0, 0, State::Ok),
        ] {
            let (data, thresholds) = tables(value, worst, threshold);
            let found = parse(&data, Some(&thresholds), None, None);
            assert_eq!((found.len(), found[0].state, found[0].threshold), (1, state, Some(threshold)));
        }
    }

    #[test]
    fn without_thresholds_nothing_fails() {
        let (data, _) = tables(1, 1, 1);
        let found = &parse(&data, None, None, None)[0];
        assert_eq!((found.state, found.threshold, found.raw_text.as_str()), (State::Ok, None, "43 (0 43)"));
        assert_eq!(
            (found.flags_short().as_str(), found.flags_long().as_str()),
            ("PO--CK", "prefailure,updated_online,event_count,auto_keep")
        );
    }
}
