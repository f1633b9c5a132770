//! The bell of a source that learns of something between two ticks: from a stream of events, say.

use std::pin::pin;
use std::sync::Arc;

use tokio::sync::Notify;

/// Calls the sampler to a source before its next tick. Cheap to clone; ringing waits for nothing, and several rings before the
/// sampler comes are one.
#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<Notify>);

impl Bell {
    /// Rings: [`super::Source::look`] is called soon.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Waits until somebody rings, or has rung since the last time.
    pub async fn rung(&self) {
        self.0.notified().await;
    }

    /// Forgets a ring that nobody has answered yet.
    pub fn silence(&self) {
        let mut waiting = pin!(self.0.notified());
        waiting.as_mut().enable();
    }
}
