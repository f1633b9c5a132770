//! What ends the collector from outside: signals, and the end of the process that started it.

use std::io;
use std::time::Duration;

use rustix::process::{Pid, getppid};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Waits until the sender says so, or is gone. Holds no lock behind it, unlike what `wait_for` returns, so that what waits in
/// a `select!` can move between threads.
pub(crate) async fn told_to_end(shutdown: &mut tokio::sync::watch::Receiver<bool>) {
    let _ = shutdown.wait_for(|stop| *stop).await;
}

/// How often the parent is looked at.
const PARENT_CHECK: Duration = Duration::from_millis(500);

/// Listens for what ends the collector.
pub struct Ending {
    interrupt: Signal,
    terminate: Signal,
    /// The process whose end is ours; none when that does not matter or was told already.
    parent: Option<Pid>,
}

impl Ending {
    /// Takes over SIGINT and SIGTERM.
    ///
    /// # Errors
    /// The system does not allow it.
    pub fn install(exit_with_parent: bool) -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            parent: if exit_with_parent { getppid() } else { None },
        })
    }

    /// Waits for the next reason to end. The end of the parent is one only once.
    pub async fn told(&mut self) {
        let parent = self.parent;
        tokio::select! {
            _ = self.interrupt.recv() => tracing::info!(signal = "SIGINT", "told to end"),
            _ = self.terminate.recv() => tracing::info!(signal = "SIGTERM", "told to end"),
            () = parent_ended(parent) => {
                self.parent = None;
                tracing::info!("the process that started this one ended");
            }
        }
    }
}

/// A process whose parent ends gets another one.
async fn parent_ended(parent: Option<Pid>) {
    let Some(parent) = parent else { return std::future::pending().await };
    let mut tick = tokio::time::interval(PARENT_CHECK);
    while getppid() == Some(parent) {
        tick.tick().await;
    }
}
