//! What is shown of a host: the shapes that the API answers with.

use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::moment::Time;
use crate::storage::view::StorageState;
use crate::store::FactRow;

/// Whether a host is heard of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum HostState {
    /// Its batches arrive.
    Ok,
    /// Nothing came for more than three of its shortest intervals, at least 35 s.
    Silent,
    /// It claims a name that another host holds, and is shown under another one.
    Conflict,
}

/// A host on one row.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct HostSummary {
    /// Its name, the `instance` label of its series.
    pub host: String,
    /// Its identity, which stays when the name changes.
    pub host_id: Uuid,
    /// Whether it is heard of.
    pub state: HostState,
    /// Operating system as it calls itself: `Debian GNU/Linux 12 (bookworm)`.
    pub os: Option<String>,
    /// Release of its kernel.
    pub kernel: Option<String>,
    /// Machine architecture: `x86_64`.
    pub architecture: Option<String>,
    /// Version of its agent.
    pub agent_version: Option<String>,
    /// When it was first heard of.
    pub first_seen: Time,
    /// When its last batch was taken.
    pub last_seen: Time,
    /// When its agent was started.
    pub epoch_started: Option<Time>,
    /// When it was booted.
    pub boot_time: Option<Time>,
    /// How long it has been up, in seconds, at its last batch.
    pub uptime_seconds: Option<f64>,
    /// Number of logical processors.
    pub cpu_count: Option<u32>,
    /// Share of processor time not idle, 0 to 1, between its last two readings.
    pub cpu_busy_ratio: Option<f64>,
    /// The same over the last hour, oldest first, in 60 steps of a minute; null where nothing is known.
    pub cpu_busy_history: Vec<Option<f64>>,
    /// Load average over one minute.
    pub load1: Option<f64>,
    /// Memory of the host.
    pub memory_total_bytes: Option<f64>,
    /// Share of it that programs could not have, 0 to 1.
    pub memory_used_ratio: Option<f64>,
    /// The fullest writable filesystem.
    pub filesystem_fullest: Option<FilesystemFullest>,
    /// Received over all physical interfaces.
    pub network_receive_bytes_per_second: Option<f64>,
    /// Sent over all physical interfaces.
    pub network_transmit_bytes_per_second: Option<f64>,
    /// Both together over the last hour, oldest first, in 60 steps of a minute, in bytes per second.
    pub network_history: Vec<Option<f64>>,
    /// Number of disks.
    pub disk_count: u32,
    /// How the worst of them is.
    pub disks_worst: StorageState,
    /// Temperature of the hottest sensor.
    pub hottest_celsius: Option<f64>,
    /// Which one that is: `coretemp Package id 0`, `disk sda`.
    pub hottest_sensor: Option<String>,
    /// Number of containers.
    pub container_count: u32,
    /// Number of those that run.
    pub containers_running: u32,
    /// Number of those whose health check fails.
    pub containers_unhealthy: u32,
    /// Whether a UPS that it reads, or it itself, runs from a battery; null without one.
    pub ups_on_battery: Option<bool>,
    /// Charge of the battery that has least, 0 to 1.
    pub ups_charge_ratio: Option<f64>,
    /// Number of graphics processors.
    pub gpu_count: u32,
    /// How busy the busiest is, 0 to 1.
    pub gpu_busy_ratio: Option<f64>,
    /// Number of sources that fail or are stalled.
    pub sources_failing: u32,
    /// Number of entries on the attention list.
    pub attention: u32,
}

/// The fullest filesystem of a host.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct FilesystemFullest {
    /// Where it is mounted.
    pub mountpoint: String,
    /// What is mounted.
    pub device: String,
    /// Its size.
    pub size_bytes: f64,
    /// What an ordinary user can still write.
    pub avail_bytes: f64,
    /// Share in use, 0 to 1, of what ordinary users can have (as `df` counts).
    pub used_ratio: f64,
}

