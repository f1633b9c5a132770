//! IDENTIFY DEVICE: what an ATA disk is and can do (ACS-4, 9.11).

use serde::Serialize;

use super::versions::{ata_version, fastest_generation, form_factor, sata_speed, sata_version};
use super::{SECTOR_BYTES, sector};
use crate::sources::smart::bytes::{ascii, le16, le64, sums_to_zero};

/// What an ATA disk says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Identify {
    /// Model number, words 27 to 46.
    pub model: String,
    /// Serial number, words 10 to 19.
    pub serial: String,
    /// Firmware revision, words 23 to 26.
    pub firmware: String,
    /// Additional product identifier, words 170 to 173.
    pub additional_product_id: Option<String>,
    /// World wide name, words 108 to 111.
    pub wwn: Option<u64>,
    /// Addressable sectors of [`Identify::logical_sector_bytes`].
    pub sectors: Option<u64>,
    /// Logical sector size, in bytes.
    pub logical_sector_bytes: u64,
    /// Physical sector size, in bytes.
    pub physical_sector_bytes: u64,
    /// Rotations per minute; 0 for one without platters, `None` when it does not say.
    pub rotation_rpm: Option<u16>,
    /// Form factor.
    pub form_factor: Option<&'static str>,
    /// Standard it claims to follow.
    pub ata_version: Option<String>,
    /// Serial ATA version.
    pub sata_version: Option<&'static str>,
    /// Fastest link speed it can, in bits per second.
    pub link_max_bits_per_second: Option<u64>,
    /// Link speed it runs at, in bits per second.
    pub link_bits_per_second: Option<u64>,
    /// Whether it has the SMART feature set.
    pub smart_supported: bool,
    /// Whether that is switched on.
    pub smart_enabled: bool,
    /// Whether it keeps a log of errors.
    pub error_log: bool,
    /// Whether it can test itself.
    pub self_test: bool,
    /// Whether its logs can be read with READ LOG EXT.
    pub general_purpose_logging: bool,
    /// Word 206, SCT Command Transport; 0 when it has none.
    pub sct: u16,
    /// Whether it takes TRIM.
    pub trim: bool,
    /// Whether the checksum of the sector is right; `None` when it has none.
    pub checksum_ok: Option<bool>,
}

impl Identify {
    /// Capacity, in bytes.
    pub fn size_bytes(&self) -> Option<u64> {
        self.sectors?.checked_mul(self.logical_sector_bytes)
    }

    /// Whether it is known to have no platters.
    pub fn is_solid_state(&self) -> bool {
        self.rotation_rpm == Some(0)
    }
}

/// Reads the sector that a disk answers to IDENTIFY DEVICE.
///
/// # Errors
/// It is no whole sector, or an empty one, as some bridges answer.
pub fn parse(bytes: &[u8]) -> Result<Identify, String> {
    let bytes = sector(bytes, "IDENTIFY DEVICE")?;
    let word = |index: usize| le16(bytes, index * 2).unwrap_or(0);
    let model = swapped(bytes, 27, 20);
    if model.is_empty() && bytes.iter().all(|&b| b == bytes[0]) {
        return Err("IDENTIFY DEVICE is empty".to_owned());
    }
    let (logical, physical) = sector_sizes(&word);
    // Words 82 to 87 count only where bits 15:14 of word 83 respectively 87 are 01.
    let valid = |index: usize| word(index) & 0xc000 == 0x4000;
    let supported = |index: usize, bit: u32| valid(83) && word(index) >> bit & 1 == 1;
    let extended =
        |bit: u32| (valid(84) && word(84) >> bit & 1 == 1) || (valid(87) && word(87) >> bit & 1 == 1);
    Ok(Identify {
        model,
        serial: swapped(bytes, 10, 10),
        firmware: swapped(bytes, 23, 4),
        additional_product_id: Some(swapped(bytes, 170, 4)).filter(|id| !id.is_empty()),
        wwn: (valid(87) && word(87) >> 8 & 1 == 1).then(|| wwn(&word)).filter(|&wwn| wwn != 0),
        sectors: sectors(bytes, &word, logical),
        logical_sector_bytes: logical,
        physical_sector_bytes: physical,
        rotation_rpm: match word(217) {
            1 => Some(0),
            rpm @ 0x0401..=0xfffe => Some(rpm),
            _ => None,
        },
        form_factor: form_factor(word(168)),
        ata_version: ata_version(word(80), word(81)),
        sata_version: sata_version(word(222)),
        link_max_bits_per_second: fastest_generation(word(76)).and_then(sata_speed),
        link_bits_per_second: if word(77) & 1 == 0 { sata_speed(u32::from(word(77) >> 1 & 7)) } else { None },
        smart_supported: supported(82, 0),
        smart_enabled: supported(85, 0),
        error_log: extended(0),
        self_test: extended(1),
        general_purpose_logging: extended(5),
        sct: if word(206) == 0xffff { 0 } else { word(206) },
        trim: word(169) & 1 == 1 && word(169) != 0xffff,
        checksum_ok: (bytes[SECTOR_BYTES - 2] == 0xa5).then(|| sums_to_zero(bytes)),
    })
}

