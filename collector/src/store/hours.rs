//! Hourly summaries: reading them, and making them of samples.

use std::collections::HashMap;

use sqlx::{Postgres, Transaction, query, query_scalar};

use hi_common::metric::Kind;

use super::series::kind_of;
use super::time::{HOUR_MS, millis, timestamp};
use super::{CopyRows, HourRow, Store, StoreError};
use crate::model::{HostKey, Samples, SeriesId};

/// How long before an hour its first increase may begin, in milliseconds.
const REACH_BACK_MS: i64 = 10 * 60 * 1000;
/// Series summed up at a time.
const SERIES_AT_A_TIME: usize = 500;

impl Store {
    /// Hourly summaries with `start_ms <= hour < end_ms`, by series and hour. The newest hours may not be there yet
    /// (see [`Store::hours_complete_until`]).
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn hours(
        &self,
        ids: &[SeriesId],
        start_ms: i64,
        end_ms: i64,
    ) -> Result<Vec<HourRow>, StoreError> {
        let failed = || StoreError::database("read hourly summaries");
        let bounds = query!("SELECT min(hour) AS first, max(hour) AS last FROM sample_hour")
            .fetch_one(&self.pool)
            .await
            .map_err(failed())?;
        let (Some(first), Some(last)) = (bounds.first, bounds.last) else { return Ok(Vec::new()) };
        let from = millis(first).max(start_ms.div_euclid(HOUR_MS) * HOUR_MS);
        let to = millis(last).min(end_ms - 1);
        let hours: Vec<_> = (from.div_euclid(HOUR_MS)..=to.div_euclid(HOUR_MS))
            .map(|hour| hour * HOUR_MS)
            .filter(|hour| (start_ms..end_ms).contains(hour))
            .map(timestamp)
            .collect();
        let rows = query!(
            "SELECT series_id, hour, count, coalesce(sum, last * count) AS \"sum!\", coalesce(min, last) AS \"min!\",
                    coalesce(max, last) AS \"max!\", last, coalesce(increase, 0) AS \"increase!\"
             FROM sample_hour WHERE hour = ANY($1) AND series_id = ANY($2) AND hour >= $3 AND hour <= $4
             ORDER BY series_id, hour",
            &hours,
            ids,
            timestamp(from),
            timestamp(to)
        )
        .fetch_all(&self.pool)
        .await
        .map_err(failed())?;
        let hour = rows.into_iter().map(|row| HourRow {
            id: row.series_id,
            hour: millis(row.hour),
            count: i64::from(row.count),
            sum: row.sum,
            min: row.min,
            max: row.max,
            last: row.last,
            increase: row.increase,
        });
        Ok(hour.collect())
    }

    /// Start of the oldest hour, Unix milliseconds, whose summaries are not written yet though it has samples; take raw
    /// samples from there on.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn hours_complete_until(&self) -> Result<Option<i64>, StoreError> {
        let hour = query_scalar!("SELECT min(hour) FROM dirty_hour")
            .fetch_one(&self.pool)
            .await
            .map_err(StoreError::database("ask for unfinished hours"))?;
        Ok(hour.map(millis))
    }

    /// Writes the summaries of the oldest marked hour that ended before `closed_ms`; how many, `None` when no hour is left.
    pub(crate) async fn hour_summarise(&self, closed_ms: i64) -> Result<Option<usize>, StoreError> {
        let failed = || StoreError::database("take a marked hour");
        let mut tx = self.pool.begin().await.map_err(failed())?;
        // Taking the marks waits for flushes that renew them now, so that their samples are seen below.
        let taken = query!(
            "DELETE FROM dirty_hour WHERE hour = (SELECT min(hour) FROM dirty_hour) AND hour <= $1
             RETURNING hour, host_id",
            timestamp(closed_ms - HOUR_MS)
        )
        .fetch_all(&mut *tx)
        .await
        .map_err(failed())?;
        let Some(hour) = taken.first().map(|row| millis(row.hour)) else { return Ok(None) };
        let hosts: Vec<HostKey> = taken.iter().map(|row| row.host_id).collect();
        let series = query!("SELECT id, kind FROM series WHERE host_id = ANY($1) ORDER BY id", &hosts)
            .fetch_all(&mut *tx)
            .await
            .map_err(failed())?;
        let mut written = 0;
        for chunk in series.chunks(SERIES_AT_A_TIME) {
            let ids: Vec<SeriesId> = chunk.iter().map(|row| row.id).collect();
            let samples = self.samples(&ids, hour - REACH_BACK_MS, hour + HOUR_MS).await?;
            let kind = |id: SeriesId| {
                chunk
                    .binary_search_by_key(&id, |row| row.id)
                    .ok()
                    .and_then(|i| chunk.get(i))
                    .map(|r| kind_of(&r.kind))
            };
            let rows: Vec<HourRow> = samples
                .iter()
                .filter_map(|s| summarise(s, hour, kind(s.id) == Some(Kind::Counter)))
                .collect();
            write(&mut tx, hour, &rows).await?;
            written += rows.len();
        }
        tx.commit().await.map_err(failed())?;
        Ok(Some(written))
    }
}

