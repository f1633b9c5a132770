//! A host that has one of everything: containers, sensors, a graphics processor, a UPS, a management controller, a pool. It
//! publishes the facts and readings that an agent would, so that the page can be looked at against a real collector.

use std::collections::BTreeMap;

use anyhow::Result;
use async_nats::jetstream;
use hi_common::batch::{BATCH_VERSION, Batch, Family, Reading};
use hi_common::catalog::{Catalog, SourceOutcome, SourceStatus};
use hi_common::event::{Event, Severity};
use hi_common::fact::{Fact, FactValue};
use hi_common::ids::{HostId, HostName};
use hi_common::metric::Kind;
use hi_common::{subject, wire};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::publish::{connect, jetstream as context};

/// Its name.
pub const NAME: &str = "homelab";
const CPU_SECONDS_PER_SECOND: f64 = 0.3;
const GPU: &str = "GPU-df6e7a7c-7314-46f8-abc4-b88b36dcf3aa";
const UPS: &str = "eaton@127.0.0.1:3493";
const CONTAINERS: [&str; 3] = ["web", "db", "worker"];

/// Labels of a series.
type Labels = Vec<(&'static str, String)>;
/// Source, metric, kind, labels, and value some seconds after the beginning.
type Line = (&'static str, &'static str, Kind, Labels, fn(f64) -> f64);

/// The host.
pub struct Homelab {
    stream: jetstream::Context,
    host: HostName,
    host_id: HostId,
    /// Unix milliseconds.
    begun: i64,
    seq: u64,
}

impl Homelab {
    /// Connects to the broker. `begun` is when its agent is said to have been started, Unix milliseconds.
    ///
    /// # Errors
    /// No such address.
    pub async fn connect(url: &str, begun: i64) -> Result<Self> {
        let stream = context(connect(url, NAME).await?);
        Ok(Self { stream, host: NAME.parse()?, host_id: HostId(Uuid::new_v4()), begun, seq: 0 })
    }

    async fn publish(&self, subject: String, payload: Vec<u8>) -> Result<()> {
        self.stream.publish(subject, payload.into()).await?.await?;
        Ok(())
    }

    /// Tells what it has, and what happened to it.
    ///
    /// # Errors
    /// The broker does not take it.
    pub async fn tell(&self) -> Result<()> {
        for (source, kind, id, doc) in facts(self.begun) {
            let doc: BTreeMap<String, FactValue> = serde_json::from_value(doc)?;
            let fact = Fact {
                v: 1,
                host: self.host.clone(),
                host_id: self.host_id,
                epoch: self.begun.unsigned_abs(),
                source: source.to_owned(),
                at: self.begun,
                kind: kind.to_owned(),
                id: id.to_owned(),
                doc: Some(doc),
            };
            self.publish(subject::fact(&self.host, kind, id), wire::encode(&fact)?).await?;
        }
        let data = [("container", "worker"), ("image", "registry.lan/worker:1.4"), ("engine", "docker")];
        self.event("container_health", "worker is unhealthy", &data).await?;
        let data = [("sensor", "PS1 Status"), ("text", "Power supply AC lost asserted"), ("record_id", "7")];
        self.event("bmc_log", "BMC log: PS1 Status: Power supply AC lost asserted", &data).await?;
        self.catalog().await
    }

    async fn event(&self, kind: &str, message: &str, data: &[(&str, &str)]) -> Result<()> {
        let event = Event {
            v: 1,
            id: Uuid::new_v4(),
            host: self.host.clone(),
            host_id: self.host_id,
            at: self.begun + 60_000,
            kind: kind.to_owned(),
            severity: Severity::Warning,
            message: message.to_owned(),
            data: data.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        };
        self.publish(subject::event(&self.host, kind), wire::encode(&event)?).await
    }

    async fn catalog(&self) -> Result<()> {
        let status = |source: &str| SourceStatus {
            source: source.to_owned(),
            outcome: SourceOutcome::Read,
            reason: None,
            message: None,
            interval_ms: 10_000,
            since: self.begun,
        };
        let catalog = Catalog {
            v: 1,
            host: self.host.clone(),
            host_id: self.host_id,
            epoch: self.begun.unsigned_abs(),
            at: self.begun,
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            sources: ["docker", "hwmon", "nvidia", "ups", "ipmi", "zfs"].map(status).to_vec(),
            metrics: Vec::new(),
        };
        self.publish(subject::catalog(&self.host), wire::encode(&catalog)?).await
    }

    /// Publishes what is read at a time, Unix milliseconds.
    ///
    /// # Errors
    /// The broker does not take it.
    pub async fn read(&mut self, at: i64) -> Result<()> {
        let seconds = (at - self.begun) as f64 / 1000.0;
        let mut sources: BTreeMap<&str, (Vec<Family>, Vec<f64>)> = BTreeMap::new();
        for (source, metric, kind, labels, value) in lines() {
            let (families, values) = sources.entry(source).or_default();
            let row = labels.iter().map(|(_, value)| value.clone()).collect();
            let keys = labels.iter().map(|(key, _)| (*key).to_owned()).collect();
            families.push(Family { name: metric.to_owned(), kind, keys, rows: vec![row] });
            values.push(value(seconds));
        }
        let mut readings = Vec::new();
        for (source, (families, values)) in sources {
            let layout = wire::layout_hash(&families)?;
            readings.push(Reading { source: source.to_owned(), at, layout, series: Some(families), values });
        }
        self.seq += 1;
        let batch = Batch {
            v: BATCH_VERSION,
            host: self.host.clone(),
            host_id: self.host_id,
            epoch: self.begun.unsigned_abs(),
            seq: self.seq,
            lost: Vec::new(),
            readings,
        };
        self.publish(subject::metrics(&self.host), wire::encode(&batch)?).await
    }
}

/// Source, kind, id, document.
fn facts(begun: i64) -> Vec<(&'static str, &'static str, &'static str, Value)> {
    let container = |name: &str, health: Option<&str>, limit: i64| {
        json!({
            "engine": "docker", "container_id": format!("{name:0<64}"), "name": name, "state": "running",
            "image": format!("registry.lan/{name}:1.4"), "image_id": "sha256:ab", "health": health.unwrap_or("none"),
            "health_output": if health == Some("unhealthy") { "no answer" } else { "" },
            "image_created_at": "2026-01-02T03:04:05Z", "created_at": "2026-02-03T04:05:06Z",
            "started_at": "2026-02-03T04:05:07Z", "restart_count": 2, "restart_policy": "unless-stopped",
            "compose_project": "shop", "compose_service": name, "memory_limit_bytes": limit, "command": "serve --all",
            "ports": ["0.0.0.0:80->80/tcp"], "networks": [{"name": "shop_default", "address": "172.20.0.7"}],
            "mounts": [{"type": "bind", "source": "/srv/shop", "destination": "/data", "read_only": false}],
            "labels": {"traefik.enable": "true"}, "log_driver": "json-file", "privileged": false, "pid": 4123,
        })
    };
    let names =
        |sensor: &str, kind: &str, label: &str| json!({"sensor": sensor, "type": kind, "label": label});
    let sensors = json!([names("temp1", "temp", "Package id 0"), names("fan1", "fan", "Rear fan")]);
    vec![
        (
            "os",
            "host",
            "host",
            json!({"os": "Debian GNU/Linux 12 (bookworm)", "kernel": "6.1.0-28-amd64",
            "addresses": ["192.168.1.10"], "boot_time": begun / 1000}),
        ),
        ("docker", "container", "web", container("web", Some("healthy"), 1 << 30)),
        ("docker", "container", "db", container("db", None, 0)),
        ("docker", "container", "worker", container("worker", Some("unhealthy"), 0)),
        (
            "hwmon",
            "sensor_chip",
            "platform_coretemp_0",
            json!({"name": "coretemp", "device": "coretemp.0", "sensors": sensors}),
        ),
        (
            "nvidia",
            "gpu",
            GPU,
            json!({"vendor": "nvidia", "name": "NVIDIA RTX A2000", "uuid": GPU,
            "pci_address": "0000:01:00.0", "driver_version": "550.127.05", "memory_total_bytes": 12_i64 << 30}),
        ),
        (
            "ups",
            "ups",
            UPS,
            json!({"protocol": "nut", "manufacturer": "EATON", "model": "Ellipse ECO 1200",
            "description": "Rack UPS", "serial": "G355K12345"}),
        ),
        (
            "ipmi",
            "bmc",
            "0",
            json!({"manufacturer": "Supermicro", "product": "X11SCL-IF", "firmware": "1.23",
            "ipmi_version": "2.0"}),
        ),
        (
            "zfs",
            "pool",
            "tank",
            json!({"guid": "12", "state": "ONLINE", "status": "ok", "reason": "Nothing is wrong.",
            "vdevs": [{"name": "sda", "type": "disk", "state": "ONLINE", "device": "sda1"}]}),
        ),
        ("zfs", "dataset", "tank", json!({"pool": "tank", "type": "filesystem", "mountpoint": "/tank"})),
        (
            "zfs",
            "dataset",
            "tank/home",
            json!({"pool": "tank", "type": "filesystem", "mountpoint": "/tank/home",
            "encryption": "aes-256-gcm", "key_available": false, "quota_bytes": 4_i64 << 30}),
        ),
    ]
}

/// Swings about a value.
fn about(value: f64, seconds: f64) -> f64 {
    value * (1.0 + 0.1 * (seconds / 300.0).sin())
}

fn lines() -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for name in CONTAINERS {
        let own = |more: &[(&'static str, &str)]| -> Labels {
            let mut labels = vec![
                ("id", format!("/system.slice/docker-{name:0<64}.scope")),
                ("image", format!("registry.lan/{name}:1.4")),
                ("name", name.to_owned()),
            ];
            labels.extend(more.iter().map(|(key, value)| (*key, (*value).to_owned())));
            labels.sort();
            labels
        };
        lines.extend::<[Line; 4]>([
            (
                "docker",
                "container_cpu_usage_seconds_total",
                Kind::Counter,
                own(&[("cpu", "total")]),
                |seconds| seconds * CPU_SECONDS_PER_SECOND,
            ),
            ("docker", "container_memory_working_set_bytes", Kind::Gauge, own(&[]), |seconds| {
                about(300.0 * 1_048_576.0, seconds)
            }),
            (
                "docker",
                "container_network_receive_bytes_total",
                Kind::Counter,
                own(&[("interface", "eth0")]),
                |seconds| seconds * 9_000.0,
            ),
            (
                "docker",
                "container_network_transmit_bytes_total",
                Kind::Counter,
                own(&[("interface", "eth0")]),
                |seconds| seconds * 4_000.0,
            ),
        ]);
    }
    let sensor = |name: &str| vec![("chip", "platform_coretemp_0".to_owned()), ("sensor", name.to_owned())];
    let uuid = || vec![("uuid", GPU.to_owned())];
    let ups = || vec![("ups", "eaton".to_owned())];
    let status = |flag: &str| vec![("flag", flag.to_owned()), ("ups", "eaton".to_owned())];
    let bmc = |name: &str| vec![("id", "1".to_owned()), ("name", name.to_owned())];
    let dataset = |name: &str| vec![("dataset", name.to_owned()), ("pool", "tank".to_owned())];
    lines.extend::<[Line; 18]>([
        ("hwmon", "node_hwmon_temp_celsius", Kind::Gauge, sensor("temp1"), |at| about(51.0, at)),
        ("hwmon", "node_hwmon_temp_max_celsius", Kind::Gauge, sensor("temp1"), |_| 84.0),
        ("hwmon", "node_hwmon_temp_crit_celsius", Kind::Gauge, sensor("temp1"), |_| 100.0),
        ("hwmon", "node_hwmon_fan_rpm", Kind::Gauge, sensor("fan1"), |at| about(812.0, at)),
        ("hwmon", "node_hwmon_fan_min_rpm", Kind::Gauge, sensor("fan1"), |_| 300.0),
        ("nvidia", "nvidia_smi_utilization_gpu_ratio", Kind::Gauge, uuid(), |at| about(0.4, at)),
        ("nvidia", "nvidia_smi_memory_used_bytes", Kind::Gauge, uuid(), |at| about(4e9, at)),
        ("nvidia", "nvidia_smi_temperature_gpu", Kind::Gauge, uuid(), |at| about(60.0, at)),
        ("nvidia", "nvidia_smi_power_draw_watts", Kind::Gauge, uuid(), |at| about(31.0, at)),
        ("ups", "network_ups_tools_battery_charge", Kind::Gauge, ups(), |_| 62.0),
        ("ups", "network_ups_tools_ups_load", Kind::Gauge, ups(), |_| 23.0),
        ("ups", "network_ups_tools_ups_status", Kind::Gauge, status("OB"), |_| 1.0),
        ("ups", "network_ups_tools_ups_status", Kind::Gauge, status("OL"), |_| 0.0),
        ("ipmi", "ipmi_dcmi_power_consumption_watts", Kind::Gauge, Labels::new(), |at| about(84.0, at)),
        ("ipmi", "ipmi_temperature_celsius", Kind::Gauge, bmc("CPU Temp"), |at| about(54.0, at)),
        ("zfs", "hi_zfs_dataset_used_bytes", Kind::Gauge, dataset("tank/home"), |at| about(3e9, at)),
        ("zfs", "hi_zfs_dataset_snapshots", Kind::Gauge, dataset("tank/home"), |_| 31.0),
        ("zfs", "hi_zfs_pool_size_bytes", Kind::Gauge, vec![("pool", "tank".to_owned())], |_| 8e12),
    ]);
    lines
}
