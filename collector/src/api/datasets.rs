//! `/api/pools/{id}/datasets`: the filesystems and volumes of a pool of ZFS.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::params::Params;
use super::problem::Problem;
use super::state::App;
use crate::moment::now_ms;
use crate::overview::summary::Known;
use crate::storage::view::StorageDataset;

/// Datasets of a page when no limit is given.
const PAGE: usize = 500;
/// Most datasets of a page.
const PAGE_MAX: usize = 1000;
/// Most datasets of a host that are looked at; agents tell 1000.
const OF_HOST_MAX: i64 = 5000;

/// A page of datasets.
#[derive(Serialize, ToSchema)]
pub struct StorageDatasetPage {
    /// The datasets, children behind their parent.
    pub datasets: Vec<StorageDataset>,
    /// The pool has more than its agent tells.
    pub truncated: bool,
    /// Hand this in as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// Lists the filesystems and volumes of a pool, children behind their parent; a btrfs has none.
///
/// # Errors
/// No such pool; wrong parameters.
#[utoipa::path(get, path = "/api/pools/{id}/datasets", tag = "storage", operation_id = "list_datasets",
    params(
        ("id" = String, Path, description = "Host and name of the pool, as the list has it: `nas1:tank`."),
        ("limit" = Option<u32>, Query, description = "Most datasets of a page, 1 to 1000; 500 when not given."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
    ),
    responses(
        (status = 200, description = "A page of datasets.", body = StorageDatasetPage),
        (status = "default", description = "A problem.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn list(
    State(app): State<App>,
    id: Result<Path<String>, PathRejection>,
    params: Params,
) -> Result<Json<StorageDatasetPage>, Problem> {
    let params = params.only(&["limit", "cursor"])?;
    let limit = params.limit(PAGE, PAGE_MAX)?;
    let Path(id) = id.map_err(|_| Problem::not_found("the id of the pool is not UTF-8"))?;
    let none =
        || Problem::not_found(format!("there is no pool {id:?}; /api/pools lists those that there are"));
    let (host, pool) = id.split_once(':').ok_or_else(none)?;
    let directory = app.directory.get().await;
    let key = |host: &Known<'_>| host.storage().pool_host(pool);
    let found = app.overview.each(&directory, &app.ingest, Some(host), now_ms(), key);
    let Some(key) = found.into_iter().flatten().next() else {
        return Err(match &directory.error {
            Some(error) => Problem::unavailable(format!("the pools cannot be read: {error}")),
            None => none(),
        });
    };
    // Without the database there are at least the figures.
    let facts = match &directory.error {
        None => app.ask(app.store.facts_page(key, Some("dataset"), None, OF_HOST_MAX)).await?,
        Some(_) => Vec::new(),
    };
    let of = |host: &Known<'_>| host.storage().datasets(pool, &facts);
    let found = app.overview.each(&directory, &app.ingest, Some(host), now_ms(), of);
    let Some((mut datasets, truncated)) = found.into_iter().next() else { return Err(none()) };
    if let Some(after) = params.get("cursor") {
        datasets.retain(|dataset| dataset.name.split('/').gt(after.split('/')));
    }
    let more = datasets.len() > limit;
    datasets.truncate(limit);
    let next_cursor = datasets.last().filter(|_| more).map(|dataset| dataset.name.clone());
    Ok(Json(StorageDatasetPage { datasets, truncated, next_cursor }))
}
