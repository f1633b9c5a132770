//! Where block devices are mounted or swapped to: `mountinfo`, `/proc/swaps`, and the devices of a btrfs.

use std::collections::{BTreeMap, BTreeSet};

use crate::host::{At, HostRoot};
use crate::source::mounts::Mount;

use super::tree::Device;

/// What lsblk shows in place of a mount point.
const SWAP: &str = "[SWAP]";
/// Most mount points that are told of one device.
const MOUNTS_MAX: usize = 16;

/// A device in use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Use {
    /// Mount points, sorted; `[SWAP]` for swap space.
    pub(super) mountpoints: Vec<String>,
    /// Type of the filesystem that is mounted, which is certain where udev's is a guess or missing.
    pub(super) fstype: String,
}

/// Uses by the device's name.
pub(super) fn uses(
    host: &HostRoot,
    devices: &BTreeMap<String, Device>,
    mounts: &[Mount],
    swaps: &[String],
) -> BTreeMap<String, Use> {
    let mut found: BTreeMap<String, (BTreeSet<String>, String)> = BTreeMap::new();
    let mut add = |name: &str, mountpoint: &str, fstype: &str| {
        let (mountpoints, kind) = found.entry(name.to_owned()).or_default();
        mountpoints.insert(mountpoint.to_owned());
        fstype.clone_into(kind);
    };
    for mount in mounts {
        if let Some(device) = of_mount(devices, mount) {
            add(&device.name, &mount.mountpoint, &mount.fstype);
        }
    }
    for path in swaps {
        if let Some(device) = of_path(devices, path) {
            add(&device.name, SWAP, "swap");
        }
    }
    share_btrfs(host, &mut found);
    let whole = |(name, (mountpoints, fstype)): (String, (BTreeSet<String>, String))| {
        (name, Use { mountpoints: mountpoints.into_iter().take(MOUNTS_MAX).collect(), fstype })
    };
    found.into_iter().map(whole).collect()
}

/// Whether a mount is one of a device. A folder of it mounted elsewhere is no use of its own (containers have many); of
/// btrfs, which has numbers of its own, each subvolume is such a folder.
pub(super) fn is_of_device(mount: &Mount) -> bool {
    mount.fstype == "btrfs" || mount.root == "/" && mount.major != "0"
}

/// Devices and files that are swapped to, of `/proc/swaps`. How much of them is in use is left out.
pub(super) fn swaps(text: &str) -> Vec<String> {
    text.lines().skip(1).filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// The device that a mount is of. A btrfs has numbers of its own; its source names one of its devices.
fn of_mount<'d>(devices: &'d BTreeMap<String, Device>, mount: &Mount) -> Option<&'d Device> {
    let numbers = (mount.major.parse().ok()?, mount.minor.parse().ok()?);
    devices.values().find(|device| device.numbers == numbers).or_else(|| of_path(devices, &mount.device))
}

/// `/dev/sda1`, `/dev/mapper/tank-home`.
fn of_path<'d>(devices: &'d BTreeMap<String, Device>, path: &str) -> Option<&'d Device> {
    let name = path.strip_prefix("/dev/")?;
    match name.strip_prefix("mapper/") {
        Some(name) => {
            let is = |device: &&Device| device.mapper.as_ref().is_some_and(|(known, _)| known == name);
            devices.values().find(is)
        }
        None => devices.get(name),
    }
}

/// Every device of a mounted btrfs is where its filesystem is.
fn share_btrfs(host: &HostRoot, found: &mut BTreeMap<String, (BTreeSet<String>, String)>) {
    if found.values().all(|(_, fstype)| fstype != "btrfs") {
        return;
    }
    for uuid in host.list(At::Sys, "fs/btrfs").unwrap_or_default() {
        let members = host.list(At::Sys, &format!("fs/btrfs/{uuid}/devices")).unwrap_or_default();
        let of = |name: &String| found.get(name).map(|(mountpoints, _)| mountpoints.clone());
        let all: BTreeSet<String> = members.iter().filter_map(of).flatten().collect();
        if all.is_empty() {
            continue;
        }
        for name in members {
            found.insert(name, (all.clone(), "btrfs".to_owned()));
        }
    }
}
