//! What is shown of devices: the shapes that the API answers with.

mod bmc;
mod gpu;
mod power;
mod sensor;
mod ups;

pub use bmc::Bmc;
pub use gpu::{Gpu, GpuProcess};
pub use power::{HostPower, PowerBasis, PowerSource, PowerSourceKind};
pub use sensor::{Sensor, SensorChip, SensorOrigin, SensorType};
pub use ups::Ups;
