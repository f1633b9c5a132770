//! What a block device is: from udev's database (`E:` lines of `/run/udev/data/b<major>:<minor>`, properties as udevadm(8)
//! names them) and from `/sys/block` (Documentation/ABI/stable/sysfs-block). The source block tells it as facts.

use hi_common::metric::{MetricDef, Unit};

use crate::host::{HostRoot, Scratch};
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

/// What a device is.
#[derive(Debug, Default)]
pub(super) struct Identity {
    pub(super) numbers: (u32, u32),
    udev: Properties,
    major: String,
    minor: String,
    rotational: Option<bool>,
}

impl Identity {
    /// Reads all that is known without asking the device.
    pub(super) fn look_up(host: &HostRoot, scratch: &mut Scratch, device: &str, numbers: (u32, u32)) -> Self {
        let udev = Properties::of_block(host, scratch, numbers);
        // A slash in a device's name (cciss/c0d0) is an exclamation mark in its folder's.
        let folder = format!("block/{}", device.replace('/', "!"));
        let rotational =
            host.attribute(scratch, &format!("{folder}/queue/rotational")).map(|text| text == "1");
        Self { numbers, major: numbers.0.to_string(), minor: numbers.1.to_string(), rotational, udev }
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
}
