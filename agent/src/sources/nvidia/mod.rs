//! NVIDIA GPUs: what `nvidia-smi` shows, through NVML, the library that it asks as well. The library is loaded only where the
//! kernel has the driver and a GPU, and let go when the version of the driver changes.
//!
//! While the library is loaded it holds the driver's devices open: the kernel modules can only be unloaded when the agent is
//! stopped. A GPU that goes to sleep by itself (Runtime D3, in laptops) is not asked while it sleeps; one that may sleep and has
//! nothing to do is asked once a minute, with the library let go in between, so that it falls asleep.

mod apps;
mod changes;
mod facts;
mod fields;
pub mod listed;
mod metrics;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hi_common::config_section;

use crate::host::{At, HostRoot, Scratch};
use crate::source::pattern::Patterns;
use crate::source::{Every, Outcome, Readings, Source, SourceDef, SourceError, own_section};
use crate::sys::nvml::{Failure, Reading, Said, Session, Wish, code};
use changes::Seen;
use facts::Doc;
use listed::Listed;
use view::{State, View, mend};

config_section! {
    /// NVIDIA GPUs.
    pub struct Config in "sources.nvidia" {
        /// Shell patterns of GPUs left out, by PCI address (`0000:0c:00.0`), UUID (`GPU-…`) or name: they are never opened.
        pub exclude: Vec<String> = Vec::new(),
        /// Whether each process that computes is told by its number (`nvidia_smi_compute_app_*`): new series with each start of one.
        pub compute_apps: bool = false,
        /// Whether the traffic over PCIe is measured, which keeps NVML busy for 40 ms per GPU.
        pub pcie_throughput: bool = false,
    }
}

/// Row of the registry.
pub static DEF: SourceDef = SourceDef {
    name: "nvidia",
    summary: "NVIDIA GPUs: load, memory, temperature, power, clocks and what holds them down, ECC, PCIe, encoder, processes, MIG, \
              errors (Xid), through NVML.",
    interval: Duration::from_secs(10),
    timeout: Duration::from_secs(9),
    metrics: &metrics::METRICS,
    permission: "access to the GPUs' devices, which every user may open as the driver makes them (mode 0666): in the unit \
                 DeviceAllow=char-nvidia rw and DeviceAllow=char-nvidiactl rw (DeviceAllow=char-nvidia-frontend rw for \
                 drivers before 550), with PrivateDevices=no (systemd/hi-agent-gpu.conf).",
    keys: <Config as hi_common::config::Section>::keys,
    make: |table| Ok(Box::new(Nvidia::new(&own_section(table)?))),
};

/// How long NVML may take for all GPUs.
const PATIENCE: Duration = Duration::from_secs(7);
/// After which time a library that could not be loaded is tried again, and a GPU that should fall asleep is asked again.
const REST: Duration = Duration::from_secs(60);
/// The driver's control device, below `/dev`.
const CONTROL: &str = "nvidiactl";
/// Most pairs of GPU and error that are counted.
const XIDS_MAX: usize = 256;
/// `nvmlReturn_t` for what took too long, and for what nobody knows.
const TIMEOUT: u32 = 10;
const UNKNOWN: u32 = 999;

struct Nvidia {
    config: Config,
    exclude: Patterns,
    scratch: Scratch,
    session: Option<Session>,
    /// Version of the driver that the library was loaded for.
    version: String,
    /// What was said last, until it is time to ask again.
    resting: Option<(Instant, Said)>,
    failures: u64,
    /// Errors by GPU and code: how often, when last.
    xids: BTreeMap<(String, u64), (u64, f64)>,
    /// GPUs as they were at the last reading, by address.
    seen: BTreeMap<String, (View, Seen)>,
    /// Facts as they were told last.
    told: BTreeMap<String, Doc>,
    every: Every,
}

impl Nvidia {
    fn new(config: &Config) -> Self {
        Self {
            exclude: Patterns::new(&config.exclude),
            config: config.clone(),
            scratch: Scratch::default(),
            session: None,
            version: String::new(),
            resting: None,
            failures: 0,
            xids: BTreeMap::new(),
            seen: BTreeMap::new(),
            told: BTreeMap::new(),
            every: Every::new(Every::FACTS),
        }
    }

    /// GPUs that are listed and not left out.
    fn listed(&mut self, host: &HostRoot) -> Result<Vec<Listed>, SourceError> {
        let mut gpus = listed::gpus(host, &mut self.scratch)?;
        for gpu in &mut gpus {
            // A GPU in trouble does not tell its identity any more.
            let known = self.seen.get(&gpu.address).filter(|_| gpu.uuid.is_empty());
            if let Some((view, _)) = known {
                gpu.uuid.clone_from(&view.listed.uuid);
            }
        }
        let exclude = &self.exclude;
        gpus.retain(|gpu| {
            ![&gpu.address, &gpu.uuid, &gpu.model].into_iter().any(|name| exclude.matches(name))
        });
        Ok(gpus)
    }

