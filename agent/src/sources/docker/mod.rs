//! Containers of Docker and Podman: what they are and what happens to them from their engines, whose events are listened to;
//! what they use from the files of their cgroups and networks, which costs the engine nothing.
//!
//! Engines are found by their sockets, or named in the configuration. They are only read. What an engine says is kept while it
//! does not answer; containers that outlive it are measured all the same.

pub mod cgroup;
mod engines;
mod facts;
mod happenings;
mod measure;
mod metrics;
mod parts;
mod telling;
mod watched;

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hi_common::config::{ConfigError, Section};
use hi_common::config_section;

use crate::engine::{Status, Trouble};
use crate::host::{At, HostRoot};
use crate::source::pattern::Patterns;
use crate::source::{Bell, Every, Outcome, Readings, Source, SourceDef, SourceError, own_section};
use engines::Address;
use measure::Reader;
use metrics::{EngineRow, Row};
use watched::{Filter, Watched};

config_section! {
    /// Containers of Docker and Podman.
    pub struct Config in "sources.docker" {
        /// Whether engines are looked for where they usually listen: `/var/run/docker.sock`, `/run/podman/podman.sock`, and
        /// `docker.sock` and `podman/podman.sock` in the folders of users below `/run/user`.
        pub detect: bool = true,
        /// Further engines: `nas=tcp://nas.lan:2375`, `nas=tls://nas.lan:2376,/folder` with `ca.pem`, `cert.pem` and `key.pem`
        /// in the folder, `other=unix:///path/to.sock`. A read-only proxy of a socket is named here, too.
        pub engines: Vec<String> = Vec::new(),
        /// Shell patterns of names of containers that are looked at; none means all.
        pub include: Vec<String> = Vec::new(),
        /// Shell patterns of names of containers left out.
        pub exclude: Vec<String> = Vec::new(),
        /// Shell patterns of labels that are kept.
        pub labels: Vec<String> = [
            "com.docker.compose.project", "com.docker.compose.service", "com.docker.compose.project.working_dir",
            "org.opencontainers.image.*",
        ].map(str::to_owned).to_vec(),
        /// Seconds between two questions for the disk space of images, containers and volumes, which takes an engine long; at
        /// least 600, and 0 never asks.
        pub disk_usage_interval_secs: u64 = 3600,
    }
}

/// Row of the registry.
pub static DEF: SourceDef = SourceDef {
    name: "docker",
    summary: "Containers of Docker and Podman: state, health and events from the engine's socket, use of CPU, memory, network and \
              disks from their cgroups (v1 and v2).",
    interval: Duration::from_secs(10),
    timeout: Duration::from_secs(8),
    metrics: &metrics::METRICS,
    permission: "Access to the socket of the engine. SupplementaryGroups=docker grants it; who may write to that socket is root in \
                 all but name, though this agent only sends GET requests. Safer is a proxy that lets only those through \
                 (sources.docker.engines = [\"docker=tcp://127.0.0.1:2375\"]).",
    keys: Config::keys,
    make: |table| Ok(Box::new(Docker::new(&own_section(table)?)?)),
};

/// How long the first read waits for engines to answer, all together.
const FIRST_ANSWER_MAX: Duration = Duration::from_secs(4);
/// How often sockets are looked for.
const FIND_EVERY: Duration = Duration::from_secs(60);
/// Least time between two questions for disk space.
const DISK_USAGE_EVERY_MIN: u64 = 600;
/// Beyond as many running containers, only the metrics looked at most are told of each.
const MANY: usize = 400;
/// Where the kernel links numbers of block devices to their names.
const BLOCK_DEVICES: &str = "dev/block";

struct Docker {
    configured: Vec<Address>,
    detect: bool,
    filter: Filter,
    labels: Patterns,
    disk_usage_every: Option<Duration>,
    engines: Vec<Watched>,
    find: Every,
    all: Every,
    reader: Reader,
    bell: Bell,
    /// Names of block devices by their numbers.
    devices: HashMap<(u32, u32), String>,
    /// Of each part that had containers, the labels of one.
    parts: Vec<Option<[String; 5]>>,
}

impl Docker {
    fn new(config: &Config) -> Result<Self, ConfigError> {
        let configured =
            config.engines.iter().map(|text| engines::configured(text)).collect::<Result<_, _>>()?;
        let disk_usage = Some(config.disk_usage_interval_secs).filter(|&seconds| seconds > 0);
        Ok(Self {
            configured,
            detect: config.detect,
            filter: Filter { include: config.include.clone(), exclude: Patterns::new(&config.exclude) },
            labels: Patterns::new(&config.labels),
            disk_usage_every: disk_usage
                .map(|seconds| Duration::from_secs(seconds.max(DISK_USAGE_EVERY_MIN))),
            engines: Vec::new(),
            find: Every::new(FIND_EVERY),
            all: Every::new(Every::FACTS),
            reader: Reader::default(),
            bell: Bell::default(),
            devices: HashMap::new(),
            parts: vec![None; parts::COUNT],
        })
    }

