//! Merging the blocks of a closed day: one row per series instead of one per bundle and flush.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use sqlx::{Postgres, Transaction, query, query_scalar};
use tokio::task::spawn_blocking;

use super::flush::LOCK_DAY;
use super::partition::drop_day;
use super::samples::damaged_bundle;
use super::time::{DAY_MS, date, day_number, timestamp};
use super::{Store, StoreError};
use crate::block;
use crate::block::bundle::{self, bundle_of};
use crate::limits::BLOCK_SAMPLES_MAX;
use crate::model::SeriesId;

/// Bundles merged at a time: bounds memory.
const BUNDLES_AT_A_TIME: i32 = 16;

/// Encoded blocks of one series, in the order they were written.
type Pieces = BTreeMap<SeriesId, Vec<Vec<u8>>>;

/// A row of `sample_day`.
struct Merged {
    series: SeriesId,
    part: i16,
    last_at: i64,
    data: Vec<u8>,
}

impl Store {
    /// Days that have blocks, oldest first, up to and without `before_day`.
    pub(crate) async fn days_unmerged(&self, before_day: i32) -> Result<Vec<i32>, StoreError> {
        let days =
            query_scalar!("SELECT DISTINCT day FROM flush WHERE day < $1 ORDER BY day", date(before_day))
                .fetch_all(&self.pool)
                .await
                .map_err(StoreError::database("list days to merge"))?;
        Ok(days.into_iter().map(day_number).collect())
    }

    /// Merges one day: its blocks and what is merged of it already become one row per series, and the blocks are dropped,
    /// all in one transaction. Says how many blocks became how many rows.
    pub(crate) async fn day_merge(&self, day: i32) -> Result<(usize, usize), StoreError> {
        let failed = || StoreError::database("merge a day");
        self.ensure_partitions(&[day]).await?;
        let mut tx = self.pool.begin().await.map_err(failed())?;
        // Waits for flushes into that day, and keeps new ones waiting.
        query!("SELECT pg_advisory_xact_lock($1, $2)", LOCK_DAY, day)
            .fetch_one(&mut *tx)
            .await
            .map_err(failed())?;
        let flushes = query_scalar!("SELECT id FROM flush WHERE day = $1", date(day))
            .fetch_all(&mut *tx)
            .await
            .map_err(failed())?;
        let last = query_scalar!("SELECT coalesce(max(id), 0) AS \"id!\" FROM series")
            .fetch_one(&mut *tx)
            .await
            .map_err(failed())?;
        let again =
            query_scalar!("SELECT EXISTS (SELECT FROM sample_day WHERE day = $1) AS \"again!\"", date(day))
                .fetch_one(&mut *tx)
                .await
                .map_err(failed())?;
        let (mut blocks, mut rows) = (0, 0);
        let (mut first, last) = (0, bundle_of(last));
        while first <= last && !flushes.is_empty() {
            let range = (first, first.saturating_add(BUNDLES_AT_A_TIME));
            let (read, written) = merge_range(&mut tx, (day, again), &flushes, range).await?;
            blocks += read;
            rows += written;
            first = range.1;
        }
        query!("DELETE FROM flush WHERE day = $1", date(day)).execute(&mut *tx).await.map_err(failed())?;
        // The only step that waits for readers; it comes last, and gives up rather than hold everybody.
        query!("SET LOCAL lock_timeout = '30s'").execute(&mut *tx).await.map_err(failed())?;
        drop_day(&mut tx, &self.flavour(), day).await?;
        tx.commit().await.map_err(failed())?;
        Ok((blocks, rows))
    }
}

/// Merges some bundles. `again`: something of that day is merged already.
async fn merge_range(
    tx: &mut Transaction<'_, Postgres>,
    (day, again): (i32, bool),
    flushes: &[i32],
    (first, end): (i32, i32),
) -> Result<(usize, usize), StoreError> {
    let failed = || StoreError::database("read blocks to merge");
    let start = i64::from(day) * DAY_MS;
    let mut fresh = Pieces::new();
    let mut blocks = 0;
    {
        let mut rows = query!(
            "SELECT bundle, data FROM sample_block
             WHERE flush_id = ANY($1) AND bundle >= $2 AND bundle < $3 AND start >= $4 AND start < $5
             ORDER BY flush_id",
            flushes,
            first,
            end,
            timestamp(start),
            timestamp(start + DAY_MS)
        )
        .fetch(&mut **tx);
        while let Some(row) = rows.try_next().await.map_err(failed())? {
            for block in bundle::blocks(row.bundle, &row.data).map_err(damaged_bundle(row.bundle))? {
                let block = block.map_err(damaged_bundle(row.bundle))?;
                fresh.entry(block.id).or_default().push(block.block());
                blocks += 1;
            }
        }
    }
    if fresh.is_empty() {
        return Ok((0, 0));
    }
    if again {
        take_merged(tx, day, &mut fresh).await?;
    }
    let merged = spawn_blocking(move || fresh.into_iter().map(merge_series).collect::<Result<Vec<_>, _>>())
        .await
        .map_err(|error| damaged("a merge", &error))??;
    let merged: Vec<Merged> = merged.into_iter().flatten().collect();
    write(tx, day, &merged).await?;
    Ok((blocks, merged.len()))
}

