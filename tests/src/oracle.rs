//! The conservation oracle: what was taken against what is kept, every sample exactly once.
//!
//! Both sides are multisets, so that a sample stored twice is seen as well as one that is missing.

use std::collections::BTreeMap;
use std::fmt;

use hi_common::batch::{Batch, Family, is_absent};
use hi_common::metric::job_of;

/// A series as the collector names it: `name{a="b",instance="…",job="…"}`, labels sorted, empty ones left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesKey(pub String);

impl SeriesKey {
    /// Of a metric name and its labels, `instance` and `job` among them.
    pub fn new<'a>(metric: &str, labels: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let sorted: BTreeMap<&str, &str> = labels.filter(|(_, value)| !value.is_empty()).collect();
        let pairs: Vec<String> = sorted.iter().map(|(key, value)| format!("{key}={value:?}")).collect();
        Self(format!("{metric}{{{}}}", pairs.join(",")))
    }

    /// Of a row of a family of this host.
    pub fn of(family: &Family, row: &[String], instance: &str) -> Self {
        let own = family.keys.iter().map(String::as_str).zip(row.iter().map(String::as_str));
        let added = [("instance", instance), ("job", job_of(&family.name))];
        Self::new(&family.name, own.chain(added))
    }
}

/// Samples by series, each as often as it was seen.
#[derive(Clone, Default)]
pub struct Samples {
    series: BTreeMap<SeriesKey, Vec<(i64, f64)>>,
}

impl Samples {
    /// Adds one sample.
    pub fn add(&mut self, key: &SeriesKey, at: i64, value: f64) {
        match self.series.get_mut(key) {
            Some(points) => points.push((at, value)),
            None => {
                self.series.insert(key.clone(), vec![(at, value)]);
            }
        }
    }

    /// Adds what a batch holds that carries its series; readings without series add nothing.
    pub fn add_batch(&mut self, batch: &Batch) {
        for reading in &batch.readings {
            if let Some(families) = &reading.series {
                self.add_reading(batch.host.as_str(), families, reading.at, &reading.values);
            }
        }
    }

    /// Adds the values of one reading whose series are known.
    pub fn add_reading(&mut self, instance: &str, families: &[Family], at: i64, values: &[f64]) {
        let rows = families.iter().flat_map(|family| family.rows.iter().map(move |row| (family, row)));
        for ((family, row), &value) in rows.zip(values) {
            if !is_absent(value) {
                self.add(&SeriesKey::of(family, row, instance), at, value);
            }
        }
    }

    /// Takes in another set.
    pub fn merge(&mut self, other: Self) {
        for (key, points) in other.series {
            self.series.entry(key).or_default().extend(points);
        }
    }

    /// Number of samples, doubles counted.
    pub fn count(&self) -> usize {
        self.series.values().map(Vec::len).sum()
    }

    /// Number of series with a sample.
    pub fn series_count(&self) -> usize {
        self.series.len()
    }

    /// The samples of one series, in no order.
    pub fn get(&self, key: &SeriesKey) -> &[(i64, f64)] {
        self.series.get(key).map_or(&[], Vec::as_slice)
    }

    /// First and last time of all samples, Unix milliseconds.
    pub fn range(&self) -> Option<(i64, i64)> {
        let times = || self.series.values().flatten().map(|(at, _)| *at);
        Some((times().min()?, times().max()?))
    }

    /// Every series with its samples.
    pub fn iter(&self) -> impl Iterator<Item = (&SeriesKey, &[(i64, f64)])> {
        self.series.iter().map(|(key, points)| (key, points.as_slice()))
    }

    /// Keeps only series for which this holds.
    #[must_use]
    pub fn filtered(mut self, keep: impl Fn(&SeriesKey) -> bool) -> Self {
        self.series.retain(|key, _| keep(key));
        self
    }

    /// Drops exact repetitions: several messages may carry the same batch.
    #[must_use]
    pub fn once(mut self) -> Self {
        for points in self.series.values_mut() {
            points.sort_by(order);
            points.dedup_by(|a, b| order(a, b).is_eq());
        }
        self
    }

    /// Compares what must be there (`self`) with what was found. Numbers are equal within one unit in the last
    /// place, since JSON is read with a fast parser.
    pub fn compare(&self, found: &Self) -> Difference {
        let mut difference = Difference::default();
        let keys: std::collections::BTreeSet<_> = self.series.keys().chain(found.series.keys()).collect();
        for key in keys {
            let mut want = self.get(key).to_vec();
            let mut got = found.get(key).to_vec();
            want.sort_by(order);
            got.sort_by(order);
            difference.add_series(key, &want, &got);
        }
        difference
    }
}

