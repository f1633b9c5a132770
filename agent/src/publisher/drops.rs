//! What becomes of what is dropped: it is counted, and a batch is a loss to announce.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hi_common::wire::decode_batch;

use crate::assembler::{Link, lock};
use crate::history::parse_id;
use crate::outbox::{DropReason, Dropped, OnDrop};
use crate::self_metrics::{Counters, add};

/// Notes what is dropped: counts it, and remembers batches as losses to announce.
pub fn on_drop(counters: Arc<Counters>, link: Arc<Link>, undisclosed: Arc<AtomicU64>) -> OnDrop {
    Box::new(move |dropped| {
        let (counter, id, payload) = match &dropped {
            Dropped::Item { item, reason: DropReason::Full } => {
                (&counters.dropped_full, Some(item.id.as_str()), Some(&item.payload))
            }
            Dropped::Item { item, reason: DropReason::Refused } => {
                (&counters.dropped_refused, Some(item.id.as_str()), Some(&item.payload))
            }
            Dropped::Damaged { id } => (&counters.dropped_damaged, Some(*id), None),
            Dropped::Unreadable => (&counters.dropped_damaged, None, None),
        };
        add(counter, 1);
        add(&undisclosed, 1);
        if !matches!(dropped, Dropped::Item { reason: DropReason::Refused, .. }) {
            link.dropped.store(true, Ordering::Relaxed);
        }
        let Some((epoch, seq)) = id.and_then(parse_id) else { return };
        let mut losses = lock(&link.losses);
        losses.add_one(epoch, seq);
        // What this batch was to announce is to be announced by another one.
        let batch = payload.and_then(|payload| decode_batch(payload, i64::MAX).ok());
        batch.into_iter().flat_map(|batch| batch.lost).for_each(|lost| losses.add(lost));
    })
}
