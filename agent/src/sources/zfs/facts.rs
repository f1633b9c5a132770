//! Pools and datasets as facts: what changes only when something happens.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use hi_common::fact::FactValue;

use super::damage::Damage;
use super::dataset::Dataset;
use super::nvlist::List;
use super::pool::Pool;
use super::properties::{number, text};
use super::scan::{Scan, State};
use super::status::Status;
use super::vdev::Vdev;

/// A document, or a part of one.
pub(super) type Doc = BTreeMap<String, FactValue>;

/// Adds what there is.
trait Put {
    fn put(&mut self, key: &str, value: FactValue);

    fn text(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.put(key, FactValue::Text(value.to_owned()));
        }
    }

    fn count(&mut self, key: &str, value: Option<u64>) {
        if let Some(value) = value {
            self.put(key, FactValue::Int(i64::try_from(value).unwrap_or(i64::MAX)));
        }
    }

    fn list(&mut self, key: &str, docs: impl Iterator<Item = Doc>) {
        let list: Vec<FactValue> = docs.map(FactValue::Map).collect();
        if !list.is_empty() {
            self.put(key, FactValue::List(list));
        }
    }
}

impl Put for Doc {
    fn put(&mut self, key: &str, value: FactValue) {
        self.insert(key.to_owned(), value);
    }
}

/// A pool. `device` tells which device a path below `/dev` leads to; `note` is what the reader of the fact should know of
/// how it came about.
pub(super) fn of_pool(
    pool: &Pool,
    properties: &List,
    status: Status,
    damage: Option<&Damage>,
    note: Option<&str>,
    device: &dyn Fn(&str) -> Option<String>,
) -> Doc {
    let mut doc = Doc::new();
    doc.text("guid", Some(&pool.guid.to_string()));
    doc.text("state", Some(pool.state_word()));
    doc.text("status", Some(status.word));
    doc.text("reason", Some(status.sentence));
    doc.text("aux", pool.root.aux());
    doc.text("note", note);
    doc.text("comment", text(properties, "comment"));
    doc.text("altroot", text(properties, "altroot"));
    doc.count("version", Some(pool.version));
    doc.count("data_errors", pool.data_errors);
    if let Some(Damage { names, count, unread }) = damage {
        if !names.is_empty() {
            let names = names.iter().cloned().map(FactValue::Text).collect();
            doc.put("damaged_files", FactValue::List(names));
        }
        doc.count("damaged_files_count", count.map(|count| count as u64));
        doc.text("damaged_files_unread", unread.as_deref());
    }
    doc.count("size_bytes", number(properties, "size").filter(|&bytes| bytes > 0));
    if let Some(readonly) = number(properties, "readonly") {
        doc.put("readonly", FactValue::Bool(readonly == 1));
    }
    let shown = |vdevs: &[Vdev]| {
        let shown = vdevs.iter().filter(|vdev| !vdev.is_placeholder());
        shown.map(|vdev| of_vdev(vdev, device)).collect::<Vec<Doc>>()
    };
    doc.list("vdevs", shown(&pool.root.children).into_iter());
    doc.list("spares", shown(&pool.spares).into_iter());
    doc.list("cache", shown(&pool.cache).into_iter());
    doc.list("scans", pool.scans.iter().map(of_scan));
    doc
}

fn of_vdev(vdev: &Vdev, device: &dyn Fn(&str) -> Option<String>) -> Doc {
    let mut doc = Doc::new();
    doc.text("name", Some(&vdev.name));
    doc.text("type", Some(&vdev.kind));
    doc.text("class", Some(vdev.class.word()));
    doc.text("guid", Some(&vdev.guid.to_string()));
    doc.text("state", Some(vdev.state_word()));
    doc.text("aux", vdev.aux());
    doc.text("path", vdev.path.as_deref());
    doc.text("devid", vdev.devid.as_deref());
    doc.text("phys_path", vdev.phys_path.as_deref());
    doc.text("enclosure_path", vdev.enclosure_path.as_deref());
    // What lies at the path of a missing disk is not that disk.
    if let (Some(path), false) = (&vdev.path, vdev.not_present) {
        doc.text("device", device(path).as_deref());
    }
    if let Some(stats) = &vdev.stats {
        doc.count("read_errors", Some(stats.read_errors));
        doc.count("write_errors", Some(stats.write_errors));
        doc.count("checksum_errors", Some(stats.checksum_errors));
        let size = Some(stats.space_bytes).filter(|&bytes| bytes > 0).or(stats.physical_bytes);
        doc.count("size_bytes", size);
    }
    let children = vdev.children.iter().filter(|child| !child.is_placeholder());
    doc.list("children", children.map(|child| of_vdev(child, device)));
    doc
}

/// What it counts moves while it runs, and is told once it ended.
fn of_scan(scan: &Scan) -> Doc {
    let mut doc = Doc::new();
    doc.text("function", Some(scan.function));
    doc.text("vdev", Some(&scan.vdev));
    doc.text("state", Some(scan.state.word()));
    doc.count("started_at", Some(scan.started_at));
    doc.count("finished_at", scan.finished_at);
    if [State::Finished, State::Canceled].contains(&scan.state) {
        doc.count("errors", scan.errors);
        doc.count("repaired_bytes", scan.repaired_bytes);
    }
    doc
}

/// A dataset. It is kept for each of possibly many, so it has what is set and no more.
pub(super) fn of_dataset(dataset: &Dataset) -> Doc {
    let mut doc = Doc::new();
    doc.text("pool", Some(dataset.pool()));
    doc.text("type", Some(dataset.kind.word()));
    doc.text("mountpoint", dataset.mountpoint.as_deref());
    doc.text("origin", dataset.origin.as_deref());
    doc.text("encryption", dataset.encryption);
    if let Some(available) = dataset.key_available {
        doc.put("key_available", FactValue::Bool(available));
    }
    if dataset.readonly {
        doc.put("readonly", FactValue::Bool(true));
    }
    doc.count("created_at", dataset.created_at);
    doc.count("quota_bytes", dataset.quota_bytes);
    doc.count("refquota_bytes", dataset.refquota_bytes);
    doc.count("reservation_bytes", dataset.reservation_bytes);
    doc.count("size_bytes", dataset.volume_bytes);
    doc
}

/// The same for the same document, within one run of the agent.
pub(super) fn fingerprint(doc: &Doc) -> u64 {
    let mut hasher = DefaultHasher::new();
    hash_map(doc, &mut hasher);
    hasher.finish()
}

fn hash_map(doc: &Doc, hasher: &mut DefaultHasher) {
    doc.len().hash(hasher);
    for (key, value) in doc {
        key.hash(hasher);
        hash(value, hasher);
    }
}

fn hash(value: &FactValue, hasher: &mut DefaultHasher) {
    std::mem::discriminant(value).hash(hasher);
    match value {
        FactValue::Bool(value) => value.hash(hasher),
        FactValue::Int(value) => value.hash(hasher),
        FactValue::Float(value) => value.to_bits().hash(hasher),
        FactValue::Text(value) => value.hash(hasher),
        FactValue::List(values) => {
            values.len().hash(hasher);
            values.iter().for_each(|value| hash(value, hasher));
        }
        FactValue::Map(map) => hash_map(map, hasher),
    }
}
