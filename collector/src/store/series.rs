//! Metrics, series and layouts.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures::TryStreamExt;
use sqlx::{PgConnection, query};
use uuid::Uuid;

use hi_common::batch::Family;
use hi_common::metric::Kind;

use super::time::timestamp;
use super::{MetricRow, Store, StoreError};
use crate::model::{HostKey, Labels, SeriesId, SeriesInfo};

/// Texts that many series share, each kept once. Bounded by what is in the database.
#[derive(Default)]
pub(super) struct Texts {
    metrics: Mutex<HashSet<Arc<str>>>,
    labels: Mutex<HashSet<Labels>>,
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
        let mut set = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = set.get(labels.as_slice()) {
            return Arc::clone(known);
        }
        let new: Labels = labels.into();
        set.insert(Arc::clone(&new));
        new
    }
}

/// What became of the series of a layout.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    /// The series in the order of the values; `None` where it was refused.
    pub(crate) infos: Vec<Option<SeriesInfo>>,
    /// How many were refused because the host has too many.
    pub(crate) refused: usize,
    /// Metrics that had another kind: name, kind before, kind now.
    pub(crate) kinds_changed: Vec<(String, String, Kind)>,
}

/// A stored layout.
pub(crate) struct LayoutRow {
    pub(crate) host: HostKey,
    pub(crate) source: String,
    pub(crate) hash: u64,
    /// Series of each value, 0 where it was refused.
    pub(crate) series: Vec<SeriesId>,
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

fn labels_json(labels: &[(String, String)]) -> serde_json::Value {
    let pairs = labels.iter().map(|(key, value)| (key.clone(), serde_json::Value::from(value.as_str())));
    serde_json::Value::Object(pairs.collect())
}

/// xxh3-128 of the labels, each text with its length before it, so that no two lists read the same.
fn labels_hash(labels: &[(String, String)]) -> Uuid {
    let mut bytes = Vec::new();
    for text in labels.iter().flat_map(|(key, value)| [key, value]) {
        bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    Uuid::from_u128(xxhash_rust::xxh3::xxh3_128(&bytes))
}

/// A series as an agent describes it.
struct Described<'a> {
    metric: &'a str,
    metric_id: i32,
    kind: Kind,
    labels: Vec<(String, String)>,
    hash: Uuid,
}

fn describe<'a>(families: &'a [Family], metric_ids: &HashMap<String, i32>) -> Vec<Described<'a>> {
    let mut all = Vec::new();
    for family in families {
        for row in &family.rows {
            // An empty value means that the label is not there.
            let pairs = family.keys.iter().zip(row).filter(|(_, value)| !value.is_empty());
            let mut labels: Vec<_> =
                pairs.map(|(key, value)| (key.clone(), value.replace('\0', ""))).collect();
            labels.sort_unstable();
            let hash = labels_hash(&labels);
            let metric_id = metric_ids.get(&family.name).copied().unwrap_or_default();
            all.push(Described { metric: &family.name, metric_id, kind: family.kind, labels, hash });
        }
    }
    all
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

    /// Layouts used since `since_ms`, of one host or all; `hash` picks one.
    pub(crate) async fn layouts(
        &self,
        host: Option<HostKey>,
        hash: Option<u64>,
        since_ms: i64,
    ) -> Result<Vec<LayoutRow>, StoreError> {
        let rows = query!(
            "SELECT host_id, source, hash, series FROM layout
             WHERE (host_id = $1 OR $1 IS NULL) AND (hash = $2 OR $2 IS NULL) AND used_at >= $3",
            host,
            hash.map(u64::cast_signed),
            timestamp(since_ms)
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::database("read layouts"))?;
        let layout = rows.into_iter().map(|row| LayoutRow {
            host: row.host_id,
            source: row.source,
            hash: row.hash.cast_unsigned(),
            series: row.series,
        });
        Ok(layout.collect())
    }

    /// Finds or adds the series of a layout and keeps the layout, in one transaction. Beyond `series_max` series of the
    /// host, new ones are refused one by one.
    pub(crate) async fn layout_resolve(
        &self,
        host: HostKey,
        source: &str,
        hash: u64,
        families: &[Family],
        series_max: usize,
        now_ms: i64,
    ) -> Result<Resolved, StoreError> {
        let failed = || StoreError::database("resolve a layout");
        let mut tx = self.pool.begin().await.map_err(failed())?;
        let (metric_ids, kinds_changed) = metrics_resolve(&mut tx, families).await?;
        let described = describe(families, &metric_ids);
        let mut ids = series_known(&mut tx, host, &described).await?;
        let room = {
            let known = query!("SELECT count(*) AS \"n!\" FROM series WHERE host_id = $1", host)
                .fetch_one(&mut *tx)
                .await
                .map_err(failed())?;
            series_max.saturating_sub(usize::try_from(known.n).unwrap_or(0))
        };
        let mut chosen = HashSet::new();
        let is_new = |d: &&Described<'_>| {
            !ids.contains_key(&(d.metric_id, d.hash)) && chosen.insert((d.metric_id, d.hash))
        };
        let new: Vec<_> = described.iter().filter(is_new).take(room).collect();
        series_insert(&mut tx, host, &new, now_ms, &mut ids).await?;
        let info = |d: &Described<'_>| {
            ids.get(&(d.metric_id, d.hash)).map(|id| SeriesInfo {
                id: *id,
                host,
                metric: self.texts.metric(d.metric),
                kind: d.kind,
                labels: self.texts.labels(d.labels.clone()),
            })
        };
        let infos: Vec<_> = described.iter().map(info).collect();
        let refused = infos.iter().filter(|info| info.is_none()).count();
        let series: Vec<i32> = infos.iter().map(|info| info.as_ref().map_or(0, |info| info.id)).collect();
        query!(
            "INSERT INTO layout (host_id, source, hash, series, series_count, used_at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (host_id, source, hash) DO UPDATE SET series = excluded.series,
                series_count = excluded.series_count, used_at = excluded.used_at",
            host,
            source,
            hash.cast_signed(),
            &series,
            i32::try_from(series.len() - refused).unwrap_or(i32::MAX),
            timestamp(now_ms)
        )
        .execute(&mut *tx)
        .await
        .map_err(failed())?;
        tx.commit().await.map_err(failed())?;
        Ok(Resolved { infos, refused, kinds_changed })
    }
}

