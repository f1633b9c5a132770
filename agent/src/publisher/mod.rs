//! Stage that sends: outbox → JetStream → acknowledgement → onward. Also answers the collector's wish for a repetition.

mod drops;
mod sending;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt;
use hi_common::event::Severity;
use hi_common::ids::Seq;
use tokio::sync::mpsc;
use tokio::time::sleep_until;

use crate::assembler::Link;
use crate::clock::Clock;
use crate::documents::event;
use crate::history::{History, parse_id};
use crate::host_id::Identity;
use crate::nats::{Connection, is_connected};
use crate::outbox::{Aside, Item};
use crate::resend;
use crate::self_metrics::{Counters, add, set};
pub use drops::on_drop;
use sending::Sending;

/// How long what waits may still go to the broker at shutdown.
const FLUSH_MAX: Duration = Duration::from_secs(3);
/// Shortest time between two `data_lost` events.
const LOST_EVENT_PAUSE: Duration = Duration::from_secs(60);

/// Everything the stage needs.
pub struct Publisher {
    /// Who sends.
    pub identity: Identity,
    /// Wall clock.
    pub clock: Clock,
    /// What waits.
    pub outbox: Aside,
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
                    Some(item) => self.push(item).await,
                    None => break,
                },
                Some(acked) = sending.in_flight.next(), if !sending.in_flight.is_empty() => {
                    self.acked(&mut sending, acked).await;
                    ready.store(true, Ordering::Relaxed);
                }
                changed = sending.connection.state.changed() => {
                    if changed.is_err() {
                        // The client has ended, which it does only with this process.
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                    self.connection_changed(&mut sending).await;
                }
                Some(wish) = resend::next(&mut wishes) => {
                    let client = sending.connection.client.clone();
                    self.resend(&client, &wish).await;
                }
                () = sleep_until(deadline.into()) => {}
            }
            self.outbox.run(0, |outbox| outbox.poll(Instant::now())).await;
            self.send(&mut sending).await;
        }
        self.finish(&mut sending).await;
    }

    async fn push(&mut self, item: Item) {
        if let Some((epoch, seq)) = parse_id(&item.id)
            && epoch == self.identity.epoch
        {
            self.last_seq = self.last_seq.max(seq);
        }
        self.keep(item).await;
    }

    async fn keep(&mut self, item: Item) {
        self.outbox.run(item.bytes(), move |outbox| outbox.push(item, Instant::now())).await;
    }

    /// When to look again though nothing happens.
    fn next_look(&self, sending: &Sending) -> Instant {
        let far = Instant::now() + Duration::from_secs(3600);
        let spill = self.outbox.deadline().unwrap_or(far);
        spill.min(sending.paused_until.unwrap_or(far))
    }

    async fn resend(&mut self, client: &async_nats::Client, wish: &async_nats::Message) {
        let Some(reply) = &wish.reply else { return };
        let Some(outbox) = self.outbox.here() else { return };
        let answer =
            resend::answer(wish, &self.identity, &mut self.history, outbox, self.last_seq, &self.link);
        let Some(answer) = answer else { return };
        add(&self.counters.resent, answer.items.len() as u64);
        for item in answer.items {
            self.keep(item).await;
        }
        if let Err(error) = client.publish(reply.clone(), answer.reply.into()).await {
            tracing::debug!(%error, "answer cannot be sent");
        }
    }

    /// Tells of data that was dropped, once the broker can be told, and not too often.
    async fn disclose(&mut self, sending: &mut Sending) {
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
            self.keep(item).await;
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
                Some(acked) = sending.in_flight.next(), if !sending.in_flight.is_empty() => self.acked(sending, acked).await,
                Ok(()) = sending.connection.state.changed() => self.connection_changed(sending).await,
                () = sleep_until(pause.into()) => {}
                () = sleep_until(until) => break,
            }
        }
        if self.outbox.is_empty() {
            tracing::info!("everything read has been sent");
            return;
        }
        let unsaved = self.outbox.run(0, |outbox| outbox.close(Instant::now())).await;
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
