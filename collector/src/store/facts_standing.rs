//! Facts as pages of what exists need them: since when a thing is in its state, and what it was before.

use serde_json::Value;
use sqlx::query;

use super::time::millis;
use super::{FactRow, Store, StoreError};
use crate::model::HostKey;

/// Documents of the past that are read at a time.
const PAST_MAX: i64 = 500;

/// A fact that holds now.
#[derive(Clone, Debug, PartialEq)]
pub struct StandingFact {
    /// The fact.
    pub fact: FactRow,
    /// Since when it is as well as it is, whatever else of it changed: since when `failed`, `passed` and `degraded` (or else
    /// `state`) read so. Unix milliseconds.
    pub state_since: i64,
}

/// A fact as it was for some time.
#[derive(Clone, Debug, PartialEq)]
pub struct PastFact {
    /// Name of the host.
    pub host: String,
    /// Kind of thing.
    pub kind: String,
    /// Since when the document read so, Unix milliseconds.
    pub since: i64,
    /// Until when; `None` for what holds now.
    pub until: Option<i64>,
    /// The document; `None` while it was gone.
    pub doc: Option<Value>,
}

impl Store {
    /// Facts of these kinds that hold now, of all hosts, by host, kind and id.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn facts_standing(&self, kinds: &[String]) -> Result<Vec<StandingFact>, StoreError> {
        let rows = query!(
            r#"SELECT f.host_id, f.kind, f.id, f.since, f.doc,
                      coalesce(past.changed, least(past.first, f.since)) AS "state_since!"
               FROM fact f LEFT JOIN LATERAL (
                   SELECT min(h.since) AS first, max(h.until) FILTER (
                       WHERE h.doc IS NULL
                          OR ROW(h.doc -> 'failed', h.doc -> 'passed', coalesce(h.doc -> 'degraded', h.doc -> 'state'))
                             IS DISTINCT FROM
                             ROW(f.doc -> 'failed', f.doc -> 'passed', coalesce(f.doc -> 'degraded', f.doc -> 'state'))
                   ) AS changed
                   FROM fact_history h WHERE h.host_id = f.host_id AND h.kind = f.kind AND h.id = f.id
               ) past ON true
               WHERE f.kind = ANY($1) AND f.doc IS NOT NULL ORDER BY f.host_id, f.kind, f.id"#,
            kinds
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::database("list facts and their states"))?;
        let standing = rows.into_iter().map(|row| StandingFact {
            fact: FactRow {
                host: row.host_id,
                kind: row.kind,
                id: row.id,
                since: millis(row.since),
                doc: row.doc.unwrap_or(Value::Null),
            },
            state_since: millis(row.state_since),
        });
        Ok(standing.collect())
    }

    /// What facts of these kinds with this id are and were, on any host or this one, oldest first; the newest [`PAST_MAX`] of them.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn facts_past(
        &self,
        host: Option<HostKey>,
        kinds: &[String],
        id: &str,
    ) -> Result<Vec<PastFact>, StoreError> {
        let rows = query!(
            r#"SELECT host.name AS "host!", past.kind AS "kind!", past.since AS "since!", past.until, past.doc FROM (
                   SELECT host_id, kind, since, until, doc FROM fact_history WHERE kind = ANY($1) AND id = $2
                   UNION ALL
                   SELECT host_id, kind, since, NULL, doc FROM fact WHERE kind = ANY($1) AND id = $2
               ) past JOIN host ON host.id = past.host_id
               WHERE ($4::int4 IS NULL OR past.host_id = $4)
               ORDER BY past.since DESC, host.name, past.kind LIMIT $3"#,
            kinds,
            id,
            PAST_MAX,
            host
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::database("read the history of facts"))?;
        let past = rows.into_iter().rev().map(|row| PastFact {
            host: row.host,
            kind: row.kind,
            since: millis(row.since),
            until: row.until.map(millis),
            doc: row.doc,
        });
        Ok(past.collect())
    }
}
