//! The series of layouts that are registered.

use std::collections::{BTreeMap, HashMap};

use serde::{Serialize, Serializer};
use sqlx::{PgConnection, query};
use uuid::Uuid;

use hi_common::metric::Kind;

use super::super::StoreError;
use super::super::time::timestamp;
use super::NewLayout;
use super::metrics::MetricIds;
use crate::model::{HostKey, SeriesId};

/// What tells a series from every other: host, metric, hash of the labels.
pub(super) type SeriesKey = (HostKey, i32, Uuid);
/// Numbers of series.
pub(super) type SeriesIds = HashMap<SeriesKey, SeriesId>;

/// A series as an agent describes it.
pub(super) struct Described<'a> {
    pub(super) host: HostKey,
    pub(super) metric: &'a str,
    metric_id: i32,
    pub(super) kind: Kind,
    /// Sorted, without empty values.
    pub(super) labels: Vec<(String, String)>,
    hash: Uuid,
}

impl Described<'_> {
    pub(super) fn key(&self) -> SeriesKey {
        (self.host, self.metric_id, self.hash)
    }
}

/// The series of a layout, in the order of its values.
pub(super) fn describe<'a>(layout: &NewLayout<'a>, metric_ids: &MetricIds) -> Vec<Described<'a>> {
    let mut all = Vec::new();
    for family in layout.families {
        let metric_id = metric_ids.get(&family.name).copied().unwrap_or_default();
        for row in &family.rows {
            // An empty value means that the label is not there.
            let pairs = family.keys.iter().zip(row).filter(|(_, value)| !value.is_empty());
            let mut labels: Vec<_> =
                pairs.map(|(key, value)| (key.clone(), value.replace('\0', ""))).collect();
            labels.sort_unstable();
            let (metric, kind, hash) = (family.name.as_str(), family.kind, labels_hash(&labels));
            all.push(Described { host: layout.host, metric, metric_id, kind, labels, hash });
        }
    }
    all
}

/// xxh3-128 of the labels, each text with its length before it, so that no two lists read the same.
fn labels_hash(labels: &[(String, String)]) -> Uuid {
    let mut bytes = Vec::with_capacity(128);
    for text in labels.iter().flat_map(|(key, value)| [key, value]) {
        bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    Uuid::from_u128(xxhash_rust::xxh3::xxh3_128(&bytes))
}

/// Labels as they stand in the database: a JSON object of texts.
struct Object<'a>(&'a [(String, String)]);

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// Numbers of all series that are known or added; those beyond the limit of their host are not among them.
pub(super) async fn series_register(
    connection: &mut PgConnection,
    described: &[Vec<Described<'_>>],
    series_max: usize,
    now_ms: i64,
) -> Result<SeriesIds, StoreError> {
    let counts = counts(connection, described, now_ms).await?;
    // A host without series needs no look at each.
    let old: Vec<&Described<'_>> =
        described.iter().flatten().filter(|d| counts.get(&d.host).is_some_and(|count| count.any)).collect();
    let mut ids = known(connection, &old).await?;
    let new = choose(described, &ids, counts, series_max);
    insert(connection, &new, now_ms, &mut ids).await?;
    Ok(ids)
}

/// The series to add, each once, as long as there is room in its host. Pure.
fn choose<'a>(
    described: &'a [Vec<Described<'a>>],
    known: &SeriesIds,
    mut counts: HashMap<HostKey, Count>,
    series_max: usize,
) -> Vec<&'a Described<'a>> {
    let mut new: HashMap<SeriesKey, usize> = HashMap::new();
    let mut list: Vec<&Described<'_>> = Vec::new();
    for series in described.iter().flatten().filter(|d| !known.contains_key(&d.key())) {
        if let Some(place) = new.get(&series.key()) {
            // Described again: the last word on its kind counts.
            list[*place] = series;
            continue;
        }
        let count = counts.entry(series.host).or_default();
        if count.told < series_max {
            count.told += 1;
            new.insert(series.key(), list.len());
            list.push(series);
        }
    }
    list
}

/// What a host has.
#[derive(Clone, Copy, Default)]
struct Count {
    /// Series that it tells now: those of the newest layout of each source, whatever it told before. Containers come and go by
    /// the thousand, and what is gone must not keep out what is there.
    told: usize,
    /// Whether it ever told any.
    any: bool,
}

/// Layouts that were not used for longer than this are of sources that are no more, in milliseconds.
const TOLD_MS: i64 = 86_400_000;

