//! `/api/attention`: what needs attention, worst first.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::params::Params;
use super::problem::Problem;
use super::state::App;
use crate::attention::AttentionItem;
use crate::moment::{Time, now_ms};

/// The attention list.
#[derive(Serialize, ToSchema)]
pub struct Attention {
    /// When this was judged.
    pub checked_at: Time,
    /// The entries, worst first.
    pub items: Vec<AttentionItem>,
}

/// Lists what needs attention, worst first; empty when all is well.
///
/// # Errors
/// Wrong parameters.
#[utoipa::path(get, path = "/api/attention", tag = "hosts", operation_id = "list_attention",
    responses(
        (status = 200, description = "The list.", body = Attention),
        (status = "default", description = "A problem.", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn list(State(app): State<App>, params: Params) -> Result<Json<Attention>, Problem> {
    params.only(&[])?;
    let directory = app.directory.get().await;
    let now_ms = now_ms();
    let (_, items) = app.overview.judge(&directory, &app.ingest, now_ms);
    Ok(Json(Attention { checked_at: Time(now_ms), items }))
}
