//! What happened to a pool between two looks, as events.

use hi_common::event::Severity;

use super::pool::Pool;
use super::scan::State;
use super::vdev::Class;
use crate::source::EventDoc;

/// What is kept of a pool from one look to the next.
pub(super) struct Seen {
    state: &'static str,
    data_errors: u64,
    devices: Vec<Device>,
    /// Scans that ran: function, device, start, and whether it ended.
    scans: Vec<(&'static str, String, u64, bool)>,
}

/// A device without children.
struct Device {
    guid: u64,
    class: Class,
    state: &'static str,
    errors: u64,
}

impl Seen {
    pub(super) fn new(pool: &Pool) -> Self {
        let mut devices = Vec::new();
        pool.walk(&mut |vdev, _| {
            if vdev.children.is_empty() {
                let stats = vdev.stats.unwrap_or_default();
                let errors = [stats.read_errors, stats.write_errors, stats.checksum_errors];
                let errors = errors.into_iter().fold(0, u64::saturating_add);
                devices.push(Device { guid: vdev.guid, class: vdev.class, state: vdev.state_word(), errors });
            }
        });
        let scan = |scan: &super::scan::Scan| {
            (scan.function, scan.vdev.clone(), scan.started_at, scan.state == State::Finished)
        };
        Self {
            state: pool.state_word(),
            data_errors: pool.data_errors.unwrap_or(0),
            devices,
            scans: pool.scans.iter().map(scan).collect(),
        }
    }

    fn device(&self, guid: u64, class: Class) -> Option<&Device> {
        self.devices.iter().find(|device| (device.guid, device.class) == (guid, class))
    }
}

/// Compares a pool with what it was. Errors are told when a device has its first, for they come in thousands.
/// `damaged` are names of what it lost.
pub(super) fn events(before: &Seen, pool: &Pool, damaged: &[String]) -> Vec<EventDoc> {
    let mut found = Vec::new();
    let name = &pool.name;
    let state = pool.state_word();
    let mut event = |kind, severity, message: String, device: &str| {
        let mut data = vec![("pool", name.clone()), ("state", state.to_owned())];
        if !device.is_empty() {
            data.push(("device", device.to_owned()));
        }
        found.push(EventDoc { kind, severity, message, data });
    };
    pool.walk(&mut |vdev, _| {
        let (now, called) = (vdev.state_word(), vdev.name.as_str());
        let Some(was) = before.device(vdev.guid, vdev.class).filter(|_| vdev.children.is_empty()) else {
            return;
        };
        if now != was.state && now == "INUSE" {
            let message = format!("spare {called} of pool {name} stands in for a device");
            event("pool_spare_in_use", Severity::Warning, message, called);
        } else if now != was.state && !["ONLINE", "AVAIL"].contains(&now) {
            let why = vdev.aux().map(|aux| format!(": {}", aux.replace('_', " "))).unwrap_or_default();
            let message = format!("device {called} of pool {name} is {}{why}", now.to_lowercase());
            event("pool_device_failed", Severity::Warning, message, called);
        }
        let stats = vdev.stats.unwrap_or_default();
        let counts =
            [("read", stats.read_errors), ("write", stats.write_errors), ("checksum", stats.checksum_errors)];
        let counts = counts.iter().filter(|(_, count)| *count > 0);
        let words: Vec<String> = counts.map(|(word, count)| format!("{count} {word}")).collect();
        if was.errors == 0 && !words.is_empty() {
            let message = format!("device {called} of pool {name} had {} errors", words.join(", "));
            event("pool_device_errors", Severity::Warning, message, called);
        }
    });
    match state {
        state if state == before.state => {}
        "ONLINE" => event("pool_recovered", Severity::Info, format!("pool {name} is online again"), ""),
        "DEGRADED" => event("pool_degraded", Severity::Warning, format!("pool {name} is degraded"), ""),
        other => {
            event("pool_failed", Severity::Critical, format!("pool {name} is {}", other.to_lowercase()), "");
        }
    }
    let lost = pool.data_errors.unwrap_or(0);
    if lost > 0 && before.data_errors == 0 {
        let first = damaged.first().map(|file| format!(", the first in {file}")).unwrap_or_default();
        let message = format!("pool {name} has lost data: {lost} errors that could not be repaired{first}");
        event("pool_data_lost", Severity::Critical, message, "");
    }
    for scan in pool.scans.iter().filter(|scan| scan.state == State::Finished) {
        let same = (scan.function, scan.vdev.clone(), scan.started_at, true);
        if !before.scans.contains(&same) {
            let errors = scan.errors.unwrap_or(0);
            let severity = if errors > 0 { Severity::Warning } else { Severity::Info };
            let function = scan.function.replace('_', " ");
            let message = format!("{function} of pool {name} is done, with {errors} errors");
            event("pool_scan_finished", severity, message, &scan.vdev);
        }
    }
    found
}
