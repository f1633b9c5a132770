//! ATA commands in SCSI ones: ATA PASS-THROUGH(16), and (12) for bridges that know no other (SAT-5, 12.2; ACS-4, 7).

use crate::sources::smart::device::{Device, Trouble, refusal};
use crate::sources::smart::scsi::sense::{AtaRegisters, Power, key};
use crate::sys::sg_io::ScsiCommand;

use super::SECTOR_BYTES;

/// Which of the two commands is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sources::smart) enum PassThrough {
    /// 16 bytes: all ATA commands.
    Sixteen,
    /// 12 bytes: those without extension.
    Twelve,
}

/// An ATA command that takes whole sectors, or none.
#[derive(Clone, Copy, Debug)]
struct Command {
    code: u8,
    feature: u8,
    /// Sectors to take.
    sectors: u16,
    lba: u64,
    device: u8,
    /// Whether it has registers of 16 bits.
    extended: bool,
}

const SMART: u8 = 0xb0;
/// What a SMART command has in bits 23:8 of the sector number.
const SMART_KEY: u64 = 0xc2_4f00;

/// ERR and DF of the status register.
const STATUS_BAD: u8 = 0x21;

impl Command {
    fn smart(feature: u8, log: u8, sectors: u16) -> Self {
        Self { code: SMART, feature, sectors, lba: SMART_KEY | u64::from(log), device: 0, extended: false }
    }

    /// `None` when this form of the command cannot carry it.
    fn scsi(&self, pass: PassThrough) -> Option<ScsiCommand> {
        const NON_DATA: u8 = 3 << 1;
        const PIO_IN: u8 = 4 << 1;
        // From the device, in blocks, as many as the count says; without data the registers come back.
        const TAKE_SECTORS: u8 = 0x0e;
        const CHECK_CONDITION: u8 = 0x20;
        let (protocol, flags) =
            if self.sectors == 0 { (NON_DATA, CHECK_CONDITION) } else { (PIO_IN, TAKE_SECTORS) };
        let bytes = usize::from(self.sectors) * SECTOR_BYTES;
        let lba = self.lba.to_le_bytes();
        let [count_high, count] = self.sectors.to_be_bytes();
        match pass {
            PassThrough::Sixteen => Some(ScsiCommand::new(
                [
                    0x85,
                    protocol | u8::from(self.extended),
                    flags,
                    0,
                    self.feature,
                    count_high,
                    count,
                    lba[3],
                    lba[0],
                    lba[4],
                    lba[1],
                    lba[5],
                    lba[2],
                    self.device,
                    self.code,
                    0,
                ],
                bytes,
            )),
            PassThrough::Twelve if self.extended || count_high != 0 => None,
            PassThrough::Twelve => Some(ScsiCommand::new(
                [
                    0xa1,
                    protocol,
                    flags,
                    self.feature,
                    count,
                    lba[0],
                    lba[1],
                    lba[2],
                    self.device,
                    self.code,
                    0,
                    0,
                ],
                bytes,
            )),
        }
    }
}

/// An ATA disk, or something that may be one.
#[derive(Clone, Copy)]
pub(in crate::sources::smart) struct AtaDevice<'h> {
    pub(in crate::sources::smart) device: Device<'h>,
    pub(in crate::sources::smart) pass: PassThrough,
}