    /// Asks NVML for the GPUs, unless it is to rest.
    fn ask(&mut self, host: &HostRoot, gpus: &[&Listed]) -> io::Result<Said> {
        if let Some((since, said)) = &self.resting {
            if since.elapsed() < REST {
                return Ok(said.clone());
            }
            self.resting = None;
        }
        let wish = Wish {
            addresses: gpus.iter().map(|gpu| gpu.address.clone()).collect(),
            pcie_throughput: self.config.pcie_throughput,
        };
        let session = &mut self.session;
        let said = host.call("dev/nvidiactl", "nvml", |_| {
            let loaded = match session.take() {
                Some(loaded) => loaded,
                None => Session::start(None)?,
            };
            session.insert(loaded).read(wish, PATIENCE)
        });
        match &said {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
            Err(_) => self.session = None,
            Ok(Said::Failed(failure)) => {
                self.session = None;
                self.resting = Some((Instant::now(), Said::Failed(failure.clone())));
            }
            Ok(Said::Reading(reading)) if gpus.iter().any(|gpu| gpu.sleeps) => {
                self.session = None;
                if is_idle(reading) {
                    let reading = Reading { xids: Vec::new(), ..reading.clone() };
                    self.resting = Some((Instant::now(), Said::Reading(reading)));
                }
            }
            Ok(Said::Reading(_)) => {}
        }
        said
    }

    /// Reads all GPUs: what became of each, what NVML said of them together, and its code.
    fn views(&mut self, host: &HostRoot, gpus: Vec<Listed>) -> (Vec<View>, Reading, Result<(), Failure>) {
        let control = host.exists(At::Dev, CONTROL);
        let node =
            |gpu: &Listed| gpu.minor.is_none_or(|minor| host.exists(At::Dev, &format!("nvidia{minor}")));
        let (asked, silent): (Vec<_>, Vec<_>) =
            gpus.into_iter().partition(|gpu| !gpu.suspended && control && node(gpu));
        let mut views: Vec<View> = silent.into_iter().map(|gpu| unasked(gpu, control)).collect();
        let mut outcome = match views.iter().find(|view| view.state == State::Unreadable) {
            Some(view) => Err(Failure { code: code::NO_PERMISSION, text: view.reason.clone() }),
            None => Ok(()),
        };
        if asked.is_empty() {
            // Nothing of the driver is held while all sleep.
            self.session = None;
            return (views, Reading::default(), outcome);
        }
        let said = match self.ask(host, &asked.iter().collect::<Vec<_>>()) {
            Ok(said) => said,
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Said::Failed(Failure {
                code: TIMEOUT,
                text: format!("NVML has not answered within {} s: the driver hangs", PATIENCE.as_secs()),
            }),
            Err(error) => Said::Failed(Failure { code: UNKNOWN, text: error.to_string() }),
        };
        let reading = match said {
            Said::Reading(mut reading) => {
                for gpu in asked {
                    let at = reading.devices.iter().position(|device| device.pci_address == gpu.address);
                    views.push(match at {
                        Some(at) => View::asked(gpu, reading.devices.swap_remove(at), &self.version),
                        None => View::silent(gpu, State::Unreadable, "NVML does not list it"),
                    });
                }
                reading
            }
            Said::Failed(failure) => {
                let reason = mend(&failure, &self.version);
                views.extend(asked.into_iter().map(|gpu| View::silent(gpu, State::Unreadable, &reason)));
                outcome = Err(Failure { code: failure.code, text: reason });
                Reading::default()
            }
        };
        views.sort_by(|a, b| a.listed.address.cmp(&b.listed.address));
        (views, reading, outcome)
    }

