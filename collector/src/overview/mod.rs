//! What is known of each host now, kept in memory from the live readings.

pub mod directory;
pub mod host;
pub mod restore;
pub mod slots;
pub mod summary;
pub mod tables;
pub mod view;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};

use crate::attention::{self, AttentionItem, HostInput, Input, LossInput};
use crate::ingest::{HostState as Heard, Ingest, LiveRow};
use crate::model::HostKey;
use crate::store::HostRow;

use directory::Directory;
use host::HostNow;
use summary::Known;
use view::{FactView, HostDetail, HostSummary};

/// What is known of each host now.
#[derive(Default)]
pub struct Overview {
    hosts: Mutex<HashMap<HostKey, HostNow>>,
}

impl Overview {
    /// Follows the live readings until `shutdown` turns true.
    pub async fn run(
        self: Arc<Self>,
        mut live: broadcast::Receiver<Arc<LiveRow>>,
        mut shutdown: watch::Receiver<bool>,
    ) {
        loop {
            tokio::select! {
                row = live.recv() => match row {
                    Ok(row) => self.apply(&row),
                    // What was missed comes again with the next reading of each source.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                },
                _ = shutdown.wait_for(|stop| *stop) => return,
            }
        }
    }

    /// Takes a reading.
    pub fn apply(&self, row: &Arc<LiveRow>) {
        self.lock().entry(row.host).or_default().apply(row);
    }

    /// Takes over what was read back from the database for a host.
    pub fn restore(&self, host: HostKey, stored: HostNow) {
        self.lock().entry(host).or_default().restore(stored);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<HostKey, HostNow>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All hosts, by name, and what needs attention, worst first.
    pub fn judge(
        &self,
        directory: &Directory,
        ingest: &Ingest,
        now_ms: i64,
    ) -> (Vec<HostSummary>, Vec<AttentionItem>) {
        let (heard, rows) = all_hosts(directory, ingest);
        let mut inputs = Vec::with_capacity(rows.len());
        let mut summaries = Vec::with_capacity(rows.len());
        let (hosts, none) = (self.lock(), HostNow::default());
        for row in &rows {
            let known = known(row, &heard, hosts.get(&row.id).unwrap_or(&none), directory, now_ms);
            let filesystems = tables::filesystems(known.now);
            let sources = known.source_views();
            let things = known.things();
            summaries.push(known.summary(&filesystems, &sources, &things));
            inputs.push(known.attention_input(filesystems, sources, &things));
        }
        drop(hosts);
        let items = attention::judge(&input(inputs, directory, ingest), now_ms);
        for summary in &mut summaries {
            let own = items.iter().filter(|item| item.host.as_deref() == Some(&summary.host));
            summary.attention = u32::try_from(own.count()).unwrap_or(u32::MAX);
        }
        (summaries, items)
    }

    /// What `of` makes of all hosts, or of the one with this name, by host.
    pub fn each<T>(
        &self,
        directory: &Directory,
        ingest: &Ingest,
        only: Option<&str>,
        now_ms: i64,
        of: impl Fn(&Known<'_>) -> T,
    ) -> Vec<T> {
        let (heard, rows) = all_hosts(directory, ingest);
        let (hosts, none) = (self.lock(), HostNow::default());
        let wanted = rows.iter().filter(|row| only.is_none_or(|name| row.name == name));
        let one =
            |row: &HostRow| of(&known(row, &heard, hosts.get(&row.id).unwrap_or(&none), directory, now_ms));
        wanted.map(one).collect()
    }

    /// One host with what its page shows; how many facts there are of it, the database knows.
    pub fn detail(
        &self,
        name: &str,
        directory: &Directory,
        ingest: &Ingest,
        now_ms: i64,
    ) -> Option<(HostKey, HostDetail)> {
        let (heard, rows) = all_hosts(directory, ingest);
        let row = rows.iter().find(|row| row.name == name)?;
        let (hosts, none) = (self.lock(), HostNow::default());
        let known = known(row, &heard, hosts.get(&row.id).unwrap_or(&none), directory, now_ms);
        let filesystems = tables::filesystems(known.now);
        let sources = known.source_views();
        let things = known.things();
        let mut summary = known.summary(&filesystems, &sources, &things);
        let disks = known.disks();
        let interfaces = tables::interfaces(known.now);
        let own = known.attention_input(filesystems.clone(), sources.clone(), &things);
        drop(hosts);
        let items = attention::judge(&input(vec![own], directory, ingest), now_ms);
        summary.attention = items.iter().filter(|item| item.host.as_deref() == Some(name)).count() as u32;
        let facts = own_facts(directory, row.id);
        let fact_counts = None;
        Some((row.id, HostDetail { summary, facts, fact_counts, sources, filesystems, disks, interfaces }))
    }

    /// The key of the host with this name.
    pub fn key(&self, name: &str, directory: &Directory, ingest: &Ingest) -> Option<HostKey> {
        let (_, rows) = all_hosts(directory, ingest);
        rows.iter().find(|row| row.name == name).map(|row| row.id)
    }
}

/// What is known of a host itself.
fn own_facts(directory: &Directory, host: HostKey) -> Vec<FactView> {
    let facts = directory.facts.get(&host).into_iter().flatten();
    facts.filter(|fact| fact.kind == "host").map(FactView::from).collect()
}

fn known<'a>(
    row: &'a HostRow,
    heard: &'a HashMap<HostKey, Heard>,
    now: &'a HostNow,
    directory: &'a Directory,
    now_ms: i64,
) -> Known<'a> {
    Known {
        row,
        heard: heard.get(&row.id),
        now,
        facts: directory.facts.get(&row.id).map_or(&[], Vec::as_slice),
        standing: directory.standing.get(&row.id).map_or(&[], Vec::as_slice),
        containers: directory.containers.get(&row.id).map_or(&[], Vec::as_slice),
        sources: directory.sources.get(&row.id).map_or(&[], Vec::as_slice),
        now_ms,
    }
}

/// What ingest heard, and the hosts of the database, with those that only ingest knows yet, by name.
fn all_hosts(directory: &Directory, ingest: &Ingest) -> (HashMap<HostKey, Heard>, Vec<HostRow>) {
    let heard: HashMap<HostKey, Heard> =
        ingest.hosts.all().into_iter().map(|host| (host.host, host)).collect();
    let mut rows = directory.hosts.clone();
    for row in &mut rows {
        // A host may have been renamed since the database was asked.
        if let Some(heard) = heard.get(&row.id) {
            row.name = heard.name.to_string();
            row.claimed_name = heard.claimed.to_string();
        }
    }
    // A host is known a moment before its first batch is taken: until then there is nothing to show.
    for heard in heard.values().filter(|heard| heard.last_batch_at > 0) {
        if !directory.hosts.iter().any(|row| row.id == heard.host) {
            rows.push(HostRow {
                id: heard.host,
                host_id: heard.host_id,
                name: heard.name.to_string(),
                claimed_name: heard.claimed.to_string(),
                conflict: heard.conflict,
                agent_version: None,
                epoch_started: i64::try_from(heard.epoch).ok(),
                first_seen: heard.last_batch_at,
                last_seen: heard.last_batch_at,
            });
        }
    }
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    (heard, rows)
}

fn input(hosts: Vec<HostInput>, directory: &Directory, ingest: &Ingest) -> Input {
    let lost = directory.gaps.iter().filter(|gap| gap.state == "lost");
    let losses = lost.map(|gap| LossInput {
        host: gap.host.clone(),
        batches: gap.to_seq - gap.from_seq + 1,
        at: gap.closed_at.unwrap_or(gap.noticed_at),
    });
    Input {
        hosts,
        losses: losses.collect(),
        dead_letters: directory.dead_letters.1.iter().map(|letter| letter.at).collect(),
        broker_connected: ingest.stats().connected,
    }
}
