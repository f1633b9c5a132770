//! Everything that is read of a thing, as a list.

use std::collections::HashMap;

use crate::latest::{Thing, Value};
use crate::moment::Time;
use crate::storage::view::StorageReading;
use crate::store::MetricRow;

/// What is known of a thing from metrics that begin so, by metric, without the labels that name the thing and without these
/// metrics.
pub fn list(
    known: Thing<'_>,
    metrics: &HashMap<String, MetricRow>,
    prefixes: &[&str],
    naming: &[&str],
    without: &[&str],
) -> Vec<StorageReading> {
    let reading = |metric: &str, value: &Value| {
        let meaning = metrics.get(metric);
        let labels = value.labels().filter(|(name, _)| !naming.contains(&name.as_str()));
        StorageReading {
            metric: metric.to_owned(),
            labels: labels.cloned().collect(),
            value: value.value,
            unit: meaning.map_or_else(String::new, |row| row.unit.clone()),
            help: meaning.map_or_else(String::new, |row| row.help.clone()),
            at: Time(value.at),
        }
    };
    let mut found: Vec<StorageReading> = known
        .metrics()
        .filter(|(metric, _)| prefixes.iter().any(|prefix| metric.starts_with(prefix)))
        .filter(|(metric, value)| !without.contains(metric) && value.value.is_finite())
        .map(|(metric, value)| reading(metric, value))
        .collect();
    found.sort_by(|a, b| (&a.metric, &a.labels).cmp(&(&b.metric, &b.labels)));
    found
}
