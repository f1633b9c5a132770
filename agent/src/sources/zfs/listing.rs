//! A walk through all datasets: each asked for its children one after the other, and for its snapshots.

use std::collections::HashMap;
use std::io;

use super::dataset::{Dataset, Kind};
use super::datasets::{Known, OfPool};
use super::facts;
use super::nvlist::decode;
use super::properties::number;
use super::question::{Ask, AskSnapshots, count, reply};
use crate::host::{Answer, HostRoot, Question};
use crate::source::pattern::Patterns;
use crate::source::{Readings, SourceError, read_error};
use crate::sys::zfs::Command;

/// The control device, below `/dev`.
pub(super) const DEVICE: &str = "zfs";
/// Deepest nesting of datasets (`zfs_max_dataset_nesting`).
const NESTING_MAX: usize = 50;

/// The walk.
pub(super) struct Listing<'a> {
    pub(super) host: &'a HostRoot,
    pub(super) exclude: &'a Patterns,
    /// What was known before; what is found again is taken out.
    pub(super) old: HashMap<Box<str>, Known>,
    /// Whether every fact is told, not only those that changed.
    pub(super) all: bool,
    /// How many datasets may still be told.
    pub(super) room: usize,
    /// Unix seconds; `None` in a capture.
    pub(super) now: Option<u64>,
    pub(super) out: &'a mut Readings,
}

impl Listing<'_> {
    /// Lists the datasets of a pool, which is mounted below a folder. What cannot be asked costs only what lies below it.
    ///
    /// # Errors
    /// The last thing that went wrong.
    pub(super) fn pool(&mut self, of_pool: &mut OfPool, altroot: &str) -> Result<(), SourceError> {
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
            // Nothing, where there are none: not worth a series each.
            used_by_snapshots_bytes: dataset
                .used_by_snapshots_bytes
                .filter(|_| counted.is_none_or(|(count, _)| count > 0)),
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
        let count = match ask(self.host, &AskSnapshots { dataset: &dataset.name }) {
            Ok(answer) => answer.and_then(|answer| count(&answer)),
            Err(error) => return (None, Err(error)),
        };
        let Some((count, newest)) = count.map(|count| (count, dataset.newest_snapshot.as_deref())) else {
            return (None, Ok(()));
        };
        let newest =
            newest.map(|name| ask(self.host, &Ask { command: Command::ObjsetStats, name, cookie: 0 }));
        match newest.transpose() {
            Ok(answer) => {
                let properties = answer.flatten().map(|answer| answer.data);
                let newest_at = properties.and_then(|packed| number(&decode(&packed).ok()?, "creation"));
                (Some((count, newest_at)), Ok(()))
            }
            Err(error) => (Some((count, None)), Err(error)),
        }
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

/// Whether there is nothing to be had, and nothing wrong with that.
pub(super) fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{NotFound, Unsupported, WouldBlock};
    [NotFound, Unsupported, WouldBlock].contains(&error.kind()) || error.raw_os_error() == Some(NO_MORE)
}

/// `ESRCH`, with which a listing ends.
const NO_MORE: i32 = 3;
