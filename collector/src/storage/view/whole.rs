//! What is made of disks: arrays and pools, as they are shown.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{StorageFinding, StorageState};
use crate::moment::Time;

/// A member of an array.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct StorageMember {
    /// Name of the device.
    pub device: String,
    /// `id` of the disk it lies on.
    pub disk: Option<String>,
    /// Its slot in the array.
    pub slot: Option<f64>,
    /// What it is there: `active`, `rebuilding`, `spare`, `faulty`, ….
    pub role: String,
    /// How it is.
    pub state: StorageState,
    /// Errors in reading that were mended.
    pub read_errors: Option<f64>,
}

/// Something that goes through a pool or array from end to end: a scrub, a resilver, a rebuild.
#[derive(Clone, PartialEq, Debug, Default, Serialize, ToSchema)]
pub struct StorageScan {
    /// What it is: `scrub`, `resilver`, `recover`, `check`, ….
    pub function: String,
    /// The part it goes over; empty for all.
    pub part: String,
    /// How it stands: `scanning`, `finished`, `canceled`, `paused`.
    pub state: String,
    /// Whether it is on its way.
    pub running: bool,
    /// When it began.
    pub started_at: Option<Time>,
    /// When it ended.
    pub finished_at: Option<Time>,
    /// Share that is done.
    pub progress_ratio: Option<f64>,
    /// Its speed.
    pub bytes_per_second: Option<f64>,
    /// How long it takes yet at this speed.
    pub remaining_seconds: Option<f64>,
    /// Errors it found and could not repair.
    pub errors: Option<f64>,
    /// What it repaired or copied.
    pub repaired_bytes: Option<f64>,
}

/// An array of Linux software RAID.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct StorageArray {
    /// Host and name: `nas1:md0`.
    pub id: String,
    /// The host it is on.
    pub host: String,
    /// Nothing is heard of the host: all of this is old.
    pub host_silent: bool,
    /// Its name.
    pub name: String,
    /// How it is.
    pub state: StorageState,
    /// Why, worst first.
    pub findings: Vec<StorageFinding>,
    /// Its state in the kernel's words: `active, degraded, recovering`.
    pub words: String,
    /// RAID level.
    pub level: Option<String>,
    /// Format of its superblock.
    pub metadata: Option<String>,
    /// Its identity.
    pub uuid: Option<String>,
    /// Its size.
    pub size_bytes: Option<f64>,
    /// Members it should have.
    pub slots: Option<f64>,
    /// Members it lacks.
    pub degraded: Option<f64>,
    /// Bytes that the last check found to differ.
    pub mismatch_bytes: Option<f64>,
    /// Its members.
    pub members: Vec<StorageMember>,
    /// What goes on.
    pub scans: Vec<StorageScan>,
    /// What it is used for.
    pub used_by: Vec<String>,
    /// Since when it is as well as it is.
    pub state_since: Time,
    /// Since when its description reads so.
    pub since: Time,
}

/// What a pool is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StoragePoolType {
    /// A pool of ZFS.
    Zfs,
    /// A filesystem of btrfs.
    Btrfs,
}

