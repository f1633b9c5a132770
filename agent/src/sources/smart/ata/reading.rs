//! One reading of an ATA disk: which commands are sent, and what is made of them.

use std::time::{Duration, Instant};

use super::command::AtaDevice;
use super::errors::{self, ErrorLog};
use super::families::Family;
use super::identify::{self, Identify};
use super::sct::{self, SctStatus};
use super::self_tests::{self, SelfTestLog};
use super::smart::{self, SmartData};
use super::statistics::{self, Statistic, log_sectors, value};
use crate::sources::smart::device::Trouble;

/// How often what hardly changes is asked again.
const IDENTITY_EVERY: Duration = Duration::from_secs(3600);
/// Most sectors that are taken of one log.
const LOG_SECTORS_MAX: u16 = 8;

/// Addresses of logs.
mod log {
    pub(super) const DIRECTORY: u8 = 0x00;
    pub(super) const ERRORS: u8 = 0x01;
    pub(super) const EXTENDED_ERRORS: u8 = 0x03;
    pub(super) const STATISTICS: u8 = 0x04;
    pub(super) const SELF_TESTS: u8 = 0x06;
    pub(super) const EXTENDED_SELF_TESTS: u8 = 0x07;
    pub(super) const SCT_STATUS: u8 = 0xe0;
}

/// What is known of a disk from earlier readings.
#[derive(Debug, Default)]
pub(in crate::sources::smart) struct Memory {
    at: Option<Instant>,
    identify: Identify,
    thresholds: Option<Vec<u8>>,
    /// Sectors of the extended error log, respectively self-test log; 0 for none.
    extended_errors: u16,
    extended_self_tests: u16,
    statistics_pages: Vec<u8>,
}

/// What an ATA disk said.
#[derive(Clone, Debug)]
pub(in crate::sources::smart) struct AtaReading {
    pub(in crate::sources::smart) identify: Identify,
    pub(in crate::sources::smart) family: Option<&'static Family>,
    pub(in crate::sources::smart) data: SmartData,
    /// What it answered to SMART RETURN STATUS.
    pub(in crate::sources::smart) status: Option<bool>,
    pub(in crate::sources::smart) errors: Option<ErrorLog>,
    pub(in crate::sources::smart) extended_errors: Option<ErrorLog>,
    pub(in crate::sources::smart) self_tests: Option<SelfTestLog>,
    pub(in crate::sources::smart) statistics: Vec<Statistic>,
    pub(in crate::sources::smart) sct: Option<SctStatus>,
    /// What could not be read although the disk says that it has it, and checksums that are wrong.
    pub(in crate::sources::smart) problems: Vec<String>,
}

/// Reads a disk that is awake.
pub(in crate::sources::smart) fn read(
    disk: &AtaDevice<'_>,
    memory: &mut Memory,
) -> Result<AtaReading, Trouble> {
    if memory.at.is_none_or(|at| at.elapsed() >= IDENTITY_EVERY) {
        *memory = learn(disk)?;
    }
    let identify = memory.identify.clone();
    let data = disk.smart_data().map_err(|trouble| match trouble {
        Trouble::Refused(_) if !identify.smart_supported => Trouble::Refused("it has no SMART".to_owned()),
        Trouble::Refused(_) if !identify.smart_enabled => {
            Trouble::Refused("its SMART is switched off".to_owned())
        }
        Trouble::Refused(text) => Trouble::Failed(format!("it has SMART and does not tell it: {text}")),
        other => other,
    })?;
    let data = smart::parse(&data, memory.thresholds.as_deref(), &identify).map_err(Trouble::Refused)?;
    let mut part = Part { problems: Vec::new() };
    if !data.checksum_ok {
        part.problems.push("SMART data has a wrong checksum".to_owned());
    }
    if data.thresholds_checksum_ok == Some(false) {
        part.problems.push("SMART thresholds have a wrong checksum".to_owned());
    }
    let status = part.of("SMART status", disk.smart_status(), Ok)?.flatten();
    let keeps_errors = identify.error_log || data.error_log_capability & 1 == 1;
    let errors = match keeps_errors {
        true => part.of("error log", disk.smart_log(log::ERRORS, 1), |bytes| errors::parse(&bytes))?,
        false => None,
    };
    let extended_errors = match memory.extended_errors {
        0 => None,
        count => part.of("extended error log", disk.log(log::EXTENDED_ERRORS, 0, count), |bytes| {
            errors::parse_extended(&bytes)
        })?,
    };
    let self_tests = self_tests(disk, memory, &data, &mut part)?;
    let mut found = Vec::new();
    for &page in &memory.statistics_pages {
        part.of("device statistics", disk.log(log::STATISTICS, u16::from(page), 1), |bytes| {
            statistics::parse(&bytes, page, &mut found)
        })?;
    }
    let sct = match identify.sct & 1 {
        0 => None,
        _ => part.of("SCT status", disk.smart_log(log::SCT_STATUS, 1), |bytes| sct::parse(&bytes))?,
    };
    let family = Family::of(&identify.model, &identify.firmware);
    Ok(AtaReading {
        identify,
        family,
        data,
        status,
        errors,
        extended_errors,
        self_tests,
        statistics: found,
        sct,
        problems: part.problems,
    })
}

