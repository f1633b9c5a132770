//! The row of a host, put together from what the database and the newest readings say.

use std::collections::BTreeSet;

use serde_json::Value;

use std::sync::Arc;

use crate::attention::HostInput;
use crate::containers::{self, ContainerFact, HostContainers};
use crate::devices::view::Gpu;
use crate::devices::{self, Devices, HostDevices};
use crate::ingest::HostState as Heard;
use crate::moment::Time;
use crate::storage::{HostStorage, Storage, worst};
use crate::store::{FactRow, HostRow, SourceRow, StandingFact};

use super::host::HostNow;
use super::slots::Field;
use super::tables;
use super::view::{FilesystemFullest, FilesystemView, HostState, HostSummary, Outcome, SourceView};

/// Silence shorter than this is none, in milliseconds.
const SILENT_MS_MIN: i64 = 35_000;
/// Intervals without a batch after which a host counts as silent.
const SILENT_INTERVALS: i64 = 3;

/// All that is known of one host.
pub struct Known<'a> {
    /// What the database says.
    pub row: &'a HostRow,
    /// What ingest says, newer than the database.
    pub heard: Option<&'a Heard>,
    /// Its newest readings.
    pub now: &'a HostNow,
    /// Facts about itself and its disks.
    pub facts: &'a [FactRow],
    /// Facts about its storage and devices.
    pub standing: &'a [StandingFact],
    /// Facts about its containers.
    pub containers: &'a [Arc<ContainerFact>],
    /// Its sources.
    pub sources: &'a [SourceRow],
    /// The present, Unix milliseconds.
    pub now_ms: i64,
}

/// What exists on a host and is judged.
pub struct Things {
    /// Storage.
    pub storage: Storage,
    /// Sensors and other devices.
    pub devices: Devices,
}

