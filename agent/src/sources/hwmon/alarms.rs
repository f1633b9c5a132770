//! Alarms of sensors: those that chips tell, and limits that are crossed where a chip has no alarm for them.

use std::collections::BTreeMap;

use hi_common::event::Severity;

use super::sensor::Sensor;
use crate::source::EventDoc;

/// Runs in a row for which an alarm must be over before it is: many chips clear an alarm as it is read, and set it again.
const QUIET_RUNS: u32 = 4;

/// An alarm of a sensor, whether it holds or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Alarm {
    /// Which one: `crit`, `max`, `fault`; empty for a chip's only one.
    pub(super) word: String,
    pub(super) severity: Severity,
    pub(super) on: bool,
}

/// The alarms of a sensor that are known now.
pub(super) fn judge(sensor: &Sensor) -> Vec<Alarm> {
    let mut alarms = Vec::new();
    if sensor.number("enable") == Some(0.0) && sensor.kind != "pwm" {
        return alarms;
    }
    let has = |property: &str| sensor.attributes.iter().any(|attribute| attribute.property == property);
    for attribute in &sensor.attributes {
        let word = match attribute.property.as_str() {
            word @ ("fault" | "alarm") => word,
            other => match other.strip_suffix("_alarm") {
                Some(word) => word,
                None => continue,
            },
        };
        if let Some(value) = attribute.value {
            let word = if word == "alarm" { "" } else { word }.to_owned();
            alarms.push(Alarm { severity: severity(&word), word, on: value > 0.0 });
        }
    }
    let Some(input) = sensor.number("input") else { return alarms };
    let mut compare = |limit: &str, crossed: &dyn Fn(f64) -> bool| {
        // A limit that is not above zero was never set.
        if let Some(value) = sensor.number(limit).filter(|value| *value > 0.0)
            && !has("alarm")
            && !has(&format!("{limit}_alarm"))
        {
            alarms.push(Alarm { word: limit.to_owned(), severity: severity(limit), on: crossed(value) });
        }
    };
    match sensor.kind {
        "temp" => {
            for limit in ["max", "crit", "emergency"] {
                compare(limit, &|value| input >= value);
            }
        }
        "fan" => compare("min", &|value| input < value),
        _ => {}
    }
    alarms
}

fn severity(word: &str) -> Severity {
    match word {
        "crit" | "lcrit" | "emergency" => Severity::Critical,
        _ => Severity::Warning,
    }
}

/// Follows the alarms of all chips, by chip, sensor and word.
#[derive(Debug, Default)]
pub(super) struct Watch(BTreeMap<(String, String, String), Held>);

#[derive(Debug)]
struct Held {
    on: bool,
    quiet_runs: u32,
}

impl Watch {
    /// Takes a look at a sensor. An alarm that was not known before is found as it is, and not told.
    pub(super) fn look(&mut self, chip: (&str, &str), sensor: &Sensor) -> Vec<EventDoc> {
        let mut events = Vec::new();
        for alarm in &sensor.alarms {
            let key = (chip.0.to_owned(), sensor.name.clone(), alarm.word.clone());
            let held = self.0.entry(key).or_insert(Held { on: alarm.on, quiet_runs: 0 });
            match (held.on, alarm.on) {
                (false, false) => {}
                (true, true) => held.quiet_runs = 0,
                (false, true) => {
                    *held = Held { on: true, quiet_runs: 0 };
                    events.push(event("sensor_alarm", alarm.severity, chip, sensor, alarm));
                }
                (true, false) => {
                    held.quiet_runs += 1;
                    if held.quiet_runs >= QUIET_RUNS {
                        held.on = false;
                        events.push(event("sensor_alarm_ended", Severity::Info, chip, sensor, alarm));
                    }
                }
            }
        }
        events
    }

    /// Forgets chips that are no more.
    pub(super) fn retain(&mut self, is_there: impl Fn(&str) -> bool) {
        self.0.retain(|(chip, _, _), _| is_there(chip));
    }
}

/// What happened, in a sentence: `Composite of nvme (nvme_nvme0): limit max is crossed, 71.9 °C, limit 69.9 °C`.
fn event(
    kind: &'static str,
    severity: Severity,
    (chip, chip_name): (&str, &str),
    sensor: &Sensor,
    alarm: &Alarm,
) -> EventDoc {
    let what = match (alarm.word.as_str(), kind) {
        ("fault", "sensor_alarm") => "reports a fault".to_owned(),
        ("fault", _) => "reports no fault any more".to_owned(),
        ("", "sensor_alarm") => "raises an alarm".to_owned(),
        ("", _) => "raises no alarm any more".to_owned(),
        (word, "sensor_alarm") => format!("is beyond its limit {word}"),
        (word, _) => format!("is within its limit {word} again"),
    };
    let value = shown(sensor, "input").or_else(|| shown(sensor, "average"));
    let limit = shown(sensor, &alarm.word);
    let mut message =
        format!("{} of {} {what}", sensor.title(), if chip_name.is_empty() { chip } else { chip_name });
    if let Some(value) = &value {
        message.push_str(&format!(": {value}"));
    }
    if let Some(limit) = &limit {
        message.push_str(&format!(", limit {limit}"));
    }
    let data = vec![
        ("chip", chip.to_owned()),
        ("chip_name", chip_name.to_owned()),
        ("sensor", sensor.name.clone()),
        ("label", sensor.label.clone().unwrap_or_default()),
        ("alarm", alarm.word.clone()),
        ("value", value.unwrap_or_default()),
        ("limit", limit.unwrap_or_default()),
    ];
    let data = data.into_iter().filter(|(_, text)| !text.is_empty()).collect();
    EventDoc { kind, severity, message, data }
}

/// A number of a sensor with its unit.
fn shown(sensor: &Sensor, property: &str) -> Option<String> {
    let attribute = sensor.attributes.iter().find(|attribute| attribute.property == property)?;
    let value = attribute.value? / attribute.row.divisor;
    Some(match sensor.kind {
        "temp" => format!("{value:.1} °C"),
        "in" | "cpu" => format!("{value:.3} V"),
        "curr" => format!("{value:.2} A"),
        "power" => format!("{value:.1} W"),
        "fan" => format!("{value:.0} rpm"),
        "humidity" => format!("{:.0} %", value * 100.0),
        _ => return None,
    })
}
