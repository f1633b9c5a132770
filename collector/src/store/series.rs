//! Metrics and series, as they are read.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use futures::TryStreamExt;
use sqlx::query;

use hi_common::metric::Kind;

use super::{MetricRow, Store, StoreError};
use crate::model::{HostKey, Labels, SeriesId, SeriesInfo};

/// Labels that are kept before the first look at which of them are still needed.
const LABELS_KEPT_MIN: usize = 1 << 14;

/// Texts that many series share, each kept once, as long as somebody needs it: of containers that are gone there may be many
/// more than of those that are there. Metrics are few.
#[derive(Default)]
pub(super) struct Texts {
    metrics: Mutex<HashSet<Arc<str>>>,
    labels: Mutex<Shared>,
}

/// Labels, and at how many of them to look again which are needed.
#[derive(Default)]
struct Shared {
    set: HashSet<Labels>,
    clean_at: usize,
}

impl Shared {
    fn share(&mut self, labels: Vec<(String, String)>) -> Labels {
        if let Some(known) = self.set.get(labels.as_slice()) {
            return Arc::clone(known);
        }
        if self.set.len() >= self.clean_at.max(LABELS_KEPT_MIN) {
            self.set.retain(|labels| Arc::strong_count(labels) > 1);
            self.clean_at = 2 * self.set.len();
        }
        let new: Labels = labels.into();
        self.set.insert(Arc::clone(&new));
        new
    }
}

impl Texts {
    pub(super) fn metric(&self, name: &str) -> Arc<str> {
        let mut set = self.metrics.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = set.get(name) {
            return Arc::clone(known);
        }
        let new: Arc<str> = name.into();
        set.insert(Arc::clone(&new));
        new
    }

    pub(super) fn labels(&self, labels: Vec<(String, String)>) -> Labels {
        self.labels.lock().unwrap_or_else(PoisonError::into_inner).share(labels)
    }
}

pub(super) fn kind_of(word: &str) -> Kind {
    match word {
        "gauge" => Kind::Gauge,
        "counter" => Kind::Counter,
        "info" => Kind::Info,
        "state" => Kind::State,
        _ => Kind::Untyped,
    }
}

/// Labels as they stand in the database: a JSON object of texts.
pub(super) fn labels_of(json: &serde_json::Value) -> Vec<(String, String)> {
    let Some(object) = json.as_object() else { return Vec::new() };
    let text = |v: &serde_json::Value| v.as_str().unwrap_or_default().to_owned();
    let mut labels: Vec<_> = object.iter().map(|(key, value)| (key.clone(), text(value))).collect();
    labels.sort_unstable();
    labels
}

impl Store {
    /// Every metric, by name.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn metrics(&self) -> Result<Vec<MetricRow>, StoreError> {
        let rows = query!("SELECT name, kind, unit, help FROM metric ORDER BY name")
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::database("list metrics"))?;
        let metric = |row: _| {
            let MetricRecord { name, kind, unit, help } = row;
            MetricRow { kind: kind_of(&kind), name, unit, help }
        };
        Ok(rows
            .into_iter()
            .map(|r| MetricRecord { name: r.name, kind: r.kind, unit: r.unit, help: r.help })
            .map(metric)
            .collect())
    }

    /// Series by number, in order of number; those that do not exist are left out.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn series_by_ids(&self, ids: &[SeriesId]) -> Result<Vec<SeriesInfo>, StoreError> {
        let mut rows = query!(
            "SELECT s.id, s.host_id, m.name AS metric, s.kind, s.labels FROM series s JOIN metric m ON m.id = s.metric_id
             WHERE s.id = ANY($1) ORDER BY s.id",
            ids
        )
        .fetch(&self.pool);
        let mut found = Vec::with_capacity(ids.len());
        while let Some(row) = rows.try_next().await.map_err(StoreError::database("read series"))? {
            found.push(SeriesInfo {
                id: row.id,
                host: row.host_id,
                metric: self.texts.metric(&row.metric),
                kind: kind_of(&row.kind),
                labels: self.texts.labels(labels_of(&row.labels)),
            });
        }
        Ok(found)
    }

    /// Number of series, by host.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn series_counts(&self) -> Result<Vec<(HostKey, i64)>, StoreError> {
        let rows = query!("SELECT host_id, count(*) AS \"n!\" FROM series GROUP BY host_id ORDER BY host_id")
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::database("count series"))?;
        Ok(rows.into_iter().map(|row| (row.host_id, row.n)).collect())
    }
}

struct MetricRecord {
    name: String,
    kind: String,
    unit: String,
    help: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_shared_and_given_up_when_nobody_needs_them() {
        let of = |n: usize| vec![("name".to_owned(), n.to_string())];
        let mut shared = Shared::default();
        let kept = shared.share(of(0));
        assert!(Arc::ptr_eq(&kept, &shared.share(of(0))));
        for n in 1..3 * LABELS_KEPT_MIN {
            drop(shared.share(of(n)));
            assert!(shared.set.len() <= LABELS_KEPT_MIN);
        }
        assert!(Arc::ptr_eq(&kept, &shared.share(of(0))));
    }
}
