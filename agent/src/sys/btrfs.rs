//! What a mounted btrfs is asked, by ioctl on its mount point (include/uapi/linux/btrfs.h). The answers are the kernel's
//! structures as they are.

use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use crate::host::{Answer, Question};

/// A question; the number is that of a device within the filesystem.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Btrfs {
    /// `BTRFS_IOC_FS_INFO`: identity, number of devices. Every user may ask.
    FsInfo,
    /// `BTRFS_IOC_DEV_INFO`: name, UUID, size and space given out of a device. Every user may ask.
    DevInfo(u64),
    /// `BTRFS_IOC_GET_DEV_STATS`: errors of a device. Every user may ask.
    DevStats(u64),
    /// `BTRFS_IOC_SCRUB_PROGRESS`: how far the scrub of a device is; `ENOTCONN` when none runs. Needs CAP_SYS_ADMIN.
    ScrubProgress(u64),
}

/// Counters of a device's errors that are asked for (`BTRFS_DEV_STAT_VALUES_MAX`).
const STATS: u64 = 5;

impl Btrfs {
    /// Number of the ioctl, size of its structure in bytes. The number holds the size, so that a kernel which knows another
    /// one refuses.
    fn layout(self) -> (u64, usize) {
        match self {
            Self::FsInfo => (0x8400_941f, 1024),
            Self::DevInfo(_) => (0xd000_941e, 4096),
            Self::DevStats(_) => (0xc408_9434, 1032),
            Self::ScrubProgress(_) => (0xc400_941d, 1024),
        }
    }
}

impl Question for Btrfs {
    fn key(&self) -> String {
        match self {
            Self::FsInfo => "btrfs-fs-info".to_owned(),
            Self::DevInfo(id) => format!("btrfs-dev-info-{id}"),
            Self::DevStats(id) => format!("btrfs-dev-stats-{id}"),
            Self::ScrubProgress(id) => format!("btrfs-scrub-progress-{id}"),
        }
    }

    fn ask(&self, mountpoint: &Path) -> io::Result<Answer> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = rustix::fs::open(mountpoint, flags, Mode::empty())?;
        let (number, size) = self.layout();
        // Words, so that the structure is aligned.
        let mut words = vec![0_u64; size / 8];
        match *self {
            Self::FsInfo => {}
            Self::DevInfo(id) | Self::ScrubProgress(id) => words[0] = id,
            Self::DevStats(id) => (words[0], words[1]) = (id, STATS),
        }
        let request = number as libc::Ioctl;
        #[expect(unsafe_code, reason = "no crate knows these ioctls")]
        // SAFETY: the number of each ioctl holds the size of the structure that the kernel reads and writes, which is that of
        // the buffer; it is aligned to 8 and lives until the call returns.
        let result = unsafe { libc::ioctl(file.as_raw_fd(), request, words.as_mut_ptr()) };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Answer { data: words.into_iter().flat_map(u64::to_ne_bytes).collect(), status: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_hold_the_sizes_and_another_filesystem_refuses() {
        for question in [Btrfs::FsInfo, Btrfs::DevInfo(1), Btrfs::DevStats(1), Btrfs::ScrubProgress(1)] {
            let (number, size) = question.layout();
            assert_eq!((number >> 16 & 0x3fff) as usize, size, "{question:?}");
            let error = question.ask(Path::new("/proc")).unwrap_err();
            assert!([Some(libc::ENOTTY), Some(libc::EINVAL)].contains(&error.raw_os_error()), "{error}");
        }
        assert_eq!(Btrfs::FsInfo.ask(Path::new("/nowhere")).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(Btrfs::DevStats(7).key(), "btrfs-dev-stats-7");
    }
}
