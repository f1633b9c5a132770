//! Retention, the record of housekeeping, and who does it.

use sqlx::pool::PoolConnection;
use sqlx::{Postgres, query, query_scalar};

use super::partition::{BLOCKS, DAYS, HOURS};
use super::time::{DAY_MS, day_of, millis, timestamp};
use super::{HousekeepingRow, Store, StoreError};
use crate::config::StoreConfig;

/// Key of the advisory lock that the collector which keeps house holds.
const LOCK_LEADER: i64 = 0x6869_0002;
/// Days after which bookkeeping that nothing refers to any more goes: longer than the stream keeps messages.
const BOOKKEEPING_DAYS: i64 = 8;

/// Proof that this collector keeps house; ends with the connection it holds.
pub(crate) struct Leader {
    connection: PoolConnection<Postgres>,
}

impl Leader {
    /// Whether it still holds.
    pub(crate) async fn holds(&mut self) -> bool {
        query_scalar!("SELECT 1 AS \"one!\"").fetch_one(&mut *self.connection).await.is_ok()
    }

    /// Gives it back.
    pub(crate) async fn resign(mut self) {
        let _ = query!("SELECT pg_advisory_unlock($1)", LOCK_LEADER).fetch_one(&mut *self.connection).await;
    }
}

impl Store {
    /// Last run of each housekeeping task.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn housekeeping_runs(&self) -> Result<Vec<HousekeepingRow>, StoreError> {
        let rows = query!(
            "SELECT DISTINCT ON (task) task, started_at, seconds, error, result FROM housekeeping_run
             ORDER BY task, started_at DESC"
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::database("list housekeeping runs"))?;
        let run = rows.into_iter().map(|row| HousekeepingRow {
            task: row.task,
            last_at: millis(row.started_at),
            last_seconds: row.seconds,
            last_error: row.error,
            result: row.result,
        });
        Ok(run.collect())
    }

    /// Records a run.
    pub(crate) async fn housekeeping_record(&self, run: &HousekeepingRow) -> Result<(), StoreError> {
        query!(
            "INSERT INTO housekeeping_run (task, started_at, seconds, error, result) VALUES ($1, $2, $3, $4, $5)",
            run.task,
            timestamp(run.last_at),
            run.last_seconds,
            run.last_error,
            run.result
        )
        .execute(&self.pool)
        .await
        .map_err(StoreError::database("record a housekeeping run"))?;
        Ok(())
    }

    /// Tries to become the one that keeps house.
    pub(crate) async fn lead(&self) -> Result<Option<Leader>, StoreError> {
        let failed = || StoreError::database("ask who keeps house");
        let mut connection = self.pool.acquire().await.map_err(failed())?;
        let got = query_scalar!("SELECT pg_try_advisory_lock($1) AS \"got!\"", LOCK_LEADER)
            .fetch_one(&mut *connection)
            .await
            .map_err(failed())?;
        Ok(got.then_some(Leader { connection }))
    }

    /// Removes what is older than it is to be kept; says what, in words.
    pub(crate) async fn retain(&self, config: &StoreConfig, now_ms: i64) -> Result<String, StoreError> {
        let failed = || StoreError::database("remove what is old");
        let days_ago = |days: u32| now_ms - i64::from(days) * DAY_MS;
        let raw = day_of(days_ago(config.raw_retention_days));
        let blocks = self.drop_partitions(BLOCKS, raw).await?;
        let days = self.drop_partitions(DAYS, raw).await?;
        let hours = self.drop_partitions(HOURS, day_of(days_ago(config.hour_retention_days))).await?;
        query!("DELETE FROM flush WHERE stop < $1", timestamp(i64::from(raw) * DAY_MS))
            .execute(&self.pool)
            .await
            .map_err(failed())?;
        query!("DELETE FROM dirty_hour WHERE hour < $1", timestamp(i64::from(raw) * DAY_MS))
            .execute(&self.pool)
            .await
            .map_err(failed())?;
        let events = timestamp(days_ago(config.event_retention_days));
        let removed =
            query!("DELETE FROM event WHERE at < $1", events).execute(&self.pool).await.map_err(failed())?;
        query!("DELETE FROM fact_history WHERE until < $1", events)
            .execute(&self.pool)
            .await
            .map_err(failed())?;
        let letters = query!(
            "DELETE FROM dead_letter WHERE at < $1",
            timestamp(days_ago(config.dead_letter_retention_days))
        )
        .execute(&self.pool)
        .await
        .map_err(failed())?;
        self.retain_bookkeeping(now_ms).await?;
        Ok(format!(
            "dropped {} partitions, {} events, {} dead letters",
            blocks + days + hours,
            removed.rows_affected(),
            letters.rows_affected()
        ))
    }

    /// Forgets containers that went, of which there may be thousands a day, and what they were before.
    async fn retain_gone(&self, now_ms: i64) -> Result<(), StoreError> {
        let failed = || StoreError::database("forget what is gone");
        let old = timestamp(now_ms - BOOKKEEPING_DAYS * DAY_MS);
        query!(
            "DELETE FROM fact_history h WHERE h.kind LIKE 'container%' AND h.until < $1 AND NOT EXISTS (
                 SELECT 1 FROM fact f
                 WHERE f.host_id = h.host_id AND f.kind = h.kind AND f.id = h.id AND f.doc IS NOT NULL)",
            old
        )
        .execute(&self.pool)
        .await
        .map_err(failed())?;
        query!("DELETE FROM fact WHERE kind LIKE 'container%' AND doc IS NULL AND since < $1", old)
            .execute(&self.pool)
            .await
            .map_err(failed())?;
        Ok(())
    }

    async fn retain_bookkeeping(&self, now_ms: i64) -> Result<(), StoreError> {
        let failed = || StoreError::database("remove old bookkeeping");
        let old = timestamp(now_ms - BOOKKEEPING_DAYS * DAY_MS);
        query!("DELETE FROM layout WHERE used_at < $1", old).execute(&self.pool).await.map_err(failed())?;
        query!(
            "DELETE FROM batch_cursor c USING host h WHERE h.id = c.host_id AND c.epoch < h.epoch AND c.updated_at < $1",
            old
        )
        .execute(&self.pool)
        .await
        .map_err(failed())?;
        self.retain_gone(now_ms).await?;
        let long_ago = timestamp(now_ms - 90 * DAY_MS);
        query!("DELETE FROM gap WHERE closed_at < $1", long_ago)
            .execute(&self.pool)
            .await
            .map_err(failed())?;
        query!("DELETE FROM housekeeping_run WHERE started_at < $1", timestamp(now_ms - 30 * DAY_MS))
            .execute(&self.pool)
            .await
            .map_err(failed())?;
        Ok(())
    }
}
