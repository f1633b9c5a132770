//! `/api/containers`: the containers of all hosts, one of them, and what those of a host are made of.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::events::EventView;
use super::page::{cut, known};
use super::params::Params;
use super::problem::Problem;
use super::state::App;
use crate::containers::view::{Container, ContainerHost, ContainerInside, ContainerPart};
use crate::containers::{ContainerFact, FACT_KIND, OTHER_FACT_KINDS};
use crate::doc::Doc;
use crate::model::HostKey;
use crate::moment::{Time, now_ms, parse_time};
use crate::overview::directory::Directory;
use crate::overview::summary::Known;
use crate::storage::changes;
use crate::storage::view::StorageChange;
use crate::store::{EventFilter, FactRow};

/// Events of a container that are shown with it.
const EVENTS_SHOWN: i64 = 100;
/// Engines, images, volumes and networks of a host that are shown.
const PARTS_MAX: i64 = 5_000;

/// A page of containers.
#[derive(Serialize, ToSchema)]
pub struct ContainerPage {
    /// The containers, by id.
    pub containers: Vec<Container>,
    /// Number of all that the filters let through, on all pages.
    pub total: u32,
    /// Number of those that run.
    pub running: u32,
    /// Number of those whose health check fails.
    pub unhealthy: u32,
    /// Hand this in as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// A container with all that is known of it.
#[derive(Serialize, ToSchema)]
pub struct ContainerDetail {
    /// The row of the table.
    #[serde(flatten)]
    pub container: Container,
    /// What else is known of it.
    #[serde(flatten)]
    pub inside: ContainerInside,
    /// What of the fact changed, newest first.
    pub history: Vec<StorageChange>,
    /// What happened to it, newest first; the newest 100, more from `/api/events?host=…&container=…`.
    pub events: Vec<EventView>,
}

/// What a list is to have.
struct Filter {
    states: Vec<String>,
    healths: Vec<String>,
    project: Option<String>,
    text: Option<String>,
}

impl Filter {
    fn new(params: &Params) -> Self {
        Self {
            states: params.words("state"),
            healths: params.words("health"),
            project: params.get("project").map(str::to_owned),
            text: params.get("q").map(str::to_lowercase),
        }
    }