/// Text in words whose first character is the upper byte.
fn swapped(bytes: &[u8], first_word: usize, words: usize) -> String {
    let field = bytes.get(first_word * 2..(first_word + words) * 2).unwrap_or(&[]);
    let text: Vec<u8> = field.chunks_exact(2).flat_map(|pair| [pair[1], pair[0]]).collect();
    ascii(&text)
}

fn wwn(word: &impl Fn(usize) -> u16) -> u64 {
    (108..112).fold(0, |name, index| name << 16 | u64::from(word(index)))
}

/// Logical and physical sector size, in bytes (words 106, 117 and 118).
fn sector_sizes(word: &impl Fn(usize) -> u16) -> (u64, u64) {
    let word106 = word(106);
    if word106 & 0xc000 != 0x4000 {
        return (512, 512);
    }
    let logical = match word106 >> 12 & 1 {
        1 => (u64::from(word(118)) << 16 | u64::from(word(117))) * 2,
        _ => 512,
    };
    let exponent = if word106 >> 13 & 1 == 1 { word106 & 0xf } else { 0 };
    (logical, logical << exponent)
}

/// Number of logical sectors: of words 60 and 61, 100 to 103, or 230 to 233, whichever is meant.
fn sectors(bytes: &[u8], word: &impl Fn(usize) -> u16, logical: u64) -> Option<u64> {
    let of = |first_word: usize| le64(bytes, first_word * 2).unwrap_or(0);
    if word(49) >> 9 & 1 == 0 {
        return None;
    }
    let short = u64::from(word(61)) << 16 | u64::from(word(60));
    let long = if word(83) & 0xc400 == 0x4400 { of(100) } else { 0 };
    let extended = if word(69) >> 2 & 1 == 1 { of(230) } else { 0 };
    let long = long.max(extended);
    let sectors = if long >= short || (long > 0 && logical > 512) { long } else { short };
    Some(sectors).filter(|&sectors| sectors > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn with(words: &[(usize, u16)]) -> Vec<u8> {
        let mut bytes = vec![0; SECTOR_BYTES];
        for &(index, value) in words {
            bytes[index * 2..index * 2 + 2].copy_from_slice(&value.to_le_bytes());
        }
        bytes
    }

    #[test]
    fn fields_have_their_words() {
        let mut bytes = with(&[
            (27, u16::from_be_bytes(*b"HD")),
            (49, 0x0200),
            (60, 100),
            (83, 0x4400),
            (82, 1),
            (85, 1),
            (100, 0x5678),
            (102, 1),
            (106, 0x6003),
            (84, 0x4023),
            (87, 0x4100),
            (108, 0x5000),
            (109, 0xc500),
            (111, 7),
            (217, 7200),
            (222, 0x103f),
            (76, 0x000e),
            (77, 0x0006),
        ]);
        bytes[510] = 0xa5;
        let found = parse(&bytes).unwrap();
        assert_eq!(found.model, "HD");
        assert_eq!((found.sectors, found.size_bytes()), (Some(0x1_0000_5678), Some(0x1_0000_5678 * 512)));
        assert_eq!((found.logical_sector_bytes, found.physical_sector_bytes), (512, 4096));
        assert_eq!((found.wwn, found.rotation_rpm), (Some(0x5000_c500_0000_0007), Some(7200)));
        assert!(found.smart_supported && found.smart_enabled && found.error_log && found.self_test);
        assert_eq!((found.general_purpose_logging, found.checksum_ok), (true, Some(false)));
        assert_eq!(
            (found.link_max_bits_per_second, found.link_bits_per_second),
            (Some(6_000_000_000), Some(6_000_000_000))
        );
    }

    #[test]
    fn an_empty_or_short_sector_is_refused() {
        assert!(parse(&[0; 512]).unwrap_err().contains("empty"));
        assert!(parse(&[0xff; 512]).unwrap_err().contains("empty"));
        assert!(parse(&[1; 511]).unwrap_err().contains("511 bytes"));
    }

    proptest! {
        #[test]
        fn no_sector_panics(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            if let Ok(found) = parse(&bytes) {
                let _ = found.size_bytes();
            }
        }
    }
}
