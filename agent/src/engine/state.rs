//! What the thread of an engine and those who ask share.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::model::{
    About, Container, DiskUsage, Happening, Image, Network, Snapshot, Status, Trouble, Volume, What,
};
use super::usage::Usage;
use crate::source::Bell;

/// Most happenings kept for who asks; the oldest go first.
const HAPPENINGS_MAX: usize = 1000;

/// The shared state.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// The engine has answered or failed for the first time.
    known: Condvar,
    bell: Bell,
}

#[derive(Debug, Default)]
struct State {
    status: Status,
    about: Option<Arc<About>>,
    containers: BTreeMap<String, Arc<Container>>,
    left_out: usize,
    images: Arc<Vec<Image>>,
    volumes: Arc<Vec<Volume>>,
    networks: Arc<Vec<Network>>,
    disk_usage: Option<Arc<DiskUsage>>,
    wanted_usage: Vec<String>,
    usage: BTreeMap<String, Arc<Usage>>,
    happenings: Vec<Happening>,
    happenings_lost: u64,
}

impl Shared {
    pub(super) fn new(bell: Bell) -> Self {
        Self { state: Mutex::default(), known: Condvar::new(), bell }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent between any two statements; a panic elsewhere changes nothing about that.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn snapshot(&self, patience: Duration) -> Snapshot {
        let waited =
            self.known.wait_timeout_while(self.lock(), patience, |state| state.status == Status::Unknown);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        Snapshot {
            happenings: std::mem::take(&mut state.happenings),
            happenings_lost: std::mem::take(&mut state.happenings_lost),
            status: state.status.clone(),
            about: state.about.clone(),
            containers: state.containers.values().map(Arc::clone).collect(),
            left_out: state.left_out,
            images: Arc::clone(&state.images),
            volumes: Arc::clone(&state.volumes),
            networks: Arc::clone(&state.networks),
            disk_usage: state.disk_usage.clone(),
            usage: state.usage.clone(),
        }
    }

    pub(super) fn ask_usage_of(&self, ids: Vec<String>) {
        let mut state = self.lock();
        state.usage.retain(|id, _| ids.contains(id));
        state.wanted_usage = ids;
    }

    pub(super) fn wanted_usage(&self) -> Vec<String> {
        self.lock().wanted_usage.clone()
    }

    pub(super) fn set_usage(&self, id: String, usage: Option<Usage>) {
        let mut state = self.lock();
        match usage {
            Some(usage) if state.wanted_usage.contains(&id) => drop(state.usage.insert(id, Arc::new(usage))),
            _ => drop(state.usage.remove(&id)),
        }
    }

    /// The engine answers: everything about it, and its containers, `None` where the list alone could not be had again.
    pub(super) fn up(&self, about: About, containers: BTreeMap<String, Arc<Container>>, left_out: usize) {
        let mut state = self.lock();
        state.about = Some(Arc::new(about));
        state.containers = containers;
        state.left_out = left_out;
        state.status = Status::Up;
        drop(state);
        self.known.notify_all();
        self.bell.ring();
    }

    /// It does not; whether that is news. That it was never reached is none worth an event.
    pub(super) fn down(&self, trouble: Trouble, at_ms: i64) -> bool {
        let mut state = self.lock();
        let news = state.status != Status::Down(trouble.clone());
        if state.status == Status::Up {
            let detail = format!("{}: {}", trouble.reason, trouble.message);
            push(&mut state, Happening { what: What::EngineGone, at_ms, detail, ..Happening::default() });
        }
        state.status = Status::Down(trouble);
        drop(state);
        self.known.notify_all();
        if news {
            self.bell.ring();
        }
        news
    }

    /// Whether it has answered before, and how its containers were then.
    pub(super) fn before(&self) -> Option<BTreeMap<String, Arc<Container>>> {
        let state = self.lock();
        state.about.is_some().then(|| state.containers.clone())
    }

    pub(super) fn container(&self, id: &str) -> Option<Arc<Container>> {
        self.lock().containers.get(id).map(Arc::clone)
    }

    /// A container as it is now; rings when it is another than before.
    pub(super) fn set_container(&self, id: &str, container: Option<Container>) {
        let mut state = self.lock();
        let changed = match container {
            Some(container) if state.containers.get(id).is_some_and(|before| **before == container) => false,
            Some(container) => {
                state.containers.insert(id.to_owned(), Arc::new(container));
                true
            }
            None => state.containers.remove(id).is_some(),
        };
        drop(state);
        if changed {
            self.bell.ring();
        }
    }

    pub(super) fn count(&self) -> usize {
        self.lock().containers.len()
    }

    /// States of all containers, by identity, for the comparison with a list.
    pub(super) fn states(&self) -> BTreeMap<String, (String, String)> {
        let state = self.lock();
        state.containers.iter().map(|(id, one)| (id.clone(), (one.name.clone(), one.state.clone()))).collect()
    }

    pub(super) fn happened(&self, happening: Happening) {
        push(&mut self.lock(), happening);
        self.bell.ring();
    }

    pub(super) fn set_images(&self, images: Vec<Image>) {
        self.lock().images = Arc::new(images);
    }

    pub(super) fn set_volumes(&self, volumes: Vec<Volume>) {
        self.lock().volumes = Arc::new(volumes);
    }

    pub(super) fn set_networks(&self, networks: Vec<Network>) {
        self.lock().networks = Arc::new(networks);
    }

    pub(super) fn set_disk_usage(&self, usage: DiskUsage) {
        self.lock().disk_usage = Some(Arc::new(usage));
    }
}

fn push(state: &mut State, happening: Happening) {
    if state.happenings.len() >= HAPPENINGS_MAX {
        state.happenings.remove(0);
        state.happenings_lost += 1;
    }
    state.happenings.push(happening);
}
