//! Devices that reading a sensor would wake, or keep from falling asleep: they are left alone.
//!
//! A hard disk behind `drivetemp` is asked by an ATA command for its temperature, which may reset its spin-down timer or spin it
//! up (Documentation/hwmon/drivetemp.rst). Asking it for its power state takes privileges that this source has not, so it is
//! asked only after it has just moved data: then it is awake, and its timer runs anew anyway. The kernel counts no data for the
//! commands by which its temperature or its health is asked without any moving (CHECK POWER MODE).
//!
//! A graphics card that the kernel has switched off (runtime power management) is switched on by some drivers to be read.

use crate::host::{At, HostRoot, Scratch};

use super::names::Origin;

/// Whether, and how, a chip's device may sleep.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Sleep {
    /// It does not, or reading does not matter to it.
    #[default]
    Never,
    /// A disk with platters.
    Disk {
        /// Its counters, below `/sys` (Documentation/block/stat.rst).
        stat: String,
        /// Sectors read and written when looked last.
        sectors: Option<u64>,
    },
    /// A graphics card.
    Card {
        /// Its `power/runtime_status` (Documentation/ABI/testing/sysfs-devices-power).
        status: String,
    },
}

impl Sleep {
    /// Finds out which.
    pub(super) fn of(host: &HostRoot, scratch: &mut Scratch, origin: &Origin) -> Self {
        let device = &origin.device;
        if device.is_empty() {
            return Self::Never;
        }
        if origin.name == "drivetemp" {
            let blocks = host.list(At::Sys, &format!("{device}/block")).unwrap_or_default();
            let Some(block) = blocks.first().map(|name| format!("{device}/block/{name}")) else {
                return Self::Never;
            };
            return match host.attribute(scratch, &format!("{block}/queue/rotational")) {
                Some("0") => Self::Never,
                _ => Self::Disk { stat: format!("{block}/stat"), sectors: None },
            };
        }
        match host.is_folder(At::Sys, &format!("{device}/drm")) {
            true => Self::Card { status: format!("{device}/power/runtime_status") },
            false => Self::Never,
        }
    }

    /// Whether it has to be left alone now.
    pub(super) fn sleeps(&mut self, host: &HostRoot, scratch: &mut Scratch) -> bool {
        match self {
            Self::Never => false,
            Self::Card { status } => {
                matches!(host.attribute(scratch, status), Some("suspended" | "suspending"))
            }
            Self::Disk { stat, sectors } => {
                let now = host.attribute(scratch, stat).and_then(moved_sectors);
                let before = std::mem::replace(sectors, now);
                !matches!((before, now), (Some(before), Some(now)) if before != now)
            }
        }
    }
}

/// Sectors read and written, of the third and the seventh number.
fn moved_sectors(stat: &str) -> Option<u64> {
    let mut numbers = stat.split_ascii_whitespace();
    let read: u64 = numbers.nth(2)?.parse().ok()?;
    let written: u64 = numbers.nth(3)?.parse().ok()?;
    Some(read.wrapping_add(written))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_disk_is_asked_only_after_it_has_moved_data() {
        let folder = tempfile::tempdir().unwrap();
        let block = folder.path().join("sys/devices/ata1/0:0:0:0/block/sda");
        fs::create_dir_all(block.join("queue")).unwrap();
        fs::write(block.join("queue/rotational"), "1\n").unwrap();
        let stat = |read: u64, written: u64| {
            fs::write(block.join("stat"), format!(" 10 0 {read} 4 5 0 {written} 8 0 9 9\n")).unwrap();
        };
        let host = HostRoot::captured(folder.path());
        let mut scratch = Scratch::default();
        let origin = Origin {
            folder: "hwmon0".into(),
            device: "devices/ata1/0:0:0:0".into(),
            name: "drivetemp".into(),
        };
        let mut sleep = Sleep::of(&host, &mut scratch, &origin);
        stat(100, 0);
        assert!(sleep.sleeps(&host, &mut scratch), "who knows");
        assert!(sleep.sleeps(&host, &mut scratch), "nothing moved");
        stat(108, 0);
        assert!(!sleep.sleeps(&host, &mut scratch));
        stat(108, 8);
        assert!(!sleep.sleeps(&host, &mut scratch));
        assert!(sleep.sleeps(&host, &mut scratch));
        fs::write(block.join("stat"), "garbage").unwrap();
        assert!(sleep.sleeps(&host, &mut scratch));
        fs::write(block.join("queue/rotational"), "0\n").unwrap();
        assert_eq!(Sleep::of(&host, &mut scratch, &origin), Sleep::Never, "an SSD");
    }

    #[test]
    fn a_card_that_is_switched_off_stays_so() {
        let folder = tempfile::tempdir().unwrap();
        let device = folder.path().join("sys/devices/pci/card");
        fs::create_dir_all(device.join("drm/card0")).unwrap();
        fs::create_dir_all(device.join("power")).unwrap();
        let host = HostRoot::captured(folder.path());
        let mut scratch = Scratch::default();
        let origin =
            Origin { folder: String::new(), device: "devices/pci/card".into(), name: "amdgpu".into() };
        let mut sleep = Sleep::of(&host, &mut scratch, &origin);
        assert!(!sleep.sleeps(&host, &mut scratch), "nothing is known of its power");
        fs::write(device.join("power/runtime_status"), "suspended\n").unwrap();
        assert!(sleep.sleeps(&host, &mut scratch));
        fs::write(device.join("power/runtime_status"), "active\n").unwrap();
        assert!(!sleep.sleeps(&host, &mut scratch));
    }
}
