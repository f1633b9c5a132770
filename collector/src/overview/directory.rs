//! What the database knows of the hosts, kept for a few seconds, and longer when the database is away.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hi_common::error_chain::ErrorChain;
use tokio::sync::{Mutex, watch};

use crate::model::HostKey;
use crate::storage::FACT_KINDS;
use crate::store::{
    DeadLetterRow, FactRow, GapRow, HostRow, MetricRow, SourceRow, StandingFact, Store, StoreError,
};

/// How long an answer of the database is good.
const FRESH: Duration = Duration::from_secs(5);
/// How long the failure to get one is good: requests then fail at once instead of waiting each.
const FRESH_FAILURE: Duration = Duration::from_secs(2);
/// How long to wait for a newer answer when there is an older one.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long to wait for the first.
const FIRST_PATIENCE: Duration = Duration::from_secs(10);
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
    /// Facts about storage, with since when things are as they are.
    pub storage: HashMap<HostKey, Vec<StandingFact>>,
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

/// The newest answer of the database, and when it was given.
type Answer = Option<(Instant, Arc<Directory>)>;

/// The newest answer of the database. One question is on its way at most, and goes on when nobody waits for it any more: a
/// database that is slow is not one that is away.
pub struct Cache {
    store: Store,
    current: Arc<watch::Sender<Answer>>,
    asking: Arc<Mutex<()>>,
}

impl Cache {
    /// A cache that has read nothing yet.
    pub fn new(store: Store) -> Self {
        Self { store, current: Arc::new(watch::Sender::new(None)), asking: Arc::default() }
    }

    /// What the database knows, a few seconds old as a rule; when it does not answer, what it said last, or nothing, with
    /// the reason in [`Directory::error`].
    pub async fn get(&self) -> Arc<Directory> {
        let mut changes = self.current.subscribe();
        let known = changes.borrow_and_update().clone();
        let patience = match &known {
            None => FIRST_PATIENCE,
            Some((at, directory)) => {
                let is_failure = directory.error.is_some();
                if at.elapsed() < if is_failure { FRESH_FAILURE } else { FRESH } {
                    return Arc::clone(directory);
                }
                if is_failure { Duration::ZERO } else { PATIENCE }
            }
        };
        self.ask();
        let _ = tokio::time::timeout(patience, changes.changed()).await;
        let newest = changes.borrow().clone();
        newest.map_or_else(Directory::unknown, |(_, directory)| directory)
    }

    /// What the database said last, without waiting; asks it again all the same.
    pub fn known(&self) -> Arc<Directory> {
        self.ask();
        let known = self.current.borrow().clone();
        known.map_or_else(Arc::default, |(_, directory)| directory)
    }

    /// Asks the database, unless a question is on its way.
    fn ask(&self) {
        let Ok(turn) = Arc::clone(&self.asking).try_lock_owned() else { return };
        let (store, current) = (self.store.clone(), Arc::clone(&self.current));
        tokio::spawn(async move {
            let directory = read(&store).await.unwrap_or_else(|error| {
                let old = current.borrow().clone();
                Directory::stale(
                    old.as_ref().map(|(_, directory)| &**directory),
                    ErrorChain(&error).to_string(),
                )
            });
            let _ = current.send_replace(Some((Instant::now(), Arc::new(directory))));
            drop(turn);
        });
    }
}

impl Directory {
    fn unknown() -> Arc<Self> {
        let error = format!("the database did not answer within {} s", FIRST_PATIENCE.as_secs());
        Arc::new(Self { error: Some(error), ..Self::default() })
    }

    fn stale(old: Option<&Self>, error: String) -> Self {
        let Some(old) = old else { return Self { error: Some(error), ..Self::default() } };
        Self {
            hosts: old.hosts.clone(),
            facts: old.facts.clone(),
            storage: old.storage.clone(),
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
    let kinds = FACT_KINDS.map(str::to_owned);
    let (hosts, storage, sources, metrics, gaps, dead_letters) = futures::try_join!(
        store.facts_of_kind("host"),
        store.facts_standing(&kinds),
        store.sources_all(),
        store.metrics(),
        store.gaps(GAPS_MAX),
        store.dead_letters(DEAD_LETTERS_SHOWN),
    )?;
    let disks = storage.iter().filter(|standing| standing.fact.kind == "disk");
    for fact in hosts.into_iter().chain(disks.map(|standing| standing.fact.clone())) {
        directory.facts.entry(fact.host).or_default().push(fact);
    }
    for standing in storage {
        directory.storage.entry(standing.fact.host).or_default().push(standing);
    }
    for source in sources {
        directory.sources.entry(source.host).or_default().push(source);
    }
    directory.metrics = Arc::new(metrics.into_iter().map(|metric| (metric.name.clone(), metric)).collect());
    directory.gaps = gaps;
    directory.dead_letters = dead_letters;
    Ok(directory)
}
