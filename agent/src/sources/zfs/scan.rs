//! What goes through a pool from end to end: scrub, resilver, error scrub (`pool_scan_stat_t`), sequential resilver
//! (`vdev_rebuild_stat_t`), growing a raidz (`pool_raidz_expand_stat_t`), emptying a device that is to be removed
//! (`pool_removal_stat_t`); all of include/sys/fs/zfs.h.

use super::nvlist::{List, Numbers};

/// `dsl_scan_state_t`; `vdev_rebuild_state_t` says the same in another order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    Scanning,
    Paused,
    Finished,
    Canceled,
}

impl State {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Scanning => "scanning",
            Self::Paused => "paused",
            Self::Finished => "finished",
            Self::Canceled => "canceled",
        }
    }
}

/// One of them: running, or the last one that ran.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Scan {
    /// `scrub`, `resilver`, `error_scrub`, `rebuild`, `expand`, `remove`.
    pub(super) function: &'static str,
    /// The device it goes over; empty for all of the pool.
    pub(super) vdev: String,
    pub(super) state: State,
    /// Unix seconds.
    pub(super) started_at: u64,
    /// Unix seconds; `None` while it runs.
    pub(super) finished_at: Option<u64>,
    /// Bytes that are to be read, or blocks of an error scrub.
    pub(super) total: u64,
    /// Of them, done.
    pub(super) done: u64,
    /// Bytes repaired, resilvered or copied.
    pub(super) repaired_bytes: Option<u64>,
    /// Errors it could not repair.
    pub(super) errors: Option<u64>,
    /// Of the current pass, since the pool was imported or it was resumed: done, and seconds that took.
    pass: Option<Pass>,
}

/// What a rate is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Pass {
    /// Bytes, and the Unix time in seconds that counts as its start.
    Since { bytes: u64, start: u64 },
    /// Bytes, and how long they took, in milliseconds.
    Took { bytes: u64, millis: u64 },
}

/// Slowest rate from which the rest of the time is told, in bytes per second: as `zpool status` does.
const ESTIMATE_RATE_MIN: f64 = (10 << 20) as f64;

impl Scan {
    /// Part that is done, 0 to 1.
    pub(super) fn progress(&self) -> f64 {
        match (self.state, self.total) {
            (State::Finished, _) => 1.0,
            (_, 0) => 0.0,
            (_, total) => (self.done as f64 / total as f64).min(1.0),
        }
    }

    /// Bytes per second of the current pass; `None` unless it runs.
    pub(super) fn rate(&self, now: u64) -> Option<f64> {
        if self.state != State::Scanning {
            return None;
        }
        match self.pass? {
            Pass::Since { bytes, start } => Some(bytes as f64 / now.saturating_sub(start).max(1) as f64),
            Pass::Took { bytes, millis } => Some(bytes as f64 * 1000.0 / millis.max(1) as f64),
        }
    }

    /// Seconds until it is done; `None` unless it runs fast enough to tell.
    pub(super) fn remaining_seconds(&self, now: u64) -> Option<f64> {
        let rate = self.rate(now).filter(|&rate| rate >= ESTIMATE_RATE_MIN && self.done > 0)?;
        Some((self.total.saturating_sub(self.done) as f64 / rate).floor())
    }
}

/// `scan_stats` of the root: the scrub or resilver, and the error scrub (since 2.2).
pub(super) fn of_pool(numbers: &Numbers, skips: bool) -> Vec<Scan> {
    let get = |index| numbers.get(index).unwrap_or(0);
    let function = match get(0) {
        1 => Some("scrub"),
        2 => Some("resilver"),
        _ => None,
    };
    let (pause, spent_paused) = (get(11), get(12));
    let whole = function.zip(dsl_state(get(1), pause)).map(|(function, state)| Scan {
        function,
        vdev: String::new(),
        state,
        started_at: get(2),
        finished_at: finished(state, get(3)),
        // Before 2.2 the place of what is skipped held a number of other meaning.
        total: get(4).saturating_sub(if skips { get(6) } else { 0 }),
        done: get(14),
        repaired_bytes: Some(get(7)),
        errors: Some(get(8)),
        pass: Some(Pass::Since { bytes: get(13), start: get(10).saturating_add(spent_paused) }),
    });
    let errors = (get(15) == 3).then(|| dsl_state(get(16), get(21))).flatten().map(|state| Scan {
        function: "error_scrub",
        vdev: String::new(),
        state,
        started_at: get(17),
        finished_at: finished(state, get(18)),
        total: get(20).saturating_add(get(19)),
        done: get(19),
        repaired_bytes: None,
        errors: None,
        pass: None,
    });
    whole.into_iter().chain(errors).collect()
}

/// `org.openzfs:rebuild_stats` of a top-level device.
pub(super) fn of_rebuild(numbers: &[u64], vdev: &str) -> Option<Scan> {
    let get = |index: usize| numbers.get(index).copied().unwrap_or(0);
    let state = match get(0) {
        1 => State::Scanning,
        2 => State::Canceled,
        3 => State::Finished,
        _ => return None,
    };
    Some(Scan {
        function: "rebuild",
        vdev: vdev.to_owned(),
        state,
        started_at: get(1),
        finished_at: finished(state, get(2)),
        total: get(7),
        done: get(4),
        repaired_bytes: Some(get(6)),
        errors: Some(get(8)),
        pass: Some(Pass::Took { bytes: get(10), millis: get(9) }),
    })
}

/// `raidz_expand_stats` or `removal_stats` of the root; `names` are those of the top-level devices.
pub(super) fn of_move(root: &List, key: &str, names: &[String]) -> Option<Scan> {
    let numbers = root.numbers(key)?;
    let get = |index| numbers.get(index).unwrap_or(0);
    let state = dsl_state(get(0), 0)?;
    let started_at = get(2);
    Some(Scan {
        function: if key == "removal_stats" { "remove" } else { "expand" },
        vdev: usize::try_from(get(1)).ok().and_then(|id| names.get(id)).cloned().unwrap_or_default(),
        state,
        started_at,
        finished_at: finished(state, get(3)),
        total: get(4),
        done: get(5),
        repaired_bytes: None,
        errors: None,
        pass: Some(Pass::Since { bytes: get(5), start: started_at }),
    })
}

fn dsl_state(state: u64, paused_at: u64) -> Option<State> {
    match state {
        1 | 4 if paused_at != 0 => Some(State::Paused),
        1 | 4 => Some(State::Scanning),
        2 => Some(State::Finished),
        3 => Some(State::Canceled),
        _ => None,
    }
}

fn finished(state: State, at: u64) -> Option<u64> {
    [State::Finished, State::Canceled].contains(&state).then_some(at).filter(|&at| at > 0)
}
