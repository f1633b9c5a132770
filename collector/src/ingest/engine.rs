//! The engine: the one task that takes batches, and decides when they are written.
//!
//! It alone changes cursors, layouts and the position, so that what a flush writes fits together without locks.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::jetstream::message::Acker;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

use hi_common::subject::STREAM_METRICS;

use super::Ingest;
use super::broker::Broker;
use super::consumer::{Taken, consume};
use super::cursor::Cursor;
use super::encode::hours;
use super::faults::Faults;
use super::flusher::{Flushed, Plan, flush};
use super::names::{Named, Names};
use super::repair::{Answered, Repair};
use crate::config::CoreConfig;
use crate::limits::{EPOCHS_PER_HOST_MAX, JOURNAL_ENTRIES_MAX, QUEUE_MESSAGES_MAX};
use crate::model::Layout;
use crate::signals::told_to_end;
use crate::store::{CursorRow, FlushMeta, HostSeen, Journal, Position, Store, now_ms};

/// How long the last flush at shutdown may take.
const LAST_FLUSH_MAX: Duration = Duration::from_secs(20);
/// A layout in use is marked in the database this often, in milliseconds: it is removed after days without a mark.
const MARK_MS: i64 = 12 * 3600 * 1000;

/// One start of an agent.
#[derive(Default)]
pub(super) struct Epoch {
    pub(super) cursor: Cursor,
    /// Highest number known to exist, also when it could not be taken.
    pub(super) known_to: u64,
    /// Changed since the last flush began.
    pub(super) dirty: bool,
    pub(super) repair: Option<Repair>,
}

/// A layout in memory.
pub(super) struct Known {
    pub(super) layout: Arc<Layout>,
    /// When it was marked as in use in the database, Unix milliseconds.
    pub(super) marked_at: i64,
}

/// A host in memory.
pub(super) struct Host {
    pub(super) named: Named,
    pub(super) name: Arc<str>,
    /// Count of renames when the name was asked for.
    pub(super) generation: u64,
    /// When it was asked for, Unix milliseconds.
    pub(super) checked_at: i64,
    pub(super) epochs: BTreeMap<u64, Epoch>,
    /// Epochs up to this one are closed: what still comes of them is dropped.
    pub(super) closed: u64,
    pub(super) closed_new: Vec<u64>,
    pub(super) sources: HashMap<String, Vec<Known>>,
    /// Newest batch taken: epoch and number.
    pub(super) newest: (u64, u64),
    pub(super) last_batch_at: i64,
    /// Seen since the last flush began.
    pub(super) seen: bool,
    /// Series refused, by source.
    pub(super) refused: HashMap<String, u64>,
}

impl Host {
    pub(super) fn new(named: Named) -> Self {
        Self {
            name: named.name.as_str().into(),
            named,
            generation: 0,
            checked_at: i64::MIN,
            epochs: BTreeMap::new(),
            closed: 0,
            closed_new: Vec::new(),
            sources: HashMap::new(),
            newest: (0, 0),
            last_batch_at: 0,
            seen: false,
            refused: HashMap::new(),
        }
    }

    /// Closes the oldest epochs when there are too many.
    pub(super) fn bound_epochs(&mut self) {
        while self.epochs.len() > EPOCHS_PER_HOST_MAX {
            if let Some((epoch, _)) = self.epochs.pop_first() {
                self.closed = self.closed.max(epoch);
                self.closed_new.push(epoch);
            }
        }
    }
}

/// Why the engine ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It was told to.
    Shutdown,
    /// Another collector has written; what is in memory is void.
    Superseded,
    /// A test ended it.
    Killed,
}

/// All that ingest holds in memory.
pub(super) struct Engine {
    pub(super) shared: Ingest,
    pub(super) store: Store,
    pub(super) broker: Broker,
    pub(super) names: Arc<Names>,
    pub(super) hosts: HashMap<Uuid, Host>,
    pub(super) series_max: usize,
    pub(super) journal: Vec<Journal>,
    pub(super) shutdown: watch::Receiver<bool>,
    pub(super) answers: mpsc::Sender<Answered>,
    answered: mpsc::Receiver<Answered>,
    flush_interval: Duration,
    faults: Faults,
    pub(super) position: Option<Position>,
    stored: Option<Position>,
    acker: Option<Acker>,
    flushing: Option<JoinHandle<Flushed>>,
    journalling: Option<JoinHandle<Result<(), Vec<Journal>>>>,
    last_flush: Instant,
    /// The flush on its way began after somebody asked for one.
    asked: bool,
    /// Samples taken since the last flush began.
    pub(super) fresh_samples: u64,
}

