//! Containers, as they are shown.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::moment::Time;
use crate::storage::view::{StorageFinding, StorageReading, StorageState};

/// A container. What is not known is null.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct Container {
    /// Host and key: `nas1:web`.
    pub id: String,
    /// The host it is on.
    pub host: String,
    /// Nothing is heard of the host: all of this is old.
    pub host_silent: bool,
    /// Its name, of another engine than the usual one with the engine's before it: `podman/web`. Names its page.
    pub key: String,
    /// Its name.
    pub name: String,
    /// The engine: `docker`, `podman`.
    pub engine: Option<String>,
    /// The engine's identity of it.
    pub container_id: String,
    /// Its image by name and tag.
    pub image: Option<String>,
    /// Identity of the image.
    pub image_id: Option<String>,
    /// Digest of the image.
    pub image_digest: Option<String>,
    /// When the image was made.
    pub image_created_at: Option<Time>,
    /// Age of the image.
    pub image_age_seconds: Option<f64>,
    /// The engine's word for its state: `created`, `running`, `paused`, `restarting`, `exited`, `dead`.
    pub state: String,
    /// The engine's word for its health: `starting`, `healthy`, `unhealthy`; null without a health check.
    pub health: Option<String>,
    /// How it is, as the collector judges it.
    pub condition: StorageState,
    /// Why, worst first.
    pub findings: Vec<StorageFinding>,
    /// How it ended last.
    pub exit_code: Option<f64>,
    /// Whether it was killed for want of memory.
    pub oom_killed: Option<bool>,
    /// How often the engine started it again.
    pub restart_count: Option<f64>,
    /// When the engine is to do so: `no`, `always`, `unless-stopped`, `on-failure`.
    pub restart_policy: Option<String>,
    /// When it was made.
    pub created_at: Option<Time>,
    /// When it was started.
    pub started_at: Option<Time>,
    /// When it ended.
    pub finished_at: Option<Time>,
    /// How long it has been running.
    pub uptime_seconds: Option<f64>,
    /// Its Compose project.
    pub compose_project: Option<String>,
    /// Its service in that project.
    pub compose_service: Option<String>,
    /// Its ports: `0.0.0.0:80->80/tcp`.
    pub ports: Vec<String>,
    /// Processors in use: 1 is one of them.
    pub cpu_cores: Option<f64>,
    /// Processors it may use.
    pub cpu_limit_cores: Option<f64>,
    /// Share of its periods in which it was held back.
    pub cpu_throttled_ratio: Option<f64>,
    /// Memory it works with: without what the kernel could take back at once.
    pub memory_bytes: Option<f64>,
    /// Memory it may have.
    pub memory_limit_bytes: Option<f64>,
    /// Share of that in use.
    pub memory_ratio: Option<f64>,
    /// Received at the moment.
    pub network_receive_bytes_per_second: Option<f64>,
    /// Sent at the moment.
    pub network_transmit_bytes_per_second: Option<f64>,
    /// Read from disks at the moment.
    pub block_read_bytes_per_second: Option<f64>,
    /// Written to disks at the moment.
    pub block_write_bytes_per_second: Option<f64>,
    /// Processes and threads.
    pub pids: Option<f64>,
    /// When its usage was last read.
    pub last_read: Option<Time>,
    /// Since when its description reads so.
    pub since: Time,
}

/// Something of the host, or a volume, in a container.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct ContainerMount {
    /// `bind`, `volume`, `tmpfs`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// What is mounted.
    pub source: Option<String>,
    /// Where.
    pub destination: Option<String>,
    /// Whether it cannot be written to.
    pub read_only: Option<bool>,
}

/// A network that a container is in.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct ContainerNetworkAddress {
    /// Name of the network.
    pub name: String,
    /// Its address there.
    pub address: Option<String>,
}

/// What is known of a container beside its row in the table.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct ContainerInside {
    /// What it runs.
    pub command: Option<String>,
    /// What is mounted in it.
    pub mounts: Vec<ContainerMount>,
    /// Its networks.
    pub networks: Vec<ContainerNetworkAddress>,
    /// Its labels, those that the agent's configuration lets through.
    pub labels: BTreeMap<String, String>,
    /// Where its output goes.
    pub log_driver: Option<String>,
    /// Whether it may do all that the host may.
    pub privileged: Option<bool>,
    /// Number of its first process on the host.
    pub pid: Option<f64>,
    /// What the last health check said.
    pub health_output: Option<String>,
    /// Everything that is read of it, by metric.
    pub readings: Vec<StorageReading>,
    /// The fact about it.
    pub facts: BTreeMap<String, Value>,
}

/// A thing that containers are made of: an engine, image, volume or network.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct ContainerPart {
    /// Its name or identity.
    pub key: String,
    /// Its size.
    pub size_bytes: Option<f64>,
    /// When it was made.
    pub created_at: Option<Time>,
    /// Since when its description reads so.
    pub since: Time,
    /// The fact about it.
    pub facts: BTreeMap<String, Value>,
}

/// What the containers of a host are made of.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct ContainerHost {
    /// The host.
    pub host: String,
    /// Nothing is heard of the host: all of this is old.
    pub host_silent: bool,
    /// Engines.
    pub engines: Vec<ContainerPart>,
    /// Images, largest first.
    pub images: Vec<ContainerPart>,
    /// Volumes, largest first.
    pub volumes: Vec<ContainerPart>,
    /// Networks, by name.
    pub networks: Vec<ContainerPart>,
}
