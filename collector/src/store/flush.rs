//! Writing what the head holds: one transaction for samples and all that must agree with them.

use sqlx::postgres::PgConnection;
use sqlx::{Postgres, Transaction, query, query_scalar};
use tokio::sync::mpsc;

use super::journal::{self, CursorRow, Journal, Position};
use super::time::{date, timestamp};
use super::{CopyRows, Store, StoreError};
use crate::model::HostKey;

/// Class of the advisory locks on days; the second key is the day's number.
pub(super) const LOCK_DAY: i32 = 0x6869_0001;

/// Key of the advisory lock that a flush holds.
const LOCK_FLUSH: i64 = 0x6869_0003;

/// What a flush wrote for one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FlushGroup {
    pub(crate) id: i32,
    pub(crate) day: i32,
    /// Time of its first sample.
    pub(crate) start: i64,
    /// Time of its last sample.
    pub(crate) stop: i64,
    pub(crate) blocks: i32,
    pub(crate) samples: i64,
}

/// When a host was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostSeen {
    pub(crate) host: HostKey,
    pub(crate) seen_at: i64,
    pub(crate) epoch: u64,
}

/// What is written beside samples.
#[derive(Clone, Debug, Default)]
pub(crate) struct FlushMeta {
    /// Stream whose position moves on.
    pub(crate) stream: &'static str,
    /// Where it was stored to before, as far as this collector knows.
    pub(crate) position_before: Option<Position>,
    /// Where to.
    pub(crate) position: Option<Position>,
    pub(crate) cursors: Vec<CursorRow>,
    pub(crate) cursors_closed: Vec<(HostKey, u64)>,
    pub(crate) hosts: Vec<HostSeen>,
    /// Start of the hour and host.
    pub(crate) dirty_hours: Vec<(i64, HostKey)>,
    /// Layouts in use, those not marked for half a day.
    pub(crate) layouts: Vec<(HostKey, String, u64)>,
    pub(crate) journal: Vec<Journal>,
}

/// What became of a flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// It is committed; also when an earlier attempt was, whose answer got lost.
    Done,
    /// The stored position is not the one this flush continues: another collector has written.
    Superseded,
}

/// A flush on its way.
pub(crate) struct Flush {
    tx: Transaction<'static, Postgres>,
    /// Numbers of the groups, one per day.
    pub(crate) ids: Vec<i32>,
}

impl Store {
    /// Begins a flush that will write samples of these days; or says that there is nothing to write any more. Only one flush
    /// runs at a time, and only one that continues what is stored, so that no sample can be written twice: not by an attempt
    /// whose answer was lost, and not by a second collector.
    pub(crate) async fn flush_begin(
        &self,
        days: &[i32],
        meta: &FlushMeta,
    ) -> Result<Result<Flush, Written>, StoreError> {
        self.ensure_partitions(days).await?;
        let failed = || StoreError::database("begin a flush");
        let mut tx = self.pool.begin().await.map_err(failed())?;
        query!("SELECT pg_advisory_xact_lock($1)", LOCK_FLUSH).fetch_one(&mut *tx).await.map_err(failed())?;
        let stored = journal::read_position(&mut tx, meta.stream).await?;
        if stored != meta.position_before {
            let done = stored.is_some() && stored == meta.position;
            return Ok(Err(if done { Written::Done } else { Written::Superseded }));
        }
        for day in days {
            // A merge of that day, which drops its partition, holds this lock alone.
            query!("SELECT pg_advisory_xact_lock_shared($1, $2)", LOCK_DAY, day)
                .fetch_one(&mut *tx)
                .await
                .map_err(failed())?;
        }
        let ids = query_scalar!(
            "SELECT nextval(pg_get_serial_sequence('flush', 'id'))::int4 AS \"id!\" FROM generate_series(1, $1)",
            i32::try_from(days.len()).unwrap_or(i32::MAX)
        )
        .fetch_all(&mut *tx)
        .await
        .map_err(failed())?;
        Ok(Ok(Flush { tx, ids }))
    }
}

impl Flush {
    /// Writes rows of `sample_block` as they come; [`CopyRows`] without header and trailer. COPY is a runtime statement:
    /// the macros know none.
    pub(crate) async fn copy(&mut self, mut rows: mpsc::Receiver<Vec<u8>>) -> Result<(), StoreError> {
        let failed = || StoreError::database("write blocks");
        let connection: &mut PgConnection = &mut self.tx;
        let mut copy = connection
            .copy_in_raw("COPY sample_block (start, flush_id, bundle, data) FROM STDIN (FORMAT BINARY)")
            .await
            .map_err(failed())?;
        copy.send(CopyRows::HEADER).await.map_err(failed())?;
        while let Some(chunk) = rows.recv().await {
            copy.send(chunk).await.map_err(failed())?;
        }
        copy.send(CopyRows::TRAILER).await.map_err(failed())?;
        copy.finish().await.map_err(failed())?;
        Ok(())
    }

