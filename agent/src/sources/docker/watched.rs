//! An engine that is listened to, and its containers as the source sees them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::engines::Address;
use super::happenings::{self, Memory};
use super::measure::{Files, Reader};
use super::metrics::{EngineRow, Row};
use super::{device_name, parts};
use crate::engine::usage::Usage;
use crate::engine::{Container, Engine, Snapshot, Status, Wanted};
use crate::host::HostRoot;
use crate::source::pattern::Patterns;
use crate::source::{Bell, Readings};

/// Which containers are looked at.
#[derive(Debug)]
pub(super) struct Filter {
    /// None means all.
    pub(super) include: Vec<String>,
    /// Left out of those.
    pub(super) exclude: Patterns,
}

impl Filter {
    fn lets(&self, name: &str) -> bool {
        (self.include.is_empty() || Patterns::new(&self.include).matches(name)) && !self.exclude.matches(name)
    }
}

/// An engine.
pub(super) struct Watched {
    pub(super) address: Address,
    /// Its containers go by their bare names.
    is_default: bool,
    /// `None` over a capture.
    engine: Option<Engine>,
    /// What it knew last.
    pub(super) snapshot: Snapshot,
    /// Containers by identity.
    pub(super) known: BTreeMap<String, Known>,
    /// What the facts told last were made of.
    pub(super) told: super::telling::Told,
}

/// A container.
pub(super) struct Known {
    pub(super) container: Arc<Container>,
    /// Id of its fact and value of its label `name`.
    pub(super) shown: String,
    pub(super) part: usize,
    memory: Memory,
    /// Where its cgroup lies; the inner `None` when it cannot be seen.
    files: Option<Option<Files>>,
    pub(super) usage: Option<Arc<Usage>>,
    /// Names of the block devices in the usage.
    devices: Vec<String>,
    /// Unix milliseconds of the build of its image.
    pub(super) image_created_ms: Option<i64>,
}

impl Known {
    pub(super) fn is_looping(&self) -> bool {
        self.memory.looping
    }
}

impl Watched {
    /// Begins to listen, unless the host is a capture.
    pub(super) fn new(
        address: Address,
        is_default: bool,
        labels: Patterns,
        disk_usage_every: Option<Duration>,
        host: &HostRoot,
        bell: Bell,
    ) -> Self {
        let wanted = Wanted { endpoint: address.endpoint.clone(), labels, disk_usage_every };
        let engine = host.is_live().then(|| Engine::start(wanted, bell)).and_then(|started| match started {
            Ok(engine) => Some(engine),
            Err(error) => {
                tracing::warn!(engine = address.name, %error, "cannot start a thread for an engine");
                None
            }
        });
        Self {
            address,
            is_default,
            engine,
            snapshot: Snapshot::default(),
            known: BTreeMap::new(),
            told: super::telling::Told::default(),
        }
    }

    /// Id of a container's fact: its name, behind that of an engine which is not the default one.
    fn shown(&self, name: &str) -> String {
        if self.is_default { name.to_owned() } else { format!("{}/{name}", self.address.name) }
    }

    /// Id of the fact about anything else of this engine.
    pub(super) fn shown_thing(&self, name: &str) -> String {
        self.shown(name)
    }

    /// Takes over what the engine knows, and tells what happened.
    pub(super) fn update(
        &mut self,
        host: &HostRoot,
        patience: Duration,
        filter: &Filter,
        out: &mut Readings,
    ) {
        let engine = self.engine.as_ref();
        let answer = host.call(&self.address.place(), "engine", |_| match engine {
            Some(engine) => Ok(engine.snapshot(patience)),
            None => Err(std::io::ErrorKind::Unsupported.into()),
        });
        // A capture that was made without this engine.
        let Ok(snapshot) = answer else { return };
        let before = std::mem::replace(&mut self.snapshot, snapshot);
        for happening in std::mem::take(&mut self.snapshot.happenings) {
            if let Some(event) = happenings::engine_event(&self.address.name, &happening) {
                out.event(event.kind, event.severity, event.message, event.data);
                continue;
            }
            if !filter.lets(&happening.name) {
                continue;
            }
            let shown = self.shown(&happening.name);
            let mut passing = Memory::default();
            let memory = self.known.get_mut(&happening.id).map_or(&mut passing, |known| &mut known.memory);
            for event in happenings::events(&self.address.name, &shown, &happening, memory) {
                out.event(event.kind, event.severity, event.message, event.data);
            }
        }
        if self.snapshot.happenings_lost > 0 {
            out.note(format!(
                "{}: {} events came too fast",
                self.address.name, self.snapshot.happenings_lost
            ));
        }
        let images_changed = !Arc::ptr_eq(&before.images, &self.snapshot.images);
        self.take_over(filter, images_changed);
    }

