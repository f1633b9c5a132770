//! Facts of engines, containers, images, volumes and networks: what changes only when something happens to them.

use std::collections::BTreeMap;

use hi_common::fact::FactValue;

use crate::engine::{About, Container, DiskUsage, Image, Mount, Network, Status, Volume};
use crate::source::time::rfc3339;

/// A document.
pub(super) type Doc = BTreeMap<String, FactValue>;

/// Builds a document, leaving out what is not known.
#[derive(Default)]
struct Builder(Doc);

impl Builder {
    fn text(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.0.insert(key.to_owned(), FactValue::Text(text.to_owned()));
        }
    }

    fn int(&mut self, key: &str, value: impl TryInto<i64>) {
        if let Ok(value) = value.try_into() {
            self.0.insert(key.to_owned(), FactValue::Int(value));
        }
    }

    fn flag(&mut self, key: &str, value: bool) {
        self.0.insert(key.to_owned(), FactValue::Bool(value));
    }

    fn time(&mut self, key: &str, ms: Option<i64>) {
        if let Some(ms) = ms {
            self.text(key, &rfc3339(ms.div_euclid(1000)));
        }
    }

    fn list(&mut self, key: &str, values: Vec<FactValue>) {
        if !values.is_empty() {
            self.0.insert(key.to_owned(), FactValue::List(values));
        }
    }

    fn texts(&mut self, key: &str, texts: &[String]) {
        self.list(key, texts.iter().map(|text| FactValue::Text(text.clone())).collect());
    }
}

fn text_map(entries: [(&str, &str); 2]) -> Doc {
    entries.into_iter().map(|(key, text)| (key.to_owned(), FactValue::Text(text.to_owned()))).collect()
}

/// The fact `container`.
pub(super) fn container(engine: &str, one: &Container, image: Option<&Image>, restart_loop: bool) -> Doc {
    let mut doc = Builder::default();
    let short_id: String = one.image_id.chars().take(12).collect();
    let project = |key: &str| one.labels.get(key).map_or("", String::as_str);
    for (key, text) in [
        ("engine", engine),
        ("container_id", &one.id),
        ("name", &one.name),
        ("image", &one.image),
        ("image_id", &short_id),
        ("image_digest", image.map_or("", |image| image_digest(image, &one.image))),
        ("state", &one.state),
        ("health", if one.health.is_empty() { "none" } else { &one.health }),
        ("health_output", &one.health_output),
        ("restart_policy", &one.restart_policy),
        ("command", &one.command),
        ("compose_project", project("com.docker.compose.project")),
        ("compose_service", project("com.docker.compose.service")),
        ("log_driver", &one.log_driver),
    ] {
        doc.text(key, text);
    }
    doc.time("image_created_at", image.and_then(|image| image.created_ms));
    doc.time("created_at", one.created_ms);
    doc.time("started_at", one.started_ms);
    doc.time("finished_at", one.finished_ms);
    if let Some(code) = one.exit_code {
        doc.int("exit_code", code);
    }
    doc.int("restart_count", one.restart_count);
    if one.limits.memory_bytes > 0 {
        doc.int("memory_limit_bytes", one.limits.memory_bytes);
    }
    let (quota, period) = (one.limits.cpu_quota_us, one.limits.cpu_period_us);
    if quota > 0 && period > 0 {
        doc.0.insert("cpu_limit".to_owned(), FactValue::Float(quota as f64 / period as f64));
    }
    if one.pid > 0 {
        doc.int("pid", one.pid);
    }
    doc.flag("oom_killed", one.oom_killed);
    doc.flag("privileged", one.privileged);
    doc.flag("restart_loop", restart_loop);
    doc.texts("ports", &one.ports);
    doc.list("mounts", one.mounts.iter().map(mount).collect());
    let network =
        |(name, address): &(String, String)| FactValue::Map(text_map([("name", name), ("address", address)]));
    doc.list("networks", one.networks.iter().map(network).collect());
    if !one.labels.is_empty() {
        let label = |(key, text): (&String, &String)| (key.clone(), FactValue::Text(text.clone()));
        doc.0.insert("labels".to_owned(), FactValue::Map(one.labels.iter().map(label).collect()));
    }
    if let Some(trouble) = &one.trouble {
        doc.text("reason", &format!("{}: {}", trouble.reason, trouble.message));
    }
    doc.0
}

fn mount(mount: &Mount) -> FactValue {
    let mut doc = text_map([("type", &mount.kind), ("source", &mount.source)]);
    doc.insert("destination".to_owned(), FactValue::Text(mount.destination.clone()));
    doc.insert("read_only".to_owned(), FactValue::Bool(mount.read_only));
    FactValue::Map(doc)
}

