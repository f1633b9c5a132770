//! What is wrong with a pool, as one word and one sentence: the worst of all that holds, in the order in which
//! `zpool status` looks for it (`zpool_get_status` of libzfs; there each has a message of
//! openzfs.github.io/openzfs-docs/msg).

use super::pool::Pool;
use super::scan;
use super::vdev::{State, Vdev};

/// A word that stays, and a sentence for people.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Status {
    pub(super) word: &'static str,
    pub(super) sentence: &'static str,
}

/// Declares what can be said.
macro_rules! statuses {
    ($($name:ident $word:literal $sentence:literal;)+) => {
        $(const $name: Status = Status { word: $word, sentence: $sentence };)+
    };
}

statuses! {
    OK "ok" "Nothing is wrong.";
    RESILVERING "resilvering" "A device is being resilvered.";
    REBUILDING "rebuilding" "A device is being resilvered sequentially; a scrub should follow.";
    REBUILD_SCRUB "rebuild_scrub" "A sequential resilver has ended and no scrub has verified it yet.";
    ACTIVE_ELSEWHERE "active_elsewhere" "The pool is in use by another system.";
    VERSION_NEWER "version_newer" "The pool's format is newer than this OpenZFS.";
    UNSUPPORTED "unsupported_feature" "The pool uses features that this OpenZFS lacks.";
    GUID_SUM "missing_vdev" "A device is missing from the configuration.";
    SUSPENDED_MMP "suspended_multihost" "Suspended: another system may be writing to the pool.";
    SUSPENDED_FAIL "suspended_continue" "Too many I/O errors: writes fail until the devices are back and the pool is cleared.";
    SUSPENDED_WAIT "suspended_wait" "Suspended by I/O errors until the devices are back and the pool is cleared.";
    BAD_LOG "bad_log" "The intent log cannot be read.";
    FAULTED_NR "faulted_device_fatal" "A device has failed and nothing stands in for it.";
    MISSING_NR "missing_device_fatal" "A device cannot be opened and nothing stands in for it.";
    LABEL_NR "corrupt_label_fatal" "A device has no valid label and nothing stands in for it.";
    CORRUPT_POOL "corrupt_pool" "The pool's metadata is damaged.";
    CORRUPT_DATA "corrupt_data" "Data is damaged and could not be repaired: files are lost.";
    FAULTED "faulted_device" "A device has failed; others stand in for it.";
    MISSING "missing_device" "A device cannot be opened; others stand in for it.";
    LABEL "corrupt_label" "A device has no valid label; others stand in for it.";
    FAILING "failing_device" "A device had errors that were corrected.";
    OFFLINE "offline_device" "A device was taken offline.";
    REMOVED "removed_device" "A device was removed.";
    ASHIFT "non_native_ashift" "A device is used with blocks smaller than its own.";
    ERRATA "errata" "The pool is affected by an erratum of OpenZFS.";
}

/// The worst that holds.
pub(super) fn status(pool: &Pool) -> Status {
    all(pool).into_iter().find(|(holds, _)| *holds).map_or(OK, |(_, status)| status)
}

/// Whether nothing is wrong: a resilver or an advice alone is nothing wrong, but may hide what is.
pub(super) fn is_healthy(pool: &Pool) -> bool {
    const NOTHING_WRONG: [Status; 5] = [RESILVERING, REBUILDING, REBUILD_SCRUB, ASHIFT, ERRATA];
    let wrong = |(holds, status): &(bool, Status)| *holds && !NOTHING_WRONG.contains(status);
    pool.state_word() == "ONLINE" && !all(pool).iter().any(wrong)
}

