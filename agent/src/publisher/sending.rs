//! Sending: outbox → JetStream → acknowledgement.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::{self, ErrorCode};
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use hi_common::subject::GONE_TTL_SECS;

use super::Publisher;
use crate::documents::tells_gone;
use crate::nats::{Connection, ensure_streams, is_connected};
use crate::outbox::{Item, Outbox, Ticket};
use crate::self_metrics::{add, set};

/// First and longest pause after a publish that failed.
const RETRY_PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Result of one publish: which, over which connection, and what the broker said.
pub(super) type Acked = (Ticket, u64, Result<PublishAck, PublishError>);

/// State of sending over one process.
pub(super) struct Sending {
    pub(super) connection: Connection,
    pub(super) in_flight: FuturesUnordered<BoxFuture<'static, Acked>>,
    pub(super) state: u64,
    streams_missing: bool,
    /// Whether the broker and its stream of facts forget messages after a time of their own.
    expiring: bool,
    pause: Duration,
    pub(super) paused_until: Option<Instant>,
    complained: Option<String>,
    pub(super) lost_event_at: Option<Instant>,
}

impl Publisher {
    /// Fills the window.
    pub(super) async fn send(&mut self, sending: &mut Sending) {
        let now = Instant::now();
        if !is_connected(sending.state) || sending.paused_until.is_some_and(|until| now < until) {
            return;
        }
        sending.paused_until = None;
        if sending.streams_missing {
            if let Err(error) = ensure_streams(&sending.connection).await {
                sending.complain(&error);
            }
            // Whether they are there, and whether one may look, the next publish will tell.
            sending.streams_missing = false;
        }
        while let Some((ticket, item)) = self.outbox.run(0, Outbox::send_next).await {
            let subject = item.subject.clone();
            let message = sending.message(&item);
            let state = sending.state;
            match sending.connection.jetstream.send_publish(subject, message).await {
                Ok(ack) => sending.in_flight.push(Box::pin(async move { (ticket, state, ack.await) })),
                Err(error) => {
                    self.failed(sending, ticket, &error).await;
                    break;
                }
            }
        }
    }

    pub(super) async fn acked(&mut self, sending: &mut Sending, (ticket, state, result): Acked) {
        match result {
            Ok(_) => {
                let acked = self.outbox.run(0, move |outbox| outbox.ack(ticket, Instant::now()));
                let Some(item) = acked.await else { return };
                add(&self.counters.published, 1);
                add(&self.counters.published_bytes, item.payload.len() as u64);
                self.history.keep(item);
                if self.link.dropped.swap(false, Ordering::Relaxed) {
                    self.link.repeat.store(true, Ordering::Relaxed);
                }
                (sending.pause, sending.paused_until) = (RETRY_PAUSE.0, None);
                if sending.complained.take().is_some() {
                    tracing::info!("the broker takes messages again");
                }
                self.disclose(sending).await;
            }
            // Sent over a connection that is gone; it is under way again already.
            Err(_) if state != sending.state => {}
            Err(error) => self.failed(sending, ticket, &error).await,
        }
    }

    async fn failed(&mut self, sending: &mut Sending, ticket: Ticket, error: &PublishError) {
        add(&self.counters.errors, 1);
        match error.kind() {
            PublishErrorKind::MaxPayloadExceeded => {
                tracing::error!("a message is larger than the broker takes and is dropped");
                self.outbox.run(0, move |outbox| outbox.refuse(ticket)).await;
                return;
            }
            PublishErrorKind::StreamNotFound => sending.streams_missing = true,
            // The stream was made by something older: it keeps what is gone for ever. Again, without.
            _ if sending.expiring && code(error) == Some(ErrorCode::MESSAGE_TTL_DISABLED) => {
                sending.expiring = false;
                self.outbox.run(0, move |outbox| outbox.retry(ticket)).await;
                return;
            }
            _ => sending.complain(&describe(error)),
        }
        add(&self.counters.retries, 1);
        self.outbox.run(0, move |outbox| outbox.retry(ticket)).await;
        if sending.paused_until.is_none() {
            sending.paused_until = Some(Instant::now() + sending.pause);
            sending.pause = (sending.pause * 2).min(RETRY_PAUSE.1);
        }
    }

    pub(super) async fn connection_changed(&mut self, sending: &mut Sending) {
        sending.state = *sending.connection.state.borrow_and_update();
        let connected = is_connected(sending.state);
        set(&self.counters.connected, u64::from(connected));
        if connected {
            // What was under way over the old connection may have been lost with it.
            self.outbox.run(0, Outbox::unsend).await;
            (sending.pause, sending.paused_until) = (RETRY_PAUSE.0, None);
            sending.expiring = sending.connection.client.is_server_compatible(2, 11, 0);
        }
    }
}

impl Sending {
    pub(super) fn new(connection: Connection) -> Self {
        let state = *connection.state.borrow();
        Self {
            connection,
            in_flight: FuturesUnordered::new(),
            state,
            streams_missing: false,
            expiring: false,
            pause: RETRY_PAUSE.0,
            paused_until: None,
            complained: None,
            lost_event_at: None,
        }
    }

    fn message(&self, item: &Item) -> PublishMessage {
        let message = PublishMessage::build().payload(item.payload.clone()).message_id(&item.id);
        match self.expiring && tells_gone(item) {
            true => message.ttl(Duration::from_secs(GONE_TTL_SECS)),
            false => message,
        }
    }

    fn complain(&mut self, text: &str) {
        if self.complained.as_deref() != Some(text) {
            tracing::warn!(trouble = text, "the broker does not take messages");
            self.complained = Some(text.to_owned());
        }
    }
}

/// The broker's own number of an error, if it is one of the broker's.
fn code(error: &PublishError) -> Option<ErrorCode> {
    use std::error::Error;
    error.source()?.downcast_ref::<jetstream::Error>().map(jetstream::Error::error_code)
}

fn describe(error: &PublishError) -> String {
    use std::error::Error;
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}
