//! Names of the standards that a disk claims to follow: words 80, 81 and 222 of IDENTIFY DEVICE (ACS-4, 9.11.7.36 and
//! 9.11.7.79; the older ones from ATA-3 to ATA8-ACS). Worded as smartmontools does, whose users know them so.

/// Highest bit that is set.
fn highest_bit(word: u16) -> Option<u32> {
    word.checked_ilog2()
}

fn major(word: u16) -> Option<&'static str> {
    Some(match highest_bit(word)? {
        15 => "ACS >6 (15)",
        14 => "ACS >6 (14)",
        13 => "ACS-6",
        12 => "ACS-5",
        11 => "ACS-4",
        10 => "ACS-3",
        9 => "ACS-2",
        8 => "ATA8-ACS",
        7 => "ATA/ATAPI-7",
        6 => "ATA/ATAPI-6",
        5 => "ATA/ATAPI-5",
        4 => "ATA/ATAPI-4",
        3 => "ATA-3",
        2 => "ATA-2",
        1 => "ATA-1",
        _ => return None,
    })
}

/// Revisions by their code in word 81, sorted.
const MINOR: &[(u16, &str)] = &[
    (0x0001, "ATA-1 X3T9.2/781D prior to revision 4"),
    (0x0002, "ATA-1 published, ANSI X3.221-1994"),
    (0x0003, "ATA-1 X3T9.2/781D revision 4"),
    (0x0004, "ATA-2 published, ANSI X3.279-1996"),
    (0x0005, "ATA-2 X3T10/948D prior to revision 2k"),
    (0x0006, "ATA-3 X3T10/2008D revision 1"),
    (0x0007, "ATA-2 X3T10/948D revision 2k"),
    (0x0008, "ATA-3 X3T10/2008D revision 0"),
    (0x0009, "ATA-2 X3T10/948D revision 3"),
    (0x000a, "ATA-3 published, ANSI X3.298-1997"),
    (0x000b, "ATA-3 X3T10/2008D revision 6"),
    (0x000c, "ATA-3 X3T13/2008D revision 7 and 7a"),
    (0x000d, "ATA/ATAPI-4 X3T13/1153D revision 6"),
    (0x000e, "ATA/ATAPI-4 T13/1153D revision 13"),
    (0x000f, "ATA/ATAPI-4 X3T13/1153D revision 7"),
    (0x0010, "ATA/ATAPI-4 T13/1153D revision 18"),
    (0x0011, "ATA/ATAPI-4 T13/1153D revision 15"),
    (0x0012, "ATA/ATAPI-4 published, ANSI NCITS 317-1998"),
    (0x0013, "ATA/ATAPI-5 T13/1321D revision 3"),
    (0x0014, "ATA/ATAPI-4 T13/1153D revision 14"),
    (0x0015, "ATA/ATAPI-5 T13/1321D revision 1"),
    (0x0016, "ATA/ATAPI-5 published, ANSI NCITS 340-2000"),
    (0x0017, "ATA/ATAPI-4 T13/1153D revision 17"),
    (0x0018, "ATA/ATAPI-6 T13/1410D revision 0"),
    (0x0019, "ATA/ATAPI-6 T13/1410D revision 3a"),
    (0x001a, "ATA/ATAPI-7 T13/1532D revision 1"),
    (0x001b, "ATA/ATAPI-6 T13/1410D revision 2"),
    (0x001c, "ATA/ATAPI-6 T13/1410D revision 1"),
    (0x001d, "ATA/ATAPI-7 published, ANSI INCITS 397-2005"),
    (0x001e, "ATA/ATAPI-7 T13/1532D revision 0"),
    (0x001f, "ACS-3 T13/2161-D revision 3b"),
    (0x0021, "ATA/ATAPI-7 T13/1532D revision 4a"),
    (0x0022, "ATA/ATAPI-6 published, ANSI INCITS 361-2002"),
    (0x0025, "ACS-6 T13/BSR INCITS 574 revision 7"),
    (0x0027, "ATA8-ACS T13/1699-D revision 3c"),
    (0x0028, "ATA8-ACS T13/1699-D revision 6"),
    (0x0029, "ATA8-ACS T13/1699-D revision 4"),
    (0x0030, "ACS-5 T13/BSR INCITS 558 revision 10"),
    (0x0031, "ACS-2 T13/2015-D revision 2"),
    (0x0033, "ATA8-ACS T13/1699-D revision 3e"),
    (0x0039, "ATA8-ACS T13/1699-D revision 4c"),
    (0x0042, "ATA8-ACS T13/1699-D revision 3f"),
    (0x0052, "ATA8-ACS T13/1699-D revision 3b"),
    (0x005e, "ACS-4 T13/BSR INCITS 529 revision 5"),
    (0x006d, "ACS-3 T13/2161-D revision 5"),
    (0x0070, "ACS-6 T13/BSR INCITS 574 revision 11"),
    (0x0073, "ACS-6 T13/BSR INCITS 574 revision 2"),
    (0x0082, "ACS-2 published, ANSI INCITS 482-2012"),
    (0x009c, "ACS-4 published, ANSI INCITS 529-2018"),
    (0x0107, "ATA8-ACS T13/1699-D revision 2d"),
    (0x010a, "ACS-3 published, ANSI INCITS 522-2014"),
    (0x0110, "ACS-2 T13/2015-D revision 3"),
    (0x011b, "ACS-3 T13/2161-D revision 4"),
];