impl Known<'_> {
    /// When its newest batch was taken, Unix milliseconds.
    pub fn last_seen(&self) -> i64 {
        self.heard.map_or(0, |heard| heard.last_batch_at).max(self.row.last_seen)
    }

    /// Start of its agent, Unix milliseconds.
    pub fn epoch_started(&self) -> Option<i64> {
        let heard = self.heard.and_then(|heard| i64::try_from(heard.epoch).ok()).filter(|epoch| *epoch > 0);
        heard.max(self.row.epoch_started)
    }

    /// Whether it is heard of.
    pub fn state(&self) -> HostState {
        let reads = |source: &&SourceRow| source.outcome != "absent" && source.interval_ms > 0;
        let shortest = self.sources.iter().filter(reads).map(|source| source.interval_ms).min();
        let patience = shortest.map_or(SILENT_MS_MIN, |ms| (ms * SILENT_INTERVALS).max(SILENT_MS_MIN));
        if self.now_ms - self.last_seen() > patience {
            HostState::Silent
        } else if self.conflict() {
            HostState::Conflict
        } else {
            HostState::Ok
        }
    }

    fn conflict(&self) -> bool {
        self.heard.map_or(self.row.conflict, |heard| heard.conflict)
    }

    /// Its sources, as they are shown.
    pub fn source_views(&self) -> Vec<SourceView> {
        let duration = |name: &str| {
            let of = |label: &&super::slots::Slot| label.label("collector") == name;
            self.now.all(Field::SourceDuration).find(|(slot, _)| of(slot)).map(|(_, seconds)| seconds)
        };
        let view = |row: &SourceRow| SourceView {
            source: row.source.clone(),
            outcome: outcome(&row.outcome),
            reason: row.reason.clone(),
            message: row.message.clone(),
            interval_seconds: row.interval_ms as f64 / 1000.0,
            duration_seconds: duration(&row.source),
            last_read: self.now.last_read(&row.source).map(Time),
            since: Time(row.since),
            series: u32::try_from(row.series).unwrap_or(0),
        };
        self.sources.iter().map(view).collect()
    }

    /// What attention judges.
    pub fn attention_input(
        &self,
        filesystems: Vec<FilesystemView>,
        sources: Vec<SourceView>,
        things: &Things,
    ) -> HostInput {
        let mut found = things.storage.attention();
        found.extend(things.devices.attention());
        found.extend(containers::attention(&self.containers()));
        HostInput {
            name: self.row.name.clone(),
            claimed: self.row.claimed_name.clone(),
            silent: self.state() == HostState::Silent,
            conflict: self.conflict(),
            first_seen: self.row.first_seen,
            last_seen: self.last_seen(),
            epoch_started: self.epoch_started(),
            filesystems,
            sources,
            things: found,
        }
    }

    /// What is known of its storage.
    pub fn storage(&self) -> HostStorage<'_> {
        HostStorage {
            host: &self.row.name,
            silent: self.state() == HostState::Silent,
            facts: self.standing,
            latest: &self.now.storage,
        }
    }

    /// What is known of its devices.
    pub fn devices(&self) -> HostDevices<'_> {
        HostDevices {
            host: &self.row.name,
            silent: self.state() == HostState::Silent,
            facts: self.standing,
            latest: &self.now.devices,
            seen_ms: self.last_seen(),
            now_ms: self.now_ms,
        }
    }

    /// What is known of its containers.
    pub fn containers(&self) -> HostContainers<'_> {
        HostContainers {
            host: &self.row.name,
            silent: self.state() == HostState::Silent,
            facts: self.containers,
            latest: &self.now.devices,
            seen_ms: self.last_seen(),
            now_ms: self.now_ms,
        }
    }

    /// Its graphics processors; the programs that use them with the names of their containers.
    pub fn gpus(&self, metrics: &devices::Meanings) -> Vec<Gpu> {
        let mut gpus = self.devices().gpus(metrics);
        for process in gpus.iter_mut().flat_map(|gpu| &mut gpu.processes) {
            let Some(id) = process.container.as_deref() else { continue };
            let is = |fact: &&Arc<ContainerFact>| !id.is_empty() && fact.container_id.starts_with(id);
            if let Some(fact) = self.containers.iter().find(is) {
                process.container = Some(fact.id.clone());
            }
        }
        gpus
    }

    /// All of that, but containers.
    pub fn things(&self) -> Things {
        Things { storage: self.storage().all(), devices: self.devices().all() }
    }

    /// The row of the overview; `attention` is filled in by the caller.
    pub fn summary(
        &self,
        filesystems: &[FilesystemView],
        sources: &[SourceView],
        things: &Things,
    ) -> HostSummary {
        let now = self.now;
        let hottest = devices::hottest(&things.devices, &things.storage.disks);
        let gpus = &things.devices.gpus;
        let upses = &things.devices.upses;
        let count = |wanted: fn(&ContainerFact) -> bool| {
            self.containers.iter().filter(|fact| wanted(fact)).count() as u32
        };
        let boot_time = now.first(Field::BootTime).filter(|seconds| *seconds > 0.0);
        let network = now.network();
        let memory_total = now.first(Field::MemoryTotal).filter(|bytes| *bytes > 0.0);
        let memory_used = now.first(Field::MemoryAvailable).zip(memory_total);
        let failing = |source: &&SourceView| matches!(source.outcome, Outcome::Error | Outcome::Stalled);
        let cpus = now.all(Field::CpuIdle).filter(|(slot, _)| slot.label("mode") == "idle").count();
        HostSummary {
            host: self.row.name.clone(),
            host_id: self.row.host_id,
            state: self.state(),
            os: self.text(&["os", "os_name", "pretty_name"], Field::Os, "pretty_name"),
            kernel: self.text(&["kernel", "kernel_release"], Field::Uname, "release"),
            architecture: self.text(&["architecture", "machine"], Field::Uname, "machine"),
            agent_version: self.row.agent_version.clone(),
            first_seen: Time(self.row.first_seen),
            last_seen: Time(self.last_seen()),
            epoch_started: self.epoch_started().map(Time),
            boot_time: boot_time.map(|seconds| Time((seconds * 1000.0) as i64)),
            uptime_seconds: boot_time.map(|seconds| (self.last_seen() as f64 / 1000.0 - seconds).max(0.0)),
            cpu_count: u32::try_from(cpus).ok().filter(|count| *count > 0),
            cpu_busy_ratio: now.cpu_busy(),
            cpu_busy_history: rounded(now.cpu_history(self.now_ms), 10_000.0),
            load1: now.first(Field::Load1),
            memory_total_bytes: memory_total,
            memory_used_ratio: memory_used.map(|(avail, total)| (1.0 - avail / total).clamp(0.0, 1.0)),
            filesystem_fullest: fullest(filesystems),
            network_receive_bytes_per_second: network.map(|(receive, _)| receive),
            network_transmit_bytes_per_second: network.map(|(_, transmit)| transmit),
            network_history: rounded(now.network_history(self.now_ms), 1.0),
            disk_count: self.disk_count(),
            disks_worst: worst(&things.storage.disks),
            hottest_celsius: hottest.as_ref().map(|(_, celsius)| *celsius),
            hottest_sensor: hottest.map(|(name, _)| name),
            container_count: self.containers.len() as u32,
            containers_running: count(ContainerFact::is_running),
            containers_unhealthy: count(ContainerFact::is_unhealthy),
            ups_on_battery: upses.iter().filter_map(|ups| ups.on_battery).reduce(|a, b| a || b),
            ups_charge_ratio: upses.iter().filter_map(|ups| ups.battery_charge_ratio).min_by(f64::total_cmp),
            gpu_count: gpus.len() as u32,
            gpu_busy_ratio: gpus.iter().filter_map(|gpu| gpu.busy_ratio).max_by(f64::total_cmp),
            sources_failing: sources.iter().filter(failing).count() as u32,
            attention: 0,
        }
    }

    /// A text that a fact about the host has under one of the keys, or else a label.
    fn text(&self, keys: &[&str], field: Field, label: &str) -> Option<String> {
        let fact = self.facts.iter().find(|fact| fact.kind == "host");
        let of_fact =
            fact.and_then(|fact| keys.iter().find_map(|key| fact.doc.get(*key).and_then(Value::as_str)));
        if let Some(text) = of_fact {
            return Some(text.to_owned());
        }
        let labels = self.now.all(field).map(|(slot, _)| slot.label(label).to_owned());
        labels.into_iter().find(|text| !text.is_empty())
    }

    fn disk_count(&self) -> u32 {
        let disks = self.facts.iter().filter(|fact| fact.kind == "disk");
        // A fact of an older agent, whose id is the kernel name, may stand beside that of a newer one.
        let facts = disks.map(tables::device_of).collect::<BTreeSet<&str>>().len();
        let count = if facts > 0 { facts } else { self.now.all(Field::DiskReadBytes).count() };
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Its disks, as they are shown.
    pub fn disks(&self) -> Vec<super::view::DiskView> {
        tables::disks(self.now, self.facts)
    }
}

