//! What codes mean: types of sensors (IPMI 2.0, table 42-3), the states that they report by the bits of a reading or the offset of
//! an event (tables 42-2 and 42-3), and how bad each is (as FreeIPMI's `ipmimonitoring`, which ipmi_exporter asks, judges them).

use super::sdr::THRESHOLD;
use super::states::{GENERIC, SPECIFIC};

/// How bad a state is, by the numbers of ipmi_exporter's metrics.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Level {
    Nominal,
    Warning,
    Critical,
}

impl Level {
    /// 0, 1 or 2.
    pub(super) fn value(self) -> f64 {
        f64::from(self as u8)
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Nominal => "nominal",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// A state in words, and how bad it is; `None` where nobody but its maker knows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct State {
    pub(super) words: String,
    pub(super) level: Option<Level>,
}

/// Event/reading type of states that the type of the sensor gives their meaning.
const SENSOR_SPECIFIC: u8 = 0x6f;
/// Highest offset of an event.
pub(super) const OFFSET_MAX: u8 = 14;

const TYPES: [&str; 45] = [
    "Reserved",
    "Temperature",
    "Voltage",
    "Current",
    "Fan",
    "Physical Security",
    "Platform Security Violation Attempt",
    "Processor",
    "Power Supply",
    "Power Unit",
    "Cooling Device",
    "Other Units Based Sensor",
    "Memory",
    "Drive Slot",
    "POST Memory Resize",
    "System Firmware Progress",
    "Event Logging Disabled",
    "Watchdog 1",
    "System Event",
    "Critical Interrupt",
    "Button/Switch",
    "Module/Board",
    "Microcontroller/Coprocessor",
    "Add In Card",
    "Chassis",
    "Chip Set",
    "Other Fru",
    "Cable/Interconnect",
    "Terminator",
    "System Boot Initiated",
    "Boot Error",
    "OS Boot",
    "OS Critical Stop",
    "Slot/Connector",
    "System ACPI Power State",
    "Watchdog 2",
    "Platform Alert",
    "Entity Presence",
    "Monitor ASIC/IC",
    "LAN",
    "Management Subsystem Health",
    "Battery",
    "Session Audit",
    "Version Change",
    "FRU State",
];

/// Name of a type of sensor, as FreeIPMI and so ipmi_exporter's label `type` have it.
pub(super) fn type_name(kind: u8) -> &'static str {
    match TYPES.get(usize::from(kind)) {
        Some(name) => name,
        None if kind >= 0xc0 => "OEM Reserved",
        None => "Reserved",
    }
}

/// What a sensor tells that crosses thresholds: the six bits of its reading, the worst first.
pub(super) fn crossed(bits: u8) -> Vec<State> {
    const WORDS: [(u8, &str, Level); 6] = [
        (2, "below lower non-recoverable", Level::Critical),
        (5, "above upper non-recoverable", Level::Critical),
        (1, "below lower critical", Level::Critical),
        (4, "above upper critical", Level::Critical),
        (0, "below lower non-critical", Level::Warning),
        (3, "above upper non-critical", Level::Warning),
    ];
    let set = WORDS.iter().filter(|(bit, ..)| bits >> bit & 1 != 0);
    set.map(|(_, words, level)| State { words: (*words).to_owned(), level: Some(*level) }).collect()
}

/// The states of a sensor without thresholds, by the bits of its reading.
pub(super) fn asserted(kind: u8, event_type: u8, bits: u16) -> Vec<State> {
    let bits = bits & 0x7fff;
    if is_oem(kind, event_type) {
        // Bits whose meaning only the maker knows are told as they are, all of them.
        return if bits == 0 {
            Vec::new()
        } else {
            vec![State { words: format!("OEM Event = {bits:04x}h"), level: None }]
        };
    }
    (0..=OFFSET_MAX)
        .filter(|offset| bits >> offset & 1 != 0)
        .map(|offset| state(kind, event_type, offset))
        .collect()
}

fn is_oem(kind: u8, event_type: u8) -> bool {
    match event_type {
        SENSOR_SPECIFIC => SPECIFIC.iter().all(|(known, _)| *known != kind),
        _ => GENERIC.iter().all(|(known, _)| *known != event_type),
    }
}

/// One state of a sensor without thresholds.
pub(super) fn state(kind: u8, event_type: u8, offset: u8) -> State {
    let (table, code) = if event_type == SENSOR_SPECIFIC { (SPECIFIC, kind) } else { (GENERIC, event_type) };
    let states = table.iter().find(|(known, _)| *known == code).map_or(&[][..], |(_, states)| states);
    match states.get(usize::from(offset)) {
        Some((words, level)) if !words.is_empty() => {
            let level = if *words == "State Asserted" { of_assertion(kind) } else { *level };
            State { words: (*words).to_owned(), level: Some(level) }
        }
        _ if is_oem(kind, event_type) => {
            State { words: format!("OEM Event Offset = {offset:02x}h"), level: None }
        }
        _ => State { words: format!("Event Offset = {offset:02x}h"), level: None },
    }
}

