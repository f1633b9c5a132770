//! Taking one message: recognise, resolve, append.

use std::sync::Arc;
use std::time::Instant;

use hi_common::batch::{Batch, Lost};

use super::LiveRow;
use super::consumer::Taken;
use super::engine::Engine;
use super::intake::{Intake, Message};
use super::retry::loop_until_stored;
use super::stages::Stage;
use super::state::Host;
use crate::limits::CURSOR_RANGES_MAX;
use crate::model::Layout;
use crate::store::now_ms;

/// A name is asked for again this often, in milliseconds.
const NAME_CHECK_MS: i64 = 10_000;

impl Engine {
    /// Takes a message. Waits for the database when a host or layout is new and it is away; then nothing behind it is taken
    /// either, and the broker keeps it.
    pub(super) async fn take_message(&mut self, message: Message, intake: &mut Intake) {
        let now = now_ms();
        let message_at = message.taken.position.message_at;
        self.shared.stats.update(|s| {
            s.lag_messages = message.taken.pending;
            s.lag_seconds = Some((now - message_at).max(0) as f64 / 1000.0);
        });
        let begun = Instant::now();
        let registered = self.register_ahead(&message, intake).await;
        self.shared.stats.stage(Stage::Resolve, begun.elapsed());
        if registered.is_none() {
            // Told to end while waiting for the database: the message was not taken.
            return;
        }
        let Message { taken, batch } = message;
        match batch {
            Ok(batch) => {
                if self.take_batch(batch, &taken).await.is_none() {
                    return;
                }
            }
            Err(error) => self.refuse(&taken, error.reason(), error.to_string(), now),
        }
        self.done(taken.position, taken.acker);
    }

    /// `None` when told to end.
    async fn take_batch(&mut self, batch: Batch, taken: &Taken) -> Option<()> {
        let message_at = taken.position.message_at;
        let begun = Instant::now();
        let key = self.identify(&batch, message_at).await?;
        let host = self.hosts.get(&key)?;
        if host.has(batch.epoch, batch.seq) {
            self.shared.stats.update(|s| s.duplicates_total += 1);
            return Some(());
        }
        let mut layouts = Vec::with_capacity(batch.readings.len());
        for reading in &batch.readings {
            match self.layout(key, reading).await? {
                Some(layout) if layout.series.len() == reading.values.len() => layouts.push(layout),
                Some(layout) => {
                    let detail = format!(
                        "{} has {} values for {} series",
                        reading.source,
                        reading.values.len(),
                        layout.series.len()
                    );
                    self.refuse(taken, "invalid", detail, now_ms());
                    return Some(());
                }
                // Its series never came: not taken, so that the gap is repaired with them.
                None => {
                    self.miss(key, &batch);
                    return Some(());
                }
            }
        }
        let resolved = Instant::now();
        self.append(key, batch, layouts, message_at);
        self.shared.stats.stage(Stage::Resolve, resolved.duration_since(begun));
        self.shared.stats.stage(Stage::Append, resolved.elapsed());
        Some(())
    }

    /// The host of a batch, by the name it may bear now.
    pub(super) async fn identify(&mut self, batch: &Batch, message_at: i64) -> Option<uuid::Uuid> {
        let id = batch.host_id.0;
        let generation = self.names.generation();
        if let Some(host) = self.hosts.get(&id)
            && host.generation == generation
            && host.named.claimed == batch.host.as_str()
            && message_at < host.checked_at + NAME_CHECK_MS
        {
            return Some(id);
        }
        let named =
            loop_until_stored!(self, self.names.resolve(batch.host_id, &batch.host, message_at, true));
        let generation = self.names.generation();
        let host = self.hosts.entry(id).or_insert_with(|| Host::new(named.clone()));
        if *host.name != *named.name {
            host.name = named.name.as_str().into();
        }
        host.named = named;
        host.generation = generation;
        host.checked_at = host.checked_at.max(message_at);
        Some(id)
    }

    fn append(&mut self, id: uuid::Uuid, batch: Batch, layouts: Vec<Arc<Layout>>, message_at: i64) {
        let Some(host) = self.hosts.get_mut(&id) else { return };
        let key = host.named.host;
        let newest = (batch.epoch, batch.seq) > host.newest;
        let epoch = host.epochs.entry(batch.epoch).or_default();
        epoch.cursor.insert(batch.seq);
        epoch.dirty = true;
        let too_many = epoch.cursor.seen().len() > CURSOR_RANGES_MAX;
        let lowest = epoch.cursor.gaps().next().filter(|_| too_many);
        host.bound_epochs();
        host.seen = true;
        host.last_batch_at = host.last_batch_at.max(message_at);
        host.newest = host.newest.max((batch.epoch, batch.seq));
        let live = self.shared.live.receiver_count() > 0;
        let (mut samples, mut last_sample) = (0, 0);
        for (reading, layout) in batch.readings.into_iter().zip(layouts) {
            samples += reading.values.len() as u64;
            last_sample = last_sample.max(reading.at);
            let row = Arc::new(LiveRow {
                host: key,
                host_name: Arc::clone(&host.name),
                at: reading.at,
                layout,
                values: reading.values.into(),
            });
            self.shared.head.append(&row, newest);
            if live && newest {
                let _ = self.shared.live.send(row);
            }
        }
        let (last_batch_at, epoch) = (host.last_batch_at, host.newest.0);
        self.shared.hosts.update(key, |state| {
            state.last_batch_at = last_batch_at;
            state.epoch = epoch;
            state.last_sample_at =
                if newest { last_sample.max(state.last_sample_at) } else { state.last_sample_at };
        });
        self.fresh_samples += samples;
        self.shared.stats.update(|s| {
            s.batches_total += 1;
            s.samples_total += samples;
        });
        for lost in batch.lost {
            self.lost(id, lost, "the agent had to drop them");
        }
        if let Some((from, to)) = lowest {
            self.lost(id, Lost { epoch: batch.epoch, from, to }, "too many gaps to keep track of");
        }
    }
}
