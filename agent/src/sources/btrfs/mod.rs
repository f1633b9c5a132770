//! Mounted btrfs: space by type and profile, commits, devices from `/sys/fs/btrfs`; names, errors and scrub of the devices by
//! ioctl on a mount point. Without an answer there is what sysfs tells: since Linux 5.14 that has the errors too.

pub mod answers;
mod changes;
mod fact;
mod filesystem;
mod metrics;
mod scrub_status;

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use hi_common::config::Section;
use hi_common::config_section;
use hi_common::fact::FactValue;

use crate::host::{At, HostRoot, Scratch};
use crate::source::mounts::{self, Mount};
use crate::source::{Every, Outcome, Readings, Source, SourceDef, SourceError, own_section};
use crate::sys::btrfs::Btrfs;
use fact::describe;
use filesystem::Filesystem;

config_section! {
    /// btrfs filesystems.
    pub struct Config in "sources.btrfs" {}
}

/// Mount points of a filesystem at which it is asked until one answers.
const TRIES: usize = 4;

/// Row of the registry.
pub static DEF: SourceDef = SourceDef {
    name: "btrfs",
    summary: "btrfs: space by profile, devices and their errors, scrub, from /sys/fs/btrfs and ioctls on a mount point.",
    interval: Duration::from_secs(30),
    timeout: Duration::from_secs(10),
    metrics: metrics::METRICS,
    permission: "that its user may open the mount point; for the progress of a running scrub CAP_SYS_ADMIN, in the unit \
                 AmbientCapabilities=CAP_SYS_ADMIN and the same in CapabilityBoundingSet=, for how the last one ended \
                 CAP_DAC_READ_SEARCH likewise. All else needs neither.",
    keys: Config::keys,
    make: |table| {
        own_section::<Config>(table)?;
        Ok(Box::new(Filesystems::default()))
    },
};

type Doc = BTreeMap<String, FactValue>;

struct Filesystems {
    scratch: Scratch,
    /// As they were at the last run.
    seen: Vec<Filesystem>,
    /// Facts as they were told last.
    told: BTreeMap<String, Doc>,
    every: Every,
}

impl Default for Filesystems {
    fn default() -> Self {
        Self {
            scratch: Scratch::default(),
            seen: Vec::new(),
            told: BTreeMap::new(),
            every: Every::new(Every::FACTS),
        }
    }
}

impl Source for Filesystems {
    fn read(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        let mut found = Vec::new();
        for uuid in host.list(At::Sys, "fs/btrfs")? {
            // `features` lies beside the filesystems.
            if uuid::Uuid::try_parse(&uuid).is_ok() {
                found.push(Filesystem::read(host, &mut self.scratch, &uuid)?);
            }
        }
        if found.is_empty() {
            self.tell(&found, out);
            return Ok(Outcome::Absent);
        }
        let result = self.ask(host, &mut found);
        for filesystem in &mut found {
            filesystem.read_last_scrub(host, &mut self.scratch);
        }
        metrics::push(&found, out);
        self.tell(&found, out);
        for filesystem in &found {
            let before = self.seen.iter().find(|before| before.uuid == filesystem.uuid);
            for event in before.iter().flat_map(|before| changes::events(before, filesystem)) {
                out.event(event.kind, event.severity, event.message, event.data);
            }
        }
        self.seen = found;
        result.map(|()| Outcome::Read)
    }
}

impl Filesystems {
    /// Asks each filesystem at one of its mount points. The error is that of a mount point that may not be opened.
    fn ask(&mut self, host: &HostRoot, found: &mut [Filesystem]) -> Result<(), SourceError> {
        let mounts = self.mounts(host);
        let mut result = Ok(());
        for filesystem in found {
            let own = mounts.iter().filter(|mount| filesystem.has(&mount.device));
            filesystem.mountpoints = own.map(|mount| mount.mountpoint.clone()).collect();
            // The shortest: not a folder of it that is mounted somewhere below.
            filesystem.mountpoints.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
            filesystem.mountpoints.dedup();
            let mut denied = None;
            for mountpoint in filesystem.mountpoints.clone().iter().take(TRIES) {
                match host.ask(mountpoint, &Btrfs::FsInfo) {
                    Ok(answer) => {
                        let info = answers::fs_info(&answer.data);
                        // A sandbox may show another filesystem at that place.
                        if let Some(info) = info.filter(|info| info.uuid.to_string() == filesystem.uuid) {
                            filesystem.ask(host, mountpoint, info.max_id);
                            denied = None;
                            break;
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                        denied = Some(SourceError::Permission { path: host.root(mountpoint) });
                    }
                    Err(_) => {}
                }
            }
            result = denied.map_or(result, Err);
        }
        result
    }

    fn mounts(&mut self, host: &HostRoot) -> Vec<Mount> {
        let mut of = |process: &str| {
            let text = host.text(&mut self.scratch, At::Proc, &format!("{process}/mountinfo")).ok()?;
            Some(mounts::parse(text, |mount| mount.fstype == "btrfs").0)
        };
        of("1").or_else(|| of("self")).unwrap_or_default()
    }

    fn tell(&mut self, found: &[Filesystem], out: &mut Readings) {
        let anyway = self.every.due();
        let before = std::mem::take(&mut self.told);
        for filesystem in found {
            let doc = describe(filesystem);
            if anyway || before.get(&filesystem.uuid) != Some(&doc) {
                out.fact("btrfs", filesystem.uuid.clone(), doc.clone());
            }
            self.told.insert(filesystem.uuid.clone(), doc);
        }
        for uuid in before.into_keys().filter(|uuid| !self.told.contains_key(uuid)) {
            out.fact_gone("btrfs", uuid);
        }
    }
}

#[cfg(test)]
mod tests;