/// Sums up the samples of one hour; `samples` may reach back before it. `None` when it has no number in it.
fn summarise(samples: &Samples, hour: i64, counter: bool) -> Option<HourRow> {
    let mut row = HourRow {
        id: samples.id,
        hour,
        count: 0,
        sum: 0.0,
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
        last: 0.0,
        increase: 0.0,
    };
    let mut before: Option<f64> = None;
    for (time, value) in samples.times.iter().zip(&samples.values).filter(|(_, value)| !value.is_nan()) {
        if *time >= hour {
            row.count += 1;
            row.sum += value;
            row.min = row.min.min(*value);
            row.max = row.max.max(*value);
            row.last = *value;
            if counter && let Some(before) = before {
                // A counter that fell was reset: it has grown by what it shows now.
                row.increase += if *value >= before { value - before } else { *value };
            }
        }
        before = Some(*value);
    }
    (row.count > 0).then_some(row)
}

/// A row of `sample_hour` without its key: `None` is what follows from the other fields.
#[derive(PartialEq)]
pub(super) struct Fields {
    pub(super) count: i32,
    pub(super) last: f64,
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
    pub(super) sum: Option<f64>,
    pub(super) increase: Option<f64>,
}

impl From<&HourRow> for Fields {
    fn from(row: &HourRow) -> Self {
        let varies = row.min.to_bits() != row.max.to_bits();
        Self {
            count: i32::try_from(row.count).unwrap_or(i32::MAX),
            last: row.last,
            min: varies.then_some(row.min),
            max: varies.then_some(row.max),
            sum: varies.then_some(row.sum),
            increase: (row.increase != 0.0).then_some(row.increase),
        }
    }
}

/// Writes rows of one hour, those that differ from what is there. By COPY, which writes a fraction of the journal that
/// INSERT does.
async fn write(tx: &mut Transaction<'_, Postgres>, hour: i64, rows: &[HourRow]) -> Result<(), StoreError> {
    let failed = || StoreError::database("write hourly summaries");
    let mut wanted: HashMap<SeriesId, Fields> = rows.iter().map(|row| (row.id, row.into())).collect();
    let ids: Vec<SeriesId> = rows.iter().map(|row| row.id).collect();
    let there = query!(
        "SELECT series_id, count, last, min, max, sum, increase FROM sample_hour WHERE hour = $1 AND series_id = ANY($2)",
        timestamp(hour),
        &ids
    )
    .fetch_all(&mut **tx)
    .await
    .map_err(failed())?;
    let mut changed = Vec::new();
    for old in there {
        let id = old.series_id;
        let old = Fields {
            count: old.count,
            last: old.last,
            min: old.min,
            max: old.max,
            sum: old.sum,
            increase: old.increase,
        };
        if wanted.get(&id) == Some(&old) {
            wanted.remove(&id);
        } else {
            changed.push(id);
        }
    }
    if !changed.is_empty() {
        query!("DELETE FROM sample_hour WHERE hour = $1 AND series_id = ANY($2)", timestamp(hour), &changed)
            .execute(&mut **tx)
            .await
            .map_err(failed())?;
    }
    let mut copied = CopyRows::default();
    for (id, fields) in ids.iter().filter_map(|id| Some((*id, wanted.get(id)?))) {
        copied.hour(hour, id, fields);
    }
    copied
        .write(tx, "sample_hour (hour, series_id, count, last, min, max, sum, increase)")
        .await
        .map_err(failed())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    #[test]
    fn an_hour_is_summed_up_with_resets_and_what_came_before() {
        let samples = Samples {
            id: 3,
            times: vec![3_599_000, 3_600_000, 3_610_000, 3_620_000, 3_630_000],
            values: vec![10.0, 14.0, f64::NAN, 2.0, 5.0],
        };
        let row = summarise(&samples, HOUR_MS, true).unwrap();
        assert_eq!((row.count, row.sum, row.min, row.max, row.last), (3, 21.0, 2.0, 14.0, 5.0));
        assert_eq!(row.increase, 4.0 + 2.0 + 3.0);
        assert_eq!(summarise(&samples, HOUR_MS, false).unwrap().increase, 0.0);
        assert_eq!(summarise(&samples, 2 * HOUR_MS, true), None);
    }
}
