//! What an engine knows, as plain structures: what the rest of the agent sees of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::usage::Usage;

/// Most containers of one engine that are looked at.
pub const CONTAINERS_MAX: usize = 1000;
/// Most images, volumes and networks, of each kind.
pub const THINGS_MAX: usize = 1000;
/// Most labels of one container that are looked at, before the filter.
pub(super) const LABELS_MAX: usize = 256;
/// Most ports, mounts and networks of one container, of each kind.
pub(super) const PARTS_MAX: usize = 64;
/// Longest text kept: a command, a label's value, the output of a health check.
pub(super) const TEXT_BYTES_MAX: usize = 1024;

/// Everything that is known of an engine at a moment.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Snapshot {
    /// How it fares.
    pub status: Status,
    /// What it says of itself; what it said last when it does not answer.
    pub about: Option<Arc<About>>,
    /// Its containers, by identity; as they were last when it does not answer.
    pub containers: Vec<Arc<Container>>,
    /// How many more there are than are looked at.
    pub left_out: usize,
    /// Its images.
    pub images: Arc<Vec<Image>>,
    /// Its volumes.
    pub volumes: Arc<Vec<Volume>>,
    /// Its networks.
    pub networks: Arc<Vec<Network>>,
    /// What disk space everything takes, once that was asked.
    pub disk_usage: Option<Arc<DiskUsage>>,
    /// What its API said of the use of those containers it was asked for, by identity.
    pub usage: BTreeMap<String, Arc<Usage>>,
    /// What happened since the last time, the oldest first.
    pub happenings: Vec<Happening>,
    /// How many happenings were too many to be kept.
    pub happenings_lost: u64,
}

/// How an engine fares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// It was not reached yet.
    #[default]
    Unknown,
    /// It answers.
    Up,
    /// It does not.
    Down(Trouble),
}

/// Why an engine, or a part of its answers, is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Bounded word: `missing`, `permission`, `refused`, `timeout`, `closed`, `garbage`, `too_large`, `http`, `tls`, `io`.
    pub reason: String,
    /// What was asked and what came, in words.
    pub message: String,
}

/// What an engine says of itself (`/version`, `/info`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// `docker` or `podman`.
    pub product: String,
    /// Its version.
    pub version: String,
    /// API version spoken.
    pub api_version: String,
    /// Operating system.
    pub os: String,
    /// Storage driver.
    pub storage_driver: String,
    /// `cgroupfs` or `systemd`.
    pub cgroup_driver: String,
    /// `1` or `2`.
    pub cgroup_version: String,
    /// Default runtime.
    pub runtime: String,
    /// Where it keeps its data.
    pub data_root: String,
    /// Whether it runs without root.
    pub rootless: bool,
    /// Whether containers outlive it.
    pub live_restore: bool,
    /// State in a swarm: `active`, `inactive`.
    pub swarm: String,
}

/// A container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Container {
    /// Identity, 64 hexadecimal digits.
    pub id: String,
    /// Name, without the leading slash.
    pub name: String,
    /// Image, as it was named when the container was made.
    pub image: String,
    /// Identity of the image, without `sha256:`.
    pub image_id: String,
    /// `created`, `running`, `paused`, `restarting`, `exited`, `dead`, …, in the engine's word.
    pub state: String,
    /// `starting`, `healthy` or `unhealthy`; nothing without a health check.
    pub health: String,
    /// Last output of the health check.
    pub health_output: String,
    /// Exit code of the last run; nothing while it runs.
    pub exit_code: Option<i64>,
    /// Whether the last run was ended for lack of memory.
    pub oom_killed: bool,
    /// How often the restart policy started it.
    pub restart_count: u64,
    /// `no`, `always`, `unless-stopped`, `on-failure`.
    pub restart_policy: String,
    /// Unix milliseconds.
    pub created_ms: Option<i64>,
    /// Unix milliseconds; nothing when it never ran.
    pub started_ms: Option<i64>,
    /// Unix milliseconds; nothing while it runs the first time.
    pub finished_ms: Option<i64>,
    /// Program and arguments.
    pub command: String,
    /// `0.0.0.0:80->80/tcp`, or `80/tcp` when not published.
    pub ports: Vec<String>,
    /// What is mounted.
    pub mounts: Vec<Mount>,
    /// Name and address of each network.
    pub networks: Vec<(String, String)>,
    /// Labels that the configuration lets through.
    pub labels: BTreeMap<String, String>,
    /// Where its output goes.
    pub log_driver: String,
    /// Limits; 0 is none.
    pub limits: Limits,
    /// Whether it has all privileges.
    pub privileged: bool,
    /// First process, in the engine's host; 0 when it does not run.
    pub pid: u32,
    /// Why its details could not be read; then only what the list says is known.
    pub trouble: Option<Trouble>,
}

