//! Growth per second of a counter, in buckets. Pure.
//!
//! Two consecutive samples make a *pair*: its increase is the difference, or the second value alone when the counter fell
//! (its owner restarted from zero). The increase of a pair is spread evenly over its time, so that a pair across the edge
//! of a bucket belongs to both in proportion. `avg` is the increase in the bucket divided by the time pairs cover in it
//! (the step, but for a bucket at the edge of the data), so the present bucket shows no dip. Over a hole in the data
//! there is no pair: a gap stays a gap.

use super::bucket::{Buckets, Grid};

/// A hole is more than this many of a series' usual intervals.
const HOLE_INTERVALS: i64 = 5;
/// Nothing shorter is a hole, in milliseconds.
const HOLE_MS_MIN: i64 = 60_000;
/// How far before the range samples are needed for the first pair, in milliseconds.
pub const LOOKBACK_MS: i64 = 15 * 60_000;

/// Increase from one value to the next.
pub fn increase(before: f64, after: f64) -> f64 {
    if after >= before { after - before } else { after }
}

/// Longest distance of two samples that still make a pair: the usual interval (lower quartile of all) tells.
fn hole_ms(times: &[i64]) -> i64 {
    let mut distances: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    if distances.is_empty() {
        return HOLE_MS_MIN;
    }
    let quarter = distances.len() / 4;
    let (_, usual, _) = distances.select_nth_unstable(quarter);
    usual.saturating_mul(HOLE_INTERVALS).max(HOLE_MS_MIN)
}

/// Rates per bucket. Times ascend; values that are not finite are left out.
pub fn rate(times: &[i64], values: &[f64], grid: &Grid) -> Buckets {
    let mut out = Buckets::empty(grid.count);
    let mut sums = Sums { increase: vec![0.0; grid.count], covered_ms: vec![0; grid.count] };
    let hole_ms = hole_ms(times);
    let mut before: Option<(i64, f64)> = None;
    for (&at, &value) in times.iter().zip(values) {
        if !value.is_finite() {
            continue;
        }
        if let Some((at_before, value_before)) = before
            && at > at_before
            && at - at_before <= hole_ms
        {
            spread(&mut out, &mut sums, grid, (at_before, at), increase(value_before, value));
        }
        before = Some((at, value));
    }
    for index in 0..grid.count {
        if sums.covered_ms[index] > 0 {
            let average = sums.increase[index] * 1000.0 / sums.covered_ms[index] as f64;
            out.avg[index] = average.clamp(out.min[index], out.max[index]);
        }
    }
    out
}

struct Sums {
    increase: Vec<f64>,
    covered_ms: Vec<i64>,
}

/// Adds one pair to the buckets it touches.
fn spread(out: &mut Buckets, sums: &mut Sums, grid: &Grid, (from, to): (i64, i64), increase: f64) {
    let begin = from.max(grid.start_ms);
    let end = to.min(grid.end_ms());
    if begin >= end {
        return;
    }
    let length = (to - from) as f64;
    let per_second = increase * 1000.0 / length;
    let mut at = begin;
    while at < end {
        let Some(index) = grid.index(at) else { break };
        let until = grid.bucket_end(index).min(end);
        sums.increase[index] += increase * ((until - at) as f64 / length);
        sums.covered_ms[index] += until - at;
        // NaN marks an empty bucket, and min and max of NaN and a number are the number.
        out.min[index] = out.min[index].min(per_second);
        out.max[index] = out.max[index].max(per_second);
        out.last[index] = per_second;
        at = until;
    }
}

/// Rates between consecutive samples, at the time of the later one: for a range without a step.
pub fn rate_raw(times: &[i64], values: &[f64], start_ms: i64) -> (Vec<i64>, Vec<f64>) {
    let hole_ms = hole_ms(times);
    let mut out = (Vec::with_capacity(times.len()), Vec::with_capacity(times.len()));
    let mut before: Option<(i64, f64)> = None;
    for (&at, &value) in times.iter().zip(values).filter(|(_, value)| value.is_finite()) {
        if let Some((at_before, value_before)) = before
            && at >= start_ms
            && at > at_before
            && at - at_before <= hole_ms
        {
            out.0.push(at);
            out.1.push(increase(value_before, value) * 1000.0 / (at - at_before) as f64);
        }
        before = Some((at, value));
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const S: i64 = 1000;

    #[test]
    fn a_steady_counter_has_a_steady_rate_in_every_bucket() {
        let times: Vec<i64> = (0..=30).map(|i| i * 10 * S).collect();
        let values: Vec<f64> = (0..=30).map(|i| f64::from(i) * 50.0).collect();
        // 25 s do not divide 10 s: the pair across the edge belongs to both sides.
        let out = rate(&times, &values, &Grid::cover(50 * S, 300 * S, 25 * S));
        assert!(out.avg.iter().chain(&out.min).chain(&out.max).all(|v| (v - 5.0).abs() < 1e-9), "{out:?}");
    }

    #[test]
    fn a_restart_counts_from_zero() {
        let out = rate(&[0, 10 * S, 20 * S], &[1000.0, 1100.0, 30.0], &Grid::cover(0, 20 * S, 10 * S));
        assert_eq!(out.avg, [10.0, 3.0]);
    }

    #[test]
    fn a_hole_has_no_rate() {
        let times = [0, 10 * S, 20 * S, 600 * S, 610 * S];
        let out = rate(&times, &[0.0, 10.0, 20.0, 9999.0, 10_009.0], &Grid::cover(0, 620 * S, 10 * S));
        assert_eq!(out.avg[1], 1.0);
        assert!(out.avg[2..60].iter().all(|v| v.is_nan()));
        assert_eq!(out.avg[60], 1.0);
        assert!(out.avg[61].is_nan());
    }

    #[test]
    fn a_bucket_at_the_edge_is_no_dip() {
        let out = rate(&[60 * S, 70 * S], &[0.0, 100.0], &Grid::cover(60 * S, 120 * S, 60 * S));
        assert_eq!(out.avg, [10.0]);
    }

    proptest! {
        #[test]
        fn what_grows_is_neither_lost_nor_made_up(
            increments in proptest::collection::vec((1_i64..12_000, 0.0_f64..1e6), 1..120),
            step in 500_i64..60_000,
        ) {
            let (mut at, mut value) = (0, 0.0);
            let (mut times, mut values) = (vec![0], vec![0.0]);
            for (distance, growth) in increments {
                at += distance;
                value += growth;
                times.push(at);
                values.push(value);
            }
            let grid = Grid::cover(0, at, step);
            let out = rate(&times, &values, &grid);
            let mut total = 0.0;
            for index in 0..grid.count {
                prop_assert!(out.min[index] <= out.avg[index] && out.avg[index] <= out.max[index]);
                let covered = grid.bucket_end(index).min(at) - (grid.bucket_end(index) - step);
                total += out.avg[index] * covered as f64 / 1000.0;
            }
            prop_assert!((total - value).abs() <= 1e-6 * value.max(1.0), "{total} {value}");
        }

        #[test]
        fn rates_are_never_negative(
            samples in proptest::collection::vec((1_i64..90_000, 0.0_f64..1e9), 0..100), step in 1_i64..100_000,
        ) {
            let mut at = 0;
            let times: Vec<i64> = samples.iter().map(|(d, _)| { at += d; at }).collect();
            let values: Vec<f64> = samples.iter().map(|(_, v)| *v).collect();
            let out = rate(&times, &values, &Grid::cover(0, at, step.max(at / 5000)));
            prop_assert!(out.avg.iter().chain(&out.min).all(|v| v.is_nan() || *v >= 0.0));
        }
    }
}