/// The digest under which the image was fetched: of the repository that the container names, else the first.
fn image_digest<'i>(image: &'i Image, name: &str) -> &'i str {
    let name = name.split('@').next().unwrap_or(name);
    // A colon behind the last slash begins the tag; one before it is the port of a registry.
    let folder = name.rfind('/').map_or(0, |at| at + 1);
    let tag = name.get(folder..).and_then(|rest| rest.find(':')).map_or(name.len(), |at| folder + at);
    let repository = name.get(..tag).unwrap_or(name);
    let mut digests = image.digests.iter().filter_map(|text| text.split_once('@'));
    let own = digests.clone().find(|(of, _)| *of == repository || of.ends_with(&format!("/{repository}")));
    own.or_else(|| digests.next()).map_or("", |(_, digest)| digest)
}

/// The fact `container_image`.
pub(super) fn image(engine: &str, one: &Image, disk: Option<&DiskUsage>, containers: usize) -> Doc {
    let mut doc = Builder::default();
    doc.text("engine", engine);
    doc.text("image_id", &one.id);
    doc.texts("tags", &one.tags);
    doc.texts("digests", &one.digests);
    doc.time("created_at", one.created_ms);
    doc.int("size_bytes", one.size_bytes);
    if let Some(bytes) = disk.and_then(|disk| disk.images.get(&one.id)) {
        doc.int("shared_bytes", *bytes);
    }
    doc.int("containers", containers);
    doc.flag("dangling", one.tags.is_empty());
    doc.0
}

/// The fact `container_volume`.
pub(super) fn volume(engine: &str, one: &Volume, disk: Option<&DiskUsage>) -> Doc {
    let mut doc = Builder::default();
    for (key, text) in
        [("engine", engine), ("name", &one.name), ("driver", &one.driver), ("mountpoint", &one.mountpoint)]
    {
        doc.text(key, text);
    }
    doc.time("created_at", one.created_ms);
    if let Some((bytes, used_by)) = disk.and_then(|disk| disk.volumes.get(&one.name)) {
        if let Some(bytes) = bytes {
            doc.int("size_bytes", *bytes);
        }
        if let Some(used_by) = used_by {
            doc.int("containers", *used_by);
        }
    }
    doc.0
}

/// The fact `container_network`.
pub(super) fn network(engine: &str, one: &Network) -> Doc {
    let mut doc = Builder::default();
    let short_id: String = one.id.chars().take(12).collect();
    for (key, text) in [
        ("engine", engine),
        ("name", one.name.as_str()),
        ("network_id", &short_id),
        ("driver", &one.driver),
        ("scope", &one.scope),
    ] {
        doc.text(key, text);
    }
    doc.flag("internal", one.internal);
    doc.texts("subnets", &one.subnets);
    doc.0
}

/// The fact `container_engine`.
pub(super) fn engine(name: &str, endpoint: &str, status: &Status, about: Option<&About>) -> Doc {
    let mut doc = Builder::default();
    doc.text("name", name);
    doc.text("endpoint", endpoint);
    doc.flag("up", *status == Status::Up);
    if let Status::Down(trouble) = status {
        doc.text("reason", &trouble.reason);
        doc.text("message", &trouble.message);
    }
    if let Some(about) = about {
        for (key, text) in [
            ("product", &about.product),
            ("version", &about.version),
            ("api_version", &about.api_version),
            ("os", &about.os),
            ("storage_driver", &about.storage_driver),
            ("cgroup_driver", &about.cgroup_driver),
            ("cgroup_version", &about.cgroup_version),
            ("runtime", &about.runtime),
            ("data_root", &about.data_root),
            ("swarm", &about.swarm),
        ] {
            doc.text(key, text);
        }
        doc.flag("rootless", about.rootless);
        doc.flag("live_restore", about.live_restore);
    }
    doc.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_the_containers_own_repository() {
        let digests =
            ["mirror:5000/app@sha256:aa".to_owned(), "docker.io/library/nginx@sha256:bb".to_owned()];
        let image = Image { digests: digests.to_vec(), ..Image::default() };
        for (name, digest) in [
            ("nginx:1.27", "sha256:bb"),
            ("mirror:5000/app", "sha256:aa"),
            ("mirror:5000/app:2@sha256:xx", "sha256:aa"),
            ("other", "sha256:aa"),
        ] {
            assert_eq!(image_digest(&image, name), digest, "{name}");
        }
        assert_eq!(image_digest(&Image::default(), "x"), "");
    }
}
