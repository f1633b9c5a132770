//! What is done now and then.

use std::time::{Duration, Instant};

/// Runs something the first time and then once per period: for lookups that cost more than they change.
#[derive(Debug)]
pub struct Every {
    period: Duration,
    last: Option<Instant>,
}

impl Every {
    /// How often what cannot change while a device stays (model, serial number, topology) is looked up again.
    pub const FACTS: Duration = Duration::from_secs(600);

    /// Due at once, then after each `period`.
    pub fn new(period: Duration) -> Self {
        Self { period, last: None }
    }

    /// Whether it is due now; the next time counts from now then.
    pub fn due(&mut self) -> bool {
        let due = self.last.is_none_or(|last| last.elapsed() >= self.period);
        if due {
            self.last = Some(Instant::now());
        }
        due
    }

    /// Makes it due at the next call.
    pub fn hasten(&mut self) {
        self.last = None;
    }
}