/// Takes out what is merged of these series already and puts it in front.
async fn take_merged(
    tx: &mut Transaction<'_, Postgres>,
    day: i32,
    pieces: &mut Pieces,
) -> Result<(), StoreError> {
    let ids: Vec<SeriesId> = pieces.keys().copied().collect();
    let rows = query!(
        "DELETE FROM sample_day WHERE day = $1 AND series_id = ANY($2) RETURNING series_id, part, data",
        date(day),
        &ids
    )
    .fetch_all(&mut **tx)
    .await
    .map_err(StoreError::database("read merged days to merge again"))?;
    let mut merged: Vec<_> = rows.into_iter().map(|row| (row.part, row.series_id, row.data)).collect();
    // Inserted in front one by one, the last part first.
    merged.sort_unstable_by_key(|(part, ..)| std::cmp::Reverse(*part));
    for (_, series, data) in merged {
        pieces.entry(series).or_default().insert(0, data);
    }
    Ok(())
}

fn damaged(what: &str, error: &dyn std::error::Error) -> StoreError {
    StoreError::Damaged { what: what.to_owned(), problem: error.to_string() }
}

/// Decodes, puts in order of time, and encodes as few blocks as the limit allows. Nothing is dropped: of samples with one
/// time the later written stays behind the earlier.
fn merge_series((series, pieces): (SeriesId, Vec<Vec<u8>>)) -> Result<Vec<Merged>, StoreError> {
    let named = |error: block::BlockError| damaged(&format!("a block of series {series}"), &error);
    let (mut times, mut values) = (Vec::new(), Vec::new());
    for piece in &pieces {
        block::decode(piece, &mut times, &mut values).map_err(named)?;
    }
    if !times.is_sorted() {
        let mut pairs: Vec<(i64, f64)> = times.into_iter().zip(values).collect();
        pairs.sort_by_key(|(time, _)| *time);
        (times, values) = pairs.into_iter().unzip();
    }
    let last_at = times.last().copied().unwrap_or(0);
    let parts = times.chunks(BLOCK_SAMPLES_MAX).zip(values.chunks(BLOCK_SAMPLES_MAX)).enumerate();
    parts
        .map(|(part, (times, values))| {
            let mut data = Vec::new();
            block::encode(times, values, &mut data).map_err(named)?;
            Ok(Merged { series, part: i16::try_from(part).unwrap_or(i16::MAX), last_at, data })
        })
        .collect()
}

async fn write(tx: &mut Transaction<'_, Postgres>, day: i32, merged: &[Merged]) -> Result<(), StoreError> {
    let failed = || StoreError::database("write a merged day");
    let ids: Vec<i32> = merged.iter().map(|m| m.series).collect();
    let parts: Vec<i16> = merged.iter().map(|m| m.part).collect();
    let last: Vec<_> = merged.iter().map(|m| timestamp(m.last_at)).collect();
    let data: Vec<&[u8]> = merged.iter().map(|m| m.data.as_slice()).collect();
    query!(
        "INSERT INTO sample_day (day, series_id, part, data)
         SELECT $1, * FROM UNNEST($2::int4[], $3::int2[], $4::bytea[])",
        date(day),
        &ids,
        &parts,
        &data as &[&[u8]]
    )
    .execute(&mut **tx)
    .await
    .map_err(failed())?;
    query!(
        "UPDATE series SET last_seen = u.seen FROM UNNEST($1::int4[], $2::timestamptz[]) AS u(id, seen)
         WHERE series.id = u.id AND series.last_seen < u.seen",
        &ids,
        &last
    )
    .execute(&mut **tx)
    .await
    .map_err(failed())?;
    Ok(())
}
