//! The facts `disk` and `block_device`.

use std::collections::BTreeMap;

use hi_common::fact::FactValue;

use crate::host::{HostRoot, Scratch};
use crate::source::disks::{Disk, SECTOR_BYTES};

use super::bays::Bay;
use super::tree::{Device, disks_below};
use super::uses::Use;

pub(super) type Doc = BTreeMap<String, FactValue>;

/// A document in the making: what is empty or unknown is left out.
#[derive(Default)]
struct Writer(Doc);

impl Writer {
    fn text(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.0.insert(key.to_owned(), FactValue::Text(text.to_owned()));
        }
    }

    fn int(&mut self, key: &str, number: Option<i64>) {
        if let Some(number) = number {
            self.0.insert(key.to_owned(), FactValue::Int(number));
        }
    }

    fn flag(&mut self, key: &str, flag: Option<bool>) {
        if let Some(flag) = flag {
            self.0.insert(key.to_owned(), FactValue::Bool(flag));
        }
    }

    fn list(&mut self, key: &str, texts: &[String]) {
        if !texts.is_empty() {
            let texts = texts.iter().map(|text| FactValue::Text(text.clone())).collect();
            self.0.insert(key.to_owned(), FactValue::List(texts));
        }
    }
}

/// A disk with what its folder in `/sys/block` tells beside its identity.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Known {
    pub(super) disk: Disk,
    pub(super) bay: Bay,
    pub(super) size_bytes: Option<i64>,
    rotational: Option<bool>,
    removable: Option<bool>,
    logical_block_bytes: Option<i64>,
    physical_block_bytes: Option<i64>,
}

impl Known {
    pub(super) fn read(host: &HostRoot, scratch: &mut Scratch, disk: Disk, bay: Bay) -> Self {
        let folder = folder(&disk.device);
        let mut attribute =
            |name: &str| host.attribute(scratch, &format!("{folder}/{name}")).map(str::to_owned);
        let mut number = |name: &str| attribute(name).and_then(|text| text.parse::<i64>().ok());
        let size_bytes = number("size").and_then(|sectors| sectors.checked_mul(SECTOR_BYTES));
        let logical_block_bytes = number("queue/logical_block_size");
        let physical_block_bytes = number("queue/physical_block_size");
        let rotational = number("queue/rotational").map(|flag| flag == 1);
        let removable = number("removable").map(|flag| flag == 1);
        Self { disk, bay, size_bytes, rotational, removable, logical_block_bytes, physical_block_bytes }
    }

    /// The fact `disk`.
    pub(super) fn doc(&self) -> Doc {
        let (disk, identity) = (&self.disk, &self.disk.identity);
        let mut doc = Writer::default();
        for (key, text) in [
            ("device", disk.device.as_str()),
            ("model", &identity.model),
            ("serial", &identity.serial),
            ("wwn", &identity.wwn),
            ("vendor", &identity.vendor),
            ("revision", &identity.revision),
            ("transport", disk.transport),
            ("path", &disk.address.path),
            ("scsi_address", disk.address.scsi.as_deref().unwrap_or("")),
            ("pci_address", disk.address.pci.as_deref().unwrap_or("")),
            ("enclosure", &self.bay.enclosure),
            ("slot", &self.bay.slot),
        ] {
            doc.text(key, text);
        }
        doc.int("size_bytes", self.size_bytes);
        doc.int("logical_block_bytes", self.logical_block_bytes);
        doc.int("physical_block_bytes", self.physical_block_bytes);
        doc.flag("rotational", self.rotational);
        doc.flag("removable", self.removable);
        doc.0
    }

    /// The disk in a few words: `sda (LAB HDD, LAB-SATA-1)`.
    pub(super) fn words(&self) -> String {
        let identity = &self.disk.identity;
        let words: Vec<&str> = [&identity.model, &identity.serial]
            .into_iter()
            .map(String::as_str)
            .filter(|word| !word.is_empty())
            .collect();
        match words.is_empty() {
            true => self.disk.device.clone(),
            false => format!("{} ({})", self.disk.device, words.join(", ")),
        }
    }

    /// Where it is, to be compared; `None` where the kernel numbers places anew each time (SAS targets).
    pub(super) fn spot(&self) -> Option<String> {
        let address = &self.disk.address;
        let is_counted = address.sas_device().is_some() && address.path == address.own_path;
        match self.bay == Bay::default() {
            false => Some(format!("{} {}", self.bay.enclosure, self.bay.slot)),
            true if is_counted => None,
            // udev's differs once it has looked at the disk, which is some moments later.
            true if address.sas_device().is_some() => Some(address.path.clone()),
            true => Some(address.own_path.clone()),
        }
    }

