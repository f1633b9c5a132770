//! Publishing as fast as the other side takes it.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Context as _, Result};
use async_nats::jetstream::context::{ContextBuilder, PublishAckFuture};
use async_nats::jetstream::{self, message::PublishMessage};
use hi_common::batch::Batch;
use hi_common::limits::LAYOUT_REPEAT_MS;
use hi_common::{subject, wire};

use crate::bench::recording::{Recording, ReplayHost};
use crate::bench::stack::Stack;
use crate::publish;

/// Publishes on their way at a time.
const WINDOW: usize = 512;
/// How long the broker may take to acknowledge on a machine that does much else.
const ACK_TIMEOUT: Duration = Duration::from_secs(60);
/// The usual flush interval holds this many readings of a 10 s interval.
pub const TICKS_PER_FLUSH: u64 = 120;

/// A publisher that keeps a window of unacknowledged batches open.
pub struct Feed {
    js: jetstream::Context,
    window: VecDeque<PublishAckFuture>,
    /// Values published, absent ones not counted.
    pub samples: u64,
    /// Batches published.
    pub batches: u64,
    /// Bytes of their payloads.
    pub payload_bytes: u64,
}

impl Feed {
    /// Connects.
    ///
    /// # Errors
    /// The broker does not answer.
    pub async fn connect(stack: &Stack) -> Result<Self> {
        let builder = ContextBuilder::new().timeout(ACK_TIMEOUT).max_ack_inflight(2 * WINDOW);
        let js = builder.build(stack.broker().await?);
        publish::make_streams(&js).await?;
        Ok(Self { js, window: VecDeque::new(), samples: 0, batches: 0, payload_bytes: 0 })
    }

    /// Publishes a batch; waits when the window is full.
    ///
    /// # Errors
    /// The broker refuses it or is gone.
    pub async fn send(&mut self, batch: &Batch) -> Result<()> {
        let values = batch.readings.iter().flat_map(|reading| &reading.values);
        self.samples += values.filter(|value| !hi_common::batch::is_absent(**value)).count() as u64;
        self.batches += 1;
        let payload = wire::encode(batch)?;
        self.payload_bytes += payload.len() as u64;
        let message = PublishMessage::build().payload(payload.into()).message_id(batch.id().to_string());
        if self.window.len() >= WINDOW {
            self.settle_one().await?;
        }
        let ack = self.js.send_publish(subject::metrics(&batch.host), message).await.context("publish")?;
        self.window.push_back(ack);
        Ok(())
    }

    /// Waits until everything is acknowledged.
    ///
    /// # Errors
    /// Something was refused.
    pub async fn settle(&mut self) -> Result<()> {
        while !self.window.is_empty() {
            self.settle_one().await?;
        }
        Ok(())
    }

    async fn settle_one(&mut self) -> Result<()> {
        if let Some(ack) = self.window.pop_front() {
            ack.await.context("acknowledgement of a publish")?;
        }
        Ok(())
    }
}

/// Replays a recording for several hosts over `[start_ms, end_ms)`, flush by flush: after as many readings as the usual
/// flush holds, waits until they are in the database. So the database sees the rows it would see over the real time.
///
/// The stack must flush every second or two (`store.flush_interval_secs`).
///
/// # Errors
/// The stack does not take it.
pub async fn replay(
    stack: &Stack,
    feed: &mut Feed,
    recording: &Recording,
    hosts: &[ReplayHost],
    range: std::ops::Range<i64>,
    mut after_flush: impl AsyncFnMut(i64) -> Result<()>,
) -> Result<()> {
    let interval = recording.interval_ms();
    // A batch carries its series as often as an agent's does.
    let layout_every = (LAYOUT_REPEAT_MS / interval).unsigned_abs().max(1);
    let ticks = ((range.end - range.start) / interval).unsigned_abs();
    for tick in 0..ticks {
        let at = range.start + tick as i64 * interval;
        for host in hosts {
            feed.send(&recording.batch(host, tick + 1, at, tick % layout_every == 0)).await?;
        }
        if (tick + 1) % TICKS_PER_FLUSH == 0 || tick + 1 == ticks {
            feed.settle().await?;
            flushed(stack, feed.batches).await?;
            after_flush(at).await?;
        }
    }
    Ok(())
}

/// Waits until so many batches were taken and none is in memory only.
///
/// # Errors
/// It does not happen.
pub async fn flushed(stack: &Stack, batches: u64) -> Result<()> {
    let done = |system: &serde_json::Value| {
        let number = |pointer: &str| system.pointer(pointer).and_then(serde_json::Value::as_u64);
        number("/ingest/batches_total") >= Some(batches) && number("/head/samples") == Some(0)
    };
    stack.wait("a flush", Duration::from_secs(60), done).await?;
    Ok(())
}

/// The clock, Unix milliseconds.
pub fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |duration| duration.as_millis() as i64)
}
