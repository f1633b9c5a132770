//! Examines one disk: how it can be asked, whether it is awake, what it says. Runs on a thread that may hang with it.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::ata::command::{AtaDevice, PassThrough};
use super::ata::reading::{self as ata, AtaReading};
use super::device::{Device, Trouble};
use super::nvme::reading::{self as nvme, NvmeReading};
use super::scsi::reading::{self as scsi, ScsiReading};
use super::scsi::sense::Power;
use crate::host::{At, HostRoot, Scratch};

/// A disk to be examined.
#[derive(Clone)]
pub(super) struct Job {
    pub(super) host: HostRoot,
    /// Name below `/dev`.
    pub(super) device: String,
    pub(super) kind: Kind,
    pub(super) memory: Arc<Mutex<Memory>>,
}

/// What the kernel knows of how a disk speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// ATA, behind the kernel's own translation or that of a controller.
    Ata,
    /// Behind a USB bridge.
    Usb,
    /// Something in a USB port that can be taken out: a stick, a card reader.
    Removable,
    /// SCSI or SAS.
    Scsi,
    /// NVMe, with the numbers of the namespaces that are disks here.
    Nvme(Vec<u32>),
    /// A volume of a RAID controller, with words about that.
    Volume(String),
}

impl Kind {
    /// What it takes to ask such a disk: the kernel lets through what only reads of SCSI, but no ATA and no NVMe command.
    fn permission(&self) -> &'static str {
        match self {
            Self::Ata | Self::Usb => "group disk and CAP_SYS_RAWIO",
            Self::Nvme(_) => "group disk and CAP_SYS_ADMIN",
            Self::Removable | Self::Scsi | Self::Volume(_) => "group disk",
        }
    }
}

impl PartialEq for Job {
    fn eq(&self, other: &Self) -> bool {
        self.device == other.device && Arc::ptr_eq(&self.memory, &other.memory)
    }
}

impl Eq for Job {}

impl Hash for Job {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.device.hash(state);
    }
}

/// What is known of a disk from earlier examinations.
#[derive(Debug, Default)]
pub(super) struct Memory {
    way: Option<Way>,
    /// Why it can never be read; it is not asked again.
    refused: Option<String>,
    ata: ata::Memory,
    scsi: scsi::Memory,
    nvme: nvme::Memory,
    last: Option<(Instant, Arc<Reading>)>,
    standby_skips: u64,
    /// Reads and writes of the disk when it was last looked at.
    requests: Option<u64>,
}

/// How a disk is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Ata(PassThrough),
    Scsi,
    Nvme,
}

/// What a disk said.
#[derive(Clone, Debug)]
pub(super) enum Reading {
    Ata(Box<AtaReading>),
    Nvme(Box<NvmeReading>),
    Scsi(Box<ScsiReading>),
}

/// What came of an examination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It was read.
    Read,
    /// It sleeps and was left asleep.
    Standby,
    /// It has nothing to read, or what stands between passes nothing.
    Unsupported,
    /// This process may not ask it.
    Permission,
    /// It failed.
    Failed,
    /// It has not come back.
    Stalled,
}

impl State {
    /// All, for the state set.
    pub(super) const ALL: [Self; 6] =
        [Self::Read, Self::Standby, Self::Unsupported, Self::Permission, Self::Failed, Self::Stalled];

    /// The word for labels and facts.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Standby => "standby",
            Self::Unsupported => "unsupported",
            Self::Permission => "permission",
            Self::Failed => "failed",
            Self::Stalled => "stalled",
        }
    }
}

/// What is to be told of a disk.
#[derive(Clone, Debug)]
pub(super) struct Report {
    pub(super) state: State,
    /// Why it was not read; empty when it was.
    pub(super) reason: String,
    /// Power it has; `None` when nobody knows.
    pub(super) power: Option<Power>,
    /// The last reading there is, and when it was made.
    pub(super) reading: Option<(Instant, Arc<Reading>)>,
    /// How often it was left asleep so far.
    pub(super) standby_skips: u64,
}

/// Words for a disk whose power nobody knows and that does nothing.
const MAY_SLEEP: &str = "what is between hides whether it sleeps: it is read after it was used";

/// Examines a disk. Never wakes one.
pub(super) fn examine(job: &Job) -> Report {
    // Only a thread that hangs holds this for long, and no second one is started then.
    let mut memory = job.memory.lock().unwrap_or_else(PoisonError::into_inner);
    let (state, reason, power) = match step(job, &mut memory) {
        Ok(Step::Read(reading, power)) => {
            memory.last = Some((Instant::now(), Arc::new(reading)));
            (State::Read, String::new(), Some(power))
        }
        Ok(Step::Asleep(reason)) => {
            memory.standby_skips += 1;
            (State::Standby, reason, Some(Power::Standby))
        }
        // A disk that was read before and refuses now is not one that cannot be read, but one that fails.
        Err(Trouble::Refused(reason)) if memory.last.is_some() => (State::Failed, reason, None),
        Err(Trouble::Refused(reason)) => {
            memory.refused = Some(reason.clone());
            (State::Unsupported, reason, None)
        }
        Err(Trouble::Permission) => (State::Permission, job.kind.permission().to_owned(), None),
        Err(trouble) => (State::Failed, trouble.text(), None),
    };
    Report { state, reason, power, reading: memory.last.clone(), standby_skips: memory.standby_skips }
}

enum Step {
    Read(Reading, Power),
    Asleep(String),
}