impl AtaDevice<'_> {
    /// CHECK POWER MODE (ACS-4, 7.3), which wakes no disk. `None` when what stands between keeps the answer.
    pub(in crate::sources::smart) fn power(&self) -> Result<Option<Power>, Trouble> {
        let command = Command { code: 0xe5, feature: 0, sectors: 0, lba: 0, device: 0, extended: false };
        Ok(self.registers(&command)?.map(|registers| Power::of_ata(registers.count)))
    }

    /// IDENTIFY DEVICE.
    pub(in crate::sources::smart) fn identify(&self) -> Result<Vec<u8>, Trouble> {
        self.sectors(&Command { code: 0xec, feature: 0, sectors: 1, lba: 0, device: 0x40, extended: false })
    }

    /// SMART READ DATA.
    pub(in crate::sources::smart) fn smart_data(&self) -> Result<Vec<u8>, Trouble> {
        self.sectors(&Command::smart(0xd0, 0, 1))
    }

    /// SMART READ THRESHOLDS (ATA-3, 7.25.7).
    pub(in crate::sources::smart) fn smart_thresholds(&self) -> Result<Vec<u8>, Trouble> {
        self.sectors(&Command::smart(0xd1, 0, 1))
    }

    /// SMART RETURN STATUS: whether it judges itself good. `None` when what stands between keeps the answer.
    pub(in crate::sources::smart) fn smart_status(&self) -> Result<Option<bool>, Trouble> {
        let registers = self.registers(&Command::smart(0xda, 0, 0))?;
        Ok(registers.and_then(|registers| match (registers.lba_mid, registers.lba_high) {
            (0x4f, 0xc2) => Some(true),
            (0xf4, 0x2c) => Some(false),
            _ => None,
        }))
    }

    /// SMART READ LOG.
    pub(in crate::sources::smart) fn smart_log(&self, log: u8, sectors: u16) -> Result<Vec<u8>, Trouble> {
        self.sectors(&Command::smart(0xd5, log, sectors))
    }

    /// READ LOG EXT.
    pub(in crate::sources::smart) fn log(
        &self,
        log: u8,
        page: u16,
        sectors: u16,
    ) -> Result<Vec<u8>, Trouble> {
        let [page_low, page_high] = page.to_le_bytes();
        let lba = u64::from(log) | u64::from(page_low) << 8 | u64::from(page_high) << 32;
        self.sectors(&Command { code: 0x2f, feature: 0, sectors, lba, device: 0x40, extended: true })
    }

    fn sectors(&self, command: &Command) -> Result<Vec<u8>, Trouble> {
        let answer = self.device.scsi(&self.scsi(command)?)?;
        match answer.sense {
            // Some bridges send the registers also when nobody asked for them.
            Some(sense) if !is_well(sense.key, sense.ata) => Err(refusal(&sense)),
            _ if answer.data.len() < SECTOR_BYTES => Err(Trouble::Refused("it sent no data".to_owned())),
            _ => Ok(answer.data),
        }
    }

    fn registers(&self, command: &Command) -> Result<Option<AtaRegisters>, Trouble> {
        let answer = self.device.scsi(&self.scsi(command)?)?;
        match answer.sense {
            Some(sense) if !is_well(sense.key, sense.ata) => Err(refusal(&sense)),
            Some(sense) => Ok(sense.ata),
            None => Ok(None),
        }
    }

    fn scsi(&self, command: &Command) -> Result<ScsiCommand, Trouble> {
        command.scsi(self.pass).ok_or_else(|| Trouble::Refused("its bridge cannot carry this".to_owned()))
    }
}

/// Whether a command that ended with sense data did what it should.
fn is_well(sense_key: u8, registers: Option<AtaRegisters>) -> bool {
    matches!(sense_key, key::NO_SENSE | key::RECOVERED_ERROR)
        && registers.is_none_or(|registers| registers.status & STATUS_BAD == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Question;

    #[test]
    fn commands_are_those_that_sg_raw_sent_in_the_lab() {
        let key = |command: Command, pass| command.scsi(pass).map(|command| command.key());
        let identify = Command { code: 0xec, feature: 0, sectors: 1, lba: 0, device: 0x40, extended: false };
        assert_eq!(key(identify, PassThrough::Sixteen).unwrap(), "sg-85080e0000000100000000000040ec00");
        let status = Command::smart(0xda, 0, 0);
        assert_eq!(
            key(status, PassThrough::Sixteen).unwrap(),
            "sg-85062000da0000000000 4f00c200b000".replace(' ', "")
        );
        let log = Command::smart(0xd5, 6, 1);
        assert_eq!(key(log, PassThrough::Sixteen).unwrap(), "sg-85080e00d500010006004f00c200b000");
        assert_eq!(key(log, PassThrough::Twelve).unwrap(), "sg-a1080ed501064fc200b00000");
        let extended =
            Command { code: 0x2f, feature: 0, sectors: 1, lba: 4 | 7 << 8, device: 0x40, extended: true };
        assert_eq!(
            key(extended, PassThrough::Sixteen).unwrap(),
            "sg-85090e000000010004000700004 02f00".replace(' ', "")
        );
        assert_eq!(key(extended, PassThrough::Twelve), None);
    }
}
