//! Gaps: what is missing is asked for again, at growing intervals, until it comes or is known to be lost.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use hi_common::batch::Lost;
use hi_common::ids::{HostId, HostName};
use hi_common::subject::{VERB_RESEND, command};
use hi_common::wire::{decode, encode};

use super::engine::Engine;
use super::state::Epoch;
use crate::limits::{
    REPAIR_BACKOFF_MS_MAX, REPAIR_GIVE_UP_MS, REPAIR_GRACE_MS, REPAIR_PROMISES_MAX, REPAIR_RANGES_MAX,
};
use crate::store::{GapChange, Journal};

/// How long an agent may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// What an agent is asked.
#[derive(Serialize)]
struct Request {
    epoch: u64,
    from: u64,
    to: u64,
    with_series: bool,
    host_id: HostId,
}

/// What it answers.
#[derive(Debug, Deserialize)]
struct Reply {
    queued: u64,
    #[serde(default)]
    lost: Vec<(u64, u64)>,
}

/// An answer on its way to the engine.
pub(super) struct Answered {
    host: Uuid,
    epoch: u64,
    from: u64,
    to: u64,
    reply: Option<Reply>,
}

/// Missing ranges of one epoch, and how far asking for them has come.
pub(super) struct Repair {
    noticed_at: i64,
    next_at: i64,
    attempts: u32,
    /// Requests for all of the ranges that were answered with promises, since a batch came.
    promises: u32,
    /// The attempt whose answers are counted already.
    promised: u32,
    ranges: Vec<(u64, u64)>,
}

impl Epoch {
    /// Missing ranges, at most some.
    fn missing(&self) -> Vec<(u64, u64)> {
        let mut missing =
            self.cursor.missing_of(self.cursor.next(), self.known_to.max(self.cursor.highest()));
        missing.truncate(REPAIR_RANGES_MAX);
        missing
    }
}

fn missing_count(ranges: &[(u64, u64)]) -> u64 {
    ranges.iter().map(|(from, to)| to - from + 1).sum()
}

impl Engine {
    /// Looks after all gaps; about once a second.
    pub(super) fn repair(&mut self, now: i64) {
        let mut open = 0;
        let mut due: Vec<(Uuid, u64)> = Vec::new();
        let mut changes: Vec<GapChange> = Vec::new();
        let mut repaired = 0;
        for (id, host) in &mut self.hosts {
            for (number, epoch) in &mut host.epochs {
                let missing = epoch.missing();
                open += missing.len() as u64;
                if missing.is_empty() && epoch.repair.is_none() {
                    continue;
                }
                let change = |(from, to): (u64, u64), state, attempts| GapChange {
                    host: host.named.host,
                    epoch: *number,
                    from,
                    to,
                    state,
                    at: now,
                    attempts,
                };
                let repair = epoch.repair.get_or_insert_with(|| Repair {
                    noticed_at: now,
                    next_at: now + REPAIR_GRACE_MS,
                    attempts: 0,
                    promises: 0,
                    promised: 0,
                    ranges: Vec::new(),
                });
                if missing != repair.ranges && (repair.attempts > 0 || missing.is_empty()) {
                    let gone = repair.ranges.iter().filter(|range| !missing.contains(range));
                    changes.extend(gone.map(|range| change(*range, "repaired", repair.attempts)));
                    let progress = missing_count(&repair.ranges).saturating_sub(missing_count(&missing));
                    repaired += progress;
                    if progress > 0 {
                        repair.promises = 0;
                    }
                    repair.ranges.clone_from(&missing);
                    changes.extend(missing.iter().map(|range| change(*range, "open", repair.attempts)));
                }
                if missing.is_empty() {
                    epoch.repair = None;
                } else if now >= repair.next_at {
                    if repair.attempts == 0 {
                        repair.ranges.clone_from(&missing);
                        changes.extend(missing.iter().map(|range| change(*range, "open", 1)));
                    }
                    let backoff = REPAIR_GRACE_MS.saturating_mul(1 << repair.attempts.min(10));
                    repair.next_at = now + backoff.min(REPAIR_BACKOFF_MS_MAX);
                    repair.attempts += 1;
                    due.push((*id, *number));
                }
            }
        }
        self.shared.stats.update(|s| {
            s.cursor.gaps_open = open;
            s.cursor.gaps_repaired_total += repaired;
        });
        for change in changes {
            self.note(Journal::Gap(change));
        }
        for (id, epoch) in due {
            self.ask(id, epoch, now);
        }
    }

    /// Asks for the missing ranges of an epoch, or gives them up.
    fn ask(&mut self, id: Uuid, number: u64, now: i64) {
        let Some(host) = self.hosts.get(&id) else { return };
        let Some(epoch) = host.epochs.get(&number) else { return };
        let Some(repair) = &epoch.repair else { return };
        let ranges = repair.ranges.clone();
        let hopeless = if now - repair.noticed_at > REPAIR_GIVE_UP_MS {
            Some("the agent never answered")
        } else if repair.promises >= REPAIR_PROMISES_MAX {
            Some("what the agent sends again is refused")
        } else {
            None
        };
        if let Some(why) = hopeless {
            for (from, to) in ranges {
                self.lost(id, Lost { epoch: number, from, to }, why);
            }
            return;
        }
        let Ok(name) = host.named.claimed.parse::<HostName>() else { return };
        for (from, to) in ranges {
            let request = Request { epoch: number, from, to, with_series: true, host_id: HostId(id) };
            let Ok(payload) = encode(&request) else { continue };
            let (client, subject) = (self.broker.client.clone(), command(&name, VERB_RESEND));
            let answers = self.answers.clone();
            tracing::info!(host = %name, epoch = number, from, to, "asking for missing batches");
            tokio::spawn(async move {
                let asked = tokio::time::timeout(ANSWER_MAX, client.request(subject, payload.into())).await;
                let reply = asked.ok().and_then(Result::ok).and_then(|message| decode(&message.payload).ok());
                let _ = answers.send(Answered { host: id, epoch: number, from, to, reply }).await;
            });
        }
    }

    /// Takes an answer: what is lost for good is closed, the rest is waited for.
    pub(super) fn repair_answered(&mut self, answer: Answered) {
        let Some(reply) = answer.reply else { return };
        for (from, to) in reply.lost {
            // An answer says something about what was asked, and nothing else.
            let (from, to) = (from.max(answer.from), to.min(answer.to));
            if from <= to {
                self.lost(
                    answer.host,
                    Lost { epoch: answer.epoch, from, to },
                    "the agent does not have them any more",
                );
            }
        }
        let epoch = self.hosts.get_mut(&answer.host).and_then(|host| host.epochs.get_mut(&answer.epoch));
        if let Some(repair) = epoch.and_then(|epoch| epoch.repair.as_mut())
            && reply.queued > 0
            && repair.promised != repair.attempts
        {
            // One per attempt, however many ranges it asked for: patience must not depend on their number.
            repair.promised = repair.attempts;
            repair.promises += 1;
        }
    }
}
