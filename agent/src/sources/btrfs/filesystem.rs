//! One btrfs: what `/sys/fs/btrfs/<uuid>` tells (fs/btrfs/sysfs.c of the kernel), and, where it is mounted and may be asked,
//! what its devices are.

use std::io;

use crate::host::{At, HostRoot, Scratch};
use crate::source::SourceError;
use crate::source::disks::SECTOR_BYTES;
use crate::sys::btrfs::Btrfs;

use super::answers::{self, Errors, Scrub};
use super::scrub_status::{self, LastScrub};

/// Highest number of a device that is asked for where sysfs does not list them (before Linux 5.6).
const DEVICE_ID_MAX: u64 = 1024;

/// A btrfs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Filesystem {
    pub(super) uuid: String,
    pub(super) label: String,
    pub(super) checksum: String,
    /// `none`, `balance`, `device replace`, …; empty before Linux 5.10.
    pub(super) operation: String,
    pub(super) node_bytes: Option<u64>,
    pub(super) sector_bytes: Option<u64>,
    pub(super) global_reserve_bytes: Option<u64>,
    pub(super) commits: Commits,
    pub(super) groups: Vec<Group>,
    /// Kernel names and sizes of the devices that are there, as sysfs has them; nothing leads from these to the numbers below.
    pub(super) members: Vec<Member>,
    /// Devices by number (Linux 5.6, or where it could be asked), missing ones among them.
    pub(super) devices: Vec<Device>,
    pub(super) mountpoints: Vec<String>,
    /// The scrub that runs.
    pub(super) scrub: Option<Scrub>,
    /// The progress of a scrub may not be asked.
    pub(super) scrub_denied: bool,
    pub(super) last_scrub: Option<LastScrub>,
}

/// Commits, of `commit_stats` (Linux 6.0). Times in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Commits {
    pub(super) count: u64,
    pub(super) last_ms: u64,
    pub(super) max_ms: u64,
    pub(super) total_ms: u64,
}

/// Space of one type: `data`, `metadata`, `system`, `mixed`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) kind: String,
    pub(super) reserved_bytes: u64,
    /// Bytes in use on the devices, all copies counted.
    pub(super) disk_used_bytes: u64,
    pub(super) profiles: Vec<Profile>,
}

/// Space of one type in one profile: `single`, `dup`, `raid1`, ….
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Profile {
    pub(super) name: String,
    pub(super) total_bytes: u64,
    pub(super) used_bytes: u64,
}

/// A device by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: String,
    /// Name of a device-mapper device, as mounts have it.
    pub(super) mapper: Option<String>,
    pub(super) size_bytes: Option<u64>,
}

/// A device by number.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Device {
    /// Number within the filesystem; 0 is the target of a replacement.
    pub(super) id: u64,
    /// Kernel or mapper name; empty when it is missing or not known.
    pub(super) name: String,
    /// Identity within the filesystem.
    pub(super) uuid: String,
    pub(super) size_bytes: Option<u64>,
    /// Bytes not given out; known where it could be asked.
    pub(super) unused_bytes: Option<u64>,
    pub(super) missing: bool,
    pub(super) writeable: Option<bool>,
    pub(super) errors: Option<Errors>,
}

