//! `/api/hosts`: the hosts, and one of them with all that is known.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::params::Params;
use super::problem::Problem;
use super::state::App;
use crate::moment::now_ms;
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

/// Shows one host: facts, sources with their outcome, filesystems, disks, interfaces.
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
    let Path(host) = host.map_err(|_| Problem::not_found("the name of the host is not UTF-8"))?;
    let directory = app.directory.get().await;
    let Some((key, mut detail)) = app.overview.detail(&host, &directory, &app.ingest, now_ms()) else {
        return Err(match &directory.error {
            Some(error) => Problem::unavailable(format!("the hosts cannot be read: {error}")),
            None => Problem::not_found(format!("there is no host named {host:?}")),
        });
    };
    // Without the database there are at least the facts that were read before it went away.
    if directory.error.is_none() {
        detail.facts = app.ask(app.store.facts(key)).await?.iter().map(FactView::from).collect();
    }
    Ok(Json(detail))
}
