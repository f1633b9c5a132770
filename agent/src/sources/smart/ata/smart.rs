//! SMART READ DATA and SMART READ THRESHOLDS (ACS-4, 7.43 and 9.27; the attributes' layout is older, see [`super::attributes`]).

use serde::Serialize;

use super::attributes::{Attribute, State, parse as parse_attributes, revision};
use super::families::Family;
use super::identify::Identify;
use super::sector;
use super::self_tests::Status;
use crate::sources::smart::bytes::{le16, sums_to_zero};

/// What a disk counts and how it judges itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SmartData {
    /// Revision of the table of attributes.
    pub revision: u16,
    /// Attributes, in the order of the table.
    pub attributes: Vec<Attribute>,
    /// Byte 362: off-line data collection status.
    pub offline_status: u8,
    /// Byte 363: how the last self-test went, or how far this one is; `None` when it has none.
    pub self_test_status: Option<Status>,
    /// Time that off-line data collection takes, in seconds.
    pub offline_seconds: u16,
    /// Byte 367: off-line data collection capability.
    pub offline_capability: u8,
    /// Bytes 368 and 369: SMART capability.
    pub smart_capability: u16,
    /// Byte 370: bit 0 set when it keeps a log of errors.
    pub error_log_capability: u8,
    /// Time that a short self-test takes, in minutes; 0 when it has none.
    pub short_test_minutes: u16,
    /// Time that an extended self-test takes, in minutes; 0 when it has none.
    pub extended_test_minutes: u16,
    /// Time that a conveyance self-test takes, in minutes; 0 when it has none.
    pub conveyance_test_minutes: u16,
    /// Whether the checksum is right. A wrong one is told, and the data used all the same: old disks have it.
    pub checksum_ok: bool,
    /// Whether the checksum of the thresholds is right; `None` without thresholds.
    pub thresholds_checksum_ok: Option<bool>,
}

/// Reads the sectors. Which names and formats the attributes have depends on the disk.
///
/// # Errors
/// The data is no whole sector, or has neither attribute nor anything else.
pub fn parse(data: &[u8], thresholds: Option<&[u8]>, identify: &Identify) -> Result<SmartData, String> {
    let data = sector(data, "SMART READ DATA")?;
    if data.iter().all(|&b| b == data[0]) {
        return Err("SMART READ DATA is empty".to_owned());
    }
    let thresholds = thresholds.and_then(|bytes| sector(bytes, "SMART READ THRESHOLDS").ok());
    // Some disks and bridges answer zeros for thresholds.
    let thresholds = thresholds.filter(|bytes| bytes.iter().any(|&b| b != 0)).map(|bytes| &bytes[..]);
    let family = Family::of(&identify.model, &identify.firmware);
    // Bits 4 and 5 of byte 367: it can test itself, also for damage of transport.
    let (tests, conveyance) = (data[367] >> 4 & 1 == 1, data[367] >> 5 & 1 == 1);
    let extended = match data[373] {
        0xff => le16(data, 375).unwrap_or(0),
        minutes => u16::from(minutes),
    };
    Ok(SmartData {
        revision: revision(data),
        attributes: parse_attributes(data, thresholds, family, identify.rotation_rpm),
        offline_status: data[362],
        self_test_status: tests.then_some(Status(data[363])),
        offline_seconds: le16(data, 364).unwrap_or(0),
        offline_capability: data[367],
        smart_capability: le16(data, 368).unwrap_or(0),
        error_log_capability: data[370],
        short_test_minutes: if tests { u16::from(data[372]) } else { 0 },
        extended_test_minutes: if tests { extended } else { 0 },
        conveyance_test_minutes: if conveyance { u16::from(data[374]) } else { 0 },
        checksum_ok: sums_to_zero(data),
        thresholds_checksum_ok: thresholds.map(sums_to_zero),
    })
}

