//! Health of disks, from the disks themselves.

pub mod ata;
mod bytes;
pub mod decode;
pub mod nvme;
pub mod scsi;
