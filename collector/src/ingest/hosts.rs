//! What is known of each host right now.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use uuid::Uuid;

use crate::model::HostKey;

/// A host as ingest sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct HostState {
    /// Its number.
    pub host: HostKey,
    /// Its stable identity.
    pub host_id: Uuid,
    /// Its name: the `instance` label.
    pub name: Arc<str>,
    /// The name its agent asked for; another than `name` when that was taken.
    pub claimed: Arc<str>,
    /// Another host claims the same name.
    pub conflict: bool,
    /// Start of its agent, Unix milliseconds; the newest seen.
    pub epoch: u64,
    /// When the broker took its newest batch, Unix milliseconds by the broker's clock.
    pub last_batch_at: i64,
    /// Newest sample time, Unix milliseconds by the host's clock; 0 before the first since the collector started.
    pub last_sample_at: i64,
    /// Number of its series that are refused.
    pub refused: u64,
}

/// All hosts in the database or with a batch since the collector started.
#[derive(Default)]
pub struct HostStates {
    inner: RwLock<HashMap<HostKey, HostState>>,
}

impl HostStates {
    /// One host.
    pub fn get(&self, host: HostKey) -> Option<HostState> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).get(&host).cloned()
    }

    /// All of them, in no order.
    pub fn all(&self) -> Vec<HostState> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub(crate) fn put(&self, state: HostState) {
        self.inner.write().unwrap_or_else(PoisonError::into_inner).insert(state.host, state);
    }

    pub(crate) fn update(&self, host: HostKey, change: impl FnOnce(&mut HostState)) {
        if let Some(state) = self.inner.write().unwrap_or_else(PoisonError::into_inner).get_mut(&host) {
            change(state);
        }
    }
}
