//! Mounted filesystems: the mounts as process 1 sees them (`/proc/1/mountinfo`, proc_pid_mountinfo(5)), the space of each by
//! statfs(2). A mount that hangs is reported as node_exporter does and costs the others nothing (see [`crate::source::prober`]).

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use hi_common::config::{ConfigError, Section};
use hi_common::config_section;
use hi_common::metric::{MetricDef, Unit};

use crate::host::{At, HostRoot, Scratch};
use crate::source::mounts::{Mount, mark_hidden, parse};
use crate::source::pattern::Patterns;
use crate::source::prober::{Patience, Prober, Reply};
use crate::source::{Outcome, Readings, Source, SourceDef, SourceError, own_section};
use crate::sys::statfs::{Usage, usage};

config_section! {
    /// Mounted filesystems.
    pub struct Config in "sources.filesystem" {
        /// Shell patterns of mount points left out, with all below them. By default those of node_exporter.
        pub exclude_mountpoints: Vec<String> = [
            "/dev", "/proc", "/run/credentials/*", "/sys", "/var/lib/docker/*", "/var/lib/containers/storage/*",
        ].map(str::to_owned).to_vec(),
        /// Shell patterns of filesystem types left out. By default those of node_exporter.
        pub exclude_types: Vec<String> = [
            "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "erofs",
            "fusectl", "hugetlbfs", "iso9660", "mqueue", "nsfs", "overlay", "proc", "procfs", "pstore", "rpc_pipefs",
            "securityfs", "selinuxfs", "squashfs", "sysfs", "tracefs",
        ].map(str::to_owned).to_vec(),
        /// Seconds after which a filesystem that does not answer is reported as stalled: 1 to 8.
        pub mount_timeout_secs: u64 = 5,
    }
}

const LABELS: &[&str] = &["device", "mountpoint", "fstype", "device_error"];

static ERROR: MetricDef = MetricDef::gauge(
    "node_filesystem_device_error",
    Unit::None,
    LABELS,
    "Whether the filesystem could not be asked; the label device_error says why.",
);
static READONLY: MetricDef =
    MetricDef::gauge("node_filesystem_readonly", Unit::None, LABELS, "Whether it is mounted read-only.");
static SIZE: MetricDef =
    MetricDef::gauge("node_filesystem_size_bytes", Unit::Bytes, LABELS, "Size of the filesystem.");
static FREE: MetricDef = MetricDef::gauge(
    "node_filesystem_free_bytes",
    Unit::Bytes,
    LABELS,
    "Free space, root's reserve included.",
);
static AVAIL: MetricDef = MetricDef::gauge(
    "node_filesystem_avail_bytes",
    Unit::Bytes,
    LABELS,
    "Free space that ordinary users may take.",
);
static FILES: MetricDef = MetricDef::gauge("node_filesystem_files", Unit::None, LABELS, "File nodes.");
static FILES_FREE: MetricDef =
    MetricDef::gauge("node_filesystem_files_free", Unit::None, LABELS, "Free file nodes.");
static MOUNT: MetricDef = MetricDef::info(
    "node_filesystem_mount_info",
    &["device", "major", "minor", "mountpoint"],
    "Device number of a mounted filesystem.",
);

/// Row of the registry.
pub static DEF: SourceDef = SourceDef {
    name: "filesystem",
    summary: "Space of mounted filesystems, from /proc/1/mountinfo and statfs; one that hangs is reported as stalled.",
    interval: Duration::from_secs(30),
    timeout: Duration::from_secs(10),
    metrics: &[&ERROR, &READONLY, &SIZE, &FREE, &AVAIL, &FILES, &FILES_FREE, &MOUNT],
    permission: "For filesystems at or below /home, /root and /run/user: ProtectHome=read-only; with ProtectHome=yes they \
                 are reported as hidden.",
    keys: Config::keys,
    make: |table| Ok(Box::new(Filesystem::new(&own_section(table)?)?)),
};

/// Longest wait for a filesystem, in seconds; less than the source's own limit.
const TIMEOUT_SECS_MAX: u64 = 8;
/// Time without an answer after which another thread goes on with the mounts that are left.
const HEDGE: Duration = Duration::from_millis(50);
/// What `device_error` says of a mount that hangs, in node_exporter's words.
const STALLED: &str = "mountpoint timeout";
const NOT_ASKED: &str = "not asked: too many mount points hang";
/// A sandbox (`ProtectHome=`, `PrivateTmp=`, mounts that do not propagate into it) shows something else at that place.
const HIDDEN: &str = "hidden from the agent";

/// Name of a filesystem's answer in a capture.
const STATFS: &str = "statfs";

type Answers = HashMap<PathBuf, Reply<Result<Usage, String>>>;

struct Filesystem {
    exclude_mountpoints: Patterns,
    exclude_types: Patterns,
    scratch: Scratch,
    prober: Prober<PathBuf, Result<Usage, String>>,
}

