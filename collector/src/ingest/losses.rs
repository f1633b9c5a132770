//! What never comes, and what cannot be taken.

use hi_common::batch::{Batch, Lost};
use hi_common::event::{Event, Severity};
use hi_common::ids::{HostId, HostName};

use super::consumer::Taken;
use super::engine::Engine;
use crate::store::{GapChange, Journal, event_id, now_ms};

impl Engine {
    /// A batch whose series are unknown: shows as a gap although its number was seen.
    pub(super) fn miss(&mut self, id: uuid::Uuid, batch: &Batch) {
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
    pub(super) fn refuse(&mut self, taken: &Taken, reason: &'static str, detail: String, now: i64) {
        tracing::warn!(subject = %taken.subject, reason, detail, "payload refused");
        self.shared.stats.update(|s| s.dead_letters_total += 1);
        self.note(Journal::DeadLetter(taken.dead_letter(now, reason, detail)));
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
