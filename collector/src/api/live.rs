//! `/api/live`: readings as they arrive, as server-sent events.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

use super::params::Params;
use super::problem::Problem;
use super::series::SeriesKind;
use super::state::App;

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
pub async fn stream(State(app): State<App>, _params: Params) -> Result<Response, Problem> {
    Err(app.pending())
}
