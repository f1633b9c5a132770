//! What a block device is: from udev's database (`E:` lines of `/run/udev/data/b<major>:<minor>`, properties as udevadm(8)
//! names them) and from `/sys/block` (Documentation/ABI/stable/sysfs-block).

use std::collections::BTreeMap;

use hi_common::fact::FactValue;
use hi_common::metric::{MetricDef, Unit};

use crate::host::{At, HostRoot, Scratch};
use crate::source::Readings;
use crate::source::udev::Properties;

static INFO: MetricDef = MetricDef::info(
    "node_disk_info",
    &["device", "major", "minor", "path", "wwn", "model", "serial", "revision", "rotational"],
    "What a block device is.",
);
static FILESYSTEM: MetricDef = MetricDef::info(
    "node_disk_filesystem_info",
    &["device", "type", "usage", "uuid", "version"],
    "Filesystem, swap or volume member that a block device holds.",
);
static MAPPER: MetricDef = MetricDef::info(
    "node_disk_device_mapper_info",
    &["device", "name", "uuid", "vg_name", "lv_name", "lv_layer"],
    "Volume that a device-mapper device is.",
);
static WRITE_CACHE: MetricDef = MetricDef::gauge(
    "node_disk_ata_write_cache",
    Unit::None,
    &["device"],
    "Whether an ATA disk has a write cache.",
);
static WRITE_CACHE_ENABLED: MetricDef = MetricDef::gauge(
    "node_disk_ata_write_cache_enabled",
    Unit::None,
    &["device"],
    "Whether an ATA disk's write cache is on.",
);
static ROTATION: MetricDef = MetricDef::gauge(
    "node_disk_ata_rotation_rate_rpm",
    Unit::None,
    &["device"],
    "Rotations per minute of an ATA disk; 0 for one without platters.",
);

pub(super) const METRICS: [&MetricDef; 6] =
    [&INFO, &FILESYSTEM, &MAPPER, &WRITE_CACHE, &WRITE_CACHE_ENABLED, &ROTATION];

/// Size of a sector of `/sys/block/<device>/size`, in bytes, whatever the device's own are.
const SECTOR_BYTES: i64 = 512;

/// What a device is.
#[derive(Debug, Default)]
pub(super) struct Identity {
    pub(super) numbers: (u32, u32),
    udev: Properties,
    major: String,
    minor: String,
    rotational: Option<bool>,
    removable: Option<bool>,
    physical: bool,
    size_bytes: Option<i64>,
    model: Option<String>,
    serial: Option<String>,
}

impl Identity {
    /// Reads all that is known without asking the device.
    pub(super) fn look_up(host: &HostRoot, scratch: &mut Scratch, device: &str, numbers: (u32, u32)) -> Self {
        let udev = Properties::of_block(host, scratch, numbers);
        // A slash in a device's name (cciss/c0d0) is an exclamation mark in its folder's.
        let folder = format!("block/{}", device.replace('/', "!"));
        let mut attribute =
            |name: &str| host.attribute(scratch, &format!("{folder}/{name}")).map(str::to_owned);
        let physical = host.exists(At::Sys, &format!("{folder}/device"));
        let flag = |text: Option<String>| text.map(|text| text == "1");
        Self {
            numbers,
            major: numbers.0.to_string(),
            minor: numbers.1.to_string(),
            rotational: flag(attribute("queue/rotational")),
            removable: flag(attribute("removable")),
            size_bytes: attribute("size")
                .and_then(|text| text.parse::<i64>().ok()?.checked_mul(SECTOR_BYTES)),
            model: attribute("device/model"),
            serial: attribute("device/serial").or_else(|| attribute("serial")),
            physical,
            udev,
        }
    }

    fn udev(&self, key: &str) -> &str {
        self.udev.get(key)
    }

    /// The serial number as printed on the label where udev knows it.
    fn udev_serial(&self) -> &str {
        self.udev.first(&["SCSI_IDENT_SERIAL", "ID_SERIAL_SHORT", "ID_SERIAL"])
    }

