//! `/api/series`: which series there are.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::params::Params;
use super::problem::Problem;
use super::state::App;
use crate::moment::Time;

/// How the values of a series behave.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SeriesKind {
    /// Goes up and down.
    Gauge,
    /// Only grows, until its owner restarts.
    Counter,
    /// Always 1; its labels are the information.
    Info,
    /// 1 for the state that holds, 0 for those that do not.
    State,
    /// Of a type nobody declared.
    Untyped,
}

/// A series.
#[derive(Serialize, ToSchema)]
pub struct SeriesView {
    /// Its number, which stays.
    pub id: i32,
    /// Metric name.
    pub metric: String,
    /// Its labels, `instance` (the host) and `job` among them.
    pub labels: BTreeMap<String, String>,
    /// How its values behave.
    pub kind: SeriesKind,
    /// Unit of its values (`bytes`, `seconds`, …); empty for a count.
    pub unit: String,
    /// What the metric means.
    pub help: String,
    /// When it was first seen.
    pub first_seen: Time,
    /// When it was last seen, to the hour.
    pub last_seen: Time,
}

/// A page of series.
#[derive(Serialize, ToSchema)]
pub struct SeriesPage {
    /// The series, in the order of their numbers.
    pub series: Vec<SeriesView>,
    /// Hand this in as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// Lists the series that selectors match.
///
/// # Errors
/// Wrong parameters; the database is away.
#[utoipa::path(get, path = "/api/series", tag = "samples", operation_id = "list_series",
    params(
        ("match" = Vec<String>, Query, explode = true, description = "Series selector as in PromQL, at least one: \
            `node_load1`, `{instance=\"nas\"}`, `node_cpu_seconds_total{mode!=\"idle\",cpu=~\"0|1\"}`."),
        ("limit" = Option<u32>, Query, description = "Most series of a page, 1 to 5000; 1000 when not given."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
    ),
    responses(
        (status = 200, description = "A page of series.", body = SeriesPage),
        (status = "default", description = "A problem.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn list(State(app): State<App>, _params: Params) -> Result<Json<SeriesPage>, Problem> {
    Err(app.pending())
}
