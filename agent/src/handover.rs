//! From the assembler to the publisher, with a policy for the case that the publisher waits for a disk that hangs: then what
//! does not fit is dropped and counted, and its loss announced later. Reading goes on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::{SendTimeoutError, TrySendError};

use crate::outbox::{DropReason, Dropped, Item, OnDrop};

/// How long the publisher may leave no room before items are dropped: a burst of documents takes it some milliseconds.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// The way to the publisher.
pub struct Handover {
    items: mpsc::Sender<Item>,
    on_drop: Mutex<OnDrop>,
    patience: Duration,
    /// The publisher left no room for as long as that, and has not taken anything since.
    stalled: AtomicBool,
}

impl Handover {
    /// Hands on to `items`; tells `on_drop` of what is not taken within `patience`.
    pub fn new(items: mpsc::Sender<Item>, on_drop: OnDrop, patience: Duration) -> Self {
        Self { items, on_drop: Mutex::new(on_drop), patience, stalled: AtomicBool::new(false) }
    }

    /// Hands an item on, or drops it: at the latest after the patience, at once while the publisher is stalled.
    pub async fn send(&self, item: Item) {
        let refused = if self.stalled.load(Ordering::Relaxed) {
            match self.items.try_send(item) {
                Ok(()) => None,
                Err(TrySendError::Full(item) | TrySendError::Closed(item)) => Some(item),
            }
        } else {
            match self.items.send_timeout(item, self.patience).await {
                Ok(()) => None,
                Err(SendTimeoutError::Timeout(item) | SendTimeoutError::Closed(item)) => Some(item),
            }
        };
        let stalled = refused.is_some();
        if self.stalled.swap(stalled, Ordering::Relaxed) != stalled {
            if stalled {
                tracing::error!("the publisher takes nothing, its disk may hang: new data is dropped");
            } else {
                tracing::info!("the publisher takes data again");
            }
        }
        if let Some(item) = refused {
            let mut on_drop = self.on_drop.lock().unwrap_or_else(PoisonError::into_inner);
            on_drop(Dropped::Item { item: &item, reason: DropReason::Full });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use std::sync::Arc;

    fn item(id: &str) -> Item {
        Item { subject: "s".to_owned(), id: id.to_owned(), payload: Bytes::new() }
    }

    #[tokio::test]
    async fn what_a_stalled_publisher_does_not_take_is_dropped_and_told() {
        let (items, mut taken) = mpsc::channel(2);
        let dropped: Arc<Mutex<Vec<String>>> = Arc::default();
        let told = Arc::clone(&dropped);
        let on_drop: OnDrop = Box::new(move |dropped| {
            if let Dropped::Item { item, .. } = dropped {
                told.lock().unwrap().push(item.id.clone());
            }
        });
        let handover = Handover::new(items, on_drop, Duration::from_millis(50));
        for id in ["1", "2", "3", "4", "5"] {
            handover.send(item(id)).await;
        }
        assert_eq!(*dropped.lock().unwrap(), ["3", "4", "5"], "there is room for two");
        assert_eq!(taken.recv().await.unwrap().id, "1");
        handover.send(item("6")).await;
        // It took one: there is patience with it again.
        let late = handover.send(item("7"));
        let take = async { taken.recv().await.unwrap().id };
        assert_eq!(tokio::join!(late, take).1, "2");
        assert_eq!(dropped.lock().unwrap().len(), 3);
        drop(taken);
        handover.send(item("8")).await;
        assert_eq!(dropped.lock().unwrap().last().unwrap(), "8", "nobody is there any more");
    }
}
