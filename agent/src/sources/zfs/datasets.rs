//! The datasets of all pools, listed anew now and then: what does not move by the second is not asked by the second. Of each
//! dataset a few numbers are kept; of snapshots nothing but their count and the time of the newest.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use super::dataset::{Dataset, Kind};
use super::facts;
use super::nvlist::{List, decode};
use super::properties::number;
use super::question::{Ask, AskSnapshots, counted, reply};
use crate::host::{Answer, HostRoot, Question};
use crate::source::pattern::Patterns;
use crate::source::{Every, Readings, SourceError, read_error};
use crate::sys::zfs::Command;

/// Most datasets that are told, of all pools together; what a pool has beyond them is not listed, and it says so.
pub(super) const DATASETS_MAX: usize = 1000;
/// The control device, below `/dev`.
pub(super) const DEVICE: &str = "zfs";
/// Deepest nesting of datasets (`zfs_max_dataset_nesting`).
const NESTING_MAX: usize = 50;

/// What is kept of a dataset between two listings.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Known {
    pub(super) name: Box<str>,
    pub(super) used_bytes: u64,
    pub(super) available_bytes: u64,
    pub(super) referenced_bytes: u64,
    pub(super) used_by_snapshots_bytes: Option<u64>,
    pub(super) quota_bytes: Option<u64>,
    pub(super) compress_ratio: Option<f64>,
    pub(super) key_available: Option<bool>,
    /// `None` when they could not be counted.
    pub(super) snapshots: Option<u64>,
    /// Unix seconds; `None` when there is no snapshot.
    pub(super) newest_at: Option<u64>,
    /// When its snapshots changed last, as it said when they were counted.
    changed_at: Option<u64>,
    /// Fingerprint of the fact that was told.
    told: u64,
}

/// Datasets of a pool.
#[derive(Debug, Default)]
struct OfPool {
    pool: String,
    known: Vec<Known>,
    truncated: bool,
}

/// Datasets of all pools.
#[derive(Debug)]
pub(super) struct Datasets {
    every: Every,
    facts: Every,
    exclude: Patterns,
    pools: Vec<OfPool>,
}

impl Datasets {
    pub(super) fn new(period: Duration, exclude: Patterns) -> Self {
        Self { every: Every::new(period), facts: Every::new(Every::FACTS), exclude, pools: Vec::new() }
    }

    /// Lists the datasets anew if it is time, and tells the facts that changed. `pools` are names and the folder below which
    /// each is mounted. What cannot be asked of a pool costs only the rest of that pool.
    ///
    /// # Errors
    /// The last thing that went wrong.
    pub(super) fn refresh(
        &mut self,
        host: &HostRoot,
        pools: &[(String, String)],
        now: Option<u64>,
        out: &mut Readings,
    ) -> Result<(), SourceError> {
        let same = |(known, (name, _)): (&OfPool, &(String, String))| known.pool == *name;
        if pools.len() != self.pools.len() || !self.pools.iter().zip(pools).all(same) {
            self.every.hasten();
        }
        if !self.every.due() {
            return Ok(());
        }
        let mut old: HashMap<Box<str>, Known> = HashMap::new();
        for known in self.pools.drain(..).flat_map(|of_pool| of_pool.known) {
            old.insert(known.name.clone(), known);
        }
        let all = self.facts.due();
        let mut listing = Listing { host, exclude: &self.exclude, old, all, room: DATASETS_MAX, now, out };
        let mut result = Ok(());
        for (pool, altroot) in pools {
            let mut of_pool = OfPool { pool: pool.clone(), ..OfPool::default() };
            result = listing.pool(&mut of_pool, altroot).and(result);
            of_pool.known.shrink_to_fit();
            self.pools.push(of_pool);
        }
        result
    }

    /// Pushes what is known of all of them.
    pub(super) fn push(&self, out: &mut Readings) {
        for OfPool { pool, known, truncated } in &self.pools {
            super::metrics::push_datasets(pool, known, *truncated, out);
        }
    }

    /// Makes the next listing due.
    #[cfg(test)]
    pub(super) fn clear_period(&mut self) {
        self.every.hasten();
    }

    /// Forgets all of them: there is nobody left to ask.
    pub(super) fn clear(&mut self) {
        self.pools.clear();
        self.every.hasten();
    }
}

/// A walk through all datasets.
struct Listing<'a> {
    host: &'a HostRoot,
    exclude: &'a Patterns,
    old: HashMap<Box<str>, Known>,
    /// Whether every fact is told, not only those that changed.
    all: bool,
    room: usize,
    /// Unix seconds; `None` in a capture.
    now: Option<u64>,
    out: &'a mut Readings,
}

