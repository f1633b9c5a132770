//! Makes batches of readings: numbers them, decides when series travel along, keeps them below the broker's limit.
//!
//! Pure: no clock, no channel. A number is given only to a batch that is handed on, so that numbers have no gaps.

use std::collections::HashMap;

use hi_common::batch::{BATCH_VERSION, Batch, Lost, Reading};
use hi_common::error_chain::ErrorChain;
use hi_common::ids::{BatchId, Seq};
use hi_common::limits::{BATCH_BYTES_MAX, LAYOUT_REPEAT_MS, READINGS_PER_BATCH_MAX};
use hi_common::wire::encode;

use crate::host_id::Identity;
use crate::sampler::Sampled;

/// Bytes of a message that are not payload: the broker counts headers into its limit.
const HEADER_BYTES: usize = 1024;
/// Largest payload made here, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = BATCH_BYTES_MAX - HEADER_BYTES;

/// Bytes of encoded series that are collected before they are sealed without waiting for more: parsed, they take several times
/// as much memory, and it is needed only now and then.
const SERIES_BYTES_MAX: usize = 128 << 10;

/// An encoded batch.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// Its identity.
    pub id: BatchId,
    /// Its bytes.
    pub payload: Vec<u8>,
}

/// Collects readings until they are sealed.
pub struct Batcher {
    identity: Identity,
    next_seq: Seq,
    pending: Vec<Reading>,
    /// Encoded size of the series among them.
    pending_series_bytes: usize,
    /// Layout that the collector knows of each source, and the time of the reading that carried its series.
    known: HashMap<&'static str, (u64, i64)>,
    /// Readings that were too large to travel, by source: logged once each.
    oversized: Vec<String>,
}

impl Batcher {
    /// A batcher for this start of the agent.
    pub fn new(identity: Identity) -> Self {
        Self {
            identity,
            next_seq: 1,
            pending: Vec::new(),
            pending_series_bytes: 0,
            known: HashMap::new(),
            oversized: Vec::new(),
        }
    }

    /// Adds a reading.
    pub fn add(&mut self, sampled: Sampled) {
        let Sampled { source, at, layout, values } = sampled;
        let is_known = self
            .known
            .get(source)
            .is_some_and(|(hash, since)| *hash == layout.hash && (at - since).abs() < LAYOUT_REPEAT_MS);
        let series = if is_known { None } else { layout.families() };
        if series.is_some() {
            self.pending_series_bytes += layout.bytes();
            self.known.insert(source, (layout.hash, at));
        }
        self.pending.push(Reading { source: source.to_owned(), at, layout: layout.hash, series, values });
    }

    /// Sends the series of every source along once more: the collector may have missed them.
    pub fn repeat_series(&mut self) {
        self.known.clear();
    }

    /// Whether there is nothing to seal.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Whether so many series were added that they are better sealed now.
    pub fn is_heavy(&self) -> bool {
        self.pending_series_bytes > SERIES_BYTES_MAX
    }

    /// Makes batches of all that was added, announcing `lost` in the first; several only when one would be too large.
    pub fn seal(&mut self, lost: Vec<Lost>) -> Vec<Sealed> {
        let mut sealed = Vec::new();
        let mut readings = std::mem::take(&mut self.pending);
        self.pending_series_bytes = 0;
        let mut lost = Some(lost);
        while !readings.is_empty() {
            let rest = readings.split_off(readings.len().min(READINGS_PER_BATCH_MAX));
            self.seal_some(readings, &mut lost, &mut sealed);
            readings = rest;
        }
        sealed
    }

