//! A virtual device of a pool: one node of `vdev_tree` (the `ZPOOL_CONFIG_*` names and `vdev_stat_t` of
//! include/sys/fs/zfs.h). What it is called follows `zpool status`.

use super::nvlist::{List, Numbers};
use super::vdev_name::name;

/// Deepest tree that is followed: root, mirror, replacing, spare, disk.
const DEPTH_MAX: usize = 8;

/// Places in the array `vdev_stats`, `vdev_stat_t`. It only ever grew at its end.
mod stat {
    pub(super) const STATE: usize = 1;
    pub(super) const AUX: usize = 2;
    pub(super) const ALLOC: usize = 3;
    pub(super) const SPACE: usize = 4;
    /// `vs_ops`, by type of I/O: none, read, write, ….
    pub(super) const OPS: usize = 8;
    pub(super) const BYTES: usize = 14;
    pub(super) const READ_ERRORS: usize = 20;
    pub(super) const WRITE_ERRORS: usize = 21;
    pub(super) const CHECKSUM_ERRORS: usize = 22;
    pub(super) const FRAGMENTATION: usize = 27;
    pub(super) const SLOW_IOS: usize = 34;
    pub(super) const CONFIGURED_ASHIFT: usize = 42;
    pub(super) const PHYSICAL_ASHIFT: usize = 44;
    /// Size of the disk, since 2.1.6: moved on by one in 2.2, when the array grew before it.
    pub(super) fn psize(length: usize) -> Option<usize> {
        match length {
            0..=45 => None,
            46 => Some(45),
            _ => Some(46),
        }
    }
}

/// `vdev_state_t`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    Unknown,
    Closed,
    Offline,
    Removed,
    CannotOpen,
    Faulted,
    Degraded,
    Healthy,
}

/// `vdev_aux_t` in lower case, by number; why a device is in its state.
const AUX: [&str; 21] = [
    "none",
    "open_failed",
    "corrupt_data",
    "no_replicas",
    "bad_guid_sum",
    "too_small",
    "bad_label",
    "version_newer",
    "version_older",
    "unsup_feat",
    "spared",
    "err_exceeded",
    "io_failure",
    "bad_log",
    "external",
    "split_pool",
    "bad_ashift",
    "external_persist",
    "active",
    "children_offline",
    "ashift_too_big",
];

/// What a device is there for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Class {
    Data,
    Log,
    Special,
    Dedup,
    Cache,
    Spare,
}

impl Class {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Log => "log",
            Self::Special => "special",
            Self::Dedup => "dedup",
            Self::Cache => "cache",
            Self::Spare => "spare",
        }
    }
}

/// A node of the tree, with what it counts.
#[derive(Clone, Debug)]
pub(super) struct Vdev {
    /// As `zpool status` names it: `mirror-0`, `raidz2-1`, `draid1:7d:8c:0s-0`, `ata-…`.
    pub(super) name: String,
    /// `mirror`, `raidz`, `disk`, ….
    pub(super) kind: String,
    pub(super) guid: u64,
    pub(super) class: Class,
    pub(super) path: Option<String>,
    pub(super) devid: Option<String>,
    pub(super) phys_path: Option<String>,
    pub(super) enclosure_path: Option<String>,
    pub(super) not_present: bool,
    pub(super) state: State,
    aux: u64,
    pub(super) stats: Option<Stats>,
    /// A sequential resilver of a top-level device: `vdev_rebuild_stat_t`.
    pub(super) rebuild: Option<Vec<u64>>,
    pub(super) children: Vec<Vdev>,
}

/// Counts of a device, since its pool was imported or cleared.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Stats {
    pub(super) alloc_bytes: u64,
    /// Size; 0 below the top level.
    pub(super) space_bytes: u64,
    /// Size of a disk.
    pub(super) physical_bytes: Option<u64>,
    pub(super) reads: u64,
    pub(super) writes: u64,
    pub(super) read_bytes: u64,
    pub(super) written_bytes: u64,
    pub(super) read_errors: u64,
    pub(super) write_errors: u64,
    pub(super) checksum_errors: u64,
    /// Percent; `None` where it does not apply.
    pub(super) fragmentation_percent: Option<u64>,
    /// `None` before OpenZFS 0.8.
    pub(super) slow_ios: Option<u64>,
    /// Exponent of the block size in use, and of what the disk says it has.
    pub(super) ashift: Option<(u64, u64)>,
}

impl Vdev {
    /// Reads a node and all below.
    pub(super) fn new(node: &List, class: Class) -> Self {
        Self::at_depth(node, class, 0)
    }

