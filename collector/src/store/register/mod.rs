//! Registration of layouts: their metrics and series are found or added, and the layouts kept, many in one transaction.
//!
//! The outcome is that of registering one layout after the other; what takes the time is the number of statements and
//! commits, which does not depend on the number of layouts.

mod metrics;
mod series;

use sqlx::{PgConnection, query};

use hi_common::batch::Family;
use hi_common::metric::Kind;

use super::time::timestamp;
use super::{Store, StoreError};
use crate::model::{HostKey, SeriesInfo};
use metrics::metrics_register;
use series::{Described, SeriesIds, describe, series_register};

/// A layout that the database may not know.
#[derive(Clone, Copy)]
pub(crate) struct NewLayout<'a> {
    pub(crate) host: HostKey,
    pub(crate) source: &'a str,
    /// [`hi_common::wire::layout_hash`] of the families.
    pub(crate) hash: u64,
    pub(crate) families: &'a [Family],
}

/// What became of the series of a layout.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    /// The series in the order of the values; `None` where it was refused.
    pub(crate) infos: Vec<Option<SeriesInfo>>,
    /// How many were refused because the host has too many.
    pub(crate) refused: usize,
    /// Metrics that had another kind: name, kind before, kind now.
    pub(crate) kinds_changed: Vec<(String, Kind, Kind)>,
}

impl Store {
    /// Finds or adds the series of layouts and keeps the layouts, in one transaction and in this order. Beyond `series_max`
    /// series of a host, new ones are refused one by one. Answers one for one; no layout may be there twice.
    pub(crate) async fn layouts_register(
        &self,
        layouts: &[NewLayout<'_>],
        series_max: usize,
        now_ms: i64,
    ) -> Result<Vec<Resolved>, StoreError> {
        let failed = || StoreError::database("register layouts");
        let mut tx = self.pool.begin().await.map_err(failed())?;
        let (metric_ids, mut kinds_changed) = metrics_register(&mut tx, layouts).await?;
        let described: Vec<Vec<Described<'_>>> = layouts.iter().map(|l| describe(l, &metric_ids)).collect();
        let ids = series_register(&mut tx, &described, series_max, now_ms).await?;
        layouts_write(&mut tx, layouts, &described, &ids, now_ms).await?;
        tx.commit().await.map_err(failed())?;
        let resolved = |(series, changed): (Vec<Described<'_>>, &mut Vec<_>)| {
            let infos: Vec<_> = series.into_iter().map(|d| self.info(d, &ids)).collect();
            let refused = infos.iter().filter(|info| info.is_none()).count();
            Resolved { infos, refused, kinds_changed: std::mem::take(changed) }
        };
        Ok(described.into_iter().zip(&mut kinds_changed).map(resolved).collect())
    }

    fn info(&self, described: Described<'_>, ids: &SeriesIds) -> Option<SeriesInfo> {
        let id = *ids.get(&described.key())?;
        let Described { host, metric, kind, labels, .. } = described;
        let (metric, labels) = (self.texts.metric(metric), self.texts.labels(labels));
        Some(SeriesInfo { id, host, metric, kind, labels })
    }
}

/// Keeps the layouts. PostgreSQL has no arrays of arrays of different lengths: the series of all travel as one, and each
/// layout says which part of it is its own.
async fn layouts_write(
    connection: &mut PgConnection,
    layouts: &[NewLayout<'_>],
    described: &[Vec<Described<'_>>],
    ids: &SeriesIds,
    now_ms: i64,
) -> Result<(), StoreError> {
    let (mut all, mut firsts, mut lasts, mut counts) = (vec![], vec![], vec![], vec![]);
    let place = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    for series in described {
        firsts.push(place(all.len() + 1));
        let found = |d: &Described<'_>| ids.get(&d.key()).copied().unwrap_or(0);
        let before = all.len();
        all.extend(series.iter().map(found));
        lasts.push(place(all.len()));
        counts.push(place(all[before..].iter().filter(|id| **id > 0).count()));
    }
    let hosts: Vec<i32> = layouts.iter().map(|l| l.host).collect();
    let sources: Vec<String> = layouts.iter().map(|l| l.source.to_owned()).collect();
    let hashes: Vec<i64> = layouts.iter().map(|l| l.hash.cast_signed()).collect();
    query!(
        "INSERT INTO layout (host_id, source, hash, series, series_count, used_at)
         SELECT l.host_id, l.source, l.hash, ($4::int4[])[l.first:l.last], l.series_count, $8
         FROM UNNEST($1::int4[], $2::text[], $3::int8[], $5::int4[], $6::int4[], $7::int4[])
            AS l(host_id, source, hash, first, last, series_count)
         ON CONFLICT (host_id, source, hash) DO UPDATE SET series = excluded.series,
            series_count = excluded.series_count, used_at = excluded.used_at",
        &hosts,
        &sources,
        &hashes,
        &all,
        &firsts,
        &lasts,
        &counts,
        timestamp(now_ms)
    )
    .execute(connection)
    .await
    .map_err(StoreError::database("keep layouts"))?;
    Ok(())
}