    fn takes(&self, host: &str, fact: &ContainerFact) -> bool {
        let health = fact.health.as_deref().unwrap_or("none");
        (self.states.is_empty() || self.states.contains(&fact.state))
            && (self.healths.is_empty() || self.healths.iter().any(|own| own == health))
            && self.project.as_ref().is_none_or(|own| fact.compose_project.as_ref() == Some(own))
            && self.text.as_ref().is_none_or(|text| fact.contains(text) || host.contains(text.as_str()))
    }
}

/// Lists the containers of all hosts, by id, with what they use.
///
/// # Errors
/// Wrong parameters; nothing was ever read of the database.
#[utoipa::path(get, path = "/api/containers", tag = "containers", operation_id = "list_containers",
    params(
        ("host" = Option<String>, Query, description = "Only of this host."),
        ("state" = Option<String>, Query, description = "Only in one of these states: `running,paused`."),
        ("health" = Option<String>, Query, description = "Only of one of these healths: `starting`, `healthy`, `unhealthy`, `none`."),
        ("project" = Option<String>, Query, description = "Only of this Compose project."),
        ("q" = Option<String>, Query, description = "Only with this text in host, name, image, project or service."),
        ("limit" = Option<u32>, Query, description = "Most containers of a page, 1 to 1000; 500 when not given."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
    ),
    responses(
        (status = 200, description = "A page of containers.", body = ContainerPage),
        (status = "default", description = "A problem.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn list(State(app): State<App>, params: Params) -> Result<Json<ContainerPage>, Problem> {
    let params = params.only(&["host", "state", "health", "project", "q", "limit", "cursor"])?;
    let filter = Filter::new(&params);
    let directory = app.directory.get().await;
    let of = |host: &Known<'_>| host.containers().list(|fact| filter.takes(&host.row.name, fact));
    let found = app.overview.each(&directory, &app.ingest, params.get("host"), now_ms(), of);
    let found: Vec<Container> = found.into_iter().flatten().collect();
    known(&directory, found.is_empty())?;
    let count = |wanted: fn(&Container) -> bool| found.iter().filter(|own| wanted(own)).count() as u32;
    let (total, running) = (found.len() as u32, count(|own| own.state == "running"));
    let unhealthy = count(|own| own.state == "running" && own.health.as_deref() == Some("unhealthy"));
    let (containers, next_cursor) = cut(found, &params, |container| &container.id)?;
    Ok(Json(ContainerPage { containers, total, running, unhealthy, next_cursor }))
}

/// Shows one container: usage, configuration, what happened to it and what changed.
///
/// # Errors
/// No such container; the database is away.
#[utoipa::path(get, path = "/api/containers/{host}/{name}", tag = "containers", operation_id = "get_container",
    params(
        ("host" = String, Path, description = "Name of the host."),
        ("name" = String, Path, description = "The container's `key`; a slash in it is written `%2F`."),
    ),
    responses(
        (status = 200, description = "The container.", body = ContainerDetail),
        (status = "default", description = "A problem.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn detail(
    State(app): State<App>,
    path: Result<Path<(String, String)>, PathRejection>,
    params: Params,
) -> Result<Json<ContainerDetail>, Problem> {
    params.only(&[])?;
    let Path((host, name)) =
        path.map_err(|_| Problem::not_found("the name of the container is not UTF-8"))?;
    let directory = app.directory.get().await;
    let key = host_key(&app, &directory, &host)?;
    let wanted = [(key, name.clone())];
    let rows = app.ask(app.store.facts_by_ids(FACT_KIND, &wanted)).await?;
    let Some(row) = rows.first() else {
        let detail =
            format!("there is no container {name:?} on {host}; /api/containers lists those that there are");
        return Err(Problem::not_found(detail));
    };
    let of = |host: &Known<'_>| host.containers().detail(row, &directory.metrics);
    let found = app.overview.each(&directory, &app.ingest, Some(&host), now_ms(), of);
    let (container, inside) = found
        .into_iter()
        .next()
        .ok_or_else(|| Problem::not_found(format!("there is no host named {host:?}")))?;
    let past = app.ask(app.store.facts_past(Some(key), &[FACT_KIND.to_owned()], &name)).await?;
    let filter =
        EventFilter { host: Some(key), container: Some(container.key.clone()), ..EventFilter::default() };
    let events = app.ask(app.store.events(&filter, EVENTS_SHOWN)).await?;
    let events = events.into_iter().map(EventView::from).collect();
    Ok(Json(ContainerDetail { container, inside, history: changes(&past), events }))
}

/// Shows what the containers of a host are made of: engines, images, volumes, networks.
///
/// # Errors
/// No such host; the database is away.
#[utoipa::path(get, path = "/api/containers/{host}", tag = "containers", operation_id = "get_container_host",
    params(("host" = String, Path, description = "Name of the host.")),
    responses(
        (status = 200, description = "Engines, images, volumes and networks.", body = ContainerHost),
        (status = "default", description = "A problem.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn parts(
    State(app): State<App>,
    host: Result<Path<String>, PathRejection>,
    params: Params,
) -> Result<Json<ContainerHost>, Problem> {
    params.only(&[])?;
    let Path(host) = host.map_err(|_| Problem::not_found("the name of the host is not UTF-8"))?;
    let directory = app.directory.get().await;
    let key = host_key(&app, &directory, &host)?;
    let kinds = OTHER_FACT_KINDS.map(str::to_owned);
    let rows = app.ask(app.store.facts_of_kinds(key, &kinds, PARTS_MAX)).await?;
    let silent =
        app.overview.each(&directory, &app.ingest, Some(&host), now_ms(), |host| host.containers().silent);
    let of = |kind: &str| -> Vec<ContainerPart> {
        let mut parts: Vec<ContainerPart> =
            rows.iter().filter(|row| row.kind == kind).map(ContainerPart::from).collect();
        parts.sort_by(|a, b| {
            let size = |part: &ContainerPart| part.size_bytes.unwrap_or(-1.0);
            size(b).total_cmp(&size(a)).then_with(|| a.key.cmp(&b.key))
        });
        parts
    };
    Ok(Json(ContainerHost {
        host_silent: silent.first().copied().unwrap_or(true),
        engines: of("container_engine"),
        images: of("container_image"),
        volumes: of("container_volume"),
        networks: of("container_network"),
        host,
    }))
}

impl From<&FactRow> for ContainerPart {
    fn from(row: &FactRow) -> Self {
        let doc = Doc(&row.doc);
        let created_at = doc.text("created_at").and_then(|text| parse_time(&text).ok());
        Self {
            key: row.id.clone(),
            size_bytes: doc.number("size_bytes"),
            created_at: created_at.map(Time),
            since: Time(row.since),
            facts: doc.fields(),
        }
    }
}

/// The host with this name.
fn host_key(app: &App, directory: &Directory, name: &str) -> Result<HostKey, Problem> {
    let found = app.overview.each(directory, &app.ingest, Some(name), now_ms(), |host| host.row.id);
    found.first().copied().ok_or_else(|| match &directory.error {
        Some(error) => Problem::unavailable(format!("the hosts cannot be read: {error}")),
        None => Problem::not_found(format!("there is no host named {name:?}")),
    })
}
