//! The head: samples that are not in the database yet, readable at once.
//!
//! Samples lie row by row as they came: a segment per layout, with one time and one row of values per reading. Taking a
//! reading is a copy of its values. A flush freezes what is there; new readings go to new segments, and the frozen ones stay
//! readable until they are committed.

use std::collections::HashMap;
use std::mem::size_of;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hi_common::batch::is_absent;

use crate::model::{HostKey, Layout, SeriesId};

use super::LiveRow;

/// Samples of one layout.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) layout: Arc<Layout>,
    /// Time of each row, in order of arrival.
    pub(crate) times: Vec<i64>,
    /// Rows, one after the other.
    pub(crate) values: Vec<f64>,
}

impl Segment {
    /// Values per row.
    pub(crate) fn width(&self) -> usize {
        self.layout.series.len()
    }

    fn push(&mut self, at: i64, values: &[f64]) {
        if self.times.len() == self.times.capacity() {
            // By half, not double: the head is what most of the collector's memory is.
            let more = (self.times.len() / 2).max(8);
            self.times.reserve_exact(more);
            self.values.reserve_exact(more * values.len());
        }
        self.times.push(at);
        self.values.extend_from_slice(values);
    }

    fn read(&self, column: usize, start_ms: i64, end_ms: i64, out: &mut (Vec<i64>, Vec<f64>)) {
        let column = self.values.iter().skip(column).step_by(self.width().max(1));
        for (time, value) in self.times.iter().zip(column) {
            if *time >= start_ms && *time < end_ms && !is_absent(*value) {
                out.0.push(*time);
                out.1.push(*value);
            }
        }
    }
}

#[derive(Default)]
struct Inner {
    /// By address of the layout, which the segment keeps alive.
    active: HashMap<usize, Segment>,
    frozen: Arc<Vec<Segment>>,
    latest: HashMap<HostKey, Vec<Arc<LiveRow>>>,
    active_samples: u64,
    active_bytes: u64,
    frozen_samples: u64,
    frozen_bytes: u64,
    oldest_at: Option<i64>,
    frozen_oldest_at: Option<i64>,
}

/// Samples not yet in the database.
pub struct Head {
    limit_bytes: u64,
    inner: RwLock<Inner>,
}

/// Size of the head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeadStats {
    /// Memory taken by samples, bytes.
    pub bytes: u64,
    /// Its limit, bytes.
    pub limit_bytes: u64,
    /// Samples held.
    pub samples: u64,
    /// Time of the oldest sample, Unix milliseconds.
    pub oldest_at: Option<i64>,
}

impl Head {
    /// An empty head that takes so many bytes.
    pub fn new(limit_bytes: u64) -> Self {
        Self { limit_bytes, inner: RwLock::default() }
    }

