//! `/api/system`: how the collector itself is doing.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::params::Params;
use super::problem::Problem;
use super::state::App;
use crate::ingest::IngestStats;
use crate::limits::LIVE_CLIENTS_MAX;
use crate::moment::Time;
use crate::overview::directory::Directory;
use crate::self_metrics;
use crate::store::{DatabaseInfo, DeadLetterRow, HousekeepingRow};

/// How the collector is doing.
#[derive(Serialize, ToSchema)]
pub struct System {
    /// Its version.
    pub version: String,
    /// When it was started.
    pub started_at: Time,
    /// How long it has been running.
    pub uptime_seconds: f64,
    /// Its resident memory.
    pub rss_bytes: u64,
    /// What it has caused to be written to disk itself, the database and the broker not counted.
    pub bytes_written: u64,
    /// The way of the batches in.
    pub ingest: Ingest,
    /// Samples in memory.
    pub head: Head,
    /// The way of the samples to the database.
    pub flush: Flush,
    /// Completeness of what the agents numbered.
    pub cursor: Cursor,
    /// Messages that could not be understood.
    pub dead_letters: DeadLetters,
    /// The database.
    pub database: Database,
    /// The broker.
    pub broker: Broker,
    /// Series refused because a host has too many or they break a limit.
    pub refused_series: Vec<RefusedSeries>,
    /// Recurring work.
    pub housekeeping: Vec<HousekeepingTask>,
    /// Live clients.
    pub clients: Clients,
}

/// The way of the batches in.
#[derive(Serialize, ToSchema)]
pub struct Ingest {
    /// Whether the broker is connected.
    pub connected: bool,
    /// Batches in the stream that were not taken yet.
    pub lag_messages: u64,
    /// Age of the last batch taken when it was taken.
    pub lag_seconds: Option<f64>,
    /// Batches taken since the start.
    pub batches_total: u64,
    /// Samples taken since the start.
    pub samples_total: u64,
    /// Samples taken per second, over the last minute.
    pub samples_per_second: f64,
    /// Batches that had been seen before, and were dropped.
    pub duplicates_total: u64,
    /// Series known in memory.
    pub series: u64,
    /// Layouts known in memory.
    pub layouts: u64,
}

/// Samples in memory.
#[derive(Serialize, ToSchema)]
pub struct Head {
    /// Memory they take.
    pub bytes: u64,
    /// At this size they are written early.
    pub limit_bytes: u64,
    /// How many there are.
    pub samples: u64,
    /// The oldest.
    pub oldest_at: Option<Time>,
}

/// The way of the samples to the database.
#[derive(Serialize, ToSchema)]
pub struct Flush {
    /// Flushes since the start.
    pub count: u64,
    /// When the last one ended.
    pub last_at: Option<Time>,
    /// How long it took.
    pub last_seconds: Option<f64>,
    /// Samples it wrote.
    pub last_samples: u64,
    /// Why it failed, if it did.
    pub last_error: Option<String>,
    /// How often it runs.
    pub interval_seconds: u64,
}

/// Completeness of what the agents numbered.
#[derive(Serialize, ToSchema)]
pub struct Cursor {
    /// Hosts with a cursor.
    pub hosts: u64,
    /// Ranges of batches that are missing now.
    pub gaps_open: u64,
    /// Ranges that were filled since the start.
    pub gaps_repaired_total: u64,
    /// Batches given up or announced as lost since the start.
    pub batches_lost_total: u64,
}

/// Messages that could not be understood.
#[derive(Serialize, ToSchema)]
pub struct DeadLetters {
    /// How many are kept.
    pub count: u64,
    /// The last ones.
    pub recent: Vec<DeadLetter>,
}

/// A message that could not be understood.
#[derive(Serialize, ToSchema)]
pub struct DeadLetter {
    /// When it was taken.
    pub at: Time,
    /// The host that its subject names.
    pub host: Option<String>,
    /// Its subject.
    pub subject: String,
    /// Bounded word: `too_large`, `malformed`, `invalid`, ….
    pub reason: String,
    /// The reason in words.
    pub detail: String,
}

/// The database.
#[derive(Serialize, ToSchema)]
pub struct Database {
    /// Version of the server.
    pub version: Option<String>,
    /// Version of TimescaleDB, if the server has it.
    pub timescaledb: Option<String>,
    /// Size of our database.
    pub size_bytes: Option<u64>,
    /// Whether it answers.
    pub connected: bool,
    /// What it answered instead.
    pub error: Option<String>,
}

/// The broker.
#[derive(Serialize, ToSchema)]
pub struct Broker {
    /// Its address, without credentials.
    pub url: String,
    /// Its version.
    pub version: Option<String>,
    /// Whether it is connected.
    pub connected: bool,
    /// Size of the stream of batches.
    pub stream_bytes: Option<u64>,
    /// Messages in the stream of batches.
    pub stream_messages: Option<u64>,
}

/// Series that were refused.
#[derive(Serialize, ToSchema)]
pub struct RefusedSeries {
    /// The host they come from.
    pub host: String,
    /// Why: `series_per_host`, ….
    pub reason: String,
    /// How many.
    pub count: u64,
}

