//! What ingest keeps beside samples: where it is in the stream, which batches it has, what it refused, what is missing.

use sqlx::{PgConnection, query};
use uuid::Uuid;

use hi_common::event::Event;

use super::time::{millis, timestamp};
use super::{DeadLetterRow, GapRow, Store, StoreError, events};
use crate::limits::DEAD_LETTERS_MAX;
use crate::model::HostKey;

/// How far a stream is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// When the stream was made, Unix milliseconds: a new one counts from 1 again.
    pub(crate) stream_created: i64,
    /// Number of the last message taken.
    pub(crate) seq: u64,
    /// When the broker took it, Unix milliseconds.
    pub(crate) message_at: i64,
    /// Its `Nats-Msg-Id`; empty when it has none.
    pub(crate) message_id: String,
}

/// The stored form of a cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CursorRow {
    pub(crate) host: HostKey,
    pub(crate) epoch: u64,
    /// All below are stored.
    pub(crate) next: u64,
    /// Ranges stored above, both ends included.
    pub(crate) seen: Vec<(u64, u64)>,
}

/// A payload that was refused.
#[derive(Clone, Debug)]
pub(crate) struct DeadLetter {
    pub(crate) at: i64,
    pub(crate) host: Option<String>,
    pub(crate) subject: String,
    pub(crate) reason: &'static str,
    pub(crate) detail: String,
    /// Its beginning.
    pub(crate) payload: Vec<u8>,
    pub(crate) stream_created: i64,
    pub(crate) stream_seq: u64,
}

/// A change of a gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GapChange {
    pub(crate) host: HostKey,
    pub(crate) epoch: u64,
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// `open`, `repaired` or `lost`.
    pub(crate) state: &'static str,
    pub(crate) at: i64,
    pub(crate) attempts: u32,
}

/// An entry that may be written twice without harm.
#[derive(Clone, Debug)]
pub(crate) enum Journal {
    DeadLetter(DeadLetter),
    Gap(GapChange),
    Event(Option<HostKey>, Box<Event>),
}

impl Store {
    /// Newest dead letters, and how many there are.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn dead_letters(&self, limit: i64) -> Result<(i64, Vec<DeadLetterRow>), StoreError> {
        let failed = || StoreError::database("list dead letters");
        let count = query!("SELECT count(*) AS \"n!\" FROM dead_letter")
            .fetch_one(&self.pool)
            .await
            .map_err(failed())?;
        let rows = query!(
            "SELECT at, host, subject, reason, detail FROM dead_letter ORDER BY id DESC LIMIT $1",
            limit
        )
        .fetch_all(&self.pool)
        .await
        .map_err(failed())?;
        let letter = rows.into_iter().map(|row| DeadLetterRow {
            at: millis(row.at),
            host: row.host,
            subject: row.subject,
            reason: row.reason,
            detail: row.detail,
        });
        Ok((count.n, letter.collect()))
    }

    /// Missing ranges of batches: the open ones and those closed last.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn gaps(&self, limit: i64) -> Result<Vec<GapRow>, StoreError> {
        let rows = query!(
            "SELECT h.name, g.epoch, g.from_seq, g.to_seq, g.state, g.noticed_at, g.closed_at, g.attempts
             FROM gap g JOIN host h ON h.id = g.host_id
             ORDER BY (g.state = 'open') DESC, g.noticed_at DESC, g.from_seq LIMIT $1",
            limit
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::database("list gaps"))?;
        let gap = rows.into_iter().map(|row| GapRow {
            host: row.name,
            epoch: row.epoch,
            from_seq: row.from_seq,
            to_seq: row.to_seq,
            state: row.state,
            noticed_at: millis(row.noticed_at),
            closed_at: row.closed_at.map(millis),
            attempts: row.attempts,
        });
        Ok(gap.collect())
    }

    /// How far a stream is stored.
    pub(crate) async fn position(&self, stream: &str) -> Result<Option<Position>, StoreError> {
        let mut connection =
            self.pool.acquire().await.map_err(StoreError::database("read the position in a stream"))?;
        read_position(&mut connection, stream).await
    }

    /// Moves the position of a stream on, outside of a flush.
    pub(crate) async fn position_set(&self, stream: &str, position: &Position) -> Result<(), StoreError> {
        let mut connection =
            self.pool.acquire().await.map_err(StoreError::database("store the position in a stream"))?;
        write_position(&mut connection, stream, position).await
    }

    /// All cursors.
    pub(crate) async fn cursors(&self) -> Result<Vec<CursorRow>, StoreError> {
        let rows = query!("SELECT host_id, epoch, next_seq, seen FROM batch_cursor ORDER BY host_id, epoch")
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::database("read cursors"))?;
        let cursor = rows.into_iter().map(|row| CursorRow {
            host: row.host_id,
            epoch: row.epoch.cast_unsigned(),
            next: row.next_seq.cast_unsigned(),
            seen: row
                .seen
                .chunks_exact(2)
                .map(|pair| (pair[0].cast_unsigned(), pair[1].cast_unsigned()))
                .collect(),
        });
        Ok(cursor.collect())
    }

    /// Writes entries outside of a flush.
    pub(crate) async fn journal(&self, entries: &[Journal]) -> Result<(), StoreError> {
        let failed = || StoreError::database("write the journal");
        let mut tx = self.pool.begin().await.map_err(failed())?;
        write(&mut tx, entries).await?;
        tx.commit().await.map_err(failed())
    }
}

