//! One reading of a SCSI or SAS disk.

use std::time::{Duration, Instant};

use super::inquiry::{self, Capacity, Inquiry};
use super::logs::{self, BackgroundScan, Cycles, ErrorCounters, Exceptions, SelfTest, Temperatures};
use super::sas::{self, Phy};
use super::sense::{self, Power};
use crate::sources::smart::device::{Device, Trouble};
use crate::sys::sg_io::ScsiCommand;

/// How often what hardly changes is asked again.
const IDENTITY_EVERY: Duration = Duration::from_secs(3600);
/// Longest answer that is taken of most commands, in bytes.
const ANSWER_BYTES: u16 = 4096;

/// What a disk tells of itself.
#[derive(Clone, Debug, Default)]
pub(in crate::sources::smart) struct Identity {
    pub(in crate::sources::smart) inquiry: Inquiry,
    pub(in crate::sources::smart) serial: String,
    pub(in crate::sources::smart) name: Option<String>,
    pub(in crate::sources::smart) rotation_rpm: Option<u16>,
    pub(in crate::sources::smart) form_factor: Option<&'static str>,
    pub(in crate::sources::smart) capacity: Option<Capacity>,
    /// Log pages it has.
    pages: Vec<u8>,
}

/// What is known of a disk from earlier readings.
#[derive(Debug, Default)]
pub(in crate::sources::smart) struct Memory {
    identity: Option<(Instant, Identity)>,
}

/// What a SCSI disk said.
#[derive(Clone, Debug, Default)]
pub(in crate::sources::smart) struct ScsiReading {
    pub(in crate::sources::smart) identity: Identity,
    /// While reading, writing, verifying.
    pub(in crate::sources::smart) counters: [Option<ErrorCounters>; 3],
    pub(in crate::sources::smart) temperatures: Option<Temperatures>,
    pub(in crate::sources::smart) cycles: Option<Cycles>,
    pub(in crate::sources::smart) self_tests: Option<Vec<SelfTest>>,
    pub(in crate::sources::smart) endurance_percent: Option<u8>,
    pub(in crate::sources::smart) scan: Option<BackgroundScan>,
    pub(in crate::sources::smart) phys: Vec<Phy>,
    pub(in crate::sources::smart) exceptions: Option<Exceptions>,
    pub(in crate::sources::smart) grown_defects: Option<u64>,
}

/// Asks for the power condition with REQUEST SENSE (SPC-5, 6.39), which wakes no disk.
pub(in crate::sources::smart) fn power(device: &Device<'_>) -> Result<Power, Trouble> {
    const SENSE_BYTES: u8 = 252;
    let answer =
        device.scsi_data(&ScsiCommand::new([0x03, 0, 0, 0, SENSE_BYTES, 0], usize::from(SENSE_BYTES)))?;
    Ok(sense::parse(&answer).map_or(Power::Active, |sense| Power::of_sense(&sense)))
}

/// Reads a disk that is awake.
pub(in crate::sources::smart) fn read(
    device: &Device<'_>,
    memory: &mut Memory,
) -> Result<ScsiReading, Trouble> {
    if memory.identity.as_ref().is_none_or(|(at, _)| at.elapsed() >= IDENTITY_EVERY) {
        memory.identity = Some((Instant::now(), learn(device)?));
    }
    let Some((_, identity)) = memory.identity.clone() else {
        return Err(Trouble::Refused("it does not tell what it is".to_owned()));
    };
    if identity.pages.is_empty() {
        return Err(Trouble::Refused("it has no log pages".to_owned()));
    }
    let mut reading = ScsiReading { identity, ..ScsiReading::default() };
    for page in reading.identity.pages.clone() {
        match log_sense(device, page) {
            Ok(bytes) => reading.take(page, &bytes),
            Err(trouble) if trouble.ends_reading() => return Err(trouble),
            Err(_) => {}
        }
    }
    reading.grown_defects = grown_defects(device).ok();
    Ok(reading)
}

impl ScsiReading {
    /// Keeps what a page says; one that is not understood says nothing.
    fn take(&mut self, page: u8, bytes: &[u8]) {
        match page {
            0x02 => self.counters[1] = logs::parse_error_counters(bytes, page).ok(),
            0x03 => self.counters[0] = logs::parse_error_counters(bytes, page).ok(),
            0x05 => self.counters[2] = logs::parse_error_counters(bytes, page).ok(),
            0x0d => self.temperatures = logs::parse_temperatures(bytes).ok(),
            0x0e => self.cycles = logs::parse_cycles(bytes).ok(),
            0x10 => self.self_tests = logs::parse_self_tests(bytes).ok(),
            0x11 => self.endurance_percent = logs::parse_endurance(bytes).ok().flatten(),
            0x15 => self.scan = logs::parse_background_scan(bytes).ok(),
            0x18 => self.phys = sas::parse(bytes).unwrap_or_default(),
            0x2f => self.exceptions = logs::parse_exceptions(bytes).ok(),
            _ => {}
        }
    }

