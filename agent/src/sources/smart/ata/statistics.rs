//! Device statistics, log 04h (ACS-4, 9.5): what all disks count alike, whoever made them.

use serde::Serialize;

use super::sector;
use crate::sources::smart::bytes::{byte, le_any, le16};

/// Width of a statistic's value.
#[derive(Clone, Copy)]
enum Width {
    /// So many bytes, without a sign.
    Bytes(usize),
    /// One byte with a sign.
    Signed,
}

use Width::{Bytes, Signed};

/// Statistics of a page in their order, from offset 8 in steps of 8.
type Page = (&'static str, &'static [(Width, &'static str)]);

/// Pages 0 to 7, named as smartctl does.
const PAGES: [Page; 8] = [
    ("List of supported log pages", &[]),
    (
        "General Statistics",
        &[
            (Bytes(4), "Lifetime Power-On Resets"),
            (Bytes(4), "Power-on Hours"),
            (Bytes(6), "Logical Sectors Written"),
            (Bytes(6), "Number of Write Commands"),
            (Bytes(6), "Logical Sectors Read"),
            (Bytes(6), "Number of Read Commands"),
            (Bytes(6), "Date and Time TimeStamp"),
            (Bytes(4), "Pending Error Count"),
            (Bytes(2), "Workload Utilization"),
            (Bytes(6), "Utilization Usage Rate"),
            (Bytes(7), "Resource Availability"),
            (Bytes(1), "Random Write Resources Used"),
        ],
    ),
    (
        "Free-Fall Statistics",
        &[(Bytes(4), "Number of Free-Fall Events Detected"), (Bytes(4), "Overlimit Shock Events")],
    ),
    (
        "Rotating Media Statistics",
        &[
            (Bytes(4), "Spindle Motor Power-on Hours"),
            (Bytes(4), "Head Flying Hours"),
            (Bytes(4), "Head Load Events"),
            (Bytes(4), "Number of Reallocated Logical Sectors"),
            (Bytes(4), "Read Recovery Attempts"),
            (Bytes(4), "Number of Mechanical Start Failures"),
            (Bytes(4), "Number of Realloc. Candidate Logical Sectors"),
            (Bytes(4), "Number of High Priority Unload Events"),
        ],
    ),
    (
        "General Errors Statistics",
        &[
            (Bytes(4), "Number of Reported Uncorrectable Errors"),
            (Bytes(4), "Resets Between Cmd Acceptance and Completion"),
            (Bytes(4), "Physical Element Status Changed"),
        ],
    ),
    (
        "Temperature Statistics",
        &[
            (Signed, "Current Temperature"),
            (Signed, "Average Short Term Temperature"),
            (Signed, "Average Long Term Temperature"),
            (Signed, "Highest Temperature"),
            (Signed, "Lowest Temperature"),
            (Signed, "Highest Average Short Term Temperature"),
            (Signed, "Lowest Average Short Term Temperature"),
            (Signed, "Highest Average Long Term Temperature"),
            (Signed, "Lowest Average Long Term Temperature"),
            (Bytes(4), "Time in Over-Temperature"),
            (Signed, "Specified Maximum Operating Temperature"),
            (Bytes(4), "Time in Under-Temperature"),
            (Signed, "Specified Minimum Operating Temperature"),
        ],
    ),
    (
        "Transport Statistics",
        &[
            (Bytes(4), "Number of Hardware Resets"),
            (Bytes(4), "Number of ASR Events"),
            (Bytes(4), "Number of Interface CRC Errors"),
        ],
    ),
    ("Solid State Device Statistics", &[(Bytes(1), "Percentage Used Endurance Indicator")]),
];

/// Pages worth reading: those that are known, but for the list.
pub fn is_known(page: u8) -> bool {
    page > 0 && usize::from(page) < PAGES.len()
}

/// A statistic that the disk has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Statistic {
    /// Page.
    pub page: u8,
    /// Name of the page.
    pub table: &'static str,
    /// Offset in the page.
    pub offset: u16,
    /// Name.
    pub name: &'static str,
    /// Its flags as they are: bit 7 supported, 6 valid, 5 normalized, 4 supports DSN, 3 monitored condition met.
    pub flags: u8,
    /// Value; `None` while the disk does not know it.
    pub value: Option<i64>,
}

impl Statistic {
    /// Flags in smartctl's letters: `VND-`.
    pub fn flags_short(&self) -> String {
        let letter = |(bit, letter): (u32, char)| if self.flags >> bit & 1 == 1 { letter } else { '-' };
        let mut text: String = [(6, 'V'), (5, 'N'), (4, 'D'), (3, 'C')].into_iter().map(letter).collect();
        if self.flags & 7 != 0 {
            text.push('+');
        }
        text
    }

    /// Flags in smartctl's words, joined with commas.
    pub fn flags_long(&self) -> String {
        let words = [(6, "valid"), (5, "normalized"), (4, "supports_dsn"), (3, "monitored_condition_met")];
        let set = words.into_iter().filter(|(bit, _)| self.flags >> bit & 1 == 1);
        set.map(|(_, word)| word).collect::<Vec<_>>().join(",")
    }
}

/// Reads page 0: which pages there are.
///
/// # Errors
/// It is no whole sector, or no such page.
pub fn parse_list(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let bytes = sector(bytes, "list of device statistics")?;
    let count = usize::from(bytes[8]);
    if bytes[2] != 0 || count == 0 {
        return Err("list of device statistics is empty".to_owned());
    }
    Ok(bytes.iter().skip(9).take(count).copied().collect())
}

/// Reads a page, adding its statistics.
///
/// # Errors
/// It is no whole sector, or another page than the one asked for.
pub fn parse(bytes: &[u8], page: u8, statistics: &mut Vec<Statistic>) -> Result<(), String> {
    let bytes = sector(bytes, "device statistics")?;
    let Some(&(table, rows)) = PAGES.get(usize::from(page)) else {
        return Err(format!("device statistics page {page} is not known"));
    };
    if bytes[2] != page {
        return Err(format!("device statistics page {page} says that it is page {}", bytes[2]));
    }
    for (index, &(width, name)) in rows.iter().enumerate() {
        let offset = 8 + index * 8;
        let flags = byte(bytes, offset + 7).unwrap_or(0);
        if flags >> 7 & 1 == 0 {
            continue;
        }
        let value = match width {
            Signed => byte(bytes, offset).map(|value| i64::from(value as i8)),
            Bytes(count) => bytes.get(offset..offset + count).and_then(|b| i64::try_from(le_any(b)).ok()),
        };
        let value = value.filter(|_| flags >> 6 & 1 == 1);
        statistics.push(Statistic { page, table, offset: offset as u16, name, flags, value });
    }
    Ok(())
}

/// Number of sectors of a log, from the directory that log 00h is (ACS-4, 9.2).
pub fn log_sectors(directory: &[u8], log: u8) -> u16 {
    le16(directory, usize::from(log) * 2).unwrap_or(0)
}

/// A value by page and offset.
pub fn value(statistics: &[Statistic], page: u8, offset: u16) -> Option<i64> {
    statistics.iter().find(|one| one.page == page && one.offset == offset)?.value
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn statistics_have_names_signs_and_flags() {
        let mut page = vec![0; 512];
        page[2] = 5;
        page[8..16].copy_from_slice(&[0xfb, 0xff, 0, 0, 0, 0, 0, 0xc0]);
        page[16..24].copy_from_slice(&[9, 0, 0, 0, 0, 0, 0, 0x80]);
        page[80..88].copy_from_slice(&[7, 1, 0, 0, 0, 0, 0, 0xd8]);
        let mut found = Vec::new();
        parse(&page, 5, &mut found).unwrap();
        assert_eq!(found.len(), 3);
        assert_eq!((found[0].name, found[0].value), ("Current Temperature", Some(-5)));
        assert_eq!((found[1].value, found[1].flags_short().as_str()), (None, "----"));
        assert_eq!((found[2].name, value(&found, 5, 0x50)), ("Time in Over-Temperature", Some(263)));
        assert_eq!(
            (found[2].flags_short().as_str(), found[2].flags_long().as_str()),
            ("V-DC", "valid,supports_dsn,monitored_condition_met")
        );
        assert!(parse(&page, 4, &mut found).is_err());
        assert!(parse(&page, 200, &mut found).is_err());
    }

    #[test]
    fn the_list_names_pages() {
        let mut page = vec![0; 512];
        page[8..12].copy_from_slice(&[3, 0, 1, 5]);
        assert_eq!(parse_list(&page).unwrap(), [0, 1, 5]);
        assert!(parse_list(&[0; 512]).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), page in any::<u8>()) {
            let mut bytes = bytes;
            let mut found = Vec::new();
            let _ = parse(&bytes, page, &mut found);
            let _ = parse_list(&bytes);
            if let Some(number) = bytes.get_mut(2) {
                *number = page % 8;
            }
            let _ = parse(&bytes, page % 8, &mut found);
            let _ = log_sectors(&bytes, page);
        }
    }
}
