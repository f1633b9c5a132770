//! Who bears which name. A name belongs to one host; a second one that claims it gets the name with the beginning of its
//! identity behind it, unless the first has been silent for [`NAME_HOLD_MS`].

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;
use uuid::Uuid;

use hi_common::event::{Event, Severity};
use hi_common::ids::{HostId, HostName};

pub(crate) use super::claim::Named;
use super::claim::{Claim, decide, suffixed};
use super::hosts::{HostState, HostStates};
use crate::limits::NAME_HOLD_MS;
use crate::store::{Journal, NewHost, Store, StoreError, event_id};

/// All hosts with their names; what batches and documents are attributed by.
pub(crate) struct Names {
    store: Store,
    states: Arc<HostStates>,
    hosts: Mutex<HashMap<Uuid, Named>>,
    /// Counts renames, so that who keeps a name knows when to ask again.
    generation: AtomicU64,
}

impl Names {
    /// Reads them from the database.
    pub(crate) async fn load(store: Store, states: Arc<HostStates>) -> Result<Self, StoreError> {
        let rows = store.hosts(None, i64::MAX).await?;
        let mut hosts = HashMap::new();
        for row in rows {
            states.put(HostState {
                host: row.id,
                host_id: row.host_id,
                name: row.name.as_str().into(),
                claimed: row.claimed_name.as_str().into(),
                conflict: row.conflict,
                epoch: row.epoch_started.unwrap_or(0).cast_unsigned(),
                last_batch_at: row.last_seen,
                last_sample_at: 0,
                refused: 0,
            });
            let named = Named {
                host: row.id,
                host_id: row.host_id,
                name: row.name,
                claimed: row.claimed_name,
                conflict: row.conflict,
                last_batch_at: row.last_seen,
            };
            hosts.insert(named.host_id, named);
        }
        Ok(Self { store, states, hosts: Mutex::new(hosts), generation: AtomicU64::new(0) })
    }

    /// Counts renames.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The host with this identity, which claims this name at this time (Unix ms by the broker's clock). `batch`: it sent
    /// samples, which is what keeps a name.
    pub(crate) async fn resolve(
        &self,
        host_id: HostId,
        claimed: &HostName,
        at: i64,
        batch: bool,
    ) -> Result<Named, StoreError> {
        let mut hosts = self.hosts.lock().await;
        let known = hosts.get(&host_id.0).cloned();
        let holder = hosts.values().find(|h| h.name == claimed.as_str());
        let claim = decide(host_id.0, holder, at);
        let taken = |name: &str| hosts.values().any(|h| h.name == name && h.host_id != host_id.0);
        let own = suffixed(claimed.as_str(), host_id.0, taken);
        let mut me = match known {
            Some(me) => me,
            None => Named {
                host: 0,
                host_id: host_id.0,
                name: String::new(),
                claimed: claimed.to_string(),
                conflict: false,
                last_batch_at: i64::MIN,
            },
        };
        let before = me.clone();
        me.claimed = claimed.to_string();
        if batch {
            me.last_batch_at = me.last_batch_at.max(at);
        }
        let mut others = Vec::new();
        match claim {
            Claim::Take => {
                me.name = claimed.to_string();
                me.conflict = hosts.values().any(|h| {
                    h.host_id != me.host_id && h.claimed == me.claimed && h.last_batch_at > at - NAME_HOLD_MS
                });
            }
            Claim::Yield { holder } => {
                me.name = own;
                me.conflict = true;
                let holder = hosts.get(&holder).filter(|h| !h.conflict).cloned();
                others.extend(holder.map(|h| Named { conflict: true, ..h }));
            }
            Claim::TakeOver { holder } => {
                me.name = claimed.to_string();
                me.conflict = false;
                if let Some(holder) = hosts.get(&holder).cloned() {
                    let taken = |name: &str| hosts.values().any(|h| h.name == name);
                    let name = suffixed(&holder.name, holder.host_id, taken);
                    others.push(Named { name, conflict: false, ..holder });
                }
            }
        }
        self.keep(&mut hosts, &before, &mut me, others, at).await?;
        Ok(me)
    }

