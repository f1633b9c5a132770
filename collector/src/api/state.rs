//! What the handlers share.

use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hi_common::error_chain::ErrorChain;
use tokio::sync::{Semaphore, broadcast, watch};

use crate::config::{EnergyConfig, StoreConfig};
use crate::ingest::Ingest;
use crate::limits::{LIVE_CLIENTS_MAX, QUERIES_AT_ONCE_MAX, QUERIES_WAITING_MAX};
use crate::moment::now_ms;
use crate::overview::Overview;
use crate::overview::directory::Cache;
use crate::query::QueryError;
use crate::query::read::Reader;
use crate::store::{Store, StoreError};

use super::problem::Problem;

/// Longest wait for an answer of the database.
const PATIENCE: Duration = Duration::from_secs(10);
/// Changes of hosts that a slow live client may be behind.
const HOST_CHANGES_MAX: usize = 256;
/// One day in milliseconds.
const DAY_MS: i64 = 86_400_000;

/// What the handlers share; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Shared>);

/// What [`App`] gives access to.
pub struct Shared {
    /// Readings as they come in, and figures about that.
    pub ingest: Ingest,
    /// The database.
    pub store: Store,
    /// Answers questions about samples.
    pub reader: Reader,
    /// What the database knows of the hosts.
    pub directory: Cache,
    /// What is known of the hosts now.
    pub overview: Arc<Overview>,
    /// What energy costs.
    pub energy: EnergyConfig,
    /// Rows of hosts whose state changed, as JSON, with their names.
    pub host_changes: broadcast::Sender<(Arc<str>, Bytes)>,
    /// Turns true when the server stops.
    pub shutdown: watch::Receiver<bool>,
    /// When the collector was started, Unix milliseconds.
    pub started_at_ms: i64,
    /// The same on the clock that is never set.
    pub started: Instant,
    queries: Semaphore,
    queries_waiting: AtomicUsize,
    live_clients: AtomicU32,
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl App {
    /// State over a store and ingest.
    pub fn new(
        ingest: Ingest,
        store: Store,
        config: &StoreConfig,
        energy: &EnergyConfig,
        overview: Arc<Overview>,
        shutdown: watch::Receiver<bool>,
    ) -> Self {
        let reader = Reader {
            head: Arc::clone(&ingest.head),
            store: store.clone(),
            raw_retention_ms: i64::from(config.raw_retention_days) * DAY_MS,
            hour_retention_ms: i64::from(config.hour_retention_days) * DAY_MS,
        };
        Self(Arc::new(Shared {
            ingest,
            directory: Cache::new(store.clone()),
            store,
            reader,
            overview,
            energy: energy.clone(),
            host_changes: broadcast::Sender::new(HOST_CHANGES_MAX),
            shutdown,
            started_at_ms: now_ms(),
            started: Instant::now(),
            queries: Semaphore::new(QUERIES_AT_ONCE_MAX),
            queries_waiting: AtomicUsize::new(0),
            live_clients: AtomicU32::new(0),
        }))
    }

    /// Asks the database, with patience; its errors become problems. While it is known to be away nobody waits.
    ///
    /// # Errors
    /// 503 when it is away, 400 for a regular expression it refuses, 500 for damage.
    pub async fn ask<T>(&self, question: impl Future<Output = Result<T, StoreError>>) -> Result<T, Problem> {
        self.database_there().await?;
        match tokio::time::timeout(PATIENCE, question).await {
            Ok(answer) => answer.map_err(|error| of_store_error(&error)),
            Err(_) => Err(no_answer()),
        }
    }

    async fn database_there(&self) -> Result<(), Problem> {
        match &self.directory.get().await.error {
            None => Ok(()),
            Some(error) => Err(Problem::unavailable(format!("the database is away: {error}"))),
        }
    }

    /// Runs a question about samples when it is its turn.
    ///
    /// # Errors
    /// 503 when too many wait or the database is away, 422 for a limit.
    pub async fn query<T>(
        &self,
        question: impl Future<Output = Result<T, QueryError>>,
    ) -> Result<T, Problem> {
        self.database_there().await?;
        let waiting = Count::up(&self.queries_waiting);
        if waiting.0.load(Ordering::Relaxed) > QUERIES_WAITING_MAX {
            return Err(Problem::unavailable("too many questions about samples wait; ask again later"));
        }
        let _turn = self.queries.acquire().await.map_err(|_| Problem::internal())?;
        drop(waiting);
        match tokio::time::timeout(PATIENCE * 3, question).await {
            Ok(answer) => answer.map_err(|error| of_query_error(&error)),
            Err(_) => Err(no_answer()),
        }
    }

    /// Lets a live client in.
    ///
    /// # Errors
    /// 429 when there are too many.
    pub fn live_client(&self) -> Result<LiveClient, Problem> {
        let client = LiveClient(self.clone());
        if self.live_clients.fetch_add(1, Ordering::Relaxed) < LIVE_CLIENTS_MAX {
            return Ok(client);
        }
        let detail =
            format!("{LIVE_CLIENTS_MAX} clients are connected to /api/live, which is the limit; close one");
        Err(Problem::too_many_clients(detail))
    }

    /// Number of live clients.
    pub fn live_clients(&self) -> u32 {
        self.live_clients.load(Ordering::Relaxed)
    }
}

/// Counts up while it exists.
struct Count<'a>(&'a AtomicUsize);

impl<'a> Count<'a> {
    fn up(counter: &'a AtomicUsize) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(counter)
    }
}

impl Drop for Count<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A live client's place; dropped when it leaves.
pub struct LiveClient(App);

impl Drop for LiveClient {
    fn drop(&mut self) {
        self.0.live_clients.fetch_sub(1, Ordering::Relaxed);
    }
}

fn no_answer() -> Problem {
    Problem::unavailable("the database does not answer in time")
}

fn of_store_error(error: &StoreError) -> Problem {
    match error {
        StoreError::Matcher { .. } => Problem::bad_parameter("match", format!("is not usable: {error}")),
        StoreError::Database { operation, .. } => {
            tracing::warn!(error = %ErrorChain(error), "database failed a request");
            Problem::unavailable(format!("the database could not {operation}; see /api/system"))
        }
        StoreError::Unsuitable(problem) => Problem::unavailable(problem.clone()),
        StoreError::File { .. } | StoreError::Damaged { .. } => {
            tracing::error!(error = %ErrorChain(error), "request failed");
            Problem::internal()
        }
    }
}

fn of_query_error(error: &QueryError) -> Problem {
    match error {
        QueryError::Limit(detail) => Problem::limit(detail.clone()),
        QueryError::Store(error) => of_store_error(error),
        QueryError::Cancelled => Problem::internal(),
    }
}