/// A host with all that is known of it.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct HostDetail {
    /// The row of the overview.
    #[serde(flatten)]
    pub summary: HostSummary,
    /// What it is itself: its fact of kind `host`. `/api/hosts/{host}/facts` has what else exists on it.
    pub facts: Vec<FactView>,
    /// How many facts there are, by kind; null while the database is away.
    pub fact_counts: Option<BTreeMap<String, i64>>,
    /// What its agent reads, and how that goes.
    pub sources: Vec<SourceView>,
    /// Its mounted filesystems.
    pub filesystems: Vec<FilesystemView>,
    /// Its block devices.
    pub disks: Vec<DiskView>,
    /// Its network interfaces.
    pub interfaces: Vec<InterfaceView>,
}

/// A document about something that exists.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct FactView {
    /// What kind of thing: `host`, `disk`, ….
    pub kind: String,
    /// Which one.
    pub id: String,
    /// Since when it is like this.
    pub since: Time,
    /// What is known of it; units stand in the keys.
    pub doc: BTreeMap<String, Value>,
}

impl From<&FactRow> for FactView {
    fn from(row: &FactRow) -> Self {
        let doc = row.doc.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), value.clone()));
        Self { kind: row.kind.clone(), id: row.id.clone(), since: Time(row.since), doc: doc.collect() }
    }
}

/// How the last run of a source went.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It yielded readings.
    Read,
    /// What it reads does not exist on this host.
    Absent,
    /// It failed.
    Error,
    /// Its last run has not come back within its time.
    Stalled,
    /// It has not run yet.
    Pending,
}

/// A source of an agent.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct SourceView {
    /// Its name.
    pub source: String,
    /// How its last run went.
    pub outcome: Outcome,
    /// Bounded word for why it failed: `permission`, `timeout`, ….
    pub reason: Option<String>,
    /// The error in words.
    pub message: Option<String>,
    /// How often it runs.
    pub interval_seconds: f64,
    /// How long its last run took.
    pub duration_seconds: Option<f64>,
    /// When its last readings were taken.
    pub last_read: Option<Time>,
    /// Since when the outcome holds.
    pub since: Time,
    /// Number of series it yields.
    pub series: u32,
}

/// A mounted filesystem.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct FilesystemView {
    /// Where it is mounted.
    pub mountpoint: String,
    /// What is mounted.
    pub device: String,
    /// Its type: `ext4`.
    pub fstype: String,
    /// Its size.
    pub size_bytes: Option<f64>,
    /// What an ordinary user can still write.
    pub avail_bytes: Option<f64>,
    /// What is free, with what is reserved for root.
    pub free_bytes: Option<f64>,
    /// Share in use, 0 to 1, of what ordinary users can have (as `df` counts).
    pub used_ratio: Option<f64>,
    /// Number of inodes; 0 where the filesystem has no fixed number.
    pub inodes: Option<f64>,
    /// Number of free inodes.
    pub inodes_free: Option<f64>,
    /// Mounted read-only.
    pub readonly: bool,
    /// It does not answer. One that the agent may not look at is not stalled; its numbers are null.
    pub stalled: bool,
}

/// A block device.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct DiskView {
    /// Kernel name: `sda`.
    pub device: String,
    /// What its maker calls it.
    pub model: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// Its size.
    pub size_bytes: Option<f64>,
    /// Whether it spins.
    pub rotational: Option<bool>,
    /// Read at the moment.
    pub read_bytes_per_second: Option<f64>,
    /// Written at the moment.
    pub write_bytes_per_second: Option<f64>,
    /// Reads completed at the moment.
    pub reads_per_second: Option<f64>,
    /// Writes completed at the moment.
    pub writes_per_second: Option<f64>,
    /// Share of the time in which it had work, 0 to 1.
    pub busy_ratio: Option<f64>,
}

/// A network interface.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct InterfaceView {
    /// Kernel name: `eth0`.
    pub device: String,
    /// State as the kernel tells it: `up`, `down`, `unknown`, ….
    pub operstate: Option<String>,
    /// Speed of the link.
    pub speed_bytes_per_second: Option<f64>,
    /// Hardware address.
    pub address: Option<String>,
    /// Received at the moment.
    pub receive_bytes_per_second: Option<f64>,
    /// Sent at the moment.
    pub transmit_bytes_per_second: Option<f64>,
    /// Errors of both directions since boot.
    pub errors_total: Option<f64>,
}