/// All that can be said, the worst first, and whether it holds.
fn all(pool: &Pool) -> [(bool, Status); 24] {
    let root = &pool.root;
    let fatal = root.state == State::CannotOpen;
    let problem = |found: fn(&Vdev) -> bool| any_leaf(root, true, found) || pool.cache.iter().any(found);
    [
        (running(pool, "resilver"), RESILVERING),
        (running(pool, "rebuild"), REBUILDING),
        (rebuild_wants_scrub(pool), REBUILD_SCRUB),
        (fatal && root.aux() == Some("active"), ACTIVE_ELSEWHERE),
        (fatal && root.aux() == Some("version_newer"), VERSION_NEWER),
        (fatal && root.aux() == Some("unsup_feat"), UNSUPPORTED),
        (fatal && root.aux() == Some("bad_guid_sum"), GUID_SUM),
        (pool.suspended.is_some() && pool.suspended_reason == Some(SUSPEND_MMP), SUSPENDED_MMP),
        (pool.suspended == Some(FAILURE_MODE_CONTINUE), SUSPENDED_FAIL),
        (pool.suspended.is_some(), SUSPENDED_WAIT),
        (fatal && root.aux() == Some("bad_log"), BAD_LOG),
        (fatal && problem(is_faulted), FAULTED_NR),
        (fatal && problem(is_missing), MISSING_NR),
        (fatal && problem(is_broken), LABEL_NR),
        (fatal && root.aux() == Some("corrupt_data"), CORRUPT_POOL),
        (pool.data_errors.is_some_and(|errors| errors > 0), CORRUPT_DATA),
        (problem(is_faulted), FAULTED),
        (problem(is_missing), MISSING),
        (problem(is_broken), LABEL),
        (problem(has_errors), FAILING),
        (problem(|vdev| vdev.state == State::Offline), OFFLINE),
        (problem(|vdev| vdev.state == State::Removed), REMOVED),
        (any_leaf(root, false, is_misaligned), ASHIFT),
        (pool.errata != 0, ERRATA),
    ]
}

/// `ZIO_FAILURE_MODE_CONTINUE` and `ZIO_SUSPEND_MMP` of include/sys/zio.h.
const FAILURE_MODE_CONTINUE: u64 = 1;
const SUSPEND_MMP: u64 = 2;

fn is_faulted(vdev: &Vdev) -> bool {
    vdev.state == State::Faulted
}

fn is_missing(vdev: &Vdev) -> bool {
    is_broken(vdev) && vdev.aux() == Some("open_failed")
}

fn is_broken(vdev: &Vdev) -> bool {
    vdev.state == State::CannotOpen
}

fn has_errors(vdev: &Vdev) -> bool {
    let stats = vdev.stats.unwrap_or_default();
    vdev.state == State::Degraded
        || [stats.read_errors, stats.write_errors, stats.checksum_errors].iter().any(|&errors| errors > 0)
}

fn is_misaligned(vdev: &Vdev) -> bool {
    let ashift = vdev.stats.and_then(|stats| stats.ashift);
    ashift.is_some_and(|(configured, physical)| configured > 0 && configured < physical)
}

/// Whether it holds for a device without children. What is being replaced is known to be bad and left out.
fn any_leaf(vdev: &Vdev, skip_replacing: bool, found: fn(&Vdev) -> bool) -> bool {
    if vdev.is_placeholder() || (skip_replacing && vdev.kind == "replacing") {
        return false;
    }
    match vdev.children.as_slice() {
        [] => found(vdev),
        children => children.iter().any(|child| any_leaf(child, skip_replacing, found)),
    }
}

fn running(pool: &Pool, function: &str) -> bool {
    pool.scans.iter().any(|scan| scan.function == function && scan.state == scan::State::Scanning)
}

fn rebuild_wants_scrub(pool: &Pool) -> bool {
    let of = |function| move |scan: &&scan::Scan| scan.function == function;
    let ended = pool
        .scans
        .iter()
        .filter(of("rebuild"))
        .filter(|scan| scan.state == scan::State::Finished)
        .filter_map(|scan| scan.finished_at)
        .max();
    let Some(ended) = ended else { return false };
    match pool.scans.iter().find(of("scrub")) {
        Some(scrub) if scrub.state == scan::State::Finished => scrub.finished_at.is_some_and(|at| ended > at),
        Some(_) => false,
        None => !pool.scans.iter().any(|scan| scan.function == "resilver"),
    }
}