    /// Begins to listen to engines that are new. One whose socket is gone stays: it may come back.
    fn find(&mut self, host: &HostRoot) {
        let detected = if self.detect { engines::detect(host) } else { Vec::new() };
        for address in self.configured.iter().cloned().chain(detected) {
            let known = self
                .engines
                .iter()
                .any(|one| one.address.name == address.name || one.address.endpoint == address.endpoint);
            if known {
                continue;
            }
            let is_default = self.engines.is_empty();
            let (labels, disk) = (self.labels.clone(), self.disk_usage_every);
            self.engines.push(Watched::new(address, is_default, labels, disk, host, self.bell.clone()));
        }
        // The default engine is the first that was found: Docker's own before others, whatever the configuration adds.
    }

    /// Takes over what the engines know and tells what happened.
    fn update(&mut self, host: &HostRoot, out: &mut Readings) {
        let deadline = Instant::now() + FIRST_ANSWER_MAX;
        let all = self.all.due();
        for engine in &mut self.engines {
            let patience = deadline.saturating_duration_since(Instant::now());
            engine.update(host, patience, &self.filter, out);
            engine.tell(all, out);
        }
    }

    fn outcome(&self, out: &mut Readings) -> Result<Outcome, SourceError> {
        let mut failed = None;
        for engine in &self.engines {
            match &engine.snapshot.status {
                Status::Down(trouble) => {
                    let (name, endpoint) = (&engine.address.name, &engine.address.endpoint);
                    out.note(format!("{name} ({endpoint}): {}: {}", trouble.reason, trouble.message));
                    failed.get_or_insert((engine.address.endpoint.to_string(), trouble));
                }
                Status::Unknown => out.note(format!("{}: has not answered yet", engine.address.name)),
                Status::Up => {
                    let about = engine.snapshot.about.as_deref().cloned().unwrap_or_default();
                    let (name, count) = (&engine.address.name, engine.known.len());
                    let (product, version, api) = (about.product, about.version, about.api_version);
                    out.note(format!("{name}: {product} {version}, API {api}, {count} containers"));
                }
            }
            if engine.snapshot.left_out > 0 {
                out.note(format!(
                    "{}: {} containers left out",
                    engine.address.name, engine.snapshot.left_out
                ));
            }
        }
        let up = self.engines.iter().any(|engine| engine.snapshot.status == Status::Up);
        match failed {
            Some((endpoint, trouble)) if !up => Err(error(endpoint, trouble)),
            _ if self.engines.is_empty() => Ok(Outcome::Absent),
            _ => Ok(Outcome::Read),
        }
    }

    /// Pushes the metrics of all containers, part by part.
    fn push(&mut self, now: f64, out: &mut Readings) {
        let engine_rows: Vec<EngineRow<'_>> = self.engines.iter().map(Watched::row).collect();
        metrics::push_engines(&engine_rows, out);
        let mut rows: Vec<Vec<Row<'_>>> = Vec::new();
        rows.resize_with(parts::COUNT, Vec::new);
        let mut running = 0;
        for engine in &self.engines {
            for one in engine.known.values() {
                running += usize::from(one.usage.is_some());
                if let Some(part) = rows.get_mut(one.part) {
                    part.push(engine.container_row(one, now));
                }
            }
        }
        if running > MANY {
            out.note(format!(
                "{running} running containers: of more than {MANY} only the most important metrics"
            ));
        }
        for (part, (rows, before)) in rows.iter().zip(&mut self.parts).enumerate() {
            let first = rows.iter().find(|row| row.usage.is_some());
            if rows.is_empty() && before.is_none() {
                continue;
            }
            out.part(parts::name(part));
            metrics::push(rows, running > MANY, out);
            if let (Some(labels), true) = (&before, rows.is_empty()) {
                metrics::push_gone(labels.each_ref().map(String::as_str), out);
            }
            *before = match (first, rows.is_empty()) {
                (_, true) => None,
                (Some(row), false) => Some(row.labels.map(str::to_owned)),
                (None, false) => rows.first().map(|row| row.labels.map(str::to_owned)),
            };
        }
    }
}

impl Source for Docker {
    fn read(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        if self.find.due() {
            self.find(host);
        }
        self.update(host, out);
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now_ms = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        for engine in &mut self.engines {
            engine.measure(host, &mut self.reader, &mut self.devices, now_ms);
        }
        self.push(since.as_secs_f64(), out);
        self.outcome(out)
    }

    fn bell(&self) -> Option<Bell> {
        Some(self.bell.clone())
    }

    fn look(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        self.update(host, out);
        self.outcome(out)
    }
}

/// Name of a block device as cAdvisor tells it.
fn device_name(host: &HostRoot, (major, minor): (u32, u32)) -> String {
    let link = host.link(At::Sys, &format!("{BLOCK_DEVICES}/{major}:{minor}"));
    match link.as_deref().and_then(|target| target.rsplit('/').next()) {
        Some(name) => format!("/dev/{name}"),
        None => format!("{major}:{minor}"),
    }
}

/// Why nothing could be read.
fn error(endpoint: String, trouble: &Trouble) -> SourceError {
    let path = PathBuf::from(&endpoint);
    match trouble.reason.as_str() {
        "permission" => SourceError::Permission { path },
        "missing" => SourceError::Missing { path },
        "timeout" => SourceError::Timeout { what: endpoint, limit: Duration::from_secs(10) },
        "garbage" | "too_large" => SourceError::parse(endpoint, trouble.message.clone()),
        _ => SourceError::Io { path, source: io::Error::other(trouble.message.clone()) },
    }
}

#[cfg(test)]
mod tests;
