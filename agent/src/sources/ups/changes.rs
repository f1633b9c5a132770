//! What happened to a UPS between two looks at it.

use hi_common::event::Severity;

use super::unit::{State, Unit};

/// Something that happened.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) kind: &'static str,
    pub(super) severity: Severity,
    pub(super) message: String,
}

/// A flag that comes up, and what that means.
struct Rise {
    flag: &'static str,
    kind: &'static str,
    severity: Severity,
    words: &'static str,
}

/// Flags that are worth an event when they come up. On battery, low battery and on line are told with more words.
const RISES: [Rise; 7] = [
    Rise {
        flag: "RB",
        kind: "ups_replace_battery",
        severity: Severity::Warning,
        words: "asks for a new battery",
    },
    Rise { flag: "OVER", kind: "ups_overload", severity: Severity::Warning, words: "is overloaded" },
    Rise {
        flag: "BYPASS",
        kind: "ups_bypass",
        severity: Severity::Warning,
        words: "is bypassed: its battery protects nothing",
    },
    Rise { flag: "OFF", kind: "ups_off", severity: Severity::Critical, words: "is off: it feeds nothing" },
    Rise {
        flag: "FSD",
        kind: "ups_forced_shutdown",
        severity: Severity::Critical,
        words: "is about to switch off, what it feeds shuts down",
    },
    Rise { flag: "CAL", kind: "ups_calibration", severity: Severity::Info, words: "measures its battery" },
    Rise { flag: "ALARM", kind: "ups_alarm", severity: Severity::Warning, words: "raises an alarm" },
];

/// What is different. `before` has the variables of the last time that they could be read, or none.
pub(super) fn changes(before: &Unit, after: &Unit) -> Vec<Change> {
    let mut changes = Vec::new();
    if before.state != after.state {
        changes.extend(of_state(before.state, after));
    }
    // The first time that a UPS can be read, what it says is no news.
    if after.state == State::Ok && !before.variables.is_empty() {
        of_power(before, after, &mut changes);
        for rise in RISES.iter().filter(|rise| after.has(rise.flag) && !before.has(rise.flag)) {
            let alarm = after.text("ups.alarm").filter(|_| rise.flag == "ALARM");
            let message = format!(
                "UPS {} {}{}",
                after.name,
                rise.words,
                alarm.map_or(String::new(), |text| format!(": {text}"))
            );
            changes.push(Change { kind: rise.kind, severity: rise.severity, message });
        }
        changes.extend(of_test(before, after));
    }
    changes
}

fn of_state(before: State, after: &Unit) -> Option<Change> {
    // A server that goes or comes is told once, not for each of its UPSes.
    if after.state == State::ServerGone || (before == State::ServerGone && after.state == State::Ok) {
        return None;
    }
    let message = match after.state {
        State::Ok => format!("UPS {} is read again", after.name),
        state => format!("UPS {} cannot be read: {}", after.name, state.meaning()),
    };
    let (kind, severity) = match after.state {
        State::Ok => ("ups_readable", Severity::Info),
        _ => ("ups_unreadable", Severity::Warning),
    };
    Some(Change { kind, severity, message })
}

fn of_power(before: &Unit, after: &Unit, changes: &mut Vec<Change>) {
    let mut tell = |kind, severity, words: &str| {
        let message = format!("UPS {} {words}{}", after.name, left(after));
        changes.push(Change { kind, severity, message });
    };
    let came = |flag: &str| after.has(flag) && !before.has(flag);
    if came("OB") {
        match after.has("CAL") {
            true => tell("ups_on_battery", Severity::Info, "runs on battery to measure it"),
            false => tell("ups_on_battery", Severity::Warning, "runs on battery"),
        }
    }
    if came("LB") {
        match after.has("OB") {
            true => tell("ups_low_battery", Severity::Critical, "runs on battery, which is nearly empty"),
            false => tell("ups_low_battery", Severity::Warning, "has a battery that is nearly empty"),
        }
    }
    if before.has("OB") && !after.has("OB") && after.has("OL") {
        tell("ups_back_on_line", Severity::Info, "is back on line");
    }
}

/// Charge and time, where they are told.
fn left(unit: &Unit) -> String {
    let charge = unit.number("battery.charge").map(|percent| format!("{percent:.0} % charge"));
    let runtime = unit.number("battery.runtime").map(|seconds| match seconds >= 120.0 {
        true => format!("{:.0} minutes left", (seconds / 60.0).floor()),
        false => format!("{seconds:.0} seconds left"),
    });
    let told: Vec<String> = charge.into_iter().chain(runtime).collect();
    if told.is_empty() { String::new() } else { format!(": {}", told.join(", ")) }
}

