//! Taking one message: decode, recognise, resolve, append.

use std::sync::Arc;
use std::time::Duration;

use hi_common::batch::{Batch, Lost, Reading};
use hi_common::event::{Event, Severity};
use hi_common::ids::{HostId, HostName};
use hi_common::metric::Kind;
use hi_common::wire::decode_batch;

use super::LiveRow;
use super::consumer::Taken;
use super::engine::{Engine, Host, Known};
use super::stats::RefusedSeries;
use crate::limits::{CURSOR_RANGES_MAX, DEAD_LETTER_PAYLOAD_BYTES_MAX, LAYOUTS_PER_SOURCE_MAX};
use crate::model::{HostKey, Layout};
use crate::signals::told_to_end;
use crate::store::{DAY_MS, DeadLetter, GapChange, Journal, Resolved, StoreError, event_id, now_ms};

/// A name is asked for again this often, in milliseconds.
const NAME_CHECK_MS: i64 = 10_000;
/// Wait before the database is tried again: first and longest.
const RETRY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// Repeats an operation on the database until it succeeds; leaves the function with `None` when told to end.
macro_rules! loop_until_stored {
    ($engine:expr, $call:expr) => {{
        let mut attempt = 0;
        loop {
            match $call.await {
                Ok(value) => {
                    if attempt > 0 {
                        $engine.shared.stats.update(|s| s.flush.last_error = None);
                    }
                    break value;
                }
                Err(error) => {
                    if !$engine.wait_for_database(&error, &mut attempt).await {
                        return None;
                    }
                }
            }
        }
    }};
}