struct MetricRecord {
    name: String,
    kind: String,
    unit: String,
    help: String,
}

type KindsChanged = Vec<(String, String, Kind)>;

/// Numbers of the metrics; adds new ones, and takes over a kind that changed.
async fn metrics_resolve(
    connection: &mut PgConnection,
    families: &[Family],
) -> Result<(HashMap<String, i32>, KindsChanged), StoreError> {
    let failed = || StoreError::database("resolve metrics");
    let names: Vec<String> = families.iter().map(|f| f.name.clone()).collect();
    let kinds: Vec<String> = families.iter().map(|f| f.kind.as_str().to_owned()).collect();
    let known = query!("SELECT id, name, kind FROM metric WHERE name = ANY($1)", &names)
        .fetch_all(&mut *connection)
        .await
        .map_err(failed())?;
    let mut ids: HashMap<String, i32> = known.iter().map(|row| (row.name.clone(), row.id)).collect();
    let mut changed = Vec::new();
    for family in families {
        let before = known.iter().find(|row| row.name == family.name && row.kind != family.kind.as_str());
        if let Some(row) = before {
            query!("UPDATE metric SET kind = $2 WHERE id = $1", row.id, family.kind.as_str())
                .execute(&mut *connection)
                .await
                .map_err(failed())?;
            changed.push((family.name.clone(), row.kind.clone(), family.kind));
        }
    }
    if families.iter().any(|family| !ids.contains_key(&family.name)) {
        // DO UPDATE and not DO NOTHING, so that a metric another collector adds right now is returned as well.
        let added = query!(
            "INSERT INTO metric (name, kind)
             SELECT DISTINCT ON (name) name, kind FROM UNNEST($1::text[], $2::text[]) AS m(name, kind)
             WHERE NOT EXISTS (SELECT FROM metric k WHERE k.name = m.name)
             ON CONFLICT (name) DO UPDATE SET kind = metric.kind RETURNING id, name",
            &names,
            &kinds
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed())?;
        ids.extend(added.into_iter().map(|row| (row.name, row.id)));
    }
    Ok((ids, changed))
}

type SeriesIds = HashMap<(i32, Uuid), SeriesId>;

/// Numbers of the series that exist; their kind is brought up to date.
async fn series_known(
    connection: &mut PgConnection,
    host: HostKey,
    described: &[Described<'_>],
) -> Result<SeriesIds, StoreError> {
    let failed = || StoreError::database("find series");
    let metric_ids: Vec<i32> = described.iter().map(|d| d.metric_id).collect();
    let hashes: Vec<Uuid> = described.iter().map(|d| d.hash).collect();
    let kinds: Vec<String> = described.iter().map(|d| d.kind.as_str().to_owned()).collect();
    let rows = query!(
        "SELECT s.id, s.metric_id, s.labels_hash, s.kind, d.kind AS \"now!\"
         FROM UNNEST($2::int4[], $3::uuid[], $4::text[]) AS d(metric_id, hash, kind)
         JOIN series s ON s.host_id = $1 AND s.metric_id = d.metric_id AND s.labels_hash = d.hash",
        host,
        &metric_ids,
        &hashes,
        &kinds
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed())?;
    for row in rows.iter().filter(|row| row.kind != row.now) {
        query!("UPDATE series SET kind = $2 WHERE id = $1", row.id, row.now)
            .execute(&mut *connection)
            .await
            .map_err(failed())?;
    }
    Ok(rows.into_iter().map(|row| ((row.metric_id, row.labels_hash), row.id)).collect())
}

async fn series_insert(
    connection: &mut PgConnection,
    host: HostKey,
    new: &[&Described<'_>],
    now_ms: i64,
    ids: &mut SeriesIds,
) -> Result<(), StoreError> {
    if new.is_empty() {
        return Ok(());
    }
    let metric_ids: Vec<i32> = new.iter().map(|d| d.metric_id).collect();
    let hashes: Vec<Uuid> = new.iter().map(|d| d.hash).collect();
    let kinds: Vec<String> = new.iter().map(|d| d.kind.as_str().to_owned()).collect();
    let labels: Vec<serde_json::Value> = new.iter().map(|d| labels_json(&d.labels)).collect();
    let added = query!(
        "INSERT INTO series (host_id, metric_id, labels_hash, kind, labels, first_seen, last_seen)
         SELECT $1, d.*, $6, $6 FROM UNNEST($2::int4[], $3::uuid[], $4::text[], $5::jsonb[]) AS d
         ON CONFLICT (host_id, metric_id, labels_hash) DO UPDATE SET kind = excluded.kind
         RETURNING id, metric_id, labels_hash",
        host,
        &metric_ids,
        &hashes,
        &kinds,
        &labels,
        timestamp(now_ms)
    )
    .fetch_all(connection)
    .await
    .map_err(StoreError::database("add series"))?;
    ids.extend(added.into_iter().map(|row| ((row.metric_id, row.labels_hash), row.id)));
    Ok(())
}
