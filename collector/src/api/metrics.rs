//! `/metrics`: the collector's own metrics, Prometheus text.

use axum::extract::State;
use axum::response::Response;

use super::problem::Problem;
use super::state::App;

/// Shows the collector's own metrics in Prometheus' text format.
///
/// # Errors
/// None.
#[utoipa::path(get, path = "/metrics", tag = "system", operation_id = "get_metrics",
    responses((status = 200, description = "Text exposition, version 0.0.4.", body = String, content_type = "text/plain")))]
pub async fn show(State(app): State<App>) -> Result<Response, Problem> {
    Err(app.pending())
}
