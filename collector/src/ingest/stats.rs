//! Figures of ingest for `/api/system` and `/metrics`.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::stages::{Stage, StageTimes};
use crate::config::CoreConfig;
use crate::model::HostKey;

/// A snapshot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IngestStats {
    /// The broker is connected.
    pub connected: bool,
    /// Its address, without credentials.
    pub broker_url: String,
    /// Its version.
    pub broker_version: Option<String>,
    /// Bytes and messages in the stream of batches.
    pub stream_bytes: u64,
    /// Messages in the stream of batches.
    pub stream_messages: u64,
    /// Messages in the stream that the collector has not taken yet.
    pub lag_messages: u64,
    /// Age of the newest batch taken when it was taken, in seconds; `None` before the first.
    pub lag_seconds: Option<f64>,
    /// Batches taken, since start.
    pub batches_total: u64,
    /// Samples taken, since start.
    pub samples_total: u64,
    /// Samples per second over the last minute or so.
    pub samples_per_second: f64,
    /// Batches that had been taken before and were dropped, since start.
    pub duplicates_total: u64,
    /// Batches refused as undecodable or against a limit, since start.
    pub dead_letters_total: u64,
    /// Series known.
    pub series: u64,
    /// Layouts known.
    pub layouts: u64,
    /// Writing to the database.
    pub flush: FlushStats,
    /// Numbering of batches.
    pub cursor: CursorStats,
    /// Series refused, by host and reason.
    pub refused: Vec<RefusedSeries>,
    /// Seconds spent in each stage since start, in the order of a batch's way.
    pub stages: Vec<(&'static str, f64)>,
}

/// Writing to the database.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FlushStats {
    /// Flushes committed since start.
    pub count: u64,
    /// When the last one committed, Unix milliseconds.
    pub last_at: Option<i64>,
    /// How long it took, in seconds.
    pub last_seconds: Option<f64>,
    /// Samples it wrote.
    pub last_samples: u64,
    /// What the last attempt met, when it failed.
    pub last_error: Option<String>,
    /// How often it runs, in seconds.
    pub interval_seconds: u64,
}

/// Numbering of batches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CursorStats {
    /// Hosts with a cursor.
    pub hosts: u64,
    /// Missing ranges right now.
    pub gaps_open: u64,
    /// Missing batches that came after all, since start.
    pub gaps_repaired_total: u64,
    /// Batches that will never come, since start.
    pub batches_lost_total: u64,
}

/// Series of a host that are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedSeries {
    /// The host.
    pub host: HostKey,
    /// Bounded word: `series_per_host`.
    pub reason: &'static str,
    /// How many.
    pub count: u64,
}

/// What the snapshot is made of.
pub(crate) struct Counters {
    inner: Mutex<Inner>,
    stages: StageTimes,
}

struct Inner {
    stats: IngestStats,
    /// Start of the window that the rate is measured over, and the samples at that time.
    window: (Instant, u64),
}

/// Length of the window that samples per second are measured over.
const WINDOW: Duration = Duration::from_secs(30);

impl Counters {
    pub(crate) fn new(config: &CoreConfig) -> Self {
        let stats = IngestStats {
            broker_url: config.nats.url.clone(),
            flush: FlushStats { interval_seconds: config.store.flush_interval_secs, ..FlushStats::default() },
            ..IngestStats::default()
        };
        Self {
            inner: Mutex::new(Inner { stats, window: (Instant::now(), 0) }),
            stages: StageTimes::default(),
        }
    }

    pub(crate) fn snapshot(&self) -> IngestStats {
        IngestStats { stages: self.stages.seconds(), ..self.lock().stats.clone() }
    }

    /// Adds to the time of a stage.
    pub(crate) fn stage(&self, stage: Stage, time: Duration) {
        self.stages.add(stage, time);
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut IngestStats)) {
        change(&mut self.lock().stats);
    }

    /// Measures the rate; to be called about once a second.
    pub(crate) fn tick(&self) {
        let inner = &mut *self.lock();
        let (since, samples) = inner.window;
        let elapsed = since.elapsed();
        let total = inner.stats.samples_total;
        inner.stats.samples_per_second = (total - samples) as f64 / elapsed.as_secs_f64().max(0.1);
        if elapsed > WINDOW {
            inner.window = (Instant::now(), total);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
