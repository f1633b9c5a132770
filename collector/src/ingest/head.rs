//! The head: samples that are not in the database yet, readable at once.

use std::sync::Arc;

use crate::model::{HostKey, SeriesId};

use super::LiveRow;

/// Samples not yet in the database.
pub struct Head {
    limit_bytes: u64,
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
        Self { limit_bytes }
    }

    /// Samples of the series with `start_ms <= time < end_ms`, ascending by time. Series without any are left out.
    pub fn read(&self, ids: &[SeriesId], start_ms: i64, end_ms: i64) -> Vec<(SeriesId, Vec<i64>, Vec<f64>)> {
        let _ = (ids, start_ms, end_ms);
        Vec::new()
    }

    /// Newest reading of each source of a host, also when it is already in the database (until the collector restarts).
    pub fn latest(&self, host: HostKey) -> Vec<Arc<LiveRow>> {
        let _ = host;
        Vec::new()
    }

    /// Its size.
    pub fn stats(&self) -> HeadStats {
        HeadStats { limit_bytes: self.limit_bytes, ..HeadStats::default() }
    }
}
