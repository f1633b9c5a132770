//! SCT status, SMART log E0h (ACS-4, 8.2): temperatures with their extremes, and what the disk does.

use serde::Serialize;

use super::sector;
use crate::sources::smart::bytes::{le16, le32};

/// What SCT Command Transport says. Temperatures in degrees Celsius.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SctStatus {
    /// 0 active, 1 standby, 2 asleep, 3 tests itself, 4 collects off-line data, 5 runs an SCT command.
    pub device_state: u8,
    /// Now.
    pub celsius: Option<i8>,
    /// Lowest since it was switched on.
    pub power_cycle_min_celsius: Option<i8>,
    /// Highest since it was switched on.
    pub power_cycle_max_celsius: Option<i8>,
    /// Lowest ever.
    pub lifetime_min_celsius: Option<i8>,
    /// Highest ever.
    pub lifetime_max_celsius: Option<i8>,
    /// Highest it may have, by its maker.
    pub limit_max_celsius: Option<i8>,
    /// How often it was too hot.
    pub over_limit_count: u32,
    /// How often it was too cold.
    pub under_limit_count: u32,
    /// Its own judgement; `None` when the field is not used.
    pub passed: Option<bool>,
}

/// Reads the sector.
///
/// # Errors
/// It is no whole sector, or of a format that is not known.
pub fn parse(bytes: &[u8]) -> Result<SctStatus, String> {
    let bytes = sector(bytes, "SCT status")?;
    let format = le16(bytes, 0).unwrap_or(0);
    if !(2..=3).contains(&format) {
        return Err(format!("SCT status has format {format}, known are 2 and 3"));
    }
    // 80h says that there is no temperature.
    let celsius = |at: usize| Some(bytes[at] as i8).filter(|&value| value != i8::MIN);
    let (over, under) = (le32(bytes, 206).unwrap_or(0), le32(bytes, 210).unwrap_or(0));
    // Drafts before 2006 have neither minima nor counts.
    let minima = bytes[201] != 0 || bytes[203] != 0 || over != 0 || under != 0;
    Ok(SctStatus {
        device_state: bytes[10],
        celsius: celsius(200),
        power_cycle_min_celsius: celsius(201).filter(|_| minima),
        power_cycle_max_celsius: celsius(202),
        lifetime_min_celsius: celsius(203).filter(|_| minima),
        lifetime_max_celsius: celsius(204),
        limit_max_celsius: celsius(205).filter(|&value| minima && value > 0),
        over_limit_count: over,
        under_limit_count: under,
        passed: match le16(bytes, 214) {
            Some(0xc24f) if minima => Some(true),
            Some(0x2cf4) if minima => Some(false),
            _ => None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn temperatures_have_signs_and_may_be_missing() {
        let mut bytes = vec![0; 512];
        (bytes[0], bytes[10]) = (3, 1);
        bytes[200..206].copy_from_slice(&[31, 20, 0x80, 0xfb, 55, 60]);
        bytes[214..216].copy_from_slice(&[0xf4, 0x2c]);
        let found = parse(&bytes).unwrap();
        assert_eq!((found.celsius, found.power_cycle_max_celsius), (Some(31), None));
        assert_eq!((found.lifetime_min_celsius, found.limit_max_celsius), (Some(-5), Some(60)));
        assert_eq!((found.passed, found.device_state), (Some(false), 1));
        bytes[0] = 4;
        assert!(parse(&bytes).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let mut bytes = bytes;
            let _ = parse(&bytes);
            if bytes.len() > 2 {
                (bytes[0], bytes[1]) = (2, 0);
            }
            let _ = parse(&bytes);
        }
    }
}
