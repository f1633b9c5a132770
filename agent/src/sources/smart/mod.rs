//! Health of disks, from the disks themselves: SMART of ATA and NVMe disks, log pages of SCSI and SAS ones, by ioctl.
//!
//! A disk that sleeps is never woken: its power is asked first, with commands that leave it asleep. Each disk has its turn once
//! in ten minutes ([`rounds`]), on a thread that may hang with it ([`crate::source::prober`]). What each said last is told every
//! minute, with its age, as an exporter tells it that is scraped.

pub mod ata;
mod bytes;
mod controllers;
pub mod decode;
mod device;
mod examine;
mod fact;
mod metrics;
pub mod nvme;
mod rounds;
mod samples;
pub mod scsi;
mod sink;
mod targets;
mod view;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hi_common::config::{ConfigError, Section};
use hi_common::config_section;
use hi_common::event::Severity;

use crate::host::{HostRoot, Scratch};
use crate::source::disks::{Disk, disks};
use crate::source::pattern::Patterns;
use crate::source::prober::{Patience, Prober, Reply};
use crate::source::{Every, Outcome, Readings, Source, SourceDef, SourceError, own_section};
use controllers::{Controller, controllers};
use examine::{Job, Memory, Report, State, examine};
use rounds::Rounds;
use sink::Sink;
use targets::{Target, targets};

config_section! {
    /// Health of disks.
    pub struct Config in "sources.smart" {
        /// Shell patterns of disks that are never asked, by their names below `/dev`.
        pub exclude: Vec<String> = Vec::new(),
        /// Seconds after which disks that have not answered are reported as stalled: 1 to 45.
        pub disk_timeout_secs: u64 = 40,
        /// Seconds between two looks at the same disk, at most a day; the disks have their turns spread over it. 0: at every run.
        pub disk_interval_secs: u64 = 600,
    }
}

/// Row of the registry.
pub static DEF: SourceDef = SourceDef {
    name: "smart",
    summary: "Health of ATA, NVMe, SCSI and SAS disks, from the disks themselves by ioctl; one that sleeps is not woken.",
    interval: Duration::from_secs(60),
    timeout: Duration::from_secs(50),
    metrics: &metrics::METRICS,
    permission: "Group disk and CAP_SYS_RAWIO, for NVMe CAP_SYS_ADMIN: PrivateDevices=no, DevicePolicy=closed, \
                 DeviceAllow=block-* r, SupplementaryGroups=disk, CapabilityBoundingSet=CAP_SYS_RAWIO CAP_SYS_ADMIN, \
                 AmbientCapabilities=CAP_SYS_RAWIO CAP_SYS_ADMIN.",
    keys: Config::keys,
    make: |table| Ok(Box::new(Smart::new(&own_section(table)?)?)),
};

/// Longest wait for all disks, in seconds; less than the source's own limit.
const DISK_TIMEOUT_MAX_SECS: u64 = 45;
/// Longest time between two looks at a disk, in seconds.
const DISK_INTERVAL_MAX_SECS: u64 = 86_400;
/// Time without an answer after which another thread goes on with the disks that are left: longer than a healthy disk needs,
/// so that usually one is asked at a time.
const HEDGE: Duration = Duration::from_secs(1);

/// Why a disk whose thread hangs has no news.
const STALLED: &str = "it has not answered in time";
/// Why a disk has no news for which no thread was left.
const NOT_ASKED: &str = "too many other disks hang";

struct Smart {
    exclude: Patterns,
    scratch: Scratch,
    prober: Prober<Job, Report>,
    rounds: Rounds,
    /// When facts are told although nothing was asked.
    facts: Every,
    /// By label.
    known: BTreeMap<String, Known>,
}

/// A disk that was seen before.
struct Known {
    /// Which one it was: another in its place begins anew.
    id: String,
    memory: Arc<Mutex<Memory>>,
    report: Option<Report>,
    /// Replaced sectors at the first reading.
    reallocated_first: Option<u64>,
    /// Its judgement of itself, where that is another one than at the last look.
    turned: Option<bool>,
    /// Whether it was asked in this run.
    asked: bool,
}

