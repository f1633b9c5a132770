//! OpenZFS: what `zpool status -v`, `zpool list` and `zfs list` show, from its control device (module/zfs/zfs_ioctl.c, commands
//! that only read), and what its kernel statistics below `/proc/spl/kstat/zfs` count. Versions 2.0 to 2.4.

mod changes;
pub mod damage;
mod dataset;
mod datasets;
mod facts;
mod kstat;
mod kstat_names;
mod listing;
mod metrics;
pub mod nvlist;
mod pool;
mod properties;
mod question;
mod scan;
mod status;
mod vdev;
mod vdev_name;

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hi_common::config::{ConfigError, Section};
use hi_common::config_section;
use hi_common::metric::MetricDef;

use crate::host::{At, HostRoot, Scratch};
use crate::source::pattern::Patterns;
use crate::source::{Every, Outcome, Readings, Source, SourceDef, SourceError, own_section, read_error};
use crate::sys::zfs::Command;
use changes::Seen;
use damage::Damages;
use datasets::Datasets;
use listing::{DEVICE, ask};
use nvlist::{List, decode};
use pool::Pool;
use question::{Ask, reply};

config_section! {
    /// ZFS.
    pub struct Config in "sources.zfs" {
        /// Whether filesystems, volumes and snapshots are listed, not only pools. Listing may read from disks that sleep.
        pub datasets: bool = true,
        /// Seconds between two listings of them: 30 to 600.
        pub datasets_interval_secs: u64 = 300,
        /// Shell patterns of datasets left out, with all below them: `tank/docker`.
        pub exclude_datasets: Vec<String> = Vec::new(),
    }
}

/// Every metric of the source.
const METRICS: [&MetricDef; kstat::METRICS.len() + metrics::METRICS.len()] = {
    let mut all = [kstat::METRICS[0]; kstat::METRICS.len() + metrics::METRICS.len()];
    let mut index = 0;
    while index < all.len() {
        all[index] = if index < kstat::METRICS.len() {
            kstat::METRICS[index]
        } else {
            metrics::METRICS[index - kstat::METRICS.len()]
        };
        index += 1;
    }
    all
};

/// Row of the registry.
pub static DEF: SourceDef = SourceDef {
    name: "zfs",
    summary: "OpenZFS: pools, their devices, errors, scrubs and resilvers, datasets and snapshots from /dev/zfs, statistics from \
              /proc/spl/kstat/zfs.",
    interval: Duration::from_secs(30),
    timeout: Duration::from_secs(25),
    metrics: &METRICS,
    permission: "access to /dev/zfs, which every user may open as OpenZFS installs it (mode 0666): in the unit DeviceAllow=/dev/zfs rw, \
                 with PrivateDevices=no; without it there are only the kernel's statistics. For the names of damaged files \
                 CAP_SYS_ADMIN, in the unit AmbientCapabilities=CAP_SYS_ADMIN and the same in CapabilityBoundingSet=.",
    keys: Config::keys,
    make: |table| Ok(Box::new(Zfs::new(&own_section(table)?)?)),
};

/// The shortest and longest time between two listings of datasets, in seconds; after two and a half of the longest a dataset
/// that is not told any more counts as gone.
const DATASETS_SECS: std::ops::RangeInclusive<u64> = 30..=Every::FACTS.as_secs();
/// Versions whose structures were looked up.
const UNDERSTOOD: std::ops::RangeInclusive<(u32, u32)> = (2, 0)..=(2, 4);
/// Version from which on a scan counts what it skips.
const SCANS_SKIP: (u32, u32) = (2, 2);

struct Zfs {
    datasets: Option<Datasets>,
    exclude: Patterns,
    scratch: Scratch,
    facts: Every,
    /// Fingerprint of the fact that was told of each pool.
    told: BTreeMap<String, u64>,
    /// Pools as they were at the last run.
    seen: BTreeMap<String, Seen>,
    damages: Damages,
}

/// The kernel's OpenZFS.
struct Module {
    text: String,
    /// Major and minor; `None` for a text of another form.
    version: Option<(u32, u32)>,
}

impl Zfs {
    fn new(config: &Config) -> Result<Self, ConfigError> {
        if !DATASETS_SECS.contains(&config.datasets_interval_secs) {
            return Err(ConfigError::Value {
                origin: "configuration".to_owned(),
                key: format!("{}.datasets_interval_secs", Config::NAME),
                problem: format!(
                    "must be {} to {}, not {}",
                    DATASETS_SECS.start(),
                    DATASETS_SECS.end(),
                    config.datasets_interval_secs
                ),
            });
        }
        let exclude = Patterns::new(&config.exclude_datasets);
        let period = Duration::from_secs(config.datasets_interval_secs);
        Ok(Self {
            datasets: config.datasets.then(|| Datasets::new(period, exclude.clone())),
            exclude,
            scratch: Scratch::default(),
            facts: Every::new(Every::FACTS),
            told: BTreeMap::new(),
            seen: BTreeMap::new(),
            damages: Damages::default(),
        })
    }

