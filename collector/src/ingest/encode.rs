//! Turns frozen segments into rows of bundles of blocks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use hi_common::batch::is_absent;

use super::head::Segment;
use super::stages::Stage;
use super::stats::Counters;
use crate::block;
use crate::block::bundle::{Bundle, bundle_of};
use crate::limits::BLOCK_SAMPLES_MAX;
use crate::model::{HostKey, SeriesId};
use crate::store::{CopyRows, FlushGroup, HOUR_MS, day_of};

/// Size of the chunks handed to the database, in bytes.
const CHUNK_BYTES: usize = 256 << 10;
/// Size at which a bundle is ended, in bytes; the next row goes on with the same series.
const BUNDLE_BYTES: usize = 1 << 20;
/// Samples from which on several cores encode.
const PARALLEL_SAMPLES: usize = 2_000_000;

/// Days that have samples, ascending.
pub(crate) fn days(segments: &[Segment]) -> Vec<i32> {
    let mut days: Vec<i32> = Vec::new();
    for time in segments.iter().flat_map(|segment| &segment.times) {
        let day = day_of(*time);
        if days.last() != Some(&day) {
            days.push(day);
        }
    }
    days.sort_unstable();
    days.dedup();
    days
}

/// Hours that have samples, with the host.
pub(crate) fn hours(segments: &[Segment]) -> Vec<(i64, HostKey)> {
    let mut hours: Vec<(i64, HostKey)> = Vec::new();
    for segment in segments {
        for time in &segment.times {
            let hour = (time.div_euclid(HOUR_MS) * HOUR_MS, segment.layout.host);
            if hours.last() != Some(&hour) {
                hours.push(hour);
            }
        }
    }
    hours.sort_unstable();
    hours.dedup();
    hours
}

/// Encodes everything on blocking threads, as many as there are cores when it is much; rows go into `out`. What was
/// written, by day.
pub(crate) async fn encode_all(
    segments: &Arc<Vec<Segment>>,
    groups: &[(i32, i32)],
    stats: &Arc<Counters>,
    out: mpsc::Sender<Vec<u8>>,
) -> Result<Vec<FlushGroup>, block::BlockError> {
    let samples: usize = segments.iter().map(|segment| segment.values.len()).sum();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = if samples < PARALLEL_SAMPLES { 1 } else { cores };
    let mut tasks = Vec::new();
    for range in host_ranges(segments, workers) {
        let (segments, stats, out) = (Arc::clone(segments), Arc::clone(stats), out.clone());
        let groups = groups.to_vec();
        tasks.push(tokio::task::spawn_blocking(move || {
            let begun = Instant::now();
            let mut writer = Writer::new(&groups, out);
            for host in
                segments.get(range).unwrap_or_default().chunk_by(|a, b| a.layout.host == b.layout.host)
            {
                writer.host(host)?;
            }
            writer.send();
            stats.stage(Stage::Encode, begun.elapsed().saturating_sub(writer.waited));
            Ok(writer.groups)
        }));
    }
    drop(out);
    let mut total: BTreeMap<i32, FlushGroup> = BTreeMap::new();
    for task in tasks {
        let written = task.await.map_err(|error| block::BlockError::Pco(error.to_string()))??;
        for (day, group) in written {
            total.entry(day).and_modify(|t| add(t, &group)).or_insert(group);
        }
    }
    Ok(total.into_values().collect())
}

fn add(total: &mut FlushGroup, more: &FlushGroup) {
    total.start = total.start.min(more.start);
    total.stop = total.stop.max(more.stop);
    total.blocks = total.blocks.saturating_add(more.blocks);
    total.samples += more.samples;
}

/// Cuts the segments, which are sorted by host, into about equal parts between hosts.
fn host_ranges(segments: &[Segment], parts: usize) -> Vec<std::ops::Range<usize>> {
    let mut ranges = Vec::new();
    let mut from = 0;
    for part in 1..=parts {
        let mut to = (segments.len() * part / parts).max(from);
        while to > 0 && to < segments.len() && segments[to].layout.host == segments[to - 1].layout.host {
            to += 1;
        }
        if from < to {
            ranges.push(from..to);
        }
        from = to;
    }
    ranges
}

/// A bundle that is being filled.
struct Open {
    number: i32,
    /// Time of its first sample.
    start: i64,
    bundle: Bundle,
}

struct Writer {
    rows: CopyRows,
    out: mpsc::Sender<Vec<u8>>,
    /// By day: a series may reach over midnight.
    open: BTreeMap<i32, Open>,
    block: Vec<u8>,
    groups: BTreeMap<i32, FlushGroup>,
    times: Vec<i64>,
    values: Vec<f64>,
    /// Time spent waiting until the database took a chunk.
    waited: Duration,
}

