//! Samples to buckets of equal length: average, least, greatest, last. Pure.

/// Equal steps over a range: bucket `i` covers `[start + i·step, start + (i+1)·step)`, Unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Begin of the first bucket, a multiple of `step_ms`.
    pub start_ms: i64,
    /// Length of a bucket, at least 1.
    pub step_ms: i64,
    /// Number of buckets.
    pub count: usize,
}

impl Grid {
    /// The grid that covers `[start_ms, end_ms)`; its start is floored to a multiple of the step.
    pub fn cover(start_ms: i64, end_ms: i64, step_ms: i64) -> Self {
        let step_ms = step_ms.max(1);
        let start_ms = start_ms.div_euclid(step_ms) * step_ms;
        let span = end_ms.saturating_sub(start_ms).max(0);
        let count = span / step_ms + i64::from(span % step_ms != 0);
        Self { start_ms, step_ms, count: usize::try_from(count).unwrap_or(0) }
    }

    /// End of the last bucket.
    pub fn end_ms(&self) -> i64 {
        self.bucket_end(self.count) - self.step_ms
    }

    /// Bucket of a time, when it lies in the grid.
    pub fn index(&self, at_ms: i64) -> Option<usize> {
        let offset = at_ms.checked_sub(self.start_ms).filter(|offset| *offset >= 0)?;
        usize::try_from(offset / self.step_ms).ok().filter(|index| *index < self.count)
    }

    /// End of bucket `index`, not part of it.
    pub fn bucket_end(&self, index: usize) -> i64 {
        self.start_ms + self.step_ms * (index as i64 + 1)
    }
}

/// Values per bucket; NaN where there is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Buckets {
    /// Average.
    pub avg: Vec<f64>,
    /// Least.
    pub min: Vec<f64>,
    /// Greatest.
    pub max: Vec<f64>,
    /// Last.
    pub last: Vec<f64>,
}

impl Buckets {
    /// Buckets without a value.
    pub fn empty(count: usize) -> Self {
        let none = vec![f64::NAN; count];
        Self { avg: none.clone(), min: none.clone(), max: none.clone(), last: none }
    }

    /// Whether no bucket has a value.
    pub fn is_empty(&self) -> bool {
        self.last.iter().all(|value| value.is_nan())
    }

    /// Adds another one, bucket by bucket: where only one has a value, it stays. Sums of the least and the greatest are
    /// bounds of the sum, not values it had.
    pub fn add(&mut self, other: &Self) {
        let add = |into: &mut [f64], from: &[f64]| {
            for (sum, &value) in into.iter_mut().zip(from) {
                if sum.is_nan() {
                    *sum = value;
                } else if !value.is_nan() {
                    *sum += value;
                }
            }
        };
        add(&mut self.avg, &other.avg);
        add(&mut self.min, &other.min);
        add(&mut self.max, &other.max);
        add(&mut self.last, &other.last);
    }

    pub(super) fn set(&mut self, index: usize, avg: f64, min: f64, max: f64, last: f64) {
        self.avg[index] = avg;
        self.min[index] = min;
        self.max[index] = max;
        self.last[index] = last;
    }
}

/// Sorts samples into buckets. Times ascend; what lies outside of the grid and what is not finite is left out.
pub fn downsample(times: &[i64], values: &[f64], grid: &Grid) -> Buckets {
    let mut out = Buckets::empty(grid.count);
    let first = times.partition_point(|&at| at < grid.start_ms);
    let past = times.partition_point(|&at| at < grid.end_ms());
    let mut from = first;
    while from < past {
        let Some(index) = grid.index(times[from]) else { break };
        let end = grid.bucket_end(index);
        // A bucket holds few samples as a rule, so that walking beats searching.
        let to = from + times[from..past].iter().take_while(|&&at| at < end).count();
        fill(&mut out, index, &values[from..to]);
        from = to;
    }
    out
}

