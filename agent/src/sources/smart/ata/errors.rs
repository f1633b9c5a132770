//! Error logs: SMART log 01h and its successor, general purpose log 03h (ACS-4, 9.22 and 9.10).

use serde::Serialize;

use super::{SECTOR_BYTES, sector};
use crate::sources::smart::bytes::{le_any, le16, le32, sums_to_zero};

/// A command that failed, or one that was sent before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Command {
    /// Its code.
    pub code: u8,
    /// Feature.
    pub feature: u16,
    /// Count.
    pub count: u16,
    /// Logical sector.
    pub lba: u64,
    /// Time since power was switched on, in milliseconds; begins anew after 49.7 days.
    pub at_msec: u32,
}

/// An error that the disk reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiskError {
    /// Its number among all errors so far.
    pub number: u32,
    /// Time powered on when it happened, in hours; begins anew after 65535.
    pub at_hours: u16,
    /// State of the disk then: lower four bits 0 unknown, 1 asleep, 2 standby, 3 active or idle, 4 testing itself.
    pub state: u8,
    /// Error register.
    pub error: u8,
    /// Status register.
    pub status: u8,
    /// Logical sector it happened at.
    pub lba: u64,
    /// The words of the error register's bits, after the command that failed.
    pub words: String,
    /// Commands before it, the one that failed first.
    pub commands: Vec<Command>,
}

/// A log of errors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorLog {
    /// Revision of its layout.
    pub revision: u8,
    /// Errors since the disk was made, also those that the log has no room for.
    pub count: u16,
    /// Errors, the newest first.
    pub errors: Vec<DiskError>,
    /// Whether all checksums are right.
    pub checksum_ok: bool,
}

/// Bytes of the sector number in the two layouts: offsets from the entry, lowest byte first.
struct Layout {
    entry_bytes: usize,
    command_bytes: usize,
    error_at: usize,
}

const SUMMARY: Layout = Layout { entry_bytes: 90, command_bytes: 12, error_at: 60 };
const EXTENDED: Layout = Layout { entry_bytes: 124, command_bytes: 18, error_at: 90 };

/// Reads SMART log 01h, the summary.
///
/// # Errors
/// It is no whole sector.
pub fn parse(bytes: &[u8]) -> Result<ErrorLog, String> {
    const ENTRIES: usize = 5;
    let bytes = sector(bytes, "error log")?;
    let count = le16(bytes, 452).unwrap_or(0);
    let newest = usize::from(bytes[1]);
    let errors = match newest {
        1..=ENTRIES => (0..ENTRIES)
            .filter_map(|back| {
                let at = 2 + (newest - 1 + ENTRIES - back) % ENTRIES * SUMMARY.entry_bytes;
                summary_entry(bytes.get(at..at + SUMMARY.entry_bytes)?, number(count, back)?)
            })
            .collect(),
        _ => Vec::new(),
    };
    Ok(ErrorLog { revision: bytes[0], count, errors, checksum_ok: sums_to_zero(bytes) })
}

/// Reads general purpose log 03h: as many sectors as the disk has of it.
///
/// # Errors
/// It is not even a whole sector.
pub fn parse_extended(bytes: &[u8]) -> Result<ErrorLog, String> {
    const PER_SECTOR: usize = 4;
    let first = sector(bytes, "extended error log")?;
    let count = le16(first, 500).unwrap_or(0);
    let entries = bytes.len() / SECTOR_BYTES * PER_SECTOR;
    let newest = usize::from(le16(first, 2).unwrap_or(0));
    let errors = match newest {
        newest if newest >= 1 && newest <= entries => (0..entries)
            .filter_map(|back| {
                let index = (newest - 1 + entries - back) % entries;
                let at = index / PER_SECTOR * SECTOR_BYTES + 4 + index % PER_SECTOR * EXTENDED.entry_bytes;
                extended_entry(bytes.get(at..at + EXTENDED.entry_bytes)?, number(count, back)?)
            })
            .collect(),
        _ => Vec::new(),
    };
    let checksum_ok = bytes.chunks_exact(SECTOR_BYTES).all(sums_to_zero);
    Ok(ErrorLog { revision: first[0], count, errors, checksum_ok })
}

/// Number of the error so many entries back; `None` where there were not so many.
fn number(count: u16, back: usize) -> Option<u32> {
    let back = u16::try_from(back).ok()?;
    count.checked_sub(back).filter(|&number| number > 0).map(u32::from)
}

fn summary_entry(entry: &[u8], number: u32) -> Option<DiskError> {
    let short_lba = |low: &[u8], device: u8| le_any(low) | u64::from(device & 0xf) << 24;
    let command = |bytes: &[u8]| Command {
        code: bytes[7],
        feature: u16::from(bytes[1]),
        count: u16::from(bytes[2]),
        lba: short_lba(&bytes[3..6], bytes[6]),
        at_msec: le32(bytes, 8).unwrap_or(0),
    };
    let error = entry.get(SUMMARY.error_at..)?;
    let lba = short_lba(error.get(3..6)?, *error.get(6)?);
    build(entry, &SUMMARY, number, lba, command)
}

fn extended_entry(entry: &[u8], number: u32) -> Option<DiskError> {
    // Bits 31:24, 39:32 and 47:40 each stand behind the byte that is 24 bits below.
    let long_lba = |b: &[u8]| le_any(&[b[0], b[2], b[4], b[1], b[3], b[5]]);
    let command = |bytes: &[u8]| Command {
        code: bytes[12],
        feature: u16::from_le_bytes([bytes[1], bytes[2]]),
        count: u16::from_le_bytes([bytes[3], bytes[4]]),
        lba: long_lba(&bytes[5..11]),
        at_msec: le32(bytes, 14).unwrap_or(0),
    };
    let lba = long_lba(entry.get(EXTENDED.error_at + 4..EXTENDED.error_at + 10)?);
    build(entry, &EXTENDED, number, lba, command)
}