/// The result of a self-test, once there is another one.
fn of_test(before: &Unit, after: &Unit) -> Option<Change> {
    let (old, new) = (before.text("ups.test.result")?, after.text("ups.test.result")?);
    // What a driver says while one runs is no result yet.
    let lower = new.to_ascii_lowercase();
    if old == new || lower.contains("progress") || lower.contains("no test") {
        return None;
    }
    let bad = ["fail", "bad", "error", "warning", "ng"];
    let failed = lower.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| {
        bad.iter().any(|start| match *start {
            "ng" => word == "ng",
            start => word.starts_with(start),
        })
    });
    let (kind, severity) = match failed {
        true => ("ups_test_failed", Severity::Warning),
        false => ("ups_test_done", Severity::Info),
    };
    Some(Change { kind, severity, message: format!("UPS {} was tested: {new}", after.name) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(state: State, variables: &[(&str, &str)]) -> Unit {
        let mut unit = Unit::new("rack", state);
        unit.variables =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        unit
    }

    fn told(before: &Unit, after: &Unit) -> Vec<(&'static str, Severity)> {
        changes(before, after).into_iter().map(|change| (change.kind, change.severity)).collect()
    }

    fn status(flags: &str) -> Unit {
        unit(State::Ok, &[("ups.status", flags), ("battery.charge", "87"), ("battery.runtime", "2100")])
    }

    #[test]
    fn each_turn_of_the_power_is_told_once() {
        let (line, battery, low) = (status("OL CHRG"), status("OB DISCHRG"), status("OB LB DISCHRG"));
        assert_eq!(told(&line, &battery), [("ups_on_battery", Severity::Warning)]);
        let message = &changes(&line, &battery)[0].message;
        assert_eq!(message, "UPS rack runs on battery: 87 % charge, 35 minutes left");
        assert_eq!(told(&battery, &battery), []);
        assert_eq!(told(&battery, &low), [("ups_low_battery", Severity::Critical)]);
        assert_eq!(told(&low, &line), [("ups_back_on_line", Severity::Info)]);
        assert_eq!(
            told(&line, &low),
            [("ups_on_battery", Severity::Warning), ("ups_low_battery", Severity::Critical)]
        );
        assert_eq!(told(&line, &status("OL LB CHRG")), [("ups_low_battery", Severity::Warning)]);
        assert_eq!(
            told(&line, &status("CAL OB")),
            [("ups_on_battery", Severity::Info), ("ups_calibration", Severity::Info)]
        );
        assert_eq!(told(&low, &status("FSD OB LB")), [("ups_forced_shutdown", Severity::Critical)]);
        assert_eq!(
            told(&line, &status("OL RB OVER")),
            [("ups_replace_battery", Severity::Warning), ("ups_overload", Severity::Warning)]
        );
    }

    #[test]
    fn a_ups_that_could_not_be_read_is_compared_with_the_last_time() {
        let line = status("OL");
        let stale = Unit { state: State::Stale, ..line.clone() };
        assert_eq!(told(&line, &stale), [("ups_unreadable", Severity::Warning)]);
        assert_eq!(
            told(&stale, &status("OB")),
            [("ups_readable", Severity::Info), ("ups_on_battery", Severity::Warning)]
        );
        let gone = Unit { state: State::ServerGone, ..line.clone() };
        assert_eq!(told(&line, &gone), []);
        assert_eq!(told(&gone, &line), []);
        assert_eq!(
            told(&Unit::new("rack", State::NoDriver), &status("OB")),
            [("ups_readable", Severity::Info)]
        );
    }

    #[test]
    fn a_test_is_told_when_it_has_a_result() {
        let result = |text: &str| unit(State::Ok, &[("ups.status", "OL"), ("ups.test.result", text)]);
        let none = result("No test initiated");
        assert_eq!(told(&none, &result("In progress")), []);
        assert_eq!(told(&none, &result("Done and passed")), [("ups_test_done", Severity::Info)]);
        for text in ["Done and error", "Done and warning", "Battery test failed", "NG", "Bad battery pack"] {
            assert_eq!(told(&none, &result(text)), [("ups_test_failed", Severity::Warning)], "{text}");
        }
    }
}