fn order(a: &(i64, f64), b: &(i64, f64)) -> std::cmp::Ordering {
    a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
}

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()) || (a - b).abs() <= f64::EPSILON * a.abs()
}

/// What differs, with the first examples of each.
#[derive(Default, Debug, PartialEq, Eq, Clone)]
pub struct Difference {
    /// Samples that must be there and are not.
    pub missing: usize,
    /// Samples found more often than taken.
    pub doubled: usize,
    /// Samples at a time at which none was taken.
    pub invented: usize,
    /// Samples with another value than taken.
    pub changed: usize,
    examples: Vec<String>,
}

impl Difference {
    /// Nothing missing, nothing twice, nothing changed.
    pub fn is_none(&self) -> bool {
        self.missing + self.doubled + self.invented + self.changed == 0
    }

    fn add_series(&mut self, key: &SeriesKey, want: &[(i64, f64)], got: &[(i64, f64)]) {
        let (mut w, mut g) = (0, 0);
        while w < want.len() || g < got.len() {
            match (want.get(w), got.get(g)) {
                (Some(a), Some(b)) if a.0 == b.0 => {
                    if !same(a.1, b.1) {
                        self.changed += 1;
                        self.example("changed", key, *a, Some(*b));
                    }
                    w += 1;
                    g += 1;
                }
                (Some(a), Some(b)) if a.0 < b.0 => {
                    self.missing += 1;
                    self.example("missing", key, *a, None);
                    w += 1;
                }
                (Some(a), None) => {
                    self.missing += 1;
                    self.example("missing", key, *a, None);
                    w += 1;
                }
                (_, Some(b)) => {
                    let double = g.checked_sub(1).is_some_and(|before| got[before].0 == b.0);
                    *(if double { &mut self.doubled } else { &mut self.invented }) += 1;
                    self.example(if double { "doubled" } else { "invented" }, key, *b, None);
                    g += 1;
                }
                (None, None) => unreachable!("the loop ends when both are used up"),
            }
        }
    }

    fn example(&mut self, what: &str, key: &SeriesKey, at: (i64, f64), other: Option<(i64, f64)>) {
        let of_kind = self.examples.iter().filter(|text| text.starts_with(what)).count();
        if of_kind < 6 {
            let found = other.map_or(String::new(), |(_, value)| format!(", found {value}"));
            self.examples.push(format!("{what}: {} at {} = {}{found}", key.0, at.0, at.1));
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { missing, doubled, invented, changed, examples } = self;
        write!(f, "{missing} missing, {doubled} doubled, {invented} invented, {changed} changed")?;
        examples.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(points: &[(i64, f64)]) -> Samples {
        let mut samples = Samples::default();
        let key = SeriesKey::new("m", [("a", "b"), ("none", "")].into_iter());
        assert_eq!(key.0, r#"m{a="b"}"#);
        points.iter().for_each(|(at, value)| samples.add(&key, *at, *value));
        samples
    }

    #[test]
    fn every_way_to_be_wrong_is_seen() {
        let want = samples(&[(1, 1.0), (2, 2.0), (3, 3.0)]);
        assert!(want.compare(&samples(&[(3, 3.0), (1, 1.0), (2, 2.0)])).is_none());
        assert_eq!(want.compare(&samples(&[(1, 1.0), (3, 3.0)])).missing, 1);
        assert_eq!(want.compare(&samples(&[(1, 1.0), (2, 2.0), (2, 2.0), (3, 3.0)])).doubled, 1);
        assert_eq!(want.compare(&samples(&[(1, 1.0), (2, 2.0), (3, 3.0), (4, 3.0)])).invented, 1);
        assert_eq!(want.compare(&samples(&[(1, 1.0), (2, 2.5), (3, 3.0)])).changed, 1);
        assert_eq!(want.compare(&Samples::default()).missing, 3);
        assert_eq!(Samples::default().compare(&want).invented, 3);
    }

    #[test]
    fn repeated_messages_count_once_but_different_values_do_not_vanish() {
        assert_eq!(samples(&[(1, 1.0), (1, 1.0), (1, 2.0)]).once().count(), 2);
    }
}
