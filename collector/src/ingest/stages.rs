//! Where the time of ingest goes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A part of the way of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Reading messages.
    Decode,
    /// Recognising hosts and layouts, registering new ones; waiting for the database counts.
    Resolve,
    /// Into the head, and to live readers.
    Append,
    /// Making blocks, on all threads together; waiting for the database does not count.
    Encode,
    /// From the begin of the transaction until the database has all blocks, which are made meanwhile.
    Copy,
    /// The rest of the transaction: cursors, position, events.
    Agree,
    /// Its commit.
    Commit,
}

/// All of them, in the order of the way, with the words for `/metrics`.
const STAGES: [(Stage, &str); 7] = [
    (Stage::Decode, "decode"),
    (Stage::Resolve, "resolve"),
    (Stage::Append, "append"),
    (Stage::Encode, "encode"),
    (Stage::Copy, "copy"),
    (Stage::Agree, "agree"),
    (Stage::Commit, "commit"),
];

/// Time spent in each, since start.
#[derive(Debug, Default)]
pub(crate) struct StageTimes([AtomicU64; STAGES.len()]);

impl StageTimes {
    pub(crate) fn add(&self, stage: Stage, time: Duration) {
        let place = STAGES.iter().position(|(other, _)| *other == stage);
        if let Some(nanos) = place.and_then(|place| self.0.get(place)) {
            nanos.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    /// Seconds by stage.
    pub(crate) fn seconds(&self) -> Vec<(&'static str, f64)> {
        let seconds = |nanos: &AtomicU64| Duration::from_nanos(nanos.load(Ordering::Relaxed)).as_secs_f64();
        STAGES.iter().zip(&self.0).map(|((_, word), nanos)| (*word, seconds(nanos))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_add_up_by_stage() {
        let times = StageTimes::default();
        times.add(Stage::Commit, Duration::from_millis(1500));
        times.add(Stage::Commit, Duration::from_millis(500));
        times.add(Stage::Decode, Duration::from_millis(250));
        let seconds = times.seconds();
        assert_eq!(seconds.first(), Some(&("decode", 0.25)));
        assert_eq!(seconds.last(), Some(&("commit", 2.0)));
        assert_eq!(seconds.iter().filter(|(_, s)| *s > 0.0).count(), 2);
    }
}
