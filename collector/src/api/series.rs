//! `/api/series`: which series there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use hi_common::metric::Kind;
use serde::Serialize;
use utoipa::ToSchema;

use super::params::Params;
use super::problem::Problem;
use super::state::App;
use crate::limits::SELECTORS_PER_REQUEST_MAX;
use crate::model::Matcher;
use crate::moment::Time;
use crate::query::read::all_labels;
use crate::query::selector;
use crate::store::SeriesRow;

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
pub async fn list(State(app): State<App>, params: Params) -> Result<Json<SeriesPage>, Problem> {
    let params = params.only(&["match", "limit", "cursor"])?;
    let limit = params.limit(1000, 5000)?;
    let after = params.parsed("cursor", "a `next_cursor` of a page")?;
    let any_of = selectors(&params)?;
    if any_of.is_empty() {
        return Err(Problem::bad_parameter(
            "match",
            "is missing: give at least one selector, such as node_load1",
        ));
    }
    let page = app.ask(app.store.series_find(&any_of, after, limit)).await?;
    let metrics = Arc::clone(&app.directory.get().await.metrics);
    let next_cursor = page.series.last().filter(|_| page.more).map(|row| row.info.id.to_string());
    let view = |row: SeriesRow| {
        let metric = metrics.get(&*row.info.metric);
        SeriesView {
            id: row.info.id,
            metric: row.info.metric.to_string(),
            labels: all_labels(&row.info.labels, &row.info.metric, &row.host_name).into_iter().collect(),
            kind: row.info.kind.into(),
            unit: metric.map(|metric| metric.unit.clone()).unwrap_or_default(),
            help: metric.map(|metric| metric.help.clone()).unwrap_or_default(),
            first_seen: Time(row.first_seen),
            last_seen: Time(row.last_seen),
        }
    };
    Ok(Json(SeriesPage { series: page.series.into_iter().map(view).collect(), next_cursor }))
}

/// Reads the selectors of a request.
///
/// # Errors
/// Too many (422); one that is wrong (400), with the place.
pub fn selectors(params: &Params) -> Result<Vec<Vec<Matcher>>, Problem> {
    let texts: Vec<&str> = params.all("match").collect();
    if texts.len() > SELECTORS_PER_REQUEST_MAX {
        let detail = format!("{} selectors, limit {SELECTORS_PER_REQUEST_MAX}", texts.len());
        return Err(Problem::limit(detail));
    }
    let parse = |text: &str| {
        selector::parse(text)
            .map_err(|error| Problem::bad_parameter("match", format!("{text:?} is not usable: {error}")))
    };
    texts.into_iter().map(parse).collect()
}

impl From<Kind> for SeriesKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Gauge => Self::Gauge,
            Kind::Counter => Self::Counter,
            Kind::Info => Self::Info,
            Kind::State => Self::State,
            Kind::Untyped => Self::Untyped,
        }
    }
}