    /// Reads all pools, and their datasets if it is time.
    fn read_pools(
        &mut self,
        host: &HostRoot,
        module: &Module,
        out: &mut Readings,
    ) -> Result<(), SourceError> {
        // Opening the control device loads the module where there is none; here there is one.
        let names = match pool_names(host) {
            Ok(names) => names,
            Err(error) => {
                self.datasets.iter_mut().for_each(Datasets::clear);
                return Err(error);
            }
        };
        let now = host.is_live().then(unix_seconds);
        let all = self.facts.due();
        self.told.retain(|name, _| {
            let stays = names.contains(name);
            if !stays {
                out.fact_gone("pool", name.as_str());
            }
            stays
        });
        self.seen.retain(|name, _| names.contains(name));
        self.damages.retain(&names);
        let mut result = Ok(());
        let mut imported = Vec::new();
        for name in &names {
            match self.read_pool(host, module, name, now, all, out) {
                Ok(altroot) => imported.extend(altroot.map(|altroot| (name.clone(), altroot))),
                Err(error) => result = Err(error),
            }
        }
        if let Some(datasets) = &mut self.datasets {
            result = datasets.refresh(host, &names, &imported, now, out).and(result);
            datasets.push(out);
        }
        result
    }

    /// Reads a pool; yields where it is mounted, `None` when it could not be opened.
    fn read_pool(
        &mut self,
        host: &HostRoot,
        module: &Module,
        name: &str,
        now: Option<u64>,
        all: bool,
        out: &mut Readings,
    ) -> Result<Option<String>, SourceError> {
        let stats = ask(host, &Ask { command: Command::PoolStats, name, cookie: 0 })?.map(reply);
        // Exported since the names were read.
        let Some(stats) = stats else { return Ok(None) };
        let unopened = stats.cookie != 0;
        let skips = module.version.is_none_or(|version| version >= SCANS_SKIP);
        let config = parse(name, &stats.list)?;
        let pool =
            Pool::new(&config, unopened, skips).map_err(|problem| SourceError::parse(name, problem))?;
        // Properties of a suspended pool might have to be read from its disks, for which everybody waits.
        let answer = match unopened || pool.suspended.is_some() {
            true => None,
            false => ask(host, &Ask { command: Command::PoolGetProps, name, cookie: 0 })?.map(reply),
        };
        let properties =
            answer.as_ref().map_or_else(|| Ok(List::default()), |answer| parse(name, &answer.list))?;
        let status = status::status(&pool);
        metrics::push_pool(&pool, &properties, now, out);
        let damage = self.damages.of(host, &pool, all, &mut self.scratch);
        if let Some(reason) = damage.and_then(|damage| damage.unread.as_deref()) {
            out.note(format!("pool {name}: which files are damaged is not known: {reason}"));
        }
        let before = self.seen.insert(name.to_owned(), Seen::new(&pool));
        let damaged = damage.map_or(&[][..], |damage| &damage.names);
        for event in before.iter().flat_map(|before| changes::events(before, &pool, damaged)) {
            out.event(event.kind, event.severity, event.message, event.data);
        }
        let place = |path: &str| device_of(host, path);
        let doc = facts::of_pool(&pool, &properties, status, damage, module.note(), &place);
        let told = facts::fingerprint(&doc);
        if self.told.insert(name.to_owned(), told) != Some(told) || all {
            out.fact("pool", name, doc);
        }
        let altroot = properties::text(&properties, "altroot").unwrap_or("").trim_end_matches('/');
        Ok((!unopened && pool.suspended.is_none()).then(|| altroot.to_owned()))
    }
}

impl Module {
    fn new(text: &str) -> Self {
        let mut numbers = text.split(['.', '-']).map(|part| part.parse().ok());
        let version = numbers.next().flatten().zip(numbers.next().flatten());
        Self { text: text.to_owned(), version }
    }

    fn is_understood(&self) -> bool {
        self.version.is_some_and(|version| UNDERSTOOD.contains(&version))
    }

    /// Whether the structures through which the kernel is asked may have been others.
    fn is_too_old(&self) -> bool {
        self.version.is_some_and(|version| version < *UNDERSTOOD.start())
    }

    fn note(&self) -> Option<&'static str> {
        (!self.is_understood()).then_some(
            "This version of OpenZFS is newer than what the agent knows: what it does not recognise is missing.",
        )
    }
}

impl Source for Zfs {
    fn read(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        let (found, result) = kstat::read(host, &mut self.scratch, &self.exclude, out);
        let module = host.attribute(&mut self.scratch, "module/zfs/version").map(Module::new);
        let Some(module) = module else {
            return result.map(|()| if found.any { Outcome::Read } else { Outcome::Absent });
        };
        metrics::push_module(&module.text, module.is_understood(), out);
        if module.is_too_old() {
            return result.map(|()| Outcome::Read);
        }
        let pools = self.read_pools(host, &module, out);
        pools.and(result).map(|()| Outcome::Read)
    }
}

/// Names of all pools the kernel knows, also of those it cannot open.
fn pool_names(host: &HostRoot) -> Result<Vec<String>, SourceError> {
    let answer = match host.ask(DEVICE, &Ask { command: Command::PoolConfigs, name: "", cookie: 0 }) {
        Ok(answer) => answer,
        // A capture of the files alone.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => return Ok(Vec::new()),
        // The module is there, so the sandbox hides the device.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(SourceError::Permission { path: host.root("dev/zfs") });
        }
        Err(error) => return Err(read_error(&host.root("dev/zfs"), error)),
    };
    let configs = parse("configurations of pools", &answer.data)?;
    let mut names: Vec<String> = configs.iter().map(|(name, _)| name.to_owned()).collect();
    names.sort_unstable();
    Ok(names)
}

fn parse<'a>(what: &str, bytes: &'a [u8]) -> Result<List<'a>, SourceError> {
    decode(bytes).map_err(|malformed| SourceError::parse(what, malformed.to_string()))
}

/// The kernel's name of the device that a path leads to.
fn device_of(host: &HostRoot, path: &str) -> Option<String> {
    host.resolve(At::Dev, vdev_name::device_path(path)?)
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;