    fn lock(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_mut(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a reading whose values fit its layout. `newest`: none newer of that source has come yet.
    pub(crate) fn append(&self, row: &Arc<LiveRow>, newest: bool) {
        let inner = &mut *self.lock_mut();
        let layout = &row.layout;
        let segment = inner.active.entry(Arc::as_ptr(layout).addr()).or_insert_with(|| Segment {
            layout: Arc::clone(layout),
            times: Vec::new(),
            values: Vec::new(),
        });
        segment.push(row.at, &row.values);
        inner.active_samples += row.values.len() as u64;
        inner.active_bytes += ((row.values.len() + 1) * size_of::<f64>()) as u64;
        inner.oldest_at = Some(inner.oldest_at.map_or(row.at, |oldest| oldest.min(row.at)));
        if newest {
            let rows = inner.latest.entry(row.host).or_default();
            match rows.iter_mut().find(|known| known.layout.source == layout.source) {
                Some(known) => *known = Arc::clone(row),
                None => rows.push(Arc::clone(row)),
            }
        }
    }

    /// Samples of the series with `start_ms <= time < end_ms`, ascending by time, one per time. Series without any are left
    /// out.
    pub fn read(&self, ids: &[SeriesId], start_ms: i64, end_ms: i64) -> Vec<(SeriesId, Vec<i64>, Vec<f64>)> {
        let mut wanted = ids.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        let mut found: HashMap<SeriesId, (Vec<i64>, Vec<f64>)> = HashMap::new();
        let inner = self.lock();
        for segment in inner.frozen.iter().chain(inner.active.values()) {
            let columns = &segment.layout.columns;
            let (Some((first, _)), Some((last, _))) = (columns.first(), columns.last()) else { continue };
            let from = wanted.partition_point(|id| id < first);
            for id in wanted.iter().skip(from).take_while(|id| *id <= last) {
                if let Some(column) = segment.layout.column(*id) {
                    segment.read(column, start_ms, end_ms, found.entry(*id).or_default());
                }
            }
        }
        drop(inner);
        let filled = wanted.into_iter().filter_map(|id| {
            let (times, values) = found.remove(&id)?;
            (!times.is_empty()).then(|| ascending(id, times, values))
        });
        filled.collect()
    }

    /// Newest reading of each source of a host, also when it is already in the database (until the collector restarts).
    pub fn latest(&self, host: HostKey) -> Vec<Arc<LiveRow>> {
        self.lock().latest.get(&host).cloned().unwrap_or_default()
    }

    /// Its size.
    pub fn stats(&self) -> HeadStats {
        let inner = self.lock();
        HeadStats {
            bytes: inner.active_bytes + inner.frozen_bytes,
            limit_bytes: self.limit_bytes,
            samples: inner.active_samples + inner.frozen_samples,
            oldest_at: [inner.oldest_at, inner.frozen_oldest_at].into_iter().flatten().min(),
        }
    }

    /// Whether it takes no more.
    pub(crate) fn is_full(&self) -> bool {
        let inner = self.lock();
        inner.active_bytes + inner.frozen_bytes >= self.limit_bytes
    }

    /// Whether it is time to write what is there although the interval is not over.
    pub(crate) fn wants_flush(&self) -> bool {
        self.lock().active_bytes >= self.limit_bytes / 2
    }

    /// Sets aside all that is there, for a flush. What was set aside before must have been dropped.
    pub(crate) fn freeze(&self) -> Arc<Vec<Segment>> {
        let inner = &mut *self.lock_mut();
        debug_assert!(inner.frozen.is_empty(), "a flush begins while another is on its way");
        let mut segments: Vec<Segment> = inner.active.drain().map(|(_, segment)| segment).collect();
        segments.sort_unstable_by_key(|s| (s.layout.host, s.layout.columns.first().map(|(id, _)| *id)));
        inner.frozen = Arc::new(segments);
        inner.frozen_samples = std::mem::take(&mut inner.active_samples);
        inner.frozen_bytes = std::mem::take(&mut inner.active_bytes);
        inner.frozen_oldest_at = inner.oldest_at.take();
        Arc::clone(&inner.frozen)
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        *self.lock_mut() = Inner::default();
    }

    /// Forgets what was set aside: it is committed.
    pub(crate) fn drop_frozen(&self) {
        let inner = &mut *self.lock_mut();
        inner.frozen = Arc::default();
        inner.frozen_samples = 0;
        inner.frozen_bytes = 0;
        inner.frozen_oldest_at = None;
    }
}

/// In order of time; of samples with one time the last one that came.
fn ascending(id: SeriesId, times: Vec<i64>, values: Vec<f64>) -> (SeriesId, Vec<i64>, Vec<f64>) {
    if times.windows(2).all(|pair| pair[0] < pair[1]) {
        return (id, times, values);
    }
    let mut pairs: Vec<(i64, f64)> = times.into_iter().zip(values).collect();
    pairs.sort_by_key(|(time, _)| *time);
    pairs.reverse();
    pairs.dedup_by_key(|(time, _)| *time);
    pairs.reverse();
    let (times, values) = pairs.into_iter().unzip();
    (id, times, values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hi_common::batch::ABSENT;
    use hi_common::metric::Kind;

    use crate::model::SeriesInfo;

    fn layout(ids: &[Option<SeriesId>]) -> Arc<Layout> {
        let info = |id: SeriesId| SeriesInfo {
            id,
            host: 1,
            metric: "m".into(),
            kind: Kind::Gauge,
            labels: Arc::from([]),
        };
        Arc::new(Layout::new(1, "s".into(), 7, ids.iter().map(|id| id.map(info)).collect()))
    }

    fn row(layout: &Arc<Layout>, at: i64, values: &[f64]) -> Arc<LiveRow> {
        Arc::new(LiveRow {
            host: 1,
            host_name: "nas".into(),
            at,
            layout: Arc::clone(layout),
            values: values.into(),
        })
    }

    #[test]
    fn samples_stay_readable_from_arrival_to_commit() {
        let head = Head::new(1000);
        let layout = layout(&[Some(4), None, Some(2)]);
        for at in [10, 20, 40, 30] {
            head.append(&row(&layout, at, &[at as f64, 0.0, if at == 20 { ABSENT } else { 1.0 }]), true);
        }
        let expected = vec![(2, vec![10, 30], vec![1.0, 1.0]), (4, vec![10, 20, 30], vec![10.0, 20.0, 30.0])];
        assert_eq!(head.read(&[4, 2, 9], 0, 40), expected);
        assert_eq!(head.stats().samples, 12);
        assert_eq!(head.freeze().len(), 1);
        head.append(&row(&layout, 35, &[5.0, 0.0, 6.0]), true);
        head.append(&row(&layout, 10, &[9.0, 0.0, 9.0]), false);
        assert_eq!(head.read(&[4], 0, 40), [(4, vec![10, 20, 30, 35], vec![9.0, 20.0, 30.0, 5.0])]);
        assert_eq!(head.stats().oldest_at, Some(10));
        head.drop_frozen();
        assert_eq!(head.read(&[2], 0, 40), [(2, vec![10, 35], vec![9.0, 6.0])]);
        assert_eq!(head.latest(1).first().map(|row| row.at), Some(35));
        assert_eq!(head.stats().samples, 6);
    }
}