impl Engine {
    pub(super) fn new(
        shared: Ingest,
        store: Store,
        broker: Broker,
        names: Arc<Names>,
        config: &CoreConfig,
        shutdown: watch::Receiver<bool>,
    ) -> Self {
        let (answers, answered) = mpsc::channel(64);
        Self {
            series_max: shared.options.series_per_host_max,
            faults: shared.options.faults.clone(),
            shared,
            store,
            broker,
            names,
            hosts: HashMap::new(),
            journal: Vec::new(),
            shutdown,
            answers,
            answered,
            flush_interval: Duration::from_secs(config.store.flush_interval_secs.max(1)),
            position: None,
            stored: None,
            acker: None,
            flushing: None,
            journalling: None,
            last_flush: Instant::now(),
            asked: false,
            fresh_samples: 0,
        }
    }

    /// Where the stream is stored to.
    pub(super) fn restore_position(&mut self, position: Option<Position>) {
        self.stored.clone_from(&position);
        self.position = position;
    }

    /// Takes batches until told to end.
    pub(super) async fn run(mut self) -> Ended {
        let (out, mut taken) = mpsc::channel(QUEUE_MESSAGES_MAX);
        let stats = Arc::clone(&self.shared.stats);
        let consumer =
            tokio::spawn(consume(self.broker.clone(), STREAM_METRICS, self.position.clone(), out, stats));
        let ended = self.work(&mut taken).await;
        drop(taken);
        consumer.abort();
        if ended == Ended::Shutdown {
            self.last_flush().await;
        } else if let Some(flushing) = self.flushing.take() {
            flushing.abort();
        }
        ended
    }

    async fn work(&mut self, taken: &mut mpsc::Receiver<Taken>) -> Ended {
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut shutdown = self.shutdown.clone();
        loop {
            // When the head is full nothing more is taken, and the broker keeps what follows.
            let full = self.shared.head.is_full();
            if self.flushing.is_none() && self.due() {
                self.start_flush();
            }
            tokio::select! {
                biased;
                () = told_to_end(&mut shutdown) => return Ended::Shutdown,
                flushed = finished(&mut self.flushing) => {
                    self.flushing = None;
                    if let Some(ended) = self.flushed(flushed).await {
                        return ended;
                    }
                }
                Some(answer) = self.answered.recv() => self.repair_answered(answer),
                _ = tick.tick() => self.tick().await,
                message = taken.recv(), if !full => match message {
                    Some(message) => self.take_message(message).await,
                    None => return Ended::Shutdown,
                },
            }
        }
    }

    fn due(&self) -> bool {
        let over = self.last_flush.elapsed() >= self.flush_interval;
        self.position != self.stored
            && (over || self.shared.head.wants_flush() || self.shared.options.flush_now.wanted())
    }

    async fn tick(&mut self) {
        self.shared.stats.tick();
        if self.position == self.stored && self.flushing.is_none() {
            self.shared.options.flush_now.done();
        }
        self.repair(now_ms());
        if let Some(task) = self.journalling.take_if(|task| task.is_finished())
            && let Ok(Err(entries)) = task.await
        {
            self.journal.splice(0..0, entries);
        }
        if self.journalling.is_none() && !self.journal.is_empty() {
            let entries = std::mem::take(&mut self.journal);
            let store = self.store.clone();
            self.journalling = Some(tokio::spawn(async move {
                store.journal(&entries).await.map_err(|error| {
                    tracing::debug!(%error, "journal not written yet");
                    entries
                })
            }));
        }
        let layouts = self.hosts.values().flat_map(|h| h.sources.values()).flatten();
        let (count, series) = layouts.fold((0, 0), |(n, s), k| (n + 1, s + k.layout.columns.len() as u64));
        let hosts = self.hosts.values().filter(|h| !h.epochs.is_empty()).count() as u64;
        self.shared.stats.update(|s| {
            s.layouts = count;
            s.series = series;
            s.cursor.hosts = hosts;
        });
    }

    /// Adds to the journal, unless it overflows.
    pub(super) fn note(&mut self, entry: Journal) {
        if self.journal.len() < JOURNAL_ENTRIES_MAX {
            self.journal.push(entry);
        }
    }

    fn start_flush(&mut self) {
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

    async fn flushed(&mut self, flushed: Option<Flushed>) -> Option<Ended> {
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
    async fn last_flush(&mut self) {
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

    /// A message is dealt with: the position moves on with the next flush.
    pub(super) fn done(&mut self, position: Position, acker: Acker) {
        self.position = Some(position);
        self.acker = Some(acker);
    }
}

/// The end of the task, or never when there is none. `None` when it panicked.
async fn finished(task: &mut Option<JoinHandle<Flushed>>) -> Option<Flushed> {
    match task {
        Some(task) => task.await.ok(),
        None => std::future::pending().await,
    }
}
