//! Events.

use sqlx::{PgConnection, query};
use uuid::Uuid;

use hi_common::event::Event;

use super::time::{millis, timestamp};
use super::{EventFilter, EventRow, Store, StoreError};
use crate::model::HostKey;

macro_rules! event_row {
    ($row:expr) => {
        EventRow {
            id: $row.id,
            host: $row.host,
            at: millis($row.at),
            kind: $row.kind,
            severity: $row.severity,
            message: $row.message,
            data: $row.data,
        }
    };
}

impl Store {
    /// Events, newest first, after the one named in the filter.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn events(&self, filter: &EventFilter, limit: i64) -> Result<Vec<EventRow>, StoreError> {
        let (before_at, before_id) = filter.before.map_or((None, None), |(at, id)| (Some(at), Some(id)));
        let rows = query!(
            "SELECT e.id, h.name AS \"host?\", e.at, e.type AS kind, e.severity, e.message, e.data
             FROM event e LEFT JOIN host h ON h.id = e.host_id
             WHERE ($1::int4 IS NULL OR e.host_id = $1) AND (cardinality($2::text[]) = 0 OR e.type = ANY($2))
               AND ($3::timestamptz IS NULL OR e.at >= $3) AND ($4::timestamptz IS NULL OR e.at < $4)
               AND ($5::timestamptz IS NULL OR (e.at, e.id) < ($5, $6))
               AND (cardinality($8::text[]) = 0 OR e.severity = ANY($8))
               AND ($9::text IS NULL OR e.message ILIKE $9 OR e.type ILIKE $9 OR e.data::text ILIKE $9)
               AND ($10::text IS NULL OR e.data ->> 'container' = $10)
             ORDER BY e.at DESC, e.id DESC LIMIT $7",
            filter.host,
            &filter.kinds,
            filter.start.map(timestamp),
            filter.end.map(timestamp),
            before_at.map(timestamp),
            before_id,
            limit,
            &filter.severities,
            filter.text.as_deref().map(like),
            filter.container.as_deref()
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::database("list events"))?;
        Ok(rows.into_iter().map(|row| event_row!(row)).collect())
    }

    /// One event.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn event(&self, id: Uuid) -> Result<Option<EventRow>, StoreError> {
        let row = query!(
            "SELECT e.id, h.name AS \"host?\", e.at, e.type AS kind, e.severity, e.message, e.data
             FROM event e LEFT JOIN host h ON h.id = e.host_id WHERE e.id = $1",
            id
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(StoreError::database("read an event"))?;
        Ok(row.map(|row| event_row!(row)))
    }

    /// Stores an event, once.
    pub(crate) async fn event_apply(&self, host: Option<HostKey>, event: &Event) -> Result<(), StoreError> {
        let mut connection = self.pool.acquire().await.map_err(StoreError::database("store an event"))?;
        insert(&mut connection, host, event).await
    }
}

/// A pattern of `LIKE` for texts with this one in them.
fn like(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

pub(super) async fn insert(
    connection: &mut PgConnection,
    host: Option<HostKey>,
    event: &Event,
) -> Result<(), StoreError> {
    query!(
        "INSERT INTO event (id, host_id, at, type, severity, message, data) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (id) DO NOTHING",
        event.id,
        host,
        timestamp(event.at),
        event.kind,
        event.severity.as_str(),
        event.message,
        serde_json::json!(event.data)
    )
    .execute(connection)
    .await
    .map_err(StoreError::database("store an event"))?;
    Ok(())
}
