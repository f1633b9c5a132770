//! The wall clock as the sampler sees it: a grid of ticks that all sources share, and steps of the clock.
//!
//! A tick lies where `(time − offset) mod interval = 0`. The offset comes from the host's identity, so that a thousand
//! hosts do not send in the same millisecond; it is below ten seconds, so that sources of different intervals tick together.
//!
//! When the clock is set back, the times that follow were used before. Waiting for them to pass would leave a hole,
//! using them twice would give two samples for one moment; so the grid moves on by one millisecond instead.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use hi_common::ids::HostId;
use rustix::time::{ClockId, clock_gettime};

/// Range over which hosts are spread, in milliseconds.
const SPREAD_MS: u64 = 10_000;
/// A change of wall clock against monotonic clock of this size is a step, in milliseconds; below it is slewing.
const STEP_MS_MIN: i64 = 500;

/// Where wall time comes from: the system, moved by an amount that only tests set.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    shift_ms: Arc<AtomicI64>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Wall minus boot time when last looked at.
    baseline_ms: Option<i64>,
    /// How often the clock was set back.
    backwards: i64,
}

/// The wall clock was set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClockStep {
    /// By how much, in milliseconds; negative is back.
    pub by_ms: i64,
}

impl Clock {
    /// Wall time, Unix milliseconds.
    pub fn wall_ms(&self) -> i64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis());
        i64::try_from(now).unwrap_or(i64::MAX).saturating_add(self.shift_ms.load(Ordering::Relaxed))
    }

    /// Steps this clock, for tests.
    pub fn shift(&self, by_ms: i64) {
        self.shift_ms.fetch_add(by_ms, Ordering::Relaxed);
    }

    /// Looks whether the wall clock was set since the last look; each step is told once.
    pub fn observe(&self) -> Option<ClockStep> {
        let boot = clock_gettime(ClockId::Boottime);
        // Boot time counts while the machine sleeps, so that waking up is no step.
        let boot_ms = boot.tv_sec.saturating_mul(1000).saturating_add(boot.tv_nsec / 1_000_000);
        let difference = self.wall_ms() - boot_ms;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.baseline_ms.replace(difference)?;
        let by_ms = difference - before;
        if by_ms.abs() < STEP_MS_MIN {
            return None;
        }
        if by_ms < 0 {
            state.backwards += 1;
        }
        Some(ClockStep { by_ms })
    }

    /// How often the clock was set back: moves the grid.
    pub fn backwards(&self) -> i64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).backwards
    }
}

/// Ticks of one interval.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Grid {
    interval_ms: i64,
    offset_ms: i64,
}

impl Grid {
    /// The grid of an interval (at least 1 ms) for a host's offset and a number of backward steps.
    pub fn new(interval_ms: i64, host_offset_ms: i64, backwards: i64) -> Self {
        let interval_ms = interval_ms.max(1);
        Self { interval_ms, offset_ms: (host_offset_ms + backwards).rem_euclid(interval_ms) }
    }

    /// The last tick at or before `t`.
    pub fn floor(self, t: i64) -> i64 {
        t - (t - self.offset_ms).rem_euclid(self.interval_ms)
    }

    /// The first tick after `t`.
    pub fn next_after(self, t: i64) -> i64 {
        self.floor(t) + self.interval_ms
    }
}

/// Offset of a host's ticks, in milliseconds.
pub fn host_offset_ms(host_id: HostId) -> i64 {
    (xxhash_rust::xxh3::xxh3_64(host_id.0.as_bytes()) % SPREAD_MS) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_that_divide_tick_together() {
        let offset = host_offset_ms(HostId::from_machine_id("a"));
        let (ten, sixty, one) =
            (Grid::new(10_000, offset, 0), Grid::new(60_000, offset, 0), Grid::new(1_000, offset, 0));
        let minute = sixty.next_after(1_800_000_000_000);
        assert_eq!(ten.floor(minute), minute);
        assert_eq!(one.floor(minute), minute);
        assert_eq!(ten.next_after(minute), minute + 10_000);
        assert_eq!(ten.next_after(minute - 1), minute);
    }

    #[test]
    fn a_clock_set_back_gives_times_never_used_before() {
        let (before, after) = (Grid::new(10_000, 9_999, 0), Grid::new(10_000, 9_999, 1));
        let tick = before.next_after(1_800_000_000_000);
        assert_ne!(after.floor(tick), tick);
        assert_ne!(after.next_after(tick - 10_000), tick);
    }

    #[test]
    fn steps_are_told_once() {
        let clock = Clock::default();
        assert_eq!(clock.observe(), None);
        clock.shift(-3_600_000);
        let step = clock.observe().unwrap();
        assert!((step.by_ms + 3_600_000).abs() < 400, "{step:?}");
        assert_eq!((clock.observe(), clock.backwards()), (None, 1));
        clock.shift(60_000);
        assert!(clock.observe().unwrap().by_ms > 59_000);
        assert_eq!(clock.backwards(), 1);
        clock.shift(100);
        assert_eq!(clock.observe(), None, "slewing is no step");
    }
}
