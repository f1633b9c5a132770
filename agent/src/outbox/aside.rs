//! Where the outbox works: on the runtime's thread as long as it is a matter of memory, on a thread of its own when it may
//! touch the disk. A disk that hangs then holds up who waits for the outbox, and nobody else.

use std::panic::resume_unwind;
use std::time::Instant;

use tokio::task::spawn_blocking;

use super::{Level, Outbox};

/// An outbox that may be away, on a thread that waits for the disk.
pub struct Aside {
    outbox: Option<Outbox>,
}

impl Aside {
    /// Takes the outbox.
    pub fn new(outbox: Outbox) -> Self {
        Self { outbox: Some(outbox) }
    }

    /// Does something with the outbox; `more` are the bytes it brings. Who drops the future before it is done has no outbox
    /// any more: for the end only.
    pub async fn run<T: Send + 'static>(
        &mut self,
        more: usize,
        work: impl FnOnce(&mut Outbox) -> T + Send + 'static,
    ) -> T {
        let Some(mut outbox) = self.outbox.take() else { return std::future::pending().await };
        if !outbox.may_use_disk(more, Instant::now()) {
            let result = work(&mut outbox);
            self.outbox = Some(outbox);
            return result;
        }
        let away = spawn_blocking(move || {
            let result = work(&mut outbox);
            (outbox, result)
        });
        match away.await {
            Ok((outbox, result)) => {
                self.outbox = Some(outbox);
                result
            }
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            // The runtime ends.
            Err(_) => std::future::pending().await,
        }
    }

    /// The outbox, for what is known without the disk.
    pub fn here(&self) -> Option<&Outbox> {
        self.outbox.as_ref()
    }

    /// When [`Outbox::poll`] has something to do.
    pub fn deadline(&self) -> Option<Instant> {
        self.here()?.deadline()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.here().is_none_or(Outbox::is_empty)
    }

    /// How much waits.
    pub fn level(&self) -> Level {
        self.here().map(Outbox::level).unwrap_or_default()
    }
}