    fn seal_some(
        &mut self,
        mut readings: Vec<Reading>,
        lost: &mut Option<Vec<Lost>>,
        sealed: &mut Vec<Sealed>,
    ) {
        let batch = Batch {
            v: BATCH_VERSION,
            host: self.identity.host.clone(),
            host_id: self.identity.host_id,
            epoch: self.identity.epoch,
            seq: self.next_seq,
            lost: lost.take().unwrap_or_default(),
            readings,
        };
        let payload = match encode(&batch) {
            Ok(payload) => payload,
            Err(error) => {
                tracing::error!(error = %ErrorChain(&error), "batch cannot be encoded");
                return;
            }
        };
        if payload.len() <= PAYLOAD_BYTES_MAX {
            self.next_seq += 1;
            sealed.push(Sealed { id: batch.id(), payload });
            return;
        }
        *lost = Some(batch.lost);
        readings = batch.readings;
        if readings.len() > 1 {
            let rest = readings.split_off(readings.len() / 2);
            self.seal_some(readings, lost, sealed);
            self.seal_some(rest, lost, sealed);
        } else if let Some(reading) = readings.pop() {
            // The next run sends the series again, so the place in `known` must not stay.
            self.known.retain(|source, _| *source != reading.source);
            if !self.oversized.contains(&reading.source) {
                tracing::error!(
                    source = reading.source,
                    series = reading.values.len(),
                    bytes = payload.len(),
                    "reading is too large to be sent and is left out"
                );
                self.oversized.push(reading.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Layout;
    use crate::source::Readings;
    use hi_common::ids::{HostId, HostName};
    use hi_common::metric::{MetricDef, Unit};
    use hi_common::wire::decode_batch;
    use std::sync::Arc;

    static A: MetricDef = MetricDef::gauge("a", Unit::None, &["x"], "A.");
    const NOW: i64 = 1_800_000_000_000;

    fn batcher() -> Batcher {
        Batcher::new(Identity {
            host: HostName::from_any("nas"),
            host_id: HostId::from_machine_id("x"),
            epoch: NOW as u64,
        })
    }

    fn sampled(source: &'static str, at: i64, labels: &[&str]) -> Sampled {
        let mut readings = Readings::default();
        for label in labels {
            readings.push(&A, &[label], 1.5);
        }
        let layout = Arc::new(Layout::of(readings.whole()).unwrap());
        Sampled { source, at, layout, values: readings.values().to_vec() }
    }

    fn decode(sealed: &[Sealed]) -> Vec<Batch> {
        sealed.iter().map(|s| decode_batch(&s.payload, NOW + LAYOUT_REPEAT_MS).unwrap()).collect()
    }

    #[test]
    fn series_travel_at_first_on_change_and_once_an_hour() {
        let mut batcher = batcher();
        let mut carries = |at, labels: &[&str]| {
            batcher.add(sampled("s", at, labels));
            decode(&batcher.seal(vec![]))[0].readings[0].series.is_some()
        };
        assert!(carries(NOW, &["a"]));
        assert!(!carries(NOW + 10_000, &["a"]));
        assert!(carries(NOW + 20_000, &["a", "b"]));
        assert!(carries(NOW + 30_000, &["a"]));
        assert!(!carries(NOW + 40_000, &["a"]));
        assert!(carries(NOW + 30_000 + LAYOUT_REPEAT_MS, &["a"]));
    }

    #[test]
    fn numbers_have_no_gaps_and_nothing_is_sealed_empty() {
        let mut batcher = batcher();
        assert!(batcher.seal(vec![]).is_empty());
        for expected in 1..=3 {
            batcher.add(sampled("s", NOW, &["a"]));
            assert_eq!(batcher.seal(vec![])[0].id.seq, expected);
        }
    }

    #[test]
    fn what_is_too_large_for_one_message_becomes_several() {
        let mut batcher = batcher();
        let long = "x".repeat(1000);
        let labels: Vec<String> = (0..400).map(|n| format!("{n}{long}")).collect();
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        for source in ["a", "b", "c", "d", "e"] {
            batcher.add(sampled(source, NOW, &labels));
        }
        let lost = Lost { epoch: 1, from: 2, to: 3 };
        let sealed = batcher.seal(vec![lost]);
        assert!(sealed.iter().all(|s| s.payload.len() <= PAYLOAD_BYTES_MAX));
        let batches = decode(&sealed);
        let sources: Vec<&str> =
            batches.iter().flat_map(|b| &b.readings).map(|r| r.source.as_str()).collect();
        assert_eq!(sources, ["a", "b", "c", "d", "e"]);
        assert_eq!(batches[0].lost, [lost]);
        assert!(batches[1..].iter().all(|b| b.lost.is_empty()));
        let seqs: Vec<u64> = batches.iter().map(|b| b.seq).collect();
        assert_eq!(seqs, (1..=batches.len() as u64).collect::<Vec<_>>());
    }

    #[test]
    fn one_reading_beyond_the_limit_costs_only_itself() {
        let mut batcher = batcher();
        let long = "x".repeat(1020);
        let labels: Vec<String> = (10_000..12_000).map(|n| format!("{n}{long}")).collect();
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        batcher.add(sampled("huge", NOW, &labels));
        batcher.add(sampled("small", NOW, &["a"]));
        let batches = decode(&batcher.seal(vec![]));
        assert_eq!(batches.len(), 1);
        assert_eq!((batches[0].seq, batches[0].readings[0].source.as_str()), (1, "small"));
    }
}
