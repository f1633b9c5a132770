//! Layouts: the list of series that a reading's values belong to, kept encoded and named by its hash.

use std::collections::VecDeque;

use hi_common::batch::Family;
use hi_common::wire::{WireError, encode};

use crate::source::Part;

/// Layouts remembered for resending batches with their series. A source's layout changes when a disk or a network
/// interface comes or goes, so a few per source reach far back.
const REMEMBERED_MAX: usize = 128;
/// Most bytes of them. Only hosts with very many containers come near.
const REMEMBERED_BYTES_MAX: usize = 8 << 20;

/// The series of one source, encoded: a tenth of the memory that the parsed form takes.
#[derive(Debug)]
pub struct Layout {
    /// Name on the wire, [`hi_common::wire::layout_hash`] of the families.
    pub hash: u64,
    encoded: Vec<u8>,
}

impl Layout {
    /// The layout of what was read.
    ///
    /// # Errors
    /// As [`encode`].
    pub fn of(part: Part<'_>) -> Result<Self, WireError> {
        let encoded = encode(&part.series())?;
        Ok(Self { hash: xxhash_rust::xxh3::xxh3_64(&encoded), encoded })
    }

    /// The series themselves.
    pub fn families(&self) -> Option<Vec<Family>> {
        rmp_serde::from_slice(&self.encoded).ok()
    }

    /// Size of the encoded form, in bytes.
    pub fn bytes(&self) -> usize {
        self.encoded.len()
    }
}

/// The layouts sent lately.
#[derive(Debug, Default)]
pub struct LayoutCache {
    entries: VecDeque<(&'static str, std::sync::Arc<Layout>)>,
    bytes: usize,
}

impl LayoutCache {
    /// Remembers a layout; the one not sent for the longest time is forgotten when there are too many.
    pub fn remember(&mut self, source: &'static str, layout: &std::sync::Arc<Layout>) {
        let known =
            self.entries.iter().position(|(name, known)| *name == source && known.hash == layout.hash);
        if let Some((_, known)) = known.and_then(|place| self.entries.remove(place)) {
            self.bytes -= known.bytes();
        }
        self.entries.push_back((source, std::sync::Arc::clone(layout)));
        self.bytes += layout.bytes();
        while self.entries.len() > REMEMBERED_MAX || self.bytes > REMEMBERED_BYTES_MAX {
            let Some((_, oldest)) = self.entries.pop_front() else { return };
            self.bytes -= oldest.bytes();
        }
    }

    /// The series of a layout, while remembered.
    pub fn families(&self, source: &str, hash: u64) -> Option<Vec<Family>> {
        let found = self.entries.iter().rev().find(|(name, layout)| *name == source && layout.hash == hash);
        found.and_then(|(_, layout)| layout.families())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Readings;
    use hi_common::metric::{MetricDef, Unit};
    use hi_common::wire::layout_hash;

    static A: MetricDef = MetricDef::gauge("a", Unit::None, &["x"], "A.");

    #[test]
    fn the_hash_is_the_one_both_ends_compute() {
        let mut readings = Readings::default();
        readings.push(&A, &["1"], 1.0);
        let layout = std::sync::Arc::new(Layout::of(readings.whole()).unwrap());
        let families = layout.families().unwrap();
        assert_eq!(layout.hash, layout_hash(&families).unwrap());
        assert_eq!((families.len(), families[0].rows.as_slice()), (1, &[vec!["1".to_owned()]][..]));
        let mut cache = LayoutCache::default();
        cache.remember("s", &layout);
        assert_eq!(cache.families("s", layout.hash), Some(families));
        assert_eq!(cache.families("t", layout.hash), None);
        for _ in 0..REMEMBERED_MAX {
            readings.push(&A, &["1"], 1.0);
            cache.remember("s", &std::sync::Arc::new(Layout::of(readings.whole()).unwrap()));
        }
        assert_eq!(cache.families("s", layout.hash), None, "bounded");
    }
}