pub(super) async fn read_position(
    connection: &mut PgConnection,
    stream: &str,
) -> Result<Option<Position>, StoreError> {
    let row = query!(
        "SELECT stream_created, seq, message_at, message_id FROM stream_position WHERE stream = $1",
        stream
    )
    .fetch_optional(connection)
    .await
    .map_err(StoreError::database("read the position in a stream"))?;
    Ok(row.map(|row| Position {
        stream_created: millis(row.stream_created),
        seq: row.seq.cast_unsigned(),
        message_at: millis(row.message_at),
        message_id: row.message_id,
    }))
}

pub(super) async fn write_position(
    connection: &mut PgConnection,
    stream: &str,
    position: &Position,
) -> Result<(), StoreError> {
    query!(
        "INSERT INTO stream_position (stream, stream_created, seq, message_at, message_id) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (stream) DO UPDATE SET stream_created = excluded.stream_created, seq = excluded.seq,
            message_at = excluded.message_at, message_id = excluded.message_id",
        stream,
        timestamp(position.stream_created),
        position.seq.cast_signed(),
        timestamp(position.message_at),
        position.message_id
    )
    .execute(connection)
    .await
    .map_err(StoreError::database("store the position in a stream"))?;
    Ok(())
}

pub(super) async fn write_cursors(
    connection: &mut PgConnection,
    cursors: &[CursorRow],
    closed: &[(HostKey, u64)],
    now_ms: i64,
) -> Result<(), StoreError> {
    let failed = || StoreError::database("store cursors");
    for (host, epoch) in closed {
        query!("DELETE FROM batch_cursor WHERE host_id = $1 AND epoch = $2", host, epoch.cast_signed())
            .execute(&mut *connection)
            .await
            .map_err(failed())?;
    }
    let (simple, ranged): (Vec<&CursorRow>, Vec<&CursorRow>) =
        cursors.iter().partition(|cursor| cursor.seen.is_empty());
    let hosts: Vec<i32> = simple.iter().map(|c| c.host).collect();
    let epochs: Vec<i64> = simple.iter().map(|c| c.epoch.cast_signed()).collect();
    let next: Vec<i64> = simple.iter().map(|c| c.next.cast_signed()).collect();
    query!(
        "INSERT INTO batch_cursor (host_id, epoch, next_seq, seen, updated_at)
         SELECT host_id, epoch, next_seq, '{}', $4
         FROM UNNEST($1::int4[], $2::int8[], $3::int8[]) AS c(host_id, epoch, next_seq)
         ON CONFLICT (host_id, epoch) DO UPDATE SET next_seq = excluded.next_seq, seen = excluded.seen,
            updated_at = excluded.updated_at",
        &hosts,
        &epochs,
        &next,
        timestamp(now_ms)
    )
    .execute(&mut *connection)
    .await
    .map_err(failed())?;
    for cursor in ranged {
        let seen: Vec<i64> =
            cursor.seen.iter().flat_map(|(from, to)| [from.cast_signed(), to.cast_signed()]).collect();
        query!(
            "INSERT INTO batch_cursor (host_id, epoch, next_seq, seen, updated_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (host_id, epoch) DO UPDATE SET next_seq = excluded.next_seq, seen = excluded.seen,
                updated_at = excluded.updated_at",
            cursor.host,
            cursor.epoch.cast_signed(),
            cursor.next.cast_signed(),
            &seen,
            timestamp(now_ms)
        )
        .execute(&mut *connection)
        .await
        .map_err(failed())?;
    }
    Ok(())
}

