//! `/healthz` and `/readyz`: does it live, can it work.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;
use super::state::App;

/// All is well.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    pub status: &'static str,
}

/// Tells that the process lives and answers.
#[utoipa::path(get, path = "/healthz", tag = "system", operation_id = "get_health",
    responses((status = 200, description = "It lives.", body = Health)))]
pub async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Tells whether database and broker are connected and the schema is the one this binary needs.
///
/// # Errors
/// What is missing (503).
#[utoipa::path(get, path = "/readyz", tag = "system", operation_id = "get_readiness",
    responses(
        (status = 200, description = "It can work.", body = Health),
        (status = 503, description = "What is missing.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn readyz(State(app): State<App>) -> Result<Json<Health>, Problem> {
    // The schema was brought up to date before the server began to listen.
    app.ask(app.store.database_info()).await?;
    if app.ingest.stats().connected {
        Ok(Json(Health { status: "ok" }))
    } else {
        Err(Problem::unavailable("the broker is not connected"))
    }
}
