//! INQUIRY (SPC-5, 6.7) and its vital product data: 80h serial number, 83h names (SPC-5, 7.7.6), B1h characteristics (SBC-4,
//! 6.6.2); READ CAPACITY(16) (SBC-4, 5.20); READ DEFECT DATA (SBC-4, 5.19 and 5.22).

use serde::Serialize;

use crate::sources::smart::bytes::{ascii, be16, be32, be64, byte};

/// What a device says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Inquiry {
    /// Peripheral device type: 0 is a disk, 14h one with zones, 5 an optical one, 0Dh an enclosure.
    pub device_type: u8,
    /// Vendor.
    pub vendor: String,
    /// Product.
    pub product: String,
    /// Revision of its firmware.
    pub revision: String,
    /// Version of SPC that it claims to follow.
    pub version: &'static str,
}

impl Inquiry {
    /// Whether it is a disk.
    pub fn is_disk(&self) -> bool {
        matches!(self.device_type, 0x00 | 0x14 | 0x0e)
    }

    /// Whether a SCSI to ATA translation answers for an ATA disk (SAT-5, 8.1.2).
    pub fn is_ata(&self) -> bool {
        self.vendor == "ATA"
    }
}

/// Reads standard INQUIRY data.
///
/// # Errors
/// It ends before the product.
pub fn parse_standard(bytes: &[u8]) -> Result<Inquiry, String> {
    if bytes.len() < 36 {
        return Err(format!("INQUIRY has {} bytes instead of 36", bytes.len()));
    }
    Ok(Inquiry {
        device_type: bytes[0] & 0x1f,
        vendor: ascii(&bytes[8..16]),
        product: ascii(&bytes[16..32]),
        revision: ascii(&bytes[32..36]),
        version: match bytes[2] {
            3 => "SPC",
            4 => "SPC-2",
            5 => "SPC-3",
            6 => "SPC-4",
            7 => "SPC-5",
            8 => "SPC-6",
            _ => "",
        },
    })
}

/// The body of a vital product data page.
///
/// # Errors
/// It is another page, or none.
fn vital(bytes: &[u8], page: u8) -> Result<&[u8], String> {
    if byte(bytes, 1) != Some(page) {
        return Err(format!("vital product data page {page:02x}h is not there"));
    }
    let length = usize::from(be16(bytes, 2).unwrap_or(0));
    Ok(bytes.get(4..).map_or(&[][..], |body| &body[..length.min(body.len())]))
}

/// Reads page 80h: the serial number.
///
/// # Errors
/// It is another page.
pub fn parse_serial(bytes: &[u8]) -> Result<String, String> {
    vital(bytes, 0x80).map(ascii)
}

/// A name of a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Designator {
    /// What has the name: 0 the disk, 1 its port, 2 the whole device.
    pub association: u8,
    /// 1 vendor's own, 2 EUI-64, 3 NAA, 8 SCSI name string.
    pub kind: u8,
    /// The name: texts as they are, others in hexadecimal.
    pub name: String,
}

/// Reads page 83h: names.
///
/// # Errors
/// It is another page.
pub fn parse_names(bytes: &[u8]) -> Result<Vec<Designator>, String> {
    let mut rest = vital(bytes, 0x83)?;
    let mut names = Vec::new();
    while let [code_set, kind, _, length, tail @ ..] = rest {
        let length = usize::from(*length);
        let Some(name) = tail.get(..length) else { break };
        /// Code set 1 is binary.
        const BINARY: u8 = 1;
        let name = match code_set & 0xf {
            BINARY => name.iter().map(|b| format!("{b:02x}")).collect(),
            _ => ascii(name),
        };
        names.push(Designator { association: kind >> 4 & 3, kind: kind & 0xf, name });
        rest = &tail[length..];
    }
    Ok(names)
}

/// The name that identifies the disk for good, in hexadecimal: NAA before EUI-64.
pub fn best_name(names: &[Designator]) -> Option<&str> {
    let of = |kind: u8| names.iter().find(|name| name.association == 0 && name.kind == kind);
    of(3).or_else(|| of(2)).map(|name| name.name.as_str())
}

