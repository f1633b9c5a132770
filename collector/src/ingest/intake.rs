//! What waits to be taken: messages as the consumer hands them on, the first of them decoded.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;

use hi_common::batch::Batch;
use hi_common::wire::{WireError, decode_batch};

use super::consumer::Taken;
use super::stages::Stage;
use super::stats::Counters;
use crate::limits::{AHEAD_BYTES_MAX, AHEAD_MESSAGES_MAX};
use crate::store::now_ms;

/// A message and what it says.
pub(super) struct Message {
    pub(super) taken: Taken,
    pub(super) batch: Result<Batch, WireError>,
}

/// The queue of messages, in their order.
pub(super) struct Intake {
    queue: mpsc::Receiver<Taken>,
    ahead: VecDeque<Message>,
    stats: Arc<Counters>,
}

impl Intake {
    pub(super) fn new(queue: mpsc::Receiver<Taken>, stats: Arc<Counters>) -> Self {
        Self { queue, ahead: VecDeque::new(), stats }
    }

    /// The next message; `None` when the consumer has ended. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Option<Message> {
        if let Some(message) = self.ahead.pop_front() {
            return Some(message);
        }
        let taken = self.queue.recv().await?;
        Some(self.decode(taken))
    }

    /// Decodes messages that have come already, as long as `go_on` says so of each batch and there is room.
    pub(super) fn look_ahead(&mut self, mut go_on: impl FnMut(&Batch) -> bool) {
        let mut bytes = 0;
        for place in 0..AHEAD_MESSAGES_MAX {
            if place == self.ahead.len() {
                let Ok(taken) = self.queue.try_recv() else { return };
                let message = self.decode(taken);
                self.ahead.push_back(message);
            }
            let Some(message) = self.ahead.get(place) else { return };
            bytes += message.taken.payload.len();
            if bytes > AHEAD_BYTES_MAX || !message.batch.as_ref().is_ok_and(&mut go_on) {
                return;
            }
        }
    }

    /// Batches decoded ahead, with the broker's time of each.
    pub(super) fn ahead(&self) -> impl Iterator<Item = (&Batch, i64)> {
        self.ahead.iter().filter_map(|m| Some((m.batch.as_ref().ok()?, m.taken.position.message_at)))
    }

    fn decode(&self, taken: Taken) -> Message {
        let begun = Instant::now();
        let batch = decode_batch(&taken.payload, now_ms());
        self.stats.stage(Stage::Decode, begun.elapsed());
        Message { taken, batch }
    }
}