/// The judgement in a report, where it is another one than in the report before.
fn turned(before: Option<&Report>, after: &Report) -> Option<bool> {
    let passed = |report: &Report| report.reading.as_ref().and_then(|(_, reading)| reading.passed());
    let (before, after) = (passed(before?)?, passed(after)?);
    (before != after).then_some(after)
}

impl Smart {
    fn new(config: &Config) -> Result<Self, ConfigError> {
        in_range("disk_timeout_secs", config.disk_timeout_secs, 1..=DISK_TIMEOUT_MAX_SECS)?;
        in_range("disk_interval_secs", config.disk_interval_secs, 0..=DISK_INTERVAL_MAX_SECS)?;
        let patience =
            Patience { name: "smart", hedge: HEDGE, timeout: Duration::from_secs(config.disk_timeout_secs) };
        Ok(Self {
            exclude: Patterns::new(&config.exclude),
            scratch: Scratch::default(),
            prober: Prober::new(patience, examine),
            rounds: Rounds::new(Duration::from_secs(config.disk_interval_secs)),
            facts: Every::new(Every::FACTS),
            known: BTreeMap::new(),
        })
    }

    /// Asks those whose turn it is, and keeps what each said.
    #[expect(
        clippy::mutable_key_type,
        reason = "a job is known by its device and whose memory it has; neither changes"
    )]
    fn ask(&mut self, host: &HostRoot, targets: &[Target]) {
        let is_there = |label: &str| targets.iter().any(|target| target.label == label);
        self.known.retain(|label, _| is_there(label));
        let jobs: Vec<Job> = targets.iter().map(|target| self.job(host, target)).collect();
        let labels: Vec<&str> = targets.iter().map(|target| target.label.as_str()).collect();
        let due = self.rounds.due(&labels, Instant::now());
        let jobs = targets.iter().zip(jobs).filter(|(target, _)| due.contains(&target.label.as_str()));
        let jobs: Vec<(&Target, Job)> = jobs.collect();
        self.known.values_mut().for_each(|known| (known.asked, known.turned) = (false, None));
        let mut replies = self.prober.ask(jobs.iter().map(|(_, job)| job.clone()).collect());
        for (target, job) in &jobs {
            let Some(known) = self.known.get_mut(&target.label) else { continue };
            let report = match replies.remove(job) {
                Some(Reply::Answer(report)) => report,
                Some(Reply::NotAsked) => Report::stalled(known.report.as_ref(), NOT_ASKED),
                Some(Reply::Stalled) | None => Report::stalled(known.report.as_ref(), STALLED),
            };
            if known.reallocated_first.is_none() {
                known.reallocated_first =
                    report.reading.as_ref().and_then(|(_, reading)| reading.reallocated());
            }
            known.turned = turned(known.report.as_ref(), &report);
            if report.state == State::Stalled {
                self.rounds.hasten(&target.label);
            }
            (known.asked, known.report) = (true, Some(report));
        }
    }

    fn job(&mut self, host: &HostRoot, target: &Target) -> Job {
        let id = target.disks.first().map_or("", |(id, _)| id.as_str());
        let known = self.known.get(&target.label).filter(|known| known.id == id);
        let memory = known.map(|known| Arc::clone(&known.memory)).unwrap_or_else(|| {
            let memory = Arc::default();
            let known = Known {
                id: id.to_owned(),
                memory: Arc::clone(&memory),
                report: None,
                reallocated_first: None,
                turned: None,
                asked: false,
            };
            self.rounds.hasten(&target.label);
            self.known.insert(target.label.clone(), known);
            memory
        });
        Job { host: host.clone(), device: target.device.clone(), kind: target.kind.clone(), memory }
    }

    fn report(&self, label: &str) -> Option<(&Known, &Report)> {
        let known = self.known.get(label)?;
        Some((known, known.report.as_ref()?))
    }

    /// Tells what is known of the disks: facts of those that were asked, and now and then of all.
    fn tell(&mut self, targets: &[Target], out: &mut Readings) {
        let mut sink = Sink::default();
        let all_facts = self.facts.due();
        for target in targets {
            let Some((known, report)) = self.report(&target.label) else { continue };
            let now = report.reading.as_ref().and_then(|(_, reading)| reading.reallocated());
            let reallocations =
                now.zip(known.reallocated_first).map(|(now, first)| now.saturating_sub(first));
            samples::samples(&target.label, report, reallocations, &mut sink);
            for (id, device) in target.disks.iter().filter(|_| known.asked || all_facts) {
                out.fact("disk_health", id.clone(), fact::describe(device, report));
            }
            out.note(note(&target.label, report));
            if let Some(passed) = known.turned {
                tell_turn(target, report, passed, out);
            }
        }
        sink.add(&metrics::DEVICES, &[], targets.len() as f64);
        sink.push(out);
    }

    /// Tells which RAID controllers there are, and what of what they show can be read.
    fn tell_controllers(&self, found: &[Controller], disks: &[Disk], targets: &[Target], out: &mut Readings) {
        for controller in found {
            let behind = disks.iter().filter(|disk| controller.has(disk));
            let is_read = |disk: &Disk| {
                let target = targets.iter().find(|target| target.device == disk.device);
                let report = target.and_then(|target| self.report(&target.label));
                report.is_some_and(|(_, report)| report.state != State::Unsupported)
            };
            let shown: Vec<(String, bool)> =
                behind.map(|disk| (disk.device.clone(), is_read(disk))).collect();
            out.fact("raid_controller", controller.address.clone(), controller.describe(&shown));
            out.note(format!("{} {}: {}", controller.address, controller.family, controller.words()));
        }
    }
}

