//! Graphics processors, as they are shown.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::moment::Time;
use crate::storage::view::{StorageFinding, StorageReading, StorageState};

/// A program that uses a graphics processor.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct GpuProcess {
    /// Its name.
    pub process: String,
    /// The container it runs in, by its key where it is known, else by its identity.
    pub container: Option<String>,
    /// Memory of the processor that it has.
    pub memory_bytes: Option<f64>,
}

/// A graphics processor. What is not known is null.
#[derive(Clone, PartialEq, Debug, Default, Serialize, ToSchema)]
pub struct Gpu {
    /// Host and identity: `nas1:GPU-5f0c…`, `nas1:0000:03:00.0`.
    pub id: String,
    /// The host it is in.
    pub host: String,
    /// Nothing is heard of the host: all of this is old.
    pub host_silent: bool,
    /// Its identity: UUID or PCI address.
    pub key: String,
    /// `nvidia`, `amd`, `intel`.
    pub vendor: Option<String>,
    /// What its maker calls it.
    pub name: Option<String>,
    /// Where it sits.
    pub pci_address: Option<String>,
    /// Its UUID.
    pub uuid: Option<String>,
    /// Version of its driver.
    pub driver_version: Option<String>,
    /// Version of its firmware.
    pub vbios_version: Option<String>,
    /// How it is.
    pub state: StorageState,
    /// Why, worst first.
    pub findings: Vec<StorageFinding>,
    /// Why it cannot be read.
    pub unreadable: Option<String>,
    /// Share of the time in which it had work.
    pub busy_ratio: Option<f64>,
    /// Share of the time in which its memory was read or written.
    pub memory_busy_ratio: Option<f64>,
    /// Share of the time in which its encoder had work.
    pub encoder_ratio: Option<f64>,
    /// Share of the time in which its decoder had work.
    pub decoder_ratio: Option<f64>,
    /// Its memory.
    pub memory_total_bytes: Option<f64>,
    /// What of it is in use.
    pub memory_used_bytes: Option<f64>,
    /// Share of it in use.
    pub memory_used_ratio: Option<f64>,
    /// Its temperature.
    pub temperature_celsius: Option<f64>,
    /// Temperature of its memory.
    pub memory_temperature_celsius: Option<f64>,
    /// How fast its fan turns, as a share.
    pub fan_ratio: Option<f64>,
    /// How fast its fan turns, in turns per minute.
    pub fan_rpm: Option<f64>,
    /// Power it takes.
    pub power_watts: Option<f64>,
    /// Power it may take.
    pub power_limit_watts: Option<f64>,
    /// Clock of its cores.
    pub clock_hertz: Option<f64>,
    /// The fastest its cores may run.
    pub clock_max_hertz: Option<f64>,
    /// Clock of its memory.
    pub memory_clock_hertz: Option<f64>,
    /// Performance state: 0 is the fastest.
    pub performance_state: Option<f64>,
    /// Generation of its PCIe link as it is now.
    pub pcie_generation: Option<f64>,
    /// Highest generation that both ends can.
    pub pcie_generation_max: Option<f64>,
    /// Lanes of its link as it is now.
    pub pcie_width: Option<f64>,
    /// Lanes that it could have.
    pub pcie_width_max: Option<f64>,
    /// What slows it down: `sw_power_cap`, `hw_thermal_slowdown`, ….
    pub throttle_reasons: Vec<String>,
    /// Memory errors that were mended.
    pub ecc_corrected_errors: Option<f64>,
    /// Memory errors that could not be mended.
    pub ecc_uncorrected_errors: Option<f64>,
    /// Programs that use it, those with most memory first.
    pub processes: Vec<GpuProcess>,
    /// The fact about it.
    pub facts: BTreeMap<String, Value>,
    /// Everything that is read of it, by metric.
    pub readings: Vec<StorageReading>,
    /// When it was last read.
    pub last_read: Option<Time>,
    /// Since when its description reads so.
    pub since: Option<Time>,
}
