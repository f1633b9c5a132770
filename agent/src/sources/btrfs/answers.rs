//! Structures that the kernel answers with, in its own byte order (include/uapi/linux/btrfs.h).

use uuid::Uuid;

/// Of `btrfs_ioctl_fs_info_args`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FsInfo {
    /// Highest number of a device.
    pub max_id: u64,
    /// Devices, missing ones among them.
    pub devices: u64,
    /// Identity of the filesystem.
    pub uuid: Uuid,
}

/// Of `btrfs_ioctl_dev_info_args`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevInfo {
    /// Identity of the device within the filesystem.
    pub uuid: Uuid,
    /// Bytes given out to data, metadata and system.
    pub used_bytes: u64,
    /// Size, in bytes.
    pub total_bytes: u64,
    /// Path: `/dev/sda1`, `/dev/mapper/tank`; empty for a device that is missing.
    pub path: String,
}

/// Errors of a device, of `btrfs_ioctl_get_dev_stats` or the attribute `error_stats`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Errors {
    /// Writes that failed.
    pub write: u64,
    /// Reads that failed.
    pub read: u64,
    /// Flushes that failed.
    pub flush: u64,
    /// Blocks with a wrong checksum or content.
    pub corruption: u64,
    /// Blocks that were not written when they should have been.
    pub generation: u64,
}

/// How far a scrub is, of `btrfs_scrub_progress`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scrub {
    /// Bytes of data and metadata looked at.
    pub bytes: u64,
    /// Reads that failed.
    pub read_errors: u64,
    /// Wrong checksums.
    pub csum_errors: u64,
    /// Metadata with wrong content.
    pub verify_errors: u64,
    /// Bad superblocks.
    pub super_errors: u64,
    /// Errors that no good copy could mend.
    pub uncorrectable_errors: u64,
    /// Errors that were mended.
    pub corrected_errors: u64,
}

/// Reads the answer to `FS_INFO`; `None` when it is too short.
pub fn fs_info(bytes: &[u8]) -> Option<FsInfo> {
    Some(FsInfo { max_id: word(bytes, 0)?, devices: word(bytes, 1)?, uuid: uuid(bytes, 16)? })
}

/// Reads the answer to `DEV_INFO`; `None` when it is too short.
pub fn dev_info(bytes: &[u8]) -> Option<DevInfo> {
    const PATH: usize = 3072;
    const PATH_BYTES: usize = 1024;
    let path = bytes.get(PATH..PATH + PATH_BYTES)?;
    let path = path.split(|&byte| byte == 0).next().unwrap_or_default();
    Some(DevInfo {
        uuid: uuid(bytes, 8)?,
        used_bytes: word(bytes, 3)?,
        total_bytes: word(bytes, 4)?,
        path: String::from_utf8_lossy(path).into_owned(),
    })
}

/// Reads the answer to `GET_DEV_STATS`; `None` when it is too short or has fewer counters.
pub fn dev_stats(bytes: &[u8]) -> Option<Errors> {
    let counters = word(bytes, 1)?;
    let value =
        |index: usize| word(bytes, 3 + index).filter(|_| index < usize::try_from(counters).unwrap_or(0));
    Some(Errors {
        write: value(0)?,
        read: value(1)?,
        flush: value(2)?,
        corruption: value(3)?,
        generation: value(4)?,
    })
}

/// Reads the answer to `SCRUB_PROGRESS`; `None` when it is too short.
pub fn scrub_progress(bytes: &[u8]) -> Option<Scrub> {
    let value = |index: usize| word(bytes, 4 + index);
    // To the end of what is known, so that a cut answer is none.
    value(14)?;
    Some(Scrub {
        bytes: value(2)?.saturating_add(value(3)?),
        read_errors: value(4)?,
        csum_errors: value(5)?,
        verify_errors: value(6)?,
        super_errors: value(9)?,
        uncorrectable_errors: value(11)?,
        corrected_errors: value(12)?,
    })
}