impl SmartData {
    /// An attribute by its number.
    pub fn attribute(&self, id: u8) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.id == id)
    }

    /// Temperature, in degrees Celsius, from the attribute that has it.
    pub fn celsius(&self) -> Option<f64> {
        const PLACES: [u8; 4] = [194, 190, 9, 220];
        PLACES.iter().find_map(|&id| {
            let attribute = self.attribute(id)?;
            attribute.format.celsius(attribute.raw)
        })
    }

    /// Time powered on, in seconds.
    pub fn power_on_seconds(&self) -> Option<u64> {
        let attribute = self.attribute(9)?;
        if attribute.name.starts_with("Power_On_") { attribute.format.seconds(attribute.raw) } else { None }
    }

    /// How often it was switched on.
    pub fn power_cycles(&self) -> Option<u64> {
        /// More than that is another number in these bytes.
        const POWER_CYCLES_MAX: u64 = 0xff_ffff;
        let attribute = self.attribute(12)?;
        (attribute.name == "Power_Cycle_Count" && attribute.raw <= POWER_CYCLES_MAX).then_some(attribute.raw)
    }

    /// Whether an attribute that announces failure has failed: what a disk says that gives no status.
    pub fn attributes_pass(&self) -> bool {
        !self
            .attributes
            .iter()
            .any(|attribute| attribute.is_prefailure() && attribute.state == State::FailedNow)
    }

    /// Lower 16 bits of a count, behind which vendors put other numbers: reallocated and pending sectors.
    pub fn count16(&self, id: u8) -> Option<u64> {
        self.attribute(id).map(|attribute| attribute.raw & 0xffff)
    }
}

/// What byte 362 says (ACS-4, 9.27.3), in smartctl's words.
pub fn offline_status_text(status: u8) -> &'static str {
    match status & 0x7f {
        0x00 => "was never started",
        0x02 => "was completed without error",
        0x03 if status == 0x03 => "is in progress",
        0x04 => "was suspended by an interrupting command from host",
        0x05 => "was aborted by an interrupting command from host",
        0x06 => "was aborted by the device with a fatal error",
        0x40.. => "is in a Vendor Specific state",
        _ => "is in a Reserved state",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_long_extended_test_has_a_word_of_its_own() {
        let mut data = vec![0; 512];
        (data[367], data[373]) = (0x10, 0xff);
        data[375..377].copy_from_slice(&1_500_u16.to_le_bytes());
        let found = parse(&data, None, &Identify::default()).unwrap();
        assert_eq!((found.extended_test_minutes, found.checksum_ok), (1_500, false));
        let sum: u8 = data.iter().fold(0_u8, |sum, &b| sum.wrapping_add(b));
        data[511] = 0_u8.wrapping_sub(sum);
        assert!(parse(&data, None, &Identify::default()).unwrap().checksum_ok);
    }

    #[test]
    fn empty_data_is_refused_and_empty_thresholds_are_none() {
        assert!(parse(&[0; 512], None, &Identify::default()).is_err());
        let mut data = vec![0; 512];
        data[2..5].copy_from_slice(&[5, 3, 0]);
        let found = parse(&data, Some(&[0; 512]), &Identify::default()).unwrap();
        assert_eq!((found.attributes[0].threshold, found.thresholds_checksum_ok), (None, None));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(
            data in prop::collection::vec(any::<u8>(), 500..520),
            thresholds in prop::option::of(prop::collection::vec(any::<u8>(), 0..600)),
            model in "(ST4000VN008-2DR166|INTEL SSDSC2BB|Samsung SSD 870|KINGSTON SV300S37A|.{0,9})",
        ) {
            let identify = Identify { model, ..Identify::default() };
            if let Ok(found) = parse(&data, thresholds.as_deref(), &identify) {
                let _ = (found.celsius(), found.power_on_seconds(), found.power_cycles(), found.attributes_pass());
                prop_assert!(found.attributes.len() <= 30);
            }
        }
    }
}