/// A pool of ZFS, or a btrfs.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct StoragePool {
    /// Host and name, or UUID: `nas1:tank`.
    pub id: String,
    /// The host it is on.
    pub host: String,
    /// Nothing is heard of the host: all of this is old.
    pub host_silent: bool,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: StoragePoolType,
    /// Its name or label.
    pub name: String,
    /// Its identity.
    pub guid: Option<String>,
    /// How it is.
    pub state: StorageState,
    /// Why, worst first.
    pub findings: Vec<StorageFinding>,
    /// Its state in its own word: `ONLINE`.
    pub words: String,
    /// What that means, one sentence.
    pub reason: Option<String>,
    /// Its size; with parity for raidz, as `zpool list` has it.
    pub size_bytes: Option<f64>,
    /// What is in use of it.
    pub allocated_bytes: Option<f64>,
    /// What is free.
    pub free_bytes: Option<f64>,
    /// Share in use.
    pub used_ratio: Option<f64>,
    /// How fragmented its free space is.
    pub fragmentation_ratio: Option<f64>,
    /// Bytes before deduplication by bytes after it.
    pub dedup_ratio: Option<f64>,
    /// Bytes before compression by bytes after it.
    pub compression_ratio: Option<f64>,
    /// Blocks or files that are lost.
    pub data_errors: Option<f64>,
    /// Files that are lost, a hundred at most, as `zpool status -v` has them: path, `dataset:path` where it is not mounted, numbers
    /// for what has no name.
    pub damaged_files: Vec<String>,
    /// How many there are in all, where that is known.
    pub damaged_files_count: Option<f64>,
    /// Why they are not known.
    pub damaged_files_unread: Option<String>,
    /// What it is made of.
    pub vdevs: Vec<StorageVdev>,
    /// What goes or went through it.
    pub scans: Vec<StorageScan>,
    /// Space by kind and profile, of a btrfs.
    pub allocation: Vec<BTreeMap<String, Value>>,
    /// Number of its datasets.
    pub datasets: Option<f64>,
    /// Where it is mounted.
    pub mountpoints: Vec<String>,
    /// Since when it is as well as it is.
    pub state_since: Time,
    /// Since when its description reads so.
    pub since: Time,
}

/// A device of a pool, with those it consists of.
#[derive(Clone, PartialEq, Debug, Default, Serialize, ToSchema)]
pub struct StorageVdev {
    /// Its name: `mirror-0`, `sda`.
    pub name: String,
    /// `mirror`, `raidz`, `disk`, ….
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is there for: `data`, `log`, `cache`, `spare`, `special`, `dedup`.
    pub class: String,
    /// Its state in its own word: `FAULTED`.
    pub words: String,
    /// How it is.
    pub state: StorageState,
    /// Why.
    pub reason: Option<String>,
    /// Where it lies.
    pub path: Option<String>,
    /// Name of the device.
    pub device: Option<String>,
    /// `id` of the disk.
    pub disk: Option<String>,
    /// Its size.
    pub size_bytes: Option<f64>,
    /// Reads that failed.
    pub read_errors: Option<f64>,
    /// Writes that failed.
    pub write_errors: Option<f64>,
    /// Blocks that were not what was written.
    pub checksum_errors: Option<f64>,
    /// What it consists of.
    #[schema(no_recursion)]
    pub children: Vec<StorageVdev>,
}

/// A filesystem or volume of a pool of ZFS.
#[derive(Clone, PartialEq, Debug, Default, Serialize, ToSchema)]
pub struct StorageDataset {
    /// Its name with that of its pool: `tank/home/ann`.
    pub name: String,
    /// `filesystem`, `volume`; null while only its figures are known.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Where it is mounted, `none` or `legacy`.
    pub mountpoint: Option<String>,
    /// The snapshot it was cloned from.
    pub origin: Option<String>,
    /// What it takes, with its snapshots and children.
    pub used_bytes: Option<f64>,
    /// What is left for it.
    pub available_bytes: Option<f64>,
    /// What would be free without its snapshots.
    pub used_by_snapshots_bytes: Option<f64>,
    /// Most that it and its children may take.
    pub quota_bytes: Option<f64>,
    /// Most that it may take without snapshots and children.
    pub refquota_bytes: Option<f64>,
    /// What is kept for it.
    pub reservation_bytes: Option<f64>,
    /// Size of a volume.
    pub size_bytes: Option<f64>,
    /// Bytes before compression by bytes after it, children included.
    pub compression_ratio: Option<f64>,
    /// Its cipher; null when it is not encrypted.
    pub encryption: Option<String>,
    /// Whether its key is loaded; null when it is not encrypted.
    pub key_available: Option<bool>,
    /// It cannot be written to.
    pub readonly: bool,
    /// Snapshots it has.
    pub snapshots: Option<f64>,
    /// When the newest of them was made.
    pub newest_snapshot_at: Option<Time>,
    /// When it was made.
    pub created_at: Option<Time>,
}