/// A sparkline needs no more digits than these, and a hundred hosts have twelve thousand of them.
fn rounded(history: Vec<Option<f64>>, per_one: f64) -> Vec<Option<f64>> {
    history.into_iter().map(|value| value.map(|value| (value * per_one).round() / per_one)).collect()
}

fn outcome(word: &str) -> Outcome {
    match word {
        "read" => Outcome::Read,
        "absent" => Outcome::Absent,
        "stalled" => Outcome::Stalled,
        "pending" => Outcome::Pending,
        _ => Outcome::Error,
    }
}

fn fullest(filesystems: &[FilesystemView]) -> Option<FilesystemFullest> {
    let writable = filesystems.iter().filter(|fs| !fs.readonly && !fs.stalled);
    let known = writable.filter_map(|fs| Some((fs, fs.used_ratio?, fs.size_bytes?, fs.avail_bytes?)));
    let (fs, used_ratio, size_bytes, avail_bytes) = known.max_by(|a, b| a.1.total_cmp(&b.1))?;
    Some(FilesystemFullest {
        mountpoint: fs.mountpoint.clone(),
        device: fs.device.clone(),
        size_bytes,
        avail_bytes,
        used_ratio,
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn row(last_seen: i64) -> HostRow {
        HostRow {
            id: 1,
            host_id: Uuid::nil(),
            name: "nas".to_owned(),
            claimed_name: "nas".to_owned(),
            conflict: false,
            agent_version: None,
            epoch_started: None,
            first_seen: 0,
            last_seen,
        }
    }

    fn source(interval_ms: i64) -> SourceRow {
        SourceRow {
            host: 1,
            source: "cpu".to_owned(),
            outcome: "read".to_owned(),
            reason: None,
            message: None,
            interval_ms,
            since: 0,
            series: 1,
        }
    }

    fn state(row: &HostRow, heard: Option<&Heard>, sources: &[SourceRow], now_ms: i64) -> HostState {
        Known {
            row,
            heard,
            now: &HostNow::default(),
            facts: &[],
            standing: &[],
            containers: &[],
            sources,
            now_ms,
        }
        .state()
    }

    #[test]
    fn silence_is_three_intervals_but_at_least_35_seconds() {
        let row = row(0);
        assert_eq!(state(&row, None, &[source(1_000)], 35_000), HostState::Ok);
        assert_eq!(state(&row, None, &[source(1_000)], 35_001), HostState::Silent);
        assert_eq!(state(&row, None, &[source(60_000), source(600_000)], 180_000), HostState::Ok);
        assert_eq!(state(&row, None, &[source(60_000), source(600_000)], 180_001), HostState::Silent);
    }

    #[test]
    fn what_ingest_heard_is_newer_than_the_database() {
        let heard = Heard {
            host: 1,
            host_id: Uuid::nil(),
            name: "nas".into(),
            claimed: "nas".into(),
            conflict: true,
            epoch: 5,
            last_batch_at: 90_000,
            last_sample_at: 0,
            refused: 0,
        };
        assert_eq!(state(&row(0), Some(&heard), &[], 100_000), HostState::Conflict);
    }
}
