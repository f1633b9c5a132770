//! What the store hands out. Times are Unix milliseconds.

use uuid::Uuid;

use hi_common::metric::Kind;

use crate::model::{HostKey, SeriesId, SeriesInfo};

/// A host.
#[derive(Clone, Debug, PartialEq)]
pub struct HostRow {
    /// Its number.
    pub id: HostKey,
    /// Its stable identity.
    pub host_id: Uuid,
    /// Its name: the `instance` label.
    pub name: String,
    /// The name its agent asks for.
    pub claimed_name: String,
    /// Another host claims the same name.
    pub conflict: bool,
    /// Version of its agent, when it said.
    pub agent_version: Option<String>,
    /// Start of its agent.
    pub epoch_started: Option<i64>,
    /// First batch.
    pub first_seen: i64,
    /// Last batch that is stored; [`crate::ingest::HostStates`] knows newer.
    pub last_seen: i64,
}

/// A source of a host, as its agent's catalog says.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceRow {
    /// The host.
    pub host: HostKey,
    /// Name of the source.
    pub source: String,
    /// `read`, `absent`, `error`, `stalled` or `pending`.
    pub outcome: String,
    /// Bounded reason of an error.
    pub reason: Option<String>,
    /// The error in words.
    pub message: Option<String>,
    /// How often it runs, milliseconds.
    pub interval_ms: i64,
    /// Since when the outcome holds.
    pub since: i64,
    /// Series of its newest layout.
    pub series: i64,
}

/// A fact that holds now.
#[derive(Clone, Debug, PartialEq)]
pub struct FactRow {
    /// The host.
    pub host: HostKey,
    /// Kind of thing.
    pub kind: String,
    /// Which one.
    pub id: String,
    /// Since when the document reads so.
    pub since: i64,
    /// The document, a JSON object.
    pub doc: serde_json::Value,
}

/// Which events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventFilter {
    /// Of this host.
    pub host: Option<HostKey>,
    /// Of one of these types; of any when there are none.
    pub kinds: Vec<String>,
    /// Of one of these severities; of any when there are none.
    pub severities: Vec<String>,
    /// With this text in message, type or details.
    pub text: Option<String>,
    /// About this container.
    pub container: Option<String>,
    /// At or after.
    pub start: Option<i64>,
    /// Before.
    pub end: Option<i64>,
    /// Older than this one (time and id of the last one of the page before).
    pub before: Option<(i64, Uuid)>,
}

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
    /// Its id.
    pub id: Uuid,
    /// Name of the host; `None` for the collector's own.
    pub host: Option<String>,
    /// When it happened.
    pub at: i64,
    /// What happened.
    pub kind: String,
    /// `info`, `warning` or `critical`.
    pub severity: String,
    /// One sentence.
    pub message: String,
    /// Details, a JSON object.
    pub data: serde_json::Value,
}

/// A series with when it was seen.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesRow {
    /// What it is.
    pub info: SeriesInfo,
    /// Name of its host.
    pub host_name: String,
    /// First seen.
    pub first_seen: i64,
    /// Last seen, as far as it is stored.
    pub last_seen: i64,
}

/// Some of the series asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeriesPage {
    /// The series, by id.
    pub series: Vec<SeriesRow>,
    /// There are more after the last one.
    pub more: bool,
}

/// A metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricRow {
    /// Its name.
    pub name: String,
    /// Behaviour of its values, as said last.
    pub kind: Kind,
    /// Unit; empty for none.
    pub unit: String,
    /// Help; empty when no catalog said.
    pub help: String,
}

/// Summary of one series over one hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HourRow {
    /// The series.
    pub id: SeriesId,
    /// Start of the hour.
    pub hour: i64,
    /// Samples in it that are numbers (NaN not counted).
    pub count: i64,
    /// Their sum.
    pub sum: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// The last.
    pub last: f64,
    /// How much it grew, resets not counted, from the last sample before the hour (if at most 10 min before) to the last in
    /// it. For counters.
    pub increase: f64,
}

/// A payload that was refused.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetterRow {
    /// When.
    pub at: i64,
    /// Host of its subject.
    pub host: Option<String>,
    /// Its subject.
    pub subject: String,
    /// Bounded reason.
    pub reason: String,
    /// The reason in words.
    pub detail: String,
}

/// A range of batches that did not arrive.
#[derive(Clone, Debug, PartialEq)]
pub struct GapRow {
    /// Name of the host.
    pub host: String,
    /// Start of its agent.
    pub epoch: i64,
    /// First missing number.
    pub from_seq: i64,
    /// Last missing number.
    pub to_seq: i64,
    /// `open`, `repaired` or `lost`.
    pub state: String,
    /// When it was noticed.
    pub noticed_at: i64,
    /// When it was closed.
    pub closed_at: Option<i64>,
    /// How often it was asked for.
    pub attempts: i32,
}

/// Last run of a housekeeping task.
#[derive(Clone, Debug, PartialEq)]
pub struct HousekeepingRow {
    /// Its name.
    pub task: String,
    /// When it began.
    pub last_at: i64,
    /// How long it took, seconds.
    pub last_seconds: f64,
    /// Why it failed.
    pub last_error: Option<String>,
    /// What it did, in words.
    pub result: Option<String>,
}

/// The server and the database on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatabaseInfo {
    /// Version of PostgreSQL: `15.14`.
    pub version: String,
    /// Version of TimescaleDB, when it is there.
    pub timescaledb: Option<String>,
    /// Bytes on disk.
    pub size_bytes: i64,
}
