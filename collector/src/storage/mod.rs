//! What is known of storage: disks, arrays and pools, put together from facts (what exists and how it stands) and the newest
//! values of series (what moves by itself). Everything here is pure.

mod array;
mod attention;
mod btrfs;
mod dataset;
mod disk;
mod disk_findings;
mod history;
mod pool;
mod relations;
pub mod view;

use std::collections::HashMap;

use crate::doc::Doc;
use crate::latest::{Latest, Shape, Subject};
use crate::model::HostKey;
use crate::store::{FactRow, MetricRow, StandingFact};

use relations::Relations;
use view::{
    StorageArray, StorageController, StorageDataset, StorageDisk, StorageDiskDetail, StorageFinding,
    StoragePool, StorageState,
};

pub use attention::StorageAttention;
pub use history::{changes, places};

/// Kinds of facts that this is made of.
pub const FACT_KINDS: [&str; 7] =
    ["disk", "block_device", "disk_health", "raid_controller", "array", "pool", "btrfs"];
/// How the metrics of storage begin, and what each is about.
pub const SHAPE: Shape = Shape {
    metrics: &[
        ("smartctl_", Subject::Label("device")),
        ("hi_smart_", Subject::Label("device")),
        ("hi_zfs_", Subject::Label("pool")),
        ("hi_md_", Subject::Label("device")),
        ("node_md_", Subject::Label("device")),
        ("hi_btrfs_", Subject::Label("uuid")),
        ("node_btrfs_", Subject::Label("uuid")),
    ],
    is_integrated: |_| false,
};
/// Kinds of facts that are about a disk itself.
pub const DISK_FACT_KINDS: [&str; 2] = ["disk", "disk_health"];

/// What is known of the storage of one host.
#[derive(Clone, Copy)]
pub struct HostStorage<'a> {
    /// Name of the host.
    pub host: &'a str,
    /// Nothing is heard of it.
    pub silent: bool,
    /// Its facts of [`FACT_KINDS`].
    pub facts: &'a [StandingFact],
    /// Its newest values.
    pub latest: &'a Latest,
}

/// All of it.
pub struct Storage {
    /// The disks.
    pub disks: Vec<StorageDisk>,
    /// The arrays.
    pub arrays: Vec<StorageArray>,
    /// The pools.
    pub pools: Vec<StoragePool>,
}

impl<'a> HostStorage<'a> {
    /// Puts everything together.
    pub fn all(&self) -> Storage {
        let relations = Relations::new(self);
        let mut pools: Vec<StoragePool> = self.of("pool").map(|f| pool::pool(self, &relations, f)).collect();
        pools.extend(self.of("btrfs").map(|f| btrfs::pool(self, &relations, f)));
        Storage {
            disks: disk::disks(self, &relations),
            arrays: self.of("array").map(|f| array::array(self, &relations, f)).collect(),
            pools,
        }
    }

    /// The disks alone.
    pub fn disks(&self) -> Vec<StorageDisk> {
        disk::disks(self, &Relations::new(self))
    }

    /// The key of this host, when it has a pool with this name, or a btrfs with this UUID.
    pub fn pool_host(&self, key: &str) -> Option<HostKey> {
        let mut pools = self.of("pool").chain(self.of("btrfs"));
        pools.find(|standing| standing.fact.id == key).map(|standing| standing.fact.host)
    }

    /// The datasets of a pool, children behind their parent, and whether there are more than are told. `facts` are those of
    /// kind `dataset` of this host.
    pub fn datasets(&self, pool: &str, facts: &[FactRow]) -> (Vec<StorageDataset>, bool) {
        let truncated = self.latest.of(pool).value("hi_zfs_datasets_truncated") == Some(1.0);
        (dataset::datasets(self, pool, facts), truncated)
    }

    /// Its RAID controllers.
    pub fn controllers(&self) -> Vec<StorageController> {
        let controller = |standing: &StandingFact| {
            let doc = Doc(&standing.fact.doc);
            let names = |key: &str| doc.texts(key).map(str::to_owned).collect();
            StorageController {
                id: self.id(&standing.fact.id),
                host: self.host.to_owned(),
                family: doc.text("family"),
                model: doc.text("model"),
                driver: doc.text("driver"),
                volumes: names("volumes"),
                readable_disks: names("readable_disks"),
                reason: doc.text("reason"),
            }
        };
        self.of("raid_controller").map(controller).collect()
    }

    /// One disk with its attributes, readings and logs; its past is the caller's to add.
    pub fn disk_detail(&self, key: &str, metrics: &HashMap<String, MetricRow>) -> Option<StorageDiskDetail> {
        disk::detail(self, &Relations::new(self), key, metrics)
    }

    fn of(&self, kind: &str) -> impl Iterator<Item = &'a StandingFact> {
        let facts = self.facts;
        let kind = kind.to_owned();
        facts.iter().filter(move |standing| standing.fact.kind == kind)
    }

    fn id(&self, key: &str) -> String {
        format!("{}:{key}", self.host)
    }
}

/// The worst of the disks; unknown when nothing is known of any.
pub fn worst(disks: &[StorageDisk]) -> StorageState {
    let all_unknown = !disks.is_empty() && disks.iter().all(|disk| disk.state == StorageState::Unknown);
    let worst = disks.iter().map(|disk| disk.state).max().unwrap_or_default();
    match worst {
        StorageState::Unknown if !all_unknown => StorageState::Ok,
        StorageState::Info => StorageState::Ok,
        worst => worst,
    }
}

/// How bad something is that is lower or higher than a word of its own says.
fn worst_of(findings: &[StorageFinding], otherwise: StorageState) -> StorageState {
    findings.iter().map(|finding| finding.state).max().unwrap_or(otherwise)
}

fn sort_worst_first(findings: &mut [StorageFinding]) {
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.state));
}

#[cfg(test)]
mod tests;
