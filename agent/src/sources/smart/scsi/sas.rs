//! Log page 18h of SAS disks: links of their ports and the errors on them (SPL-4, 9.2.8).

use serde::Serialize;

use super::logs::Page;
use crate::sources::smart::bytes::{be32, be64, byte};

/// One link of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Phy {
    /// Relative target port, from 1.
    pub port: u16,
    /// Number of the link in its port.
    pub phy: u8,
    /// Speed, in bits per second; `None` when it is down.
    pub bits_per_second: Option<u64>,
    /// Its own address.
    pub address: u64,
    /// Address of what it is connected to.
    pub attached_address: u64,
    /// Words that were not valid.
    pub invalid_words: u32,
    /// Words with an error of parity.
    pub disparity_errors: u32,
    /// Times the rhythm was lost.
    pub sync_losses: u32,
    /// Resets that failed.
    pub reset_problems: u32,
}

/// Protocol of a port that speaks SAS.
const SAS: u8 = 6;

/// Reads page 18h: the links of all SAS ports.
///
/// # Errors
/// It is another page.
pub fn parse(bytes: &[u8]) -> Result<Vec<Phy>, String> {
    let page = Page::expect(bytes, 0x18)?;
    let mut phys = Vec::new();
    for parameter in page.parameters() {
        // Before the descriptors: protocol, a reserved byte, generation code, number of descriptors.
        let [protocol, _, _, count, descriptors @ ..] = parameter.value else { continue };
        if protocol & 0xf != SAS {
            continue;
        }
        let mut rest = descriptors;
        for _ in 0..*count {
            // Byte 3 is the length of what follows; before SAS-2 it was reserved, and the whole 48 bytes.
            let Some(&further) = rest.get(3) else { break };
            let length = if further < 44 { 48 } else { 4 + usize::from(further) };
            let Some(descriptor) = rest.get(..length) else { break };
            phys.extend(phy(parameter.code, descriptor));
            rest = &rest[length..];
        }
    }
    Ok(phys)
}

fn phy(port: u16, descriptor: &[u8]) -> Option<Phy> {
    Some(Phy {
        port,
        phy: byte(descriptor, 1)?,
        bits_per_second: match byte(descriptor, 5)? & 0xf {
            8 => Some(1_500_000_000),
            9 => Some(3_000_000_000),
            10 => Some(6_000_000_000),
            11 => Some(12_000_000_000),
            12 => Some(22_500_000_000),
            _ => None,
        },
        address: be64(descriptor, 8)?,
        attached_address: be64(descriptor, 16)?,
        invalid_words: be32(descriptor, 32)?,
        disparity_errors: be32(descriptor, 36)?,
        sync_losses: be32(descriptor, 40)?,
        reset_problems: be32(descriptor, 44)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_have_speed_and_errors() {
        let mut descriptor = vec![0; 48];
        (descriptor[1], descriptor[3], descriptor[5]) = (0, 44, 0x0b);
        descriptor[8..16].copy_from_slice(&0x5000_c500_1234_5678_u64.to_be_bytes());
        descriptor[35] = 3;
        descriptor[47] = 4;
        let mut bytes = vec![0x18, 0, 0, 56, 0, 1, 3, 52, 6, 0, 0, 1];
        bytes.extend(descriptor);
        let phys = parse(&bytes).unwrap();
        assert_eq!(phys.len(), 1);
        assert_eq!((phys[0].port, phys[0].bits_per_second), (1, Some(12_000_000_000)));
        assert_eq!(
            (phys[0].address, phys[0].invalid_words, phys[0].reset_problems),
            (0x5000_c500_1234_5678, 3, 4)
        );
        assert!(parse(&bytes[..30]).unwrap().is_empty());
    }
}
