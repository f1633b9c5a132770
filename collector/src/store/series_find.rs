//! Finding series by their labels, as Prometheus' selectors do.

use std::collections::{BTreeMap, HashMap};

use futures::TryStreamExt;
use regex::Regex;
use serde_json::Value;
use sqlx::query;

use hi_common::metric::job_of;

use super::series::{kind_of, labels_of};
use super::time::millis;
use super::{SeriesPage, SeriesRow, Store, StoreError};
use crate::model::{HostKey, MatchOp, Matcher, SeriesId, SeriesInfo};

/// A matcher, ready to be asked.
struct Condition {
    label: String,
    op: MatchOp,
    value: String,
    /// Anchored; for the two regular expression operators.
    regex: Option<Regex>,
}

impl Condition {
    fn new(matcher: &Matcher) -> Result<Self, StoreError> {
        let regex = match matcher.op {
            MatchOp::Eq | MatchOp::Ne => None,
            MatchOp::Re | MatchOp::Nre => {
                // Prometheus anchors, and lets `.` match a line break.
                let compiled = Regex::new(&format!("^(?s:{})$", matcher.value));
                Some(compiled.map_err(|error| StoreError::Matcher {
                    label: matcher.label.clone(),
                    problem: error.to_string(),
                })?)
            }
        };
        Ok(Self { label: matcher.label.clone(), op: matcher.op, value: matcher.value.clone(), regex })
    }

    fn holds(&self, text: &str) -> bool {
        match self.op {
            MatchOp::Eq => self.value == text,
            MatchOp::Ne => self.value != text,
            MatchOp::Re => self.regex.as_ref().is_some_and(|regex| regex.is_match(text)),
            MatchOp::Nre => self.regex.as_ref().is_some_and(|regex| !regex.is_match(text)),
        }
    }
}

/// Conditions of one selector, sorted by what they are about.
struct Selector {
    metric: Vec<Condition>,
    job: Vec<Condition>,
    instance: Vec<Condition>,
    labels: Vec<Condition>,
}

impl Selector {
    fn new(matchers: &[Matcher]) -> Result<Self, StoreError> {
        let mut selector = Self { metric: vec![], job: vec![], instance: vec![], labels: vec![] };
        for matcher in matchers {
            let condition = Condition::new(matcher)?;
            match matcher.label.as_str() {
                "__name__" => selector.metric.push(condition),
                "job" => selector.job.push(condition),
                "instance" => selector.instance.push(condition),
                _ => selector.labels.push(condition),
            }
        }
        Ok(selector)
    }

    fn takes_metric(&self, name: &str) -> bool {
        self.metric.iter().all(|c| c.holds(name)) && self.job.iter().all(|c| c.holds(job_of(name)))
    }

    fn takes_host(&self, name: &str) -> bool {
        self.instance.iter().all(|c| c.holds(name))
    }

    fn takes_labels(&self, labels: &[(String, String)]) -> bool {
        let value =
            |name: &str| labels.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
        self.labels.iter().all(|c| c.holds(value(&c.label)))
    }

    /// What the database can check by itself.
    fn contained(&self) -> Value {
        let equal = self.labels.iter().filter(|c| c.op == MatchOp::Eq && !c.value.is_empty());
        Value::Object(equal.map(|c| (c.label.clone(), Value::from(c.value.as_str()))).collect())
    }
}

