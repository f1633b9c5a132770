//! What ATA disks say: pure parsers, a file a structure (ACS-4: ATA Command Set, T13/BSR INCITS 529).

pub mod attributes;
pub(super) mod command;
pub mod errors;
pub mod families;
mod family_rows;
pub mod identify;
pub mod names;
pub mod raw;
pub(super) mod reading;
pub mod sct;
pub mod self_tests;
pub mod smart;
pub mod statistics;
pub mod versions;

/// Bytes of a sector, in which every structure here comes.
pub const SECTOR_BYTES: usize = 512;

/// The first sector of an answer, or why there is none.
fn sector<'b>(bytes: &'b [u8], what: &str) -> Result<&'b [u8; SECTOR_BYTES], String> {
    bytes.first_chunk().ok_or_else(|| format!("{what} has {} bytes instead of {SECTOR_BYTES}", bytes.len()))
}
