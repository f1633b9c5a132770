//! `/api/events`: what happened once.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::params::Params;
use super::problem::Problem;
use super::state::App;
use crate::moment::{Time, now_ms};
use crate::store::{EventFilter, EventRow};

/// How far back texts are looked for when nothing is said, in milliseconds.
const TEXT_BACK_MS: i64 = 90 * 86_400_000;

/// How bad an event is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EventSeverity {
    /// Worth knowing.
    Info,
    /// Needs attention soon.
    Warning,
    /// Needs attention now.
    Critical,
}

/// Something that happened once.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EventView {
    /// Its identity.
    pub id: Uuid,
    /// The host it happened on.
    pub host: Option<String>,
    /// When it happened.
    pub at: Time,
    /// What happened: `agent_started`, `source_changed`, `data_lost`, ….
    #[serde(rename = "type")]
    pub kind: String,
    /// How bad it is.
    pub severity: EventSeverity,
    /// One sentence for people.
    pub message: String,
    /// Details.
    pub data: BTreeMap<String, String>,
}

/// A page of events.
#[derive(Serialize, ToSchema)]
pub struct EventPage {
    /// The events, newest first.
    pub events: Vec<EventView>,
    /// Hand this in as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// Lists events, newest first.
///
/// # Errors
/// Wrong parameters; the database is away.
#[utoipa::path(get, path = "/api/events", tag = "events", operation_id = "list_events",
    params(
        ("host" = Option<String>, Query, description = "Only of this host."),
        ("type" = Option<String>, Query, description = "Only of one of these types: `container_die,container_oom`."),
        ("severity" = Option<String>, Query, description = "Only of one of these severities: `warning,critical`."),
        ("container" = Option<String>, Query, description = "Only about the container with this `key`."),
        ("q" = Option<String>, Query, description = "Only with this text in message, type or details, in whatever case; of the last 90 days, unless `start` says more."),
        ("start" = Option<String>, Query, description = "Not before: RFC 3339 or Unix seconds."),
        ("end" = Option<String>, Query, description = "Before: RFC 3339 or Unix seconds."),
        ("limit" = Option<u32>, Query, description = "Most events of a page, 1 to 1000; 100 when not given."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
    ),
    responses(
        (status = 200, description = "A page of events.", body = EventPage),
        (status = "default", description = "A problem.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn list(State(app): State<App>, params: Params) -> Result<Json<EventPage>, Problem> {
    let params =
        params.only(&["host", "type", "severity", "container", "q", "start", "end", "limit", "cursor"])?;
    let limit = params.limit(100, 1000)?;
    let mut filter = EventFilter {
        host: None,
        kinds: params.words("type"),
        severities: severities(&params)?,
        text: params.get("q").map(str::to_owned),
        container: params.get("container").map(str::to_owned),
        start: params.time("start")?,
        end: params.time("end")?,
        before: params.get("cursor").map(parse_cursor).transpose()?,
    };
    if filter.text.is_some() && filter.start.is_none() {
        // No index helps with texts.
        filter.start = Some(filter.end.unwrap_or_else(now_ms) - TEXT_BACK_MS);
    }
    if let Some(name) = params.get("host") {
        let Some(host) = app.ask(app.store.host(name)).await? else {
            return Ok(Json(EventPage { events: Vec::new(), next_cursor: None }));
        };
        filter.host = Some(host.id);
    }
    let mut rows = app.ask(app.store.events(&filter, limit as i64 + 1)).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = rows.last().filter(|_| more).map(|row| format!("{}.{}", row.at, row.id));
    Ok(Json(EventPage { events: rows.into_iter().map(EventView::from).collect(), next_cursor }))
}

fn severities(params: &Params) -> Result<Vec<String>, Problem> {
    let wanted = params.words("severity");
    match wanted.iter().find(|word| !["info", "warning", "critical"].contains(&word.as_str())) {
        None => Ok(wanted),
        Some(other) => {
            let detail = format!("must be of info, warning, critical, not {other:?}");
            Err(Problem::bad_parameter("severity", detail))
        }
    }
}

/// Reads `TIME.ID` of the last event of the page before.
fn parse_cursor(text: &str) -> Result<(i64, Uuid), Problem> {
    let parts = text.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, id.parse().ok()?)));
    parts.ok_or_else(|| Problem::bad_parameter("cursor", "is none that a page gave as `next_cursor`"))
}

impl From<EventRow> for EventView {
    fn from(row: EventRow) -> Self {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let data = row.data.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), text(value)));
        Self {
            id: row.id,
            host: row.host,
            at: Time(row.at),
            kind: row.kind,
            severity: match row.severity.as_str() {
                "critical" => EventSeverity::Critical,
                "warning" => EventSeverity::Warning,
                _ => EventSeverity::Info,
            },
            message: row.message,
            data: data.collect(),
        }
    }
}
