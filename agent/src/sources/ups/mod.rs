//! Uninterruptible power supplies, as `upsc` and `apcaccess` show them: by NUT's network protocol (RFC 9271) from upsd, by apcupsd's from
//! apcupsd, here or elsewhere. Only asked, never logged in as a client that a UPS would wait for.
//!
//! Variables are metrics in nut_exporter's names, apcupsd's under the names that NUT has for them (see [`nis`]). While a UPS is on battery
//! the source rings, and is read more often.

mod ask;
mod changes;
mod config;
mod facts;
mod metrics;
mod names;
mod names_parts;
mod names_phases;
pub mod nis;
pub mod nut;
mod pace;
mod table;
mod unit;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use hi_common::config::{ConfigError, Section};
use hi_common::event::Severity;
use hi_common::fact::FactValue;

use crate::host::HostRoot;
use crate::source::pattern::Patterns;
use crate::source::prober::{Patience, Prober, Reply};
use crate::source::{Bell, Every, Outcome, Readings, Source, SourceDef, SourceError, own_section};
use ask::{Failure, Report, Wanted, ask};
use config::{Config, Server};
use metrics::Labelled;
use pace::Pace;
use unit::{State, Unit};

/// Row of the registry.
pub static DEF: SourceDef = SourceDef {
    name: "ups",
    summary: "UPSes, from upsd (NUT) and apcupsd on this machine or configured ones; more often while one is on battery.",
    interval: Duration::from_secs(15),
    timeout: Duration::from_secs(12),
    metrics: &metrics::METRICS,
    permission: "",
    keys: Config::keys,
    make: |table| Ok(Box::new(Ups::new(&own_section(table)?)?)),
};

/// Longest wait for a server of this machine: both are asked within one run.
const LOCAL_MAX: Duration = Duration::from_secs(5);
/// Time without an answer after which another thread goes on with the servers that are left.
const HEDGE: Duration = Duration::from_millis(250);

struct Ups {
    servers: Vec<Known>,
    wanted: Wanted,
    limit: Duration,
    /// Asks configured servers, each of which may hang; this machine's own are asked where they are read.
    prober: Option<Prober<Job, Result<Report, Failure>>>,
    facts: Every,
    pace: Pace,
}

/// A server, and what it told last.
struct Known {
    server: Arc<Server>,
    /// Whether it answered; `None` as long as it never was asked, or is not there and need not be.
    answers: Option<bool>,
    version: String,
    /// By name, with the variables of the last time that they could be read.
    units: BTreeMap<String, KnownUnit>,
}

struct KnownUnit {
    unit: Unit,
    told: Option<BTreeMap<String, FactValue>>,
}

/// A server to be asked on a thread.
#[derive(Clone)]
struct Job {
    host: HostRoot,
    server: Arc<Server>,
}

impl PartialEq for Job {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.server, &other.server)
    }
}

impl Eq for Job {}

impl Hash for Job {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.server.name.hash(state);
    }
}

impl Ups {
    fn new(config: &Config) -> Result<Self, ConfigError> {
        let servers = config::servers(config)?;
        let include = (!config.include.is_empty()).then(|| Patterns::new(&config.include));
        let wanted = Wanted { include, exclude: Patterns::new(&config.exclude) };
        let limit = Duration::from_secs(config.server_timeout_secs);
        let prober = (!config.servers.is_empty()).then(|| {
            // A server's own deadline ends first; what it does not bound is the name service.
            let patience = Patience { name: "ups", hedge: HEDGE, timeout: limit + HEDGE };
            let wanted = wanted.clone();
            Prober::new(patience, move |job: &Job| ask(&job.host, &job.server, &wanted, limit))
        });
        let known = |server| Known { server, answers: None, version: String::new(), units: BTreeMap::new() };
        Ok(Self {
            servers: servers.into_iter().map(known).collect(),
            wanted,
            limit,
            prober,
            facts: Every::new(Every::FACTS),
            pace: Pace::new(Duration::from_secs(config.on_battery_interval_secs)),
        })
    }

    /// Asks all servers; answers in their order.
    #[expect(clippy::mutable_key_type, reason = "a job is known by its server, which never changes")]
    fn ask(&self, host: &HostRoot) -> Vec<Result<Report, Failure>> {
        let Some(prober) = &self.prober else {
            let limit = self.limit.min(LOCAL_MAX);
            return self.servers.iter().map(|known| ask(host, &known.server, &self.wanted, limit)).collect();
        };
        let job = |known: &Known| Job { host: host.clone(), server: Arc::clone(&known.server) };
        let jobs: Vec<Job> = self.servers.iter().map(job).collect();
        let mut replies = prober.ask(jobs.clone());
        let result = |job: &Job| match replies.remove(job) {
            Some(Reply::Answer(result)) => result,
            _ => {
                let error = SourceError::Timeout { what: job.server.name.clone(), limit: self.limit };
                Err(Failure { absent: false, error })
            }
        };
        jobs.iter().map(result).collect()
    }

    fn look_at_all(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        let results = self.ask(host);
        let mut result = Ok(());
        for (known, told) in self.servers.iter_mut().zip(results) {
            if let Err(error) = known.learn(told, out) {
                result = Err(error);
            }
        }
        self.tell(out);
        let on_battery = |known: &Known| known.units.values().any(|known| known.unit.has("OB"));
        self.pace.set(host.is_live() && self.servers.iter().any(on_battery));
        let any = self.servers.iter().any(|known| known.answers.is_some());
        result.map(|()| if any { Outcome::Read } else { Outcome::Absent })
    }

