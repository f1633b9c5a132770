//! `/api/hosts`: the hosts, and one of them with all that is known.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::params::Params;
use super::problem::Problem;
use super::state::App;
use crate::overview::view::{HostDetail, HostSummary};

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
    let _ = params.limit(500, 1000)?;
    Err(app.pending())
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
    Path(_host): Path<String>,
    _params: Params,
) -> Result<Json<HostDetail>, Problem> {
    Err(app.pending())
}
