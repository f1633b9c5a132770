//! Reading samples.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use futures::TryStreamExt;
use sqlx::{query, query_scalar};

use super::time::{DAY_MS, date, day_number, day_of, timestamp};
use super::{Store, StoreError};
use crate::block::bundle::{self, bundle_of};
use crate::block::{self, BlockError};
use crate::model::{Samples, SeriesId};

/// Distance of samples that is assumed when room is made for them, in milliseconds.
const INTERVAL_MS: i64 = 10_000;
/// Most samples of a series that room is made for in advance.
const RESERVED_MAX: i64 = 1 << 14;

/// What was read of each series so far.
struct Collected {
    series: HashMap<SeriesId, Samples>,
    /// Samples of a series to make room for at once.
    reserved: usize,
}

impl Collected {
    /// Nothing yet, of a range this long.
    fn new(length_ms: i64) -> Self {
        let reserved = usize::try_from((length_ms / INTERVAL_MS).clamp(0, RESERVED_MAX)).unwrap_or(0);
        Self { series: HashMap::new(), reserved }
    }

    fn add(&mut self, id: SeriesId, data: &[u8]) -> Result<(), StoreError> {
        let reserved = self.reserved;
        let samples = self.series.entry(id).or_insert_with(|| Samples {
            id,
            times: Vec::with_capacity(reserved),
            values: Vec::with_capacity(reserved),
        });
        block::decode(data, &mut samples.times, &mut samples.values).map_err(|error| StoreError::Damaged {
            what: format!("a block of series {id}"),
            problem: error.to_string(),
        })
    }

    /// Adds those of a bundle that are wanted.
    fn add_bundle(&mut self, bundle: i32, data: &[u8], wanted: &[SeriesId]) -> Result<(), StoreError> {
        for entry in bundle::blocks(bundle, data).map_err(damaged_bundle(bundle))? {
            let entry = entry.map_err(damaged_bundle(bundle))?;
            if wanted.binary_search(&entry.id).is_ok() {
                self.add(entry.id, &entry.block())?;
            }
        }
        Ok(())
    }

    /// Adds what is newer as a rule: what then is in order of time need not be sorted.
    fn append(&mut self, newer: Self) {
        for (id, samples) in newer.series {
            match self.series.entry(id) {
                Entry::Vacant(entry) => {
                    entry.insert(samples);
                }
                Entry::Occupied(mut entry) => {
                    entry.get_mut().times.extend(samples.times);
                    entry.get_mut().values.extend(samples.values);
                }
            }
        }
    }

    fn finish(self, start_ms: i64, end_ms: i64) -> Vec<Samples> {
        let mut all: Vec<Samples> = self
            .series
            .into_values()
            .map(|samples| in_order(samples, start_ms, end_ms))
            .filter(|samples| !samples.times.is_empty())
            .collect();
        all.sort_unstable_by_key(|samples| samples.id);
        all
    }
}

/// The error of a bundle that cannot be read.
pub(super) fn damaged_bundle(bundle: i32) -> impl Fn(BlockError) -> StoreError {
    move |error| StoreError::Damaged {
        what: format!("bundle {bundle} of a flush"),
        problem: error.to_string(),
    }
}

/// Cuts to the range, sorts by time, and keeps the last of several samples of one time.
fn in_order(samples: Samples, start_ms: i64, end_ms: i64) -> Samples {
    let Samples { id, mut times, mut values } = samples;
    let within = |time: i64| start_ms <= time && time < end_ms;
    let ascending = times.windows(2).all(|pair| pair[0] < pair[1]);
    if ascending {
        let from = times.partition_point(|time| *time < start_ms);
        let to = times.partition_point(|time| *time < end_ms);
        times.truncate(to);
        values.truncate(to);
        times.drain(..from);
        values.drain(..from);
        return Samples { id, times, values };
    }
    let mut pairs: Vec<(i64, f64)> =
        times.into_iter().zip(values).filter(|(time, _)| within(*time)).collect();
    pairs.sort_by_key(|(time, _)| *time);
    let mut kept =
        Samples { id, times: Vec::with_capacity(pairs.len()), values: Vec::with_capacity(pairs.len()) };
    for (time, value) in pairs {
        if kept.times.last() == Some(&time) {
            kept.values.pop();
            kept.times.pop();
        }
        kept.times.push(time);
        kept.values.push(value);
    }
    kept
}