impl Engine {
    /// Takes a message. Waits for the database when a host or layout is new and it is away; then nothing behind it is taken
    /// either, and the broker keeps it.
    pub(super) async fn take_message(&mut self, taken: Taken) {
        let now = now_ms();
        let message_at = taken.position.message_at;
        self.shared.stats.update(|s| {
            s.lag_messages = taken.pending;
            s.lag_seconds = Some((now - message_at).max(0) as f64 / 1000.0);
        });
        match decode_batch(&taken.payload, now) {
            Ok(batch) => {
                if self.take_batch(batch, &taken).await.is_none() {
                    // Told to end while waiting for the database: the message was not taken.
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
        let key = self.identify(&batch, message_at).await?;
        let host = self.hosts.get_mut(&key)?;
        let known = host.epochs.get(&batch.epoch).is_some_and(|epoch| epoch.cursor.contains(batch.seq));
        if known || batch.epoch <= host.closed {
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
        self.append(key, batch, layouts, message_at);
        Some(())
    }

    /// The host of a batch, by the name it may bear now.
    async fn identify(&mut self, batch: &Batch, message_at: i64) -> Option<uuid::Uuid> {
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

    /// The layout of a reading; the inner `None` when nobody ever said what its series are.
    async fn layout(&mut self, host: uuid::Uuid, reading: &Reading) -> Option<Option<Arc<Layout>>> {
        let known = |engine: &Self| {
            let layouts = engine.hosts.get(&host)?.sources.get(&reading.source)?;
            layouts.iter().find(|k| k.layout.hash == reading.layout).map(|k| Arc::clone(&k.layout))
        };
        if let Some(layout) = known(self) {
            return Some(Some(layout));
        }
        let key = self.hosts.get(&host)?.named.host;
        let Some(families) = &reading.series else {
            let loaded = loop_until_stored!(
                self,
                super::resolver::load(&self.store, Some(key), Some(reading.layout), 0)
            );
            let found = loaded.into_iter().find(|layout| *layout.source == *reading.source);
            return Some(found.map(|layout| self.remember(host, layout, 0)));
        };
        let now = now_ms();
        let resolved = loop_until_stored!(
            self,
            self.store.layout_resolve(key, &reading.source, reading.layout, families, self.series_max, now)
        );
        self.report(host, key, &reading.source, &resolved, now);
        let layout = Layout::new(key, reading.source.as_str().into(), reading.layout, resolved.infos);
        Some(Some(self.remember(host, layout, now)))
    }

    pub(super) fn remember(&mut self, host: uuid::Uuid, layout: Layout, marked_at: i64) -> Arc<Layout> {
        let layout = Arc::new(layout);
        if let Some(host) = self.hosts.get_mut(&host) {
            let layouts = host.sources.entry(layout.source.to_string()).or_default();
            if layouts.len() >= LAYOUTS_PER_SOURCE_MAX {
                layouts.remove(0);
            }
            layouts.push(Known { layout: Arc::clone(&layout), marked_at });
        }
        layout
    }

    /// Shows what was refused of a layout, and what changed.
    fn report(&mut self, id: uuid::Uuid, key: HostKey, source: &str, resolved: &Resolved, now: i64) {
        let Some(host) = self.hosts.get_mut(&id) else { return };
        let refused = resolved.refused as u64;
        let before = host.refused.insert(source.to_owned(), refused).unwrap_or(0);
        let total: u64 = host.refused.values().sum();
        let (name, host_id) = (HostName::from_any(&host.name), HostId(id));
        self.shared.hosts.update(key, |state| state.refused = total);
        self.shared.stats.update(|s| {
            s.refused.retain(|r| r.host != key);
            if total > 0 {
                s.refused.push(RefusedSeries { host: key, reason: "series_per_host", count: total });
            }
        });
        let event = |kind: &str, severity, message: String, id: &str| Event {
            v: 1,
            id: event_id(&[kind, &host_id.to_string(), id]),
            host: name.clone(),
            host_id,
            at: now,
            kind: kind.to_owned(),
            severity,
            message,
            data: [("source".to_owned(), source.to_owned())].into(),
        };
        if refused > 0 && refused != before {
            let message =
                format!("{refused} series of {source} are refused: the host has {} already", self.series_max);
            let event = event(
                "series_refused",
                Severity::Warning,
                message,
                &format!("{source} {refused} {}", now / DAY_MS),
            );
            self.note(Journal::Event(Some(key), Box::new(event)));
        }
        for (metric, before, kind) in &resolved.kinds_changed {
            let message = format!("{metric} was a {before} and is a {} now", Kind::as_str(*kind));
            let event =
                event("metric_kind_changed", Severity::Info, message, &format!("{metric} {before} {now}"));
            self.note(Journal::Event(Some(key), Box::new(event)));
        }
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

    /// A batch whose series are unknown: shows as a gap although its number was seen.
    fn miss(&mut self, id: uuid::Uuid, batch: &Batch) {
        let Some(host) = self.hosts.get_mut(&id) else { return };
        let epoch = host.epochs.entry(batch.epoch).or_default();
        epoch.known_to = epoch.known_to.max(batch.seq);
        host.bound_epochs();
    }

    /// Batches that will never come: the cursor moves on, and the loss shows.
    pub(super) fn lost(&mut self, id: uuid::Uuid, lost: Lost, why: &str) {
        let Some(host) = self.hosts.get_mut(&id) else { return };
        if lost.epoch <= host.closed {
            return;
        }
        let (key, name) = (host.named.host, HostName::from_any(&host.name));
        let epoch = host.epochs.entry(lost.epoch).or_default();
        let missing = epoch.cursor.missing_of(lost.from, lost.to);
        epoch.cursor.insert_range(lost.from, lost.to);
        epoch.dirty |= !missing.is_empty();
        host.bound_epochs();
        let now = now_ms();
        for (from, to) in missing {
            let count = to - from + 1;
            tracing::warn!(host = %name, epoch = lost.epoch, from, to, why, "batches are lost");
            self.shared.stats.update(|s| s.cursor.batches_lost_total += count);
            let attempts = 0;
            self.note(Journal::Gap(GapChange {
                host: key,
                epoch: lost.epoch,
                from,
                to,
                state: "lost",
                at: now,
                attempts,
            }));
            let event = Event {
                v: 1,
                id: event_id(&[
                    "data_lost",
                    &id.to_string(),
                    &lost.epoch.to_string(),
                    &from.to_string(),
                    &to.to_string(),
                ]),
                host: name.clone(),
                host_id: HostId(id),
                at: now,
                kind: "data_lost".to_owned(),
                severity: Severity::Warning,
                message: format!("{count} batches are lost: {why}"),
                data: [
                    ("epoch".to_owned(), lost.epoch.to_string()),
                    ("from".to_owned(), from.to_string()),
                    ("to".to_owned(), to.to_string()),
                ]
                .into(),
            };
            self.note(Journal::Event(Some(key), Box::new(event)));
        }
    }

    /// A payload that cannot be taken goes to the dead letters; its number, when its message id tells it, counts as taken, so
    /// that nobody asks for it again.
    fn refuse(&mut self, taken: &Taken, reason: &'static str, detail: String, now: i64) {
        tracing::warn!(subject = %taken.subject, reason, detail, "payload refused");
        self.shared.stats.update(|s| s.dead_letters_total += 1);
        let end = taken.payload.len().min(DEAD_LETTER_PAYLOAD_BYTES_MAX);
        self.note(Journal::DeadLetter(DeadLetter {
            at: now,
            host: taken.subject.rsplit('.').next().map(str::to_owned),
            subject: taken.subject.to_string(),
            reason,
            detail,
            payload: taken.payload.slice(..end).to_vec(),
            stream_created: taken.position.stream_created,
            stream_seq: taken.position.seq,
        }));
        let Some((prefix, epoch, seq)) = parse_message_id(&taken.position.message_id) else { return };
        let host = self.hosts.iter_mut().find(|(id, host)| {
            (id.as_u128() >> 96) as u32 == prefix
                && taken.subject.ends_with(&format!(".{}", host.named.claimed))
        });
        // Only the epoch that speaks now: an id is a hint, and must not open anything.
        if let Some((_, host)) = host
            && let Some(epoch) = host.epochs.get_mut(&epoch)
            && seq <= epoch.cursor.highest() + 1
        {
            epoch.cursor.insert(seq);
            epoch.dirty = true;
        }
    }
}

/// Reads the message id an agent gives a batch ([`hi_common::ids::BatchId`]): beginning of the host's identity, epoch, number.
fn parse_message_id(id: &str) -> Option<(u32, u64, u64)> {
    let id = id.split_once("-r").map_or(id, |(id, _)| id);
    let (head, seq) = id.split_once('-')?;
    let prefix = u32::from_str_radix(head.get(..8)?, 16).ok()?;
    Some((prefix, u64::from_str_radix(head.get(8..)?, 16).ok()?, u64::from_str_radix(seq, 16).ok()?))
}

impl Engine {
    /// Waits before the database is tried again; false when told to end.
    pub(super) async fn wait_for_database(&mut self, error: &StoreError, attempt: &mut u32) -> bool {
        let text = hi_common::error_chain::ErrorChain(error).to_string();
        if *attempt == 0 {
            tracing::warn!(error = text, "waiting for the database");
        }
        self.shared.stats.update(|s| s.flush.last_error = Some(text));
        let wait = (RETRY.0 * 2u32.saturating_pow(*attempt)).min(RETRY.1);
        *attempt = attempt.saturating_add(1).min(10);
        let mut shutdown = self.shutdown.clone();
        tokio::select! {
            () = told_to_end(&mut shutdown) => false,
            () = tokio::time::sleep(wait) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hi_common::ids::BatchId;

    #[test]
    fn a_message_id_tells_the_batch() {
        let host_id = HostId::from_machine_id("x");
        let id = BatchId { host_id, epoch: 1_800_000_000_000, seq: 77 }.to_string();
        let prefix = (host_id.0.as_u128() >> 96) as u32;
        assert_eq!(parse_message_id(&id), Some((prefix, 1_800_000_000_000, 77)));
        assert_eq!(parse_message_id(&format!("{id}-r3")), Some((prefix, 1_800_000_000_000, 77)));
        for bad in ["", "x", "zzzzzzzz1-1", "12345678", "1234567-ü"] {
            assert_eq!(parse_message_id(bad), None);
        }
    }
}
