//! What NVMe controllers say: pure parsers (NVM Express Base Specification 2.1; figures are numbered as there).

pub mod identify;
pub mod logs;
pub(super) mod reading;
