//! Hosts and their sources.

use std::collections::HashMap;

use sqlx::query;
use uuid::Uuid;

use hi_common::catalog::Catalog;

use super::time::{millis, timestamp};
use super::{HostRow, SourceRow, Store, StoreError};
use crate::model::HostKey;

/// A host that is new.
pub(crate) struct NewHost {
    pub(crate) host_id: Uuid,
    pub(crate) name: String,
    pub(crate) claimed: String,
    pub(crate) conflict: bool,
    pub(crate) seen_at: i64,
}

macro_rules! host_row {
    ($row:expr) => {
        HostRow {
            id: $row.id,
            host_id: $row.host_id,
            name: $row.name,
            claimed_name: $row.claimed_name,
            conflict: $row.conflict,
            agent_version: $row.agent_version,
            epoch_started: (($row.epoch) > 0).then_some($row.epoch),
            first_seen: millis($row.first_seen),
            last_seen: millis($row.last_seen),
        }
    };
}

macro_rules! source_row {
    ($row:expr) => {
        SourceRow {
            host: $row.host_id,
            source: $row.source,
            outcome: $row.outcome,
            reason: $row.reason,
            message: $row.message,
            interval_ms: $row.interval_ms,
            since: millis($row.since),
            series: $row.series,
        }
    };
}