/// A recurring piece of work.
#[derive(Serialize, ToSchema)]
pub struct HousekeepingTask {
    /// Its name.
    pub task: String,
    /// When it last ended.
    pub last_at: Option<Time>,
    /// How long it took.
    pub last_seconds: Option<f64>,
    /// Why it failed, if it did.
    pub last_error: Option<String>,
    /// What it did.
    pub result: Option<String>,
}

/// Live clients.
#[derive(Serialize, ToSchema)]
pub struct Clients {
    /// Connected to `/api/live` now.
    pub live: u32,
    /// Most at once.
    pub limit: u32,
}

/// Shows how the collector is doing.
///
/// # Errors
/// Wrong parameters.
#[utoipa::path(get, path = "/api/system", tag = "system", operation_id = "get_system",
    responses(
        (status = 200, description = "How it is doing.", body = System),
        (status = "default", description = "A problem.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn show(State(app): State<App>, params: Params) -> Result<Json<System>, Problem> {
    params.only(&[])?;
    let directory = app.directory.get().await;
    let (info, housekeeping) =
        tokio::join!(app.ask(app.store.database_info()), app.ask(app.store.housekeeping_runs()));
    let stats = app.ingest.stats();
    let head = app.ingest.head.stats();
    let cost = self_metrics::cost();
    Ok(Json(System {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: Time(app.started_at_ms),
        uptime_seconds: app.started.elapsed().as_secs_f64(),
        rss_bytes: cost.rss_bytes,
        bytes_written: cost.written_bytes,
        head: Head {
            bytes: head.bytes,
            limit_bytes: head.limit_bytes,
            samples: head.samples,
            oldest_at: head.oldest_at.map(Time),
        },
        dead_letters: dead_letters(&directory),
        database: database(&info),
        refused_series: refused(&app, &stats),
        housekeeping: housekeeping.unwrap_or_default().into_iter().map(HousekeepingTask::from).collect(),
        clients: Clients { live: app.live_clients(), limit: LIVE_CLIENTS_MAX },
        flush: Flush {
            count: stats.flush.count,
            last_at: stats.flush.last_at.map(Time),
            last_seconds: stats.flush.last_seconds,
            last_samples: stats.flush.last_samples,
            last_error: stats.flush.last_error.clone(),
            interval_seconds: stats.flush.interval_seconds,
        },
        cursor: Cursor {
            hosts: stats.cursor.hosts,
            gaps_open: stats.cursor.gaps_open,
            gaps_repaired_total: stats.cursor.gaps_repaired_total,
            batches_lost_total: stats.cursor.batches_lost_total,
        },
        broker: Broker {
            url: stats.broker_url.clone(),
            version: stats.broker_version.clone(),
            connected: stats.connected,
            stream_bytes: stats.connected.then_some(stats.stream_bytes),
            stream_messages: stats.connected.then_some(stats.stream_messages),
        },
        ingest: Ingest {
            connected: stats.connected,
            lag_messages: stats.lag_messages,
            lag_seconds: stats.lag_seconds,
            batches_total: stats.batches_total,
            samples_total: stats.samples_total,
            samples_per_second: stats.samples_per_second,
            duplicates_total: stats.duplicates_total,
            series: stats.series,
            layouts: stats.layouts,
        },
    }))
}

fn database(info: &Result<DatabaseInfo, Problem>) -> Database {
    match info {
        Ok(info) => Database {
            version: Some(info.version.clone()),
            timescaledb: info.timescaledb.clone(),
            size_bytes: u64::try_from(info.size_bytes).ok(),
            connected: true,
            error: None,
        },
        Err(problem) => Database {
            version: None,
            timescaledb: None,
            size_bytes: None,
            connected: false,
            error: Some(problem.detail.clone()),
        },
    }
}

fn dead_letters(directory: &Directory) -> DeadLetters {
    let (count, recent) = &directory.dead_letters;
    let letter = |row: &DeadLetterRow| DeadLetter {
        at: Time(row.at),
        host: row.host.clone(),
        subject: row.subject.clone(),
        reason: row.reason.clone(),
        detail: row.detail.clone(),
    };
    DeadLetters { count: u64::try_from(*count).unwrap_or(0), recent: recent.iter().map(letter).collect() }
}

fn refused(app: &App, stats: &IngestStats) -> Vec<RefusedSeries> {
    let name = |host| app.ingest.hosts.get(host).map_or_else(|| "?".to_owned(), |host| host.name.to_string());
    let row = |refused: &crate::ingest::RefusedSeries| RefusedSeries {
        host: name(refused.host),
        reason: refused.reason.to_owned(),
        count: refused.count,
    };
    stats.refused.iter().map(row).collect()
}

impl From<HousekeepingRow> for HousekeepingTask {
    fn from(row: HousekeepingRow) -> Self {
        Self {
            task: row.task,
            last_at: Some(Time(row.last_at)),
            last_seconds: Some(row.last_seconds),
            last_error: row.last_error,
            result: row.result,
        }
    }
}