    /// Counts the errors that the driver reported, and tells them.
    fn take_xids(&mut self, views: &[View], reading: &Reading, out: &mut Readings) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        for xid in &reading.xids {
            let view = views.iter().find(|view| !xid.uuid.is_empty() && view.listed.uuid == xid.uuid);
            let event = changes::xid(view, xid);
            out.event(event.kind, event.severity, event.message, event.data);
            let key = (view.map_or(String::new(), View::id), xid.code);
            if self.xids.len() < XIDS_MAX || self.xids.contains_key(&key) {
                let (count, at) = self.xids.entry(key).or_default();
                (*count, *at) = (*count + 1, now);
            }
        }
        metrics::push_xids(&self.xids, out);
    }

    /// Tells what changed since the last reading.
    fn compare(&mut self, views: &[View], out: &mut Readings) {
        let addresses: BTreeSet<&str> = views.iter().map(|view| view.listed.address.as_str()).collect();
        let mut events = Vec::new();
        self.seen.retain(|address, (view, _)| {
            let stays = addresses.contains(address.as_str());
            if !stays {
                events.push(changes::gone(view));
            }
            stays
        });
        for view in views {
            match self.seen.get_mut(&view.listed.address) {
                Some((before, seen)) => {
                    events.extend(seen.events(view));
                    before.clone_from(view);
                }
                None => {
                    self.seen.insert(view.listed.address.clone(), (view.clone(), Seen::new(view)));
                }
            }
        }
        for event in events {
            out.event(event.kind, event.severity, event.message, event.data);
        }
    }

    /// Tells the facts that changed, and all now and then.
    fn tell(&mut self, views: &[View], reading: &Reading, out: &mut Readings) {
        let anyway = self.every.due();
        let mut before = std::mem::take(&mut self.told);
        for view in views {
            let mut doc = facts::describe(view, &self.version, &reading.cuda_version);
            let id = view.id();
            let was = before.remove(&id);
            if let Some(was) = was.as_ref().filter(|_| view.device.numbers.is_empty()) {
                // What was known of a GPU that does not answer still holds.
                for (key, value) in was.iter().filter(|(key, _)| key.as_str() != "reason") {
                    doc.entry(key.clone()).or_insert_with(|| value.clone());
                }
            }
            if anyway || was.as_ref() != Some(&doc) {
                out.fact("gpu", id.clone(), doc.clone());
            }
            self.told.insert(id, doc);
        }
        for id in before.into_keys() {
            out.fact_gone("gpu", id);
        }
    }
}

impl Source for Nvidia {
    fn read(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        let version = listed::version(host, &mut self.scratch)?;
        let gpus = if version.is_some() { self.listed(host)? } else { Vec::new() };
        let version = version.unwrap_or_default();
        if version != self.version {
            // The library that is loaded belongs to the driver that was there before.
            (self.session, self.resting) = (None, None);
            self.version = version;
        }
        if gpus.is_empty() {
            self.session = None;
            self.compare(&[], out);
            self.tell(&[], &Reading::default(), out);
            return Ok(Outcome::Absent);
        }
        let (views, reading, outcome) = self.views(host, gpus);
        self.failures += u64::from(outcome.is_err());
        metrics::push_outcome(
            outcome.as_ref().map_or_else(|failure| failure.code, |()| 0),
            self.failures,
            out,
        );
        metrics::push_states(&views, out);
        metrics::push_devices(&views, &self.version, &reading.cuda_version, out);
        apps::push(host, &mut self.scratch, &views, self.config.compute_apps, out);
        self.take_xids(&views, &reading, out);
        self.compare(&views, out);
        self.tell(&views, &reading, out);
        for view in &views {
            if !view.device.denied.is_empty() {
                out.note(format!(
                    "{}: no permission for {}",
                    view.listed.address,
                    view.device.denied.join(", ")
                ));
            }
            if view.state.has_failed() {
                out.note(format!("{}: {}", view.listed.address, view.reason));
            }
        }
        outcome.map(|()| Outcome::Read).map_err(|failure| error(host, failure))
    }
}

/// A GPU that cannot, or must not, be asked.
fn unasked(gpu: Listed, control: bool) -> View {
    if gpu.suspended {
        return View::silent(gpu, State::Suspended, "");
    }
    let node = match gpu.minor.filter(|_| control) {
        Some(minor) => format!("nvidia{minor}"),
        None => CONTROL.to_owned(),
    };
    let reason = format!(
        "its device {node} is not there for the agent: the unit needs what systemd/hi-agent-gpu.conf grants; outside of a unit, \
         nvidia-modprobe -c 0 -u makes it"
    );
    View::silent(gpu, State::Unreadable, &reason)
}

/// Whether all GPUs have nothing to do.
fn is_idle(reading: &Reading) -> bool {
    reading.devices.iter().all(|device| {
        let unused = device.processes.as_ref().is_none_or(Vec::is_empty);
        unused && device.numbers.get("utilization.gpu").is_none_or(|percent| *percent == 0.0)
    })
}

fn error(host: &HostRoot, failure: Failure) -> SourceError {
    let path = host.root("dev/nvidiactl");
    match failure.code {
        code::NO_PERMISSION => SourceError::Permission { path },
        TIMEOUT => SourceError::Timeout { what: "NVML".to_owned(), limit: PATIENCE },
        _ => SourceError::Io { path, source: io::Error::other(failure.text) },
    }
}

#[cfg(test)]
mod tests;
