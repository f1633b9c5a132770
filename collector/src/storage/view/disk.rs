//! Disks, as they are shown.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{StorageFinding, StorageState};
use crate::moment::Time;

/// A disk. What is not known is null.
#[derive(Clone, PartialEq, Debug, Default, Serialize, ToSchema)]
pub struct StorageDisk {
    /// Host and identity: `nas1:wwn-0x5000c500a1b2c3d4`.
    pub id: String,
    /// The host it is in.
    pub host: String,
    /// Nothing is heard of the host: all of this is old.
    pub host_silent: bool,
    /// Its identity, which stays when name, port or bay change.
    pub key: String,
    /// Name that the kernel has given it this time: `sda`.
    pub device: String,
    /// What it is called in the label `device` of the series of its health: `nvme0` of `nvme0n1`.
    pub health_device: String,
    /// What its maker calls it.
    pub model: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// World-wide name.
    pub wwn: Option<String>,
    /// Its maker, where that is told apart.
    pub vendor: Option<String>,
    /// Revision of its firmware.
    pub firmware: Option<String>,
    /// Its size.
    pub size_bytes: Option<f64>,
    /// Whether it spins.
    pub rotational: Option<bool>,
    /// Whether it can be taken out.
    pub removable: Option<bool>,
    /// How it is attached: `sata`, `sas`, `nvme`, `usb`, ….
    pub transport: Option<String>,
    /// Where it is attached.
    pub path: Option<String>,
    /// The enclosure it is in.
    pub enclosure: Option<String>,
    /// Its slot there, or of the host.
    pub slot: Option<String>,
    /// What it is used for: mount points, `pool tank`, `array md0`, ….
    pub used_by: Vec<String>,
    /// How it speaks of its health: `ata`, `nvme`, `scsi`.
    pub protocol: Option<String>,
    /// How it is.
    pub state: StorageState,
    /// Why, worst first.
    pub findings: Vec<StorageFinding>,
    /// What it says of itself, in its own words: `PASSED`.
    pub verdict: Option<String>,
    /// Whether it expects to go on working.
    pub passed: Option<bool>,
    /// Why its health cannot be read.
    pub unreadable: Option<String>,
    /// Its temperature.
    pub temperature_celsius: Option<f64>,
    /// The highest temperature it is made for.
    pub temperature_limit_celsius: Option<f64>,
    /// How long it has been powered in its life.
    pub power_on_seconds: Option<f64>,
    /// How often it was switched on.
    pub power_cycles: Option<f64>,
    /// Share of its rated endurance that is used up; may exceed 1.
    pub wear_ratio: Option<f64>,
    /// Share of its spare blocks that is left.
    pub spare_ratio: Option<f64>,
    /// Share of spare blocks below which it warns.
    pub spare_threshold_ratio: Option<f64>,
    /// Its errors by kind, those that it counts: `reallocated_sectors`, `pending_sectors`, `media_errors`, ….
    pub errors: BTreeMap<String, f64>,
    /// Errors of its medium, all kinds together; those of cables and commands do not count.
    pub error_count: Option<f64>,
    /// Whether it sleeps: its figures are then those from before.
    pub standby: Option<bool>,
    /// When its health was last read.
    pub last_read: Option<Time>,
    /// Since when its description reads so.
    pub since: Option<Time>,
}

/// A RAID controller, whose disks the kernel does not show.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct StorageController {
    /// Host and address: `nas1:0000:03:00.0`.
    pub id: String,
    /// The host it is in.
    pub host: String,
    /// What it is: `MegaRAID`.
    pub family: Option<String>,
    /// Its model.
    pub model: Option<String>,
    /// The kernel's driver for it.
    pub driver: Option<String>,
    /// Its volumes, by kernel name; their disks cannot be read.
    pub volumes: Vec<String>,
    /// Disks behind it that can be read.
    pub readable_disks: Vec<String>,
    /// What that means, in words.
    pub reason: Option<String>,
}

/// An attribute of an ATA disk (SMART READ DATA).
#[derive(Clone, PartialEq, Debug, Default, Serialize, ToSchema)]
pub struct StorageAttribute {
    /// Its number, 1 to 254.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Normalised value: higher is better.
    pub value: Option<f64>,
    /// The worst it was.
    pub worst: Option<f64>,
    /// At or below this it fails; 0 for never.
    pub threshold: Option<f64>,
    /// What it counts, in the maker's unit.
    pub raw: Option<f64>,
    /// Its failure means that the disk fails, not only that it is old.
    pub prefailure: bool,
    /// Whether it has failed: `now`, `past`; null for never.
    pub failed: Option<String>,
}

/// A reading of a disk that is no attribute.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct StorageReading {
    /// Metric.
    pub metric: String,
    /// Its labels but those that name the disk.
    pub labels: BTreeMap<String, String>,
    /// Value.
    pub value: f64,
    /// Unit of it; empty for none.
    pub unit: String,
    /// What it means.
    pub help: String,
    /// When it was read.
    pub at: Time,
}

/// A change of a fact.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct StorageChange {
    /// When it was seen.
    pub at: Time,
    /// On which host.
    pub host: String,
    /// Kind of fact: `disk`, `disk_health`.
    pub kind: String,
    /// What became of the thing.
    pub event: StorageChangeEvent,
    /// The fields that changed.
    pub fields: Vec<StorageFieldChange>,
}

/// What became of a thing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StorageChangeEvent {
    /// It is seen for the first time, or again.
    Appeared,
    /// Some of what is known of it changed.
    Changed,
    /// It is not there any more.
    Gone,
}

/// A field of a fact that changed.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct StorageFieldChange {
    /// Its name; its unit stands in it.
    pub field: String,
    /// What it was; null for nothing.
    pub before: Value,
    /// What it is; null for nothing.
    pub after: Value,
}

/// A place where a disk stood.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct StoragePlace {
    /// The host.
    pub host: String,
    /// Name that the kernel gave it there.
    pub device: Option<String>,
    /// Where it was attached.
    pub path: Option<String>,
    /// The enclosure.
    pub enclosure: Option<String>,
    /// The slot.
    pub slot: Option<String>,
    /// Since when.
    pub from: Time,
    /// Until when; null for now.
    pub until: Option<Time>,
}

/// A disk with all that is known of it.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct StorageDiskDetail {
    /// The row of the table.
    #[serde(flatten)]
    pub disk: StorageDisk,
    /// Its attributes, by number; empty where it has none.
    pub attributes: Vec<StorageAttribute>,
    /// Everything else that is read of it, by metric.
    pub readings: Vec<StorageReading>,
    /// Log of its self-tests, newest first.
    pub self_tests: Vec<BTreeMap<String, Value>>,
    /// Log of its errors, newest first.
    pub error_log: Vec<BTreeMap<String, Value>>,
    /// Facts about it as they are: kind to document.
    pub facts: BTreeMap<String, Value>,
    /// What of the facts changed, newest first.
    pub history: Vec<StorageChange>,
    /// Where it stood, newest first.
    pub places: Vec<StoragePlace>,
}
