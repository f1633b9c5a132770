//! The page: the built dashboard, embedded into the binary by the build script.

use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::api::problem::Problem;

/// The files, sorted by address.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/ui_files.rs"));

/// Address of the page itself.
const INDEX: &str = "index.html";
/// Files in this folder carry a hash of their content in their name.
const HASHED: &str = "assets/";

/// Answers everything that is no route: a file of the dashboard, the page itself for its own addresses, or 404.
pub async fn serve(request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    if path.starts_with("api/") || path == "api" {
        return Problem::not_found("there is nothing at this address; see /api/openapi.json").into_response();
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return Problem::method_not_allowed(request.method().as_str()).into_response();
    }
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let known = text(header::IF_NONE_MATCH);
    if let Some(content) = file(path) {
        return answer(path, content, known);
    }
    // The page's own addresses (`/hosts/nas`) have no extension in their last part, or are asked for as a page.
    let last = path.rsplit('/').next().unwrap_or("");
    if path.starts_with(HASHED) || (last.contains('.') && !text(header::ACCEPT).contains("text/html")) {
        return Problem::not_found("there is no such file").into_response();
    }
    match file(INDEX) {
        Some(content) => answer(INDEX, content, known),
        None => Problem::not_found("the page is not part of this build").into_response(),
    }
}

fn file(path: &str) -> Option<&'static [u8]> {
    let index = FILES.binary_search_by_key(&path, |(name, _)| name).ok()?;
    FILES.get(index).map(|(_, content)| *content)
}

fn answer(path: &str, content: &'static [u8], known: &str) -> Response {
    // Weak, because it is the same whether the answer is packed or not.
    let tag = format!("W/\"{:016x}\"", xxhash_rust::xxh3::xxh3_64(content));
    let cache = match path.starts_with(HASHED) {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let mut response = if known.split(',').any(|one| one.trim() == tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, content_type(path))], content).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// By extension; what a dashboard does not hold is plain bytes.
fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or("") {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
