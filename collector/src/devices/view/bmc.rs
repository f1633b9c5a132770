//! Management controllers, as they are shown.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::moment::Time;
use crate::storage::view::{StorageFinding, StorageState};

use super::Sensor;

/// A management controller (BMC). What is not known is null. Its event log are the events of type `bmc_log`.
#[derive(Clone, PartialEq, Debug, Default, Serialize, ToSchema)]
pub struct Bmc {
    /// Host and number: `nas1:0`.
    pub id: String,
    /// The host it is in.
    pub host: String,
    /// Nothing is heard of the host: all of this is old.
    pub host_silent: bool,
    /// Who made it.
    pub manufacturer: Option<String>,
    /// What its maker calls it.
    pub product: Option<String>,
    /// Version of its firmware.
    pub firmware: Option<String>,
    /// Version of IPMI that it speaks.
    pub ipmi_version: Option<String>,
    /// How it is.
    pub state: StorageState,
    /// Why, worst first.
    pub findings: Vec<StorageFinding>,
    /// Why it cannot be read.
    pub unreadable: Option<String>,
    /// Whether the machine is switched on, as it sees it.
    pub chassis_power_on: Option<bool>,
    /// What is wrong with the case: `drive_fault`, `cooling_fault`, `power_overload`, `intrusion`, ….
    pub chassis_faults: Vec<String>,
    /// Power the machine takes (DCMI).
    pub power_watts: Option<f64>,
    /// Entries of its event log.
    pub log_entries: Option<f64>,
    /// What is free in its event log.
    pub log_free_bytes: Option<f64>,
    /// Its sensors, by type and name.
    pub sensors: Vec<Sensor>,
    /// The fact about it.
    pub facts: BTreeMap<String, Value>,
    /// When it was last read.
    pub last_read: Option<Time>,
    /// Since when its description reads so.
    pub since: Option<Time>,
}