    /// Temperature, in degrees Celsius.
    pub(in crate::sources::smart) fn celsius(&self) -> Option<f64> {
        let page = self.temperatures.and_then(|temperatures| temperatures.current);
        page.or_else(|| self.exceptions.and_then(|exceptions| exceptions.celsius)).map(f64::from)
    }

    /// Whether it does not predict its failure; `None` when it does not say.
    pub(in crate::sources::smart) fn passed(&self) -> Option<bool> {
        self.exceptions.map(|exceptions| exceptions.passed())
    }

    /// Vendor and product.
    pub(in crate::sources::smart) fn model(&self) -> String {
        let Inquiry { vendor, product, .. } = &self.identity.inquiry;
        format!("{vendor} {product}").trim().to_owned()
    }
}

/// LOG SENSE (SPC-5, 6.8): cumulative values of a page.
fn log_sense(device: &Device<'_>, page: u8) -> Result<Vec<u8>, Trouble> {
    const CUMULATIVE: u8 = 1 << 6;
    let [high, low] = ANSWER_BYTES.to_be_bytes();
    let command = [0x4d, 0, CUMULATIVE | page, 0, 0, 0, 0, high, low, 0];
    device.scsi_data(&ScsiCommand::new(command, usize::from(ANSWER_BYTES)))
}

/// READ DEFECT DATA(12) (SBC-4, 5.22): the header alone, which has the length of the list of those that have grown.
fn grown_defects(device: &Device<'_>) -> Result<u64, Trouble> {
    const GROWN: u8 = 1 << 3;
    const BYTES_FROM_INDEX: u8 = 4;
    let command = [0xb7, GROWN | BYTES_FROM_INDEX, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0];
    let bytes = device.scsi_data(&ScsiCommand::new(command, 8))?;
    inquiry::parse_defects(&bytes).map_err(Trouble::Refused)
}

/// Asks for what hardly changes.
fn learn(device: &Device<'_>) -> Result<Identity, Trouble> {
    let inquiry = inquiry::parse_standard(&inquire(device, None)?).map_err(Trouble::Refused)?;
    let serial = page(device, 0x80, inquiry::parse_serial)?.unwrap_or_default();
    let names = page(device, 0x83, inquiry::parse_names)?.unwrap_or_default();
    let (rotation_rpm, form_factor) = page(device, 0xb1, inquiry::parse_characteristics)?.unwrap_or_default();
    let capacity = read_capacity(device).ok();
    let pages = match log_sense(device, 0) {
        Ok(bytes) => logs::parse_supported(&bytes).unwrap_or_default(),
        Err(trouble) if trouble.ends_reading() => return Err(trouble),
        Err(_) => Vec::new(),
    };
    const USED: [u8; 10] = [0x02, 0x03, 0x05, 0x0d, 0x0e, 0x10, 0x11, 0x15, 0x18, 0x2f];
    Ok(Identity {
        inquiry,
        serial,
        name: inquiry::best_name(&names).map(str::to_owned),
        rotation_rpm,
        form_factor,
        capacity,
        pages: pages.into_iter().filter(|page| USED.contains(page)).collect(),
    })
}

/// A vital product data page; one that is refused or not understood is not there.
fn page<A>(
    device: &Device<'_>,
    page: u8,
    parse: fn(&[u8]) -> Result<A, String>,
) -> Result<Option<A>, Trouble> {
    match inquire(device, Some(page)) {
        Ok(bytes) => Ok(parse(&bytes).ok()),
        Err(trouble) if trouble.ends_reading() => Err(trouble),
        Err(_) => Ok(None),
    }
}

/// INQUIRY: standard data, or a page.
fn inquire(device: &Device<'_>, page: Option<u8>) -> Result<Vec<u8>, Trouble> {
    // Old disks take no more than a byte can say.
    const BYTES: u8 = 252;
    let vital = u8::from(page.is_some());
    let command = [0x12, vital, page.unwrap_or(0), 0, BYTES, 0];
    device.scsi_data(&ScsiCommand::new(command, usize::from(BYTES)))
}

fn read_capacity(device: &Device<'_>) -> Result<Capacity, Trouble> {
    const BYTES: u8 = 32;
    const SERVICE_ACTION: u8 = 0x10;
    let command = [0x9e, SERVICE_ACTION, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, BYTES, 0, 0];
    let bytes = device.scsi_data(&ScsiCommand::new(command, usize::from(BYTES)))?;
    inquiry::parse_capacity(&bytes).map_err(Trouble::Refused)
}
