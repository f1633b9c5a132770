//! The raw value of a SMART attribute as text. Vendors put several numbers into its six bytes; which, a [`Format`] says.
//!
//! No standard describes them. The formats are those that smartmontools names (`-v` in smartctl(8)), and so is the text.

use std::fmt::Write;

/// What the bytes of a raw value mean. Words and bytes are counted from the lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Six numbers of a byte.
    Raw8,
    /// Three numbers of two bytes.
    Raw16,
    /// One number.
    Raw48,
    /// One number that takes the reserved byte as well.
    Raw56,
    /// One number that takes the reserved byte, value and worst as well: the attribute has none of these.
    Raw64,
    /// As [`Format::Raw48`], in hexadecimal.
    Hex48,
    /// As [`Format::Raw56`], in hexadecimal.
    Hex56,
    /// As [`Format::Raw64`], in hexadecimal.
    Hex64,
    /// A number of two bytes; two more where they are not zero.
    Raw16Opt16,
    /// A number of two bytes, its average in the next two.
    Raw16OptAverage,
    /// A number of three bytes; three more where they are not zero.
    Raw24Opt8,
    /// Two numbers of three bytes.
    Raw24By24,
    /// A number of four bytes below one of three.
    Raw24By32,
    /// A number of the lowest byte above one of the four bytes behind it.
    ByteBy32,
    /// Minutes.
    Minutes,
    /// Seconds.
    Seconds,
    /// Half minutes.
    HalfMinutes,
    /// Hours in four bytes below milliseconds in three.
    Msec24Hour32,
    /// Degrees Celsius, with the lowest and highest so far in one of several places.
    Temperature,
    /// Tenths of a degree Celsius.
    TenthsOfDegree,
}

impl Format {
    /// Whether value, worst and threshold are not what their places hold.
    pub fn replaces_normalized(self) -> bool {
        matches!(self, Self::Raw64 | Self::Hex64)
    }

    /// The raw value out of the attribute's value, worst, six raw bytes and the reserved one behind.
    pub fn number(self, value: u8, worst: u8, raw: [u8; 6], reserved: u8) -> u64 {
        let [a, b, c, d, e, f] = raw;
        if self == Self::ByteBy32 {
            return u64::from_le_bytes([b, c, d, e, a, 0, 0, 0]);
        }
        let high = match self {
            Self::Raw56 | Self::Hex56 | Self::Raw24By32 | Self::Msec24Hour32 => [reserved, 0],
            Self::Raw64 | Self::Hex64 => [worst, value],
            _ => [0, 0],
        };
        u64::from_le_bytes([a, b, c, d, e, f, high[0], high[1]])
    }

    /// The text.
    pub fn text(self, raw: u64) -> String {
        let bytes = raw.to_le_bytes();
        let word = |index: usize| u16::from_le_bytes([bytes[index * 2], bytes[index * 2 + 1]]);
        let [a, b, c, d, e, f, ..] = bytes;
        let (low32, high24) = (raw & 0xffff_ffff, raw >> 32);
        match self {
            Self::Raw8 => format!("{f} {e} {d} {c} {b} {a}"),
            Self::Raw16 => format!("{} {} {}", word(2), word(1), word(0)),
            Self::Raw48 | Self::Raw56 | Self::Raw64 => raw.to_string(),
            Self::Hex48 => format!("0x{raw:012x}"),
            Self::Hex56 => format!("0x{raw:014x}"),
            Self::Hex64 => format!("0x{raw:016x}"),
            Self::Raw16Opt16 if word(1) != 0 || word(2) != 0 => {
                format!("{} ({} {})", word(0), word(2), word(1))
            }
            Self::Raw16OptAverage if word(1) != 0 => format!("{} (Average {})", word(0), word(1)),
            Self::Raw16Opt16 | Self::Raw16OptAverage => word(0).to_string(),
            Self::Raw24Opt8 if d != 0 || e != 0 || f != 0 => format!("{} ({f} {e} {d})", raw & 0xff_ffff),
            Self::Raw24Opt8 => (raw & 0xff_ffff).to_string(),
            Self::Raw24By24 => format!("{}/{}", raw >> 24, raw & 0xff_ffff),
            Self::Raw24By32 | Self::ByteBy32 => format!("{high24}/{low32}"),
            Self::Minutes => {
                let mut text = format!("{}h+{:02}m", low32 / 60, low32 % 60);
                if word(2) != 0 {
                    let _ = write!(text, " ({})", word(2));
                }
                text
            }
            Self::Seconds => format!("{}h+{:02}m+{:02}s", raw / 3600, raw / 60 % 60, raw % 60),
            Self::HalfMinutes => format!("{}h+{:02}m", raw / 120, raw / 2 % 60),
            Self::Msec24Hour32 => {
                let (seconds, millis) = (high24 / 1000, high24 % 1000);
                format!("{low32}h+{:02}m+{:02}.{millis:03}s", seconds / 60, seconds % 60)
            }
            Self::Temperature => temperature(bytes),
            Self::TenthsOfDegree => format!("{}.{}", word(0) / 10, word(0) % 10),
        }
    }

