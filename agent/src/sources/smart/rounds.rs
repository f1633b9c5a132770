//! Which disks are asked when: each once per period, spread evenly over it, so that never all of them are busy with it at once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A run that comes earlier than a disk's time by less than this asks it all the same: ticks are not exact.
const SLACK: Duration = Duration::from_secs(5);

/// When each disk is asked next, by label.
#[derive(Debug)]
pub(super) struct Rounds {
    period: Duration,
    next: BTreeMap<String, Instant>,
}

impl Rounds {
    /// Each disk once per `period`; at every run where that is zero.
    pub(super) fn new(period: Duration) -> Self {
        Self { period, next: BTreeMap::new() }
    }

    /// Which of these disks are to be asked now. One that is new is asked at once; those that are new together have their next
    /// turns one after the other within the period.
    pub(super) fn due<'a>(&mut self, labels: &[&'a str], now: Instant) -> Vec<&'a str> {
        self.next.retain(|label, _| labels.contains(&label.as_str()));
        let new: Vec<&str> = labels.iter().copied().filter(|label| !self.next.contains_key(*label)).collect();
        let step = self.period / u32::try_from(new.len()).unwrap_or(u32::MAX).max(1);
        let mut due = Vec::new();
        for &label in labels {
            let Some(next) = self.next.get_mut(label) else {
                let rank = new.iter().position(|other| *other == label).unwrap_or_default();
                let wait = step.saturating_mul(u32::try_from(rank + 1).unwrap_or(u32::MAX));
                self.next.insert(label.to_owned(), now + wait);
                due.push(label);
                continue;
            };
            if *next > now + SLACK {
                continue;
            }
            *next += self.period;
            // After a pause (the machine slept) it keeps no debt.
            if *next <= now {
                *next = now + self.period;
            }
            due.push(label);
        }
        due
    }

    /// Has a disk asked at the next run.
    pub(super) fn hasten(&mut self, label: &str) {
        self.next.remove(label);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_secs(600);

    /// Who is asked in each minute of an hour, with ticks that are early and late by some milliseconds.
    fn hour(labels: &[&str]) -> Vec<Vec<String>> {
        let start = Instant::now();
        let mut rounds = Rounds::new(PERIOD);
        let late = |minute: u64| Duration::from_millis([0, 40, 3, 900, 12][minute as usize % 5]);
        let run = |minute| rounds.due(labels, start + Duration::from_secs(60 * minute) + late(minute));
        (0..60).map(run).map(|due| due.into_iter().map(str::to_owned).collect()).collect()
    }

    #[test]
    fn all_at_first_then_each_once_in_ten_minutes_and_few_at_a_time() {
        for count in [1, 2, 6, 10, 24] {
            let labels: Vec<String> = (0..count).map(|n| format!("sd{n}")).collect();
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            let minutes = hour(&labels);
            assert_eq!(minutes[0].len(), count, "all at the start");
            for later in minutes[1..].iter() {
                assert!(later.len() <= count.div_ceil(10), "{count} disks: {later:?}");
            }
            for round in minutes[1..51].chunks(10) {
                let mut asked: Vec<&String> = round.iter().flatten().collect();
                asked.sort();
                asked.dedup();
                assert_eq!(asked.len(), count, "each once in every ten minutes");
                assert_eq!(round.iter().flatten().count(), count);
            }
        }
    }

    #[test]
    fn a_disk_that_comes_is_asked_at_once_and_one_that_went_begins_anew() {
        let now = Instant::now();
        let minute = Duration::from_secs(60);
        let mut rounds = Rounds::new(PERIOD);
        assert_eq!(rounds.due(&["sda"], now), ["sda"]);
        assert_eq!(rounds.due(&["sda", "sdb"], now + minute), ["sdb"]);
        assert!(rounds.due(&["sda"], now + 2 * minute).is_empty());
        assert_eq!(rounds.due(&["sda", "sdb"], now + 3 * minute), ["sdb"]);
        rounds.hasten("sda");
        assert_eq!(rounds.due(&["sda", "sdb"], now + 4 * minute), ["sda"]);
    }

    #[test]
    fn what_a_pause_left_out_is_made_up_for_once() {
        let now = Instant::now();
        let mut rounds = Rounds::new(PERIOD);
        rounds.due(&["sda"], now);
        assert_eq!(rounds.due(&["sda"], now + 20 * PERIOD), ["sda"]);
        assert!(rounds.due(&["sda"], now + 20 * PERIOD + Duration::from_secs(60)).is_empty());
    }

    #[test]
    fn without_a_period_each_run_asks_all() {
        let now = Instant::now();
        let mut rounds = Rounds::new(Duration::ZERO);
        for _ in 0..3 {
            assert_eq!(rounds.due(&["sda", "sdb"], now), ["sda", "sdb"]);
        }
    }
}
