//! `/api/openapi.json`: the description of the API, made from its handlers.

use axum::http::header;
use axum::response::IntoResponse;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{self, RefOr};
use utoipa::{Modify, OpenApi};

/// Properties that may be absent; every other one is always there, if need be as null.
const OPTIONAL: [(&str, &str); 8] = [
    ("Problem", "instance"),
    ("Problem", "errors"),
    ("SampleSeries", "avg"),
    ("SampleSeries", "min"),
    ("SampleSeries", "max"),
    ("SampleSeries", "last"),
    ("SampleSeries", "times_unix_ms"),
    ("SampleSeries", "values"),
];

#[derive(OpenApi)]
#[openapi(
    info(title = "Homelab Intelligence", description = "The API of the collector: hosts, storage, devices, containers, samples, events, and its own state."),
    paths(
        super::hosts::list,
        super::hosts::detail,
        super::hosts::facts,
        super::attention::list,
        super::storage::disks,
        super::storage::disk,
        super::storage::arrays,
        super::storage::pools,
        super::datasets::list,
        super::devices::sensors,
        super::devices::gpus,
        super::devices::ups,
        super::devices::bmcs,
        super::devices::power,
        super::containers::list,
        super::containers::parts,
        super::containers::detail,
        super::events::list,
        super::series::list,
        super::samples::read,
        super::live::stream,
        super::system::show,
        super::health::healthz,
        super::health::readyz,
        super::metrics::show,
        show,
    ),
    components(schemas(
        super::live::LiveSeriesList,
        super::live::LiveLagged,
        crate::query::Mode,
        crate::overview::view::HostSummary,
        crate::containers::view::Container,
        crate::containers::view::ContainerInside,
    )),
    tags(
        (name = "hosts", description = "Hosts and what needs attention."),
        (name = "storage", description = "Disks, arrays and pools of all hosts."),
        (name = "devices", description = "Sensors, graphics processors, power supplies, management controllers, and power."),
        (name = "containers", description = "Containers of all hosts."),
        (name = "samples", description = "Series and their samples, stored and live."),
        (name = "events", description = "What happened once."),
        (name = "system", description = "The collector itself."),
    ),
    modifiers(&Complete),
)]
struct Api;

/// Marks every property as required but those of [`OPTIONAL`]: the API shows null, it does not leave out.
struct Complete;

impl Modify for Complete {
    fn modify(&self, api: &mut openapi::OpenApi) {
        let Some(components) = api.components.as_mut() else { return };
        for (name, schema) in &mut components.schemas {
            if let RefOr::T(schema) = schema {
                require_all(name, schema);
            }
        }
    }
}

fn require_all(name: &str, schema: &mut Schema) {
    match schema {
        Schema::Object(object) => {
            let optional = |property: &str| OPTIONAL.contains(&(name, property));
            object.required = object.properties.keys().filter(|p| !optional(p)).cloned().collect();
        }
        Schema::AllOf(all) => {
            for item in &mut all.items {
                if let RefOr::T(schema) = item {
                    require_all(name, schema);
                }
            }
        }
        _ => {}
    }
}

/// The description as committed: pretty JSON with a final newline.
///
/// # Errors
/// None in practice: the description is plain data.
pub fn document() -> Result<String, serde_json::Error> {
    Ok(Api::openapi().to_pretty_json()? + "\n")
}

/// Shows this description.
#[utoipa::path(get, path = "/api/openapi.json", tag = "system", operation_id = "get_openapi",
    responses((status = 200, description = "OpenAPI 3.1.", body = serde_json::Value)))]
pub async fn show() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], document().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_description_is_the_one_of_the_handlers() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/openapi.json");
        let committed = std::fs::read_to_string(path).unwrap();
        let hint = "run: hi-collector openapi > docs/reference/openapi.json";
        assert!(committed == document().unwrap(), "docs/reference/openapi.json is not current; {hint}");
    }
}
