//! Sensors of the board, against `sensors -u`.

use anyhow::{Context as _, Result};

use super::check::Checks;
use super::reading::{Reading, text};

/// Values may differ by less than the last digit that the tool prints.
const TOLERANCE: f64 = 0.0006;
/// A temperature may move between the looks.
const MOVES: f64 = 1.5;

/// Compares every value that the tool prints.
pub(super) fn compare(reading: &Reading, words: &str, checks: &mut Checks) -> Result<()> {
    for chip in words.split("\n\n").filter(|chip| !chip.trim().is_empty()) {
        let title = chip.lines().next().unwrap_or_default();
        // `lm75-i2c-1-48`: names of chips have no dash.
        let name = title.split('-').next().unwrap_or_default();
        let fact = reading.facts("sensor_chip").find(|(_, doc)| text(doc, "name") == Some(name));
        checks.same(&format!("chip {name}"), fact.map(|(_, _)| name), Some(name));
        let label = fact.map_or("", |(id, _)| id);
        for line in chip.lines().filter(|line| line.starts_with("  ")) {
            let (file, value) = line.trim().split_once(": ").with_context(|| line.to_owned())?;
            let value: f64 = value.parse().with_context(|| line.to_owned())?;
            let (sensor, property) = file.split_once('_').with_context(|| line.to_owned())?;
            let Some((metric, scale)) = metric(sensor, property) else { continue };
            let ours =
                reading.value(&metric, &[("chip", label), ("sensor", sensor)]).map(|value| value * scale);
            let moves = sensor.starts_with("temp") && property == "input";
            checks.near(&format!("{title} {file}"), ours, value, if moves { MOVES } else { TOLERANCE });
        }
    }
    Ok(())
}

/// The metric of a file, and by what its value is to be multiplied: node_exporter divides alarms of a limit as it does the limit.
fn metric(sensor: &str, property: &str) -> Option<(String, f64)> {
    let kind = sensor.trim_end_matches(|c: char| c.is_ascii_digit());
    let (unit, divisor) = match kind {
        "temp" => ("_celsius", 1000.0),
        "in" => ("_volts", 1000.0),
        "curr" => ("_amps", 1000.0),
        "fan" => ("_rpm", 1.0),
        _ => return None,
    };
    let alarm = property.ends_with("_alarm");
    Some(match property {
        "input" => (format!("node_hwmon_{kind}{unit}"), 1.0),
        "alarm" | "fault" | "type" | "div" | "pulses" => (format!("node_hwmon_{kind}_{property}"), 1.0),
        _ if alarm && kind == "fan" => (format!("node_hwmon_{kind}_{property}"), 1.0),
        // Whether it beeps is called otherwise.
        "beep" => return None,
        _ => (format!("node_hwmon_{kind}_{property}{unit}"), if alarm { divisor } else { 1.0 }),
    })
}
