//! `/api/samples`: the samples of series, as they are or per step.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream;
use serde::Serialize;
use utoipa::ToSchema;

use super::params::Params;
use super::problem::Problem;
use super::series::{SeriesKind, selectors};
use super::state::App;
use crate::limits::COMPRESS_BYTES_MAX;
use crate::moment::{Time, now_ms};
use crate::query::{Mode, Question, Resolution, SumBy};

/// Range when none is given, in milliseconds.
const DEFAULT_RANGE_MS: i64 = 3_600_000;
/// Longest step, a year, in milliseconds.
const STEP_MS_MAX: f64 = 31_536_000_000.0;

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
pub async fn read(State(app): State<App>, params: Params) -> Result<Response, Problem> {
    let params = params.only(&["match", "start", "end", "step_seconds", "mode", "sum_by"])?;
    let now_ms = now_ms();
    let question = question(&params, now_ms)?;
    let metrics = Arc::clone(&app.directory.get().await.metrics);
    let body = app.query(app.reader.answer(question, metrics, now_ms)).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], whole_or_in_pieces(body)).into_response())
}

/// A small answer is made one piece, which can be packed; a large one is sent as it is.
fn whole_or_in_pieces(pieces: Vec<Bytes>) -> Response {
    let length: usize = pieces.iter().map(Bytes::len).sum();
    if length as u64 <= COMPRESS_BYTES_MAX {
        return pieces.concat().into_response();
    }
    let body = Body::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, Infallible>)));
    ([(header::CONTENT_LENGTH, length.to_string())], body).into_response()
}

/// Reads the question out of the parameters.
fn question(params: &Params, now_ms: i64) -> Result<Question, Problem> {
    let any_of = selectors(params)?;
    if any_of.is_empty() {
        return Err(Problem::bad_parameter(
            "match",
            "is missing: give at least one selector, such as node_load1",
        ));
    }
    let end_ms = params.time("end")?.unwrap_or(now_ms);
    let start_ms = params.time("start")?.unwrap_or(end_ms - DEFAULT_RANGE_MS);
    if start_ms >= end_ms {
        return Err(Problem::bad_parameter("start", "must lie before `end`"));
    }
    let mode = match params.get("mode") {
        None | Some("value") => Mode::Value,
        Some("rate") => Mode::Rate,
        Some(other) => {
            return Err(Problem::bad_parameter("mode", format!("must be value or rate, not {other:?}")));
        }
    };
    let step_ms = step_ms(params)?;
    let sum_by = params.get("sum_by").map(SumBy::parse).transpose();
    let sum_by = sum_by.map_err(|detail| Problem::bad_parameter("sum_by", detail))?;
    if sum_by.is_some() && step_ms.is_none() {
        return Err(Problem::bad_parameter("sum_by", "needs `step_seconds`: sums are made per step"));
    }
    Ok(Question { any_of, start_ms, end_ms, step_ms, mode, sum_by })
}

fn step_ms(params: &Params) -> Result<Option<i64>, Problem> {
    let expected = "a number of seconds from 0.001 to 31536000";
    let Some(seconds) = params.parsed::<f64>("step_seconds", expected)? else { return Ok(None) };
    let ms = (seconds * 1000.0).round();
    if (1.0..=STEP_MS_MAX).contains(&ms) {
        return Ok(Some(ms as i64));
    }
    Err(Problem::bad_parameter("step_seconds", format!("must be {expected}, not {seconds}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(query: &str) -> Result<Question, String> {
        question(&Params::parse(query).unwrap(), 10_000_000).map_err(|problem| problem.detail)
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let asked = ask("match=up").unwrap();
        assert_eq!((asked.start_ms, asked.end_ms), (10_000_000 - 3_600_000, 10_000_000));
        assert_eq!((asked.step_ms, asked.mode, asked.sum_by), (None, Mode::Value, None));
        let asked = ask("match=up&end=5000&start=4000.5&step_seconds=0.5&mode=rate&sum_by=a,b").unwrap();
        assert_eq!((asked.start_ms, asked.end_ms, asked.step_ms), (4_000_500, 5_000_000, Some(500)));
        assert_eq!(asked.sum_by.unwrap().0, ["a", "b"]);
    }

    #[test]
    fn mistakes_are_named() {
        for (query, detail) in [
            ("", "`match` is missing"),
            ("match=%7B%7D", "`match` \"{}\" is not usable: the selector matches every series"),
            ("match=up&start=5000&end=5000", "`start` must lie before `end`"),
            ("match=up&mode=delta", "`mode` must be value or rate"),
            ("match=up&step_seconds=0", "`step_seconds` must be a number of seconds"),
            ("match=up&step_seconds=NaN", "`step_seconds` must be a number of seconds"),
            ("match=up&sum_by=a", "`sum_by` needs `step_seconds`"),
            ("match=up&sum_by=1&step_seconds=1", "`sum_by` must be label names"),
        ] {
            let error = ask(query).unwrap_err();
            assert!(error.starts_with(detail), "{query}: {error}");
        }
    }
}
