//! Writes what the head has set aside, in one transaction, again and again until it is committed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::jetstream::message::Acker;
use tokio::sync::mpsc;

use super::encode::{days, encode_all};
use super::faults::{Faults, Point};
use super::head::Segment;
use super::stages::Stage;
use super::stats::Counters;
use crate::store::{FlushMeta, Store, StoreError, Written, now_ms};

/// Chunks of rows that wait for the database.
const CHUNKS_WAITING: usize = 4;
/// A flush that takes longer has lost its database without noticing.
const ATTEMPT_MAX: Duration = Duration::from_secs(600);
/// Wait after a failure: first and longest.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// All that one flush writes.
pub(crate) struct Plan {
    pub(crate) segments: Arc<Vec<Segment>>,
    pub(crate) meta: FlushMeta,
    /// Acknowledges everything up to the last message in it.
    pub(crate) acker: Option<Acker>,
    pub(crate) samples: u64,
}

/// How a flush ended.
pub(crate) enum Flushed {
    /// It is in the database.
    Committed { plan: Box<Plan>, seconds: f64 },
    /// Another collector has written in the meantime: what this one holds must not be written.
    Superseded,
    /// A test ended the process here.
    Killed,
}

/// Writes the plan, however often it takes.
pub(crate) async fn flush(store: Store, plan: Plan, stats: Arc<Counters>, faults: Faults) -> Flushed {
    let begun = Instant::now();
    let mut wait = RETRY.0;
    loop {
        let attempt = tokio::time::timeout(ATTEMPT_MAX, attempt(&store, &plan, &stats, &faults)).await;
        let error = match attempt {
            Ok(Ok(Written::Done)) => break,
            Ok(Ok(Written::Superseded)) => return Flushed::Superseded,
            Ok(Err(AttemptError::Killed)) => return Flushed::Killed,
            Ok(Err(AttemptError::Store(error))) => hi_common::error_chain::ErrorChain(&error).to_string(),
            Err(_) => format!("not done after {} s", ATTEMPT_MAX.as_secs()),
        };
        tracing::warn!(%error, retry_seconds = wait.as_secs_f64(), "flush failed, keeping samples in memory");
        stats.update(|s| s.flush.last_error = Some(error));
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(RETRY.1);
    }
    Flushed::Committed { plan: Box::new(plan), seconds: begun.elapsed().as_secs_f64() }
}

enum AttemptError {
    Store(StoreError),
    Killed,
}

impl From<StoreError> for AttemptError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

async fn attempt(
    store: &Store,
    plan: &Plan,
    stats: &Arc<Counters>,
    faults: &Faults,
) -> Result<Written, AttemptError> {
    let mut begun = Instant::now();
    let mut stage = |stage| stats.stage(stage, std::mem::replace(&mut begun, Instant::now()).elapsed());
    let days = days(&plan.segments);
    let mut flush = match store.flush_begin(&days, &plan.meta).await? {
        Ok(flush) => flush,
        Err(written) => return Ok(written),
    };
    let groups: Vec<(i32, i32)> = days.iter().copied().zip(flush.ids.iter().copied()).collect();
    let mut written = Vec::new();
    if !groups.is_empty() {
        let (out, rows) = mpsc::channel(CHUNKS_WAITING);
        let (encoded, copied) =
            tokio::join!(encode_all(&plan.segments, &groups, stats, out), flush.copy(rows));
        copied?;
        written = encoded.map_err(|error| StoreError::Damaged {
            what: "a block".to_owned(),
            problem: error.to_string(),
        })?;
    }
    stage(Stage::Copy);
    flush.meta(&written, &plan.meta, now_ms()).await?;
    stage(Stage::Agree);
    if faults.at(Point::BeforeCommit) {
        return Err(AttemptError::Killed);
    }
    flush.commit().await?;
    stage(Stage::Commit);
    if faults.at(Point::AfterCommit) {
        return Err(AttemptError::Killed);
    }
    Ok(Written::Done)
}