pub(super) async fn write(connection: &mut PgConnection, entries: &[Journal]) -> Result<(), StoreError> {
    let mut letters = false;
    for entry in entries {
        match entry {
            Journal::DeadLetter(letter) => {
                letters = true;
                write_letter(connection, letter).await?;
            }
            Journal::Gap(gap) => write_gap(connection, gap).await?,
            Journal::Event(host, event) => events::insert(connection, *host, event).await?,
        }
    }
    if letters {
        query!(
            "DELETE FROM dead_letter WHERE id <= (SELECT max(id) FROM dead_letter) - $1",
            DEAD_LETTERS_MAX
        )
        .execute(connection)
        .await
        .map_err(StoreError::database("bound the dead letters"))?;
    }
    Ok(())
}

async fn write_letter(connection: &mut PgConnection, letter: &DeadLetter) -> Result<(), StoreError> {
    // PostgreSQL's text holds no zero bytes.
    let clean = |text: &str| text.replace('\0', "\u{fffd}");
    query!(
        "INSERT INTO dead_letter (at, host, subject, reason, detail, payload, stream_created, stream_seq)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        timestamp(letter.at),
        letter.host,
        clean(&letter.subject),
        letter.reason,
        clean(&letter.detail),
        letter.payload,
        timestamp(letter.stream_created),
        letter.stream_seq.cast_signed()
    )
    .execute(connection)
    .await
    .map_err(StoreError::database("store a dead letter"))?;
    Ok(())
}

async fn write_gap(connection: &mut PgConnection, gap: &GapChange) -> Result<(), StoreError> {
    let closed = (gap.state != "open").then(|| timestamp(gap.at));
    query!(
        "INSERT INTO gap (host_id, epoch, from_seq, to_seq, state, noticed_at, closed_at, attempts)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (host_id, epoch, from_seq) DO UPDATE SET to_seq = excluded.to_seq, state = excluded.state,
            closed_at = excluded.closed_at, attempts = greatest(gap.attempts, excluded.attempts)
         WHERE gap.state = 'open'",
        gap.host,
        gap.epoch.cast_signed(),
        gap.from.cast_signed(),
        gap.to.cast_signed(),
        gap.state,
        timestamp(gap.at),
        closed,
        i32::try_from(gap.attempts).unwrap_or(i32::MAX)
    )
    .execute(connection)
    .await
    .map_err(StoreError::database("store a gap"))?;
    Ok(())
}

/// A stable id of an event that may be noticed twice.
pub(crate) fn event_id(parts: &[&str]) -> Uuid {
    Uuid::new_v5(&hi_common::ids::HOST_ID_NAMESPACE, parts.join("\u{1f}").as_bytes())
}