impl Store {
    /// Stored samples with `start_ms <= time < end_ms`, one entry per series that has any, by series. Read the head first.
    ///
    /// # Errors
    /// The database cannot be reached; a block is damaged.
    pub async fn samples(
        &self,
        ids: &[SeriesId],
        start_ms: i64,
        end_ms: i64,
    ) -> Result<Vec<Samples>, StoreError> {
        if start_ms >= end_ms || ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut wanted = ids.to_vec();
        wanted.sort_unstable();
        // Blocks first, days second: see the head of this module.
        let bundles = self.read_bundles(&wanted, start_ms, end_ms).await?;
        let days = self.read_days(&wanted, start_ms, end_ms).await?;
        // Decoding a day of a hundred series takes milliseconds: meanwhile this thread reads on.
        let decoded = tokio::task::spawn_blocking(move || {
            let (mut collected, mut fresh) =
                (Collected::new(end_ms - start_ms), Collected::new(end_ms - start_ms));
            for (id, block) in days {
                collected.add(id, &block)?;
            }
            for (bundle, data) in bundles {
                fresh.add_bundle(bundle, &data, &wanted)?;
            }
            collected.append(fresh);
            Ok(collected.finish(start_ms, end_ms))
        });
        decoded.await.map_err(|error| StoreError::Damaged {
            what: "what was read of samples".to_owned(),
            problem: error.to_string(),
        })?
    }

    /// Bundles of the flushes in the range that may hold the series, which are sorted.
    async fn read_bundles(
        &self,
        wanted: &[SeriesId],
        start_ms: i64,
        end_ms: i64,
    ) -> Result<Vec<(i32, Vec<u8>)>, StoreError> {
        let failed = || StoreError::database("read blocks");
        let mut bundles: Vec<i32> = wanted.iter().map(|id| bundle_of(*id)).collect();
        bundles.dedup();
        let flushes = query_scalar!(
            "SELECT id FROM flush WHERE start < $2 AND stop >= $1 ORDER BY id",
            timestamp(start_ms),
            timestamp(end_ms)
        )
        .fetch_all(&self.pool)
        .await
        .map_err(failed())?;
        if flushes.is_empty() {
            return Ok(Vec::new());
        }
        // A row lies within one day.
        let rows = query!(
            "SELECT bundle, data FROM sample_block
             WHERE flush_id = ANY($1) AND bundle = ANY($2) AND start >= $3 AND start < $4
             ORDER BY flush_id",
            &flushes,
            &bundles,
            timestamp(i64::from(day_of(start_ms)) * DAY_MS),
            timestamp(end_ms)
        );
        rows.fetch(&self.pool).map_ok(|row| (row.bundle, row.data)).try_collect().await.map_err(failed())
    }

    async fn read_days(
        &self,
        wanted: &[SeriesId],
        start_ms: i64,
        end_ms: i64,
    ) -> Result<Vec<(SeriesId, Vec<u8>)>, StoreError> {
        let failed = || StoreError::database("read merged days");
        let bounds = query!("SELECT min(day) AS first, max(day) AS last FROM sample_day")
            .fetch_one(&self.pool)
            .await
            .map_err(failed())?;
        let (Some(first), Some(last)) = (bounds.first, bounds.last) else { return Ok(Vec::new()) };
        let from = day_number(first).max(day_of(start_ms));
        let to = day_number(last).min(day_of(end_ms - 1));
        if from > to {
            return Ok(Vec::new());
        }
        let days: Vec<_> = (from..=to).map(date).collect();
        let rows = query!(
            "SELECT series_id, data FROM sample_day
             WHERE day = ANY($1) AND series_id = ANY($2) AND day >= $3 AND day <= $4 ORDER BY day, part",
            &days,
            wanted,
            date(from),
            date(to)
        );
        rows.fetch(&self.pool).map_ok(|row| (row.series_id, row.data)).try_collect().await.map_err(failed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sample_per_time_wins_whatever_the_order() {
        let samples =
            Samples { id: 1, times: vec![10, 20, 5, 20, 30], values: vec![1.0, 2.0, 3.0, 4.0, 5.0] };
        let got = in_order(samples, 5, 30);
        assert_eq!((got.times, got.values), (vec![5, 10, 20], vec![3.0, 1.0, 4.0]));
        let samples = Samples { id: 1, times: vec![10, 20, 30], values: vec![1.0, 2.0, 3.0] };
        assert_eq!(in_order(samples.clone(), 0, 100), samples);
        assert_eq!(in_order(samples, 20, 30).times, vec![20]);
    }
}