impl Store {
    /// Hosts by name, after the name `after`, at most `limit`.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn hosts(&self, after: Option<&str>, limit: i64) -> Result<Vec<HostRow>, StoreError> {
        let rows = query!(
            "SELECT id, host_id, name, claimed_name, conflict, agent_version, epoch, first_seen, last_seen
             FROM host WHERE name > coalesce($1, '') ORDER BY name LIMIT $2",
            after,
            limit
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::database("list hosts"))?;
        Ok(rows.into_iter().map(|row| host_row!(row)).collect())
    }

    /// One host.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn host(&self, name: &str) -> Result<Option<HostRow>, StoreError> {
        let row = query!(
            "SELECT id, host_id, name, claimed_name, conflict, agent_version, epoch, first_seen, last_seen
             FROM host WHERE name = $1",
            name
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(StoreError::database("read a host"))?;
        Ok(row.map(|row| host_row!(row)))
    }

    /// Sources of a host, in the agent's order.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn sources(&self, host: HostKey) -> Result<Vec<SourceRow>, StoreError> {
        self.sources_of(Some(host)).await
    }

    /// Sources of all hosts.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn sources_all(&self) -> Result<Vec<SourceRow>, StoreError> {
        self.sources_of(None).await
    }

    async fn sources_of(&self, host: Option<HostKey>) -> Result<Vec<SourceRow>, StoreError> {
        let rows = query!(
            "SELECT s.host_id, s.source, outcome, reason, message, interval_ms, since,
                    coalesce((SELECT l.series_count FROM layout l WHERE l.host_id = s.host_id AND l.source = s.source
                              ORDER BY used_at DESC LIMIT 1), 0)::int8 AS \"series!\"
             FROM host_source s WHERE s.host_id = $1 OR $1 IS NULL ORDER BY s.host_id, position",
            host
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::database("list sources"))?;
        Ok(rows.into_iter().map(|row| source_row!(row)).collect())
    }

    /// Adds a host; its number.
    pub(crate) async fn host_insert(&self, host: NewHost) -> Result<HostKey, StoreError> {
        let id = host.host_id;
        let missing =
            || StoreError::Damaged { what: "table host".to_owned(), problem: format!("{id} is not kept") };
        self.hosts_insert(&[host]).await?.get(&id).copied().ok_or_else(missing)
    }

    /// Adds hosts, each of which is there once; their numbers by identity.
    pub(crate) async fn hosts_insert(&self, hosts: &[NewHost]) -> Result<HashMap<Uuid, HostKey>, StoreError> {
        let ids: Vec<Uuid> = hosts.iter().map(|h| h.host_id).collect();
        let names: Vec<String> = hosts.iter().map(|h| h.name.clone()).collect();
        let claimed: Vec<String> = hosts.iter().map(|h| h.claimed.clone()).collect();
        let conflicts: Vec<bool> = hosts.iter().map(|h| h.conflict).collect();
        let seen: Vec<_> = hosts.iter().map(|h| timestamp(h.seen_at)).collect();
        let rows = query!(
            "INSERT INTO host (host_id, name, claimed_name, conflict, first_seen, last_seen)
             SELECT h.id, h.name, h.claimed, h.conflict, h.seen, h.seen
             FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::bool[], $5::timestamptz[])
                AS h(id, name, claimed, conflict, seen)
             ON CONFLICT (host_id) DO UPDATE SET claimed_name = excluded.claimed_name RETURNING host_id, id",
            &ids,
            &names,
            &claimed,
            &conflicts,
            &seen
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::database("add hosts"))?;
        Ok(rows.into_iter().map(|row| (row.host_id, row.id)).collect())
    }

    /// Gives hosts other names, all at once: `(host, name, claimed name, conflict)`.
    pub(crate) async fn hosts_rename(
        &self,
        names: &[(HostKey, String, String, bool)],
    ) -> Result<(), StoreError> {
        let operation = "rename hosts";
        let mut tx = self.pool.begin().await.map_err(StoreError::database(operation))?;
        // Two hosts may swap names: each first gets one that nobody has, since names are unique row by row.
        for (host, ..) in names {
            query!("UPDATE host SET name = 'moving ' || id WHERE id = $1", host)
                .execute(&mut *tx)
                .await
                .map_err(StoreError::database(operation))?;
        }
        for (host, name, claimed, conflict) in names {
            query!(
                "UPDATE host SET name = $2, claimed_name = $3, conflict = $4 WHERE id = $1",
                host,
                name,
                claimed,
                conflict
            )
            .execute(&mut *tx)
            .await
            .map_err(StoreError::database(operation))?;
        }
        tx.commit().await.map_err(StoreError::database(operation))
    }

    /// Takes over what an agent says it can read.
    pub(crate) async fn catalog_apply(&self, host: HostKey, catalog: &Catalog) -> Result<(), StoreError> {
        let operation = "store a catalog";
        let failed = || StoreError::database(operation);
        let mut tx = self.pool.begin().await.map_err(failed())?;
        query!(
            "UPDATE host SET agent_version = $2 WHERE id = $1 AND agent_version IS DISTINCT FROM $2",
            host,
            catalog.agent_version
        )
        .execute(&mut *tx)
        .await
        .map_err(failed())?;
        let names: Vec<String> = catalog.sources.iter().map(|s| s.source.clone()).collect();
        query!("DELETE FROM host_source WHERE host_id = $1 AND NOT source = ANY($2)", host, &names)
            .execute(&mut *tx)
            .await
            .map_err(failed())?;
        for (position, source) in catalog.sources.iter().enumerate() {
            query!(
                "INSERT INTO host_source (host_id, source, outcome, reason, message, interval_ms, since, position)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                 ON CONFLICT (host_id, source) DO UPDATE SET outcome = excluded.outcome, reason = excluded.reason,
                    message = excluded.message, interval_ms = excluded.interval_ms, since = excluded.since,
                    position = excluded.position",
                host,
                source.source,
                source.outcome.as_str(),
                source.reason,
                source.message,
                i64::try_from(source.interval_ms).unwrap_or(i64::MAX),
                timestamp(source.since),
                i32::try_from(position).unwrap_or(i32::MAX)
            )
            .execute(&mut *tx)
            .await
            .map_err(failed())?;
        }
        let text = |f: fn(&hi_common::catalog::MetricInfo) -> String| -> Vec<String> {
            catalog.metrics.iter().map(f).collect()
        };
        query!(
            "INSERT INTO metric (name, kind, unit, help)
             SELECT DISTINCT ON (name) * FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[]) AS m(name, kind, unit, help)
             ON CONFLICT (name) DO UPDATE SET unit = excluded.unit, help = excluded.help
             WHERE (metric.unit, metric.help) IS DISTINCT FROM (excluded.unit, excluded.help)",
            &text(|m| m.name.clone()),
            &text(|m| m.kind.as_str().to_owned()),
            &text(|m| m.unit.as_str().to_owned()),
            &text(|m| m.help.clone())
        )
        .execute(&mut *tx)
        .await
        .map_err(failed())?;
        tx.commit().await.map_err(failed())
    }
}