    /// Pushes the series that say what the device is.
    pub(super) fn push(&self, device: &str, out: &mut Readings) {
        let rotational = if self.rotational == Some(true) { "1" } else { "0" };
        let labels = [
            device,
            &self.major,
            &self.minor,
            self.udev("ID_PATH"),
            self.udev("ID_WWN"),
            self.udev("ID_MODEL"),
            self.udev_serial(),
            self.udev("ID_REVISION"),
            rotational,
        ];
        out.push(&INFO, &labels, 1.0);
        let fields = ["ID_FS_TYPE", "ID_FS_USAGE", "ID_FS_UUID", "ID_FS_VERSION"].map(|key| self.udev(key));
        if !fields[0].is_empty() {
            out.push(&FILESYSTEM, &[device, fields[0], fields[1], fields[2], fields[3]], 1.0);
        }
        let fields =
            ["DM_NAME", "DM_UUID", "DM_VG_NAME", "DM_LV_NAME", "DM_LV_LAYER"].map(|key| self.udev(key));
        if !fields[0].is_empty() {
            out.push(&MAPPER, &[device, fields[0], fields[1], fields[2], fields[3], fields[4]], 1.0);
        }
        if self.udev("ID_ATA").is_empty() {
            return;
        }
        for (metric, key) in [
            (&WRITE_CACHE, "ID_ATA_WRITE_CACHE"),
            (&WRITE_CACHE_ENABLED, "ID_ATA_WRITE_CACHE_ENABLED"),
            (&ROTATION, "ID_ATA_ROTATION_RATE_RPM"),
        ] {
            if let Ok(value) = self.udev(key).parse::<u32>() {
                out.push(metric, &[device], f64::from(value));
            }
        }
    }

    /// Reports the device as a fact, if it is one: a partition or a volume is none.
    pub(super) fn push_fact(&self, device: &str, out: &mut Readings) {
        if !self.physical {
            return;
        }
        let mut doc = BTreeMap::new();
        let mut text = |key: &str, value: &str| {
            if !value.is_empty() {
                doc.insert(key.to_owned(), FactValue::Text(value.to_owned()));
            }
        };
        let or = |first: &str, second: &Option<String>| match first {
            "" => second.clone().unwrap_or_default(),
            first => first.to_owned(),
        };
        // udev writes spaces in a model as underscores; sysfs has it as the disk does.
        text("model", &or(self.model.as_deref().unwrap_or(""), &Some(self.udev("ID_MODEL").to_owned())));
        text("serial", &or(self.udev_serial(), &self.serial));
        text("wwn", self.udev("ID_WWN"));
        text("vendor", self.udev("SCSI_VENDOR"));
        text("revision", self.udev("ID_REVISION"));
        text("bus", self.udev("ID_BUS"));
        text("path", self.udev("ID_PATH"));
        text("mapper_name", self.udev("DM_NAME"));
        text("filesystem", self.udev("ID_FS_TYPE"));
        let mut set = |key: &str, value: Option<FactValue>| {
            if let Some(value) = value {
                doc.insert(key.to_owned(), value);
            }
        };
        set("rotational", self.rotational.map(FactValue::Bool));
        set("removable", self.removable.map(FactValue::Bool));
        set("size_bytes", self.size_bytes.map(FactValue::Int));
        out.fact("disk", device, doc);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtio_disk_has_its_serial_from_sysfs_and_its_size_in_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let block = folder.path().join("sys/block/vda");
        std::fs::create_dir_all(block.join("queue")).unwrap();
        std::fs::create_dir_all(block.join("device")).unwrap();
        for (name, text) in
            [("size", "2048\n"), ("serial", "abc\n"), ("removable", "0\n"), ("queue/rotational", "1\n")]
        {
            std::fs::write(block.join(name), text).unwrap();
        }
        let host = HostRoot::captured(folder.path());
        let mut out = Readings::default();
        Identity::look_up(&host, &mut Scratch::default(), "vda", (254, 0)).push_fact("vda", &mut out);
        let fact = &out.facts()[0];
        assert_eq!((fact.kind, fact.id.as_str()), ("disk", "vda"));
        assert_eq!(fact.doc["size_bytes"], FactValue::Int(1 << 20));
        assert_eq!(fact.doc["serial"], FactValue::Text("abc".to_owned()));
        assert_eq!(fact.doc["rotational"], FactValue::Bool(true));
        assert_eq!(fact.doc["removable"], FactValue::Bool(false));
        assert!(!fact.doc.contains_key("model"));
    }
}
