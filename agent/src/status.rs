//! How each source fares: written by the sampler, read by the catalog, the agent's own metrics and the watchdog.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hi_common::catalog::{SourceOutcome, SourceStatus};

/// State of one source.
#[derive(Clone, Debug)]
pub struct SourceState {
    /// Name of the source.
    pub source: &'static str,
    /// How often it runs.
    pub interval: Duration,
    /// How the last run went.
    pub outcome: SourceOutcome,
    /// Bounded reason of an error.
    pub reason: Option<&'static str>,
    /// The error in words.
    pub message: Option<String>,
    /// Since when outcome and reason hold, Unix milliseconds; 0 before the first run.
    pub since_ms: i64,
    /// How long the last run took.
    pub duration: Duration,
    /// Runs by outcome, in the order of [`OUTCOMES`].
    pub runs: [u64; OUTCOMES.len()],
    /// Ticks that were left out because the run before had not ended.
    pub skipped: u64,
}

/// Outcomes that a run can have, in the order of [`SourceState::runs`].
pub const OUTCOMES: [SourceOutcome; 4] =
    [SourceOutcome::Read, SourceOutcome::Absent, SourceOutcome::Error, SourceOutcome::Stalled];

/// How a run went.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// One of [`OUTCOMES`].
    pub outcome: SourceOutcome,
    /// Bounded reason of an error.
    pub reason: Option<&'static str>,
    /// The error in words.
    pub message: Option<String>,
    /// How long it took.
    pub duration: Duration,
}

/// The outcome of a source is another than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Name of the source.
    pub source: &'static str,
    /// Outcome before.
    pub before: SourceOutcome,
    /// Outcome now.
    pub after: SourceOutcome,
    /// Bounded reason, when `after` is an error.
    pub reason: Option<&'static str>,
    /// The error in words.
    pub message: Option<String>,
    /// When it was noticed, Unix milliseconds.
    pub at_ms: i64,
}

/// States of all sources.
#[derive(Debug)]
pub struct Board {
    states: Mutex<Vec<SourceState>>,
    progress: Mutex<Instant>,
}

impl Board {
    /// A board of sources that have not run yet.
    pub fn new(sources: impl Iterator<Item = (&'static str, Duration)>) -> Self {
        let state = |(source, interval)| SourceState {
            source,
            interval,
            outcome: SourceOutcome::Pending,
            reason: None,
            message: None,
            since_ms: 0,
            duration: Duration::ZERO,
            runs: [0; OUTCOMES.len()],
            skipped: 0,
        };
        Self { states: Mutex::new(sources.map(state).collect()), progress: Mutex::new(Instant::now()) }
    }

    /// Notes how a run went. Returns the change, if it is one, and logs it: each change once.
    pub fn note(&self, index: usize, verdict: &Verdict, now_ms: i64) -> Option<Change> {
        let mut states = self.lock();
        let state = states.get_mut(index)?;
        if let Some(place) = OUTCOMES.iter().position(|outcome| *outcome == verdict.outcome) {
            state.runs[place] += 1;
        }
        state.duration = verdict.duration;
        let before = (state.outcome, state.reason);
        state.message.clone_from(&verdict.message);
        if before == (verdict.outcome, verdict.reason) {
            return None;
        }
        (state.outcome, state.reason, state.since_ms) = (verdict.outcome, verdict.reason, now_ms);
        let change = Change {
            source: state.source,
            before: before.0,
            after: verdict.outcome,
            reason: verdict.reason,
            message: verdict.message.clone(),
            at_ms: now_ms,
        };
        log(&change);
        Some(change)
    }

    /// Notes ticks that were left out.
    pub fn skip(&self, index: usize, ticks: u64) {
        if let Some(state) = self.lock().get_mut(index) {
            state.skipped += ticks;
        }
    }

    /// Notes that the sampler's clockwork turns.
    pub fn progress(&self) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// When it last turned.
    pub fn last_progress(&self) -> Instant {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy of all states.
    pub fn states(&self) -> Vec<SourceState> {
        self.lock().clone()
    }

    /// The states as they travel.
    pub fn statuses(&self) -> Vec<SourceStatus> {
        let status = |state: &SourceState| SourceStatus {
            source: state.source.to_owned(),
            outcome: state.outcome,
            reason: state.reason.map(str::to_owned),
            message: state.message.clone(),
            interval_ms: u64::try_from(state.interval.as_millis()).unwrap_or(u64::MAX),
            since: state.since_ms,
        };
        self.lock().iter().map(status).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<SourceState>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn log(change: &Change) {
    let (source, before, after) = (change.source, change.before.as_str(), change.after.as_str());
    match change.after {
        SourceOutcome::Error | SourceOutcome::Stalled => {
            let message = change.message.as_deref().unwrap_or_default();
            tracing::warn!(source, before, after, reason = change.reason, message, "source changed");
        }
        SourceOutcome::Read if change.before == SourceOutcome::Pending => {
            tracing::debug!(source, "source reads");
        }
        SourceOutcome::Absent if change.before == SourceOutcome::Pending => {
            tracing::debug!(source, "nothing here for this source");
        }
        _ => tracing::info!(source, before, after, "source changed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(outcome: SourceOutcome, reason: Option<&'static str>) -> Verdict {
        Verdict { outcome, reason, message: reason.map(str::to_owned), duration: Duration::from_millis(3) }
    }

    #[test]
    fn only_changes_are_told() {
        let board = Board::new([("cpu", Duration::from_secs(10))].into_iter());
        let note = |outcome, reason, at| board.note(0, &verdict(outcome, reason), at);
        assert!(note(SourceOutcome::Read, None, 1).is_some());
        assert!(note(SourceOutcome::Read, None, 2).is_none());
        assert!(note(SourceOutcome::Error, Some("io"), 3).is_some());
        assert!(note(SourceOutcome::Error, Some("io"), 4).is_none());
        assert!(note(SourceOutcome::Error, Some("panic"), 5).is_some(), "another reason is news");
        let state = &board.states()[0];
        assert_eq!((state.runs, state.since_ms), ([2, 0, 3, 0], 5));
    }
}