impl Filesystem {
    /// Reads what sysfs tells.
    pub(super) fn read(host: &HostRoot, scratch: &mut Scratch, uuid: &str) -> Result<Self, SourceError> {
        let folder = format!("fs/btrfs/{uuid}");
        let mut found = Self { uuid: uuid.to_owned(), ..Self::default() };
        let mut text = |name: &str| {
            host.attribute(scratch, &format!("{folder}/{name}")).map(str::to_owned).unwrap_or_default()
        };
        found.label = text("label");
        // `crc32c (crc32c-intel)`
        found.checksum = text("checksum").split(' ').next().unwrap_or_default().to_owned();
        found.operation = text("exclusive_operation");
        found.node_bytes = text("nodesize").parse().ok();
        found.sector_bytes = text("sectorsize").parse().ok();
        found.global_reserve_bytes = text("allocation/global_rsv_size").parse().ok();
        found.commits = commits(&text("commit_stats"));
        for kind in host.list(At::Sys, &format!("{folder}/allocation"))? {
            if ["data", "metadata", "system", "mixed"].contains(&kind.as_str()) {
                found.groups.push(Group::read(host, scratch, &format!("{folder}/allocation/{kind}"), &kind)?);
            }
        }
        found.members = members(host, scratch, &folder)?;
        found.devices = devices(host, scratch, &folder)?;
        if let ([device], [member]) = (found.devices.as_mut_slice(), found.members.as_slice()) {
            device.name.clone_from(&member.name);
            device.size_bytes = member.size_bytes;
        }
        Ok(found)
    }

    /// Whether a mount's source is one of its devices: `/dev/sda1`, `/dev/mapper/tank`.
    pub(super) fn has(&self, source: &str) -> bool {
        let Some(name) = source.strip_prefix("/dev/") else { return false };
        let mapper = name.strip_prefix("mapper/");
        self.members
            .iter()
            .any(|member| member.name == name || mapper.is_some() && member.mapper.as_deref() == mapper)
    }

    /// Asks for the devices at a mount point; without an answer there is what sysfs tells.
    pub(super) fn ask(&mut self, host: &HostRoot, mountpoint: &str, max_id: u64) {
        let listed: Vec<u64> = self.devices.iter().map(|device| device.id).collect();
        let ids = if listed.is_empty() { (1..=max_id.min(DEVICE_ID_MAX)).collect() } else { listed };
        let mut asked = Vec::new();
        for id in ids {
            let known = self.devices.iter().find(|device| device.id == id);
            let mut device = known.cloned().unwrap_or(Device { id, ..Device::default() });
            let info = host.ask(mountpoint, &Btrfs::DevInfo(id)).ok();
            let Some(info) = info.and_then(|answer| answers::dev_info(&answer.data)) else {
                asked.extend(known.cloned());
                continue;
            };
            // The name alone, as node_exporter has it.
            device.name = info.path.rsplit('/').next().unwrap_or_default().to_owned();
            device.uuid = info.uuid.to_string();
            device.size_bytes = Some(info.total_bytes);
            device.unused_bytes = Some(info.total_bytes.saturating_sub(info.used_bytes));
            device.missing |= info.path.is_empty();
            let stats = host.ask(mountpoint, &Btrfs::DevStats(id)).ok();
            device.errors = stats.and_then(|answer| answers::dev_stats(&answer.data)).or(device.errors);
            asked.push(device);
        }
        if !asked.is_empty() {
            self.devices = asked;
        }
        self.ask_scrub(host, mountpoint);
    }

