//! System calls: the only place with libc and `unsafe`.

pub mod addresses;
pub mod btrfs;
pub mod clock;
#[cfg(test)]
pub mod fuse;
pub mod heap;
pub mod ipmi;
pub mod nvme;
pub mod nvml;
pub mod sg_io;
pub mod statfs;
pub mod zfs;
