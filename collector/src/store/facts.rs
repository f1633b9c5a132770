//! Facts, with the history of their changes.

use std::collections::BTreeMap;

use hi_common::fact::Fact;
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
    /// Facts of a host that hold now, by kind and id: of one kind, or of all; those behind a kind and id, `limit` of them.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn facts_page(
        &self,
        host: HostKey,
        kind: Option<&str>,
        after: Option<(&str, &str)>,
        limit: i64,
    ) -> Result<Vec<FactRow>, StoreError> {
        let (after_kind, after_id) = after.unwrap_or_default();
        let rows = query!(
            r#"SELECT host_id, kind, id, since, doc FROM fact
               WHERE host_id = $1 AND ($2::text IS NULL OR kind = $2) AND (kind, id) > ($3, $4) AND doc IS NOT NULL
               ORDER BY kind, id LIMIT $5"#,
            host,
            kind,
            after_kind,
            after_id,
            limit
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::database("list facts"))?;
        Ok(rows.into_iter().map(|row| fact_row!(row)).collect())
    }

    /// How many facts of each kind hold now of a host, by kind.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn fact_counts(&self, host: HostKey) -> Result<BTreeMap<String, i64>, StoreError> {
        let rows = query!(
            r#"SELECT kind, count(*) AS "count!" FROM fact
               WHERE host_id = $1 AND doc IS NOT NULL GROUP BY kind"#,
            host
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::database("count facts"))?;
        Ok(rows.into_iter().map(|row| (row.kind, row.count)).collect())
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

    /// Host, id and since when it reads so, of all facts of a kind that hold now.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn facts_index(&self, kind: &str) -> Result<Vec<((HostKey, String), i64)>, StoreError> {
        let rows = query!("SELECT host_id, id, since FROM fact WHERE kind = $1 AND doc IS NOT NULL", kind)
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::database("list what facts there are"))?;
        Ok(rows.into_iter().map(|row| ((row.host_id, row.id), millis(row.since))).collect())
    }

    /// Facts of a kind by host and id, those that hold now.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn facts_by_ids(
        &self,
        kind: &str,
        keys: &[(HostKey, String)],
    ) -> Result<Vec<FactRow>, StoreError> {
        let (hosts, ids): (Vec<HostKey>, Vec<String>) = keys.iter().cloned().unzip();
        let rows = query!(
            "SELECT f.host_id, f.kind, f.id, f.since, f.doc
             FROM UNNEST($2::int4[], $3::text[]) AS k(host_id, id)
             JOIN fact f ON f.host_id = k.host_id AND f.kind = $1 AND f.id = k.id
             WHERE f.doc IS NOT NULL",
            kind,
            &hosts,
            &ids
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::database("read facts"))?;
        Ok(rows.into_iter().map(|row| fact_row!(row)).collect())
    }

    /// Facts of these kinds of one host, by kind and id, at most `limit`.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn facts_of_kinds(
        &self,
        host: HostKey,
        kinds: &[String],
        limit: i64,
    ) -> Result<Vec<FactRow>, StoreError> {
        let rows = query!(
            "SELECT host_id, kind, id, since, doc FROM fact
             WHERE host_id = $1 AND kind = ANY($2) AND doc IS NOT NULL ORDER BY kind, id LIMIT $3",
            host,
            kinds,
            limit
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::database("list facts of a host"))?;
        Ok(rows.into_iter().map(|row| fact_row!(row)).collect())
    }

    /// Takes over a fact: an older one than is stored is left, a changed one moves the former into the history.
    pub(crate) async fn fact_apply(&self, host: HostKey, fact: &Fact) -> Result<(), StoreError> {
        let failed = || StoreError::database("store a fact");
        let (at, epoch) = (timestamp(fact.at), fact.epoch.cast_signed());
        let doc = fact.doc.as_ref().map(|doc| serde_json::json!(doc));
        let mut tx = self.pool.begin().await.map_err(failed())?;
        query!(
            "INSERT INTO fact_history (host_id, kind, id, since, until, doc)
             SELECT host_id, kind, id, since, $4, doc FROM fact
             WHERE host_id = $1 AND kind = $2 AND id = $3 AND (epoch, seen) < ($6, $4) AND doc IS DISTINCT FROM $5
             ON CONFLICT DO NOTHING",
            host,
            fact.kind,
            fact.id,
            at,
            doc,
            epoch
        )
        .execute(&mut *tx)
        .await
        .map_err(failed())?;
        query!(
            "INSERT INTO fact (host_id, kind, id, since, seen, doc, source, epoch)
             VALUES ($1, $2, $3, $4, $4, $5, $6, $7)
             ON CONFLICT (host_id, kind, id) DO UPDATE SET
                since = CASE WHEN fact.doc IS DISTINCT FROM excluded.doc THEN excluded.since ELSE fact.since END,
                seen = excluded.seen, doc = excluded.doc, source = excluded.source, epoch = excluded.epoch
             WHERE (fact.epoch, fact.seen) < (excluded.epoch, excluded.seen)",
            host,
            fact.kind,
            fact.id,
            at,
            doc,
            fact.source,
            epoch
        )
        .execute(&mut *tx)
        .await
        .map_err(failed())?;
        tx.commit().await.map_err(failed())
    }

    /// Takes as gone what an earlier start of an agent told and the present one has not, though the source it came from has
    /// worked for long enough, or is no more: it went while the agent was off. Returns how many.
    pub(crate) async fn facts_expire(&self, now_ms: i64) -> Result<u64, StoreError> {
        let gone = query!(
            "WITH gone AS (
                SELECT f.host_id, f.kind, f.id, f.since, f.doc
                FROM fact f JOIN host h ON h.id = f.host_id
                LEFT JOIN host_source s ON s.host_id = f.host_id AND s.source = f.source
                WHERE f.doc IS NOT NULL AND f.epoch < h.epoch
                AND h.last_seen >= to_timestamp(h.epoch / 1000.0) + make_interval(secs => $2)
                AND (s.source IS NULL
                    OR s.outcome IN ('read', 'absent') AND s.since <= h.last_seen - make_interval(secs => $2))
             ), kept AS (
                INSERT INTO fact_history (host_id, kind, id, since, until, doc)
                SELECT host_id, kind, id, since, greatest($1, since), doc FROM gone ON CONFLICT DO NOTHING
             )
             UPDATE fact f SET doc = NULL, since = $1 FROM gone g
             WHERE f.host_id = g.host_id AND f.kind = g.kind AND f.id = g.id",
            timestamp(now_ms),
            UNTOLD_SECS
        )
        .execute(&self.pool)
        .await
        .map_err(StoreError::database("expire facts"))?;
        Ok(gone.rows_affected())
    }
}

/// How long a source has to tell again what it told before the agent was restarted, in seconds: agents tell each fact in
/// their first minutes, and again when it counts as gone after 25.
const UNTOLD_SECS: f64 = 3600.0;
