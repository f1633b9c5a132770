//! Stage that sends: outbox → JetStream → acknowledgement → onward. Also answers the collector's wish for a repetition.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use hi_common::event::Severity;
use hi_common::ids::Seq;
use hi_common::wire::decode_batch;
use tokio::sync::mpsc;
use tokio::time::sleep_until;

use crate::assembler::{Link, lock};
use crate::clock::Clock;
use crate::documents::event;
use crate::history::{History, parse_id};
use crate::host_id::Identity;
use crate::nats::{Connection, ensure_streams, is_connected};
use crate::outbox::{DropReason, Dropped, Item, OnDrop, Outbox, Ticket};
use crate::resend;
use crate::self_metrics::{Counters, add, set};

/// How long what waits may still go to the broker at shutdown.
const FLUSH_MAX: Duration = Duration::from_secs(3);
/// First and longest pause after a publish that failed.
const RETRY_PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// Shortest time between two `data_lost` events.
const LOST_EVENT_PAUSE: Duration = Duration::from_secs(60);

/// Result of one publish: which, over which connection, and what the broker said.
type Acked = (Ticket, u64, Result<PublishAck, PublishError>);

/// Everything the stage needs.
pub struct Publisher {
    /// Who sends.
    pub identity: Identity,
    /// Wall clock.
    pub clock: Clock,
    /// What waits.
    pub outbox: Outbox,
    /// What was acknowledged lately.
    pub history: History,
    /// Counters.
    pub counters: Arc<Counters>,
    /// Shared with the assembler.
    pub link: Arc<Link>,
    /// Messages dropped since the last `data_lost` event.
    pub undisclosed: Arc<AtomicU64>,
    /// Highest number given to a batch of this start.
    pub last_seq: Seq,
}

/// State of sending over one process.
struct Sending {
    connection: Connection,
    in_flight: FuturesUnordered<BoxFuture<'static, Acked>>,
    state: u64,
    streams_missing: bool,
    pause: Duration,
    paused_until: Option<Instant>,
    complained: Option<String>,
    lost_event_at: Option<Instant>,
}

/// Notes what the outbox drops: counts it, and remembers batches as losses to announce.
pub fn on_drop(counters: Arc<Counters>, link: Arc<Link>, undisclosed: Arc<AtomicU64>) -> OnDrop {
    Box::new(move |dropped| {
        let (counter, id, payload) = match &dropped {
            Dropped::Item { item, reason: DropReason::Full } => {
                (&counters.dropped_full, Some(item.id.as_str()), Some(&item.payload))
            }
            Dropped::Item { item, reason: DropReason::Refused } => {
                (&counters.dropped_refused, Some(item.id.as_str()), Some(&item.payload))
            }
            Dropped::Damaged { id } => (&counters.dropped_damaged, Some(*id), None),
            Dropped::Unreadable => (&counters.dropped_damaged, None, None),
        };
        add(counter, 1);
        add(&undisclosed, 1);
        if !matches!(dropped, Dropped::Item { reason: DropReason::Refused, .. }) {
            link.dropped.store(true, Ordering::Relaxed);
        }
        let Some((epoch, seq)) = id.and_then(parse_id) else { return };
        let mut losses = lock(&link.losses);
        losses.add_one(epoch, seq);
        // What this batch was to announce is to be announced by another one.
        let batch = payload.and_then(|payload| decode_batch(payload, i64::MAX).ok());
        batch.into_iter().flat_map(|batch| batch.lost).for_each(|lost| losses.add(lost));
    })
}