    /// Where it is, for people.
    pub(super) fn place(&self) -> String {
        match (self.bay.enclosure.as_str(), self.bay.slot.as_str()) {
            ("", "") => self.disk.address.path.clone(),
            ("", slot) => format!("slot {slot}"),
            (enclosure, slot) => format!("{enclosure}, slot {slot}"),
        }
    }
}

/// Folder of a disk below `/sys`. A slash in its name (cciss/c0d0) is an exclamation mark there.
pub(super) fn folder(device: &str) -> String {
    format!("block/{}", device.replace('/', "!"))
}

/// The fact `block_device`. `ids` are the identities of disks by kernel name.
pub(super) fn device_doc(
    device: &Device,
    devices: &BTreeMap<String, Device>,
    ids: &BTreeMap<String, String>,
    used: Option<&Use>,
) -> Doc {
    let udev = &device.udev;
    let mut doc = Writer::default();
    doc.text("type", device.kind);
    doc.text("name", device.label());
    doc.int("size_bytes", Some(device.size_bytes));
    doc.flag("read_only", Some(device.read_only));
    doc.list("on", &device.on);
    doc.text("disk", ids.get(&device.name).map_or("", String::as_str));
    let below: Vec<String> =
        disks_below(devices, &device.name).iter().filter_map(|name| ids.get(name).cloned()).collect();
    doc.list("disks", &below);
    if let Some((number, start)) = device.partition {
        doc.int("partition_number", Some(i64::from(number)));
        doc.int("partition_start_bytes", Some(start));
        doc.text("partition_type", udev.get("ID_PART_ENTRY_TYPE"));
    }
    doc.text("partition_table", if device.partition.is_none() { udev.get("ID_PART_TABLE_TYPE") } else { "" });
    if let Some((_, uuid)) = &device.mapper {
        doc.text("mapper_uuid", uuid);
    }
    doc.text("volume_group", &device.volume_group().unwrap_or_default());
    doc.text("backing_file", device.backing_file.as_deref().unwrap_or(""));
    let holds = used.map(|used| used.fstype.as_str()).filter(|fstype| !fstype.is_empty());
    doc.text("holds", holds.unwrap_or_else(|| udev.get("ID_FS_TYPE")));
    doc.text("holds_uuid", udev.get("ID_FS_UUID"));
    let label = udev.decoded("ID_FS_LABEL_ENC");
    doc.text("holds_label", if label.is_empty() { udev.get("ID_FS_LABEL") } else { &label });
    if let Some((kind, name)) = member_of(device, devices) {
        let text = |text: &str| FactValue::Text(text.to_owned());
        let member = Doc::from([("type".to_owned(), text(kind)), ("name".to_owned(), text(&name))]);
        doc.0.insert("member_of".to_owned(), FactValue::Map(member));
    }
    doc.list("mountpoints", used.map_or(&[], |used| used.mountpoints.as_slice()));
    doc.0
}

/// What a device is a part of: an array, a volume group, a pool, a filesystem on several devices.
fn member_of(device: &Device, devices: &BTreeMap<String, Device>) -> Option<(&'static str, String)> {
    let holder =
        |kind: &str| devices.values().find(|other| other.kind == kind && other.on.contains(&device.name));
    let udev = &device.udev;
    if let Some(array) = holder("raid") {
        return Some(("md", array.name.clone()));
    }
    if let Some(volume) = holder("lvm") {
        return Some(("lvm", volume.volume_group().unwrap_or_default()));
    }
    match udev.get("ID_FS_TYPE") {
        "zfs_member" => Some(("zfs", udev.get("ID_FS_LABEL").to_owned())),
        "btrfs" => Some(("btrfs", udev.get("ID_FS_UUID").to_owned())),
        "linux_raid_member" => Some(("md", String::new())),
        "LVM2_member" => Some(("lvm", String::new())),
        "crypto_LUKS" => holder("crypt").map(|open| ("crypt", open.label().to_owned())),
        _ => None,
    }
    .or_else(|| holder("crypt").map(|open| ("crypt", open.label().to_owned())))
    .or_else(|| holder("mpath").map(|path| ("mpath", path.label().to_owned())))
    .or_else(|| holder("bcache").map(|cache| ("bcache", cache.name.clone())))
}
