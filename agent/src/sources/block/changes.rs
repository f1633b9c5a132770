//! What happened to the disks between two looks: decided from what was known before and what is there now.

use std::collections::{BTreeMap, VecDeque};

use hi_common::event::Severity;

use crate::source::EventDoc;

use super::facts::Known;

/// Most disks that are remembered after they have gone.
const GONE_MAX: usize = 64;

/// Follows the disks of a host.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// By identity; none before the first look.
    present: Option<BTreeMap<String, Known>>,
    /// Those that went, the last one at the end.
    gone: VecDeque<Known>,
}

impl Watch {
    /// Takes a look. The first one finds everything as it is and tells nothing.
    pub(super) fn look(&mut self, now: &BTreeMap<String, Known>) -> Vec<EventDoc> {
        let Some(before) = self.present.replace(now.clone()) else { return Vec::new() };
        let mut events = Vec::new();
        for (id, known) in before.iter().filter(|(id, _)| !now.contains_key(*id)) {
            events.push(event("disk_gone", Severity::Warning, id, known, "is gone", None));
            self.gone.push_back(known.clone());
        }
        while self.gone.len() > GONE_MAX {
            self.gone.pop_front();
        }
        for (id, known) in now {
            let returned = || self.gone.iter().rposition(|other| other.disk.id == *id);
            let former = match before.get(id) {
                Some(former) => Some(former.clone()),
                None => returned().and_then(|index| self.gone.remove(index)),
            };
            let is_new = !before.contains_key(id);
            let spots = former.as_ref().and_then(Known::spot).zip(known.spot());
            let moved = spots.is_some_and(|(before, now)| before != now);
            match (is_new, moved) {
                (_, true) => {
                    let from = former.as_ref().map(Known::place);
                    events.push(event("disk_moved", Severity::Info, id, known, "was moved", from));
                }
                (true, false) => {
                    events.push(event("disk_appeared", Severity::Info, id, known, "appeared", None));
                }
                (false, false) => {}
            }
        }
        events
    }
}

fn event(
    kind: &'static str,
    severity: Severity,
    id: &str,
    known: &Known,
    what: &str,
    from: Option<String>,
) -> EventDoc {
    let place = known.place();
    let message = match &from {
        Some(from) => format!("disk {} {what} from {from} to {place}", known.words()),
        None if place.is_empty() => format!("disk {} {what}", known.words()),
        None => format!("disk {} {what} at {place}", known.words()),
    };
    let mut data = vec![
        ("disk", id.to_owned()),
        ("device", known.disk.device.clone()),
        ("model", known.disk.identity.model.clone()),
        ("serial", known.disk.identity.serial.clone()),
        ("place", place),
    ];
    data.extend(from.map(|from| ("before", from)));
    data.retain(|(_, text)| !text.is_empty());
    EventDoc { kind, severity, message, data }
}
