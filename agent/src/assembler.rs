//! Stage between sampler and publisher: turns what the sampler tells into items for the outbox.
//!
//! A batch is sealed [`LINGER`] after its first reading: sources of one tick ride together, a slow one rides later.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hi_common::catalog::SourceOutcome;
use hi_common::event::Severity;
use hi_common::subject;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::batcher::Batcher;
use crate::clock::Clock;
use crate::documents::{Facts, catalog, event};
use crate::handover::Handover;
use crate::host_id::Identity;
use crate::layout::LayoutCache;
use crate::losses::Losses;
use crate::outbox::Item;
use crate::sampler::Output;
use crate::self_metrics::{Counters, add};
use crate::source::EventDoc;
use crate::status::{Board, Change};
use crate::sys::heap;
use crate::telling::Telling;

/// How long a batch waits for more readings after the first.
const LINGER: Duration = Duration::from_millis(100);
/// A batch of more bytes carries the series of many things, which took several times its size while it was made.
const LARGE_BYTES: usize = 64 << 10;
/// How long after such a batch it and the facts beside it are on their way, and free memory is given back.
const LARGE_PAUSE: Duration = Duration::from_secs(5);
/// When the first catalog is sent: every quick source has run by then.
const CATALOG_FIRST: Duration = Duration::from_secs(2);
/// Shortest time between two catalogs.
const CATALOG_PAUSE: Duration = Duration::from_secs(30);

/// What publisher and assembler tell each other beside items.
#[derive(Debug, Default)]
pub struct Link {
    /// Batches dropped and not yet announced.
    pub losses: Mutex<Losses>,
    /// Layouts sent lately.
    pub layouts: Mutex<LayoutCache>,
    /// Something was dropped since the broker last took a message.
    pub dropped: AtomicBool,
    /// Something was dropped, and the broker takes messages again: series, facts and catalog are to be sent once more.
    pub repeat: AtomicBool,
}

/// Everything the stage needs.
pub struct Assembler {
    /// Who sends.
    pub identity: Identity,
    /// Wall clock.
    pub clock: Clock,
    /// Outcomes, for the catalog.
    pub board: Arc<Board>,
    /// Counters.
    pub counters: Arc<Counters>,
    /// Shared with the publisher.
    pub link: Arc<Link>,
    /// Where items go.
    pub items: Handover,
}

impl Assembler {
    /// Runs until the sampler has ended and all it told is handed on, or the publisher is gone.
    pub async fn run(self, mut input: mpsc::Receiver<Output>) {
        let mut batcher = Batcher::new(self.identity.clone());
        let mut facts = Facts::default();
        let mut seal_at: Option<Instant> = None;
        let mut catalog_at = Some(Instant::now() + CATALOG_FIRST);
        let mut catalog_last: Option<Instant> = None;
        let mut telling = Telling::default();
        let mut give_back_at: Option<Instant> = None;
        loop {
            let never = Instant::now() + Duration::from_secs(3600);
            let held = telling.due();
            tokio::select! {
                output = input.recv() => match output {
                    None => break,
                    Some(Output::Sampled(sampled)) => {
                        lock(&self.link.layouts).remember(sampled.source, &sampled.layout);
                        batcher.add(sampled);
                        if batcher.is_heavy() {
                            self.seal(&mut batcher).await;
                        }
                        seal_at.get_or_insert_with(|| Instant::now() + LINGER);
                    }
                    Some(Output::Facts { source, at, facts: list, gone }) => {
                        let now = std::time::Instant::now();
                        self.send(facts.gone(&self.identity, source, at, gone)).await;
                        let items = facts.changed(&self.identity, source, at, list, now);
                        self.send(items).await;
                    }
                    Some(Output::Events { at, events }) => self.send(self.noticed(at, events)).await,
                    Some(Output::Changed(change)) => {
                        let earliest = catalog_last.map_or(CATALOG_FIRST, |last| {
                            (last + CATALOG_PAUSE).saturating_duration_since(Instant::now())
                        });
                        catalog_at.get_or_insert_with(|| Instant::now() + earliest.max(Duration::from_secs(1)));
                        let told = telling.change(change, Instant::now().into_std());
                        self.send(told.and_then(|change| self.changed(&change))).await;
                    }
                    Some(Output::ClockStep { step, at }) => self.send(self.stepped(step.by_ms, at)).await,
                },
                () = sleep_until(seal_at.unwrap_or(never)), if seal_at.is_some() => {
                    seal_at = None;
                    if self.link.repeat.swap(false, Ordering::Relaxed) {
                        batcher.repeat_series();
                        self.send(facts.again(&self.identity)).await;
                        catalog_at.get_or_insert_with(|| Instant::now() + CATALOG_FIRST);
                    }
                    if self.seal(&mut batcher).await {
                        give_back_at = Some(Instant::now() + LARGE_PAUSE);
                    }
                }
                () = sleep_until(give_back_at.unwrap_or(never)), if give_back_at.is_some() => {
                    give_back_at = None;
                    heap::give_back();
                }
                () = sleep_until(held.map_or(never, Instant::from_std)), if held.is_some() => {
                    let told = telling.overdue(Instant::now().into_std());
                    let items: Vec<Item> = told.iter().filter_map(|change| self.changed(change)).collect();
                    self.send(items).await;
                }
                () = sleep_until(catalog_at.unwrap_or(never)), if catalog_at.is_some() => {
                    catalog_at = None;
                    catalog_last = Some(Instant::now());
                    self.send(catalog(&self.identity, self.clock.wall_ms(), self.board.statuses())).await;
                }
            }
        }
        self.seal(&mut batcher).await;
    }

