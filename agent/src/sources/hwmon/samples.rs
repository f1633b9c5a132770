//! What was read of the chips, as samples.

use super::chips::Chip;
use super::names::clean;
use super::sensor::Sensor;
use super::{sleep, table};
use crate::source::Readings;

fn flag(yes: bool) -> f64 {
    if yes { 1.0 } else { 0.0 }
}

pub(super) fn push_chips(chips: &[Chip], out: &mut Readings) {
    for chip in chips {
        let name = clean(&chip.name);
        if !name.is_empty() {
            out.push(&table::CHIP_NAMES, &[&chip.label, &name], 1.0);
        }
    }
    for chip in chips {
        for sensor in &chip.sensors {
            if let Some(label) = &sensor.label {
                out.push(&table::SENSOR_LABEL, &[&chip.label, &sensor.name, label], 1.0);
            }
        }
    }
}

/// Pushes all numbers, those of a metric together.
pub(super) fn push_values(chips: &[Chip], out: &mut Readings) {
    let mut all = Vec::new();
    for chip in chips {
        for sensor in &chip.sensors {
            let known = sensor.attributes.iter().filter(|attribute| attribute.known);
            all.extend(known.map(|attribute| (attribute.order, &chip.label, sensor, attribute)));
        }
    }
    // Stable: within a metric the order of chips and sensors stays.
    all.sort_by_key(|(order, ..)| *order);
    for (_, chip, sensor, attribute) in all {
        // node_exporter's clocks have their label in the place of the sensor, and without one they are not told.
        let name = match (sensor.kind, &sensor.label) {
            ("freq", Some(label)) => &clean(label),
            ("freq", None) => continue,
            _ => &sensor.name,
        };
        match attribute.value {
            Some(value) => out.push(attribute.row.metric, &[chip, name], value / attribute.row.divisor),
            None => out.push_absent(attribute.row.metric, &[chip, name]),
        }
    }
}

/// Pushes which sensors have an alarm that holds.
pub(super) fn push_alarms(chips: &[Chip], out: &mut Readings) {
    for chip in chips {
        for sensor in chip.sensors.iter().filter(|sensor| sensor.has_alarms) {
            match sensor.alarms.is_empty() {
                true => out.push_absent(&table::ALARM, &[&chip.label, &sensor.name]),
                false => {
                    let holds = sensor.alarms.iter().any(|alarm| alarm.on);
                    out.push(&table::ALARM, &[&chip.label, &sensor.name], flag(holds));
                }
            }
        }
    }
}

/// Pushes what hangs, fails and sleeps, and says which.
pub(super) fn push_troubles(chips: &[Chip], out: &mut Readings) {
    let count = |chip: &Chip, is: &dyn Fn(&Sensor) -> bool| {
        chip.sensors.iter().filter(|sensor| is(sensor)).count() as f64
    };
    for chip in chips {
        out.push(&table::STALLED, &[&chip.label], count(chip, &|sensor| sensor.stalled_runs > 0));
    }
    for chip in chips {
        out.push(&table::FAILED, &[&chip.label], count(chip, &|sensor| sensor.failure.is_some()));
    }
    for chip in chips.iter().filter(|chip| chip.sleep != sleep::Sleep::Never) {
        out.push(&table::ASLEEP, &[&chip.label], flag(chip.asleep));
    }
    for chip in chips {
        if chip.asleep {
            out.note(format!(
                "{}: not asked, so that its device can sleep (a disk is asked after it has moved data)",
                chip.label
            ));
        }
        for sensor in &chip.sensors {
            match &sensor.failure {
                _ if sensor.stalled_runs > 0 => {
                    out.note(format!("{} {}: does not answer", chip.label, sensor.name));
                }
                Some(failure) => out.note(format!("{} {}: {failure}", chip.label, sensor.name)),
                None => {}
            }
        }
    }
}
