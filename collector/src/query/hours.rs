//! Hourly summaries to buckets: for long ranges. Pure.

use crate::store::HourRow;

use super::Mode;
use super::bucket::{Buckets, Grid};
use super::rate::increase;

/// One hour in milliseconds.
pub const HOUR_MS: i64 = 3_600_000;
/// Longest distance of two samples between which a counter is taken to have grown, as the summaries have it, in milliseconds.
const PAIR_MS_MAX: i64 = 10 * 60_000;

/// Summary of one series over one hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hour {
    /// Start, Unix milliseconds.
    pub hour: i64,
    /// Samples that are numbers.
    pub count: i64,
    /// Their sum.
    pub sum: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// The last.
    pub last: f64,
    /// Growth of a counter.
    pub increase: f64,
    /// Time in which it grew, milliseconds.
    pub covered_ms: i64,
}

impl From<&HourRow> for Hour {
    fn from(row: &HourRow) -> Self {
        Self {
            hour: row.hour,
            count: row.count,
            sum: row.sum,
            min: row.min,
            max: row.max,
            last: row.last,
            increase: row.increase,
            covered_ms: HOUR_MS,
        }
    }
}

/// Summarises samples by the hour; those before `from_ms` only serve as predecessors of the first.
pub fn summarise(times: &[i64], values: &[f64], from_ms: i64) -> Vec<Hour> {
    let mut hours: Vec<Hour> = Vec::new();
    let mut before: Option<(i64, f64)> = None;
    for (&at, &value) in times.iter().zip(values).filter(|(_, value)| value.is_finite()) {
        if at >= from_ms {
            let start = at.div_euclid(HOUR_MS) * HOUR_MS;
            if hours.last().is_none_or(|hour| hour.hour != start) {
                hours.push(Hour {
                    hour: start,
                    count: 0,
                    sum: 0.0,
                    min: f64::INFINITY,
                    max: f64::NEG_INFINITY,
                    last: value,
                    increase: 0.0,
                    covered_ms: 0,
                });
            }
            if let Some(hour) = hours.last_mut() {
                hour.count += 1;
                hour.sum += value;
                hour.min = hour.min.min(value);
                hour.max = hour.max.max(value);
                hour.last = value;
                if let Some((at_before, value_before)) = before.filter(|(t, _)| at - t <= PAIR_MS_MAX) {
                    hour.increase += increase(value_before, value);
                    hour.covered_ms += at - at_before;
                }
            }
        }
        before = Some((at, value));
    }
    hours
}

/// Puts hours, in order, into buckets whose step is a multiple of an hour.
pub fn bucket(hours: &[Hour], grid: &Grid, mode: Mode) -> Buckets {
    let mut out = Buckets::empty(grid.count);
    let mut rest = hours;
    while let Some(first) = rest.first() {
        let Some(index) = grid.index(first.hour) else {
            rest = &rest[1..];
            continue;
        };
        let same = rest.iter().take_while(|hour| grid.index(hour.hour) == Some(index)).count();
        let (group, others) = rest.split_at(same);
        match mode {
            Mode::Value => fill_values(&mut out, index, group),
            Mode::Rate => fill_rates(&mut out, index, group),
        }
        rest = others;
    }
    out
}

fn fill_values(out: &mut Buckets, index: usize, hours: &[Hour]) {
    let count: i64 = hours.iter().map(|hour| hour.count).sum();
    let Some(last) = hours.iter().rfind(|hour| hour.count > 0) else { return };
    let min = hours.iter().filter(|h| h.count > 0).map(|h| h.min).fold(f64::INFINITY, f64::min);
    let max = hours.iter().filter(|h| h.count > 0).map(|h| h.max).fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = hours.iter().map(|hour| hour.sum).sum();
    out.set(index, sum / count as f64, min, max, last.last);
}

fn fill_rates(out: &mut Buckets, index: usize, hours: &[Hour]) {
    let covered_ms: i64 = hours.iter().map(|hour| hour.covered_ms).sum();
    let per_second = |hour: &Hour| hour.increase * 1000.0 / hour.covered_ms as f64;
    let rates = || hours.iter().filter(|hour| hour.covered_ms > 0).map(per_second);
    let Some(last) = rates().next_back() else { return };
    let increase: f64 = hours.iter().map(|hour| hour.increase).sum();
    let min = rates().fold(f64::INFINITY, f64::min);
    let max = rates().fold(f64::NEG_INFINITY, f64::max);
    out.set(index, increase * 1000.0 / covered_ms as f64, min, max, last);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::bucket::downsample;

    fn samples() -> (Vec<i64>, Vec<f64>) {
        let times: Vec<i64> = (0..6 * 360).map(|i| i * 10_000).collect();
        let values = times.iter().map(|at| ((at / 10_000) % 977) as f64).collect();
        (times, values)
    }

    #[test]
    fn buckets_of_hours_are_those_of_the_samples() {
        let (times, values) = samples();
        let grid = Grid::cover(0, 6 * HOUR_MS, 2 * HOUR_MS);
        let by_hour = bucket(&summarise(&times, &values, 0), &grid, Mode::Value);
        let by_sample = downsample(&times, &values, &grid);
        assert_eq!(
            (&by_hour.min, &by_hour.max, &by_hour.last),
            (&by_sample.min, &by_sample.max, &by_sample.last)
        );
        for (a, b) in by_hour.avg.iter().zip(&by_sample.avg) {
            assert!((a - b).abs() < 1e-9);
        }
    }

    #[test]
    fn growth_counts_from_the_sample_before() {
        let times: Vec<i64> = (350..=720).map(|i| i * 10_000).collect();
        let values: Vec<f64> = times.iter().map(|at| *at as f64 / 1000.0 * 3.0).collect();
        let hours = summarise(&times, &values, HOUR_MS);
        assert_eq!((hours.len(), hours[0].hour, hours[0].count), (2, HOUR_MS, 360));
        let out = bucket(&hours, &Grid::cover(HOUR_MS, 3 * HOUR_MS, HOUR_MS), Mode::Rate);
        assert!(out.avg.iter().all(|rate| (rate - 3.0).abs() < 1e-9), "{out:?}");
    }

    #[test]
    fn an_empty_hour_stays_empty() {
        let out = bucket(&[], &Grid::cover(0, 2 * HOUR_MS, HOUR_MS), Mode::Value);
        assert!(out.is_empty());
    }
}
