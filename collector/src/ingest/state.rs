//! What ingest holds of each host.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::cursor::Cursor;
use super::names::Named;
use super::repair::Repair;
use crate::limits::EPOCHS_PER_HOST_MAX;
use crate::model::Layout;

/// One start of an agent.
#[derive(Default)]
pub(super) struct Epoch {
    pub(super) cursor: Cursor,
    /// Highest number known to exist, also when it could not be taken.
    pub(super) known_to: u64,
    /// Changed since the last flush began.
    pub(super) dirty: bool,
    pub(super) repair: Option<Repair>,
}

/// A layout in memory.
pub(super) struct Known {
    pub(super) layout: Arc<Layout>,
    /// When it was marked as in use in the database, Unix milliseconds.
    pub(super) marked_at: i64,
}

/// A host in memory.
pub(super) struct Host {
    pub(super) named: Named,
    pub(super) name: Arc<str>,
    /// Count of renames when the name was asked for.
    pub(super) generation: u64,
    /// When it was asked for, Unix milliseconds.
    pub(super) checked_at: i64,
    pub(super) epochs: BTreeMap<u64, Epoch>,
    /// Epochs up to this one are closed: what still comes of them is dropped.
    pub(super) closed: u64,
    pub(super) closed_new: Vec<u64>,
    pub(super) sources: HashMap<String, Vec<Known>>,
    /// Newest batch taken: epoch and number.
    pub(super) newest: (u64, u64),
    pub(super) last_batch_at: i64,
    /// Seen since the last flush began.
    pub(super) seen: bool,
    /// Series refused, by source.
    pub(super) refused: HashMap<String, u64>,
}

impl Host {
    pub(super) fn new(named: Named) -> Self {
        Self {
            name: named.name.as_str().into(),
            named,
            generation: 0,
            checked_at: i64::MIN,
            epochs: BTreeMap::new(),
            closed: 0,
            closed_new: Vec::new(),
            sources: HashMap::new(),
            newest: (0, 0),
            last_batch_at: 0,
            seen: false,
            refused: HashMap::new(),
        }
    }

    /// Whether a batch was taken, or is of an epoch that is closed.
    pub(super) fn has(&self, epoch: u64, seq: u64) -> bool {
        epoch <= self.closed || self.epochs.get(&epoch).is_some_and(|epoch| epoch.cursor.contains(seq))
    }

    /// Closes the oldest epochs when there are too many.
    pub(super) fn bound_epochs(&mut self) {
        while self.epochs.len() > EPOCHS_PER_HOST_MAX {
            if let Some((epoch, _)) = self.epochs.pop_first() {
                self.closed = self.closed.max(epoch);
                self.closed_new.push(epoch);
            }
        }
    }
}