    fn ask_scrub(&mut self, host: &HostRoot, mountpoint: &str) {
        for device in self.devices.iter().filter(|device| device.id > 0) {
            match host.ask(mountpoint, &Btrfs::ScrubProgress(device.id)) {
                Ok(answer) => {
                    if let Some(progress) = answers::scrub_progress(&answer.data) {
                        self.scrub.get_or_insert_default().add(&progress);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    self.scrub_denied = true;
                    return;
                }
                // None runs.
                Err(_) => {}
            }
        }
    }

    /// Reads how the last scrub ended, where that may be read.
    pub(super) fn read_last_scrub(&mut self, host: &HostRoot, scratch: &mut Scratch) {
        let path = format!("var/lib/btrfs/scrub.status.{}", self.uuid);
        self.last_scrub = host.text(scratch, At::Root, &path).ok().and_then(scrub_status::parse);
    }

    pub(super) fn missing(&self) -> usize {
        self.devices.iter().filter(|device| device.missing).count()
    }

    /// Part of all bytes in use that the scrub has looked at.
    pub(super) fn scrub_ratio(&self) -> Option<f64> {
        let used: u64 = self.groups.iter().map(|group| group.disk_used_bytes).fold(0, u64::saturating_add);
        let scrub = self.scrub.filter(|_| used > 0)?;
        Some((scrub.bytes as f64 / used as f64).clamp(0.0, 1.0))
    }

    /// Bytes on the devices for each byte of content in a profile, as node_exporter reckons.
    pub(super) fn ratio(&self, profile: &str) -> f64 {
        let devices = self.devices.len().max(self.members.len()) as f64;
        match profile {
            "single" | "raid0" => 1.0,
            "dup" | "raid1" | "raid10" => 2.0,
            "raid1c3" => 3.0,
            "raid1c4" => 4.0,
            "raid5" if devices > 1.0 => devices / (devices - 1.0),
            "raid6" if devices > 2.0 => devices / (devices - 2.0),
            _ => 0.0,
        }
    }
}

impl Group {
    fn read(host: &HostRoot, scratch: &mut Scratch, folder: &str, kind: &str) -> Result<Self, SourceError> {
        let mut profiles = Vec::new();
        let mut number = |name: &str| {
            host.attribute(scratch, &format!("{folder}/{name}"))
                .and_then(|text| text.parse().ok())
                .unwrap_or(0)
        };
        let (reserved_bytes, disk_used_bytes) = (number("bytes_reserved"), number("disk_used"));
        for name in host.list(At::Sys, folder)? {
            const PROFILES: [&str; 9] =
                ["single", "dup", "raid0", "raid1", "raid1c3", "raid1c4", "raid10", "raid5", "raid6"];
            if PROFILES.contains(&name.as_str()) {
                let total_bytes = number(&format!("{name}/total_bytes"));
                let used_bytes = number(&format!("{name}/used_bytes"));
                profiles.push(Profile { name, total_bytes, used_bytes });
            }
        }
        Ok(Self { kind: kind.to_owned(), reserved_bytes, disk_used_bytes, profiles })
    }
}

fn members(host: &HostRoot, scratch: &mut Scratch, folder: &str) -> Result<Vec<Member>, SourceError> {
    let mut found = Vec::new();
    for name in host.list(At::Sys, &format!("{folder}/devices"))? {
        let mut text = |file: &str| {
            host.attribute(scratch, &format!("{folder}/devices/{name}/{file}")).map(str::to_owned)
        };
        let sectors = text("size").and_then(|text| text.parse::<u64>().ok());
        let size_bytes = sectors.map(|sectors| sectors.saturating_mul(SECTOR_BYTES.unsigned_abs()));
        let mapper = text("dm/name");
        found.push(Member { name: name.replace('!', "/"), mapper, size_bytes });
    }
    Ok(found)
}

fn devices(host: &HostRoot, scratch: &mut Scratch, folder: &str) -> Result<Vec<Device>, SourceError> {
    let mut found = Vec::new();
    let names = host.list(At::Sys, &format!("{folder}/devinfo"))?;
    for id in names.iter().filter_map(|name| name.parse::<u64>().ok()) {
        let mut text =
            |file: &str| host.attribute(scratch, &format!("{folder}/devinfo/{id}/{file}")).map(str::to_owned);
        found.push(Device {
            id,
            missing: text("missing").is_some_and(|flag| flag == "1"),
            writeable: text("writeable").map(|flag| flag == "1"),
            errors: text("error_stats").and_then(|text| answers::error_stats(&text)),
            ..Device::default()
        });
    }
    found.sort_by_key(|device| device.id);
    Ok(found)
}

/// `commits 1`, `last_commit_ms 23`, a line each.
fn commits(text: &str) -> Commits {
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.split_once(' ').filter(|(key, _)| *key == name));
        line.and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(0)
    };
    Commits {
        count: value("commits"),
        last_ms: value("last_commit_ms"),
        max_ms: value("max_commit_ms"),
        total_ms: value("total_commit_ms"),
    }
}