/// Reads page B1h: rotations per minute (0 for none, `None` when it does not say) and form factor.
///
/// # Errors
/// It is another page.
pub fn parse_characteristics(bytes: &[u8]) -> Result<(Option<u16>, Option<&'static str>), String> {
    let body = vital(bytes, 0xb1)?;
    let rotation = match be16(body, 0) {
        Some(1) => Some(0),
        Some(rpm @ 0x0401..=0xfffe) => Some(rpm),
        _ => None,
    };
    let form_factor = match byte(body, 3).unwrap_or(0) & 0xf {
        1 => Some("5.25 inches"),
        2 => Some("3.5 inches"),
        3 => Some("2.5 inches"),
        4 => Some("1.8 inches"),
        5 => Some("< 1.8 inches"),
        _ => None,
    };
    Ok((rotation, form_factor))
}

/// Size of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Capacity {
    /// Logical blocks.
    pub blocks: u64,
    /// Logical block size, in bytes.
    pub logical_bytes: u64,
    /// Physical block size, in bytes.
    pub physical_bytes: u64,
}

/// Reads what READ CAPACITY(16) returns.
///
/// # Errors
/// It is not whole.
pub fn parse_capacity(bytes: &[u8]) -> Result<Capacity, String> {
    let (Some(last), Some(logical), Some(exponent)) = (be64(bytes, 0), be32(bytes, 8), byte(bytes, 13))
    else {
        return Err(format!("READ CAPACITY has {} bytes instead of 32", bytes.len()));
    };
    let logical = u64::from(logical);
    Ok(Capacity {
        blocks: last.saturating_add(1),
        logical_bytes: logical,
        physical_bytes: logical << (exponent & 0xf),
    })
}

/// Reads the header that READ DEFECT DATA(12) returns: the number of defects in the list of those that have grown.
///
/// # Errors
/// It is not whole, or of a format that is not known.
pub fn parse_defects(bytes: &[u8]) -> Result<u64, String> {
    let (Some(format), Some(length)) = (byte(bytes, 1), be32(bytes, 4)) else {
        return Err(format!("READ DEFECT DATA has {} bytes instead of 8", bytes.len()));
    };
    let entry_bytes = match format & 7 {
        0 => 4,
        3..=5 => 8,
        other => return Err(format!("defect list format {other} is not known")),
    };
    Ok(u64::from(length / entry_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_read_as_far_as_they_are_whole() {
        let mut bytes = vec![0, 0x83, 0, 40, 1, 0x03, 0, 8, 0x50, 0, 0xc5, 0, 0x30, 0x11, 0xcb, 0x2b];
        bytes.extend([2, 1, 0, 3, b'a', b'b', b' ', 1, 0x13, 0, 200, 1]);
        let names = parse_names(&bytes).unwrap();
        assert_eq!(names.len(), 2);
        assert_eq!((best_name(&names), names[1].name.as_str()), (Some("5000c5003011cb2b"), "ab"));
        assert!(parse_names(&bytes[2..]).is_err());
    }

    #[test]
    fn defects_are_counted_by_their_format() {
        assert_eq!(parse_defects(&[0, 0x0d, 0, 0, 0, 0, 0, 64]), Ok(8));
        assert_eq!(parse_defects(&[0, 0x08, 0, 0, 0, 0, 0, 64]), Ok(16));
        assert!(parse_defects(&[0, 0x0e, 0, 0, 0, 0, 0, 64]).is_err() && parse_defects(&[0; 4]).is_err());
    }

    #[test]
    fn a_physical_block_is_a_power_of_logical_ones() {
        let mut bytes = [0; 32];
        (bytes[7], bytes[10], bytes[13]) = (99, 2, 3);
        let found = parse_capacity(&bytes).unwrap();
        assert_eq!((found.blocks, found.logical_bytes, found.physical_bytes), (100, 512, 4096));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..90), page in prop::sample::select(vec![0x80_u8, 0x83, 0xb1])) {
            let mut bytes = bytes;
            if bytes.len() > 3 {
                (bytes[1], bytes[2]) = (page, bytes[2] & 1);
            }
            let _ = (parse_standard(&bytes), parse_serial(&bytes), parse_names(&bytes), parse_characteristics(&bytes));
            let _ = (parse_capacity(&bytes), parse_defects(&bytes));
        }
    }
}