impl Writer {
    /// `groups` are days with the numbers of their groups.
    fn new(groups: &[(i32, i32)], out: mpsc::Sender<Vec<u8>>) -> Self {
        let group = |(day, id): &(i32, i32)| {
            let empty =
                FlushGroup { id: *id, day: *day, start: i64::MAX, stop: i64::MIN, blocks: 0, samples: 0 };
            (*day, empty)
        };
        Self {
            rows: CopyRows::default(),
            out,
            open: BTreeMap::new(),
            block: Vec::new(),
            groups: groups.iter().map(group).collect(),
            times: Vec::new(),
            values: Vec::new(),
            waited: Duration::ZERO,
        }
    }

    /// Writes all series of one host, in order of their numbers.
    fn host(&mut self, segments: &[Segment]) -> Result<(), block::BlockError> {
        let orders: Vec<Option<Vec<u32>>> = segments.iter().map(order).collect();
        let mut columns: Vec<(SeriesId, usize, u32)> = Vec::new();
        for (index, segment) in segments.iter().enumerate() {
            columns.extend(segment.layout.columns.iter().map(|(id, column)| (*id, index, *column)));
        }
        columns.sort_unstable();
        for series in columns.chunk_by(|a, b| a.0 == b.0) {
            self.times.clear();
            self.values.clear();
            for (_, index, column) in series {
                if let (Some(segment), Some(order)) = (segments.get(*index), orders.get(*index)) {
                    gather(segment, order.as_deref(), *column as usize, &mut self.times, &mut self.values);
                }
            }
            if series.len() > 1 && !self.times.is_sorted() {
                let mut pairs: Vec<(i64, f64)> =
                    self.times.iter().copied().zip(self.values.iter().copied()).collect();
                pairs.sort_by_key(|(time, _)| *time);
                (self.times, self.values) = pairs.into_iter().unzip();
            }
            if let Some((id, ..)) = series.first() {
                self.series(*id)?;
            }
        }
        let open: Vec<i32> = self.open.keys().copied().collect();
        open.into_iter().for_each(|day| self.end_bundle(day));
        Ok(())
    }

    /// Writes the gathered samples of one series: a block per day.
    fn series(&mut self, id: SeriesId) -> Result<(), block::BlockError> {
        let mut from = 0;
        while from < self.times.len() {
            let day = day_of(self.times[from]);
            let rest = &self.times[from..];
            let length = rest.partition_point(|time| day_of(*time) == day).min(BLOCK_SAMPLES_MAX);
            let (times, values) = (&self.times[from..from + length], &self.values[from..from + length]);
            let Some(group) = self.groups.get_mut(&day) else {
                return Err(block::BlockError::Invalid("is of a day that was not announced"));
            };
            self.block.clear();
            block::encode(times, values, &mut self.block)?;
            group.start = group.start.min(times[0]);
            group.stop = group.stop.max(times[length - 1]);
            group.blocks = group.blocks.saturating_add(1);
            group.samples += length as i64;
            self.bundle(day, id, times[0]);
            from += length;
        }
        Ok(())
    }

    /// Adds the encoded block to the bundle of its day and series.
    fn bundle(&mut self, day: i32, id: SeriesId, start: i64) {
        let number = bundle_of(id);
        let ends = |open: &Open| open.number != number || open.bundle.bytes().len() >= BUNDLE_BYTES;
        if self.open.get(&day).is_some_and(ends) {
            self.end_bundle(day);
        }
        let open = self.open.entry(day).or_insert_with(|| Open { number, start, bundle: Bundle::default() });
        open.start = open.start.min(start);
        open.bundle.push(id, &self.block);
    }

    fn end_bundle(&mut self, day: i32) {
        if let (Some(open), Some(group)) = (self.open.remove(&day), self.groups.get(&day)) {
            self.rows.block(open.start, group.id, open.number, open.bundle.bytes());
        }
        if self.rows.bytes.len() >= CHUNK_BYTES {
            self.send();
        }
    }

    fn send(&mut self) {
        let chunk = std::mem::take(&mut self.rows.bytes);
        if !chunk.is_empty() {
            // Closed only when the flush has failed, which its other end reports.
            let begun = Instant::now();
            let _ = self.out.blocking_send(chunk);
            self.waited += begun.elapsed();
        }
    }
}

/// Order of the rows by time; `None` when they came in order.
fn order(segment: &Segment) -> Option<Vec<u32>> {
    if segment.times.is_sorted() {
        return None;
    }
    let mut order: Vec<u32> = (0..segment.times.len() as u32).collect();
    order.sort_by_key(|row| segment.times.get(*row as usize));
    Some(order)
}

/// Appends the samples of one column, in order of time, without those that have no value.
fn gather(
    segment: &Segment,
    order: Option<&[u32]>,
    column: usize,
    times: &mut Vec<i64>,
    values: &mut Vec<f64>,
) {
    let width = segment.width();
    let mut push = |row: usize| {
        let value = segment.values[row * width + column];
        if !is_absent(value) {
            times.push(segment.times[row]);
            values.push(value);
        }
    };
    match order {
        None => (0..segment.times.len()).for_each(&mut push),
        Some(order) => order.iter().for_each(|row| push(*row as usize)),
    }
}
