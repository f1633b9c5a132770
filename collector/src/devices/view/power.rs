//! Power and energy, as they are shown.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::moment::Time;

/// What measures power.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PowerSourceKind {
    /// The management controller, of the whole machine (DCMI).
    Dcmi,
    /// A power meter or power supply that the kernel's hwmon shows, of the whole machine.
    Meter,
    /// A power sensor of the management controller.
    Ipmi,
    /// An uninterruptible power supply, of all that hangs on it.
    Ups,
    /// A processor's own account of its energy (RAPL).
    Rapl,
    /// A graphics processor.
    Gpu,
    /// A sensor of a part of the machine.
    Hwmon,
    /// The battery of a laptop, while it is drained.
    Battery,
}

/// What a host's power was taken from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PowerBasis {
    /// Something measures the whole machine.
    System,
    /// An uninterruptible power supply that the host itself serves: whatever else hangs on it is in the figure.
    Ups,
    /// The sum of the parts that measure themselves: the machine takes more.
    Components,
}

/// Something that measures power.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct PowerSource {
    /// What it is.
    pub kind: PowerSourceKind,
    /// Which one, in words: `package-0`, `NVIDIA GeForce RTX 3060`.
    pub name: String,
    /// Whether it is part of the host's figure; what it measures is otherwise in another one already.
    pub counted: bool,
    /// Power now.
    pub watts: Option<f64>,
    /// Average over the time in which it was read, of the last 24 hours.
    pub average_watts: Option<f64>,
    /// Energy of the last 24 hours, or since it was first read.
    pub energy_kwh: Option<f64>,
    /// Counter of its energy, where it has one.
    pub energy_joules_total: Option<f64>,
    /// When it was read.
    pub at: Time,
    /// Metric of it, for `/api/samples`.
    pub metric: String,
    /// Labels of that series but `instance` and `job`.
    pub labels: BTreeMap<String, String>,
}

/// The power a host takes, and what that costs. What is not known is null.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct HostPower {
    /// The host.
    pub host: String,
    /// Nothing is heard of the host: all of this is old.
    pub host_silent: bool,
    /// What its figures were taken from.
    pub basis: PowerBasis,
    /// Power now.
    pub watts: Option<f64>,
    /// Average over the time in which it was read, of the last 24 hours.
    pub average_watts: Option<f64>,
    /// Energy of the last 24 hours, or since it was first read.
    pub energy_kwh: Option<f64>,
    /// The time that the energy was taken in, with pauses: at most 24 hours.
    pub window_seconds: Option<f64>,
    /// Energy of a month of 730.5 hours, if it goes on as in that time.
    pub projected_kwh_per_month: Option<f64>,
    /// What that costs; null without a price.
    pub projected_cost_per_month: Option<f64>,
    /// All that measures power on it.
    pub sources: Vec<PowerSource>,
}