    /// Adds the hosts among these that nobody knows and whose names nobody bears or claims, all at once: `(host, claimed name,
    /// time)`. The others are left to [`Names::resolve`].
    pub(crate) async fn welcome(&self, claims: &[(HostId, &HostName, i64)]) -> Result<(), StoreError> {
        let mut hosts = self.hosts.lock().await;
        let mut taken: HashSet<&str> =
            hosts.values().flat_map(|h| [h.name.as_str(), h.claimed.as_str()]).collect();
        let mut seen = HashSet::new();
        let mut new = Vec::new();
        for (id, claimed, seen_at) in claims {
            // Also of a host that is known: who comes first has the name.
            let is_free = taken.insert(claimed.as_str());
            if seen.insert(id.0) && is_free && !hosts.contains_key(&id.0) {
                let (name, claimed) = (claimed.to_string(), claimed.to_string());
                new.push(NewHost { host_id: id.0, name, claimed, conflict: false, seen_at: *seen_at });
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        let keys = self.store.hosts_insert(&new).await?;
        for NewHost { host_id, name, claimed, conflict, seen_at } in new {
            let Some(host) = keys.get(&host_id).copied() else { continue };
            let named = Named { host, host_id, name, claimed, conflict, last_batch_at: seen_at };
            self.states.put(state_of(&named));
            hosts.insert(host_id, named);
        }
        Ok(())
    }

    /// Writes what changed, first to the database.
    async fn keep(
        &self,
        hosts: &mut HashMap<Uuid, Named>,
        before: &Named,
        me: &mut Named,
        others: Vec<Named>,
        at: i64,
    ) -> Result<(), StoreError> {
        let renamed = |h: &Named| (h.host, h.name.clone(), h.claimed.clone(), h.conflict);
        let is_new = me.host == 0;
        if !others.is_empty() {
            self.store.hosts_rename(&others.iter().map(renamed).collect::<Vec<_>>()).await?;
        }
        if is_new {
            let (host_id, name, claimed) = (me.host_id, me.name.clone(), me.claimed.clone());
            let new = NewHost { host_id, name, claimed, conflict: me.conflict, seen_at: at };
            me.host = self.store.host_insert(new).await?;
        } else if (&me.name, &me.claimed, me.conflict) != (&before.name, &before.claimed, before.conflict) {
            self.store.hosts_rename(&[renamed(me)]).await?;
        }
        if me.conflict && !before.conflict && me.name != me.claimed {
            self.store.journal(&[conflict_event(me, at)]).await?;
        }
        let changed =
            is_new || me.name != before.name || me.conflict != before.conflict || !others.is_empty();
        for host in others.into_iter().chain([me.clone()]) {
            if host.host == me.host && is_new {
                self.states.put(state_of(&host));
            }
            if changed {
                let (name, claimed): (Arc<str>, Arc<str>) =
                    (host.name.as_str().into(), host.claimed.as_str().into());
                self.states.update(host.host, |state| {
                    state.name = name;
                    state.claimed = claimed;
                    state.conflict = host.conflict;
                });
            }
            hosts.insert(host.host_id, host);
        }
        if changed {
            self.generation.fetch_add(1, Ordering::AcqRel);
        }
        Ok(())
    }
}

fn state_of(host: &Named) -> HostState {
    HostState {
        host: host.host,
        host_id: host.host_id,
        name: host.name.as_str().into(),
        claimed: host.claimed.as_str().into(),
        conflict: host.conflict,
        epoch: 0,
        last_batch_at: host.last_batch_at.max(0),
        last_sample_at: 0,
        refused: 0,
    }
}

fn conflict_event(me: &Named, at: i64) -> Journal {
    let event = Event {
        v: 1,
        id: event_id(&["name_conflict", &me.host_id.to_string(), &at.to_string()]),
        host: HostName::from_any(&me.name),
        host_id: HostId(me.host_id),
        at,
        kind: "name_conflict".to_owned(),
        severity: Severity::Warning,
        message: format!("two hosts call themselves {}: this one is shown as {}", me.claimed, me.name),
        data: [("claimed".to_owned(), me.claimed.clone()), ("name".to_owned(), me.name.clone())].into(),
    };
    Journal::Event(Some(me.host), Box::new(event))
}
