//! One reading of an NVMe controller.

use std::time::{Duration, Instant};

use super::identify::{self, Controller, Namespace};
use super::logs::{self, ERROR_BYTES, ErrorEntry, HEALTH_BYTES, Health, SELF_TEST_BYTES, SelfTestLog};
use crate::sources::smart::device::{Device, Trouble};
use crate::sys::nvme::AdminCommand;

/// How often what hardly changes is asked again.
const IDENTITY_EVERY: Duration = Duration::from_secs(3600);
/// Most entries that are taken of the error log.
const ERRORS_MAX: u16 = 16;

/// What is known of a controller from earlier readings.
#[derive(Debug, Default)]
pub(in crate::sources::smart) struct Memory {
    identity: Option<(Instant, Controller, Vec<Namespace>)>,
}

/// What a controller said.
#[derive(Clone, Debug)]
pub(in crate::sources::smart) struct NvmeReading {
    pub(in crate::sources::smart) controller: Controller,
    /// Those that are disks here.
    pub(in crate::sources::smart) namespaces: Vec<Namespace>,
    pub(in crate::sources::smart) health: Health,
    pub(in crate::sources::smart) errors: Vec<ErrorEntry>,
    pub(in crate::sources::smart) self_tests: Option<SelfTestLog>,
}

/// Reads a controller; `namespaces` are the numbers of those that are disks here.
pub(in crate::sources::smart) fn read(
    device: &Device<'_>,
    namespaces: &[u32],
    memory: &mut Memory,
) -> Result<NvmeReading, Trouble> {
    if memory.identity.as_ref().is_none_or(|(at, ..)| at.elapsed() >= IDENTITY_EVERY) {
        memory.identity = Some(learn(device, namespaces)?);
    }
    let Some((_, controller, namespaces)) = memory.identity.clone() else {
        return Err(Trouble::Refused("it does not tell what it is".to_owned()));
    };
    let health = logs::parse_health(&device.nvme(&AdminCommand::log_page(0x02, HEALTH_BYTES))?);
    let health = health.map_err(Trouble::Refused)?;
    let entries = usize::from(controller.error_log_entries.min(ERRORS_MAX));
    let errors = device.nvme(&AdminCommand::log_page(0x01, entries * ERROR_BYTES));
    let self_tests = match controller.self_test {
        true => device.nvme(&AdminCommand::log_page(0x06, SELF_TEST_BYTES)).ok(),
        false => None,
    };
    Ok(NvmeReading {
        controller,
        namespaces,
        health,
        errors: errors.map(|bytes| logs::parse_errors(&bytes)).unwrap_or_default(),
        self_tests: self_tests.and_then(|bytes| logs::parse_self_tests(&bytes).ok()),
    })
}

fn learn(device: &Device<'_>, namespaces: &[u32]) -> Result<(Instant, Controller, Vec<Namespace>), Trouble> {
    let controller = identify::parse_controller(&device.nvme(&AdminCommand::identify(1, 0))?);
    let of = |&number: &u32| {
        let bytes = device.nvme(&AdminCommand::identify(0, number)).ok()?;
        identify::parse_namespace(&bytes).ok()
    };
    Ok((Instant::now(), controller.map_err(Trouble::Refused)?, namespaces.iter().filter_map(of).collect()))
}
