//! What a pool has lost for good: the list below `errors:` of `zpool status -v`. The kernel has a log of damaged places (since
//! OpenZFS 2.2, feature head_errlog, kept by filesystem; what it answers is the same), each of which is a dataset and an object in
//! it; names are found as libzfs finds them (`zpool_get_errlog`, `zpool_obj_to_path` of lib/libzfs/libzfs_pool.c).

use std::collections::BTreeMap;
use std::io;

use super::listing::DEVICE;
use super::pool::Pool;
use super::question::{AskDatasetName, AskErrorLog, AskPath, is_complete};
use crate::host::{At, HostRoot, Question, Scratch};
use crate::source::mounts::{self, Mount};
use crate::sys::zfs::BOOKMARK_BYTES;

/// Most files that are named.
pub(super) const NAMES_MAX: usize = 100;
/// Most bytes of all names together: they stand in one fact, and a path may have 4 KiB.
pub(super) const NAMES_BYTES_MAX: usize = 32 << 10;
/// What is missing to read the log.
pub(super) const DENIED: &str = "needs CAP_SYS_ADMIN";

/// Something that has damage.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Object {
    /// Number of its dataset in the pool; 0 for what belongs to none.
    pub dataset: u64,
    /// Its number in the dataset: of a file, its inode.
    pub object: u64,
}

/// Objects of a log (`zbookmark_phys_t`: dataset, object, level and block, 64 bits each in the host's order), each once. What
/// is all zero is room that was not filled.
pub fn objects(log: &[u8]) -> Vec<Object> {
    let (words, _) = log.as_chunks::<8>();
    let (places, _) = words.as_chunks::<{ BOOKMARK_BYTES / 8 }>();
    let filled = places.iter().filter(|place| place.as_flattened().iter().any(|&byte| byte != 0));
    let mut objects: Vec<Object> = filled
        .map(|[dataset, object, ..]| Object {
            dataset: u64::from_ne_bytes(*dataset),
            object: u64::from_ne_bytes(*object),
        })
        .collect();
    objects.sort_unstable();
    objects.dedup();
    objects
}

/// What is known of the damage of a pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Damage {
    /// Files, and what has no name by its numbers: the first of them.
    pub(super) names: Vec<String>,
    /// How many there are; `None` when there are more than the log has room for, or it was not read.
    pub(super) count: Option<usize>,
    /// Why it was not read.
    pub(super) unread: Option<String>,
}

/// The damage of all pools, kept until something happens to it.
#[derive(Debug, Default)]
pub(super) struct Damages {
    known: BTreeMap<String, (Moment, Damage)>,
}

