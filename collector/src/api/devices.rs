//! `/api/sensors`, `/api/gpus`, `/api/ups`, `/api/bmc`, `/api/power`: what hosts have beside storage, and the power it takes.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::page::page;
use super::params::Params;
use super::problem::Problem;
use super::state::App;
use crate::devices::Prices;
use crate::devices::view::{Bmc, Gpu, HostPower, SensorChip, Ups};

/// A page of chips with sensors.
#[derive(Serialize, ToSchema)]
pub struct SensorPage {
    /// The chips, by id.
    pub chips: Vec<SensorChip>,
    /// Hand this in as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// A page of graphics processors.
#[derive(Serialize, ToSchema)]
pub struct GpuPage {
    /// The processors, by id.
    pub gpus: Vec<Gpu>,
    /// Hand this in as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// A page of uninterruptible power supplies.
#[derive(Serialize, ToSchema)]
pub struct UpsPage {
    /// The supplies, by id.
    pub ups: Vec<Ups>,
    /// Hand this in as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// A page of management controllers.
#[derive(Serialize, ToSchema)]
pub struct BmcPage {
    /// The controllers, by id.
    pub bmcs: Vec<Bmc>,
    /// Hand this in as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// A page of hosts with the power they take.
#[derive(Serialize, ToSchema)]
pub struct PowerPage {
    /// The hosts on which something measures power, by name.
    pub hosts: Vec<HostPower>,
    /// Price of a kilowatt-hour, the key `energy.price_per_kwh` of the collector's configuration; null when none is set.
    pub price_per_kwh: Option<f64>,
    /// Its currency, the key `energy.currency`.
    pub currency: String,
    /// Hand this in as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// Lists the sensors of all hosts by chip: those of the kernel's drivers, thermal zones, and the management controller.
///
/// # Errors
/// Wrong parameters; nothing was ever read of the database.
#[utoipa::path(get, path = "/api/sensors", tag = "devices", operation_id = "list_sensors",
    params(
        ("host" = Option<String>, Query, description = "Only of this host."),
        ("limit" = Option<u32>, Query, description = "Most chips of a page, 1 to 1000; 500 when not given."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
    ),
    responses(
        (status = 200, description = "A page of chips.", body = SensorPage),
        (status = "default", description = "A problem.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn sensors(State(app): State<App>, params: Params) -> Result<Json<SensorPage>, Problem> {
    let (chips, next_cursor) = page(&app, params, |host| host.devices().chips(), |chip| &chip.id).await?;
    Ok(Json(SensorPage { chips, next_cursor }))
}

/// Lists the graphics processors of all hosts with what they do.
///
/// # Errors
/// Wrong parameters; nothing was ever read of the database.
#[utoipa::path(get, path = "/api/gpus", tag = "devices", operation_id = "list_gpus",
    params(
        ("host" = Option<String>, Query, description = "Only of this host."),
        ("limit" = Option<u32>, Query, description = "Most processors of a page, 1 to 1000; 500 when not given."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
    ),
    responses(
        (status = 200, description = "A page of processors.", body = GpuPage),
        (status = "default", description = "A problem.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn gpus(State(app): State<App>, params: Params) -> Result<Json<GpuPage>, Problem> {
    let metrics = app.directory.get().await.metrics.clone();
    let (gpus, next_cursor) = page(&app, params, |host| host.gpus(&metrics), |gpu| &gpu.id).await?;
    Ok(Json(GpuPage { gpus, next_cursor }))
}

/// Lists the uninterruptible power supplies that hosts read, and the batteries of machines that have one.
///
/// # Errors
/// Wrong parameters; nothing was ever read of the database.
#[utoipa::path(get, path = "/api/ups", tag = "devices", operation_id = "list_ups",
    params(
        ("host" = Option<String>, Query, description = "Only of this host."),
        ("limit" = Option<u32>, Query, description = "Most supplies of a page, 1 to 1000; 500 when not given."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
    ),
    responses(
        (status = 200, description = "A page of supplies.", body = UpsPage),
        (status = "default", description = "A problem.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn ups(State(app): State<App>, params: Params) -> Result<Json<UpsPage>, Problem> {
    let metrics = app.directory.get().await.metrics.clone();
    let (ups, next_cursor) = page(&app, params, |host| host.devices().upses(&metrics), |ups| &ups.id).await?;
    Ok(Json(UpsPage { ups, next_cursor }))
}

/// Lists the management controllers of all hosts with their sensors. Their event log are the events of type `bmc_log`.
///
/// # Errors
/// Wrong parameters; nothing was ever read of the database.
#[utoipa::path(get, path = "/api/bmc", tag = "devices", operation_id = "list_bmcs",
    params(
        ("host" = Option<String>, Query, description = "Only of this host."),
        ("limit" = Option<u32>, Query, description = "Most controllers of a page, 1 to 1000; 500 when not given."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
    ),
    responses(
        (status = 200, description = "A page of controllers.", body = BmcPage),
        (status = "default", description = "A problem.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn bmcs(State(app): State<App>, params: Params) -> Result<Json<BmcPage>, Problem> {
    let (bmcs, next_cursor) = page(&app, params, |host| host.devices().bmcs(), |bmc| &bmc.id).await?;
    Ok(Json(BmcPage { bmcs, next_cursor }))
}

/// Lists the power each host takes, its energy over the last day, and what a month like that costs.
///
/// What counts is the first of: what measures the whole machine (DCMI, a power meter, a power sensor of the management
/// controller); a UPS that the host itself serves, with whatever else hangs on it; the sum of the parts that measure
/// themselves (processor packages and memory, graphics processors). The energy is that of the last 24 hours, or since the
/// first reading, time without readings counting as none; a month has 730.5 hours like those.
///
/// # Errors
/// Wrong parameters; nothing was ever read of the database.
#[utoipa::path(get, path = "/api/power", tag = "devices", operation_id = "list_power",
    params(
        ("host" = Option<String>, Query, description = "Only of this host."),
        ("limit" = Option<u32>, Query, description = "Most hosts of a page, 1 to 1000; 500 when not given."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
    ),
    responses(
        (status = 200, description = "A page of hosts.", body = PowerPage),
        (status = "default", description = "A problem.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn power(State(app): State<App>, params: Params) -> Result<Json<PowerPage>, Problem> {
    let prices = Prices::from(&app.energy);
    let of = |host: &crate::overview::summary::Known<'_>| {
        host.devices().power(&prices).into_iter().collect::<Vec<_>>()
    };
    let (hosts, next_cursor) = page(&app, params, of, |power| &power.host).await?;
    let currency = app.energy.currency.clone();
    Ok(Json(PowerPage { hosts, price_per_kwh: prices.per_kwh, currency, next_cursor }))
}
