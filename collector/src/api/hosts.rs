//! `/api/hosts`: the hosts, one of them with what its page shows, and its facts.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::params::Params;
use super::problem::Problem;
use super::state::App;
use crate::moment::now_ms;
use crate::overview::directory::Directory;
use crate::overview::view::{FactView, HostDetail, HostSummary};

/// A page of hosts.
#[derive(Serialize, ToSchema)]
pub struct HostPage {
    /// The hosts, by name.
    pub hosts: Vec<HostSummary>,
    /// Hand this in as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// Lists the hosts by name, with what an overview shows of each.
///
/// # Errors
/// Wrong parameters.
#[utoipa::path(get, path = "/api/hosts", tag = "hosts", operation_id = "list_hosts",
    params(
        ("limit" = Option<u32>, Query, description = "Most hosts of a page, 1 to 1000; 500 when not given."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
    ),
    responses(
        (status = 200, description = "A page of hosts.", body = HostPage),
        (status = "default", description = "A problem.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn list(State(app): State<App>, params: Params) -> Result<Json<HostPage>, Problem> {
    let params = params.only(&["limit", "cursor"])?;
    let limit = params.limit(500, 1000)?;
    let directory = app.directory.get().await;
    let (mut hosts, _) = app.overview.judge(&directory, &app.ingest, now_ms());
    if hosts.is_empty()
        && let Some(error) = &directory.error
    {
        return Err(Problem::unavailable(format!("the hosts cannot be read: {error}")));
    }
    if let Some(after) = params.get("cursor") {
        hosts.retain(|host| host.host.as_str() > after);
    }
    let more = hosts.len() > limit;
    hosts.truncate(limit);
    let next_cursor = hosts.last().filter(|_| more).map(|host| host.host.clone());
    Ok(Json(HostPage { hosts, next_cursor }))
}

/// Facts of a page when no limit is given.
const FACTS_PAGE: usize = 500;
/// Most facts of a page.
const FACTS_PAGE_MAX: usize = 1000;

/// A page of facts.
#[derive(Serialize, ToSchema)]
pub struct FactPage {
    /// The facts, by kind and id.
    pub facts: Vec<FactView>,
    /// Hand this in as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// Shows one host: what it is, sources with their outcome, filesystems, disks, interfaces.
///
/// # Errors
/// No such host.
#[utoipa::path(get, path = "/api/hosts/{host}", tag = "hosts", operation_id = "get_host",
    params(("host" = String, Path, description = "Name of the host.")),
    responses(
        (status = 200, description = "The host.", body = HostDetail),
        (status = "default", description = "A problem.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn detail(
    State(app): State<App>,
    host: Result<Path<String>, PathRejection>,
    params: Params,
) -> Result<Json<HostDetail>, Problem> {
    params.only(&[])?;
    let Path(host) = host.map_err(|_| not_utf8())?;
    let directory = app.directory.get().await;
    let Some((key, mut detail)) = app.overview.detail(&host, &directory, &app.ingest, now_ms()) else {
        return Err(unknown(&host, &directory));
    };
    if directory.error.is_none() {
        detail.fact_counts = Some(app.ask(app.store.fact_counts(key)).await?);
    }
    Ok(Json(detail))
}

/// Lists what exists on a host: its facts, by kind and id.
///
/// # Errors
/// No such host; wrong parameters; the database is away.
#[utoipa::path(get, path = "/api/hosts/{host}/facts", tag = "hosts", operation_id = "list_host_facts",
    params(
        ("host" = String, Path, description = "Name of the host."),
        ("kind" = Option<String>, Query, description = "Only of this kind: `disk`, `pool`, …; `fact_counts` of the host names those there are."),
        ("limit" = Option<u32>, Query, description = "Most facts of a page, 1 to 1000; 500 when not given."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
    ),
    responses(
        (status = 200, description = "A page of facts.", body = FactPage),
        (status = "default", description = "A problem.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn facts(
    State(app): State<App>,
    host: Result<Path<String>, PathRejection>,
    params: Params,
) -> Result<Json<FactPage>, Problem> {
    let params = params.only(&["kind", "limit", "cursor"])?;
    let limit = params.limit(FACTS_PAGE, FACTS_PAGE_MAX)?;
    let after = match params.get("cursor").map(|cursor| (cursor, cursor.split_once(':'))) {
        None => None,
        Some((_, Some(after))) => Some(after),
        Some((cursor, None)) => {
            let detail = format!("must be the `next_cursor` of the page before, not {cursor:?}");
            return Err(Problem::bad_parameter("cursor", detail));
        }
    };
    let Path(host) = host.map_err(|_| not_utf8())?;
    let directory = app.directory.get().await;
    let key = app.overview.key(&host, &directory, &app.ingest).ok_or_else(|| unknown(&host, &directory))?;
    // One more than is shown tells whether there are more.
    let facts = app.store.facts_page(key, params.get("kind"), after, limit as i64 + 1);
    let mut rows = app.ask(facts).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = rows.last().filter(|_| more).map(|fact| format!("{}:{}", fact.kind, fact.id));
    Ok(Json(FactPage { facts: rows.iter().map(FactView::from).collect(), next_cursor }))
}

fn not_utf8() -> Problem {
    Problem::not_found("the name of the host is not UTF-8")
}

fn unknown(host: &str, directory: &Directory) -> Problem {
    match &directory.error {
        Some(error) => Problem::unavailable(format!("the hosts cannot be read: {error}")),
        None => Problem::not_found(format!("there is no host named {host:?}")),
    }
}
