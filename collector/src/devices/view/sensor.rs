//! Sensors, as they are shown.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::moment::Time;
use crate::storage::view::StorageState;

/// What tells of a sensor.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SensorOrigin {
    /// A driver of the kernel (`/sys/class/hwmon`).
    Hwmon,
    /// A thermal zone of the kernel.
    Thermal,
    /// The management controller.
    Ipmi,
}

/// What a sensor measures.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SensorType {
    /// A temperature, in °C.
    Temperature,
    /// Speed of a fan, in turns per minute, or as a share.
    Fan,
    /// A voltage, in volts.
    Voltage,
    /// A current, in amperes.
    Current,
    /// Power, in watts.
    Power,
    /// Energy since some beginning, in joules.
    Energy,
    /// Humidity, 0 to 1.
    Humidity,
    /// How strongly a fan is driven, 0 to 1.
    Pwm,
    /// A frequency, in hertz.
    Frequency,
    /// Whether the case was opened: no value, an alarm.
    Intrusion,
    /// Anything else: a state, or a number without a unit.
    Other,
}

/// A sensor. What is not known is null.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct Sensor {
    /// Its name on the chip, `temp1`; of the management controller its number.
    pub sensor: String,
    /// What its maker calls it; its name where it has no other.
    pub label: String,
    /// What it measures.
    #[serde(rename = "type")]
    pub kind: SensorType,
    /// Unit of value and limits: `celsius`, `rpm`, `volts`, `amperes`, `watts`, `joules`, `ratio`, `hertz`; empty for none.
    pub unit: String,
    /// What it reads.
    pub value: Option<f64>,
    /// The least that is usual.
    pub min: Option<f64>,
    /// The most that is usual.
    pub max: Option<f64>,
    /// Below it is dangerous.
    pub critical_min: Option<f64>,
    /// Above it is dangerous.
    pub critical_max: Option<f64>,
    /// Other limits and records by the names of the chip: `emergency`, `max_hyst`, `highest`, ….
    pub limits: BTreeMap<String, f64>,
    /// Whether it raises an alarm of its own.
    pub alarm: Option<bool>,
    /// Whether it is broken or not connected.
    pub fault: Option<bool>,
    /// What it says of itself in words, of the management controller: `presence detected`.
    pub states: Vec<String>,
    /// How it is.
    pub state: StorageState,
    /// Why, in words.
    pub message: Option<String>,
    /// When it was read.
    pub at: Option<Time>,
    /// Metric of its value, for `/api/samples`.
    pub metric: String,
    /// Labels of that series but `instance` and `job`.
    pub labels: BTreeMap<String, String>,
}

/// A chip with its sensors.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct SensorChip {
    /// Host, origin and name: `nas1:hwmon:platform_coretemp_0`.
    pub id: String,
    /// The host it is in.
    pub host: String,
    /// Nothing is heard of the host: all of this is old.
    pub host_silent: bool,
    /// What tells of it.
    pub origin: SensorOrigin,
    /// Its stable name, the label `chip` of its series.
    pub chip: String,
    /// What its driver calls it: `coretemp`.
    pub name: String,
    /// The device it belongs to.
    pub device: Option<String>,
    /// How the worst of its sensors is.
    pub state: StorageState,
    /// Its sensors, by type and name.
    pub sensors: Vec<Sensor>,
}