    /// Seconds that a raw value of a time powered on means; `None` when it is no time, or none that can be.
    pub fn seconds(self, raw: u64) -> Option<u64> {
        const HOURS_MAX: u64 = 0xff_ffff;
        let (hours, seconds) = match self {
            Self::Raw48 | Self::Raw64 | Self::Raw16Opt16 => (raw, 0),
            // The upper three bytes count something else.
            Self::Raw24Opt8 => (raw & 0xff_ffff, 0),
            Self::Seconds => (raw / 3600, raw % 3600),
            Self::Minutes => (raw / 60, raw % 60 * 60),
            Self::HalfMinutes => (raw / 120, raw % 120 * 30),
            Self::Msec24Hour32 => {
                (raw & 0xffff_ffff, Some((raw >> 32) / 1000).filter(|&s| s < 3600).unwrap_or(0))
            }
            _ => return None,
        };
        (hours <= HOURS_MAX).then(|| hours * 3600 + seconds)
    }

    /// Degrees Celsius that a raw value means; `None` when it is no temperature, or zero, which disks say that have none.
    pub fn celsius(self, raw: u64) -> Option<f64> {
        let degrees = match self {
            Self::Temperature => (raw & 0xff) as f64,
            Self::TenthsOfDegree => (raw & 0xffff) as f64 / 10.0,
            _ => return None,
        };
        (degrees > 0.0 && degrees < 128.0).then_some(degrees)
    }
}

/// Where a disk keeps its lowest and highest temperature, if it does.
///
/// Seen are, from the highest byte: `xx HH xx LL xx TT` (Hitachi, and with high and low exchanged Kingston), `00 00 HH LL xx TT`
/// (Maxtor, Samsung, Seagate, Toshiba), `00 00 00 HH LL TT` (Western Digital), `CC CC HH LL xx TT` with a count of times too
/// hot; `xx` is 00 or the sign of the byte below.
fn temperature(bytes: [u8; 8]) -> String {
    let [a, b, c, d, e, f, ..] = bytes;
    let now = a as i8;
    let word = |low: u8, high: u8| u16::from_le_bytes([low, high]);
    let (low, middle, high) = (word(a, b), word(c, d), word(e, f));
    let span = |first: u8, second: u8| span(now, first as i8, second as i8);
    let plain = signs(low);
    let found = if high == 0 {
        if middle == 0 && plain != 0 {
            return now.to_string();
        }
        let four_bytes = if plain != 0 { span(c, d) } else { None };
        four_bytes.or_else(|| if d == 0 { span(b, c) } else { None })
    } else if plain == 0 {
        None
    } else if let Some(found) = if plain & signs(middle) & signs(high) != 0 { span(c, e) } else { None } {
        Some(found)
    } else if let Some((lowest, highest)) = span(c, d)
        && high < 0x7fff
        && highest >= 40
    {
        return format!("{now} (Min/Max {lowest}/{highest} #{high})");
    } else {
        None
    };
    match found {
        Some((lowest, highest)) => format!("{now} (Min/Max {lowest}/{highest})"),
        None => format!("{a} ({f} {e} {d} {c} {b})"),
    }
}

