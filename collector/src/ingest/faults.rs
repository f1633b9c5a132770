//! Places at which a test may end the collector as `kill -9` would. Nothing outside tests sets one.

use std::sync::Arc;

/// A place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// All is written, nothing committed.
    BeforeCommit,
    /// Committed, nothing acknowledged.
    AfterCommit,
}

/// Decides whether to end at a place.
#[derive(Clone, Default)]
pub struct Faults(Option<Arc<dyn Fn(Point) -> bool + Send + Sync>>);

impl Faults {
    /// Asks `decide` at every place.
    pub fn new(decide: impl Fn(Point) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(decide)))
    }

    pub(crate) fn at(&self, point: Point) -> bool {
        self.0.as_ref().is_some_and(|decide| decide(point))
    }
}