/// Tells that a disk has changed its judgement of itself.
fn tell_turn(target: &Target, report: &Report, passed: bool, out: &mut Readings) {
    let Some((_, reading)) = &report.reading else { return };
    let (who, verdict) = (reading.who(), reading.verdict());
    let (kind, severity, word) = match passed {
        true => ("disk_health_restored", Severity::Info, "is in order again"),
        false => ("disk_failing", Severity::Critical, "is failing"),
    };
    let message = format!("disk {} ({} {}) {word}: {verdict}", target.label, who.model, who.serial);
    let id = target.disks.first().map(|(id, _)| id.clone()).unwrap_or_default();
    let data = vec![("device", target.label.clone()), ("disk", id), ("verdict", verdict)];
    out.event(kind, severity, message, data);
}

/// Refuses a number of the configuration that is out of range.
fn in_range(key: &str, value: u64, range: RangeInclusive<u64>) -> Result<(), ConfigError> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(ConfigError::Value {
        origin: "configuration".to_owned(),
        key: format!("sources.smart.{key}"),
        problem: format!("must be {} to {}, not {value}", range.start(), range.end()),
    })
}

/// A disk's line for `hi-agent sources`.
fn note(label: &str, report: &Report) -> String {
    let model = report.reading.as_ref().map(|(_, reading)| reading.who().model).unwrap_or_default();
    let name = if model.is_empty() { label.to_owned() } else { format!("{label} ({model})") };
    let words = match report.state {
        State::Read => "read",
        State::Standby => "asleep, left asleep",
        State::Unsupported => "nothing to read",
        State::Permission => "needs permission",
        State::Failed => "failed",
        State::Stalled => "stalled",
    };
    match report.reason.is_empty() {
        true => format!("{name}: {words}"),
        false => format!("{name}: {words}: {}", report.reason),
    }
}

impl Source for Smart {
    fn read(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        let disks = disks(host, &mut self.scratch)?;
        let controllers = controllers(host, &mut self.scratch)?;
        let targets = targets(host, &mut self.scratch, &disks, &controllers, &self.exclude);
        self.ask(host, &targets);
        if targets.is_empty() && controllers.is_empty() {
            return Ok(Outcome::Absent);
        }
        self.tell(&targets, out);
        self.tell_controllers(&controllers, &disks, &targets, out);
        let is_denied = |target: &&Target| {
            self.report(&target.label).is_some_and(|(_, report)| report.state == State::Permission)
        };
        match targets.iter().find(is_denied) {
            Some(target) => {
                Err(SourceError::Permission { path: host.root(&format!("dev/{}", target.device)) })
            }
            None => Ok(Outcome::Read),
        }
    }
}

#[cfg(test)]
mod tests;
