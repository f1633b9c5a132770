//! Facts, with the history of their changes.

use serde_json::Value;
use sqlx::query;

use super::time::{millis, timestamp};
use super::{FactRow, Store, StoreError};
use crate::model::HostKey;

macro_rules! fact_row {
    ($row:expr) => {
        FactRow {
            host: $row.host_id,
            kind: $row.kind,
            id: $row.id,
            since: millis($row.since),
            doc: $row.doc.unwrap_or(Value::Null),
        }
    };
}

impl Store {
    /// Facts of a host that hold now, by kind and id.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn facts(&self, host: HostKey) -> Result<Vec<FactRow>, StoreError> {
        let rows = query!(
            "SELECT host_id, kind, id, since, doc FROM fact
             WHERE host_id = $1 AND doc IS NOT NULL ORDER BY kind, id",
            host
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::database("list facts"))?;
        Ok(rows.into_iter().map(|row| fact_row!(row)).collect())
    }

    /// Facts of one kind of all hosts.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn facts_of_kind(&self, kind: &str) -> Result<Vec<FactRow>, StoreError> {
        let rows = query!(
            "SELECT host_id, kind, id, since, doc FROM fact
             WHERE kind = $1 AND doc IS NOT NULL ORDER BY host_id, id",
            kind
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::database("list facts of a kind"))?;
        Ok(rows.into_iter().map(|row| fact_row!(row)).collect())
    }

    /// Takes over a fact: an older one than is stored is left, a changed one moves the former into the history.
    pub(crate) async fn fact_apply(
        &self,
        host: HostKey,
        kind: &str,
        id: &str,
        at: i64,
        doc: Option<Value>,
    ) -> Result<(), StoreError> {
        let failed = || StoreError::database("store a fact");
        let mut tx = self.pool.begin().await.map_err(failed())?;
        query!(
            "INSERT INTO fact_history (host_id, kind, id, since, until, doc)
             SELECT host_id, kind, id, since, $4, doc FROM fact
             WHERE host_id = $1 AND kind = $2 AND id = $3 AND seen < $4 AND doc IS DISTINCT FROM $5
             ON CONFLICT DO NOTHING",
            host,
            kind,
            id,
            timestamp(at),
            doc
        )
        .execute(&mut *tx)
        .await
        .map_err(failed())?;
        query!(
            "INSERT INTO fact (host_id, kind, id, since, seen, doc) VALUES ($1, $2, $3, $4, $4, $5)
             ON CONFLICT (host_id, kind, id) DO UPDATE SET
                since = CASE WHEN fact.doc IS DISTINCT FROM excluded.doc THEN excluded.since ELSE fact.since END,
                seen = excluded.seen, doc = excluded.doc
             WHERE fact.seen < excluded.seen",
            host,
            kind,
            id,
            timestamp(at),
            doc
        )
        .execute(&mut *tx)
        .await
        .map_err(failed())?;
        tx.commit().await.map_err(failed())
    }
}
