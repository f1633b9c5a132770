//! What a container uses, from cAdvisor's metrics.

use crate::latest::{Latest, Thing, Value};

use super::ContainerFact;

/// Limits from here on mean none: cgroup v1 has the greatest number of pages there.
const NO_LIMIT_BYTES: f64 = (1_u64 << 60) as f64;
/// Length of the short form of an identity.
const SHORT_ID: usize = 12;

/// The newest values about one container.
pub(super) struct Usage<'a> {
    things: [Thing<'a>; 2],
    count: usize,
    id: &'a str,
}

impl<'a> Usage<'a> {
    /// What was read at this time or later, Unix milliseconds.
    pub(super) fn of(latest: &'a Latest, fact: &'a ContainerFact, from: i64) -> Self {
        let things = [latest.of_since(&fact.id, from), latest.of_since(&fact.name, from)];
        let count = if fact.id == fact.name { 1 } else { 2 };
        let id = fact.container_id.get(..SHORT_ID).unwrap_or(&fact.container_id);
        Self { things, count, id }
    }

    pub(super) fn things(&self) -> impl Iterator<Item = Thing<'a>> + use<'a> {
        let things = self.things;
        things.into_iter().take(self.count)
    }

    /// Series of a metric; those of a container of the same name in another engine, or before this one, are not its own.
    fn all(&self, metric: &'a str) -> impl Iterator<Item = &'a Value> + use<'a> {
        let wanted = self.id;
        let is_own = move |value: &&Value| {
            let id = value.label("id");
            id.is_empty() || wanted.is_empty() || id.contains(wanted)
        };
        self.things().flat_map(move |thing| thing.all(metric)).filter(is_own)
    }

    pub(super) fn first(&self, metrics: &[&'static str]) -> Option<f64> {
        let of = |metric: &&'static str| self.all(metric).next().map(|value| value.value);
        metrics.iter().find_map(of).filter(|value| value.is_finite())
    }

    /// Growth per second of all series of a metric together.
    pub(super) fn rate(&self, metric: &'static str) -> Option<f64> {
        sum(self.all(metric).map(Value::rate))
    }

    /// Processors in use. With a series per processor and one of all of them, the latter counts.
    pub(super) fn cpu_cores(&self) -> Option<f64> {
        let all = || self.all("container_cpu_usage_seconds_total");
        let total = sum(all().filter(|value| value.label("cpu") == "total").map(Value::rate));
        total.or_else(|| sum(all().map(Value::rate)))
    }

    /// Share of its periods in which it was held back.
    pub(super) fn throttled_ratio(&self) -> Option<f64> {
        let periods = self.rate("container_cpu_cfs_periods_total").filter(|rate| *rate > 0.0)?;
        Some(self.rate("container_cpu_cfs_throttled_periods_total")? / periods)
    }

    pub(super) fn memory_bytes(&self) -> Option<f64> {
        self.first(&["container_memory_working_set_bytes", "container_memory_usage_bytes"])
    }

    pub(super) fn memory_limit_bytes(&self) -> Option<f64> {
        self.first(&["container_spec_memory_limit_bytes"])
            .filter(|bytes| *bytes > 0.0 && *bytes < NO_LIMIT_BYTES)
    }

    /// Bytes per second from or to disks.
    pub(super) fn blocks(&self, operation: &str, metric: &'static str) -> Option<f64> {
        let is = |value: &&Value| value.label("operation").eq_ignore_ascii_case(operation);
        let blkio = sum(self.all("container_blkio_device_usage_total").filter(is).map(Value::rate));
        self.rate(metric).or(blkio)
    }

    pub(super) fn restarts(&self) -> Option<f64> {
        self.first(&["hi_container_restarts_total", "hi_container_restart_count"])
    }

    pub(super) fn last_read(&self) -> Option<i64> {
        self.things().filter_map(|thing| thing.last_read("container_")).max()
    }
}

/// The sum of what is known; none when nothing is.
fn sum(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    values.flatten().reduce(|a, b| a + b)
}
