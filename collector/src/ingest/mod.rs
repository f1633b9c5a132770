//! From the broker to the store: consumer → decoder → cursor → resolver → head → flusher.
//!
//! Readers see the newest samples in [`Head`]; what the flusher has written is in the [`Store`]. **Read the head first,
//! then the store, and let one sample per time win**: a flush in between then shows a sample twice, never not at all.

mod broker;
mod claim;
mod consumer;
mod cursor;
mod documents;
mod encode;
mod engine;
mod faults;
mod flusher;
mod flushing;
pub mod head;
pub mod hosts;
mod intake;
mod layouts;
mod losses;
mod names;
mod options;
mod repair;
mod resolver;
mod retry;
mod stages;
mod state;
pub mod stats;
mod take;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

use hi_common::error_chain::ErrorChain;

pub use faults::{Faults, Point};
pub use head::{Head, HeadStats};
pub use hosts::{HostState, HostStates};
pub use options::Options;
pub use stats::{CursorStats, FlushStats, IngestStats, RefusedSeries};

use broker::Broker;

use crate::config::CoreConfig;
use crate::limits::LIVE_ROWS_MAX;
use crate::model::{HostKey, Layout};
use crate::signals::told_to_end;
use crate::store::Store;

/// A reading as it arrived, for live readers.
#[derive(Clone, Debug)]
pub struct LiveRow {
    /// The host.
    pub host: HostKey,
    /// Its name at that moment: the `instance` label.
    pub host_name: Arc<str>,
    /// Time of the samples, Unix milliseconds.
    pub at: i64,
    /// The series of the values.
    pub layout: Arc<Layout>,
    /// Values in the order of the layout; [`hi_common::batch::ABSENT`] where there is none.
    pub values: Arc<[f64]>,
}

/// What ingest shares with the rest of the collector. Cheap to clone.
#[derive(Clone)]
pub struct Ingest {
    /// Samples not yet in the database.
    pub head: Arc<Head>,
    /// Every reading as it arrives.
    pub live: broadcast::Sender<Arc<LiveRow>>,
    /// What is known of each host right now.
    pub hosts: Arc<HostStates>,
    pub(crate) stats: Arc<stats::Counters>,
    pub(crate) options: Options,
}

impl Ingest {
    /// Empty state for a collector that starts.
    pub fn new(config: &CoreConfig) -> Self {
        Self::with_options(config, Options::default())
    }

    /// The same with what only tests change.
    pub fn with_options(config: &CoreConfig, options: Options) -> Self {
        Self {
            options,
            head: Arc::new(Head::new(config.store.head_max_bytes)),
            live: broadcast::Sender::new(LIVE_ROWS_MAX),
            hosts: Arc::new(HostStates::default()),
            stats: Arc::new(stats::Counters::new(config)),
        }
    }

    /// Asks for all that has been taken to be written now, and waits until it is.
    pub async fn flush(&self) {
        self.options.flush_now.ask().await;
    }

    /// Figures for `/api/system` and `/metrics`.
    pub fn stats(&self) -> IngestStats {
        self.stats.snapshot()
    }
}

/// Why ingest ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The configuration of the broker cannot work.
    #[error("connect to the broker at {url}")]
    Broker {
        /// Its address.
        url: String,
        /// What is wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Wait before the database is tried again at start.
const RETRY: Duration = Duration::from_secs(1);

/// Takes batches, facts, catalogs and events until `shutdown` turns true, then writes what is in the head and returns.
///
/// A broker or database that is away is waited for; the state shows in [`Ingest::stats`]. Brings the schema up to date
/// first, when nobody has.
///
/// # Errors
/// Only what waiting cannot cure: credentials that cannot be read, a URL that is none.
pub async fn run(
    ingest: Ingest,
    store: Store,
    config: CoreConfig,
    mut shutdown: watch::Receiver<bool>,
) -> Result<(), IngestError> {
    let broker = Broker::connect(&config.nats, &ingest.stats).await?;
    loop {
        let begin = resolver::begin(&ingest, &store, &broker, &config, shutdown.clone());
        let (engine, names) = match begin.await {
            Ok(begun) => begun,
            Err(error) => {
                tracing::warn!(error = %ErrorChain(&error), "waiting for the database");
                tokio::select! {
                    () = tokio::time::sleep(RETRY) => continue,
                    () = told_to_end(&mut shutdown) => return Ok(()),
                }
            }
        };
        let documents = documents::start(&broker, &store, &names, &ingest);
        let ended = engine.run().await;
        documents.iter().for_each(JoinHandle::abort);
        match ended {
            engine::Ended::Shutdown | engine::Ended::Killed => return Ok(()),
            engine::Ended::Superseded => {
                ingest.head.clear();
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}
