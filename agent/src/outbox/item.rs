//! What the outbox holds, and what it tells when it must drop it.

use bytes::Bytes;

/// Bytes an item takes in memory beside its texts and payload.
const ITEM_OVERHEAD: usize = 128;

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Subject to publish to.
    pub subject: String,
    /// `Nats-Msg-Id`.
    pub id: String,
    /// Payload.
    pub payload: Bytes,
}

impl Item {
    /// Bytes it takes in memory.
    pub fn bytes(&self) -> usize {
        self.subject.len() + self.id.len() + self.payload.len() + ITEM_OVERHEAD
    }
}

/// Why an item was dropped for good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DropReason {
    /// There was no room.
    Full,
    /// The broker will never take it.
    Refused,
}

/// What was dropped for good.
#[derive(Debug)]
pub enum Dropped<'a> {
    /// A whole item.
    Item {
        /// The item.
        item: &'a Item,
        /// Why.
        reason: DropReason,
    },
    /// An item on disk whose payload is damaged.
    Damaged {
        /// Its message id.
        id: &'a str,
    },
    /// Bytes on disk of which nothing is known.
    Unreadable,
}

/// Receives what is dropped.
pub type OnDrop = Box<dyn FnMut(Dropped<'_>) + Send>;
