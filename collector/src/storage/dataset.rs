//! Datasets of a pool of ZFS: the fact `dataset` of the source zfs, and what moves in them.

use std::collections::BTreeMap;

use crate::moment::Time;
use crate::store::FactRow;

use super::HostStorage;
use super::view::StorageDataset;
use crate::doc::Doc;

/// Metrics of datasets, and where their values go.
type Take = fn(&mut StorageDataset, f64);
const METRICS: [(&str, Take); 8] = [
    ("hi_zfs_dataset_used_bytes", |dataset, value| dataset.used_bytes = Some(value)),
    ("hi_zfs_dataset_available_bytes", |dataset, value| dataset.available_bytes = Some(value)),
    ("hi_zfs_dataset_used_by_snapshots_bytes", |dataset, value| {
        dataset.used_by_snapshots_bytes = Some(value);
    }),
    ("hi_zfs_dataset_quota_bytes", |dataset, value| dataset.quota_bytes = Some(value)),
    ("hi_zfs_dataset_compression_ratio", |dataset, value| dataset.compression_ratio = Some(value)),
    ("hi_zfs_dataset_key_available", |dataset, value| dataset.key_available = Some(value > 0.0)),
    ("hi_zfs_dataset_snapshots", |dataset, value| dataset.snapshots = Some(value)),
    ("hi_zfs_dataset_newest_snapshot_timestamp_seconds", |dataset, value| {
        dataset.newest_snapshot_at = time(Some(value));
    }),
];

/// The datasets of a pool, children behind their parent; facts of other pools are passed over.
pub(super) fn datasets(host: &HostStorage<'_>, pool: &str, facts: &[FactRow]) -> Vec<StorageDataset> {
    // The parts of a name compare as the tree is written: `tank/a/b` comes before `tank/a-b`.
    let mut found: BTreeMap<Vec<&str>, StorageDataset> = BTreeMap::new();
    let of_pool = |name: &str| name.split('/').next() == Some(pool);
    for fact in facts.iter().filter(|fact| of_pool(&fact.id)) {
        found.insert(fact.id.split('/').collect(), described(fact));
    }
    let known = host.latest.of(pool);
    for (metric, take) in METRICS {
        for value in known.all(metric) {
            let name = value.label("dataset");
            // Without the database there are no facts: the figures name the datasets then.
            if name.is_empty()
                || !(facts.is_empty() || found.contains_key(&name.split('/').collect::<Vec<_>>()))
            {
                continue;
            }
            let dataset = found
                .entry(name.split('/').collect())
                .or_insert_with(|| StorageDataset { name: name.to_owned(), ..StorageDataset::default() });
            take(dataset, value.value);
        }
    }
    found.into_values().collect()
}

fn described(fact: &FactRow) -> StorageDataset {
    let doc = Doc(&fact.doc);
    StorageDataset {
        name: fact.id.clone(),
        kind: doc.text("type"),
        mountpoint: doc.text("mountpoint"),
        origin: doc.text("origin"),
        encryption: doc.text("encryption"),
        key_available: doc.flag("key_available"),
        readonly: doc.flag("readonly").unwrap_or(false),
        quota_bytes: doc.number("quota_bytes"),
        refquota_bytes: doc.number("refquota_bytes"),
        reservation_bytes: doc.number("reservation_bytes"),
        size_bytes: doc.number("size_bytes"),
        created_at: time(doc.number("created_at")),
        ..StorageDataset::default()
    }
}

/// Of Unix seconds.
fn time(seconds: Option<f64>) -> Option<Time> {
    seconds.filter(|at| *at > 0.0).map(|at| Time((at * 1000.0) as i64))
}