impl Store {
    /// Series that fulfil all conditions of at least one of the lists, by id, those above `after`, at most `limit`.
    ///
    /// # Errors
    /// A regular expression is wrong ([`StoreError::Matcher`]); the database cannot be reached.
    pub async fn series_find(
        &self,
        any_of: &[Vec<Matcher>],
        after: Option<SeriesId>,
        limit: usize,
    ) -> Result<SeriesPage, StoreError> {
        let operation = "find series by label";
        let hosts = query!("SELECT id, name FROM host")
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::database(operation))?;
        let metrics = query!("SELECT id, name FROM metric")
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::database(operation))?;
        let host_names: HashMap<HostKey, &str> = hosts.iter().map(|h| (h.id, h.name.as_str())).collect();
        let mut found: BTreeMap<SeriesId, SeriesRow> = BTreeMap::new();
        for matchers in any_of {
            let selector = Selector::new(matchers)?;
            let host_ids: Vec<i32> =
                hosts.iter().filter(|h| selector.takes_host(&h.name)).map(|h| h.id).collect();
            let metric_ids: Vec<i32> =
                metrics.iter().filter(|m| selector.takes_metric(&m.name)).map(|m| m.id).collect();
            if host_ids.is_empty() || metric_ids.is_empty() {
                continue;
            }
            let mut rows = query!(
                "SELECT s.id, s.host_id, m.name AS metric, s.kind, s.labels, s.first_seen,
                        greatest(s.last_seen, h.last_seen - INTERVAL '1 day') AS \"last_seen!\"
                 FROM series s JOIN metric m ON m.id = s.metric_id JOIN host h ON h.id = s.host_id
                 WHERE s.host_id = ANY($1) AND s.metric_id = ANY($2) AND s.labels @> $3 AND s.id > $4 ORDER BY s.id",
                &host_ids,
                &metric_ids,
                selector.contained(),
                after.unwrap_or(0)
            )
            .fetch(&self.pool);
            let mut taken = 0;
            while let Some(row) = rows.try_next().await.map_err(StoreError::database(operation))? {
                let labels = labels_of(&row.labels);
                if !selector.takes_labels(&labels) {
                    continue;
                }
                let info = SeriesInfo {
                    id: row.id,
                    host: row.host_id,
                    metric: self.texts.metric(&row.metric),
                    kind: kind_of(&row.kind),
                    labels: self.texts.labels(labels),
                };
                let host_name = host_names.get(&row.host_id).copied().unwrap_or_default().to_owned();
                let (first_seen, last_seen) = (millis(row.first_seen), millis(row.last_seen));
                found.insert(row.id, SeriesRow { info, host_name, first_seen, last_seen });
                taken += 1;
                if taken > limit {
                    break;
                }
            }
        }
        let more = found.len() > limit;
        Ok(SeriesPage { series: found.into_values().take(limit).collect(), more })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    fn selector(matchers: &[(&str, MatchOp, &str)]) -> Result<Selector, StoreError> {
        let matcher = |(label, op, value): &(&str, MatchOp, &str)| Matcher {
            label: (*label).into(),
            op: *op,
            value: (*value).into(),
        };
        Selector::new(&matchers.iter().map(matcher).collect::<Vec<_>>())
    }

    #[test]
    fn labels_match_as_in_prometheus() {
        use MatchOp::{Eq, Ne, Nre, Re};
        let labels = [("cpu".to_owned(), "0".to_owned()), ("mode".to_owned(), "idle".to_owned())];
        for (label, op, value, expected) in [
            ("mode", Eq, "idle", true),
            ("mode", Eq, "id", false),
            ("mode", Ne, "idle", false),
            ("mode", Re, "id", false),
            ("mode", Re, "id.*", true),
            ("mode", Re, "user|idle", true),
            ("mode", Nre, "user|idle", false),
            ("absent", Eq, "", true),
            ("absent", Ne, "", false),
            ("absent", Re, ".+", false),
            ("absent", Re, ".*", true),
            ("absent", Nre, "x", true),
        ] {
            let selector = selector(&[(label, op, value)]).unwrap();
            assert_eq!(selector.takes_labels(&labels), expected, "{label} {op:?} {value}");
        }
        let by_job = selector(&[("job", Eq, "node"), ("__name__", Re, "node_cpu.*|up")]).unwrap();
        assert!(by_job.takes_metric("node_cpu_seconds_total"));
        assert!(!by_job.takes_metric("up"));
        assert!(matches!(selector(&[("a", Re, "(")]), Err(StoreError::Matcher { .. })));
    }
}
