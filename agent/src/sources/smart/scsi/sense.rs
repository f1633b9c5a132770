//! Sense data: why a command ended as it did (SPC-5, 4.5), and the registers of an ATA disk in it (SAT-5, 12.2.2.7).

use serde::Serialize;

use crate::sources::smart::bytes::byte;

/// Sense keys that matter here (SPC-5, table 49).
pub mod key {
    /// Nothing to say.
    pub const NO_SENSE: u8 = 0;
    /// It worked, with something to say.
    pub const RECOVERED_ERROR: u8 = 1;
    /// It cannot be reached now.
    pub const NOT_READY: u8 = 2;
    /// It does not know the command or a field of it.
    pub const ILLEGAL_REQUEST: u8 = 5;
    /// It gave the command up.
    pub const ABORTED_COMMAND: u8 = 11;
}

/// Sense data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Sense {
    /// Kind, see [`key`].
    pub key: u8,
    /// Additional sense code.
    pub asc: u8,
    /// Its qualifier.
    pub ascq: u8,
    /// Registers of the ATA disk behind.
    pub ata: Option<AtaRegisters>,
}

/// What an ATA disk had in its registers when a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AtaRegisters {
    /// Error.
    pub error: u8,
    /// Status.
    pub status: u8,
    /// Count, lower byte.
    pub count: u8,
    /// Sector number, bits 7:0.
    pub lba_low: u8,
    /// Sector number, bits 15:8.
    pub lba_mid: u8,
    /// Sector number, bits 23:16.
    pub lba_high: u8,
}

/// Reads sense data of either format; `None` when it is neither, or too short to say anything.
pub fn parse(bytes: &[u8]) -> Option<Sense> {
    match byte(bytes, 0)? & 0x7f {
        0x70 | 0x71 => {
            let (asc, ascq) = (byte(bytes, 12).unwrap_or(0), byte(bytes, 13).unwrap_or(0));
            let ata = if (asc, ascq) == ATA_INFORMATION { fixed_registers(bytes) } else { None };
            Some(Sense { key: byte(bytes, 2)? & 0xf, asc, ascq, ata })
        }
        0x72 | 0x73 => Some(Sense {
            key: byte(bytes, 1)? & 0xf,
            asc: byte(bytes, 2)?,
            ascq: byte(bytes, 3)?,
            ata: descriptor_registers(bytes),
        }),
        _ => None,
    }
}

/// ATA pass through information available.
const ATA_INFORMATION: (u8, u8) = (0x00, 0x1d);

/// Fixed format keeps the registers in INFORMATION and COMMAND-SPECIFIC INFORMATION.
fn fixed_registers(bytes: &[u8]) -> Option<AtaRegisters> {
    Some(AtaRegisters {
        error: byte(bytes, 3)?,
        status: byte(bytes, 4)?,
        count: byte(bytes, 6)?,
        lba_low: byte(bytes, 9)?,
        lba_mid: byte(bytes, 10)?,
        lba_high: byte(bytes, 11)?,
    })
}

/// Descriptor format has an ATA Status Return descriptor.
fn descriptor_registers(bytes: &[u8]) -> Option<AtaRegisters> {
    const ATA_STATUS_RETURN: u8 = 0x09;
    const HEADER_BYTES: usize = 8;
    let length = usize::from(byte(bytes, 7)?);
    let end = bytes.len().min(HEADER_BYTES + length);
    let mut at = HEADER_BYTES;
    while let Some(descriptor) = bytes.get(at..end).filter(|rest| rest.len() >= 2) {
        let length = 2 + usize::from(descriptor[1]);
        if descriptor[0] == ATA_STATUS_RETURN {
            let register = |at: usize| descriptor.get(at).copied();
            return Some(AtaRegisters {
                error: register(3)?,
                count: register(5)?,
                lba_low: register(7)?,
                lba_mid: register(9)?,
                lba_high: register(11)?,
                status: register(13)?,
            });
        }
        at += length;
    }
    None
}

/// Power a disk has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Power {
    /// It turns and answers.
    Active,
    /// It saves power, but turns.
    Idle,
    /// It stands still: what touches its medium would wake it.
    Standby,
}

impl Power {
    /// The word for labels and facts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Idle => "idle",
            Self::Standby => "standby",
        }
    }

    /// What the count register says after CHECK POWER MODE (ACS-4, table 204). What is not known counts as standby, so that no
    /// disk is woken.
    pub fn of_ata(count: u8) -> Self {
        match count {
            // 41h: the medium turns, a cache answers for it (obsolete).
            0xff | 0x41 => Self::Active,
            0x80..=0x83 => Self::Idle,
            _ => Self::Standby,
        }
    }

    /// What the sense data says that REQUEST SENSE returns, or that TEST UNIT READY ended with (SPC-5, 5.12 and annex on power
    /// conditions; SBC-4, 4.20).
    pub fn of_sense(sense: &Sense) -> Self {
        const LOW_POWER: u8 = 0x5e;
        match (sense.key, sense.asc, sense.ascq) {
            // Standby_z and standby_y, by timer or command; a change to standby.
            (_, LOW_POWER, 0x02 | 0x04 | 0x09 | 0x0a | 0x43) => Self::Standby,
            // The others turn: idle_a to idle_c.
            (_, LOW_POWER, 0x41) => Self::Active,
            (_, LOW_POWER, 0x01 | 0x03 | 0x05..=0x08 | 0x42) => Self::Idle,
            (_, LOW_POWER, _) => Self::Standby,
            // Not ready, initializing command required: it was told to stop.
            (key::NOT_READY, 0x04, 0x02) => Self::Standby,
            _ => Self::Active,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn registers_are_found_in_both_formats() {
        let descriptor =
            [0x72, 1, 0, 0x1d, 0, 0, 0, 14, 9, 12, 0, 4, 0, 0xff, 0, 1, 0, 0x4f, 0, 0xc2, 0, 0x50];
        let found = parse(&descriptor).unwrap();
        let ata = found.ata.unwrap();
        assert_eq!((found.key, found.asc, found.ascq), (key::RECOVERED_ERROR, 0, 0x1d));
        assert_eq!(
            (ata.count, ata.lba_mid, ata.lba_high, ata.status, ata.error),
            (0xff, 0x4f, 0xc2, 0x50, 4)
        );
        let fixed = [0xf0, 0, 1, 4, 0x50, 0, 0xff, 10, 0, 1, 0x4f, 0xc2, 0, 0x1d, 0, 0, 0, 0];
        assert_eq!(parse(&fixed).unwrap().ata.unwrap(), ata);
        let refused = [0x70, 0, 0x0b, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(parse(&refused).unwrap(), Sense { key: key::ABORTED_COMMAND, asc: 0, ascq: 0, ata: None });
    }

    #[test]
    fn what_is_not_known_is_not_woken() {
        assert_eq!(
            [0, 1, 0x40, 0x80, 0xff, 0x33].map(Power::of_ata).map(Power::as_str),
            ["standby", "standby", "standby", "idle", "active", "standby"]
        );
        let of = |key, asc, ascq| Power::of_sense(&Sense { key, asc, ascq, ata: None });
        assert_eq!(
            [of(0, 0x5e, 4), of(0, 0x5e, 1), of(2, 4, 2), of(0, 0, 0)],
            [Power::Standby, Power::Idle, Power::Standby, Power::Active]
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..60), format in 0x70_u8..0x74) {
            let mut bytes = bytes;
            let _ = parse(&bytes);
            if let Some(first) = bytes.first_mut() {
                *first = format;
            }
            let _ = parse(&bytes).map(|sense| Power::of_sense(&sense));
        }
    }
}
