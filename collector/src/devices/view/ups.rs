//! Uninterruptible power supplies, as they are shown.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::moment::Time;
use crate::storage::view::{StorageFinding, StorageReading, StorageState};

/// An uninterruptible power supply. What is not known is null.
#[derive(Clone, PartialEq, Debug, Default, Serialize, ToSchema)]
pub struct Ups {
    /// Host and identity: `nas1:eaton@127.0.0.1:3493`.
    pub id: String,
    /// The host whose agent reads it.
    pub host: String,
    /// Nothing is heard of the host: all of this is old.
    pub host_silent: bool,
    /// Its identity: name and server.
    pub key: String,
    /// Its name, the label `ups` of its series.
    pub name: String,
    /// The server that is asked: address and port.
    pub server: Option<String>,
    /// How it is asked: `nut`, `apcupsd`; `battery` for one of the machine itself.
    pub protocol: Option<String>,
    /// Who made it.
    pub manufacturer: Option<String>,
    /// What its maker calls it.
    pub model: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// Version of its firmware.
    pub firmware: Option<String>,
    /// What its owner calls it.
    pub description: Option<String>,
    /// Chemistry of its battery.
    pub battery_type: Option<String>,
    /// How it is.
    pub state: StorageState,
    /// Why, worst first.
    pub findings: Vec<StorageFinding>,
    /// Why it cannot be read.
    pub unreadable: Option<String>,
    /// Its status flags, as NUT has them: `OL`, `CHRG`, ….
    pub flags: Vec<String>,
    /// The flags in words: `on line, charging`.
    pub status: Option<String>,
    /// Whether it runs from its battery.
    pub on_battery: Option<bool>,
    /// Whether its battery is nearly empty.
    pub low_battery: Option<bool>,
    /// Whether it asks for a new battery.
    pub replace_battery: Option<bool>,
    /// Charge of its battery, 0 to 1.
    pub battery_charge_ratio: Option<f64>,
    /// Charge below which it counts as nearly empty, 0 to 1.
    pub battery_charge_low_ratio: Option<f64>,
    /// How long the battery lasts at this load.
    pub battery_runtime_seconds: Option<f64>,
    /// Voltage of its battery.
    pub battery_voltage_volts: Option<f64>,
    /// Temperature, of the battery where it is known.
    pub temperature_celsius: Option<f64>,
    /// Share of what it can carry.
    pub load_ratio: Option<f64>,
    /// Power that it gives: measured, or made of load and nominal power.
    pub power_watts: Option<f64>,
    /// Power that it can give.
    pub nominal_power_watts: Option<f64>,
    /// Voltage it gets.
    pub input_voltage_volts: Option<f64>,
    /// Frequency it gets.
    pub input_frequency_hertz: Option<f64>,
    /// Voltage it gives.
    pub output_voltage_volts: Option<f64>,
    /// The fact about it.
    pub facts: BTreeMap<String, Value>,
    /// Everything that is read of it, by metric.
    pub readings: Vec<StorageReading>,
    /// When it was last read.
    pub last_read: Option<Time>,
    /// Since when its description reads so.
    pub since: Option<Time>,
}