/// How bad it is that a sensor with two states asserts.
fn of_assertion(kind: u8) -> Level {
    /// Physical security, processor, module or board, boot error, OS critical stop, platform alert.
    const CRITICAL: [u8; 6] = [0x05, 0x07, 0x15, 0x1e, 0x20, 0x24];
    const BUTTON: u8 = 0x14;
    match kind {
        kind if CRITICAL.contains(&kind) => Level::Critical,
        BUTTON => Level::Nominal,
        _ => Level::Warning,
    }
}

/// What a log entry tells (29.7, table 42-2): by offset, the words and how bad it is when asserted.
pub(super) fn event(kind: u8, event_type: u8, offset: u8) -> State {
    const CROSSINGS: [(&str, Level); 12] = [
        ("Lower Non-critical going low", Level::Warning),
        ("Lower Non-critical going high", Level::Warning),
        ("Lower Critical going low", Level::Critical),
        ("Lower Critical going high", Level::Critical),
        ("Lower Non-recoverable going low", Level::Critical),
        ("Lower Non-recoverable going high", Level::Critical),
        ("Upper Non-critical going low", Level::Warning),
        ("Upper Non-critical going high", Level::Warning),
        ("Upper Critical going low", Level::Critical),
        ("Upper Critical going high", Level::Critical),
        ("Upper Non-recoverable going low", Level::Critical),
        ("Upper Non-recoverable going high", Level::Critical),
    ];
    match CROSSINGS.get(usize::from(offset)) {
        Some((words, level)) if event_type == THRESHOLD => {
            State { words: (*words).to_owned(), level: Some(*level) }
        }
        _ => state(kind, event_type, offset),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::ipmi::tests::shared;
    use proptest::prelude::*;
    use std::fs;

    fn words(states: &[State]) -> Vec<&str> {
        states.iter().map(|state| state.words.as_str()).collect()
    }

    #[test]
    fn the_worst_threshold_comes_first() {
        // CPU Temp at 97 and FAN1 at 0 in the lab.
        assert_eq!(words(&crossed(0x18)), ["above upper critical", "above upper non-critical"]);
        assert_eq!(
            words(&crossed(0xc7)),
            ["below lower non-recoverable", "below lower critical", "below lower non-critical"]
        );
        assert_eq!(crossed(0xc0), []);
        assert_eq!(crossed(0x08)[0].level, Some(Level::Warning));
    }

    #[test]
    fn states_of_a_makers_own_are_told_as_they_are() {
        assert_eq!(words(&asserted(0xc5, 0x6f, 0x8001)), ["OEM Event = 0001h"]);
        assert_eq!(words(&asserted(0x15, 0x71, 2)), ["OEM Event = 0002h"]);
        assert_eq!(asserted(0x15, 0x71, 0), []);
        assert_eq!(asserted(0x08, 0x6f, 0x4000)[0].level, None);
    }

    /// Every event that FreeIPMI printed of five machines is one that the table has for that type of sensor.
    #[test]
    fn machines_of_others_are_told_in_the_same_words() {
        let Some(folder) = shared("fixtures/05-devices-services/glouton-ipmi") else { return };
        let mut compared = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if !path.to_string_lossy().ends_with("-ipmi-sensors.txt") {
                continue;
            }
            for line in fs::read_to_string(path).unwrap().lines() {
                let columns: Vec<&str> = line.split('|').map(str::trim).collect();
                let [_, name, kind, .., events] = columns[..] else { continue };
                let Some(code) = (0..=u8::MAX).find(|code| type_name(*code) == kind) else {
                    assert_eq!(kind, "Type", "{line}");
                    continue;
                };
                for event in events.split('\'').filter(|event| !event.trim().is_empty()) {
                    if ["OK", "N/A"].contains(&event) || event.starts_with("OEM Event = ") {
                        continue;
                    }
                    let types = (2..=0x0c).chain([0x6f]);
                    let mut known = types
                        .flat_map(|event_type| (0..=OFFSET_MAX).map(move |at| state(code, event_type, at)));
                    assert!(known.any(|state| state.words == event), "{name}, {kind}: {event}");
                    compared += 1;
                }
            }
        }
        assert!(compared > 150, "{compared}");
    }

    proptest! {
        #[test]
        fn no_codes_panic(kind: u8, event_type: u8, offset: u8, bits: u16) {
            let _ = (type_name(kind), crossed(offset), event(kind, event_type, offset));
            prop_assert!(asserted(kind, event_type, bits).len() <= 15);
        }
    }
}
