//! Which changes of sources get an event of their own. Pure.
//!
//! Not the first outcome of a source: the catalog has it. After that, a failure is told at once, and so is its end; one that
//! comes again within [`PAUSE`], and whatever else a source that flaps goes through, is held back: what still holds at the
//! end of the pause is told then, so that the last event of a source says how it fares.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use hi_common::catalog::SourceOutcome;

use crate::status::Change;

/// How long the same failure is told once only, and changes that are no news are held back.
const PAUSE: Duration = Duration::from_secs(60);

/// An outcome with the bounded reason of a failure.
type Word = (SourceOutcome, Option<&'static str>);

/// What was told of one source.
#[derive(Debug)]
struct Told {
    /// The last word.
    last: Word,
    /// When it was said.
    at: Instant,
    /// Failures told, each with the last time; those older than the pause are forgotten.
    failures: Vec<(Word, Instant)>,
    /// How it fares now, when that is another word than the last one told.
    held: Option<Change>,
}

/// What was told of all sources.
#[derive(Debug, Default)]
pub struct Telling {
    sources: HashMap<&'static str, Told>,
}

impl Telling {
    /// Takes note of a change; returns it when it is to be told now.
    pub fn change(&mut self, change: Change, now: Instant) -> Option<Change> {
        if change.before == SourceOutcome::Pending {
            return None;
        }
        let word = (change.after, change.reason);
        let Some(told) = self.sources.get_mut(change.source) else {
            self.tell(&change, now);
            return Some(change);
        };
        told.held = None;
        if told.last == word {
            return None;
        }
        told.failures.retain(|(_, at)| now < *at + PAUSE);
        let news = fails(word) && told.failures.iter().all(|(failure, _)| *failure != word);
        let mends = word.0 == SourceOutcome::Read && fails(told.last);
        if news || mends || now >= told.at + PAUSE {
            self.tell(&change, now);
            return Some(change);
        }
        told.held = Some(change);
        None
    }

    /// When [`Telling::overdue`] has something to tell, unless another change comes before.
    pub fn due(&self) -> Option<Instant> {
        self.sources.values().filter(|told| told.held.is_some()).map(|told| told.at + PAUSE).min()
    }

    /// Changes held back whose pause is over.
    pub fn overdue(&mut self, now: Instant) -> Vec<Change> {
        let over = self.sources.values_mut().filter(|told| now >= told.at + PAUSE);
        let changes: Vec<Change> = over.filter_map(|told| told.held.take()).collect();
        changes.iter().for_each(|change| self.tell(change, now));
        changes
    }

    fn tell(&mut self, change: &Change, now: Instant) {
        let last = (change.after, change.reason);
        let told = self.sources.entry(change.source).or_insert_with(|| Told {
            last,
            at: now,
            failures: Vec::new(),
            held: None,
        });
        (told.last, told.at) = (last, now);
        if fails(last) {
            told.failures.retain(|(failure, _)| *failure != last);
            told.failures.push((last, now));
        }
    }
}

fn fails((outcome, _): Word) -> bool {
    matches!(outcome, SourceOutcome::Error | SourceOutcome::Stalled)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct World {
        telling: Telling,
        start: Instant,
        before: SourceOutcome,
    }

    impl World {
        fn new() -> Self {
            Self { telling: Telling::default(), start: Instant::now(), before: SourceOutcome::Pending }
        }

        fn at(&self, secs: u64) -> Instant {
            self.start + Duration::from_secs(secs)
        }

        /// A change after so many seconds; whether it was told.
        fn is_told(&mut self, secs: u64, after: SourceOutcome, reason: Option<&'static str>) -> bool {
            let before = std::mem::replace(&mut self.before, after);
            let change = Change { source: "s", before, after, reason, message: None, at_ms: 0 };
            self.telling.change(change, self.at(secs)).is_some()
        }

        fn overdue(&mut self, secs: u64) -> Vec<Word> {
            let at = self.at(secs);
            self.telling.overdue(at).into_iter().map(|change| (change.after, change.reason)).collect()
        }
    }

    use SourceOutcome::{Absent, Error, Read, Stalled};

    #[test]
    fn each_failure_is_told_at_once_and_its_end_too() {
        let mut world = World::new();
        assert!(!world.is_told(0, Stalled, Some("timeout")), "the first outcome is in the catalog");
        assert!(world.is_told(1, Read, None));
        assert!(world.is_told(2, Error, Some("panic")), "although something was told just now");
        assert!(world.is_told(3, Error, Some("io")), "another failure");
        assert!(world.is_told(4, Read, None));
        assert_eq!(world.telling.due(), None);
    }

    #[test]
    fn what_flaps_is_told_of_once_a_minute() {
        let mut world = World::new();
        world.is_told(0, Read, None);
        let mut told = 0;
        for secs in (1..=120).step_by(2) {
            told += u32::from(world.is_told(secs, Error, Some("panic")));
            told += u32::from(world.is_told(secs + 1, Read, None));
            assert!(world.overdue(secs + 1).is_empty(), "it reads, as was said");
        }
        assert_eq!(told, 4, "two failures and their ends");
    }

    #[test]
    fn the_last_word_is_true() {
        let mut world = World::new();
        world.is_told(0, Read, None);
        assert!(world.is_told(1, Error, Some("io")));
        assert!(world.is_told(2, Read, None));
        assert!(!world.is_told(3, Error, Some("io")), "told two seconds ago");
        assert_eq!(world.telling.due(), Some(world.at(62)));
        assert!(world.overdue(61).is_empty());
        assert_eq!(world.overdue(62), [(Error, Some("io"))], "it fails for a minute now");
        assert_eq!((world.telling.due(), world.overdue(200)), (None, vec![]));
        assert!(world.is_told(201, Absent, None));
        assert!(!world.is_told(202, Read, None));
        assert!(!world.is_told(203, Absent, None));
        assert_eq!(world.telling.due(), None, "what was held back is as it was told again");
    }
}