    fn tell(&mut self, out: &mut Readings) {
        let all = self.facts.due();
        for known in &mut self.servers {
            known.tell_facts(all, out);
        }
        let asked = || self.servers.iter().filter(|known| known.answers.is_some());
        for known in asked() {
            let up = known.answers == Some(true);
            metrics::push_server(&known.server.name, known.server.protocol.word(), up, out);
        }
        let several = self.prober.is_some() && self.servers.len() > 1;
        let (mut names, mut twice) = (BTreeSet::new(), BTreeSet::new());
        for name in asked().flat_map(|known| known.units.keys()) {
            if !names.insert(name) {
                twice.insert(name);
            }
        }
        let mut units = Vec::new();
        for known in asked() {
            for (name, KnownUnit { unit, .. }) in &known.units {
                let is_told = several || twice.contains(name);
                let server = if is_told { known.server.name.as_str() } else { "" };
                units.push(Labelled { unit, server });
            }
        }
        metrics::push(&units, out);
    }
}

impl Known {
    /// Takes in what the server told, or why it did not.
    fn learn(&mut self, told: Result<Report, Failure>, out: &mut Readings) -> Result<(), SourceError> {
        let name = &self.server.name;
        let data = || vec![("server", name.clone()), ("protocol", self.server.protocol.word().to_owned())];
        match told {
            Ok(report) => {
                if self.answers == Some(false) && !self.units.is_empty() {
                    let message = format!("the server {name} tells its UPSes again");
                    out.event("ups_server_back", Severity::Info, message, data());
                }
                out.note(format!("{name}: {} UPSes", report.units.len()));
                self.version = report.version;
                let first = self.answers.is_none();
                self.answers = Some(true);
                self.learn_units(report.units, first, out);
                Ok(())
            }
            Err(failure) if failure.absent && self.answers.is_none() => Ok(()),
            Err(failure) => {
                if self.answers == Some(true) && !self.units.is_empty() {
                    let message =
                        format!("the server {name} does not tell its UPSes any more: {}", failure.error);
                    out.event("ups_server_gone", Severity::Warning, message, data());
                }
                out.note(format!("{name}: {}", failure.error));
                self.answers = Some(false);
                for known in self.units.values_mut() {
                    known.unit.state = State::ServerGone;
                    known.unit.reason = Some(failure.error.to_string());
                }
                Err(failure.error)
            }
        }
    }

    fn learn_units(&mut self, units: Vec<Unit>, first: bool, out: &mut Readings) {
        let names: BTreeSet<&str> = units.iter().map(|unit| unit.name.as_str()).collect();
        let server = &self.server;
        self.units.retain(|name, _| {
            let stays = names.contains(name.as_str());
            if !stays {
                out.fact_gone("ups", facts::id(server, name));
                let message = format!("UPS {name} is gone from the server {}", server.name);
                out.event(
                    "ups_gone",
                    Severity::Warning,
                    message,
                    data(server, &Unit::new(name, State::Error)),
                );
            }
            stays
        });
        for mut unit in units {
            match self.units.get_mut(&unit.name) {
                Some(known) => {
                    if unit.state != State::Ok {
                        unit.variables = std::mem::take(&mut known.unit.variables);
                        // Compared with what it says when it can be read again.
                        known.unit.variables.clone_from(&unit.variables);
                    }
                    for change in changes::changes(&known.unit, &unit) {
                        out.event(change.kind, change.severity, change.message, data(server, &unit));
                    }
                    known.unit = unit;
                }
                None => {
                    if !first {
                        let message = format!("UPS {} has come to the server {}", unit.name, server.name);
                        out.event("ups_found", Severity::Info, message, data(server, &unit));
                    }
                    self.units.insert(unit.name.clone(), KnownUnit { unit, told: None });
                }
            }
        }
    }

    fn tell_facts(&mut self, all: bool, out: &mut Readings) {
        for (name, known) in &mut self.units {
            let doc = facts::describe(&self.server, &self.version, &known.unit);
            if all || known.told.as_ref() != Some(&doc) {
                out.fact("ups", facts::id(&self.server, name), doc.clone());
                known.told = Some(doc);
            }
        }
    }
}

/// Details of an event.
fn data(server: &Server, unit: &Unit) -> Vec<(&'static str, String)> {
    let mut data = vec![("ups", unit.name.clone()), ("server", server.name.clone())];
    for (key, variable) in [
        ("status", "ups.status"),
        ("battery_charge_percent", "battery.charge"),
        ("battery_runtime_seconds", "battery.runtime"),
        ("load_percent", "ups.load"),
    ] {
        data.extend(unit.text(variable).map(|text| (key, text.to_owned())));
    }
    data.extend(unit.reason.clone().map(|reason| ("reason", reason)));
    data
}

impl Source for Ups {
    fn read(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        self.look_at_all(host, out)
    }

    fn bell(&self) -> Option<Bell> {
        Some(self.pace.bell())
    }

    fn look(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        self.look_at_all(host, out)
    }
}

#[cfg(test)]
mod tests;