/// Series that each host has.
async fn counts(
    connection: &mut PgConnection,
    described: &[Vec<Described<'_>>],
    now_ms: i64,
) -> Result<HashMap<HostKey, Count>, StoreError> {
    let mut hosts: Vec<HostKey> =
        described.iter().filter_map(|series| series.first()).map(|d| d.host).collect();
    hosts.sort_unstable();
    hosts.dedup();
    let rows = query!(
        r#"SELECT h.id, EXISTS (SELECT 1 FROM series s WHERE s.host_id = h.id) AS "any!",
                  coalesce((SELECT sum(newest.series_count) FROM (
                      SELECT DISTINCT ON (l.source) l.series_count FROM layout l
                      WHERE l.host_id = h.id AND l.used_at >= $2 ORDER BY l.source, l.used_at DESC
                  ) newest), 0)::int8 AS "told!"
           FROM host h WHERE h.id = ANY($1)"#,
        &hosts,
        timestamp(now_ms - TOLD_MS)
    )
    .fetch_all(connection)
    .await
    .map_err(StoreError::database("count the series of hosts"))?;
    let count = |row: (i64, bool)| Count { told: usize::try_from(row.0).unwrap_or(0), any: row.1 };
    Ok(rows.into_iter().map(|row| (row.id, count((row.told, row.any)))).collect())
}

/// Numbers of the series that exist; their kind is brought up to date.
async fn known(connection: &mut PgConnection, described: &[&Described<'_>]) -> Result<SeriesIds, StoreError> {
    if described.is_empty() {
        return Ok(SeriesIds::new());
    }
    let failed = || StoreError::database("find series");
    // The last word on a kind counts. Sorted, as the index is.
    let kinds: BTreeMap<SeriesKey, Kind> = described.iter().map(|d| (d.key(), d.kind)).collect();
    let hosts: Vec<i32> = kinds.keys().map(|(host, ..)| *host).collect();
    let metrics: Vec<i32> = kinds.keys().map(|(_, metric, _)| *metric).collect();
    let hashes: Vec<Uuid> = kinds.keys().map(|(.., hash)| *hash).collect();
    let rows = query!(
        "SELECT s.id, s.host_id, s.metric_id, s.labels_hash, s.kind
         FROM UNNEST($1::int4[], $2::int4[], $3::uuid[]) AS d(host_id, metric_id, hash)
         JOIN series s ON s.host_id = d.host_id AND s.metric_id = d.metric_id AND s.labels_hash = d.hash",
        &hosts,
        &metrics,
        &hashes
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed())?;
    let (mut changed, mut words) = (Vec::new(), Vec::new());
    let mut ids = SeriesIds::with_capacity(rows.len());
    for row in rows {
        let key = (row.host_id, row.metric_id, row.labels_hash);
        if let Some(kind) = kinds.get(&key).filter(|kind| kind.as_str() != row.kind) {
            changed.push(row.id);
            words.push(kind.as_str().to_owned());
        }
        ids.insert(key, row.id);
    }
    if !changed.is_empty() {
        query!(
            "UPDATE series SET kind = c.kind FROM UNNEST($1::int4[], $2::text[]) AS c(id, kind) WHERE series.id = c.id",
            &changed,
            &words
        )
        .execute(connection)
        .await
        .map_err(failed())?;
    }
    Ok(ids)
}

/// Adds series; their numbers go into `ids`.
async fn insert(
    connection: &mut PgConnection,
    new: &[&Described<'_>],
    now_ms: i64,
    ids: &mut SeriesIds,
) -> Result<(), StoreError> {
    if new.is_empty() {
        return Ok(());
    }
    let hosts: Vec<i32> = new.iter().map(|d| d.host).collect();
    let metrics: Vec<i32> = new.iter().map(|d| d.metric_id).collect();
    let hashes: Vec<Uuid> = new.iter().map(|d| d.hash).collect();
    let kinds: Vec<String> = new.iter().map(|d| d.kind.as_str().to_owned()).collect();
    let labels: Vec<String> =
        new.iter().map(|d| serde_json::to_string(&Object(&d.labels)).unwrap_or_default()).collect();
    let added = query!(
        "INSERT INTO series (host_id, metric_id, labels_hash, kind, labels, first_seen, last_seen)
         SELECT d.host_id, d.metric_id, d.hash, d.kind, d.labels::jsonb, $6, $6
         FROM UNNEST($1::int4[], $2::int4[], $3::uuid[], $4::text[], $5::text[]) AS d(host_id, metric_id, hash, kind, labels)
         ON CONFLICT (host_id, metric_id, labels_hash) DO UPDATE SET kind = excluded.kind
         RETURNING id, host_id, metric_id, labels_hash",
        &hosts,
        &metrics,
        &hashes,
        &kinds,
        &labels,
        timestamp(now_ms)
    )
    .fetch_all(connection)
    .await
    .map_err(StoreError::database("add series"))?;
    ids.reserve(added.len());
    ids.extend(added.into_iter().map(|row| ((row.host_id, row.metric_id, row.labels_hash), row.id)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hi_common::batch::Family;

    fn family(kind: Kind, parts: &[&str]) -> Family {
        let rows = parts.iter().map(|part| vec![(*part).to_owned(), String::new()]).collect();
        Family { name: "m".to_owned(), kind, keys: vec!["part".to_owned(), "none".to_owned()], rows }
    }

    #[test]
    fn each_series_is_added_once_while_its_host_has_room() {
        let metric_ids = MetricIds::from([("m".to_owned(), 1)]);
        let gauges = [family(Kind::Gauge, &["a", "b", "b", "c"])];
        let counters = [family(Kind::Counter, &["b", "d"])];
        let of = |host, families| describe(&NewLayout { host, source: "s", hash: 0, families }, &metric_ids);
        let described = [of(1, &gauges), of(2, &gauges), of(1, &counters)];
        let a = &described[0][0];
        assert_eq!(a.labels, [("part".to_owned(), "a".to_owned())], "an empty value is no label");
        let known = SeriesIds::from([(a.key(), 7)]);
        let new = choose(&described, &known, HashMap::from([(1, Count { told: 8, any: true })]), 10);
        let new: Vec<_> = new.iter().map(|d| (d.host, d.labels[0].1.as_str(), d.kind)).collect();
        let expected = [
            (1, "b", Kind::Counter),
            (1, "c", Kind::Gauge),
            (2, "a", Kind::Gauge),
            (2, "b", Kind::Gauge),
            (2, "c", Kind::Gauge),
        ];
        assert_eq!(new, expected, "host 1 had room for two");
    }

    #[test]
    fn labels_become_an_object() {
        let labels = [("a".to_owned(), "x\"y".to_owned()), ("b".to_owned(), String::new())];
        assert_eq!(serde_json::to_string(&Object(&labels)).unwrap(), r#"{"a":"x\"y","b":""}"#);
    }
}
