//! Space of a filesystem, by statfs(2). May hang for as long as the filesystem does.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Space and file nodes of a filesystem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Size, in bytes.
    pub size_bytes: u64,
    /// Free space, in bytes.
    pub free_bytes: u64,
    /// Free space that ordinary users may take, in bytes.
    pub avail_bytes: u64,
    /// File nodes; 0 where the filesystem does not count them.
    pub files: u64,
    /// Free file nodes.
    pub files_free: u64,
    /// Whether it lies in memory alone (tmpfs, ramfs).
    pub in_memory: bool,
}

/// `TMPFS_MAGIC` and `RAMFS_MAGIC` of statfs(2).
const IN_MEMORY: [i64; 2] = [0x0102_1994, 0x8584_58f6];

/// Asks the filesystem that a path lies on.
///
/// # Errors
/// What the system says.
pub fn usage(path: &Path) -> io::Result<Usage> {
    let stat = rustix::fs::statfs(path)?;
    // Blocks are counted in fragments where the filesystem tells them apart from its preferred size of I/O.
    let unit = u64::try_from(if stat.f_frsize > 0 { stat.f_frsize } else { stat.f_bsize }).unwrap_or(0);
    Ok(Usage {
        size_bytes: stat.f_blocks.saturating_mul(unit),
        free_bytes: stat.f_bfree.saturating_mul(unit),
        avail_bytes: stat.f_bavail.saturating_mul(unit),
        files: stat.f_files,
        files_free: stat.f_ffree,
        in_memory: IN_MEMORY.contains(&(stat.f_type as i64)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_has_a_size_and_a_missing_path_an_error() {
        let root = usage(Path::new("/")).unwrap();
        assert!(
            root.size_bytes > 0 && root.avail_bytes <= root.free_bytes && root.free_bytes <= root.size_bytes
        );
        assert_eq!(usage(Path::new("/nowhere")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