fn step(job: &Job, memory: &mut Memory) -> Result<Step, Trouble> {
    if let Some(reason) = &memory.refused {
        return Err(Trouble::Refused(reason.clone()));
    }
    let device = Device { host: &job.host, name: &job.device };
    if is_suspended(&device) {
        return Ok(Step::Asleep("the kernel has suspended it".to_owned()));
    }
    let used = has_been_used(&device, memory);
    let (way, power) = match memory.way {
        None => find_way(job, &device)?,
        Some(way) => (way, power(&device, way)?),
    };
    memory.way = Some(way);
    match power {
        Some(Power::Standby) => return Ok(Step::Asleep(String::new())),
        None if !used => return Ok(Step::Asleep(MAY_SLEEP.to_owned())),
        _ => {}
    }
    let reading = match (way, &job.kind) {
        (Way::Ata(pass), _) => {
            let disk = AtaDevice { device, pass };
            let reading =
                ata::read(&disk, &mut memory.ata).map_err(|trouble| match (trouble, &job.kind) {
                    // A bridge may pass other commands, but not SMART.
                    (Trouble::Failed(text), Kind::Usb) => Trouble::Refused(text),
                    (trouble, _) => trouble,
                })?;
            Reading::Ata(Box::new(reading))
        }
        (Way::Scsi, _) => Reading::Scsi(Box::new(scsi::read(&device, &mut memory.scsi)?)),
        (Way::Nvme, Kind::Nvme(namespaces)) => {
            Reading::Nvme(Box::new(nvme::read(&device, namespaces, &mut memory.nvme)?))
        }
        (Way::Nvme, _) => Reading::Nvme(Box::new(nvme::read(&device, &[], &mut memory.nvme)?)),
    };
    Ok(Step::Read(reading, power.unwrap_or(Power::Active)))
}

/// Finds out how a disk can be asked, and its power on the way.
fn find_way(job: &Job, device: &Device<'_>) -> Result<(Way, Option<Power>), Trouble> {
    match &job.kind {
        Kind::Nvme(_) => Ok((Way::Nvme, Some(Power::Active))),
        Kind::Removable => Err(Trouble::Refused("a medium that can be taken out has no SMART".to_owned())),
        Kind::Scsi => Ok((Way::Scsi, power(device, Way::Scsi)?)),
        Kind::Volume(words) => Err(Trouble::Refused(words.clone())),
        Kind::Ata | Kind::Usb => {
            for pass in [PassThrough::Sixteen, PassThrough::Twelve] {
                match try_ata(device, pass) {
                    Ok(power) => return Ok((Way::Ata(pass), power)),
                    Err(Trouble::Refused(_)) => {}
                    Err(trouble) => return Err(trouble),
                }
            }
            match job.kind {
                Kind::Usb => Err(Trouble::Refused("its USB bridge passes no SMART".to_owned())),
                // Some controllers translate health into log pages although they pass no ATA command.
                _ => Ok((Way::Scsi, power(device, Way::Scsi)?)),
            }
        }
    }
}

/// Whether there is an ATA disk that can be asked this way. Neither command wakes it.
fn try_ata(device: &Device<'_>, pass: PassThrough) -> Result<Option<Power>, Trouble> {
    let disk = AtaDevice { device: *device, pass };
    match disk.power() {
        Ok(Some(power)) => Ok(Some(power)),
        // Nothing came back: a bridge that keeps the registers, or one that takes any command and does nothing.
        Ok(None) => {
            let bytes = disk.identify()?;
            super::ata::identify::parse(&bytes).map(|_| None).map_err(Trouble::Refused)
        }
        Err(trouble) => Err(trouble),
    }
}

fn power(device: &Device<'_>, way: Way) -> Result<Option<Power>, Trouble> {
    match way {
        Way::Nvme => Ok(Some(Power::Active)),
        Way::Scsi => scsi::power(device).map(Some),
        Way::Ata(pass) => AtaDevice { device: *device, pass }.power(),
    }
}

/// Whether the kernel has switched it off to save power: opening it would wake it (Documentation/ABI/testing/
/// sysfs-devices-power).
fn is_suspended(device: &Device<'_>) -> bool {
    let mut scratch = Scratch::default();
    let path = format!("block/{}/device/power/runtime_status", device.name.replace('/', "!"));
    device.host.attribute(&mut scratch, &path) == Some("suspended")
}

/// Whether the disk has read or written since the last look (Documentation/block/stat.rst): then it is awake. Unknown at the
/// first look, which counts as no.
fn has_been_used(device: &Device<'_>, memory: &mut Memory) -> bool {
    let mut scratch = Scratch::default();
    let path = format!("block/{}/stat", device.name.replace('/', "!"));
    let text = device.host.text(&mut scratch, At::Sys, &path).unwrap_or_default();
    let columns: Vec<u64> = text.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect();
    let (Some(reads), Some(writes)) = (columns.first(), columns.get(4)) else { return false };
    let requests = reads.wrapping_add(*writes);
    let before = memory.requests.replace(requests);
    before.is_some_and(|before| before != requests)
}

impl Report {
    /// Of a disk whose thread has not come back: what was last known stays.
    pub(super) fn stalled(before: Option<&Self>, reason: &str) -> Self {
        let mut report = before.cloned().unwrap_or(Self {
            state: State::Stalled,
            reason: String::new(),
            power: None,
            reading: None,
            standby_skips: 0,
        });
        (report.state, report.reason, report.power) = (State::Stalled, reason.to_owned(), None);
        report
    }
}
