//! The disks of a host, each with an identity that stays the same when it gets another name, port or bay.
//!
//! Every source that speaks of disks uses [`disks`], so that their facts and metrics can be joined by [`Disk::id`].
//! Read are `/sys/block` (Documentation/ABI/stable/sysfs-block, testing/sysfs-class-nvme, sysfs-bus-scsi) and udev's
//! database; nothing is asked of the device, so a disk in standby sleeps on.

mod address;
mod identity;

use std::collections::BTreeMap;

use crate::host::{At, HostRoot, Scratch};
use crate::source::SourceError;
use crate::source::udev::{Numbers, Properties, parse_numbers};

pub use address::Address;
pub use identity::Identity;

/// Size of a sector of `/sys/block/<device>/size`, in bytes, whatever the device's own are.
pub const SECTOR_BYTES: i64 = 512;

/// A disk, as far as the kernel and udev know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Identity for facts, labels and links: `wwn-0x5000c500a1b2c3d4`, `wwn-eui.0025385b71b00c5a`, `MODEL_SERIAL`, or the place
    /// `path-pci-0000:00:02.0` of a disk that tells nothing of itself. Several that tell the same have the place behind it.
    pub id: String,
    /// Name that the kernel has given it this time: `sda`, `nvme0n1`. The device is `/dev/` and this.
    pub device: String,
    /// Device numbers.
    pub numbers: Numbers,
    /// How it is attached: `sata`, `sas`, `nvme`, `usb`, `virtio`, `mmc`, `iscsi`, `fc`, `xen`, `scsi`, …; empty if unknown. A SATA
    /// disk behind a SAS controller is `sata`.
    pub transport: &'static str,
    /// Where it is attached.
    pub address: Address,
    /// What it tells of itself.
    pub identity: Identity,
}

/// All disks of the host, sorted by kernel name, their identities unique. Optical drives, volumes (device-mapper, md, zvol,
/// loop, RAM) and the boot areas of an eMMC are no disks; a logical drive of a RAID controller is one.
///
/// # Errors
/// `/sys/block` cannot be listed; one disk that cannot be read is left out.
pub fn disks(host: &HostRoot, scratch: &mut Scratch) -> Result<Vec<Disk>, SourceError> {
    let mut found: Vec<Disk> = host
        .list(At::Sys, "block")?
        .into_iter()
        .filter_map(|device| Disk::look_up(host, scratch, &device))
        .collect();
    tell_apart(&mut found);
    Ok(found)
}

impl Disk {
    fn look_up(host: &HostRoot, scratch: &mut Scratch, folder: &str) -> Option<Self> {
        const NO_DISKS: [&str; 9] = ["loop", "ram", "zram", "dm-", "md", "zd", "sr", "fd", "nbd"];
        let is_other = |name: &&str| {
            folder.strip_prefix(name).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        let is_area = folder.starts_with("mmcblk") && (folder.contains("boot") || folder.contains("rpmb"));
        if NO_DISKS.iter().any(is_other) || is_area {
            return None;
        }
        let place = host.link(At::Sys, &format!("block/{folder}")).unwrap_or_default();
        let mut attribute =
            |name: &str| host.attribute(scratch, &format!("block/{folder}/{name}")).map(str::to_owned);
        // Where several ways lead to a namespace the kernel hides each and shows one disk above them.
        let hidden = attribute("hidden").is_some_and(|hidden| hidden == "1");
        // Peripheral device types of SPC-6, 6.7.2: disk, optical memory, simplified disk, zoned disk.
        let is_disk =
            attribute("device/type").is_none_or(|kind| ["0", "7", "14", "20"].contains(&kind.as_str()));
        let numbers = attribute("dev").as_deref().and_then(parse_numbers)?;
        let is_physical = host.exists(At::Sys, &format!("block/{folder}/device"));
        if hidden || !is_disk || !is_physical {
            return None;
        }
        let udev = Properties::of_block(host, scratch, numbers);
        let identity = Identity::look_up(host, scratch, folder, &udev);
        let address = Address::new(host, scratch, folder, &place, &udev);
        let device = folder.replace('!', "/");
        let transport = address.transport(&device, &identity);
        let id = identity.id().unwrap_or_else(|| format!("path-{}", address.path_or(&device)));
        Some(Self { id, device, numbers, transport, address, identity })
    }
}

/// Puts the place behind identities that several disks have, or that are known to be placeholders.
fn tell_apart(disks: &mut [Disk]) {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for disk in disks.iter() {
        *counts.entry(disk.id.clone()).or_default() += 1;
    }
    for disk in disks {
        if counts.get(&disk.id).is_some_and(|&count| count > 1) || disk.identity.is_constant() {
            disk.id = format!("{}_{}", disk.id, disk.address.path_or(&disk.device));
        }
    }
}

#[cfg(test)]
mod tests;
