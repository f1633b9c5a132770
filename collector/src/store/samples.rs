//! Reading samples.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use futures::TryStreamExt;
use sqlx::{query, query_scalar};

use super::time::{DAY_MS, date, day_number, day_of, timestamp};
use super::{Store, StoreError};
use crate::block;
use crate::model::{Samples, SeriesId};

/// What was read of each series so far.
#[derive(Default)]
struct Collected {
    series: HashMap<SeriesId, Samples>,
}

impl Collected {
    fn add(&mut self, id: SeriesId, data: &[u8]) -> Result<(), StoreError> {
        let samples = self.series.entry(id).or_insert_with(|| Samples { id, ..Samples::default() });
        block::decode(data, &mut samples.times, &mut samples.values).map_err(|error| StoreError::Damaged {
            what: format!("a block of series {id}"),
            problem: error.to_string(),
        })
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

/// Cuts to the range, sorts by time, and keeps the last of several samples of one time.
fn in_order(samples: Samples, start_ms: i64, end_ms: i64) -> Samples {
    let Samples { id, times, values } = samples;
    let within = |time: i64| start_ms <= time && time < end_ms;
    let ascending = times.windows(2).all(|pair| pair[0] < pair[1]);
    if ascending {
        let from = times.partition_point(|time| *time < start_ms);
        let to = times.partition_point(|time| *time < end_ms);
        if from == 0 && to == times.len() {
            return Samples { id, times, values };
        }
        return Samples { id, times: times[from..to].to_vec(), values: values[from..to].to_vec() };
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
        let mut collected = Collected::default();
        if start_ms >= end_ms || ids.is_empty() {
            return Ok(Vec::new());
        }
        // Blocks first, days second: see the head of this module.
        let mut fresh = Collected::default();
        self.read_blocks(&mut fresh, ids, start_ms, end_ms).await?;
        self.read_days(&mut collected, ids, start_ms, end_ms).await?;
        collected.append(fresh);
        Ok(collected.finish(start_ms, end_ms))
    }

    async fn read_blocks(
        &self,
        collected: &mut Collected,
        ids: &[SeriesId],
        start_ms: i64,
        end_ms: i64,
    ) -> Result<(), StoreError> {
        let failed = || StoreError::database("read blocks");
        let flushes = query_scalar!(
            "SELECT id FROM flush WHERE start < $2 AND stop >= $1 ORDER BY id",
            timestamp(start_ms),
            timestamp(end_ms)
        )
        .fetch_all(&self.pool)
        .await
        .map_err(failed())?;
        if flushes.is_empty() {
            return Ok(());
        }
        // A block lies within one day.
        let mut rows = query!(
            "SELECT series_id, data FROM sample_block
             WHERE flush_id = ANY($1) AND series_id = ANY($2) AND start >= $3 AND start < $4
             ORDER BY flush_id",
            &flushes,
            ids,
            timestamp(i64::from(day_of(start_ms)) * DAY_MS),
            timestamp(end_ms)
        )
        .fetch(&self.pool);
        while let Some(row) = rows.try_next().await.map_err(failed())? {
            collected.add(row.series_id, &row.data)?;
        }
        Ok(())
    }

    async fn read_days(
        &self,
        collected: &mut Collected,
        ids: &[SeriesId],
        start_ms: i64,
        end_ms: i64,
    ) -> Result<(), StoreError> {
        let failed = || StoreError::database("read merged days");
        let bounds = query!("SELECT min(day) AS first, max(day) AS last FROM sample_day")
            .fetch_one(&self.pool)
            .await
            .map_err(failed())?;
        let (Some(first), Some(last)) = (bounds.first, bounds.last) else { return Ok(()) };
        let from = day_number(first).max(day_of(start_ms));
        let to = day_number(last).min(day_of(end_ms - 1));
        if from > to {
            return Ok(());
        }
        let days: Vec<_> = (from..=to).map(date).collect();
        let mut rows = query!(
            "SELECT series_id, data FROM sample_day
             WHERE day = ANY($1) AND series_id = ANY($2) AND day >= $3 AND day <= $4 ORDER BY day, part",
            &days,
            ids,
            date(from),
            date(to)
        )
        .fetch(&self.pool);
        while let Some(row) = rows.try_next().await.map_err(failed())? {
            collected.add(row.series_id, &row.data)?;
        }
        Ok(())
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