/// The parts that both layouts share: five commands, then the error, whose state and time end the entry.
fn build(
    entry: &[u8],
    layout: &Layout,
    number: u32,
    lba: u64,
    command: impl Fn(&[u8]) -> Command,
) -> Option<DiskError> {
    if entry.len() != layout.entry_bytes || entry.iter().all(|&b| b == 0) {
        return None;
    }
    let error = entry.get(layout.error_at..)?;
    let status_at = if layout.entry_bytes == SUMMARY.entry_bytes { 7 } else { 11 };
    let commands: Vec<Command> = entry
        .get(..layout.error_at)?
        .chunks_exact(layout.command_bytes)
        .rev()
        .filter(|bytes| bytes.iter().any(|&b| b != 0))
        .map(command)
        .collect();
    let (error_register, status) = (*error.get(1)?, *error.get(status_at)?);
    Some(DiskError {
        number,
        at_hours: le16(entry, layout.entry_bytes - 2)?,
        state: *entry.get(layout.entry_bytes - 3)?,
        error: error_register,
        status,
        lba,
        words: words(error_register, commands.first().map(|command| command.code)),
        commands,
    })
}

/// Names of the bits of the error register (ACS-4, 6.3) that are set, with the command that failed.
fn words(error: u8, command: Option<u8>) -> String {
    /// From the highest bit.
    const BITS: [&str; 8] = ["ICRC", "UNC", "MC", "IDNF", "MCR", "ABRT", "NM", "AMNF"];
    let set = BITS.iter().enumerate().filter(|(index, _)| error >> (7 - index) & 1 == 1);
    let names = set.map(|(_, name)| *name).collect::<Vec<_>>().join(" ");
    let names = if names.is_empty() { format!("error 0x{error:02x}") } else { names };
    match command {
        Some(code) => format!("{names} at {}", command_name(code)),
        None => names,
    }
}

/// Name of a command that touches sectors or is common in such logs (ACS-4, annex B).
fn command_name(code: u8) -> String {
    let name = match code {
        0x06 => "DATA SET MANAGEMENT",
        0x20 | 0x21 => "READ SECTOR(S)",
        0x24 => "READ SECTOR(S) EXT",
        0x25 => "READ DMA EXT",
        0x2f => "READ LOG EXT",
        0x30 => "WRITE SECTOR(S)",
        0x34 => "WRITE SECTOR(S) EXT",
        0x35 => "WRITE DMA EXT",
        0x3d => "WRITE DMA FUA EXT",
        0x40 | 0x41 => "READ VERIFY SECTOR(S)",
        0x42 => "READ VERIFY SECTOR(S) EXT",
        0x47 => "READ LOG DMA EXT",
        0x60 => "READ FPDMA QUEUED",
        0x61 => "WRITE FPDMA QUEUED",
        0xb0 => "SMART",
        0xc4 => "READ MULTIPLE",
        0xc5 => "WRITE MULTIPLE",
        0xc8 => "READ DMA",
        0xca => "WRITE DMA",
        0xe7 => "FLUSH CACHE",
        0xea => "FLUSH CACHE EXT",
        0xec => "IDENTIFY DEVICE",
        0xef => "SET FEATURES",
        _ => return format!("command 0x{code:02x}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_summary_has_the_newest_error_first() {
        let mut bytes = vec![0; SECTOR_BYTES];
        (bytes[0], bytes[1]) = (1, 1);
        bytes[452..454].copy_from_slice(&2_u16.to_le_bytes());
        let entry = &mut bytes[2..92];
        // The command that failed is the last of the five.
        entry[48..60].copy_from_slice(&[0, 0, 8, 0x10, 0x20, 0x30, 0xe1, 0xc8, 9, 0, 0, 0]);
        entry[60..68].copy_from_slice(&[0, 0x40, 8, 0x11, 0x20, 0x30, 0xe1, 0x51]);
        entry[87..90].copy_from_slice(&[3, 0x10, 0x27]);
        let log = parse(&bytes).unwrap();
        assert_eq!((log.count, log.errors.len()), (2, 1));
        let error = &log.errors[0];
        assert_eq!((error.number, error.at_hours, error.lba, error.status), (2, 10_000, 0x0130_2011, 0x51));
        assert_eq!(error.words, "UNC at READ DMA");
        assert_eq!(
            (error.commands.len(), error.commands[0].lba, error.commands[0].at_msec),
            (1, 0x0130_2010, 9)
        );
    }

    #[test]
    fn an_extended_log_has_long_sector_numbers() {
        let mut bytes = vec![0; SECTOR_BYTES];
        bytes[2] = 1;
        bytes[500] = 7;
        let entry = &mut bytes[4..128];
        entry[72 + 12] = 0x60;
        entry[90..102].copy_from_slice(&[0, 0x10, 0, 0, 1, 4, 2, 5, 3, 6, 0x40, 0x41]);
        entry[121..124].copy_from_slice(&[3, 1, 0]);
        let log = parse_extended(&bytes).unwrap();
        assert_eq!((log.count, log.errors[0].number, log.errors[0].at_hours), (7, 7, 1));
        assert_eq!((log.errors[0].lba, log.errors[0].status), (0x0605_0403_0201, 0x41));
        assert_eq!(log.errors[0].words, "IDNF at READ FPDMA QUEUED");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..1600), index in 0_u8..8) {
            let mut bytes = bytes;
            if let Some(newest) = bytes.get_mut(1) {
                *newest = index;
            }
            let _ = parse(&bytes);
            let _ = parse_extended(&bytes);
        }
    }
}
