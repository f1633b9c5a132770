//! The HTTP API: every route, and what surrounds all of them.

pub mod attention;
pub mod containers;
pub mod datasets;
pub mod devices;
pub mod events;
pub mod frames;
pub mod guard;
pub mod health;
pub mod hosts;
pub mod live;
pub mod metrics;
pub mod openapi;
pub mod page;
pub mod params;
pub mod problem;
pub mod samples;
pub mod series;
pub mod serve;
pub mod state;
pub mod storage;
pub mod system;

use axum::Router;
use axum::body::HttpBody;
use axum::extract::Request;
use axum::http::{Response, header};
use axum::middleware;
use axum::routing::get;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::{CompressionLayer, Predicate};

use crate::limits::{COMPRESS_BYTES_MAX, COMPRESS_BYTES_MIN};
use crate::ui;
use problem::Problem;
use state::App;

/// Every route, and the page for all other addresses.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/api/hosts", get(hosts::list))
        .route("/api/hosts/{host}", get(hosts::detail))
        .route("/api/hosts/{host}/facts", get(hosts::facts))
        .route("/api/disks", get(storage::disks))
        .route("/api/disks/{id}", get(storage::disk))
        .route("/api/arrays", get(storage::arrays))
        .route("/api/pools", get(storage::pools))
        .route("/api/pools/{id}/datasets", get(datasets::list))
        .route("/api/sensors", get(devices::sensors))
        .route("/api/gpus", get(devices::gpus))
        .route("/api/ups", get(devices::ups))
        .route("/api/bmc", get(devices::bmcs))
        .route("/api/power", get(devices::power))
        .route("/api/containers", get(containers::list))
        .route("/api/containers/{host}", get(containers::parts))
        .route("/api/containers/{host}/{name}", get(containers::detail))
        .route("/api/attention", get(attention::list))
        .route("/api/events", get(events::list))
        .route("/api/series", get(series::list))
        .route("/api/samples", get(samples::read))
        .route("/api/live", get(live::stream))
        .route("/api/system", get(system::show))
        .route("/api/openapi.json", get(openapi::show))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::show))
        .fallback(ui::serve)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(app)
        .layer(CatchPanicLayer::custom(problem::of_panic))
        .layer(middleware::from_fn(guard::guard))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(WorthPacking))
}

async fn method_not_allowed(request: Request) -> Problem {
    Problem::method_not_allowed(request.method().as_str())
}

/// Texts are packed, but not the live stream, and not data so large that over the loopback sending it is faster.
#[derive(Clone, Copy)]
struct WorthPacking;

impl Predicate for WorthPacking {
    fn should_compress<B: HttpBody>(&self, response: &Response<B>) -> bool {
        let kind =
            response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let Some(length) = response.body().size_hint().exact() else { return false };
        let is_data = kind.contains("json");
        let is_text =
            is_data || kind.starts_with("text/") || kind.contains("javascript") || kind.contains("svg");
        is_text && length >= COMPRESS_BYTES_MIN && !(is_data && length > COMPRESS_BYTES_MAX)
    }
}
