//! Self-test logs: SMART log 06h and its successor, general purpose log 07h (ACS-4, 9.7 and 9.18).

use serde::{Serialize, Serializer};

use super::{SECTOR_BYTES, sector};
use crate::sources::smart::bytes::{le_any, le16, le32, sums_to_zero};

/// Execution status of a self-test: result in the upper four bits, tenths still to do in the lower (ACS-4, table 112).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub u8);

impl Status {
    /// What it says, in smartctl's words.
    pub fn text(self) -> &'static str {
        match self.0 >> 4 {
            0x0 => "Completed without error",
            0x1 => "Aborted by host",
            0x2 => "Interrupted (host reset)",
            0x3 => "Fatal or unknown error",
            0x4 => "Completed: unknown failure",
            0x5 => "Completed: electrical failure",
            0x6 => "Completed: servo/seek failure",
            0x7 => "Completed: read failure",
            0x8 => "Completed: handling damage??",
            0xf => "Self-test routine in progress",
            _ => "Unknown status",
        }
    }

    /// Whether it found the disk in order; `None` when it was not brought to an end.
    pub fn passed(self) -> Option<bool> {
        match self.0 >> 4 {
            0x0 => Some(true),
            0x4..=0x8 => Some(false),
            _ => None,
        }
    }

    /// Whether it counts as an error, as smartctl counts them: failed, or ended by a fatal error.
    pub fn is_error(self) -> bool {
        matches!(self.0 >> 4, 0x3..=0x8)
    }

    /// Whether it runs.
    pub fn in_progress(self) -> bool {
        self.0 >> 4 == 0xf
    }

    /// How much is still to do, in percent.
    pub fn remaining_percent(self) -> u8 {
        (self.0 & 0xf).min(10) * 10
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown {
            value: u8,
            string: &'static str,
            passed: Option<bool>,
            remaining_percent: u8,
        }
        let shown = Shown {
            value: self.0,
            string: self.text(),
            passed: self.passed(),
            remaining_percent: self.remaining_percent(),
        };
        shown.serialize(serializer)
    }
}

/// A self-test that was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SelfTest {
    /// Which one: 1 short, 2 extended, 3 conveyance, 4 selective; with 80h while nothing else was served.
    pub kind: u8,
    /// That in words.
    pub kind_text: String,
    /// How it went.
    pub status: Status,
    /// Time powered on when it ended, in hours; it begins anew after 65535.
    pub at_hours: u16,
    /// First sector that could not be read, where a failure names one.
    pub failing_sector: Option<u64>,
}

/// A log of self-tests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SelfTestLog {
    /// Revision of its layout.
    pub revision: u16,
    /// Tests, the newest first.
    pub tests: Vec<SelfTest>,
    /// Whether all checksums are right.
    pub checksum_ok: bool,
}

impl SelfTestLog {
    /// Tests that found an error.
    pub fn errors(&self) -> usize {
        self.tests.iter().filter(|test| test.status.is_error()).count()
    }

    /// Tests that found an error since the last extended one that found none.
    pub fn current_errors(&self) -> usize {
        let is_cure = |test: &&SelfTest| test.kind & 0x7f == 2 && test.status.passed() == Some(true);
        self.tests.iter().take_while(|test| !is_cure(test)).filter(|test| test.status.is_error()).count()
    }
}

/// Reads SMART log 06h.
///
/// # Errors
/// It is no whole sector.
pub fn parse(bytes: &[u8]) -> Result<SelfTestLog, String> {
    const ENTRIES: usize = 21;
    const ENTRY_BYTES: usize = 24;
    let bytes = sector(bytes, "self-test log")?;
    let newest = usize::from(bytes[508]);
    let entry = |index: usize| {
        let entry = bytes.get(2 + index * ENTRY_BYTES..)?.get(..ENTRY_BYTES)?;
        let sector = le32(entry, 5).filter(|&sector| sector != u32::MAX).map(u64::from);
        used(entry).then(|| test(entry[0], entry[1], le16(entry, 2).unwrap_or(0), sector))
    };
    let tests = match newest {
        0 => Vec::new(),
        // The index counts from 1.
        newest => (0..ENTRIES).filter_map(|back| entry((newest - 1 + ENTRIES - back) % ENTRIES)).collect(),
    };
    Ok(SelfTestLog { revision: le16(bytes, 0).unwrap_or(0), tests, checksum_ok: sums_to_zero(bytes) })
}

