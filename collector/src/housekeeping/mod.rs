//! Housekeeping: partitions ahead, hourly summaries, merges of closed days, retention. Driven from here with and without
//! TimescaleDB, each run recorded; its own background jobs fail silently on some servers.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use hi_common::error_chain::ErrorChain;

use crate::config::StoreConfig;
use crate::signals::told_to_end;
use crate::store::{DAY_MS, HousekeepingRow, Leader, Store, StoreError, day_of, now_ms};

/// How often it looks what there is to do.
const PAUSE: Duration = Duration::from_secs(60);
/// How long after the last flush that could hold samples of an hour its summaries are written, in milliseconds.
const HOUR_GRACE_MS: i64 = 2 * 60 * 1000;
/// How often old data is looked for, in milliseconds.
const RETAIN_EVERY_MS: i64 = 3600 * 1000;

/// Runs housekeeping until `shutdown` turns true. Of several collectors on one database only one works at a time.
pub async fn run(store: Store, config: StoreConfig, mut shutdown: watch::Receiver<bool>) {
    let mut keeper = Keeper::new(store, config);
    loop {
        tokio::select! {
            biased;
            () = told_to_end(&mut shutdown) => break,
            () = keeper.round() => {}
        }
        tokio::select! {
            () = told_to_end(&mut shutdown) => break,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
    if let Some(leader) = keeper.leader.take() {
        leader.resign().await;
    }
}

/// Does once, now, what [`run`] does in the course of time, as if it were `now_ms`; for tools and tests.
///
/// # Errors
/// The first task that fails.
pub async fn run_once(store: &Store, config: &StoreConfig, now_ms: i64) -> Result<(), StoreError> {
    let keeper = Keeper::new(store.clone(), config.clone());
    keeper.partitions(now_ms).await?;
    keeper.hours(now_ms).await?;
    keeper.merge(now_ms).await?;
    keeper.facts(now_ms).await?;
    keeper.store.retain(config, now_ms).await?;
    Ok(())
}

struct Keeper {
    store: Store,
    config: StoreConfig,
    leader: Option<Leader>,
    retained_at: i64,
}

impl Keeper {
    fn new(store: Store, config: StoreConfig) -> Self {
        Self { store, config, leader: None, retained_at: i64::MIN }
    }

    /// Looks at everything once.
    async fn round(&mut self) {
        if !self.leads().await {
            return;
        }
        let now = now_ms();
        self.record("partitions", self.partitions(now)).await;
        self.record("hours", self.hours(now)).await;
        self.record("merge", self.merge(now)).await;
        self.record("facts", self.facts(now)).await;
        if now.saturating_sub(self.retained_at) >= RETAIN_EVERY_MS {
            self.retained_at = now;
            let retain = async { self.store.retain(&self.config, now).await.map(Some) };
            self.record("retention", retain).await;
        }
    }

    async fn leads(&mut self) -> bool {
        if let Some(leader) = &mut self.leader
            && leader.holds().await
        {
            return true;
        }
        self.leader = self.store.lead().await.unwrap_or_default();
        self.leader.is_some()
    }

    /// Runs a task and records it, when it did something or failed.
    async fn record(&self, task: &str, work: impl Future<Output = Result<Option<String>, StoreError>>) {
        let (begun, last_at) = (Instant::now(), now_ms());
        let done = work.await;
        let (result, last_error) = match done {
            Ok(None) => return,
            Ok(result) => (result, None),
            Err(error) => {
                let error = ErrorChain(&error).to_string();
                tracing::warn!(task, error, "housekeeping failed");
                (None, Some(error))
            }
        };
        let last_seconds = begun.elapsed().as_secs_f64();
        if let Some(result) = &result {
            tracing::info!(task, result, seconds = last_seconds, "housekeeping");
        }
        let run = HousekeepingRow { task: task.to_owned(), last_at, last_seconds, last_error, result };
        if let Err(error) = self.store.housekeeping_record(&run).await {
            tracing::debug!(error = %ErrorChain(&error), "housekeeping not recorded");
        }
    }

    async fn partitions(&self, now: i64) -> Result<Option<String>, StoreError> {
        let today = day_of(now);
        let made = self.store.ensure_partitions(&[today, today + 1]).await?;
        Ok((made > 0).then(|| format!("made {made} partitions")))
    }

    async fn hours(&self, now: i64) -> Result<Option<String>, StoreError> {
        let flush_ms =
            i64::try_from(self.config.flush_interval_secs.saturating_mul(1000)).unwrap_or(i64::MAX);
        let closed = now.saturating_sub(flush_ms).saturating_sub(HOUR_GRACE_MS);
        let (mut hours, mut rows) = (0, 0);
        while let Some(written) = self.store.hour_summarise(closed).await? {
            hours += 1;
            rows += written;
        }
        Ok((hours > 0).then(|| format!("summed up {hours} hours into {rows} rows")))
    }

    async fn facts(&self, now: i64) -> Result<Option<String>, StoreError> {
        let gone = self.store.facts_expire(now).await?;
        Ok((gone > 0).then(|| format!("{gone} things went while their agents were off")))
    }

    async fn merge(&self, now: i64) -> Result<Option<String>, StoreError> {
        let delay = i64::try_from(self.config.merge_delay_secs.saturating_mul(1000)).unwrap_or(DAY_MS);
        let mut done = Vec::new();
        for day in self.store.days_unmerged(day_of(now - delay)).await? {
            let (blocks, rows) = self.store.day_merge(day).await?;
            done.push(format!("{blocks} blocks into {rows} rows"));
        }
        Ok((!done.is_empty()).then(|| format!("merged {} days: {}", done.len(), done.join(", "))))
    }
}
