//! The engine: the one task that takes batches, and decides when they are written.
//!
//! It alone changes cursors, layouts and the position, so that what a flush writes fits together without locks.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::jetstream::message::Acker;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

use hi_common::subject::STREAM_METRICS;

use super::Ingest;
use super::broker::Broker;
use super::consumer::consume;
use super::faults::Faults;
use super::flusher::Flushed;
use super::flushing::finished;
use super::intake::Intake;
use super::names::Names;
use super::repair::Answered;
use super::state::Host;
use crate::config::CoreConfig;
use crate::limits::{JOURNAL_ENTRIES_MAX, QUEUE_MESSAGES_MAX};
use crate::signals::told_to_end;
use crate::store::{Journal, Position, Store, now_ms};

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
    pub(super) flush_interval: Duration,
    pub(super) faults: Faults,
    pub(super) position: Option<Position>,
    pub(super) stored: Option<Position>,
    pub(super) acker: Option<Acker>,
    pub(super) flushing: Option<JoinHandle<Flushed>>,
    journalling: Option<JoinHandle<Result<(), Vec<Journal>>>>,
    pub(super) last_flush: Instant,
    /// The flush on its way began after somebody asked for one.
    pub(super) asked: bool,
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
        let (out, queue) = mpsc::channel(QUEUE_MESSAGES_MAX);
        let stats = Arc::clone(&self.shared.stats);
        let mut intake = Intake::new(queue, Arc::clone(&stats));
        let consumer =
            tokio::spawn(consume(self.broker.clone(), STREAM_METRICS, self.position.clone(), out, stats));
        let ended = self.work(&mut intake).await;
        drop(intake);
        consumer.abort();
        if ended == Ended::Shutdown {
            self.last_flush().await;
        } else if let Some(flushing) = self.flushing.take() {
            flushing.abort();
        }
        ended
    }

    async fn work(&mut self, intake: &mut Intake) -> Ended {
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
                message = intake.next(), if !full => match message {
                    Some(message) => self.take_message(message, intake).await,
                    None => return Ended::Shutdown,
                },
            }
        }
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

    /// A message is dealt with: the position moves on with the next flush.
    pub(super) fn done(&mut self, position: Position, acker: Acker) {
        self.position = Some(position);
        self.acker = Some(acker);
    }
}
