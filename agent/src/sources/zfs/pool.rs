//! A pool as `ZFS_IOC_POOL_STATS` tells it (`spa_get_stats` of module/zfs/spa.c): its configuration, the tree of its devices
//! with their counts, and what goes through it.

use super::nvlist::List;
use super::scan::{self, Scan};
use super::vdev::{Class, Vdev};

/// A pool.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) name: String,
    pub(super) guid: u64,
    /// Version of its format; 5000 since features took the place of versions.
    pub(super) version: u64,
    pub(super) root: Vdev,
    pub(super) spares: Vec<Vdev>,
    pub(super) cache: Vec<Vdev>,
    pub(super) scans: Vec<Scan>,
    /// Blocks or files with damage that could not be repaired.
    pub(super) data_errors: Option<u64>,
    /// Whether the kernel has its configuration but could not open it.
    pub(super) unopened: bool,
    /// The failure mode under which it is suspended.
    pub(super) suspended: Option<u64>,
    pub(super) suspended_reason: Option<u64>,
    pub(super) errata: u64,
    /// Bytes that a checkpoint holds.
    pub(super) checkpoint_bytes: Option<u64>,
}

/// Names of the states that `zpool` shows of a pool.
pub(super) const STATES: [&str; 7] =
    ["online", "degraded", "faulted", "offline", "removed", "unavail", "suspended"];

impl Pool {
    /// Understands a configuration, which the kernel also has of a pool that it could not open. `skips` tells whether scans
    /// count what they skip: since OpenZFS 2.2.
    ///
    /// # Errors
    /// What it lacks.
    pub(super) fn new(config: &List, unopened: bool, skips: bool) -> Result<Self, &'static str> {
        let name = config.text("name").ok_or("a pool without a name")?.to_owned();
        let tree = config.list("vdev_tree").ok_or("a pool without devices")?;
        let mut root = Vdev::new(tree, Class::Data);
        root.name.clone_from(&name);
        let of =
            |key: &str, class: Class| tree.lists(key).iter().map(|node| Vdev::new(node, class)).collect();
        let checkpoint =
            tree.numbers("checkpoint_stats").filter(|stats| stats.get(0).is_some_and(|state| state > 0));
        Ok(Self {
            guid: config.uint("pool_guid").unwrap_or(root.guid),
            version: config.uint("version").unwrap_or(0),
            scans: scans(tree, &root, skips),
            spares: of("spares", Class::Spare),
            cache: of("l2cache", Class::Cache),
            unopened,
            data_errors: config.uint("error_count"),
            suspended: config.uint("suspended"),
            suspended_reason: config.uint("suspended_reason"),
            errata: config.uint("errata").unwrap_or(0),
            checkpoint_bytes: checkpoint.and_then(|stats| stats.get(2)),
            root,
            name,
        })
    }

    /// Its state as `zpool status` words it.
    pub(super) fn state_word(&self) -> &'static str {
        match self.suspended {
            Some(_) => "SUSPENDED",
            None if self.unopened => "FAULTED",
            None => self.root.state_word(),
        }
    }

    /// Every device: the tree from the top level down, then spares and caches; with its depth.
    pub(super) fn walk<'a>(&'a self, see: &mut impl FnMut(&'a Vdev, usize)) {
        let top = self.root.children.iter();
        top.chain(&self.spares).chain(&self.cache).for_each(|vdev| vdev.walk(1, see));
    }
}

fn scans(tree: &List, root: &Vdev, skips: bool) -> Vec<Scan> {
    let names: Vec<String> = root.children.iter().map(|vdev| vdev.name.clone()).collect();
    let mut scans = tree.numbers("scan_stats").map_or(Vec::new(), |stats| scan::of_pool(stats, skips));
    let rebuilds = root.children.iter();
    scans.extend(rebuilds.filter_map(|vdev| scan::of_rebuild(vdev.rebuild.as_deref()?, &vdev.name)));
    scans.extend(scan::of_move(tree, "raidz_expand_stats", &names));
    scans.extend(scan::of_move(tree, "removal_stats", &names));
    scans
}
