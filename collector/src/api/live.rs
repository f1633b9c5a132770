//! `/api/live`: readings as they arrive, as server-sent events.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream;
use serde::Serialize;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, watch};
use tokio::time::Interval;
use utoipa::ToSchema;

use super::frames::{self, Frames};
use super::params::Params;
use super::problem::Problem;
use super::series::{SeriesKind, selectors};
use super::state::{App, LiveClient};
use crate::ingest::LiveRow;
use crate::query::matching::AnyOf;
use crate::store::MetricRow;

/// A comment is sent this often, so that both ends notice a dead connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Longest wait for the database when a stream begins.
const UNITS_PATIENCE: Duration = Duration::from_secs(1);
/// Rows are put together up to this size, in bytes.
const FRAME_BYTES: usize = 64 << 10;

/// Data of `event: series`: what the numbers in the samples that follow stand for.
#[derive(Serialize, ToSchema)]
pub struct LiveSeriesList {
    /// The series.
    pub series: Vec<LiveSeries>,
}

/// A series of the stream.
#[derive(Serialize, ToSchema)]
pub struct LiveSeries {
    /// Its number.
    pub id: i32,
    /// Metric name.
    pub metric: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// How its values behave.
    pub kind: SeriesKind,
    /// Unit of its values.
    pub unit: String,
}

/// Data of `event: samples`: one reading.
#[derive(Serialize, ToSchema)]
pub struct LiveSamples {
    /// The host.
    pub host: String,
    /// Time of the samples, Unix milliseconds.
    pub at_unix_ms: i64,
    /// Pairs of series number and value; null for what is no finite number.
    pub samples: Vec<(i32, Option<f64>)>,
}

/// Data of `event: lagged`: this client reads too slowly.
#[derive(Serialize, ToSchema)]
pub struct LiveLagged {
    /// Readings of any host that were left out.
    pub dropped: u64,
}

/// Streams readings as they arrive.
///
/// `text/event-stream` with the events `series` (`LiveSeriesList`, before the first use of a number), `samples`
/// (`LiveSamples`), `host` (`HostSummary`, when a host changes its state) and `lagged` (`LiveLagged`); a comment every 15 s.
///
/// # Errors
/// Wrong parameters; too many clients (429).
#[utoipa::path(get, path = "/api/live", tag = "samples", operation_id = "stream_live",
    params(
        ("host" = Option<String>, Query, description = "Only of this host."),
        ("match" = Vec<String>, Query, explode = true, description = "Series selectors as in PromQL; none: all series."),
    ),
    responses(
        (status = 200, description = "The stream.", body = LiveSamples, content_type = "text/event-stream"),
        (status = "default", description = "A problem.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn stream(State(app): State<App>, params: Params) -> Result<Response, Problem> {
    let params = params.only(&["host", "match"])?;
    let selectors = selectors(&params)?;
    let wanted = AnyOf::new(&selectors).map_err(|detail| Problem::bad_parameter("match", detail))?;
    let client = app.live_client()?;
    let feed = Feed {
        rows: app.ingest.live.subscribe(),
        host_changes: app.host_changes.subscribe(),
        shutdown: app.shutdown.clone(),
        metrics: first_metrics(&app).await,
        keep_alive: tokio::time::interval(KEEP_ALIVE),
        frames: Frames::new(params.get("host").map(str::to_owned), wanted),
        app,
        _client: client,
    };
    let body = Body::from_stream(stream::unfold(feed, Feed::next));
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, body).into_response())
}

/// One client's stream. Nothing is done ahead: what a slow client has not taken waits in the ring that all clients share,
/// and falls out of it.
struct Feed {
    rows: broadcast::Receiver<Arc<LiveRow>>,
    host_changes: broadcast::Receiver<(Arc<str>, Bytes)>,
    shutdown: watch::Receiver<bool>,
    metrics: Arc<HashMap<String, MetricRow>>,
    keep_alive: Interval,
    frames: Frames,
    app: App,
    _client: LiveClient,
}

impl Feed {
    /// The next piece of the stream; none at its end.
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        let mut out = Vec::new();
        while out.is_empty() {
            tokio::select! {
                row = self.rows.recv() => self.take_rows(row, &mut out)?,
                change = self.host_changes.recv() => match change {
                    Ok((host, json)) => self.frames.host_change(&mut out, &host, &json),
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                },
                _ = self.keep_alive.tick() => out.extend_from_slice(b": alive\n\n"),
                () = stopped(&mut self.shutdown) => return None,
            }
        }
        Some((Ok(Bytes::from(out)), self))
    }

    /// Takes a row and those that wait behind it; none when there will be no more.
    fn take_rows(&mut self, first: Result<Arc<LiveRow>, RecvError>, out: &mut Vec<u8>) -> Option<()> {
        let mut next = first;
        loop {
            match next {
                Ok(row) => {
                    if self.frames.has_unknown_metric(&row, &self.metrics) {
                        self.metrics = Arc::clone(&self.app.directory.known().metrics);
                    }
                    self.frames.row(out, &row, &self.metrics);
                }
                Err(RecvError::Lagged(dropped)) => frames::lagged(out, dropped),
                Err(RecvError::Closed) => return None,
            }
            if out.len() >= FRAME_BYTES {
                return Some(());
            }
            next = match self.rows.try_recv() {
                Ok(row) => Ok(row),
                Err(TryRecvError::Lagged(dropped)) => Err(RecvError::Lagged(dropped)),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return Some(()),
            };
        }
    }
}

/// Units of the metrics; a stream need not wait long for them.
async fn first_metrics(app: &App) -> Arc<HashMap<String, MetricRow>> {
    let asked = tokio::time::timeout(UNITS_PATIENCE, app.directory.get()).await;
    Arc::clone(&asked.unwrap_or_else(|_| app.directory.known()).metrics)
}

async fn stopped(shutdown: &mut watch::Receiver<bool>) {
    let _ = shutdown.wait_for(|stop| *stop).await;
}