fn fill(out: &mut Buckets, index: usize, values: &[f64]) {
    let (mut sum, mut count) = (0.0, 0_u32);
    let (mut min, mut max, mut last) = (f64::INFINITY, f64::NEG_INFINITY, f64::NAN);
    for &value in values.iter().filter(|value| value.is_finite()) {
        sum += value;
        count += 1;
        min = min.min(value);
        max = max.max(value);
        last = value;
    }
    if count > 0 {
        // Rounding must not push the average out of what it is an average of.
        out.set(index, (sum / f64::from(count)).clamp(min, max), min, max, last);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_grid_covers_the_range() {
        let grid = Grid::cover(1_050, 2_001, 100);
        assert_eq!(grid, Grid { start_ms: 1_000, step_ms: 100, count: 11 });
        assert_eq!(grid.end_ms(), 2_100);
        assert_eq!((grid.index(999), grid.index(1_000), grid.index(2_099)), (None, Some(0), Some(10)));
        assert_eq!(grid.index(2_100), None);
        assert_eq!(Grid::cover(-50, 50, 100), Grid { start_ms: -100, step_ms: 100, count: 2 });
        assert_eq!(Grid::cover(100, 100, 100).count, 0);
    }

    #[test]
    fn gaps_stay_gaps_and_peaks_stay_peaks() {
        let grid = Grid::cover(0, 40, 10);
        let out = downsample(&[1, 5, 9, 20, 39], &[1.0, 7.0, 4.0, f64::NAN, 2.0], &grid);
        assert_eq!(out.avg[0], 4.0);
        assert_eq!((out.min[0], out.max[0], out.last[0]), (1.0, 7.0, 4.0));
        assert!(out.avg[1].is_nan() && out.avg[2].is_nan());
        assert_eq!(out.last[3], 2.0);
    }

    #[test]
    fn sums_keep_what_only_one_has() {
        let grid = Grid::cover(0, 30, 10);
        let mut sum = downsample(&[1, 11], &[1.0, 2.0], &grid);
        sum.add(&downsample(&[1, 21], &[10.0, 20.0], &grid));
        assert_eq!(sum.avg, [11.0, 2.0, 20.0]);
    }

    /// What the definition says, sample by sample.
    fn naive(times: &[i64], values: &[f64], grid: &Grid, index: usize) -> Option<(f64, f64, f64, f64)> {
        let begin = grid.start_ms + grid.step_ms * index as i64;
        let inside: Vec<f64> = times
            .iter()
            .zip(values)
            .filter(|(at, value)| (begin..begin + grid.step_ms).contains(*at) && value.is_finite())
            .map(|(_, value)| *value)
            .collect();
        let last = *inside.last()?;
        let min = inside.iter().copied().fold(f64::INFINITY, f64::min);
        let max = inside.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Some((inside.iter().sum::<f64>() / inside.len() as f64, min, max, last))
    }

    proptest! {
        #[test]
        fn downsampling_agrees_with_its_definition(
            mut samples in proptest::collection::vec((0_i64..2_000, -1e6_f64..1e6), 0..200),
            start in 0_i64..1_000, length in 0_i64..1_500, step in 1_i64..400,
        ) {
            samples.sort_by_key(|(at, _)| *at);
            samples.dedup_by_key(|(at, _)| *at);
            let (times, values): (Vec<i64>, Vec<f64>) = samples.into_iter().unzip();
            let grid = Grid::cover(start, start + length, step);
            let out = downsample(&times, &values, &grid);
            for index in 0..grid.count {
                match naive(&times, &values, &grid, index) {
                    None => prop_assert!(out.avg[index].is_nan() && out.last[index].is_nan()),
                    Some((avg, min, max, last)) => {
                        prop_assert!((out.avg[index] - avg).abs() <= 1e-6);
                        prop_assert_eq!((out.min[index], out.max[index], out.last[index]), (min, max, last));
                        prop_assert!(min <= out.avg[index] && out.avg[index] <= max);
                    }
                }
            }
        }
    }
}
