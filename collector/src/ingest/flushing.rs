//! When the head is written, and what follows when it has been.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use hi_common::subject::STREAM_METRICS;

use super::encode::hours;
use super::engine::{Ended, Engine};
use super::flusher::{Flushed, Plan, flush};
use crate::store::{CursorRow, FlushMeta, HostSeen, now_ms};

/// How long the last flush at shutdown may take.
const LAST_FLUSH_MAX: Duration = Duration::from_secs(20);
/// A layout in use is marked in the database this often, in milliseconds: it is removed after days without a mark.
const MARK_MS: i64 = 12 * 3600 * 1000;

impl Engine {
    pub(super) fn due(&self) -> bool {
        let over = self.last_flush.elapsed() >= self.flush_interval;
        self.position != self.stored
            && (over || self.shared.head.wants_flush() || self.shared.options.flush_now.wanted())
    }

    pub(super) fn start_flush(&mut self) {
        self.asked = self.shared.options.flush_now.wanted();
        let plan = self.plan();
        let (store, stats) = (self.store.clone(), Arc::clone(&self.shared.stats));
        self.last_flush = Instant::now();
        self.flushing = Some(tokio::spawn(flush(store, plan, stats, self.faults.clone())));
    }

    /// Freezes the head and everything that must agree with it.
    fn plan(&mut self) -> Plan {
        let now = now_ms();
        let segments = self.shared.head.freeze();
        let mut meta = FlushMeta {
            stream: STREAM_METRICS,
            position_before: self.stored.clone(),
            position: self.position.clone(),
            dirty_hours: hours(&segments),
            journal: std::mem::take(&mut self.journal),
            ..FlushMeta::default()
        };
        for host in self.hosts.values_mut() {
            let key = host.named.host;
            for (number, epoch) in host.epochs.iter_mut().filter(|(_, epoch)| epoch.dirty) {
                epoch.dirty = false;
                meta.cursors.push(CursorRow {
                    host: key,
                    epoch: *number,
                    next: epoch.cursor.next(),
                    seen: epoch.cursor.seen().to_vec(),
                });
            }
            meta.cursors_closed.extend(host.closed_new.drain(..).map(|epoch| (key, epoch)));
            if std::mem::take(&mut host.seen) {
                meta.hosts.push(HostSeen { host: key, seen_at: host.last_batch_at, epoch: host.newest.0 });
                for known in host.sources.values_mut().flatten().filter(|k| now - k.marked_at > MARK_MS) {
                    known.marked_at = now;
                    meta.layouts.push((key, known.layout.source.to_string(), known.layout.hash));
                }
            }
        }
        let samples = std::mem::take(&mut self.fresh_samples);
        Plan { segments, meta, acker: self.acker.take(), samples }
    }

    pub(super) async fn flushed(&mut self, flushed: Option<Flushed>) -> Option<Ended> {
        let (plan, seconds) = match flushed {
            Some(Flushed::Committed { plan, seconds }) => (plan, seconds),
            Some(Flushed::Killed) => return Some(Ended::Killed),
            Some(Flushed::Superseded) | None => {
                tracing::error!(
                    "another collector writes to this database: starting over from what it wrote"
                );
                return Some(Ended::Superseded);
            }
        };
        self.stored.clone_from(&plan.meta.position);
        self.shared.head.drop_frozen();
        self.shared.stats.update(|s| {
            s.flush.count += 1;
            s.flush.last_at = Some(now_ms());
            s.flush.last_seconds = Some(seconds);
            s.flush.last_samples = plan.samples;
            s.flush.last_error = None;
        });
        if self.asked {
            self.shared.options.flush_now.done();
        }
        // Lost acknowledgements do no harm: the position in the database is what counts.
        if let Some(acker) = plan.acker
            && let Err(error) = acker.ack().await
        {
            tracing::debug!(%error, "acknowledge");
        }
        None
    }

    /// What is in memory is written before the end, if the database takes it in time; otherwise the broker still has it.
    pub(super) async fn last_flush(&mut self) {
        let all = async {
            if let Some(flushing) = self.flushing.take() {
                let flushed = flushing.await.ok();
                if self.flushed(flushed).await.is_some() {
                    return;
                }
            }
            if self.position != self.stored || !self.journal.is_empty() {
                self.start_flush();
                let flushed = finished(&mut self.flushing).await;
                self.flushing = None;
                self.flushed(flushed).await;
            }
        };
        if tokio::time::timeout(LAST_FLUSH_MAX, all).await.is_err() {
            tracing::warn!("the database did not take the last samples in time; the broker still has them");
        }
        if let Some(flushing) = self.flushing.take() {
            flushing.abort();
        }
    }
}

/// The end of the task, or never when there is none. `None` when it panicked.
pub(super) async fn finished(task: &mut Option<JoinHandle<Flushed>>) -> Option<Flushed> {
    match task {
        Some(task) => task.await.ok(),
        None => std::future::pending().await,
    }
}