fn self_tests(
    disk: &AtaDevice<'_>,
    memory: &Memory,
    data: &SmartData,
    part: &mut Part,
) -> Result<Option<SelfTestLog>, Trouble> {
    if memory.extended_self_tests > 0 {
        let answer = disk.log(log::EXTENDED_SELF_TESTS, 0, memory.extended_self_tests);
        return part.of("extended self-test log", answer, |bytes| self_tests::parse_extended(&bytes));
    }
    if !memory.identify.self_test && data.self_test_status.is_none() {
        return Ok(None);
    }
    part.of("self-test log", disk.smart_log(log::SELF_TESTS, 1), |bytes| self_tests::parse(&bytes))
}

/// Asks for what hardly changes.
fn learn(disk: &AtaDevice<'_>) -> Result<Memory, Trouble> {
    let identify = identify::parse(&disk.identify()?).map_err(Trouble::Refused)?;
    // Old disks have none.
    let thresholds = match disk.smart_thresholds() {
        Err(trouble) if trouble.ends_reading() => return Err(trouble),
        thresholds => thresholds.ok(),
    };
    let mut memory = Memory { at: Some(Instant::now()), thresholds, ..Memory::default() };
    if identify.general_purpose_logging {
        let directory = match disk.log(log::DIRECTORY, 0, 1) {
            Err(trouble) if trouble.ends_reading() => return Err(trouble),
            directory => directory.unwrap_or_default(),
        };
        let sectors = |log: u8| {
            let sectors = log_sectors(&directory, log);
            if sectors > LOG_SECTORS_MAX { 0 } else { sectors }
        };
        memory.extended_errors = sectors(log::EXTENDED_ERRORS);
        memory.extended_self_tests = sectors(log::EXTENDED_SELF_TESTS);
        if log_sectors(&directory, log::STATISTICS) > 0 {
            let list =
                disk.log(log::STATISTICS, 0, 1).ok().and_then(|page| statistics::parse_list(&page).ok());
            memory.statistics_pages =
                list.unwrap_or_default().into_iter().filter(|&page| statistics::is_known(page)).collect();
        }
    }
    memory.identify = identify;
    Ok(memory)
}

/// Collects what goes wrong with parts of a reading.
struct Part {
    problems: Vec<String>,
}

impl Part {
    /// What is made of a part; a part that the disk refuses is simply not there.
    fn of<A, B>(
        &mut self,
        what: &str,
        answer: Result<A, Trouble>,
        parse: impl FnOnce(A) -> Result<B, String>,
    ) -> Result<Option<B>, Trouble> {
        let made = match answer {
            Ok(answer) => parse(answer),
            Err(Trouble::Refused(_)) => return Ok(None),
            Err(trouble) if trouble.ends_reading() => return Err(trouble),
            Err(trouble) => Err(trouble.text()),
        };
        match made {
            Ok(made) => Ok(Some(made)),
            Err(problem) => {
                self.problems.push(format!("{what}: {problem}"));
                Ok(None)
            }
        }
    }
}

impl AtaReading {
    /// Whether it is in order by its own judgement; by its attributes where it gives none.
    pub(in crate::sources::smart) fn passed(&self) -> bool {
        let sct = || self.sct.as_ref().and_then(|sct| sct.passed);
        self.status.or_else(sct).unwrap_or_else(|| self.data.attributes_pass())
    }

    /// Temperature, in degrees Celsius.
    pub(in crate::sources::smart) fn celsius(&self) -> Option<f64> {
        let sct = self.sct.as_ref().and_then(|sct| sct.celsius).map(f64::from);
        sct.or_else(|| self.data.celsius()).or_else(|| value(&self.statistics, 5, 0x08).map(|n| n as f64))
    }

    /// Time powered on, in seconds.
    pub(in crate::sources::smart) fn power_on_seconds(&self) -> Option<f64> {
        let hours = || value(&self.statistics, 1, 0x10).map(|hours| hours as f64 * 3600.0);
        self.data.power_on_seconds().map(|seconds| seconds as f64).or_else(hours)
    }

    /// How often it was switched on.
    pub(in crate::sources::smart) fn power_cycles(&self) -> Option<f64> {
        let resets = || value(&self.statistics, 1, 0x08).map(|count| count as f64);
        self.data.power_cycles().map(|count| count as f64).or_else(resets)
    }

    /// Life used up, 0 to 1 and beyond.
    pub(in crate::sources::smart) fn wear(&self) -> Option<f64> {
        value(&self.statistics, 7, 0x08).map(|percent| percent as f64 / 100.0)
    }

    /// Sectors that were replaced.
    pub(in crate::sources::smart) fn reallocated(&self) -> Option<u64> {
        let counted = value(&self.statistics, 3, 0x20).and_then(|count| u64::try_from(count).ok());
        counted.or_else(|| self.data.count16(5))
    }

    /// Sectors that could not be read and wait to be written again.
    pub(in crate::sources::smart) fn pending(&self) -> Option<u64> {
        let counted = value(&self.statistics, 1, 0x40).and_then(|count| u64::try_from(count).ok());
        counted.or_else(|| self.data.count16(197))
    }

    /// Errors so far, by the log that counts most.
    pub(in crate::sources::smart) fn error_count(&self) -> Option<u16> {
        let counts = [&self.errors, &self.extended_errors];
        counts.into_iter().flatten().map(|log| log.count).max()
    }
}
