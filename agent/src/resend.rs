//! The command `resend`: the collector misses batches and asks for them.
//!
//! Request `{epoch, from, to, with_series, host_id?}`, reply `{queued, lost: [[from, to], …]}`. What is kept is published
//! again; what is still to be sent is neither queued nor lost; what is in neither place is lost. A request that names another
//! host's identity is not answered: two hosts may claim one name.

use std::cmp::Ordering;

use async_nats::{Client, Message, Subscriber};
use futures::StreamExt;
use hi_common::batch::Lost;
use hi_common::ids::{BatchId, Epoch, HostId, Seq};
use hi_common::limits::LOST_RANGES_MAX;
use hi_common::subject::{VERB_RESEND, command};
use hi_common::wire::{decode, encode};
use serde::{Deserialize, Serialize};

use crate::assembler::{Link, lock};
use crate::history::{History, missing};
use crate::host_id::Identity;
use crate::outbox::{Item, Outbox};

/// What the collector asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResendRequest {
    /// Start of the agent whose batches are missing.
    pub epoch: Epoch,
    /// First missing number.
    pub from: Seq,
    /// Last missing number.
    pub to: Seq,
    /// Whether each reading is to carry its series.
    #[serde(default)]
    pub with_series: bool,
    /// Whose batches, where the collector knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_id: Option<HostId>,
}

/// What the agent answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResendReply {
    /// Batches that will be published again.
    pub queued: u64,
    /// Ranges, both ends included, that are gone for good.
    pub lost: Vec<(Seq, Seq)>,
}

/// A reply and the items that go with it.
pub struct Answer {
    /// Encoded [`ResendReply`].
    pub reply: Vec<u8>,
    /// Batches to publish again.
    pub items: Vec<Item>,
}

/// Listens for requests; `None`, logged, when that fails.
pub async fn subscribe(client: &Client, identity: &Identity) -> Option<Subscriber> {
    match client.subscribe(command(&identity.host, VERB_RESEND)).await {
        Ok(subscriber) => Some(subscriber),
        Err(error) => {
            tracing::error!(%error, "requests of the collector cannot be heard");
            None
        }
    }
}

/// The next request; never, when there is no subscription.
pub async fn next(subscriber: &mut Option<Subscriber>) -> Option<Message> {
    match subscriber {
        Some(subscriber) => match subscriber.next().await {
            Some(message) => Some(message),
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

/// The answer to a request; `None` when it is not understood or meant for another.
pub fn answer(
    message: &Message,
    identity: &Identity,
    history: &mut History,
    outbox: &Outbox,
    last_seq: Seq,
    link: &Link,
) -> Option<Answer> {
    let request: ResendRequest = match decode(&message.payload) {
        Ok(request) => request,
        Err(error) => {
            tracing::warn!(%error, "request of the collector is not understood");
            return None;
        }
    };
    if request.host_id.is_some_and(|id| id != identity.host_id) {
        return None;
    }
    // Numbers that were not given yet are not lost.
    let to = match request.epoch.cmp(&identity.epoch) {
        Ordering::Less => request.to,
        Ordering::Equal => request.to.min(last_seq),
        Ordering::Greater => 0,
    };
    if request.from > to {
        let reply = encode(&ResendReply { queued: 0, lost: Vec::new() }).ok()?;
        return Some(Answer { reply, items: Vec::new() });
    }
    let range = Lost { epoch: request.epoch, from: request.from, to };
    let layouts = lock(&link.layouts);
    let again = history.again(range, request.with_series.then_some(&*layouts));
    let have: Vec<Seq> = again.iter().map(|(seq, _)| *seq).collect();
    let items: Vec<Item> = again.into_iter().map(|(_, item)| item).collect();
    let mut lost = missing(range.from, range.to, &have);
    lost = lost.into_iter().flat_map(|(from, to)| gone(from, to, request.epoch, identity, outbox)).collect();
    // The rest is told when it is asked for again.
    lost.truncate(LOST_RANGES_MAX);
    let reply = encode(&ResendReply { queued: items.len() as u64, lost }).ok()?;
    Some(Answer { reply, items })
}

/// Longest range whose numbers are looked at one by one.
const LOOKED_AT_MAX: u64 = 4096;

/// The parts of a range that will never be sent, given that none of it was found in the history.
fn gone(from: Seq, to: Seq, epoch: Epoch, identity: &Identity, outbox: &Outbox) -> Vec<(Seq, Seq)> {
    let id = |seq| BatchId { host_id: identity.host_id, epoch, seq }.to_string();
    match outbox.holds(&id(from)) {
        // The disk may hold any of it; asked again once that has been sent, it is known.
        None => Vec::new(),
        Some(_) if outbox.level().memory_items == 0 || to - from > LOOKED_AT_MAX => vec![(from, to)],
        Some(_) => {
            let waiting: Vec<Seq> = (from..=to).filter(|seq| outbox.holds(&id(*seq)) == Some(true)).collect();
            missing(from, to, &waiting)
        }
    }
}
