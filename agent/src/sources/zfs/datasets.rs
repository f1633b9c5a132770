//! The datasets of all pools, listed anew now and then: what does not move by the second is not asked by the second. Of each
//! dataset a few numbers are kept; of snapshots nothing but their count and the time of the newest.

use std::collections::HashMap;
use std::time::Duration;

use super::listing::Listing;
use crate::host::HostRoot;
use crate::source::pattern::Patterns;
use crate::source::{Every, Readings, SourceError};

/// Most datasets that are told, of all pools together; what a pool has beyond them is not listed, and it says so.
pub(super) const DATASETS_MAX: usize = 1000;

/// What is kept of a dataset between two listings.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Known {
    pub(super) name: Box<str>,
    pub(super) used_bytes: u64,
    pub(super) available_bytes: u64,
    pub(super) used_by_snapshots_bytes: Option<u64>,
    pub(super) quota_bytes: Option<u64>,
    pub(super) compress_ratio: Option<f64>,
    pub(super) key_available: Option<bool>,
    /// `None` when they could not be counted.
    pub(super) snapshots: Option<u64>,
    /// Unix seconds; `None` when there is no snapshot.
    pub(super) newest_at: Option<u64>,
    /// When its snapshots changed last, as it said when they were counted.
    pub(super) changed_at: Option<u64>,
    /// Fingerprint of the fact that was told.
    pub(super) told: u64,
}

/// Datasets of a pool.
#[derive(Debug, Default)]
pub(super) struct OfPool {
    pub(super) pool: String,
    pub(super) known: Vec<Known>,
    pub(super) truncated: bool,
    /// Whether all that there is was seen.
    complete: bool,
}

/// Datasets of all pools.
#[derive(Debug)]
pub(super) struct Datasets {
    every: Every,
    facts: Every,
    exclude: Patterns,
    pools: Vec<OfPool>,
}

impl Datasets {
    pub(super) fn new(period: Duration, exclude: Patterns) -> Self {
        Self { every: Every::new(period), facts: Every::new(Every::FACTS), exclude, pools: Vec::new() }
    }

    /// Lists the datasets anew if it is time, and tells the facts that changed. `existing` are all pools, `pools` those that
    /// can be asked, each with the folder below which it is mounted. What cannot be asked of a pool costs only the rest of that pool.
    ///
    /// # Errors
    /// The last thing that went wrong.
    pub(super) fn refresh(
        &mut self,
        host: &HostRoot,
        existing: &[String],
        pools: &[(String, String)],
        now: Option<u64>,
        out: &mut Readings,
    ) -> Result<(), SourceError> {
        let same = |(known, (name, _)): (&OfPool, &(String, String))| known.pool == *name;
        if pools.len() != self.pools.len() || !self.pools.iter().zip(pools).all(same) {
            self.every.hasten();
        }
        if !self.every.due() {
            return Ok(());
        }
        let mut old: HashMap<Box<str>, Known> = HashMap::new();
        for known in self.pools.drain(..).flat_map(|of_pool| of_pool.known) {
            old.insert(known.name.clone(), known);
        }
        let all = self.facts.due();
        let mut listing = Listing { host, exclude: &self.exclude, old, all, room: DATASETS_MAX, now, out };
        let mut result = Ok(());
        for (pool, altroot) in pools {
            let mut of_pool = OfPool { pool: pool.clone(), ..OfPool::default() };
            let listed = listing.pool(&mut of_pool, altroot);
            of_pool.complete = listed.is_ok() && !of_pool.truncated;
            result = listed.and(result);
            of_pool.known.shrink_to_fit();
            self.pools.push(of_pool);
        }
        let unseen: Vec<Box<str>> = listing.old.into_keys().collect();
        for name in unseen {
            let pool = name.split('/').next().unwrap_or_default();
            let of_pool = self.pools.iter().find(|of_pool| of_pool.pool == pool);
            // A pool that is suspended keeps its datasets.
            if of_pool.map_or_else(|| !existing.iter().any(|name| name == pool), |of_pool| of_pool.complete) {
                out.fact_gone("dataset", name);
            }
        }
        result
    }

    /// Pushes what is known of all of them.
    pub(super) fn push(&self, out: &mut Readings) {
        for OfPool { pool, known, truncated, .. } in &self.pools {
            super::metrics::push_datasets(pool, known, *truncated, out);
        }
    }

    /// Makes the next listing due.
    #[cfg(test)]
    pub(super) fn clear_period(&mut self) {
        self.every.hasten();
    }

    /// Forgets all of them: there is nobody left to ask.
    pub(super) fn clear(&mut self) {
        self.pools.clear();
        self.every.hasten();
    }
}