impl Listing<'_> {
    fn pool(&mut self, of_pool: &mut OfPool, altroot: &str) -> Result<(), SourceError> {
        let root = Ask { command: Command::ObjsetStats, name: &of_pool.pool, cookie: 0 };
        let answer = ask(self.host, &root)?.map(reply);
        let Some(answer) = answer else { return Ok(()) };
        let name = of_pool.pool.clone();
        let mut result = self.add(of_pool, &name, Kind::Filesystem, &answer.list, altroot);
        // Datasets whose children are being listed, each with where its listing goes on.
        let mut open = vec![(name, 0)];
        while let Some((parent, cookie)) = open.last_mut() {
            let next = Ask { command: Command::DatasetListNext, name: parent, cookie: *cookie };
            let found = match ask(self.host, &next) {
                Ok(Some(answer)) => reply(answer),
                Ok(None) => {
                    open.pop();
                    continue;
                }
                Err(error) => {
                    result = Err(error);
                    open.pop();
                    continue;
                }
            };
            let moved = found.cookie != *cookie;
            *cookie = found.cookie;
            if !moved {
                // A listing that stands still would never end.
                open.pop();
            }
            if found.inconsistent || found.list.is_empty() || self.exclude.matches_path(&found.name) {
                continue;
            }
            if self.room == 0 {
                of_pool.truncated = true;
                break;
            }
            let kind = Kind::new(u64::from(found.kind));
            result = self.add(of_pool, &found.name, kind, &found.list, altroot).and(result);
            if open.len() < NESTING_MAX {
                open.push((found.name, 0));
            }
        }
        result
    }

    fn add(
        &mut self,
        of_pool: &mut OfPool,
        name: &str,
        kind: Kind,
        packed: &[u8],
        altroot: &str,
    ) -> Result<(), SourceError> {
        self.room = self.room.saturating_sub(1);
        let properties =
            decode(packed).map_err(|malformed| SourceError::parse(name, malformed.to_string()))?;
        let dataset = Dataset::new(name, kind, &properties, altroot);
        let old = self.old.remove(name).unwrap_or_default();
        let (counted, result) = self.snapshots(&dataset, &old);
        let doc = facts::of_dataset(&dataset);
        let told = facts::fingerprint(&doc);
        if self.all || told != old.told {
            self.out.fact("dataset", name, doc);
        }
        of_pool.known.push(Known {
            name: name.into(),
            used_bytes: dataset.used_bytes,
            available_bytes: dataset.available_bytes,
            referenced_bytes: dataset.referenced_bytes,
            used_by_snapshots_bytes: dataset.used_by_snapshots_bytes,
            quota_bytes: dataset.quota_bytes,
            compress_ratio: dataset.compress_ratio,
            key_available: dataset.key_available,
            snapshots: counted.map(|(count, _)| count),
            newest_at: counted.and_then(|(_, newest_at)| newest_at),
            // A change in the same second as the count may have come after it.
            changed_at: counted
                .and(dataset.snapshots_changed_at)
                .filter(|&at| self.now.is_none_or(|now| at < now)),
            told,
        });
        result
    }

    /// Number of snapshots and time of the newest; from before where the dataset says that nothing changed.
    fn snapshots(&self, dataset: &Dataset, old: &Known) -> (Option<Counted>, Result<(), SourceError>) {
        let same = dataset.snapshots_changed_at.is_some() && dataset.snapshots_changed_at == old.changed_at;
        if let (true, Some(count)) = (same, old.snapshots) {
            return (Some((count, old.newest_at)), Ok(()));
        }
        let found = match ask(self.host, &AskSnapshots { dataset: &dataset.name }) {
            Ok(Some(answer)) => counted(answer),
            Ok(None) => return (None, Ok(())),
            Err(error) => return (None, Err(error)),
        };
        let newest_at = decode(&found.list).ok().and_then(|properties: List| number(&properties, "creation"));
        (Some((found.count, newest_at)), Ok(()))
    }
}

/// Number of snapshots, Unix seconds of the newest.
type Counted = (u64, Option<u64>);

/// Asks the control device. `None` for what is not there: the end of a listing, what was destroyed or suspended meanwhile, and
/// what a capture does not hold.
///
/// # Errors
/// What else the kernel says.
pub(super) fn ask(host: &HostRoot, question: &dyn Question) -> Result<Option<Answer>, SourceError> {
    match host.ask(DEVICE, question) {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if is_end(&error) => Ok(None),
        Err(error) => Err(read_error(&host.root("dev/zfs"), error)),
    }
}

fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{NotFound, Unsupported, WouldBlock};
    [NotFound, Unsupported, WouldBlock].contains(&error.kind()) || error.raw_os_error() == Some(NO_MORE)
}

/// `ESRCH`, with which a listing ends.
const NO_MORE: i32 = 3;
