//! What happened to a GPU between two readings, as events.

use hi_common::event::Severity;

use crate::source::EventDoc;
use crate::sys::nvml::Xid;

use super::view::{State, View};

/// The reasons of slow clocks that mean trouble, as bits of `clocks_event_reasons.active`: the hardware slows down, the driver
/// does because of heat, heat, the power supply.
const TROUBLE: [(u64, &str); 4] = [
    (0x40, "it is too hot (hardware)"),
    (0x20, "it is too hot (driver)"),
    (0x80, "the power supply brakes it"),
    (0x8, "the hardware slows it down"),
];
/// Readings in a row that must show it before it is told, and those without it until it can be told again: clocks flicker.
const BEGINS_AFTER: u32 = 2;
const ENDS_AFTER: u32 = 6;

/// Xids after which a GPU or the host must be reset (NVIDIA, "XID Errors"): ECC errors that were not contained, failures of the
/// firmware and of NVLink, a GPU off the bus.
const FATAL: [u64; 10] = [46, 48, 62, 64, 74, 79, 95, 119, 120, 140];
/// Xids that a faulty program causes, or that tell that something was mended.
const HARMLESS: [u64; 7] = [13, 31, 43, 45, 63, 92, 94];

/// A GPU as it was at the last reading.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    state: State,
    slow: Slow,
    uncorrected: Option<f64>,
    remap_failed: bool,
}

/// Whether its clocks are held down, debounced.
#[derive(Clone, Copy, Debug, Default)]
struct Slow {
    told: bool,
    /// Readings in a row that speak against what was told.
    against: u32,
}

impl Slow {
    /// Takes a reading; whether it begins now.
    fn begins(&mut self, slow: bool) -> bool {
        self.against = if slow == self.told { 0 } else { self.against + 1 };
        let enough = if self.told { ENDS_AFTER } else { BEGINS_AFTER };
        let turns = self.against >= enough;
        if turns {
            (self.told, self.against) = (slow, 0);
        }
        turns && slow
    }
}

impl Seen {
    /// The first reading: nothing has happened that was watched.
    pub(super) fn new(view: &View) -> Self {
        let active = trouble(view);
        let mut seen = Self::default();
        seen.slow.told = active.is_some();
        seen.take(view);
        seen
    }

    fn take(&mut self, view: &View) {
        self.state = view.state;
        if let Some(count) = uncorrected(view) {
            self.uncorrected = Some(count);
        }
        self.remap_failed =
            view.number("remapped_rows.failure").map_or(self.remap_failed, |failed| failed != 0.0);
    }

    /// Compares with the reading before.
    pub(super) fn events(&mut self, view: &View) -> Vec<EventDoc> {
        let mut events = Vec::new();
        let mut tell = |kind, severity, what: String, more: Vec<(&'static str, String)>| {
            events.push(event(view, kind, severity, &what, more));
        };
        if view.state.has_failed() && !self.state.has_failed() {
            tell("gpu_lost", Severity::Critical, format!("is lost: {}", view.reason), Vec::new());
        } else if view.state == State::Unreadable && matches!(self.state, State::Ok | State::Suspended) {
            tell("gpu_unreadable", Severity::Warning, format!("cannot be read: {}", view.reason), Vec::new());
        } else if view.state == State::Ok && (self.state.has_failed() || self.state == State::Unreadable) {
            tell("gpu_back", Severity::Info, "answers again".to_owned(), Vec::new());
        }
        if view.state == State::Ok {
            let trouble = trouble(view);
            if self.slow.begins(trouble.is_some()) {
                let why = trouble.unwrap_or_default();
                let temperature =
                    view.number("temperature.gpu").map_or(String::new(), |degrees| degrees.to_string());
                let more = vec![("reason", why.to_owned()), ("temperature_celsius", temperature)];
                tell("gpu_throttled", Severity::Warning, format!("is slowed down: {why}"), more);
            }
        }
        let (before, now) = (self.uncorrected, uncorrected(view));
        if let (Some(before), Some(now)) =
            (before, now.filter(|now| before.is_some_and(|before| *now > before)))
        {
            let new = now - before;
            let more = vec![("count", new.to_string()), ("total", now.to_string())];
            let what = format!("has {new} new memory errors that ECC could not correct, {now} in all");
            tell("gpu_ecc_errors", Severity::Warning, what, more);
        }
        if !self.remap_failed && view.number("remapped_rows.failure").is_some_and(|failed| failed != 0.0) {
            let what = "has a row of memory that cannot be replaced any more: replace the GPU".to_owned();
            tell("gpu_ecc_errors", Severity::Critical, what, Vec::new());
        }
        self.take(view);
        events
    }
}

/// Why it is slow, if that is trouble.
fn trouble(view: &View) -> Option<&'static str> {
    let active = view.number("clocks_event_reasons.active")? as u64;
    TROUBLE.iter().find(|(bit, _)| active & bit != 0).map(|(_, why)| *why)
}

/// Errors since the driver was loaded: those of the GPU's life may be told late.
fn uncorrected(view: &View) -> Option<f64> {
    view.number("ecc.errors.uncorrected.volatile.total")
}

/// The GPU is not listed any more.
pub(super) fn gone(view: &View) -> EventDoc {
    event(view, "gpu_gone", Severity::Warning, "is gone", Vec::new())
}

/// An error that the driver reported.
pub(super) fn xid(view: Option<&View>, xid: &Xid) -> EventDoc {
    let severity = match xid.code {
        code if FATAL.contains(&code) => Severity::Critical,
        code if HARMLESS.contains(&code) => Severity::Info,
        _ => Severity::Warning,
    };
    let code = xid.code.to_string();
    match view {
        Some(view) => {
            let what = format!("had the error Xid {code}; the kernel's log says more");
            event(view, "gpu_xid", severity, &what, vec![("xid", code)])
        }
        None => EventDoc {
            kind: "gpu_xid",
            severity,
            message: format!("an NVIDIA GPU had the error Xid {code}; the kernel's log says more"),
            data: vec![("xid", code)],
        },
    }
}

fn event(
    view: &View,
    kind: &'static str,
    severity: Severity,
    what: &str,
    more: Vec<(&'static str, String)>,
) -> EventDoc {
    let mut data = vec![
        ("gpu", view.id()),
        ("name", view.name().to_owned()),
        ("pci_address", view.listed.address.clone()),
    ];
    data.extend(more.into_iter().filter(|(_, value)| !value.is_empty()));
    EventDoc { kind, severity, message: format!("GPU {} {what}", view.name()), data }
}