impl Filesystem {
    fn new(config: &Config) -> Result<Self, ConfigError> {
        if !(1..=TIMEOUT_SECS_MAX).contains(&config.mount_timeout_secs) {
            return Err(ConfigError::Value {
                origin: "configuration".to_owned(),
                key: format!("{}.mount_timeout_secs", Config::NAME),
                problem: format!("must be 1 to {TIMEOUT_SECS_MAX}, not {}", config.mount_timeout_secs),
            });
        }
        Ok(Self {
            exclude_mountpoints: Patterns::new(&config.exclude_mountpoints),
            exclude_types: Patterns::new(&config.exclude_types),
            scratch: Scratch::default(),
            prober: Prober::new(
                Patience {
                    name: "statfs",
                    hedge: HEDGE,
                    timeout: Duration::from_secs(config.mount_timeout_secs),
                },
                |path: &PathBuf| usage(path).map_err(|error| words(&error)),
            ),
        })
    }

    /// What the filesystems say of their space, by mount point; those of a capture, as far as it holds them.
    fn ask(&self, host: &HostRoot, mounts: &[Mount]) -> Answers {
        let shown = mounts.iter().filter(|mount| !mount.hidden);
        if host.is_live() {
            let answers = self.prober.ask(shown.map(|mount| host.root(&mount.mountpoint)).collect());
            for (path, answer) in &answers {
                if let Reply::Answer(Ok(usage)) = answer {
                    host.record(path, STATFS, usage);
                }
            }
            return answers;
        }
        let captured = |mount: &Mount| {
            let usage = host.call(&mount.mountpoint, STATFS, usage).ok()?;
            Some((host.root(&mount.mountpoint), Reply::Answer(Ok(usage))))
        };
        shown.filter_map(captured).collect()
    }

    /// The mounts that are not left out, and the last error in a line.
    fn mounts(&mut self, host: &HostRoot) -> Result<(Vec<Mount>, Result<(), SourceError>), SourceError> {
        let wanted = |mount: &Mount| {
            !self.exclude_types.matches(&mount.fstype)
                && !self.exclude_mountpoints.matches_path(&mount.mountpoint)
        };
        // Process 1 sees the host's mounts, this process those of its sandbox; it is hidden by `hidepid=`.
        let text = match host.text(&mut self.scratch, At::Proc, "1/mountinfo") {
            Err(SourceError::Missing { .. } | SourceError::Permission { .. }) => {
                host.text(&mut self.scratch, At::Proc, "self/mountinfo")?
            }
            text => text?,
        };
        let (mut mounts, result) = parse(text, wanted);
        if host.is_live()
            && let Ok(text) = host.text(&mut self.scratch, At::Proc, "self/mountinfo")
        {
            mark_hidden(&mut mounts, text);
        }
        Ok((mounts, result))
    }
}

impl Source for Filesystem {
    fn read(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        let (mounts, result) = self.mounts(host)?;
        let mut answers = self.ask(host, &mounts);
        let rows: Vec<Row> = mounts
            .into_iter()
            .map(|mount| Row::new(answers.remove(&host.root(&mount.mountpoint)), mount))
            .collect();
        push(&rows, out);
        result.map(|()| if rows.is_empty() { Outcome::Absent } else { Outcome::Read })
    }
}

/// A mount and what its filesystem said.
struct Row {
    mount: Mount,
    usage: Option<Usage>,
    error: String,
}

impl Row {
    fn new(answer: Option<Reply<Result<Usage, String>>>, mount: Mount) -> Self {
        let (usage, error) = match answer {
            _ if mount.hidden => (None, HIDDEN.to_owned()),
            None => (None, String::new()),
            Some(Reply::Answer(Ok(usage))) if usage.in_memory && !mount.is_in_memory() => {
                (None, HIDDEN.to_owned())
            }
            Some(Reply::Answer(Ok(usage))) => (Some(usage), String::new()),
            Some(Reply::Answer(Err(error))) => (None, error),
            Some(Reply::Stalled) => (None, STALLED.to_owned()),
            Some(Reply::NotAsked) => (None, NOT_ASKED.to_owned()),
        };
        Self { mount, usage, error }
    }

    fn labels(&self) -> [&str; LABELS.len()] {
        [&self.mount.device, &self.mount.mountpoint, &self.mount.fstype, &self.error]
    }
}

/// An error in the words of node_exporter: `permission denied`, without the number.
fn words(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

fn push(rows: &[Row], out: &mut Readings) {
    for row in rows {
        out.push(&ERROR, &row.labels(), if row.error.is_empty() { 0.0 } else { 1.0 });
    }
    for row in rows {
        out.push(&READONLY, &row.labels(), if row.mount.readonly { 1.0 } else { 0.0 });
    }
    for (index, metric) in [&SIZE, &FREE, &AVAIL, &FILES, &FILES_FREE].into_iter().enumerate() {
        for row in rows {
            if let Some(usage) = &row.usage {
                let numbers =
                    [usage.size_bytes, usage.free_bytes, usage.avail_bytes, usage.files, usage.files_free];
                out.push(metric, &row.labels(), numbers[index] as f64);
            }
        }
    }
    for Row { mount, error, .. } in rows {
        if error.is_empty() {
            out.push(&MOUNT, &[&mount.device, &mount.major, &mount.minor, &mount.mountpoint], 1.0);
        }
    }
}

#[cfg(test)]
mod tests;