    /// Brings the containers up to what the engine says.
    fn take_over(&mut self, filter: &Filter, images_changed: bool) {
        let mut gone: BTreeSet<String> = self.known.keys().cloned().collect();
        for container in &self.snapshot.containers {
            if !filter.lets(&container.name) {
                continue;
            }
            gone.remove(&container.id);
            let known = self.known.get_mut(&container.id);
            if known.is_some_and(|known| Arc::ptr_eq(&known.container, container)) && !images_changed {
                continue;
            }
            let shown = if self.is_default {
                container.name.clone()
            } else {
                format!("{}/{}", self.address.name, container.name)
            };
            let images = self.snapshot.images.iter();
            let image_created_ms =
                images.filter(|image| image.id == container.image_id).find_map(|image| image.created_ms);
            let before = self.known.remove(&container.id);
            // Where its cgroup lies holds for one run of it.
            let same_run = before.as_ref().is_some_and(|before| before.container.pid == container.pid);
            let (memory, files) =
                before.map_or((Memory::default(), None), |before| (before.memory, before.files));
            let known = Known {
                part: parts::of(&shown),
                shown,
                container: Arc::clone(container),
                memory,
                files: files.filter(|_| same_run),
                usage: None,
                devices: Vec::new(),
                image_created_ms,
            };
            self.known.insert(container.id.clone(), known);
        }
        gone.iter().for_each(|id| drop(self.known.remove(id)));
    }

    /// Measures what runs: from its cgroup, or else as the engine says.
    pub(super) fn measure(
        &mut self,
        host: &HostRoot,
        reader: &mut Reader,
        names: &mut HashMap<(u32, u32), String>,
        now_ms: i64,
    ) {
        let mut unseen = Vec::new();
        for (id, known) in &mut self.known {
            known.memory.calm(now_ms);
            known.usage = None;
            known.devices.clear();
            if !known.container.is_running() {
                continue;
            }
            let files = known.files.get_or_insert_with(|| reader.find(host, &known.container));
            known.usage = match files {
                Some(files) => reader.read(host, files, &known.container).map(Arc::new),
                None => {
                    unseen.push(id.clone());
                    self.snapshot.usage.get(id).map(Arc::clone)
                }
            };
            for device in known.usage.iter().flat_map(|usage| &usage.devices) {
                let name = names.entry(device.number).or_insert_with(|| device_name(host, device.number));
                known.devices.push(name.clone());
            }
        }
        if let Some(engine) = &self.engine {
            engine.ask_usage_of(unseen);
        }
    }

    /// The engine itself.
    pub(super) fn row(&self) -> EngineRow<'_> {
        let mut disk = Vec::new();
        if let Some(usage) = &self.snapshot.disk_usage {
            let volumes = usage.volumes.values().filter_map(|(bytes, _)| *bytes).fold(0, u64::saturating_add);
            disk.extend(usage.layers_bytes.map(|bytes| ("images", bytes)));
            disk.extend(usage.build_cache_bytes.map(|bytes| ("build_cache", bytes)));
            disk.push(("containers", usage.containers.values().copied().fold(0, u64::saturating_add)));
            disk.push(("volumes", volumes));
        }
        EngineRow {
            name: &self.address.name,
            up: self.snapshot.status == Status::Up,
            left_out: self.snapshot.left_out,
            disk,
        }
    }

    /// One of its containers.
    pub(super) fn container_row<'a>(&'a self, known: &'a Known, now: f64) -> Row<'a> {
        let container = &*known.container;
        let label = |key: &str| container.labels.get(key).map_or("", String::as_str);
        let id =
            known.files.as_ref().and_then(Option::as_ref).map_or(container.id.as_str(), |files| &files.id);
        let (project, service) = (label("com.docker.compose.project"), label("com.docker.compose.service"));
        let disk = self.snapshot.disk_usage.as_ref();
        Row {
            container,
            labels: [id, &known.shown, &container.image, project, service],
            usage: known.usage.as_deref(),
            devices: &known.devices,
            now,
            image_created: known.image_created_ms.map(|ms| ms as f64 / 1000.0),
            written_bytes: disk.and_then(|disk| disk.containers.get(&container.id).copied()),
            restart_loop: known.memory.looping,
        }
    }
}
