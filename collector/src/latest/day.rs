//! What a value came to over the last day, by the hour: the energy behind watts.

use crate::query::rate::increase;

const HOUR_MS: i64 = 3_600_000;
/// Hours of a day, and the one that has begun.
const HOURS: usize = 25;
/// Readings further apart have nothing in between that would be known, in milliseconds.
const PAIR_MS_MAX: i64 = 15 * 60_000;

/// One hour: which, the sum, and the time it covers.
#[derive(Clone, Copy, Debug)]
struct Hour {
    hour: i64,
    sum: f64,
    covered_ms: i64,
}

/// A value added up over time: a gauge times seconds, the growth of a counter. A ring of hours.
#[derive(Clone, Debug)]
pub struct Day {
    hours: [Hour; HOURS],
    first_at: i64,
}

/// What it came to.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct DaySum {
    /// The sum: value times seconds of a gauge, growth of a counter.
    pub sum: f64,
    /// Time in which it was read, in seconds.
    pub covered_seconds: f64,
    /// Time since it was first read, at most a day, in seconds.
    pub window_seconds: f64,
}

impl Day {
    /// Begins with the first reading, Unix milliseconds.
    pub fn begin(at: i64) -> Self {
        Self { hours: [Hour { hour: i64::MIN, sum: 0.0, covered_ms: 0 }; HOURS], first_at: at }
    }

    /// Adds what lies between two readings.
    pub fn add(&mut self, before: (i64, f64), now: (i64, f64), is_counter: bool) {
        let distance_ms = now.0 - before.0;
        if !(1..=PAIR_MS_MAX).contains(&distance_ms) || !before.1.is_finite() || !now.1.is_finite() {
            return;
        }
        let seconds = distance_ms as f64 / 1000.0;
        let sum = if is_counter { increase(before.1, now.1) } else { (before.1 + now.1) / 2.0 * seconds };
        let hour = (now.0 - 1).div_euclid(HOUR_MS);
        let slot = &mut self.hours[hour.rem_euclid(HOURS as i64) as usize];
        if slot.hour < hour {
            *slot = Hour { hour, sum: 0.0, covered_ms: 0 };
        }
        if slot.hour == hour {
            slot.sum += sum;
            slot.covered_ms += distance_ms;
        }
    }

    /// Takes over hours of which more was read there than here.
    pub fn fill(&mut self, other: &Self) {
        for (own, other) in self.hours.iter_mut().zip(&other.hours) {
            if (own.hour, own.covered_ms) < (other.hour, other.covered_ms) {
                *own = *other;
            }
        }
        self.first_at = self.first_at.min(other.first_at);
    }

    /// What it came to over the 24 hours before `now_ms`, to the hour; none as long as two readings are missing.
    pub fn sum(&self, now_ms: i64) -> Option<DaySum> {
        let begin_ms = self.first_at.max((now_ms.div_euclid(HOUR_MS) - HOURS as i64 + 1) * HOUR_MS);
        let from = begin_ms.div_euclid(HOUR_MS);
        let hours = self.hours.iter().filter(|hour| hour.hour >= from);
        let (sum, covered_ms) =
            hours.fold((0.0, 0), |(sum, ms), hour| (sum + hour.sum, ms + hour.covered_ms));
        (covered_ms > 0).then(|| DaySum {
            sum,
            covered_seconds: covered_ms as f64 / 1000.0,
            window_seconds: ((now_ms - begin_ms).max(covered_ms)) as f64 / 1000.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watts_become_joules_and_counters_grow() {
        let mut day = Day::begin(0);
        assert_eq!(day.sum(0), None);
        day.add((0, 100.0), (10_000, 200.0), false);
        day.add((10_000, 200.0), (20_000, 200.0), false);
        let sum = DaySum { sum: 3_500.0, covered_seconds: 20.0, window_seconds: 30.0 };
        assert_eq!(day.sum(30_000), Some(sum));
        let mut counter = Day::begin(0);
        counter.add((0, 50.0), (10_000, 60.0), true);
        counter.add((10_000, 60.0), (20_000, 5.0), true);
        assert_eq!(counter.sum(20_000).map(|sum| sum.sum), Some(15.0));
    }

    #[test]
    fn holes_are_not_counted_and_yesterday_goes() {
        let mut day = Day::begin(0);
        day.add((0, 100.0), (10_000, 100.0), false);
        day.add((10_000, 100.0), (10_000 + PAIR_MS_MAX + 1, 100.0), false);
        day.add((10_000, f64::NAN), (20_000, 1.0), false);
        assert_eq!(day.sum(HOUR_MS).map(|sum| (sum.sum, sum.covered_seconds)), Some((1_000.0, 10.0)));
        let at = 25 * HOUR_MS;
        day.add((at, 1.0), (at + 10_000, 1.0), false);
        let sum = day.sum(at + 10_000).unwrap_or_default();
        assert_eq!((sum.sum, sum.window_seconds), (10.0, 24.0 * 3600.0 + 10.0));
    }

    #[test]
    fn a_restart_keeps_the_better_hours() {
        let (mut live, mut stored) = (Day::begin(HOUR_MS), Day::begin(0));
        live.add((HOUR_MS, 1.0), (HOUR_MS + 10_000, 1.0), false);
        stored.add((0, 2.0), (60_000, 2.0), false);
        stored.add((HOUR_MS - 60_000, 2.0), (HOUR_MS, 2.0), false);
        live.fill(&stored);
        let sum = live.sum(HOUR_MS + 10_000).unwrap_or_default();
        assert_eq!((sum.sum, sum.covered_seconds), (250.0, 130.0));
    }
}
