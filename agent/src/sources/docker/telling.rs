//! Tells the facts of an engine: those that changed, and all now and then.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::facts;
use super::watched::Watched;
use crate::engine::{Container, DiskUsage, Image, Network, Status, Volume};
use crate::source::Readings;

/// What the facts told last were made of: comparing that costs less than comparing documents.
#[derive(Default)]
pub(super) struct Told {
    ids: BTreeSet<(&'static str, String)>,
    engine: Option<Status>,
    containers: BTreeMap<String, (Arc<Container>, Option<i64>, bool)>,
    images: Arc<Vec<Image>>,
    volumes: Arc<Vec<Volume>>,
    networks: Arc<Vec<Network>>,
    disk_usage: Option<Arc<DiskUsage>>,
}

impl Watched {
    /// Tells what changed; with `all` everything.
    pub(super) fn tell(&mut self, all: bool, out: &mut Readings) {
        let snapshot = &self.snapshot;
        if snapshot.status == Status::Unknown && snapshot.about.is_none() {
            return;
        }
        let mut told = std::mem::take(&mut self.told);
        let engine = &self.address.name;
        let mut ids = BTreeSet::from([("container_engine", engine.clone())]);
        if all || told.engine.as_ref() != Some(&snapshot.status) {
            let endpoint = self.address.endpoint.to_string();
            let doc = facts::engine(engine, &endpoint, &snapshot.status, snapshot.about.as_deref());
            out.fact("container_engine", engine.clone(), doc);
        }
        told.engine = Some(snapshot.status.clone());
        let members_changed = self.tell_containers(all, &mut told, &mut ids, out);
        let disk = snapshot.disk_usage.as_ref();
        let disk_changed = match (disk, &told.disk_usage) {
            (Some(now), Some(before)) => !Arc::ptr_eq(now, before),
            (now, before) => now.is_some() != before.is_some(),
        };
        let disk = disk.map(|disk| &**disk);
        let again = all || disk_changed;
        let images_again = again || members_changed || !Arc::ptr_eq(&told.images, &snapshot.images);
        for image in snapshot.images.iter() {
            let id = self.shown_thing(&image.id.chars().take(12).collect::<String>());
            if images_again {
                let used = snapshot.containers.iter().filter(|one| one.image_id == image.id).count();
                out.fact("container_image", id.clone(), facts::image(engine, image, disk, used));
            }
            ids.insert(("container_image", id));
        }
        let volumes_again = again || !Arc::ptr_eq(&told.volumes, &snapshot.volumes);
        for volume in snapshot.volumes.iter() {
            let id = self.shown_thing(&volume.name);
            if volumes_again {
                out.fact("container_volume", id.clone(), facts::volume(engine, volume, disk));
            }
            ids.insert(("container_volume", id));
        }
        let networks_again = all || !Arc::ptr_eq(&told.networks, &snapshot.networks);
        for network in snapshot.networks.iter() {
            let id = self.shown_thing(&network.name);
            if networks_again {
                out.fact("container_network", id.clone(), facts::network(engine, network));
            }
            ids.insert(("container_network", id));
        }
        for (kind, id) in told.ids.difference(&ids) {
            out.fact_gone(kind, id.clone());
        }
        told.ids = ids;
        told.images = Arc::clone(&snapshot.images);
        told.volumes = Arc::clone(&snapshot.volumes);
        told.networks = Arc::clone(&snapshot.networks);
        told.disk_usage.clone_from(&snapshot.disk_usage);
        self.told = told;
    }

    /// Tells the containers; whether any came or went.
    fn tell_containers(
        &self,
        all: bool,
        told: &mut Told,
        ids: &mut BTreeSet<(&'static str, String)>,
        out: &mut Readings,
    ) -> bool {
        let count = told.containers.len();
        told.containers.retain(|id, _| self.known.contains_key(id));
        let mut changed = told.containers.len() != count;
        for (id, known) in &self.known {
            ids.insert(("container", known.shown.clone()));
            let before = told.containers.get(id);
            let same = before.is_some_and(|(container, created, looping)| {
                Arc::ptr_eq(container, &known.container)
                    && *created == known.image_created_ms
                    && *looping == known.is_looping()
            });
            changed |= before.is_none();
            if same && !all {
                continue;
            }
            let mut images = self.snapshot.images.iter();
            let image = images.find(|image| image.id == known.container.image_id);
            let doc = facts::container(&self.address.name, &known.container, image, known.is_looping());
            out.fact("container", known.shown.clone(), doc);
            let now = (Arc::clone(&known.container), known.image_created_ms, known.is_looping());
            told.containers.insert(id.clone(), now);
        }
        changed
    }
}
