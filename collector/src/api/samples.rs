//! `/api/samples`: the samples of series, as they are or per step.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::params::Params;
use super::problem::Problem;
use super::series::SeriesKind;
use super::state::App;
use crate::moment::Time;
use crate::query::{Mode, Resolution};

/// Samples of a number of series over one range of time.
///
/// Documents the answer, which is written by [`crate::query::json`].
#[derive(Serialize, ToSchema)]
pub struct Samples {
    /// Begin of the first bucket.
    pub start: Time,
    /// End of the range.
    pub end: Time,
    /// Length of a bucket; null when the samples are given as they are.
    pub step_seconds: Option<f64>,
    /// What the values were made of.
    pub resolution: Resolution,
    /// Something is missing: the database is away, or the range begins before what is kept.
    pub partial: bool,
    /// The series.
    pub series: Vec<SampleSeries>,
}

/// One series. With a step: `avg`, `min`, `max`, `last`, one value per bucket; without: `times_unix_ms` and `values`.
#[derive(Serialize, ToSchema)]
pub struct SampleSeries {
    /// Its number; null for a sum.
    pub id: Option<i32>,
    /// Metric name; empty for a sum over several metrics.
    pub metric: String,
    /// Its labels; for a sum those it was grouped by.
    pub labels: BTreeMap<String, String>,
    /// How its values behave; `gauge` for a rate.
    pub kind: SeriesKind,
    /// Unit of the values; of a rate, per second of it.
    pub unit: String,
    /// Average over each bucket, of a rate the growth divided by the time; null where there is none.
    #[schema(value_type = Vec<Option<f64>>)]
    pub avg: Option<Vec<Option<f64>>>,
    /// Smallest value of each bucket.
    #[schema(value_type = Vec<Option<f64>>)]
    pub min: Option<Vec<Option<f64>>>,
    /// Largest value of each bucket.
    #[schema(value_type = Vec<Option<f64>>)]
    pub max: Option<Vec<Option<f64>>>,
    /// Last value of each bucket.
    #[schema(value_type = Vec<Option<f64>>)]
    pub last: Option<Vec<Option<f64>>>,
    /// Times of the samples, Unix milliseconds.
    #[schema(value_type = Vec<i64>)]
    pub times_unix_ms: Option<Vec<i64>>,
    /// Their values; null for what is no finite number.
    #[schema(value_type = Vec<Option<f64>>)]
    pub values: Option<Vec<Option<f64>>>,
}

/// Reads samples, merged from memory and database.
///
/// Bucket `i` covers `[start + i·step, start + (i+1)·step)`; `start` is floored to a multiple of the step.
///
/// # Errors
/// Wrong parameters; more than the limits allow (422); the database is away.
#[utoipa::path(get, path = "/api/samples", tag = "samples", operation_id = "read_samples",
    params(
        ("match" = Vec<String>, Query, explode = true, description = "Series selector as in PromQL, at least one."),
        ("start" = Option<String>, Query, description = "Begin: RFC 3339 or Unix seconds; an hour before `end` when not given."),
        ("end" = Option<String>, Query, description = "End, itself not included: RFC 3339 or Unix seconds; now when not given."),
        ("step_seconds" = Option<f64>, Query, description = "Length of a bucket; not given: every sample."),
        ("mode" = Option<Mode>, Query, description = "`value` (default), or `rate` for growth per second of counters."),
        ("sum_by" = Option<String>, Query, description = "Adds up series that agree in these labels, separated by commas; `*` adds up \
            all of them. Needs a step."),
    ),
    responses(
        (status = 200, description = "The samples.", body = Samples),
        (status = "default", description = "A problem.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn read(State(app): State<App>, _params: Params) -> Result<Response, Problem> {
    Err(app.pending())
}
