//! Reads a stream in order and hands its messages on. Knows where it is, so that it goes on there after every loss of the
//! connection; a message that comes twice is dropped behind it.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::message::Acker;
use bytes::Bytes;
use futures::StreamExt;
use tokio::sync::mpsc;

use super::broker::{Broker, consumer_after, unix_ms};
use super::stats::Counters;
use crate::limits::{DEAD_LETTER_PAYLOAD_BYTES_MAX, PULL_BYTES_MAX, PULL_MESSAGES_MAX};
use crate::store::{DeadLetter, Position};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How long one request for messages stays open.
const PULL_EXPIRES: Duration = Duration::from_secs(10);
/// Wait before the next attempt when the broker does not serve.
const RETRY: Duration = Duration::from_millis(500);

/// A message on its way through ingest.
pub(crate) struct Taken {
    pub(crate) subject: async_nats::Subject,
    pub(crate) payload: Bytes,
    /// Where the stream is stored to once this message is.
    pub(crate) position: Position,
    /// Messages behind it in the stream.
    pub(crate) pending: u64,
    pub(crate) acker: Acker,
}

impl Taken {
    /// What is kept of it when it cannot be stored, refused at `at`. Its host is the fourth token of every subject of ours.
    pub(crate) fn dead_letter(&self, at: i64, reason: &'static str, detail: String) -> DeadLetter {
        let end = self.payload.len().min(DEAD_LETTER_PAYLOAD_BYTES_MAX);
        DeadLetter {
            at,
            host: self.subject.split('.').nth(3).map(str::to_owned),
            subject: self.subject.to_string(),
            reason,
            detail,
            payload: self.payload.slice(..end).to_vec(),
            stream_created: self.position.stream_created,
            stream_seq: self.position.seq,
        }
    }
}

/// Reads `stream` from after `position` and sends into `out` until that is closed.
pub(crate) async fn consume(
    broker: Broker,
    stream: &'static str,
    mut position: Option<Position>,
    out: mpsc::Sender<Taken>,
    stats: Arc<Counters>,
) {
    let mut complained = false;
    let mut former = None;
    while !out.is_closed() {
        match read(&broker, stream, &mut position, &mut former, &out, &stats).await {
            Ok(()) => complained = false,
            Err(error) => {
                if !complained {
                    tracing::warn!(stream, %error, "cannot read the stream, trying again");
                }
                complained = true;
                tokio::select! {
                    () = tokio::time::sleep(RETRY) => {}
                    () = out.closed() => {}
                }
            }
        }
    }
}

async fn read(
    broker: &Broker,
    name: &'static str,
    position: &mut Option<Position>,
    former: &mut Option<String>,
    out: &mpsc::Sender<Taken>,
    stats: &Counters,
) -> Result<(), BoxError> {
    let stream = broker.stream(name).await?;
    let mut connections = broker.connections.clone();
    connections.mark_unchanged();
    let info = stream.get_info().await?;
    let version = broker.client.server_info().version;
    stats.update(|s| s.broker_version = Some(version));
    let created = unix_ms(info.created);
    let consumer = consumer_after(&stream, position.as_ref()).await?;
    if let Some(former) = former.replace(consumer.cached_info().name.clone()) {
        // Gone already when the broker was restarted.
        let _ = stream.delete_consumer(&former).await;
    }
    let before = consumer.cached_info().delivered.stream_sequence;
    tracing::info!(stream = name, "reading");
    loop {
        let pulled = tokio::select! {
            // The consumer lives in the broker's memory, and a request to one that is gone is never answered.
            biased;
            _ = connections.changed() => return Ok(()),
            pulled = pull(&consumer, created, position, out) => pulled?,
        };
        if out.is_closed() {
            return Ok(());
        }
        if pulled < PULL_MESSAGES_MAX {
            let delivered = consumer.get_info().await?.delivered.stream_sequence;
            if delivered > position.as_ref().map_or(before, |p| p.seq.max(before)) {
                // Messages came after the request had been given up: the broker will not send them again by itself.
                return Ok(());
            }
        }
        // A stream that was made anew, or has lost its newest messages, counts differently: begin again.
        let info = stream.get_info().await?;
        let lost = position.as_ref().is_some_and(|p| info.state.last_sequence < p.seq);
        if unix_ms(info.created) != created || lost {
            return Err("the stream is not what it was".into());
        }
        if name == hi_common::subject::STREAM_METRICS {
            stats.update(|s| {
                s.stream_bytes = info.state.bytes;
                s.stream_messages = info.state.messages;
            });
        }
    }
}

/// One request for messages, answered over some time. Returns how many came. Dropping it loses nothing: the position is
/// moved on with each message that was handed on.
///
/// No heartbeats are asked for: on one, async-nats' `Batch` forgets to be woken by the message that follows.
async fn pull(
    consumer: &PullConsumer,
    created: i64,
    position: &mut Option<Position>,
    out: &mpsc::Sender<Taken>,
) -> Result<usize, BoxError> {
    // Waits for room first: what is asked for is also taken, at once. async-nats gives a request up some seconds after it
    // has expired, and with it the messages that have come but were not read: the broker counts those as delivered.
    let Ok(mut room) = out.reserve_many(PULL_MESSAGES_MAX).await else { return Ok(0) };
    let mut messages = consumer
        .batch()
        .max_messages(PULL_MESSAGES_MAX)
        .max_bytes(PULL_BYTES_MAX)
        .expires(PULL_EXPIRES)
        .messages()
        .await?;
    let mut pulled = 0;
    while let Some(message) = messages.next().await {
        let taken = taken(message?, created)?;
        let after = taken.position.clone();
        let Some(permit) = room.next() else { break };
        permit.send(taken);
        *position = Some(after);
        pulled += 1;
    }
    Ok(pulled)
}

fn taken(message: Message, stream_created: i64) -> Result<Taken, BoxError> {
    let info = message.info()?;
    let position = Position {
        stream_created,
        seq: info.stream_sequence,
        message_at: unix_ms(info.published),
        message_id: String::new(),
    };
    let pending = info.pending;
    let (message, acker) = message.split();
    let id = message.headers.as_ref().and_then(|h| h.get(async_nats::header::NATS_MESSAGE_ID));
    let message_id = id.map_or_else(String::new, |id| id.as_str().to_owned());
    Ok(Taken {
        subject: message.subject,
        payload: message.payload,
        position: Position { message_id, ..position },
        pending,
        acker,
    })
}