impl Container {
    /// Whether it has processes.
    pub fn is_running(&self) -> bool {
        matches!(self.state.as_str(), "running" | "paused")
    }
}

/// Limits of a container; 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Memory, in bytes.
    pub memory_bytes: u64,
    /// Memory and swap together, in bytes.
    pub memory_swap_bytes: u64,
    /// Memory that is its own under pressure, in bytes.
    pub memory_reservation_bytes: u64,
    /// Time on the CPU in a period, in microseconds.
    pub cpu_quota_us: u64,
    /// The period, in microseconds.
    pub cpu_period_us: u64,
    /// Weight against others; 1024 when nothing is said.
    pub cpu_shares: u64,
}

/// A mount of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// `bind`, `volume`, `tmpfs`.
    pub kind: String,
    /// Name of the volume, or path on the host.
    pub source: String,
    /// Path in the container.
    pub destination: String,
    /// Whether it can only be read.
    pub read_only: bool,
}

/// An image.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// Identity, without `sha256:`.
    pub id: String,
    /// `debian:12`; none for one that a newer one took the tag from.
    pub tags: Vec<String>,
    /// `debian@sha256:…`.
    pub digests: Vec<String>,
    /// When it was built, Unix milliseconds.
    pub created_ms: Option<i64>,
    /// Size with all layers, in bytes.
    pub size_bytes: u64,
}

/// A volume.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// What keeps it.
    pub driver: String,
    /// Where it lies on the host.
    pub mountpoint: String,
    /// When it was made, Unix milliseconds.
    pub created_ms: Option<i64>,
}

/// A network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// Its identity.
    pub id: String,
    /// `bridge`, `macvlan`, ….
    pub driver: String,
    /// `local` or `swarm`.
    pub scope: String,
    /// Whether it leads nowhere else.
    pub internal: bool,
    /// Subnets.
    pub subnets: Vec<String>,
}

/// What the slow question for disk usage said (`/system/df`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DiskUsage {
    /// Bytes of all layers of all images.
    pub layers_bytes: Option<u64>,
    /// Bytes of the build cache.
    pub build_cache_bytes: Option<u64>,
    /// Bytes that a container wrote beside its image, by identity.
    pub containers: BTreeMap<String, u64>,
    /// Bytes that an image shares with others, by identity.
    pub images: BTreeMap<String, u64>,
    /// Bytes of a volume and number of containers that use it, by name.
    pub volumes: BTreeMap<String, (Option<u64>, Option<u64>)>,
}

/// Something that happened to a container or to the engine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// What.
    pub what: What,
    /// When, Unix milliseconds, by the engine's clock.
    pub at_ms: i64,
    /// Identity of the container; nothing when it is about the engine.
    pub id: String,
    /// Name of the container.
    pub name: String,
    /// Image of the container.
    pub image: String,
    /// Exit code, signal, old name, health, reason: by what happened.
    pub detail: String,
}

/// What can happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// Something that is not told, but may have changed the container.
    #[default]
    Changed,
    /// A container was made.
    Created,
    /// It was started.
    Started,
    /// It ended; the detail is the exit code.
    Died,
    /// It was sent a signal; the detail is its number.
    Signalled,
    /// Processes of it were killed for lack of memory.
    OutOfMemory,
    /// Its health is another one; the detail is the word.
    Health,
    /// It is held.
    Paused,
    /// It goes on.
    Unpaused,
    /// It has another name; the detail is the old one.
    Renamed,
    /// It is gone.
    Destroyed,
    /// The engine does not answer any more; the detail is why.
    EngineGone,
    /// The engine answers again.
    EngineBack,
}