/// What changes when the log does: number of errors, and start and state of the last scan.
type Moment = (u64, Option<(u64, &'static str)>);

impl Damages {
    /// The damage of a pool, `None` where there is none; looked up when it changed or `anew`.
    pub(super) fn of(
        &mut self,
        host: &HostRoot,
        pool: &Pool,
        anew: bool,
        scratch: &mut Scratch,
    ) -> Option<&Damage> {
        let errors = pool.data_errors.filter(|&errors| errors > 0);
        // The log of a suspended pool might have to be read from its disks, for which everybody waits.
        let Some(errors) = errors.filter(|_| !pool.unopened && pool.suspended.is_none()) else {
            self.known.remove(&pool.name);
            return None;
        };
        let moment = (errors, pool.scans.first().map(|scan| (scan.started_at, scan.state.word())));
        if anew || self.known.get(&pool.name).is_none_or(|(known, _)| *known != moment) {
            self.known.insert(pool.name.clone(), (moment, look(host, &pool.name, scratch)));
        }
        self.known.get(&pool.name).map(|(_, damage)| damage)
    }

    /// Forgets pools that are gone.
    pub(super) fn retain(&mut self, names: &[String]) {
        self.known.retain(|name, _| names.contains(name));
    }
}

fn look(host: &HostRoot, pool: &str, scratch: &mut Scratch) -> Damage {
    let unread = |reason: String| Damage { unread: Some(reason), ..Damage::default() };
    let log = match host.ask(DEVICE, &AskErrorLog { pool }) {
        Ok(log) => log,
        // A capture from before this was asked; or it was exported or suspended meanwhile.
        Err(error) if super::listing::is_end(&error) => return Damage::default(),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return unread(DENIED.to_owned()),
        Err(error) => return unread(format!("the log of errors cannot be read: {error}")),
    };
    let objects = objects(&log.data);
    let mounts = mounts(host, scratch);
    let mut datasets = BTreeMap::new();
    let mut names = Vec::new();
    let mut room = NAMES_BYTES_MAX;
    for object in objects.iter().take(NAMES_MAX) {
        let name = name(host, pool, *object, &mounts, &mut datasets);
        let Some(rest) = room.checked_sub(name.len()) else { break };
        room = rest;
        names.push(name);
    }
    Damage { names, count: is_complete(&log).then_some(objects.len()), unread: None }
}

/// The host's mounts of ZFS; none when they cannot be read.
fn mounts(host: &HostRoot, scratch: &mut Scratch) -> Vec<Mount> {
    let wanted = |mount: &Mount| mount.fstype == "zfs" && mount.root == "/";
    // Process 1 sees the host's mounts, this process those of its sandbox.
    let found = |host: &HostRoot, scratch: &mut Scratch, file| {
        host.text(scratch, At::Proc, file).ok().map(|text| mounts::parse(text, wanted).0)
    };
    let ours = |scratch: &mut Scratch| found(host, scratch, "self/mountinfo");
    found(host, scratch, "1/mountinfo").or_else(|| ours(scratch)).unwrap_or_default()
}

/// What `zpool status -v` calls it: its path where it is mounted, `dataset:path` where not, numbers for what has no name.
fn name(
    host: &HostRoot,
    pool: &str,
    Object { dataset, object }: Object,
    mounts: &[Mount],
    datasets: &mut BTreeMap<u64, Option<String>>,
) -> String {
    if dataset == 0 {
        return format!("<metadata>:<{object:#x}>");
    }
    let own =
        datasets.entry(dataset).or_insert_with(|| text(host, &AskDatasetName { pool, object: dataset }));
    let Some(own) = own else { return format!("<{dataset:#x}>:<{object:#x}>") };
    match text(host, &AskPath { dataset: own, object }) {
        None => format!("{own}:<{object:#x}>"),
        Some(path) => match mounts.iter().find(|mount| mount.device == *own) {
            Some(mount) => format!("{}{path}", mount.mountpoint.trim_end_matches('/')),
            None => format!("{own}:{path}"),
        },
    }
}

/// A name that the kernel knows; it has none of what was deleted, of a volume, or where folders are damaged themselves.
fn text(host: &HostRoot, question: &dyn Question) -> Option<String> {
    let bytes = host.ask(DEVICE, question).ok()?.data;
    (!bytes.is_empty()).then(|| String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bookmark(numbers: [u64; 4]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_ne_bytes()).collect()
    }

    #[test]
    fn objects_of_a_log_stand_once_in_their_order() {
        let places = [[54, 128, 0, 7], [0, 61, 0, 0], [54, 2, u64::MAX, 0], [54, 128, 0, 8], [0, 0, 0, 0]];
        let mut log: Vec<u8> = places.into_iter().flat_map(bookmark).collect();
        let whole = [(0, 61), (54, 2), (54, 128)].map(|(dataset, object)| Object { dataset, object });
        assert_eq!(objects(&log), whole);
        log.extend([1; BOOKMARK_BYTES - 1]);
        assert_eq!(objects(&log), whole, "a place that was cut off");
        assert_eq!(objects(&[]), []);
    }

    proptest! {
        #[test]
        fn no_object_comes_from_nowhere(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let found = objects(&bytes);
            prop_assert!(found.len() <= bytes.len() / BOOKMARK_BYTES);
            prop_assert!(found.is_sorted_by(|a, b| a < b));
            for object in found {
                let place = bookmark([object.dataset, object.object, 0, 0]);
                prop_assert!(bytes.chunks(BOOKMARK_BYTES).any(|chunk| chunk.starts_with(&place[..16])));
            }
        }
    }
}