/// Reads the attribute `error_stats`: `write_errs 0`, a line each.
pub fn error_stats(text: &str) -> Option<Errors> {
    let value = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix("_errs")?.trim().parse::<u64>().ok())
    };
    Some(Errors {
        write: value("write")?,
        read: value("read")?,
        flush: value("flush")?,
        corruption: value("corruption")?,
        generation: value("generation")?,
    })
}

impl Errors {
    /// Counts in the order in which node_exporter has them.
    pub fn by_type(&self) -> [(&'static str, u64); 5] {
        [
            ("write", self.write),
            ("read", self.read),
            ("flush", self.flush),
            ("corruption", self.corruption),
            ("generation", self.generation),
        ]
    }
}

impl Scrub {
    /// Adds that of another device.
    pub fn add(&mut self, other: &Self) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.read_errors = self.read_errors.saturating_add(other.read_errors);
        self.csum_errors = self.csum_errors.saturating_add(other.csum_errors);
        self.verify_errors = self.verify_errors.saturating_add(other.verify_errors);
        self.super_errors = self.super_errors.saturating_add(other.super_errors);
        self.uncorrectable_errors = self.uncorrectable_errors.saturating_add(other.uncorrectable_errors);
        self.corrected_errors = self.corrected_errors.saturating_add(other.corrected_errors);
    }

    /// Errors by what became of them.
    pub fn by_type(&self) -> [(&'static str, u64); 6] {
        [
            ("read", self.read_errors),
            ("checksum", self.csum_errors),
            ("verify", self.verify_errors),
            ("super", self.super_errors),
            ("uncorrectable", self.uncorrectable_errors),
            ("corrected", self.corrected_errors),
        ]
    }
}

/// The 64-bit word at an index.
fn word(bytes: &[u8], index: usize) -> Option<u64> {
    let start = index.checked_mul(8)?;
    let bytes = bytes.get(start..start.checked_add(8)?)?;
    Some(u64::from_ne_bytes(bytes.try_into().ok()?))
}

fn uuid(bytes: &[u8], at: usize) -> Option<Uuid> {
    Some(Uuid::from_bytes(bytes.get(at..at + 16)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_where_the_header_says() {
        let mut words = vec![0_u64; 129];
        (words[0], words[1]) = (7, 5);
        for (index, value) in [11, 12, 13, 14, 15].into_iter().enumerate() {
            words[3 + index] = value;
        }
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        let errors = dev_stats(&bytes).unwrap();
        assert_eq!(errors.by_type().map(|(_, count)| count), [11, 12, 13, 14, 15]);
        words[1] = 4;
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        assert_eq!(dev_stats(&bytes), None, "an older kernel has fewer counters");
    }

    #[test]
    fn error_stats_are_lines() {
        let text = "write_errs 1\nread_errs 2\nflush_errs 3\ncorruption_errs 4\ngeneration_errs 5\n";
        assert_eq!(error_stats(text).unwrap().by_type().map(|(_, count)| count), [1, 2, 3, 4, 5]);
        assert_eq!(error_stats("write_errs 1\n"), None);
        assert_eq!(error_stats("invalid\n"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_none_are_made_up(bytes in prop::collection::vec(any::<u8>(), 0..5000), text in "((write|read)_errs|[0-9]{1,25}|\n| |.){0,30}") {
            prop_assert_eq!(fs_info(&bytes).is_some(), bytes.len() >= 32);
            prop_assert_eq!(dev_info(&bytes).is_some(), bytes.len() >= 4096);
            prop_assert_eq!(scrub_progress(&bytes).is_some(), bytes.len() >= 152);
            prop_assert!(dev_stats(&bytes).is_none() || bytes.len() >= 64);
            let _ = error_stats(&text);
        }

        #[test]
        fn extremes_add_up_to_the_most(bytes in prop::collection::vec(any::<u8>(), 152..160)) {
            let mut sum = scrub_progress(&[0xff; 152]).unwrap();
            sum.add(&scrub_progress(&bytes).unwrap());
            prop_assert_eq!(sum.bytes, u64::MAX);
        }
    }
}
