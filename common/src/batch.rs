//! The wire unit: what the sources of one host yielded at one tick.

use serde::{Deserialize, Serialize};

use crate::ids::{BatchId, Epoch, HostId, HostName, Seq};
use crate::metric::Kind;

/// Version of the batch format this code writes.
pub const BATCH_VERSION: u8 = 1;

/// One message on `hi.v1.metrics.<host>`.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Format version, [`BATCH_VERSION`].
    pub v: u8,
    /// Name the host claims.
    pub host: HostName,
    /// Its identity.
    pub host_id: HostId,
    /// Start of its agent, Unix milliseconds.
    pub epoch: Epoch,
    /// Number of this batch in the epoch, from 1, without gaps.
    pub seq: Seq,
    /// Batches that the agent had to drop for good and will never send.
    pub lost: Vec<Lost>,
    /// What the sources yielded.
    pub readings: Vec<Reading>,
}

impl Batch {
    /// Identity of the batch.
    pub fn id(&self) -> BatchId {
        BatchId { host_id: self.host_id, epoch: self.epoch, seq: self.seq }
    }
}

/// A range of batches, both ends included, that the agent dropped for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// Epoch of the lost batches.
    pub epoch: Epoch,
    /// First lost number.
    pub from: Seq,
    /// Last lost number.
    pub to: Seq,
}

/// What one run of one source yielded.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Name of the source.
    pub source: String,
    /// Time of all its samples, Unix milliseconds, snapped to the source's tick.
    pub at: i64,
    /// Hash of the series that `values` belong to: [`crate::wire::layout_hash`] of them.
    pub layout: u64,
    /// The series themselves, in the order of `values`; sent when new, changed, and once an hour.
    pub series: Option<Vec<Family>>,
    /// One value per series of the layout. Absent (nil on the wire) is [`ABSENT`] here.
    pub values: Vec<f64>,
}

/// Series of one metric that differ in their label values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Family {
    /// Metric name.
    pub name: String,
    /// Behaviour of its values.
    pub kind: Kind,
    /// Label names.
    pub keys: Vec<String>,
    /// Label values, one row per series, as many as there are keys. An empty value means the label is not there.
    pub rows: Vec<Vec<String>>,
}

/// "No value this time" for a series of the layout: Prometheus' stale marker, a NaN that no arithmetic yields.
pub const ABSENT: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

/// Whether a value is [`ABSENT`]; an ordinary NaN is not.
pub fn is_absent(value: f64) -> bool {
    value.to_bits() == ABSENT.to_bits()
}

/// Number of series a list of families describes.
pub fn series_count(families: &[Family]) -> usize {
    families.iter().map(|family| family.rows.len()).sum()
}
