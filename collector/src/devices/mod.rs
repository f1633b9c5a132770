//! What is known of the devices of a host that are no storage: sensors, graphics processors, the management controller, power
//! supplies, and the power all of it takes. Put together from facts (what exists) and the newest values of series. Everything
//! here is pure.

mod attention;
mod battery;
mod bmc;
mod gpu;
mod hwmon;
mod power;
mod thermal;
mod ups;
pub mod view;

use std::collections::HashMap;

use crate::latest::{Latest, Shape, Subject, Thing};
use crate::moment::Time;
use crate::storage::view::{StorageFinding, StorageState};
use crate::store::{MetricRow, StandingFact};

use view::{Bmc, Gpu, HostPower, Sensor, SensorChip, Ups};

/// Kinds of facts that this is made of.
pub const FACT_KINDS: [&str; 5] = ["sensor_chip", "gpu", "bmc", "ups", "power_supply"];

/// Readings that a host has not told for so long while it told others are not shown, in milliseconds: their source fails.
pub const STALE_MS: i64 = 15 * 60_000;

/// Name of the thing that the series of the management controller are about.
const BMC: &str = "bmc";
/// Name of the thing that the series of thermal zones are about.
const THERMAL: &str = "thermal";
/// Name of the thing that the series of running average power limits are about.
const RAPL: &str = "rapl";

/// Name of the thing that the series of memory errors are about.
const EDAC: &str = "edac";

/// How the metrics of devices and containers begin, and what each is about.
pub const SHAPE: Shape = Shape {
    metrics: &[
        ("node_hwmon_", Subject::Label("chip")),
        ("hi_hwmon_", Subject::Label("chip")),
        ("node_thermal_", Subject::Only(THERMAL)),
        ("hi_thermal_", Subject::Only(THERMAL)),
        ("node_power_supply_", Subject::Label("power_supply")),
        ("node_rapl_", Subject::Only(RAPL)),
        ("node_edac_", Subject::Only(EDAC)),
        ("ipmi_", Subject::Only(BMC)),
        ("hi_ipmi_", Subject::Only(BMC)),
        ("nvidia_smi_", Subject::Label("uuid")),
        ("hi_gpu_process_", Subject::Label("gpu")),
        ("hi_gpu_", Subject::Label("pci_address")),
        ("network_ups_tools_", Subject::Label("ups")),
        ("hi_ups_", Subject::Label("ups")),
        ("container_", Subject::Label("name")),
        ("hi_container_", Subject::Label("name")),
    ],
    is_integrated: power::is_power,
};

/// What is known of the devices of one host.
#[derive(Clone, Copy)]
pub struct HostDevices<'a> {
    /// Name of the host.
    pub host: &'a str,
    /// Nothing is heard of it.
    pub silent: bool,
    /// Its facts, among them those of [`FACT_KINDS`].
    pub facts: &'a [StandingFact],
    /// Its newest values.
    pub latest: &'a Latest,
    /// When it was last heard of, Unix milliseconds.
    pub seen_ms: i64,
    /// The present, Unix milliseconds.
    pub now_ms: i64,
}

/// All of it, but for power.
pub struct Devices {
    /// Chips with sensors; those of the management controller as well.
    pub chips: Vec<SensorChip>,
    /// Graphics processors.
    pub gpus: Vec<Gpu>,
    /// Management controllers.
    pub bmcs: Vec<Bmc>,
    /// Uninterruptible power supplies, and batteries of machines that have one.
    pub upses: Vec<Ups>,
    /// Memory errors that could not be corrected, since the start of the machine.
    pub memory_errors: Option<f64>,
    /// When they were read.
    memory_errors_at: Time,
    /// Nothing is heard of the host.
    silent: bool,
}

/// Meaning of metrics by name.
pub type Meanings = HashMap<String, MetricRow>;

impl<'a> HostDevices<'a> {
    /// Puts everything together.
    pub fn all(&self) -> Devices {
        let none = Meanings::new();
        let errors = || self.known(EDAC).all("node_edac_uncorrectable_errors_total");
        Devices {
            chips: self.chips(),
            gpus: self.gpus(&none),
            bmcs: self.bmcs(),
            upses: self.upses(&none),
            memory_errors: errors().map(|value| value.value).reduce(|a, b| a + b),
            memory_errors_at: Time(errors().map(|value| value.at).max().unwrap_or(0)),
            silent: self.silent,
        }
    }

    /// Chips with sensors, by id.
    pub fn chips(&self) -> Vec<SensorChip> {
        let mut chips = hwmon::chips(self);
        chips.extend(thermal::chip(self));
        chips.extend(bmc::chip(self));
        chips.sort_by(|a, b| a.id.cmp(&b.id));
        chips
    }

    /// Graphics processors, by id.
    pub fn gpus(&self, metrics: &Meanings) -> Vec<Gpu> {
        gpu::gpus(self, metrics)
    }

    /// Management controllers, by id.
    pub fn bmcs(&self) -> Vec<Bmc> {
        bmc::bmcs(self)
    }

    /// Uninterruptible power supplies, by id.
    pub fn upses(&self, metrics: &Meanings) -> Vec<Ups> {
        ups::upses(self, metrics)
    }

    /// The power it takes; none where nothing measures it.
    pub fn power(&self, prices: &power::Prices) -> Option<HostPower> {
        power::of_host(self, prices)
    }

    /// What is known of a thing, without what was not read any more for [`STALE_MS`] while the host went on.
    fn known(&self, subject: &str) -> Thing<'a> {
        self.latest.of_since(subject, self.seen_ms - STALE_MS)
    }

    fn of(&self, kind: &'static str) -> impl Iterator<Item = &'a StandingFact> + use<'a> {
        self.facts.iter().filter(move |standing| standing.fact.kind == kind)
    }

    fn id(&self, key: &str) -> String {
        format!("{}:{key}", self.host)
    }
}

pub use attention::hottest;
pub use power::Prices;

/// How the worst of the sensors is; those that say nothing of their health are well.
fn worst_sensor(sensors: &[Sensor]) -> StorageState {
    let known = sensors.iter().map(|sensor| sensor.state).filter(|state| *state != StorageState::Unknown);
    known.max().unwrap_or_default()
}

fn worst_of(findings: &[StorageFinding], otherwise: StorageState) -> StorageState {
    findings.iter().map(|finding| finding.state).max().unwrap_or(otherwise)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod truth;