    /// Writes all that must agree with the samples.
    pub(crate) async fn meta(
        &mut self,
        groups: &[FlushGroup],
        meta: &FlushMeta,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let connection: &mut PgConnection = &mut self.tx;
        write_groups(connection, groups, now_ms).await?;
        journal::write_cursors(connection, &meta.cursors, &meta.cursors_closed, now_ms).await?;
        if let Some(position) = &meta.position {
            journal::write_position(connection, meta.stream, position).await?;
        }
        write_hosts(connection, &meta.hosts).await?;
        write_dirty_hours(connection, &meta.dirty_hours).await?;
        write_layouts(connection, &meta.layouts, now_ms).await?;
        journal::write(connection, &meta.journal).await
    }

    /// Commits. An error leaves open whether it did: the cursors tell when they are read again.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        self.tx.commit().await.map_err(StoreError::database("commit a flush"))
    }
}

async fn write_groups(
    connection: &mut PgConnection,
    groups: &[FlushGroup],
    now_ms: i64,
) -> Result<(), StoreError> {
    for group in groups.iter().filter(|group| group.samples > 0) {
        query!(
            "INSERT INTO flush (id, day, start, stop, blocks, samples, committed_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            group.id,
            date(group.day),
            timestamp(group.start),
            timestamp(group.stop),
            group.blocks,
            group.samples,
            timestamp(now_ms)
        )
        .execute(&mut *connection)
        .await
        .map_err(StoreError::database("record a flush"))?;
    }
    Ok(())
}

async fn write_hosts(connection: &mut PgConnection, hosts: &[HostSeen]) -> Result<(), StoreError> {
    let ids: Vec<i32> = hosts.iter().map(|h| h.host).collect();
    let seen: Vec<_> = hosts.iter().map(|h| timestamp(h.seen_at)).collect();
    let epochs: Vec<i64> = hosts.iter().map(|h| h.epoch.cast_signed()).collect();
    query!(
        "UPDATE host SET last_seen = greatest(host.last_seen, s.seen), epoch = greatest(host.epoch, s.epoch)
         FROM UNNEST($1::int4[], $2::timestamptz[], $3::int8[]) AS s(id, seen, epoch) WHERE host.id = s.id",
        &ids,
        &seen,
        &epochs
    )
    .execute(connection)
    .await
    .map_err(StoreError::database("store when hosts were seen"))?;
    Ok(())
}

async fn write_dirty_hours(
    connection: &mut PgConnection,
    hours: &[(i64, HostKey)],
) -> Result<(), StoreError> {
    let starts: Vec<_> = hours.iter().map(|(hour, _)| timestamp(*hour)).collect();
    let hosts: Vec<i32> = hours.iter().map(|(_, host)| *host).collect();
    // DO UPDATE locks the row, so that a task that takes it away now waits for these samples (see `hours`).
    query!(
        "INSERT INTO dirty_hour (hour, host_id) SELECT * FROM UNNEST($1::timestamptz[], $2::int4[])
         ON CONFLICT (hour, host_id) DO UPDATE SET hour = excluded.hour",
        &starts,
        &hosts
    )
    .execute(connection)
    .await
    .map_err(StoreError::database("mark hours"))?;
    Ok(())
}

async fn write_layouts(
    connection: &mut PgConnection,
    layouts: &[(HostKey, String, u64)],
    now_ms: i64,
) -> Result<(), StoreError> {
    let hosts: Vec<i32> = layouts.iter().map(|(host, ..)| *host).collect();
    let sources: Vec<String> = layouts.iter().map(|(_, source, _)| source.clone()).collect();
    let hashes: Vec<i64> = layouts.iter().map(|(.., hash)| hash.cast_signed()).collect();
    query!(
        "UPDATE layout SET used_at = $4 FROM UNNEST($1::int4[], $2::text[], $3::int8[]) AS u(host_id, source, hash)
         WHERE layout.host_id = u.host_id AND layout.source = u.source AND layout.hash = u.hash",
        &hosts,
        &sources,
        &hashes,
        timestamp(now_ms)
    )
    .execute(connection)
    .await
    .map_err(StoreError::database("mark layouts"))?;
    Ok(())
}
