//! A reading of any protocol, in the words that all share.

use super::ata::reading::AtaReading;
use super::examine::Reading;
use super::scsi::inquiry::Capacity;

/// What a disk is.
#[derive(Clone, Debug, Default)]
pub(super) struct Who {
    pub(super) interface: &'static str,
    pub(super) protocol: &'static str,
    pub(super) family: &'static str,
    pub(super) model: String,
    pub(super) serial: String,
    pub(super) additional_product_id: String,
    pub(super) firmware: String,
    pub(super) ata_version: String,
    pub(super) sata_version: &'static str,
    pub(super) form_factor: &'static str,
    pub(super) scsi_vendor: String,
    pub(super) scsi_product: String,
    pub(super) scsi_revision: String,
    pub(super) scsi_version: &'static str,
    pub(super) rotation_rpm: Option<u16>,
    pub(super) capacity: Option<Capacity>,
}

/// How the self-tests stand.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Testing {
    /// Hours powered on since the newest test that came to an end.
    pub(super) age_hours: Option<u64>,
    /// Whether that found the disk in order.
    pub(super) passed: Option<bool>,
    /// Tests in the log.
    pub(super) count: usize,
    /// Those that found an error.
    pub(super) errors: usize,
    /// How much of a running one is done, 0 to 1.
    pub(super) running: Option<f64>,
}

impl Reading {
    /// What the disk is.
    pub(super) fn who(&self) -> Who {
        /// What smartctl_exporter says where nothing is known.
        const UNKNOWN: &str = "unknown";
        let unknown = Who { family: UNKNOWN, additional_product_id: UNKNOWN.to_owned(), ..Who::default() };
        match self {
            Self::Ata(reading) => ata(reading, unknown),
            Self::Nvme(reading) => Who {
                interface: "nvme",
                protocol: "NVMe",
                model: reading.controller.model.clone(),
                serial: reading.controller.serial.clone(),
                firmware: reading.controller.firmware.clone(),
                rotation_rpm: Some(0),
                capacity: match reading.namespaces.as_slice() {
                    [one] => Some(Capacity {
                        blocks: one.blocks,
                        logical_bytes: one.block_bytes,
                        physical_bytes: one.block_bytes,
                    }),
                    _ => None,
                },
                ..unknown
            },
            Self::Scsi(reading) => {
                let inquiry = &reading.identity.inquiry;
                Who {
                    interface: "scsi",
                    protocol: "SCSI",
                    model: reading.model(),
                    serial: reading.identity.serial.clone(),
                    form_factor: reading.identity.form_factor.unwrap_or_default(),
                    scsi_vendor: inquiry.vendor.clone(),
                    scsi_product: inquiry.product.clone(),
                    scsi_revision: inquiry.revision.clone(),
                    scsi_version: inquiry.version,
                    rotation_rpm: reading.identity.rotation_rpm,
                    capacity: reading.identity.capacity,
                    ..unknown
                }
            }
        }
    }

    /// Whether the disk is in order by its own judgement; `None` when it does not judge.
    pub(super) fn passed(&self) -> Option<bool> {
        match self {
            Self::Ata(reading) => Some(reading.passed()),
            Self::Nvme(reading) => Some(reading.health.passed()),
            Self::Scsi(reading) => reading.passed(),
        }
    }

    /// That judgement in words, the disk's own where it has any.
    pub(super) fn verdict(&self) -> String {
        let words = match self {
            Self::Ata(_) => String::new(),
            Self::Nvme(reading) => reading.health.warnings().collect::<Vec<_>>().join("; "),
            Self::Scsi(reading) => reading.exceptions.map(|found| found.text()).unwrap_or_default(),
        };
        match (self.passed(), words.is_empty()) {
            (_, false) => words,
            (Some(true), true) => "passed".to_owned(),
            (Some(false), true) => "failed: a threshold is exceeded".to_owned(),
            (None, true) => String::new(),
        }
    }

    /// Temperature, in degrees Celsius.
    pub(super) fn celsius(&self) -> Option<f64> {
        match self {
            Self::Ata(reading) => reading.celsius(),
            Self::Nvme(reading) => reading.health.celsius.map(f64::from),
            Self::Scsi(reading) => reading.celsius(),
        }
    }

    /// Time powered on, in seconds.
    pub(super) fn power_on_seconds(&self) -> Option<f64> {
        match self {
            Self::Ata(reading) => reading.power_on_seconds(),
            Self::Nvme(reading) => Some(reading.health.power_on_hours.as_f64() * 3600.0),
            Self::Scsi(reading) => reading.scan.map(|scan| f64::from(scan.power_on_minutes) * 60.0),
        }
    }

