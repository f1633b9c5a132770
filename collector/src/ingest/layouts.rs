//! The layouts of readings: known, read back, or registered, all that lie ahead in one transaction.

use std::collections::HashSet;
use std::sync::Arc;

use uuid::Uuid;

use hi_common::batch::{Batch, Family, Reading};
use hi_common::event::{Event, Severity};
use hi_common::ids::{HostId, HostName};

use super::engine::Engine;
use super::intake::{Intake, Message};
use super::retry::loop_until_stored;
use super::state::{Host, Known};
use super::stats::RefusedSeries;
use crate::limits::{LAYOUTS_PER_SOURCE_MAX, REGISTER_SERIES_MAX};
use crate::model::{HostKey, Layout};
use crate::store::{DAY_MS, Journal, NewLayout, Resolved, event_id, now_ms};

/// A layout to register, and the identity of its host.
struct Unknown<'a> {
    id: Uuid,
    layout: NewLayout<'a>,
}

impl Host {
    fn layout(&self, source: &str, hash: u64) -> Option<&Arc<Layout>> {
        let known = self.sources.get(source)?.iter().find(|known| known.layout.hash == hash)?;
        Some(&known.layout)
    }
}

/// Layouts of a batch that come with their series and that its host, when known, does not have.
fn unknown<'a>(host: Option<&Host>, batch: &'a Batch) -> impl Iterator<Item = (&'a Reading, &'a [Family])> {
    let new =
        move |reading: &&Reading| host.is_none_or(|h| h.layout(&reading.source, reading.layout).is_none());
    batch.readings.iter().filter(new).filter_map(|reading| Some((reading, reading.series.as_deref()?)))
}

impl Engine {
    /// Registers the layouts that a message brings, and with them those of the messages behind it that have come already:
    /// a transaction each would take longer than everything else. Nothing of a message is taken here.
    ///
    /// `None` when told to end.
    pub(super) async fn register_ahead(&mut self, message: &Message, intake: &mut Intake) -> Option<()> {
        let Ok(first) = &message.batch else { return Some(()) };
        if unknown(self.hosts.get(&first.host_id.0), first).next().is_none() {
            return Some(());
        }
        let new = |batch: &Batch| -> usize {
            let families =
                unknown(self.hosts.get(&batch.host_id.0), batch).flat_map(|(_, families)| families);
            families.map(|family| family.rows.len()).sum()
        };
        let mut series = new(first);
        intake.look_ahead(|batch| {
            series += new(batch);
            series < REGISTER_SERIES_MAX
        });
        let all = || std::iter::once((first, message.taken.position.message_at)).chain(intake.ahead());
        let claims: Vec<_> = all().map(|(batch, at)| (batch.host_id, &batch.host, at)).collect();
        loop_until_stored!(self, self.names.welcome(&claims));
        let mut wanted = Vec::new();
        let mut chosen = HashSet::new();
        for (batch, message_at) in all() {
            if unknown(self.hosts.get(&batch.host_id.0), batch).next().is_none() {
                continue;
            }
            let id = self.identify(batch, message_at).await?;
            let host = self.hosts.get(&id)?;
            if host.has(batch.epoch, batch.seq) {
                continue;
            }
            for (reading, families) in unknown(Some(host), batch) {
                if chosen.insert((id, reading.source.as_str(), reading.layout)) {
                    let (source, hash) = (reading.source.as_str(), reading.layout);
                    let layout = NewLayout { host: host.named.host, source, hash, families };
                    wanted.push(Unknown { id, layout });
                }
            }
        }
        self.register(&wanted).await
    }

    /// `None` when told to end.
    async fn register(&mut self, wanted: &[Unknown<'_>]) -> Option<()> {
        if wanted.is_empty() {
            return Some(());
        }
        let new: Vec<NewLayout<'_>> = wanted.iter().map(|unknown| unknown.layout).collect();
        let now = now_ms();
        let resolved = loop_until_stored!(self, self.store.layouts_register(&new, self.series_max, now));
        for (Unknown { id, layout }, resolved) in wanted.iter().zip(resolved) {
            let NewLayout { host, source, hash, .. } = *layout;
            self.report(*id, host, source, &resolved, now);
            self.remember(*id, Layout::new(host, source.into(), hash, resolved.infos), now);
        }
        Some(())
    }

    /// The layout of a reading; the inner `None` when nobody ever said what its series are. The outer one when told to end.
    pub(super) async fn layout(&mut self, id: Uuid, reading: &Reading) -> Option<Option<Arc<Layout>>> {
        let (source, hash) = (reading.source.as_str(), reading.layout);
        let known = |engine: &Self| engine.hosts.get(&id)?.layout(source, hash).map(Arc::clone);
        if let Some(layout) = known(self) {
            return Some(Some(layout));
        }
        let host = self.hosts.get(&id)?.named.host;
        if let Some(families) = &reading.series {
            // Registered ahead, and superseded since by others of its source.
            let layout = NewLayout { host, source, hash, families };
            self.register(&[Unknown { id, layout }]).await?;
            return Some(known(self));
        }
        let loaded = loop_until_stored!(self, super::resolver::load(&self.store, Some(host), Some(hash), 0));
        let found = loaded.into_iter().find(|layout| *layout.source == *source);
        Some(found.map(|layout| self.remember(id, layout, 0)))
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
            let message = format!("{metric} was a {} and is a {} now", before.as_str(), kind.as_str());
            let event = event(
                "metric_kind_changed",
                Severity::Info,
                message,
                &format!("{metric} {} {now}", before.as_str()),
            );
            self.note(Journal::Event(Some(key), Box::new(event)));
        }
    }
}
