//! What the database knows of the hosts, kept for a few seconds, and longer when the database is away.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use hi_common::error_chain::ErrorChain;

use crate::model::HostKey;
use crate::store::{DeadLetterRow, FactRow, GapRow, HostRow, MetricRow, SourceRow, Store, StoreError};

/// How long an answer of the database is good.
const FRESH: Duration = Duration::from_secs(5);
/// How long the failure to get one counts as an answer: requests then fail at once instead of waiting each.
const FRESH_FAILURE: Duration = Duration::from_secs(2);
/// How long to wait for the database when there is an older answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Hosts read at a time.
const HOSTS_PAGE: i64 = 1000;
/// Gaps that are looked at.
const GAPS_MAX: i64 = 500;
/// Dead letters that are shown.
const DEAD_LETTERS_SHOWN: i64 = 20;

/// What the database said.
#[derive(Debug, Default)]
pub struct Directory {
    /// The hosts, by name.
    pub hosts: Vec<HostRow>,
    /// Facts about hosts themselves and their disks.
    pub facts: HashMap<HostKey, Vec<FactRow>>,
    /// Sources of the hosts, by name.
    pub sources: HashMap<HostKey, Vec<SourceRow>>,
    /// Metrics by name.
    pub metrics: Arc<HashMap<String, MetricRow>>,
    /// Missing ranges of batches.
    pub gaps: Vec<GapRow>,
    /// Number of dead letters, and the newest.
    pub dead_letters: (i64, Vec<DeadLetterRow>),
    /// Why this could not be read anew.
    pub error: Option<String>,
}

/// The newest answer of the database.
pub struct Cache {
    store: Store,
    current: RwLock<Option<(Instant, Arc<Directory>)>>,
    reading: tokio::sync::Mutex<()>,
}

impl Cache {
    /// A cache that has read nothing yet.
    pub fn new(store: Store) -> Self {
        Self { store, current: RwLock::default(), reading: tokio::sync::Mutex::default() }
    }

    fn current(&self) -> Option<(Instant, Arc<Directory>)> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fresh(&self) -> Option<Arc<Directory>> {
        let (at, directory) = self.current()?;
        let good_for = if directory.error.is_some() { FRESH_FAILURE } else { FRESH };
        (at.elapsed() < good_for).then_some(directory)
    }

    /// What the database knows, at most a few seconds old; when it does not answer, what it said last, or nothing, with the
    /// reason in [`Directory::error`].
    pub async fn get(&self) -> Arc<Directory> {
        if let Some(fresh) = self.fresh() {
            return fresh;
        }
        let _one_at_a_time = self.reading.lock().await;
        if let Some(fresh) = self.fresh() {
            return fresh;
        }
        let read = tokio::time::timeout(PATIENCE, read(&self.store)).await;
        let directory = match read {
            Ok(Ok(directory)) => directory,
            Ok(Err(error)) => self.stale(ErrorChain(&error).to_string()),
            Err(_) => self.stale(format!("the database did not answer within {} s", PATIENCE.as_secs())),
        };
        let directory = Arc::new(directory);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Some((Instant::now(), Arc::clone(&directory)));
        directory
    }

    fn stale(&self, error: String) -> Directory {
        let Some((_, old)) = self.current() else {
            return Directory { error: Some(error), ..Directory::default() };
        };
        Directory {
            hosts: old.hosts.clone(),
            facts: old.facts.clone(),
            sources: old.sources.clone(),
            metrics: Arc::clone(&old.metrics),
            gaps: old.gaps.clone(),
            dead_letters: old.dead_letters.clone(),
            error: Some(error),
        }
    }
}

async fn read(store: &Store) -> Result<Directory, StoreError> {
    let mut directory = Directory::default();
    loop {
        let after = directory.hosts.last().map(|host: &HostRow| host.name.clone());
        let page = store.hosts(after.as_deref(), HOSTS_PAGE).await?;
        let last = (page.len() as i64) < HOSTS_PAGE;
        directory.hosts.extend(page);
        if last {
            break;
        }
    }
    let (hosts, disks, sources, metrics, gaps, dead_letters) = futures::try_join!(
        store.facts_of_kind("host"),
        store.facts_of_kind("disk"),
        store.sources_all(),
        store.metrics(),
        store.gaps(GAPS_MAX),
        store.dead_letters(DEAD_LETTERS_SHOWN),
    )?;
    for fact in hosts.into_iter().chain(disks) {
        directory.facts.entry(fact.host).or_default().push(fact);
    }
    for source in sources {
        directory.sources.entry(source.host).or_default().push(source);
    }
    directory.metrics = Arc::new(metrics.into_iter().map(|metric| (metric.name.clone(), metric)).collect());
    directory.gaps = gaps;
    directory.dead_letters = dead_letters;
    Ok(directory)
}