/// Reads general purpose log 07h: as many sectors as the disk has of it.
///
/// # Errors
/// It is not even a whole sector, or its index points past what there is.
pub fn parse_extended(bytes: &[u8]) -> Result<SelfTestLog, String> {
    const PER_SECTOR: usize = 19;
    const ENTRY_BYTES: usize = 26;
    let first = sector(bytes, "extended self-test log")?;
    let sectors = bytes.len() / SECTOR_BYTES;
    let entries = sectors * PER_SECTOR;
    let newest = usize::from(le16(first, 2).unwrap_or(0));
    if newest > entries {
        return Err(format!(
            "extended self-test log has {entries} entries, its newest is said to be number {newest}"
        ));
    }
    let entry = |index: usize| {
        let at = index / PER_SECTOR * SECTOR_BYTES + 4 + index % PER_SECTOR * ENTRY_BYTES;
        let entry = bytes.get(at..)?.get(..ENTRY_BYTES)?;
        let sector = Some(le_any(&entry[5..11])).filter(|&sector| sector != 0xffff_ffff_ffff);
        used(entry).then(|| test(entry[0], entry[1], le16(entry, 2).unwrap_or(0), sector))
    };
    let tests = match newest {
        0 => Vec::new(),
        newest => (0..entries).filter_map(|back| entry((newest - 1 + entries - back) % entries)).collect(),
    };
    let checksum_ok = bytes.chunks_exact(SECTOR_BYTES).all(sums_to_zero);
    Ok(SelfTestLog { revision: u16::from(first[0]), tests, checksum_ok })
}

fn used(entry: &[u8]) -> bool {
    entry.iter().any(|&b| b != 0)
}

fn test(kind: u8, status: u8, at_hours: u16, sector: Option<u64>) -> SelfTest {
    let status = Status(status);
    SelfTest {
        kind,
        kind_text: kind_text(kind),
        status,
        at_hours,
        failing_sector: sector.filter(|_| status.is_error()),
    }
}

/// A test's kind in smartctl's words (ACS-4, table 160).
fn kind_text(kind: u8) -> String {
    match kind {
        0x00 => "Offline".to_owned(),
        0x01 => "Short offline".to_owned(),
        0x02 => "Extended offline".to_owned(),
        0x03 => "Conveyance offline".to_owned(),
        0x04 => "Selective offline".to_owned(),
        0x7f => "Abort offline test".to_owned(),
        0x81 => "Short captive".to_owned(),
        0x82 => "Extended captive".to_owned(),
        0x83 => "Conveyance captive".to_owned(),
        0x84 => "Selective captive".to_owned(),
        0x40..=0x7e | 0x90.. => format!("Vendor (0x{kind:02x})"),
        _ => format!("Reserved (0x{kind:02x})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_newest_test_comes_first_and_the_ring_is_followed() {
        let mut bytes = vec![0; SECTOR_BYTES];
        bytes[0] = 1;
        for (index, kind, status, hours) in [(0, 1, 0x00, 300_u16), (1, 2, 0x71, 400), (20, 1, 0x00, 200)] {
            let at = 2 + index * 24;
            bytes[at] = kind;
            bytes[at + 1] = status;
            bytes[at + 2..at + 4].copy_from_slice(&hours.to_le_bytes());
            bytes[at + 5..at + 9].copy_from_slice(&77_u32.to_le_bytes());
        }
        bytes[508] = 2;
        let log = parse(&bytes).unwrap();
        assert_eq!(log.tests.iter().map(|test| test.at_hours).collect::<Vec<_>>(), [400, 300, 200]);
        assert_eq!((log.tests[0].failing_sector, log.tests[1].failing_sector), (Some(77), None));
        assert_eq!((log.errors(), log.current_errors(), log.checksum_ok), (1, 1, false));
        assert_eq!(log.tests[0].status.passed(), Some(false));
    }

    #[test]
    fn an_extended_log_may_have_several_sectors() {
        let mut bytes = vec![0; 2 * SECTOR_BYTES];
        bytes[2] = 20;
        let at = SECTOR_BYTES + 4;
        bytes[at..at + 2].copy_from_slice(&[0x81, 0xf9]);
        let log = parse_extended(&bytes).unwrap();
        assert_eq!(log.tests.len(), 1);
        assert_eq!(
            (log.tests[0].kind_text.as_str(), log.tests[0].status.remaining_percent()),
            ("Short captive", 90)
        );
        bytes[3] = 1;
        assert!(parse_extended(&bytes).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..1600)) {
            let _ = parse(&bytes).map(|log| log.current_errors());
            let _ = parse_extended(&bytes).map(|log| log.errors());
        }
    }
}
