//! Every block device with what it lies on, from `/sys/class/block` (Documentation/ABI/stable/sysfs-block,
//! testing/sysfs-block-dm, testing/sysfs-block-loop) and udev's database.

use std::collections::BTreeMap;

use crate::host::{At, HostRoot, Scratch};
use crate::source::SourceError;
use crate::source::disks::SECTOR_BYTES;
use crate::source::udev::{Numbers, Properties, parse_numbers};

/// A block device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Device {
    /// Kernel name: `sda1`, `dm-0`.
    pub(super) name: String,
    pub(super) numbers: Numbers,
    /// What it is, in lsblk's words where it has one: `disk`, `part`, `crypt`, `lvm`, `raid`, `mpath`, `loop`, `rom`, ….
    pub(super) kind: &'static str,
    pub(super) size_bytes: i64,
    pub(super) read_only: bool,
    pub(super) removable: bool,
    /// Names of the devices it lies on.
    pub(super) on: Vec<String>,
    /// Number of a partition, and where it begins in bytes.
    pub(super) partition: Option<(u32, i64)>,
    /// Name and UUID of a device-mapper device.
    pub(super) mapper: Option<(String, String)>,
    /// File behind a loop device.
    pub(super) backing_file: Option<String>,
    pub(super) udev: Properties,
}

/// All of them, by kernel name. Those without a size (no medium, no file behind it) are left out unless they are real.
pub(super) fn devices(
    host: &HostRoot,
    scratch: &mut Scratch,
    names: &[String],
) -> Result<BTreeMap<String, Device>, SourceError> {
    let mut found = BTreeMap::new();
    for folder in names {
        if let Some(device) = Device::read(host, scratch, folder)? {
            found.insert(device.name.clone(), device);
        }
    }
    Ok(found)
}

impl Device {
    fn read(host: &HostRoot, scratch: &mut Scratch, folder: &str) -> Result<Option<Self>, SourceError> {
        let path = format!("class/block/{folder}");
        let mut attribute =
            |name: &str| host.attribute(scratch, &format!("{path}/{name}")).map(str::to_owned);
        // It went away between the listing and now; or it is one way of several to an NVMe namespace.
        let Some(numbers) = attribute("dev").as_deref().and_then(parse_numbers) else { return Ok(None) };
        let number = |text: Option<String>| text.and_then(|text| text.parse::<i64>().ok());
        let size_bytes = number(attribute("size")).unwrap_or(0).saturating_mul(SECTOR_BYTES);
        let partition = number(attribute("partition")).and_then(|number| u32::try_from(number).ok());
        let start = number(attribute("start")).unwrap_or(0).saturating_mul(SECTOR_BYTES);
        let real = host.exists(At::Sys, &format!("{path}/device"));
        if size_bytes <= 0 && !real || folder.starts_with("ram") {
            return Ok(None);
        }
        let mapper = attribute("dm/name").map(|name| (name, attribute("dm/uuid").unwrap_or_default()));
        let optical = attribute("device/type").is_some_and(|kind| kind == "5");
        let mut device = Self {
            name: folder.replace('!', "/"),
            numbers,
            kind: "",
            size_bytes,
            read_only: attribute("ro").is_some_and(|flag| flag == "1"),
            removable: attribute("removable").is_some_and(|flag| flag == "1"),
            on: Vec::new(),
            partition: partition.map(|number| (number, start)),
            mapper,
            backing_file: attribute("loop/backing_file"),
            udev: Properties::of_block(host, scratch, numbers),
        };
        device.kind = device.kind_of(folder, real, optical);
        device.on = match partition {
            Some(_) => parent(host, &path).into_iter().collect(),
            None => host.list(At::Sys, &format!("{path}/slaves"))?,
        };
        for name in &mut device.on {
            *name = name.replace('!', "/");
        }
        Ok(Some(device))
    }

    fn kind_of(&self, folder: &str, real: bool, optical: bool) -> &'static str {
        const KINDS: [(&str, &str); 10] = [
            ("loop", "loop"),
            ("md", "raid"),
            ("zd", "zvol"),
            ("zram", "zram"),
            ("sr", "rom"),
            ("drbd", "drbd"),
            ("bcache", "bcache"),
            ("nbd", "nbd"),
            ("rbd", "rbd"),
            ("fd", "floppy"),
        ];
        const MAPPERS: [(&str, &str); 5] = [
            ("CRYPT-", "crypt"),
            ("LVM-", "lvm"),
            ("mpath-", "mpath"),
            ("part", "part"),
            ("DMRAID-", "raid"),
        ];
        if let Some((_, uuid)) = &self.mapper {
            let kind = MAPPERS.iter().find(|(start, _)| uuid.starts_with(start));
            return kind.map_or("dm", |(_, kind)| kind);
        }
        let kind = KINDS.iter().find(|(start, _)| {
            folder
                .strip_prefix(start)
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == '_'))
        });
        match kind {
            _ if self.partition.is_some() => "part",
            _ if optical => "rom",
            Some((_, kind)) => kind,
            None if real => "disk",
            None => "virtual",
        }
    }

    /// Name for people: that of the volume, the partition's label.
    pub(super) fn label(&self) -> &str {
        match &self.mapper {
            Some((name, _)) => name,
            None if self.kind == "zvol" => self.udev.volume(),
            None => self.udev.first(&["MD_NAME", "ID_PART_ENTRY_NAME"]),
        }
    }

    /// Volume group of an LVM volume.
    pub(super) fn volume_group(&self) -> Option<String> {
        if self.kind != "lvm" {
            return None;
        }
        let known = self.udev.get("DM_VG_NAME");
        if !known.is_empty() {
            return Some(known.to_owned());
        }
        // A dash within either name is doubled.
        let (name, _) = self.mapper.as_ref()?;
        let marked = name.replace("--", "\0");
        marked.split_once('-').map(|(group, _)| group.replace('\0', "-"))
    }
}

/// The disk of a partition: the folder that its own lies in.
fn parent(host: &HostRoot, path: &str) -> Option<String> {
    let place = host.link(At::Sys, path)?;
    place.rsplit('/').nth(1).map(str::to_owned)
}

/// Names of the disks below a device, the device itself if it is one, each once.
pub(super) fn disks_below(devices: &BTreeMap<String, Device>, name: &str) -> Vec<String> {
    let (mut found, mut seen, mut left) = (Vec::new(), Vec::new(), vec![name.to_owned()]);
    while let Some(name) = left.pop() {
        let Some(device) = devices.get(&name).filter(|_| !seen.contains(&name)) else { continue };
        if device.kind == "disk" {
            found.push(name.clone());
        }
        left.extend(device.on.iter().cloned());
        seen.push(name);
    }
    found.sort_unstable();
    found
}
