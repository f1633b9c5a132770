//! Batches the broker has acknowledged, kept for a while: a broker that loses power may lose what it acknowledged.

use std::collections::VecDeque;

use hi_common::batch::{Batch, Lost};
use hi_common::ids::{Epoch, Seq};
use hi_common::wire::{decode_batch, encode};

use crate::batcher::PAYLOAD_BYTES_MAX;
use crate::layout::LayoutCache;
use crate::outbox::Item;

/// Bytes an entry takes beside its payload.
const ENTRY_OVERHEAD: usize = 192;

/// Epoch and number of a batch, from its message id ([`hi_common::ids::BatchId`] as text): eight hex digits of the host,
/// the epoch in hex, `-`, the number in hex. `None` for everything else: documents, and batches resent (`…-r<n>`).
pub fn parse_id(id: &str) -> Option<(Epoch, Seq)> {
    let (head, seq) = id.split_once('-')?;
    let epoch = head.get(8..)?;
    Some((u64::from_str_radix(epoch, 16).ok()?, u64::from_str_radix(seq, 16).ok()?))
}

/// A bounded ring of batches.
#[derive(Debug)]
pub struct History {
    entries: VecDeque<(Epoch, Seq, Item)>,
    bytes: usize,
    max_bytes: usize,
    resends: u64,
}

impl History {
    /// An empty ring of at most `max_bytes`.
    pub fn new(max_bytes: usize) -> Self {
        Self { entries: VecDeque::new(), bytes: 0, max_bytes, resends: 0 }
    }

    /// Keeps a batch; anything else is ignored.
    pub fn keep(&mut self, item: Item) {
        let Some((epoch, seq)) = parse_id(&item.id) else { return };
        self.bytes += item.payload.len() + ENTRY_OVERHEAD;
        self.entries.push_back((epoch, seq, item));
        while self.bytes > self.max_bytes
            && let Some((_, _, old)) = self.entries.pop_front()
        {
            self.bytes -= old.payload.len() + ENTRY_OVERHEAD;
        }
    }

    /// What is kept of a range, in order, under new message ids, since the broker would swallow the old ones as repeated.
    pub fn again(&mut self, range: Lost, layouts: Option<&LayoutCache>) -> Vec<(Seq, Item)> {
        self.resends += 1;
        let wanted = |(epoch, seq, _): &&(Epoch, Seq, Item)| {
            *epoch == range.epoch && (range.from..=range.to).contains(seq)
        };
        let again = |(_, seq, item): &(Epoch, Seq, Item)| {
            let mut item = item.clone();
            if let Some(payload) = layouts.and_then(|layouts| with_series(&item.payload, layouts)) {
                item.payload = payload.into();
            }
            item.id = format!("{}-r{}", item.id, self.resends);
            (*seq, item)
        };
        let mut items: Vec<(Seq, Item)> = self.entries.iter().filter(wanted).map(again).collect();
        items.sort_by_key(|(seq, _)| *seq);
        items.dedup_by_key(|(seq, _)| *seq);
        items
    }
}

/// The batch with the series of every reading whose layout is remembered; `None` when that changes nothing or is too large.
fn with_series(payload: &[u8], layouts: &LayoutCache) -> Option<Vec<u8>> {
    // Times were checked when the batch was made; here any time will do.
    let mut batch: Batch = decode_batch(payload, i64::MAX).ok()?;
    let mut changed = false;
    for reading in batch.readings.iter_mut().filter(|reading| reading.series.is_none()) {
        reading.series = layouts.families(&reading.source, reading.layout);
        changed |= reading.series.is_some();
    }
    let payload = changed.then(|| encode(&batch).ok()).flatten()?;
    (payload.len() <= PAYLOAD_BYTES_MAX).then_some(payload)
}

/// The parts of `from..=to` that are not in `have`, which is sorted.
pub fn missing(from: Seq, to: Seq, have: &[Seq]) -> Vec<(Seq, Seq)> {
    let mut gaps = Vec::new();
    let mut next = from;
    for &seq in have.iter().filter(|seq| (from..=to).contains(seq)) {
        if seq > next {
            gaps.push((next, seq - 1));
        }
        let Some(after) = seq.checked_add(1) else { return gaps };
        next = after;
    }
    if next <= to {
        gaps.push((next, to));
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use hi_common::ids::{BatchId, HostId};

    fn item(epoch: Epoch, seq: Seq, bytes: usize) -> Item {
        let id = BatchId { host_id: HostId::from_machine_id("x"), epoch, seq };
        Item { subject: "s".into(), id: id.to_string(), payload: Bytes::from(vec![0; bytes]) }
    }

    #[test]
    fn ids_are_read_back() {
        assert_eq!(parse_id(&item(1_799_999_990_000, 77, 0).id), Some((1_799_999_990_000, 77)));
        assert_eq!(parse_id("01234567123-5-r1"), None);
        assert_eq!(parse_id("6a1f2f0e-9d5b-5c1e-8b0a-4d6f7a51c3d9"), None);
        assert_eq!(parse_id(""), None);
    }

    #[test]
    fn the_ring_is_bounded_and_gives_new_ids() {
        let mut history = History::new(10 * (100 + ENTRY_OVERHEAD));
        for seq in 1..=20 {
            history.keep(item(5, seq, 100));
        }
        let range = Lost { epoch: 5, from: 9, to: 12 };
        let again = history.again(range, None);
        assert_eq!(again.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [11, 12]);
        assert!(again[0].1.id.ends_with("-b-r1"), "{}", again[0].1.id);
        assert!(history.again(range, None)[0].1.id.ends_with("-r2"));
        assert!(history.again(Lost { epoch: 4, from: 1, to: 50 }, None).is_empty());
    }

    #[test]
    fn gaps_are_what_is_left() {
        assert_eq!(missing(3, 9, &[4, 5, 8]), [(3, 3), (6, 7), (9, 9)]);
        assert_eq!(missing(1, 2, &[1, 2]), []);
        assert_eq!(missing(1, u64::MAX, &[]), [(1, u64::MAX)]);
        assert_eq!(missing(1, u64::MAX, &[u64::MAX]), [(1, u64::MAX - 1)]);
    }
}