    /// Sends what was read; yields whether it is large.
    async fn seal(&self, batcher: &mut Batcher) -> bool {
        if batcher.is_empty() {
            return false;
        }
        let lost = lock(&self.link.losses).take();
        let subject = subject::metrics(&self.identity.host);
        let sealed = batcher.seal(lost.clone());
        if sealed.is_empty() {
            let mut losses = lock(&self.link.losses);
            lost.into_iter().for_each(|range| losses.add(range));
        }
        let is_large = sealed.iter().any(|sealed| sealed.payload.len() > LARGE_BYTES);
        let items = sealed.into_iter().map(|sealed| Item {
            subject: subject.clone(),
            id: sealed.id.to_string(),
            payload: Bytes::from(sealed.payload),
        });
        self.send(items).await;
        is_large
    }

    async fn send(&self, items: impl IntoIterator<Item = Item>) {
        for item in items {
            self.items.send(item).await;
        }
    }

    fn changed(&self, change: &Change) -> Option<Item> {
        let bad = |outcome| matches!(outcome, SourceOutcome::Error | SourceOutcome::Stalled);
        let severity = if bad(change.after) { Severity::Warning } else { Severity::Info };
        let message = match (&change.message, change.after) {
            (Some(message), _) => format!("{} fails: {message}", change.source),
            (None, SourceOutcome::Absent) => format!("{} has nothing to read any more", change.source),
            (None, _) => format!("{} reads again", change.source),
        };
        let data = [
            ("source", change.source.to_owned()),
            ("before", change.before.as_str().to_owned()),
            ("after", change.after.as_str().to_owned()),
            ("reason", change.reason.unwrap_or_default().to_owned()),
        ];
        event(&self.identity, change.at_ms, "source_changed", severity, message, &data)
    }

    fn noticed(&self, at: i64, events: Vec<EventDoc>) -> Vec<Item> {
        let item = |doc: EventDoc| event(&self.identity, at, doc.kind, doc.severity, doc.message, &doc.data);
        events.into_iter().filter_map(item).collect()
    }

    fn stepped(&self, by_ms: i64, at: i64) -> Option<Item> {
        add(&self.counters.clock_steps, 1);
        let direction = if by_ms < 0 { "back" } else { "forward" };
        let message =
            format!("the clock was set {direction} by {:.1} s", by_ms.unsigned_abs() as f64 / 1000.0);
        let data = [("by_ms", by_ms.to_string())];
        event(&self.identity, at, "clock_step", Severity::Warning, message, &data)
    }
}

/// Locks, also after a panic elsewhere: what the locks guard here is consistent after each statement.
pub fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