/// How a word may be read as one temperature: bit 0 as a byte with a sign, bit 4 as a word with a sign.
fn signs(word: u16) -> u8 {
    match word {
        0..=0x7f => 0x11,
        0x80..=0xff => 0x01,
        0xff80.. => 0x10,
        _ => 0,
    }
}

/// Two temperatures as the lowest and the highest around the one now, if they can be.
fn span(now: i8, first: i8, second: i8) -> Option<(i8, i8)> {
    let (lowest, highest) = (first.min(second), first.max(second));
    let unset = lowest == -1 && highest <= 0;
    (-60 <= lowest && lowest <= now && now <= highest && highest <= 120 && !unset)
        .then_some((lowest, highest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_those_that_smartctl_prints() {
        for (format, raw, text) in [
            (Format::Raw48, 7111, "7111"),
            (Format::Raw16OptAverage, 25_790_251_315, "307 (Average 312)"),
            (Format::Raw16OptAverage, 16, "16"),
            (Format::Raw16Opt16, 2_818_091, "43 (0 43)"),
            (Format::Raw24Opt8, 123_914_101_461_273, "4377 (112 179 0)"),
            (Format::Raw24By24, 430, "0/430"),
            (Format::Raw24By32, 5 << 32 | 6, "5/6"),
            (Format::HalfMinutes, 557_429, "4645h+14m"),
            (Format::Minutes, 378_645, "6310h+45m"),
            (Format::Seconds, 3_661, "1h+01m+01s"),
            (Format::Msec24Hour32, 61_007 << 32 | 5, "5h+01m+01.007s"),
            (Format::Hex48, 255, "0x0000000000ff"),
            (Format::Raw8, 0x0605_0403_0201, "6 5 4 3 2 1"),
            (Format::Raw16, 0x0003_0002_0001, "3 2 1"),
            (Format::TenthsOfDegree, 312, "31.2"),
            (Format::Temperature, 31, "31"),
            (Format::Temperature, 522_125_343, "31 (Min/Max 31/31)"),
            (Format::Temperature, 231_929_217_052, "28 (Min/Max 15/54)"),
            (Format::Temperature, 206_158_364_706, "34 (Min/Max -1/47)"),
            (Format::Temperature, 85_899_345_954, "34 (0 20 0 0 0)"),
            (Format::Temperature, 85_934_345_617_446, "38 (78 40 38 37 0)"),
        ] {
            assert_eq!(format.text(raw), text, "{format:?} {raw}");
        }
    }

    #[test]
    fn times_and_temperatures_that_cannot_be_are_none() {
        assert_eq!(Format::Raw24Opt8.seconds(123_914_101_461_273), Some(4377 * 3600));
        assert_eq!((Format::Raw48.seconds(1 << 24), Format::Raw64.seconds(u64::MAX)), (None, None));
        assert_eq!(Format::Msec24Hour32.seconds(0xff_ffff << 32 | 9), Some(9 * 3600));
        assert_eq!(Format::HalfMinutes.seconds(557_429), Some(557_429 * 30));
        assert_eq!(Format::Temperature.celsius(0), None);
        assert_eq!(Format::Temperature.celsius(0x14_0000_0022), Some(34.0));
        assert_eq!(Format::Raw48.celsius(34), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(value in any::<u8>(), worst in any::<u8>(), raw in any::<[u8; 6]>(), reserved in any::<u8>()) {
            use Format::*;
            for format in [
                Raw8, Raw16, Raw48, Raw56, Raw64, Hex48, Hex56, Hex64, Raw16Opt16, Raw16OptAverage, Raw24Opt8, Raw24By24,
                Raw24By32, ByteBy32, Minutes, Seconds, HalfMinutes, Msec24Hour32, Temperature, TenthsOfDegree,
            ] {
                let number = format.number(value, worst, raw, reserved);
                prop_assert!(!format.text(number).is_empty());
                let _ = (format.seconds(number), format.celsius(number));
            }
        }
    }
}
