//! Identify: controller (Base Specification 2.1, figure 313) and namespace (NVM Command Set Specification 1.1, figure 114).

use serde::Serialize;

use crate::sources::smart::bytes::{Wide, ascii, be64, byte, le16, le32, le64, le128};

/// Bytes of an Identify data structure.
pub const IDENTIFY_BYTES: usize = 4096;
/// Degrees between absolute zero and 0 °C as the specification counts them.
pub(super) const KELVIN: i32 = 273;

/// A controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Controller {
    /// Vendor's number at the PCI-SIG.
    pub pci_vendor: u16,
    /// Model number.
    pub model: String,
    /// Serial number.
    pub serial: String,
    /// Firmware revision.
    pub firmware: String,
    /// Version of the specification: major, minor, tertiary.
    pub version: (u16, u8, u8),
    /// Number of namespaces it may have.
    pub namespaces: u32,
    /// Capacity of the whole, in bytes; `None` when it does not say.
    pub size_bytes: Option<Wide>,
    /// Capacity that belongs to no namespace, in bytes.
    pub unallocated_bytes: Option<Wide>,
    /// Whether it can test itself (optional admin command support, bit 4).
    pub self_test: bool,
    /// Time that an extended self-test takes, in minutes.
    pub extended_test_minutes: u16,
    /// Entries of its error log.
    pub error_log_entries: u16,
    /// Temperature from which it warns, in degrees Celsius.
    pub warning_celsius: Option<i32>,
    /// Temperature from which it may stop, in degrees Celsius.
    pub critical_celsius: Option<i32>,
    /// Name of the subsystem.
    pub subsystem_nqn: String,
}

/// Reads Identify controller.
///
/// # Errors
/// It is not whole, or empty.
pub fn parse_controller(bytes: &[u8]) -> Result<Controller, String> {
    if bytes.len() < IDENTIFY_BYTES {
        return Err(format!("Identify has {} bytes instead of {IDENTIFY_BYTES}", bytes.len()));
    }
    let field = |at: usize, length: usize| ascii(bytes.get(at..at + length).unwrap_or(&[]));
    let model = field(24, 40);
    if model.is_empty() && bytes.iter().all(|&b| b == bytes[0]) {
        return Err("Identify is empty".to_owned());
    }
    let version = le32(bytes, 80).unwrap_or(0);
    let celsius = |at: usize| match le16(bytes, at) {
        None | Some(0) => None,
        Some(kelvin) => Some(i32::from(kelvin) - KELVIN),
    };
    let capacity = |at: usize| le128(bytes, at).filter(|capacity| capacity.0 != 0);
    Ok(Controller {
        pci_vendor: le16(bytes, 0).unwrap_or(0),
        model,
        serial: field(4, 20),
        firmware: field(64, 8),
        version: ((version >> 16) as u16, (version >> 8) as u8, version as u8),
        namespaces: le32(bytes, 516).unwrap_or(0),
        size_bytes: capacity(280),
        unallocated_bytes: capacity(296),
        self_test: le16(bytes, 256).unwrap_or(0) >> 4 & 1 == 1,
        extended_test_minutes: le16(bytes, 316).unwrap_or(0),
        error_log_entries: byte(bytes, 262).map_or(1, |last| u16::from(last) + 1),
        warning_celsius: celsius(266),
        critical_celsius: celsius(268),
        subsystem_nqn: field(768, 256),
    })
}

/// A namespace: what the system shows as a disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Namespace {
    /// Size, in blocks.
    pub blocks: u64,
    /// Blocks in use.
    pub used_blocks: u64,
    /// Size of a block, in bytes.
    pub block_bytes: u64,
    /// IEEE name of 64 bits; `None` when it has none.
    pub eui64: Option<u64>,
    /// Globally unique name, in hexadecimal; `None` when it has none.
    pub nguid: Option<String>,
}

impl Namespace {
    /// Size, in bytes.
    pub fn size_bytes(&self) -> Option<u64> {
        self.blocks.checked_mul(self.block_bytes)
    }
}

/// Reads Identify namespace.
///
/// # Errors
/// It is not whole, or the namespace is not active.
pub fn parse_namespace(bytes: &[u8]) -> Result<Namespace, String> {
    if bytes.len() < IDENTIFY_BYTES {
        return Err(format!("Identify namespace has {} bytes instead of {IDENTIFY_BYTES}", bytes.len()));
    }
    let blocks = le64(bytes, 0).unwrap_or(0);
    if blocks == 0 {
        return Err("namespace is not active".to_owned());
    }
    let formatted = byte(bytes, 26).unwrap_or(0);
    // Bits 6:5 are the upper ones of the index since there may be 64 formats.
    let format = usize::from(formatted & 0xf | (formatted >> 5 & 3) << 4);
    let exponent = byte(bytes, 128 + format * 4 + 2).unwrap_or(0);
    let nguid: &[u8] = bytes.get(104..120).unwrap_or(&[]);
    Ok(Namespace {
        blocks,
        used_blocks: le64(bytes, 16).unwrap_or(0),
        // The specification allows 512 and more; below and beyond what fits is no size.
        block_bytes: if (9..32).contains(&exponent) { 1 << exponent } else { 512 },
        eui64: be64(bytes, 120).filter(|&name| name != 0),
        nguid: nguid.iter().any(|&b| b != 0).then(|| nguid.iter().map(|b| format!("{b:02x}")).collect()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_namespace_has_the_format_that_is_chosen() {
        let mut bytes = vec![0; IDENTIFY_BYTES];
        bytes[0] = 10;
        bytes[26] = 1;
        bytes[134] = 12;
        let found = parse_namespace(&bytes).unwrap();
        assert_eq!((found.block_bytes, found.size_bytes(), found.eui64), (4096, Some(40_960), None));
        assert!(parse_namespace(&[0; IDENTIFY_BYTES]).is_err());
    }

    #[test]
    fn a_controller_may_keep_its_limits_to_itself() {
        let mut bytes = vec![0; IDENTIFY_BYTES];
        bytes[24..27].copy_from_slice(b"SSD");
        bytes[266..268].copy_from_slice(&343_u16.to_le_bytes());
        let found = parse_controller(&bytes).unwrap();
        assert_eq!(
            (found.model.as_str(), found.warning_celsius, found.critical_celsius),
            ("SSD", Some(70), None)
        );
        assert_eq!((found.size_bytes, found.error_log_entries), (None, 1));
        assert!(parse_controller(&[0; IDENTIFY_BYTES]).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(head in prop::collection::vec(any::<u8>(), 0..800), long in any::<bool>()) {
            let mut bytes = head;
            if long {
                bytes.resize(IDENTIFY_BYTES, 0xff);
            }
            let _ = (parse_controller(&bytes), parse_namespace(&bytes).map(|found| found.size_bytes()));
        }
    }
}
