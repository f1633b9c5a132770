//! What NVML says, as it says it: numbers in NVML's units under the names that `nvidia-smi --help-query-gpu` gives them. Such a
//! reading is what a capture holds.

use std::borrow::Cow;
use std::collections::BTreeMap;

use nvml_wrapper::error::NvmlError;
use serde::{Deserialize, Serialize};

/// What came of asking.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// It answered.
    Reading(Reading),
    /// It did not, for all GPUs.
    Failed(Failure),
}

/// Why something could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// `nvmlReturn_t` (nvml.h); 12 (library not found) where the library could not be loaded.
    pub code: u32,
    /// What it means.
    pub text: String,
}

/// Codes of `nvmlReturn_t` that are told apart.
pub mod code {
    /// It was not initialised: the driver went.
    pub const UNINITIALIZED: u32 = 1;
    /// What a GPU does not have.
    pub const NOT_SUPPORTED: u32 = 3;
    /// This user may not.
    pub const NO_PERMISSION: u32 = 4;
    /// The kernel has no driver.
    pub const DRIVER_NOT_LOADED: u32 = 9;
    /// There is no `libnvidia-ml.so.1`.
    pub const LIBRARY_NOT_FOUND: u32 = 12;
    /// The GPU has fallen off the bus.
    pub const GPU_IS_LOST: u32 = 15;
    /// The GPU must be reset before it can be used again.
    pub const RESET_REQUIRED: u32 = 16;
    /// The library is of another version than the kernel's driver.
    pub const LIB_RM_VERSION_MISMATCH: u32 = 18;
}

impl Failure {
    /// Whether it is about all GPUs, so that the library must be loaded anew.
    pub fn is_of_driver(&self) -> bool {
        [code::UNINITIALIZED, code::DRIVER_NOT_LOADED, code::LIB_RM_VERSION_MISMATCH].contains(&self.code)
    }

    /// Whether the GPU can be asked nothing any more.
    pub fn is_of_gpu(&self) -> bool {
        [code::GPU_IS_LOST, code::RESET_REQUIRED].contains(&self.code)
    }
}

impl From<NvmlError> for Failure {
    fn from(error: NvmlError) -> Self {
        let text = error.to_string();
        let code = match error {
            NvmlError::LibloadingError(_) => code::LIBRARY_NOT_FOUND,
            other => other.into(),
        };
        Self { code, text }
    }
}

/// All GPUs at one time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reading {
    /// Version of the driver in the kernel.
    pub driver_version: String,
    /// Version of the library.
    pub nvml_version: String,
    /// Newest version of CUDA that the driver supports: `13.2`; empty if unknown.
    pub cuda_version: String,
    /// GPUs, in the order in which they were asked for.
    pub devices: Vec<Device>,
    /// Errors that the driver reported since the last reading.
    pub xids: Vec<Xid>,
}

/// Numbers by the name of the field.
pub type Numbers = BTreeMap<Cow<'static, str>, f64>;
/// Texts by the name of the field.
pub type Texts = BTreeMap<Cow<'static, str>, String>;

/// A GPU.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Device {
    /// Address as it was asked for: `0000:0c:00.0`.
    pub pci_address: String,
    /// Identity: `GPU-` and a UUID; empty when it could not be read.
    pub uuid: String,
    /// Why nothing, or not all, was read.
    pub failure: Option<Failure>,
    /// Texts.
    pub texts: Texts,
    /// Numbers, in NVML's units.
    pub numbers: Numbers,
    /// Processes that use it; `None` when they could not be read.
    pub processes: Option<Vec<Process>>,
    /// Instances it is divided into.
    pub mig: Vec<Mig>,
    /// Fields that this user may not read.
    pub denied: Vec<Cow<'static, str>>,
}

/// A process that uses a GPU.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its name as NVML tells it, most often its path; empty when it does not.
    pub name: String,
    /// Memory of the GPU that it uses, in bytes.
    pub memory_bytes: Option<u64>,
    /// Whether it computes; otherwise it draws alone.
    pub compute: bool,
}

/// An instance of a GPU that is divided (MIG).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mig {
    /// Identity: `MIG-` and a UUID.
    pub uuid: String,
    /// Number of the GPU instance.
    pub gpu_instance: u32,
    /// Number of the compute instance in it.
    pub compute_instance: u32,
    /// Name: `NVIDIA A100-SXM4-40GB MIG 1g.5gb`.
    pub name: String,
    /// Its memory in bytes: total, reserved, used, free.
    pub memory_bytes: Option<[u64; 4]>,
}

/// An error that the driver reported (an Xid message of the kernel's log).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Xid {
    /// The GPU; empty if it is none that is known.
    pub uuid: String,
    /// Which error: NVIDIA's "XID Errors" lists them.
    pub code: u64,
}