    /// How often it was switched on, or its motor started.
    pub(super) fn power_cycles(&self) -> Option<f64> {
        match self {
            Self::Ata(reading) => reading.power_cycles(),
            Self::Nvme(reading) => Some(reading.health.power_cycles.as_f64()),
            Self::Scsi(reading) => reading.cycles.as_ref()?.starts.map(|starts| starts as f64),
        }
    }

    /// Life used up by the maker's estimate, 0 to 1 and beyond.
    pub(super) fn wear(&self) -> Option<f64> {
        match self {
            Self::Ata(reading) => reading.wear(),
            Self::Nvme(reading) => Some(f64::from(reading.health.percentage_used) / 100.0),
            Self::Scsi(reading) => reading.endurance_percent.map(|percent| f64::from(percent) / 100.0),
        }
    }

    /// Entries that its log of errors has had.
    pub(super) fn error_count(&self) -> Option<f64> {
        match self {
            Self::Ata(reading) => reading.error_count().map(f64::from),
            Self::Nvme(reading) => Some(reading.health.error_log_entries.as_f64()),
            Self::Scsi(_) => None,
        }
    }

    /// Places that were replaced because they went bad.
    pub(super) fn reallocated(&self) -> Option<u64> {
        match self {
            Self::Ata(reading) => reading.reallocated(),
            Self::Nvme(_) => None,
            Self::Scsi(reading) => reading.grown_defects,
        }
    }

    /// How its self-tests stand; `None` when it keeps no log of them.
    pub(super) fn testing(&self) -> Option<Testing> {
        let hours = self.power_on_seconds().map(|seconds| (seconds / 3600.0) as u64);
        // 16 bits hold 7.5 years, then begin anew. A test later than now is of another clock.
        let since = |at: u16| hours?.checked_sub(u64::from(at)).map(|age| age & 0xffff);
        match self {
            Self::Ata(reading) => {
                let log = reading.self_tests.as_ref()?;
                let newest = log.tests.iter().find(|test| !test.status.in_progress());
                let running = reading.data.self_test_status.filter(|status| status.in_progress());
                Some(Testing {
                    age_hours: newest.and_then(|test| since(test.at_hours)),
                    passed: newest.and_then(|test| test.status.passed()),
                    count: log.tests.len(),
                    errors: log.errors(),
                    running: running.map(|status| 1.0 - f64::from(status.remaining_percent()) / 100.0),
                })
            }
            Self::Nvme(reading) => {
                let log = reading.self_tests.as_ref()?;
                let newest = log.tests.first();
                Some(Testing {
                    age_hours: newest.and_then(|test| hours?.checked_sub(test.at_hours)),
                    passed: newest.and_then(|test| test.passed()),
                    count: log.tests.len(),
                    errors: log.tests.iter().filter(|test| test.passed() == Some(false)).count(),
                    running: (log.running != 0).then(|| f64::from(log.done_percent) / 100.0),
                })
            }
            Self::Scsi(reading) => {
                let tests = reading.self_tests.as_ref()?;
                let newest = tests.iter().find(|test| !test.in_progress());
                Some(Testing {
                    age_hours: newest.and_then(|test| since(test.at_hours)),
                    passed: newest.and_then(|test| test.passed()),
                    count: tests.len(),
                    errors: tests.iter().filter(|test| test.passed() == Some(false)).count(),
                    running: tests.iter().any(|test| test.in_progress()).then_some(0.0),
                })
            }
        }
    }
}

fn ata(reading: &AtaReading, unknown: Who) -> Who {
    let identify = &reading.identify;
    Who {
        interface: "sat",
        protocol: "ATA",
        family: reading.family.map_or(unknown.family, |family| family.name),
        model: identify.model.clone(),
        serial: identify.serial.clone(),
        additional_product_id: identify
            .additional_product_id
            .clone()
            .unwrap_or(unknown.additional_product_id),
        firmware: identify.firmware.clone(),
        ata_version: identify.ata_version.clone().unwrap_or_default(),
        sata_version: identify.sata_version.unwrap_or_default(),
        form_factor: identify.form_factor.unwrap_or_default(),
        rotation_rpm: identify.rotation_rpm,
        capacity: identify.sectors.map(|blocks| Capacity {
            blocks,
            logical_bytes: identify.logical_sector_bytes,
            physical_bytes: identify.physical_sector_bytes,
        }),
        ..Who::default()
    }
}