fn minor(word: u16) -> Option<&'static str> {
    MINOR.binary_search_by_key(&word, |row| row.0).ok().map(|index| MINOR[index].1)
}

/// The standard that words 80 and 81 name; `None` when both say nothing.
pub(super) fn ata_version(word80: u16, word81: u16) -> Option<String> {
    let said = |word: u16| word != 0 && word != 0xffff;
    if !said(word80) && !said(word81) {
        return None;
    }
    let (major, minor) = (major(word80), minor(word81));
    if let (Some(major), Some(minor)) = (major, minor)
        && minor.starts_with(major)
    {
        return Some(minor.to_owned());
    }
    let major = major.map_or_else(|| format!("Unknown(0x{word80:04x})"), str::to_owned);
    Some(match minor {
        Some(minor) => format!("{major}, {minor}"),
        None if said(word81) => format!("{major} (unknown minor revision code: 0x{word81:04x})"),
        None => format!("{major} (minor revision not indicated)"),
    })
}

/// The Serial ATA version in word 222; `None` for another transport or none.
pub(super) fn sata_version(word222: u16) -> Option<&'static str> {
    const SATA: u16 = 1;
    if word222 >> 12 != SATA {
        return None;
    }
    Some(match highest_bit(word222 & 0x0fff)? {
        11 => "SATA >3.5 (11)",
        10 => "SATA 3.5",
        9 => "SATA 3.4",
        8 => "SATA 3.3",
        7 => "SATA 3.2",
        6 => "SATA 3.1",
        5 => "SATA 3.0",
        4 => "SATA 2.6",
        3 => "SATA 2.5",
        2 => "SATA II Ext",
        1 => "SATA 1.0a",
        _ => "ATA8-AST",
    })
}

/// Link speed of a generation of Serial ATA, in bits per second.
pub(super) fn sata_speed(generation: u32) -> Option<u64> {
    match generation {
        1 => Some(1_500_000_000),
        2 => Some(3_000_000_000),
        3 => Some(6_000_000_000),
        _ => None,
    }
}

/// Fastest generation among those that word 76 offers.
pub(super) fn fastest_generation(word76: u16) -> Option<u32> {
    let offered = if word76 & 1 == 0 { word76 & 0xfe } else { 0 };
    highest_bit(offered)
}

/// Form factor in word 168 (ACS-4, 9.11.7.72), worded as smartmontools does.
pub(super) fn form_factor(word168: u16) -> Option<&'static str> {
    Some(match word168 & 0xf {
        1 => "5.25 inches",
        2 => "3.5 inches",
        3 => "2.5 inches",
        4 => "1.8 inches",
        5 => "< 1.8 inches",
        6 => "mSATA",
        7 => "M.2",
        8 => "MicroSSD",
        9 => "CFast",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_worded_from_what_is_known() {
        assert!(MINOR.is_sorted_by_key(|row| row.0));
        assert_eq!(ata_version(0x01f8, 0x0042).unwrap(), "ATA8-ACS T13/1699-D revision 3f");
        assert_eq!(ata_version(510, 0).unwrap(), "ATA8-ACS (minor revision not indicated)");
        assert_eq!(ata_version(240, 22).unwrap(), "ATA/ATAPI-7, ATA/ATAPI-5 published, ANSI NCITS 340-2000");
        assert_eq!(ata_version(0x0010, 0x7777).unwrap(), "ATA/ATAPI-4 (unknown minor revision code: 0x7777)");
        assert_eq!((ata_version(0, 0), ata_version(0xffff, 0xffff)), (None, None));
        assert_eq!(
            (sata_version(0x103f), sata_version(0x0001), sata_version(0)),
            (Some("SATA 3.0"), None, None)
        );
        assert_eq!((fastest_generation(0x850e), fastest_generation(0x0001)), (Some(3), None));
    }
}
