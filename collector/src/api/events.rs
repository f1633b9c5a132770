//! `/api/events`: what happened once.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::params::Params;
use super::problem::Problem;
use super::state::App;
use crate::moment::Time;

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
#[derive(Serialize, ToSchema)]
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
        ("type" = Option<String>, Query, description = "Only of this type."),
        ("start" = Option<String>, Query, description = "Not before: RFC 3339 or Unix seconds."),
        ("end" = Option<String>, Query, description = "Before: RFC 3339 or Unix seconds."),
        ("limit" = Option<u32>, Query, description = "Most events of a page, 1 to 1000; 100 when not given."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
    ),
    responses(
        (status = 200, description = "A page of events.", body = EventPage),
        (status = "default", description = "A problem.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn list(State(app): State<App>, _params: Params) -> Result<Json<EventPage>, Problem> {
    Err(app.pending())
}
