//! What is known of containers: the fact `container` of the source docker, and cAdvisor's metrics. Everything here is pure.

mod attention;
mod fact;
mod usage;
pub mod view;

use std::sync::Arc;

use crate::devices::{Meanings, STALE_MS};
use crate::doc::Doc;
use crate::latest::Latest;
use crate::moment::Time;
use crate::readings;
use crate::storage::view::StorageState;
use crate::store::FactRow;

pub use attention::attention;
pub use fact::ContainerFact;
use usage::Usage;
use view::{Container, ContainerInside, ContainerMount, ContainerNetworkAddress};

/// Kind of the facts that this is made of.
pub const FACT_KIND: &str = "container";
/// Kinds of facts about what containers are made of.
pub const OTHER_FACT_KINDS: [&str; 4] =
    ["container_engine", "container_image", "container_volume", "container_network"];
/// Labels that name a container, not a reading of it.
const NAMING: [&str; 5] = [
    "name",
    "id",
    "image",
    "container_label_com_docker_compose_project",
    "container_label_com_docker_compose_service",
];

/// What is known of the containers of one host.
#[derive(Clone, Copy)]
pub struct HostContainers<'a> {
    /// Name of the host.
    pub host: &'a str,
    /// Nothing is heard of it.
    pub silent: bool,
    /// The facts, by id.
    pub facts: &'a [Arc<ContainerFact>],
    /// Its newest values.
    pub latest: &'a Latest,
    /// When it was last heard of, Unix milliseconds.
    pub seen_ms: i64,
    /// The present, Unix milliseconds.
    pub now_ms: i64,
}

impl HostContainers<'_> {
    /// Its containers that `wanted` takes, by id.
    pub fn list(&self, wanted: impl Fn(&ContainerFact) -> bool) -> Vec<Container> {
        self.facts.iter().filter(|fact| wanted(fact)).map(|fact| self.container(fact)).collect()
    }

    /// One of them with all that is known; its past is the caller's to add.
    pub fn detail(&self, row: &FactRow, metrics: &Meanings) -> (Container, ContainerInside) {
        let fact = ContainerFact::new(row);
        let doc = Doc(&row.doc);
        let mount = |part: Doc<'_>| ContainerMount {
            kind: part.text("type"),
            source: part.text("source"),
            destination: part.text("destination"),
            read_only: part.flag("read_only"),
        };
        let network = |part: Doc<'_>| ContainerNetworkAddress {
            name: part.text("name").unwrap_or_default(),
            address: part.text("address"),
        };
        let labels = Doc(row.doc.get("labels").unwrap_or(&serde_json::Value::Null)).fields();
        let things = Usage::of(self.latest, &fact, self.seen_ms - STALE_MS);
        let inside = ContainerInside {
            command: doc.text("command"),
            mounts: doc.list("mounts").map(mount).collect(),
            networks: doc.list("networks").map(network).collect(),
            labels: labels.into_iter().map(|(key, value)| (key, text(&value))).collect(),
            log_driver: doc.text("log_driver"),
            privileged: doc.flag("privileged"),
            pid: doc.number("pid"),
            health_output: doc.text("health_output"),
            readings: things
                .things()
                .flat_map(|thing| {
                    readings::list(thing, metrics, &["container_", "hi_container_"], &NAMING, &[])
                })
                .collect(),
            facts: doc.fields(),
        };
        (self.container(&fact), inside)
    }

    fn container(&self, fact: &ContainerFact) -> Container {
        let usage = Usage::of(self.latest, fact, self.seen_ms - STALE_MS);
        let running = fact.is_running();
        let mut container = Container {
            id: format!("{}:{}", self.host, fact.id),
            host: self.host.to_owned(),
            host_silent: self.silent,
            key: fact.id.clone(),
            name: fact.name.clone(),
            engine: fact.engine.clone(),
            container_id: fact.container_id.clone(),
            image: fact.image.clone(),
            image_id: fact.image_id.clone(),
            image_digest: fact.image_digest.clone(),
            image_created_at: fact.image_created_at.map(Time),
            image_age_seconds: fact.image_created_at.map(|at| seconds_since(at, self.now_ms)),
            state: fact.state.clone(),
            health: fact.health.clone(),
            condition: StorageState::Ok,
            findings: Vec::new(),
            exit_code: fact.exit_code,
            oom_killed: fact.oom_killed,
            restart_count: fact.restart_count.or(usage.restarts()),
            restart_policy: fact.restart_policy.clone(),
            created_at: fact.created_at.map(Time),
            started_at: fact.started_at.map(Time),
            finished_at: fact.finished_at.map(Time),
            uptime_seconds: fact.started_at.filter(|_| running).map(|at| seconds_since(at, self.now_ms)),
            compose_project: fact.compose_project.clone(),
            compose_service: fact.compose_service.clone(),
            ports: fact.ports.clone(),
            cpu_cores: usage.cpu_cores(),
            cpu_limit_cores: fact.cpu_limit,
            cpu_throttled_ratio: usage.throttled_ratio(),
            memory_bytes: usage.memory_bytes(),
            memory_limit_bytes: fact.memory_limit_bytes.or(usage.memory_limit_bytes()),
            memory_ratio: None,
            network_receive_bytes_per_second: usage.rate("container_network_receive_bytes_total"),
            network_transmit_bytes_per_second: usage.rate("container_network_transmit_bytes_total"),
            block_read_bytes_per_second: usage.blocks("Read", "container_fs_reads_bytes_total"),
            block_write_bytes_per_second: usage.blocks("Write", "container_fs_writes_bytes_total"),
            pids: usage.first(&["container_threads", "container_processes"]),
            last_read: usage.last_read().map(Time),
            since: Time(fact.since),
        };
        container.memory_ratio = container
            .memory_bytes
            .zip(container.memory_limit_bytes)
            .filter(|(_, limit)| *limit > 0.0)
            .map(|(used, limit)| used / limit);
        container.findings = attention::findings(&container, fact);
        container.condition = container.findings.iter().map(|f| f.state).max().unwrap_or_default();
        container
    }
}

fn seconds_since(at: i64, now_ms: i64) -> f64 {
    (now_ms - at).max(0) as f64 / 1000.0
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests;
