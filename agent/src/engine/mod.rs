//! Docker and Podman engines: a thread with a small runtime for each, which listens to its events, keeps the list of its
//! containers, and hands out plain structures. Nobody who asks waits for an engine. Read-only.
//!
//! The list is refreshed by events and compared with the engine's own now and then; after a broken connection all of it is read
//! anew, and what happened meanwhile is told as if it had been heard.

mod client;
mod events;
mod lenient;
mod model;
mod parse;
mod session;
mod state;
mod stats;
mod transport;
pub mod usage;

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use crate::source::Bell;
use crate::source::pattern::Patterns;
pub use model::{
    About, CONTAINERS_MAX, Container, DiskUsage, Happening, Image, Limits, Mount, Network, Snapshot, Status,
    THINGS_MAX, Trouble, Volume, What,
};
use state::Shared;
pub use transport::Endpoint;

/// Stack of an engine's thread, in bytes: only what is used of it becomes memory.
const STACK_BYTES: usize = 1 << 20;

/// What is asked of an engine.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Where it listens.
    pub endpoint: Endpoint,
    /// Shell patterns of labels that are kept.
    pub labels: Patterns,
    /// How often it is asked for the disk usage of everything, which is slow; `None` never.
    pub disk_usage_every: Option<Duration>,
}

/// An engine that is listened to. Its thread ends when this is dropped.
#[derive(Debug)]
pub struct Engine {
    shared: Arc<Shared>,
    /// Dropping it ends the thread.
    _stop: watch::Sender<()>,
}

impl Engine {
    /// Starts to listen; rings whenever there is news.
    ///
    /// # Errors
    /// There is no thread or runtime to be had.
    pub fn start(wanted: Wanted, bell: Bell) -> io::Result<Self> {
        let shared = Arc::new(Shared::new(bell));
        let (stop, stopped) = watch::channel(());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            // Names of hosts are looked up on a thread beside.
            .max_blocking_threads(1)
            .thread_stack_size(STACK_BYTES)
            .thread_keep_alive(Duration::from_secs(1))
            .build()?;
        let kept = Arc::clone(&shared);
        thread::Builder::new().name("engine".to_owned()).stack_size(STACK_BYTES).spawn(move || {
            runtime.block_on(session::listen(&wanted, &kept, stopped));
            runtime.shutdown_background();
        })?;
        Ok(Self { shared, _stop: stop })
    }

    /// What is known now; waits for the first answer, or the first failure, for as long as `patience`. What happened is handed
    /// out once.
    pub fn snapshot(&self, patience: Duration) -> Snapshot {
        self.shared.snapshot(patience)
    }

    /// Names the containers whose use the engine is to be asked for from now on, which is slow.
    pub fn ask_usage_of(&self, ids: Vec<String>) {
        self.shared.ask_usage_of(ids);
    }
}
