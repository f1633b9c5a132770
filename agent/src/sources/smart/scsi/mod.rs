//! What SCSI and SAS disks say: pure parsers (SPC-5, SBC-4, SPL-4 of T10).

pub mod inquiry;
pub mod logs;
pub(super) mod reading;
pub mod sas;
pub mod sense;
