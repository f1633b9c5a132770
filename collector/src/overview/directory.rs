//! What the database knows of the hosts, kept for a few seconds, and longer when the database is away.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hi_common::error_chain::ErrorChain;
use tokio::sync::{Mutex, watch};

use crate::containers::{self, ContainerFact};
use crate::model::HostKey;
use crate::store::{
    DeadLetterRow, FactRow, GapRow, HostRow, MetricRow, SourceRow, StandingFact, Store, StoreError,
};
use crate::{devices, storage};

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

/// Facts about containers whose documents are read at a time.
const CONTAINERS_CHUNK: usize = 500;

/// What the database said.
#[derive(Debug, Default)]
pub struct Directory {
    /// The hosts, by name.
    pub hosts: Vec<HostRow>,
    /// Facts about hosts themselves and their disks.
    pub facts: HashMap<HostKey, Vec<FactRow>>,
    /// Facts about storage and devices, with since when things are as they are.
    pub standing: HashMap<HostKey, Vec<StandingFact>>,
    /// Facts about containers, by id.
    pub containers: Arc<Containers>,
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

/// Facts about containers of each host, by id.
pub type Containers = HashMap<HostKey, Vec<Arc<ContainerFact>>>;

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
            let old = current.borrow().clone();
            let known = old.as_ref().map(|(_, directory)| Arc::clone(&directory.containers));
            let directory = read(&store, known.unwrap_or_default()).await.unwrap_or_else(|error| {
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
            standing: old.standing.clone(),
            containers: Arc::clone(&old.containers),
            sources: old.sources.clone(),
            metrics: Arc::clone(&old.metrics),
            gaps: old.gaps.clone(),
            dead_letters: old.dead_letters.clone(),
            error: Some(error),
        }
    }
}

async fn read(store: &Store, known: Arc<Containers>) -> Result<Directory, StoreError> {
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
    let kinds: Vec<String> =
        storage::FACT_KINDS.iter().chain(&devices::FACT_KINDS).map(|kind| (*kind).to_owned()).collect();
    let (hosts, standing, containers, sources, metrics, gaps, dead_letters) = futures::try_join!(
        store.facts_of_kind("host"),
        store.facts_standing(&kinds),
        read_containers(store, &known),
        store.sources_all(),
        store.metrics(),
        store.gaps(GAPS_MAX),
        store.dead_letters(DEAD_LETTERS_SHOWN),
    )?;
    let disks = standing.iter().filter(|standing| standing.fact.kind == "disk");
    for fact in hosts.into_iter().chain(disks.map(|standing| standing.fact.clone())) {
        directory.facts.entry(fact.host).or_default().push(fact);
    }
    directory.containers = Arc::new(containers);
    for standing in standing {
        directory.standing.entry(standing.fact.host).or_default().push(standing);
    }
    for source in sources {
        directory.sources.entry(source.host).or_default().push(source);
    }
    directory.metrics = Arc::new(metrics.into_iter().map(|metric| (metric.name.clone(), metric)).collect());
    directory.gaps = gaps;
    directory.dead_letters = dead_letters;
    Ok(directory)
}

/// Reads the facts about containers, of which there may be thousands: the documents of those alone that changed.
async fn read_containers(store: &Store, known: &Containers) -> Result<Containers, StoreError> {
    let mut found: HashMap<(HostKey, String), Arc<ContainerFact>> = HashMap::new();
    let mut changed = Vec::new();
    for (key, since) in store.facts_index(containers::FACT_KIND).await? {
        let (host, id) = &key;
        let of_host = known.get(host).map_or(&[][..], Vec::as_slice);
        let at = of_host.binary_search_by(|fact| fact.id.as_str().cmp(id.as_str())).ok();
        match at.and_then(|at| of_host.get(at)).filter(|fact| fact.since == since) {
            Some(fact) => drop(found.insert(key, Arc::clone(fact))),
            None => changed.push(key),
        }
    }
    for keys in changed.chunks(CONTAINERS_CHUNK) {
        for row in store.facts_by_ids(containers::FACT_KIND, keys).await? {
            found.insert((row.host, row.id.clone()), Arc::new(ContainerFact::new(&row)));
        }
    }
    let mut by_host = Containers::new();
    for ((host, _), fact) in found {
        by_host.entry(host).or_default().push(fact);
    }
    by_host.values_mut().for_each(|facts| facts.sort_by(|a, b| a.id.cmp(&b.id)));
    Ok(by_host)
}
