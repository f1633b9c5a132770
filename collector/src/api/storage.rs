//! `/api/disks`, `/api/arrays`, `/api/pools`: the storage of all hosts.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::page::page;
use super::params::Params;
use super::problem::Problem;
use super::state::App;
use crate::moment::now_ms;
use crate::overview::summary::Known;
use crate::storage::view::{StorageArray, StorageController, StorageDisk, StorageDiskDetail, StoragePool};
use crate::storage::{DISK_FACT_KINDS, changes, places};

/// A page of disks.
#[derive(Serialize, ToSchema)]
pub struct StorageDiskPage {
    /// The disks, by id.
    pub disks: Vec<StorageDisk>,
    /// RAID controllers, whose disks cannot be seen; on the first page.
    pub controllers: Vec<StorageController>,
    /// Hand this in as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// A page of arrays.
#[derive(Serialize, ToSchema)]
pub struct StorageArrayPage {
    /// The arrays, by id.
    pub arrays: Vec<StorageArray>,
    /// Hand this in as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// A page of pools.
#[derive(Serialize, ToSchema)]
pub struct StoragePoolPage {
    /// The pools, by id.
    pub pools: Vec<StoragePool>,
    /// Hand this in as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// Lists the disks of all hosts, by id, with what they say of their health.
///
/// # Errors
/// Wrong parameters; nothing was ever read of the database.
#[utoipa::path(get, path = "/api/disks", tag = "storage", operation_id = "list_disks",
    params(
        ("host" = Option<String>, Query, description = "Only of this host."),
        ("limit" = Option<u32>, Query, description = "Most disks of a page, 1 to 1000; 500 when not given."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
    ),
    responses(
        (status = 200, description = "A page of disks.", body = StorageDiskPage),
        (status = "default", description = "A problem.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn disks(State(app): State<App>, params: Params) -> Result<Json<StorageDiskPage>, Problem> {
    let (first, host) = (params.get("cursor").is_none(), params.get("host").map(str::to_owned));
    let (disks, next_cursor) = page(&app, params, |host| host.storage().disks(), |disk| &disk.id).await?;
    let directory = app.directory.get().await;
    let of = |host: &Known<'_>| host.storage().controllers();
    let controllers = app.overview.each(&directory, &app.ingest, host.as_deref(), now_ms(), of);
    let controllers = controllers.into_iter().flatten().filter(|_| first).collect();
    Ok(Json(StorageDiskPage { disks, controllers, next_cursor }))
}

/// Lists the md arrays of all hosts, by id, with their members and what goes on in them.
///
/// # Errors
/// Wrong parameters; nothing was ever read of the database.
#[utoipa::path(get, path = "/api/arrays", tag = "storage", operation_id = "list_arrays",
    params(
        ("host" = Option<String>, Query, description = "Only of this host."),
        ("limit" = Option<u32>, Query, description = "Most arrays of a page, 1 to 1000; 500 when not given."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
    ),
    responses(
        (status = 200, description = "A page of arrays.", body = StorageArrayPage),
        (status = "default", description = "A problem.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn arrays(State(app): State<App>, params: Params) -> Result<Json<StorageArrayPage>, Problem> {
    let (arrays, next_cursor) =
        page(&app, params, |host| host.storage().all().arrays, |array| &array.id).await?;
    Ok(Json(StorageArrayPage { arrays, next_cursor }))
}

/// Lists the pools of ZFS and the filesystems of btrfs of all hosts, by id, with their devices.
///
/// # Errors
/// Wrong parameters; nothing was ever read of the database.
#[utoipa::path(get, path = "/api/pools", tag = "storage", operation_id = "list_pools",
    params(
        ("host" = Option<String>, Query, description = "Only of this host."),
        ("limit" = Option<u32>, Query, description = "Most pools of a page, 1 to 1000; 500 when not given."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
    ),
    responses(
        (status = 200, description = "A page of pools.", body = StoragePoolPage),
        (status = "default", description = "A problem.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn pools(State(app): State<App>, params: Params) -> Result<Json<StoragePoolPage>, Problem> {
    let (pools, next_cursor) = page(&app, params, |host| host.storage().all().pools, |pool| &pool.id).await?;
    Ok(Json(StoragePoolPage { pools, next_cursor }))
}

/// Shows one disk: its health, attributes, readings and logs, and the history of the facts about it.
///
/// # Errors
/// No such disk; the database is away.
#[utoipa::path(get, path = "/api/disks/{id}", tag = "storage", operation_id = "get_disk",
    params(("id" = String, Path, description = "Host and identity of the disk, as the list has it: `nas1:wwn-0x5000c500a1b2c3d4`.")),
    responses(
        (status = 200, description = "The disk.", body = StorageDiskDetail),
        (status = "default", description = "A problem.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn disk(
    State(app): State<App>,
    id: Result<Path<String>, PathRejection>,
    params: Params,
) -> Result<Json<StorageDiskDetail>, Problem> {
    params.only(&[])?;
    let Path(id) = id.map_err(|_| Problem::not_found("the id of the disk is not UTF-8"))?;
    let none =
        || Problem::not_found(format!("there is no disk {id:?}; /api/disks lists those that there are"));
    let (host, key) = id.split_once(':').ok_or_else(none)?;
    let directory = app.directory.get().await;
    let detail = |host: &Known<'_>| host.storage().disk_detail(key, &directory.metrics);
    let found = app.overview.each(&directory, &app.ingest, Some(host), now_ms(), detail);
    let Some(mut detail) = found.into_iter().flatten().next() else {
        return Err(match &directory.error {
            Some(error) => Problem::unavailable(format!("the disks cannot be read: {error}")),
            None => none(),
        });
    };
    // Without the database there is at least what was read before it went away.
    if directory.error.is_none() {
        let mut past = app.ask(app.store.facts_past(None, &DISK_FACT_KINDS.map(str::to_owned), key)).await?;
        // A place is no identity: what is in it on another host is another disk.
        if key.starts_with("path-") || key.contains("_path-") {
            past.retain(|fact| fact.host == host);
        }
        detail.history = changes(&past);
        detail.places = places(&past);
    }
    Ok(Json(detail))
}
