//! Answers of the Docker Engine API, made plain structures (<https://docs.docker.com/reference/api/engine/>, versions 1.24 to
//! 1.51, and what Podman makes of it). Pure. Unknown fields, null and odd values are tolerated; the environment of a container
//! is not even decoded.

mod inspect;
mod things;

use std::collections::BTreeMap;

use serde::Deserialize;

use super::lenient::{Entries, UpTo, cut, lenient};
use super::model::{About, CONTAINERS_MAX, Container, LABELS_MAX, TEXT_BYTES_MAX};
use crate::source::time::unix_ms;
pub(super) use inspect::inspect;
pub(super) use things::{disk_usage, images, networks, volumes};

/// Which labels are kept.
pub(super) type Keep<'a> = &'a dyn Fn(&str) -> bool;

/// A time that is not the zero of Go's `time.Time`, which is what "never" is written as.
fn ms(text: &str) -> Option<i64> {
    unix_ms(text).filter(|&ms| ms > 0)
}

fn short(text: String) -> String {
    cut(text, TEXT_BYTES_MAX)
}

/// An identity without the name of the hash.
fn digest(text: &str) -> String {
    cut(text.strip_prefix("sha256:").unwrap_or(text).to_owned(), 64)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct VersionAnswer {
    #[serde(deserialize_with = "lenient")]
    version: String,
    #[serde(deserialize_with = "lenient")]
    api_version: String,
    #[serde(rename = "MinAPIVersion", deserialize_with = "lenient")]
    min_api_version: String,
    #[serde(deserialize_with = "lenient")]
    components: UpTo<Component, 16>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Component {
    #[serde(deserialize_with = "lenient")]
    name: String,
}

/// What `/version` says: what the engine is, and which versions of the API it speaks.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) product: &'static str,
    pub(super) version: String,
    pub(super) newest: Option<(u32, u32)>,
    pub(super) oldest: Option<(u32, u32)>,
}

/// Reads `/version`.
///
/// # Errors
/// It is no JSON object.
pub(in crate::engine) fn version(bytes: &[u8]) -> Result<Version, serde_json::Error> {
    let answer: VersionAnswer = serde_json::from_slice(bytes)?;
    let podman = answer.components.items.iter().any(|part| part.name.to_lowercase().contains("podman"));
    Ok(Version {
        product: if podman { "podman" } else { "docker" },
        version: short(answer.version),
        newest: api_version(&answer.api_version),
        oldest: api_version(&answer.min_api_version),
    })
}

/// `1.41`.
fn api_version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct InfoAnswer {
    #[serde(deserialize_with = "lenient")]
    driver: String,
    #[serde(deserialize_with = "lenient")]
    cgroup_driver: String,
    #[serde(deserialize_with = "lenient")]
    cgroup_version: String,
    #[serde(deserialize_with = "lenient")]
    docker_root_dir: String,
    #[serde(deserialize_with = "lenient")]
    operating_system: String,
    #[serde(deserialize_with = "lenient")]
    default_runtime: String,
    #[serde(deserialize_with = "lenient")]
    live_restore_enabled: bool,
    #[serde(deserialize_with = "lenient")]
    security_options: UpTo<String, 32>,
    #[serde(deserialize_with = "lenient")]
    swarm: SwarmAnswer,
    #[serde(deserialize_with = "lenient")]
    rootless: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct SwarmAnswer {
    #[serde(deserialize_with = "lenient")]
    local_node_state: String,
}

/// Adds what `/info` says.
///
/// # Errors
/// It is no JSON object.
pub(super) fn info(bytes: &[u8], about: &mut About) -> Result<(), serde_json::Error> {
    let answer: InfoAnswer = serde_json::from_slice(bytes)?;
    about.os = short(answer.operating_system);
    about.storage_driver = short(answer.driver);
    about.cgroup_driver = short(answer.cgroup_driver);
    about.cgroup_version = short(answer.cgroup_version);
    about.runtime = short(answer.default_runtime);
    about.data_root = short(answer.docker_root_dir);
    about.live_restore = answer.live_restore_enabled;
    about.rootless = answer.rootless
        || answer.security_options.items.iter().any(|option| option.contains("name=rootless"));
    about.swarm = short(answer.swarm.local_node_state);
    Ok(())
}

/// A container as the list has it (`/containers/json`).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Row {
    #[serde(rename = "Id", deserialize_with = "lenient")]
    id: String,
    #[serde(rename = "Names", deserialize_with = "lenient")]
    names: UpTo<String, 16>,
    #[serde(rename = "Image", deserialize_with = "lenient")]
    image: String,
    #[serde(rename = "ImageID", deserialize_with = "lenient")]
    image_id: String,
    #[serde(rename = "Created", deserialize_with = "lenient")]
    created: i64,
    #[serde(rename = "State", deserialize_with = "lenient")]
    state: String,
    #[serde(rename = "Status", deserialize_with = "lenient")]
    status: String,
    #[serde(rename = "Labels", deserialize_with = "lenient")]
    labels: Entries<String, LABELS_MAX>,
}

/// The list of containers.
#[derive(Debug, Default)]
pub(super) struct List {
    /// What the list says of each; the rest comes from [`inspect()`].
    pub(super) containers: Vec<Container>,
    /// How many there are beyond [`CONTAINERS_MAX`].
    pub(super) left_out: usize,
}

/// Reads `/containers/json?all=1`.
///
/// # Errors
/// It is no list.
pub(super) fn list(bytes: &[u8], keep: Keep<'_>) -> Result<List, serde_json::Error> {
    let rows: UpTo<Row, CONTAINERS_MAX> = serde_json::from_slice(bytes)?;
    let left_out = rows.total.saturating_sub(CONTAINERS_MAX);
    let containers = rows.items.into_iter().filter(|row| !row.id.is_empty()).map(|row| from_row(row, keep));
    Ok(List { containers: containers.collect(), left_out })
}

fn from_row(row: Row, keep: Keep<'_>) -> Container {
    // Names of links to it have another slash in them: its own is the shortest.
    let name =
        row.names.items.iter().min_by_key(|name| name.len()).map_or("", |name| name.trim_start_matches('/'));
    // Engines before 1.23 have no word for the state: `Up 3 hours (Paused)`, `Exited (0) 2 minutes ago`.
    let state = match row.status.split(' ').next() {
        _ if !row.state.is_empty() => row.state.to_lowercase(),
        Some("Up") if row.status.ends_with("(Paused)") => "paused".to_owned(),
        Some("Up") => "running".to_owned(),
        Some(word) => word.to_lowercase(),
        None => String::new(),
    };
    Container {
        name: short(if name.is_empty() { row.id.chars().take(12).collect() } else { name.to_owned() }),
        id: cut(row.id, 64),
        image: short(row.image),
        image_id: digest(&row.image_id),
        state: short(state),
        created_ms: Some(row.created.saturating_mul(1000)).filter(|&ms| ms > 0),
        labels: kept(row.labels, keep),
        ..Container::default()
    }
}

fn kept(labels: Entries<String, LABELS_MAX>, keep: Keep<'_>) -> BTreeMap<String, String> {
    let kept = labels.0.into_iter().filter(|(key, _)| key.len() <= TEXT_BYTES_MAX && keep(key));
    kept.map(|(key, value)| (key, short(value))).collect()
}

#[cfg(test)]
mod tests;