impl Publisher {
    /// Runs until `items` ends, then sends what waits for at most [`FLUSH_MAX`], and puts the rest on disk.
    pub async fn run(
        mut self,
        connection: Connection,
        mut items: mpsc::Receiver<Item>,
        ready: Arc<AtomicBool>,
    ) {
        let mut sending = Sending::new(connection);
        let mut wishes = resend::subscribe(&sending.connection.client, &self.identity).await;
        loop {
            self.count();
            let deadline = self.next_look(&sending);
            tokio::select! {
                item = items.recv() => match item {
                    Some(item) => self.push(item),
                    None => break,
                },
                Some(acked) = sending.in_flight.next(), if !sending.in_flight.is_empty() => {
                    self.acked(&mut sending, acked);
                    ready.store(true, Ordering::Relaxed);
                }
                changed = sending.connection.state.changed() => {
                    if changed.is_err() {
                        // The client has ended, which it does only with this process.
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                    self.connection_changed(&mut sending);
                }
                Some(wish) = resend::next(&mut wishes) => {
                    let client = sending.connection.client.clone();
                    self.resend(&client, &wish).await;
                }
                () = sleep_until(deadline.into()) => {}
            }
            self.outbox.poll(Instant::now());
            self.send(&mut sending).await;
        }
        self.finish(&mut sending).await;
    }

    fn push(&mut self, item: Item) {
        if let Some((epoch, seq)) = parse_id(&item.id)
            && epoch == self.identity.epoch
        {
            self.last_seq = self.last_seq.max(seq);
        }
        self.outbox.push(item, Instant::now());
    }

    /// When to look again though nothing happens.
    fn next_look(&self, sending: &Sending) -> Instant {
        let far = Instant::now() + Duration::from_secs(3600);
        let spill = self.outbox.deadline().unwrap_or(far);
        spill.min(sending.paused_until.unwrap_or(far))
    }

    /// Fills the window.
    async fn send(&mut self, sending: &mut Sending) {
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
        while let Some((ticket, item)) = self.outbox.send_next() {
            let message = PublishMessage::build().payload(item.payload).message_id(&item.id);
            let state = sending.state;
            match sending.connection.jetstream.send_publish(item.subject, message).await {
                Ok(ack) => sending.in_flight.push(Box::pin(async move { (ticket, state, ack.await) })),
                Err(error) => {
                    self.failed(sending, ticket, &error);
                    break;
                }
            }
        }
    }

    fn acked(&mut self, sending: &mut Sending, (ticket, state, result): Acked) {
        match result {
            Ok(_) => {
                let Some(item) = self.outbox.ack(ticket, Instant::now()) else { return };
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
                self.disclose(sending);
            }
            // Sent over a connection that is gone; it is under way again already.
            Err(_) if state != sending.state => {}
            Err(error) => self.failed(sending, ticket, &error),
        }
    }

    fn failed(&mut self, sending: &mut Sending, ticket: Ticket, error: &PublishError) {
        add(&self.counters.errors, 1);
        match error.kind() {
            PublishErrorKind::MaxPayloadExceeded => {
                tracing::error!("a message is larger than the broker takes and is dropped");
                self.outbox.refuse(ticket);
                return;
            }
            PublishErrorKind::StreamNotFound => sending.streams_missing = true,
            _ => sending.complain(&describe(error)),
        }
        add(&self.counters.retries, 1);
        self.outbox.retry(ticket);
        if sending.paused_until.is_none() {
            sending.paused_until = Some(Instant::now() + sending.pause);
            sending.pause = (sending.pause * 2).min(RETRY_PAUSE.1);
        }
    }

    fn connection_changed(&mut self, sending: &mut Sending) {
        sending.state = *sending.connection.state.borrow_and_update();
        let connected = is_connected(sending.state);
        set(&self.counters.connected, u64::from(connected));
        if connected {
            // What was under way over the old connection may have been lost with it.
            self.outbox.unsend();
            (sending.pause, sending.paused_until) = (RETRY_PAUSE.0, None);
        }
    }

    async fn resend(&mut self, client: &async_nats::Client, wish: &async_nats::Message) {
        let Some(reply) = &wish.reply else { return };
        let answer =
            resend::answer(wish, &self.identity, &mut self.history, &self.outbox, self.last_seq, &self.link);
        let Some(answer) = answer else { return };
        add(&self.counters.resent, answer.items.len() as u64);
        for item in answer.items {
            self.outbox.push(item, Instant::now());
        }
        if let Err(error) = client.publish(reply.clone(), answer.reply.into()).await {
            tracing::debug!(%error, "answer cannot be sent");
        }
    }

    /// Tells of data that was dropped, once the broker can be told, and not too often.
    fn disclose(&mut self, sending: &mut Sending) {
        let recently = sending.lost_event_at.is_some_and(|at| at.elapsed() < LOST_EVENT_PAUSE);
        if recently || self.undisclosed.load(Ordering::Relaxed) == 0 {
            return;
        }
        let n = self.undisclosed.swap(0, Ordering::Relaxed);
        sending.lost_event_at = Some(Instant::now());
        tracing::warn!(messages = n, "unsent messages had to be dropped");
        let message = format!("{n} messages could not be kept until the broker took them");
        let data = [("messages", n.to_string())];
        let item =
            event(&self.identity, self.clock.wall_ms(), "data_lost", Severity::Warning, message, &data);
        if let Some(item) = item {
            self.outbox.push(item, Instant::now());
        }
    }

    fn count(&self) {
        let level = self.outbox.level();
        set(&self.counters.memory_bytes, level.memory_bytes);
        set(&self.counters.memory_messages, level.memory_items);
        set(&self.counters.disk_bytes, level.disk_bytes);
        set(&self.counters.disk_messages, level.disk_items);
        set(&self.counters.spooled, level.spooled);
    }

    async fn finish(&mut self, sending: &mut Sending) {
        let until = tokio::time::Instant::now() + FLUSH_MAX;
        while !self.outbox.is_empty() && is_connected(sending.state) {
            self.send(sending).await;
            let pause = sending.paused_until.unwrap_or_else(|| Instant::now() + FLUSH_MAX);
            tokio::select! {
                Some(acked) = sending.in_flight.next(), if !sending.in_flight.is_empty() => self.acked(sending, acked),
                Ok(()) = sending.connection.state.changed() => self.connection_changed(sending),
                () = sleep_until(pause.into()) => {}
                () = sleep_until(until) => break,
            }
        }
        if self.outbox.is_empty() {
            tracing::info!("everything read has been sent");
            return;
        }
        let unsaved = self.outbox.close(Instant::now());
        let level = self.outbox.level();
        if unsaved > 0 {
            tracing::error!(
                messages = unsaved,
                "unsent messages are lost: they could not be written to disk"
            );
        } else {
            tracing::info!(bytes = level.disk_bytes, "unsent messages are kept on disk");
        }
    }
}

impl Sending {
    fn new(connection: Connection) -> Self {
        let state = *connection.state.borrow();
        Self {
            connection,
            in_flight: FuturesUnordered::new(),
            state,
            streams_missing: false,
            pause: RETRY_PAUSE.0,
            paused_until: None,
            complained: None,
            lost_event_at: None,
        }
    }

    fn complain(&mut self, text: &str) {
        if self.complained.as_deref() != Some(text) {
            tracing::warn!(trouble = text, "the broker does not take messages");
            self.complained = Some(text.to_owned());
        }
    }
}

fn describe(error: &PublishError) -> String {
    use std::error::Error;
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}
