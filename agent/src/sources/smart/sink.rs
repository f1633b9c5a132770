//! Samples of many disks, brought into the order of their metrics: consecutive samples of one metric share a family.

use hi_common::metric::MetricDef;

use super::metrics::METRICS;
use crate::source::Readings;

/// Samples to be pushed.
#[derive(Default)]
pub(super) struct Sink {
    rows: Vec<Row>,
}

struct Row {
    metric: &'static MetricDef,
    labels: Vec<String>,
    value: f64,
}

impl Sink {
    /// Adds a sample.
    pub(super) fn add(&mut self, metric: &'static MetricDef, labels: &[&str], value: f64) {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        self.rows.push(Row { metric, labels, value });
    }

    /// Adds a sample that there may be.
    pub(super) fn maybe(&mut self, metric: &'static MetricDef, labels: &[&str], value: Option<f64>) {
        if let Some(value) = value {
            self.add(metric, labels, value);
        }
    }

    /// Pushes all, in the order in which metrics are declared. Of several samples of one series the first counts.
    pub(super) fn push(mut self, out: &mut Readings) {
        let place = |metric: &'static MetricDef| {
            METRICS.iter().position(|other| std::ptr::eq(*other, metric)).unwrap_or(METRICS.len())
        };
        self.rows.sort_by_cached_key(|row| (place(row.metric), row.labels.clone()));
        self.rows.dedup_by(|b, a| std::ptr::eq(a.metric, b.metric) && a.labels == b.labels);
        for row in &self.rows {
            let labels: Vec<&str> = row.labels.iter().map(String::as_str).collect();
            out.push(row.metric, &labels, row.value);
        }
    }
}
