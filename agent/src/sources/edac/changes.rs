//! Memory errors that were counted since the last look, as events. Corrected ones can come by the thousand: of a controller they
//! are told at once, then after twice as long each time, an hour at most, added up.

use std::collections::BTreeMap;

use hi_common::event::Severity;

use super::controller::{Controller, Counts};
use crate::source::EventDoc;

/// Runs (a minute each) between two events about one controller's corrected errors, at most.
const WAIT_RUNS_MAX: u32 = 60;

/// Follows the controllers of a host.
#[derive(Debug, Default)]
pub(super) struct Watch(BTreeMap<String, Seen>);

#[derive(Debug, Default)]
struct Seen {
    total: Counts,
    parts: BTreeMap<String, Counts>,
    /// Corrected errors not told yet, and where they were.
    pending: u64,
    places: Vec<String>,
    wait_runs: u32,
    waited_runs: u32,
}

impl Watch {
    /// Takes a look. What a controller had counted before it was first seen is not told.
    pub(super) fn look(&mut self, controllers: &[Controller]) -> Vec<EventDoc> {
        self.0.retain(|number, _| controllers.iter().any(|controller| controller.number == *number));
        let mut events = Vec::new();
        for controller in controllers {
            match self.0.get_mut(&controller.number) {
                Some(seen) => seen.look(controller, &mut events),
                None => {
                    let seen =
                        Seen { total: controller.counts, parts: controller.parts(), ..Seen::default() };
                    self.0.insert(controller.number.clone(), seen);
                }
            }
        }
        events
    }
}

impl Seen {
    fn look(&mut self, controller: &Controller, events: &mut Vec<EventDoc>) {
        let parts = controller.parts();
        let grown = |of: fn(&Counts) -> u64| -> Vec<String> {
            let grew = |(place, counts): (&String, &Counts)| {
                (of(counts) > self.parts.get(place).map_or(0, of)).then(|| place.clone())
            };
            parts.iter().filter_map(grew).collect()
        };
        // Counters that were reset have fallen: nothing is known to be new then.
        let corrected = controller.counts.corrected.saturating_sub(self.total.corrected);
        let uncorrected = controller.counts.uncorrected.saturating_sub(self.total.uncorrected);
        if uncorrected > 0 {
            let places = grown(|counts| counts.uncorrected);
            events.push(event(controller, uncorrected, &places, Severity::Critical));
        }
        if corrected > 0 {
            let places = grown(|counts| counts.corrected);
            self.pending = self.pending.saturating_add(corrected);
            self.places.extend(places);
            self.places.sort_unstable();
            self.places.dedup();
        }
        (self.total, self.parts) = (controller.counts, parts);
        self.waited_runs = self.waited_runs.saturating_add(1);
        if self.pending > 0 && self.waited_runs >= self.wait_runs {
            events.push(event(controller, self.pending, &self.places, Severity::Warning));
            (self.pending, self.waited_runs) = (0, 0);
            self.places.clear();
            self.wait_runs = (self.wait_runs * 2).clamp(1, WAIT_RUNS_MAX);
        } else if self.waited_runs > 2 * WAIT_RUNS_MAX {
            self.wait_runs = 0;
        }
    }
}

fn event(controller: &Controller, count: u64, places: &[String], severity: Severity) -> EventDoc {
    let kind = if severity == Severity::Critical { "uncorrected" } else { "corrected" };
    let errors = if count == 1 { "error" } else { "errors" };
    let place = places.join(", ");
    let at = if place.is_empty() { String::new() } else { format!(" ({place})") };
    let mut data = vec![
        ("controller", format!("mc{}", controller.number)),
        ("type", kind.to_owned()),
        ("count", count.to_string()),
    ];
    if !place.is_empty() {
        data.push(("dimm", place));
    }
    EventDoc {
        kind: "ecc_error",
        severity,
        message: format!("{count} {kind} memory {errors} in controller mc{}{at}", controller.number),
        data,
    }
}