    fn at_depth(node: &List, class: Class, depth: usize) -> Self {
        let text = |name: &str| node.text(name).map(str::to_owned);
        let numbers = node.numbers("vdev_stats");
        let stat = |index| numbers.and_then(|numbers| numbers.get(index));
        let class = match (class, node.text("alloc_bias")) {
            (Class::Data, _) if node.uint("is_log") == Some(1) => Class::Log,
            (Class::Data, Some("special")) => Class::Special,
            (Class::Data, Some("dedup")) => Class::Dedup,
            (Class::Data, Some("log")) => Class::Log,
            (class, _) => class,
        };
        let children = if depth < DEPTH_MAX { node.lists("children") } else { &[] };
        Self {
            name: name(node),
            kind: text("type").unwrap_or_default(),
            guid: node.uint("guid").unwrap_or(0),
            class,
            path: text("path"),
            devid: text("devid"),
            phys_path: text("phys_path"),
            enclosure_path: text("vdev_enc_sysfs_path"),
            not_present: node.has("not_present"),
            state: State::new(stat(stat::STATE)),
            aux: stat(stat::AUX).unwrap_or(0),
            stats: numbers.map(Stats::new),
            rebuild: node
                .numbers("org.openzfs:rebuild_stats")
                .map(|numbers| (0..numbers.len().min(16)).filter_map(|index| numbers.get(index)).collect()),
            children: children.iter().map(|child| Self::at_depth(child, class, depth + 1)).collect(),
        }
    }

    /// Why it is in its state; `None` when there is no particular reason.
    pub(super) fn aux(&self) -> Option<&'static str> {
        match self.aux {
            0 => None,
            aux => Some(usize::try_from(aux).ok().and_then(|aux| AUX.get(aux)).unwrap_or(&"unknown")),
        }
    }

    /// The state as `zpool status` words it.
    pub(super) fn state_word(&self) -> &'static str {
        match (self.class, self.state, self.aux().unwrap_or("")) {
            (Class::Spare, _, "spared") => "INUSE",
            (Class::Spare, State::Healthy, _) => "AVAIL",
            (_, State::Closed | State::Offline, _) => "OFFLINE",
            (_, State::Removed, _) => "REMOVED",
            (_, State::CannotOpen, "corrupt_data" | "bad_log") => "FAULTED",
            (_, State::CannotOpen, "split_pool") => "SPLIT",
            (_, State::CannotOpen, _) => "UNAVAIL",
            (_, State::Faulted, _) => "FAULTED",
            (_, State::Degraded, _) => "DEGRADED",
            (_, State::Healthy, _) => "ONLINE",
            (_, State::Unknown, _) => "UNKNOWN",
        }
    }

    /// What is left where a device was removed: `zpool status` does not show it.
    pub(super) fn is_placeholder(&self) -> bool {
        ["hole", "indirect", "missing"].contains(&self.kind.as_str())
    }

    /// This node and all below that stand for something.
    pub(super) fn walk<'a>(&'a self, depth: usize, see: &mut impl FnMut(&'a Self, usize)) {
        if !self.is_placeholder() {
            see(self, depth);
            self.children.iter().for_each(|child| child.walk(depth + 1, see));
        }
    }
}

impl State {
    fn new(number: Option<u64>) -> Self {
        match number {
            Some(1) => Self::Closed,
            Some(2) => Self::Offline,
            Some(3) => Self::Removed,
            Some(4) => Self::CannotOpen,
            Some(5) => Self::Faulted,
            Some(6) => Self::Degraded,
            Some(7) => Self::Healthy,
            _ => Self::Unknown,
        }
    }
}

impl Stats {
    fn new(numbers: &Numbers) -> Self {
        let get = |index| numbers.get(index).unwrap_or(0);
        Self {
            alloc_bytes: get(stat::ALLOC),
            space_bytes: get(stat::SPACE),
            physical_bytes: stat::psize(numbers.len())
                .and_then(|index| numbers.get(index))
                .filter(|&bytes| bytes > 0),
            reads: get(stat::OPS + 1),
            writes: get(stat::OPS + 2),
            read_bytes: get(stat::BYTES + 1),
            written_bytes: get(stat::BYTES + 2),
            read_errors: get(stat::READ_ERRORS),
            write_errors: get(stat::WRITE_ERRORS),
            checksum_errors: get(stat::CHECKSUM_ERRORS),
            fragmentation_percent: numbers.get(stat::FRAGMENTATION).filter(|&percent| percent <= 100),
            slow_ios: numbers.get(stat::SLOW_IOS),
            ashift: numbers.get(stat::CONFIGURED_ASHIFT).zip(numbers.get(stat::PHYSICAL_ASHIFT)),
        }
    }
}
