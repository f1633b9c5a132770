//! What the sampler tells the stage after it.

use std::sync::Arc;

use crate::clock::ClockStep;
use crate::layout::Layout;
use crate::source::{EventDoc, FactDoc};
use crate::status::Change;

/// What the sampler tells.
#[derive(Debug)]
pub enum Output {
    /// A run yielded samples.
    Sampled(Sampled),
    /// A run yielded facts: new ones, changed ones, or, now and then, all that the source knows.
    Facts {
        /// The source.
        source: &'static str,
        /// Time of the tick, Unix milliseconds.
        at: i64,
        /// The facts.
        facts: Vec<FactDoc>,
        /// Kinds and ids of those that are gone.
        gone: Vec<(&'static str, String)>,
    },
    /// Something happened that a source noticed.
    Events {
        /// Time of the tick, Unix milliseconds.
        at: i64,
        /// What.
        events: Vec<EventDoc>,
    },
    /// A source fares otherwise than before.
    Changed(Change),
    /// The clock was set.
    ClockStep {
        /// How.
        step: ClockStep,
        /// The clock after it, Unix milliseconds.
        at: i64,
    },
}

/// Samples of one run.
#[derive(Debug)]
pub struct Sampled {
    /// The source.
    pub source: &'static str,
    /// Time of the tick, Unix milliseconds.
    pub at: i64,
    /// Which series.
    pub layout: Arc<Layout>,
    /// Their values.
    pub values: Vec<f64>,
}
