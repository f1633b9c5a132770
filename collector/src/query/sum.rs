//! Adding up series that agree in some labels. Pure.

use std::collections::BTreeMap;

use super::bucket::Buckets;
use super::json::SeriesHead;

/// Labels by which series are grouped; none at all add up everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SumBy(pub Vec<String>);

impl SumBy {
    /// Reads `a,b`, or `*` for no labels.
    ///
    /// # Errors
    /// What is wrong, to complete "`sum_by` …".
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim() == "*" {
            return Ok(Self(Vec::new()));
        }
        let mut labels: Vec<String> = text.split(',').map(|label| label.trim().to_owned()).collect();
        if let Some(bad) = labels.iter().find(|label| !hi_common::metric::is_label_name(label)) {
            return Err(format!("must be label names separated by commas, or *; {bad:?} is none"));
        }
        labels.sort();
        labels.dedup();
        Ok(Self(labels))
    }

    fn key(&self, head: &SeriesHead) -> Vec<(String, String)> {
        let value = |label: &String| match label.as_str() {
            "__name__" => Some(head.metric.clone()),
            _ => head.labels.iter().find(|(name, _)| name == label).map(|(_, value)| value.clone()),
        };
        self.0.iter().filter_map(|label| Some((label.clone(), value(label)?))).collect()
    }
}

/// Sums that grow series by series.
#[derive(Debug, Default)]
pub struct Sums(BTreeMap<Vec<(String, String)>, (SeriesHead, Buckets)>);

impl Sums {
    /// Adds a series to its group.
    pub fn add(&mut self, by: &SumBy, head: &SeriesHead, buckets: Buckets) {
        let key = by.key(head);
        match self.0.get_mut(&key) {
            None => {
                let own = SeriesHead { id: None, labels: key.clone(), ..head.clone() };
                self.0.insert(key, (own, buckets));
            }
            Some((sum, total)) => {
                total.add(&buckets);
                if sum.metric != head.metric {
                    sum.metric.clear();
                }
                if sum.unit != head.unit {
                    sum.unit.clear();
                }
                if sum.kind != head.kind {
                    sum.kind = "untyped";
                }
            }
        }
    }

    /// Adds other sums.
    pub fn merge(&mut self, by: &SumBy, other: Self) {
        for (head, buckets) in other.0.into_values() {
            self.add(by, &head, buckets);
        }
    }

    /// The sums, by their labels.
    pub fn into_series(self) -> impl Iterator<Item = (SeriesHead, Buckets)> {
        self.0.into_values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(metric: &str, labels: &[(&str, &str)], value: f64) -> (SeriesHead, Buckets) {
        let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let head = SeriesHead {
            id: Some(1),
            metric: metric.to_owned(),
            labels,
            kind: "gauge",
            unit: "s".to_owned(),
        };
        let values = vec![value];
        (head, Buckets { avg: values.clone(), min: values.clone(), max: values.clone(), last: values })
    }

    #[test]
    fn groups_are_added_up_and_only_listed_labels_stay() {
        let by = SumBy::parse("mode, instance,mode").unwrap();
        let mut sums = Sums::default();
        for (head, buckets) in [
            series("a", &[("instance", "x"), ("mode", "user"), ("cpu", "0")], 1.0),
            series("a", &[("instance", "x"), ("mode", "user"), ("cpu", "1")], 2.0),
            series("a", &[("instance", "x"), ("mode", "idle"), ("cpu", "1")], 4.0),
        ] {
            let mut other = Sums::default();
            other.add(&by, &head, buckets);
            sums.merge(&by, other);
        }
        let out: Vec<_> = sums.into_series().collect();
        assert_eq!(out.len(), 2);
        assert_eq!(
            out[0].0.labels,
            [("instance".to_owned(), "x".to_owned()), ("mode".to_owned(), "idle".to_owned())]
        );
        assert_eq!((out[1].1.avg[0], out[1].0.metric.as_str(), out[1].0.id), (3.0, "a", None));
    }

    #[test]
    fn a_star_adds_up_everything() {
        let by = SumBy::parse("*").unwrap();
        let mut sums = Sums::default();
        for (head, buckets) in [series("a", &[("x", "1")], 1.0), series("b", &[], 2.0)] {
            sums.add(&by, &head, buckets);
        }
        let out: Vec<_> = sums.into_series().collect();
        assert_eq!((out.len(), out[0].0.metric.as_str(), out[0].1.max[0]), (1, "", 3.0));
        assert!(SumBy::parse("a,,b").is_err() && SumBy::parse("1").is_err());
    }
}
