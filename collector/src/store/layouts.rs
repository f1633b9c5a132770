//! Layouts, as they are read.

use sqlx::query;

use super::time::timestamp;
use super::{Store, StoreError};
use crate::model::{HostKey, SeriesId};

/// A stored layout.
pub(crate) struct LayoutRow {
    pub(crate) host: HostKey,
    pub(crate) source: String,
    pub(crate) hash: u64,
    /// Series of each value, 0 where it was refused.
    pub(crate) series: Vec<SeriesId>,
}

impl Store {
    /// Series of the newest layout of each source of a host: those that it tells now.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn series_told(&self, host: HostKey) -> Result<Vec<SeriesId>, StoreError> {
        let rows = query!(
            "SELECT DISTINCT ON (source) series FROM layout WHERE host_id = $1 ORDER BY source, used_at DESC",
            host
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::database("read the newest layouts"))?;
        let mut ids: Vec<SeriesId> =
            rows.into_iter().flat_map(|row| row.series).filter(|id| *id != 0).collect();
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
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
}
