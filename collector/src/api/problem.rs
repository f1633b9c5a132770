//! Errors as the API tells them: problem documents (RFC 9457).

use std::any::Any;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// What went wrong with a request, `application/problem+json` (RFC 9457).
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Problem {
    /// Which kind of problem: a URN that does not change.
    #[serde(rename = "type")]
    #[schema(example = "urn:homelab-intelligence:problem:limit")]
    pub kind: &'static str,
    /// The kind in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What was wrong this time, and what would be right.
    pub detail: String,
    /// The path that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The parameters that were wrong, each with its reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ParameterError>,
}

/// A parameter that was wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ParameterError {
    /// Its name.
    pub parameter: String,
    /// What is wrong with it.
    pub detail: String,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind,
            title,
            status: status.as_u16(),
            detail: detail.into(),
            instance: None,
            errors: Vec::new(),
        }
    }

    /// 404: nothing is there.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "urn:homelab-intelligence:problem:not-found", "Not found", detail)
    }

    /// 405: this path takes other methods.
    pub fn method_not_allowed(method: &str) -> Self {
        let detail = format!("this address does not take {method}; see /api/openapi.json for what it takes");
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "urn:homelab-intelligence:problem:method-not-allowed",
            "Method not allowed",
            detail,
        )
    }

    /// 400: one parameter is wrong.
    pub fn bad_parameter(parameter: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let mut problem = Self::new(
            StatusCode::BAD_REQUEST,
            "urn:homelab-intelligence:problem:bad-parameter",
            "A parameter is wrong",
            format!("`{parameter}` {detail}"),
        );
        problem.errors.push(ParameterError { parameter: parameter.to_owned(), detail });
        problem
    }

    /// 422: more was asked for than one request may have.
    pub fn limit(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "urn:homelab-intelligence:problem:limit",
            "The request exceeds a limit",
            detail,
        )
    }

    /// 503: a part this needs is away at the moment.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "urn:homelab-intelligence:problem:unavailable",
            "Not available at the moment",
            detail,
        )
    }

    /// 429: too many clients at once.
    pub fn too_many_clients(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "urn:homelab-intelligence:problem:too-many-clients",
            "Too many clients",
            detail,
        )
    }

    /// 403: the request came under a name that is not ours.
    pub fn forbidden_host(host: &str) -> Self {
        let detail = format!(
            "the request names the host {host:?}; this server answers only to localhost, 127.0.0.1 and [::1], \
             so that no foreign web page reaches it through DNS"
        );
        Self::new(
            StatusCode::FORBIDDEN,
            "urn:homelab-intelligence:problem:forbidden-host",
            "Host not allowed",
            detail,
        )
    }

    /// 500: a mistake of ours. The log says more.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "urn:homelab-intelligence:problem:internal",
            "Internal error",
            "something went wrong in the collector; its log says what",
        )
    }

    /// The same with the path it is about.
    #[must_use]
    pub fn at(mut self, path: &str) -> Self {
        self.instance = Some(path.to_owned());
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        // For the guard, which knows the path.
        response.extensions_mut().insert(self);
        response
    }
}

/// Answers a request whose handler panicked; the panic itself was logged by the hook.
#[expect(clippy::needless_pass_by_value, reason = "the signature the layer wants")]
pub fn of_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(panic = text, "request handler panicked");
    Problem::internal().into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_parameter_is_named() {
        let json =
            serde_json::to_value(Problem::bad_parameter("limit", "must be 1 to 1000").at("/api/hosts"));
        assert_eq!(
            json.unwrap(),
            serde_json::json!({
                "type": "urn:homelab-intelligence:problem:bad-parameter",
                "title": "A parameter is wrong",
                "status": 400,
                "detail": "`limit` must be 1 to 1000",
                "instance": "/api/hosts",
                "errors": [{"parameter": "limit", "detail": "must be 1 to 1000"}],
            })
        );
    }
}
