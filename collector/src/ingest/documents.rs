//! Facts, catalogs and events: stored one by one, in the order of their streams, then acknowledged.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use hi_common::catalog::Catalog;
use hi_common::error_chain::ErrorChain;
use hi_common::event::Event;
use hi_common::fact::Fact;
use hi_common::subject::{CATALOG_ALL, EVENTS_ALL, FACTS_ALL, STREAM_EVENTS, STREAM_FACTS};
use hi_common::wire::{WireError, decode};

use super::Ingest;
use super::broker::Broker;
use super::consumer::{Taken, consume};
use super::names::Names;
use super::stats::Counters;
use crate::limits::QUEUE_MESSAGES_MAX;
use crate::store::{Journal, Store, StoreError, now_ms};

/// Messages stored before the position is, when they come without a pause.
const POSITION_EVERY: usize = 100;
/// Wait before the database is tried again: first and longest.
const RETRY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// Starts a task per stream.
pub(super) fn start(
    broker: &Broker,
    store: &Store,
    names: &Arc<Names>,
    ingest: &Ingest,
) -> Vec<JoinHandle<()>> {
    let task = |stream: &'static str| {
        let keeper =
            Keeper { store: store.clone(), names: Arc::clone(names), stats: Arc::clone(&ingest.stats) };
        tokio::spawn(keeper.run(broker.clone(), stream))
    };
    vec![task(STREAM_FACTS), task(STREAM_EVENTS)]
}

struct Keeper {
    store: Store,
    names: Arc<Names>,
    stats: Arc<Counters>,
}

/// What a message means.
enum Document {
    Fact(Fact),
    Catalog(Catalog),
    Event(Event),
    /// Not for the collector.
    Other,
}

fn read(subject: &str, payload: &[u8]) -> Result<Document, WireError> {
    let of = |all: &str| subject.starts_with(all.trim_end_matches('>'));
    if of(FACTS_ALL) {
        decode(payload).map(Document::Fact)
    } else if of(CATALOG_ALL) {
        decode(payload).map(Document::Catalog)
    } else if of(EVENTS_ALL) {
        decode(payload).map(Document::Event)
    } else {
        Ok(Document::Other)
    }
}

impl Keeper {
    async fn run(self, broker: Broker, stream: &'static str) {
        let position = until_stored(|| self.store.position(stream)).await;
        let (out, mut taken) = mpsc::channel(QUEUE_MESSAGES_MAX);
        // Ends with this task: aborted as a whole.
        let reading = consume(broker, stream, position, out, Arc::clone(&self.stats));
        let storing = async {
            let mut since = 0;
            while let Some(message) = taken.recv().await {
                self.take(&message).await;
                since += 1;
                if taken.is_empty() || since >= POSITION_EVERY {
                    since = 0;
                    until_stored(|| self.store.position_set(stream, &message.position)).await;
                    let _ = message.acker.ack().await;
                }
            }
        };
        tokio::join!(reading, storing);
    }

    /// Stores one message; what cannot be stored goes to the dead letters.
    async fn take(&self, taken: &Taken) {
        let (reason, detail) = match read(&taken.subject, &taken.payload) {
            Err(error) => (error.reason(), error.to_string()),
            Ok(document) => {
                let stored = until(|| self.apply(&document, taken.position.message_at)).await;
                let Err(error) = stored else { return };
                ("invalid", ErrorChain(&error).to_string())
            }
        };
        tracing::warn!(subject = %taken.subject, reason, detail, "document refused");
        self.stats.update(|s| s.dead_letters_total += 1);
        let letter = Journal::DeadLetter(taken.dead_letter(now_ms(), reason, detail));
        until_stored(|| self.store.journal(std::slice::from_ref(&letter))).await;
    }

    async fn apply(&self, document: &Document, message_at: i64) -> Result<(), StoreError> {
        match document {
            Document::Fact(fact) => {
                let host = self.names.resolve(fact.host_id, &fact.host, message_at, false).await?;
                self.store.fact_apply(host.host, fact).await
            }
            Document::Catalog(catalog) => {
                let host = self.names.resolve(catalog.host_id, &catalog.host, message_at, false).await?;
                self.store.catalog_apply(host.host, catalog).await
            }
            Document::Event(event) => {
                let host = self.names.resolve(event.host_id, &event.host, message_at, false).await?;
                self.store.event_apply(Some(host.host), event).await
            }
            Document::Other => Ok(()),
        }
    }
}

/// Repeats until it succeeds or can never succeed.
async fn until<T, F: Future<Output = Result<T, StoreError>>>(
    mut operation: impl FnMut() -> F,
) -> Result<T, StoreError> {
    let mut wait = RETRY.0;
    loop {
        match operation().await {
            Err(error) if !error.is_permanent() => {
                tracing::debug!(error = %ErrorChain(&error), "waiting for the database");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(RETRY.1);
            }
            other => return other,
        }
    }
}

/// Repeats until it succeeds.
async fn until_stored<T: Default, F: Future<Output = Result<T, StoreError>>>(
    operation: impl FnMut() -> F,
) -> T {
    match until(operation).await {
        Ok(value) => value,
        Err(error) => {
            tracing::error!(error = %ErrorChain(&error), "cannot be stored");
            T::default()
        }
    }
}
