//! The BMC, against `ipmitool`.

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::check::Checks;
use super::reading::{Reading, text};

/// Values may differ by less than the last digit that the tool prints.
const TOLERANCE: f64 = 0.0006;

/// The value behind a name in lines `Name : value`.
fn field<'w>(words: &'w str, name: &str) -> Option<&'w str> {
    let value = |line: &'w str| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    };
    words.lines().find_map(value)
}

/// Values, states and thresholds of all sensors, against `ipmitool sensor`.
pub(super) fn compare_sensors(reading: &Reading, words: &str, checks: &mut Checks) -> Result<()> {
    const THRESHOLDS: [&str; 6] = [
        "lower_non_recoverable",
        "lower_critical",
        "lower_non_critical",
        "upper_non_critical",
        "upper_critical",
        "upper_non_recoverable",
    ];
    for line in words.lines().filter(|line| line.contains('|')) {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let [name, value, unit, state, thresholds @ ..] = &columns[..] else { continue };
        let (metric, state_metric) = match *unit {
            "degrees C" => ("ipmi_temperature_celsius", "ipmi_temperature_state"),
            "RPM" => ("ipmi_fan_speed_rpm", "ipmi_fan_speed_state"),
            "Volts" => ("ipmi_voltage_volts", "ipmi_voltage_state"),
            _ => ("ipmi_sensor_value", "ipmi_sensor_state"),
        };
        let value: f64 = value.parse().with_context(|| line.to_owned())?;
        checks.near(&format!("{name} in {unit}"), reading.value(metric, &[("name", name)]), value, TOLERANCE);
        let level = match *state {
            "ok" => 0.0,
            "nc" => 1.0,
            _ => 2.0,
        };
        checks.same(&format!("{name} state"), reading.value(state_metric, &[("name", name)]), Some(level));
        for (threshold, theirs) in THRESHOLDS.iter().zip(thresholds) {
            let ours = reading.value("hi_ipmi_sensor_threshold", &[("name", name), ("threshold", threshold)]);
            match theirs.parse() {
                Ok(theirs) => checks.near(&format!("{name} {threshold}"), ours, theirs, TOLERANCE),
                Err(_) => checks.same(&format!("{name} {threshold}"), ours, None::<f64>),
            }
        }
    }
    Ok(())
}

/// Entries of the event log, the newest first, and its size, against `ipmitool sel elist` and `sel info`.
pub(super) fn compare_log(reading: &Reading, words: &str, info: &str, checks: &mut Checks) {
    let none = Value::Null;
    let bmc = reading.fact("bmc", "0").unwrap_or(&none);
    let ours: Vec<&Value> = bmc["log"].as_array().into_iter().flatten().collect();
    let theirs: Vec<Vec<&str>> = words
        .lines()
        .map(|line| line.split('|').map(str::trim).collect::<Vec<_>>())
        .filter(|columns| columns.len() >= 6)
        .collect();
    for (at, columns) in theirs.iter().rev().enumerate() {
        let entry = ours.get(at).copied().unwrap_or(&none);
        let [number, date, time, sensor, event, direction, ..] = &columns[..] else { continue };
        let what = |part: &str| format!("log entry {number} {part}");
        let record = entry["record_id"].as_i64().map(|record| format!("{record:x}"));
        checks.same(&what("number"), record, Some(number));
        checks.same(&what("time"), text(entry, "logged_at"), moment(date, time));
        let ours = text(entry, "sensor_type")
            .zip(text(entry, "sensor"))
            .map(|(kind, name)| format!("{kind} {name}"));
        checks.same(&what("sensor"), ours, Some(sensor));
        checks.same(&what("direction"), text(entry, "direction"), Some(direction.to_lowercase()));
        // The tool appends the reading where it has one.
        let mut theirs = format!("{event} {}", direction.to_lowercase());
        if let Some(reading) = columns.get(6) {
            theirs.push_str(&format!(
                ", {}",
                reading.replace("Reading", "reading").replace("Threshold", "threshold")
            ));
        }
        let ours = text(entry, "text").and_then(|text| text.split_once(": ")).map(|(_, text)| text);
        checks.same(&what("text"), ours, Some(theirs));
    }
    checks.same("entries shown of the log", Some(ours.len()), Some(theirs.len().min(20)));
    let number = |name| field(info, name).and_then(|value| value.split(' ').next()?.parse::<f64>().ok());
    checks.same("log entries", reading.value("ipmi_sel_logs_count", &[]), number("Entries"));
    checks.same(
        "free space of the log",
        reading.value("ipmi_sel_free_space_bytes", &[]),
        number("Free Space"),
    );
    let overflow = field(info, "Overflow").map(|word| f64::from(u8::from(word == "true")));
    checks.same("overflow of the log", reading.value("hi_ipmi_sel_overflow", &[]), overflow);
    let version = field(info, "Version").and_then(|value| value.split(' ').next());
    checks.same("version of the log", text(bmc, "sel_version"), version);
}

/// `11/20/26` and `08:06:17 UTC` as RFC 3339.
fn moment(date: &str, time: &str) -> Option<String> {
    let parts: Vec<&str> = date.split('/').collect();
    let [month, day, year] = parts[..] else { return None };
    Some(format!("20{year}-{month}-{day}T{}Z", time.strip_suffix(" UTC")?))
}

/// The chassis, against `ipmitool chassis status`.
pub(super) fn compare_chassis(reading: &Reading, words: &str, checks: &mut Checks) {
    let flag = |name: &str, on: &str| field(words, name).map(|value| f64::from(u8::from(value == on)));
    checks.same("power", reading.value("ipmi_chassis_power_state", &[]), flag("System Power", "on"));
    for (fault, name, on) in [
        ("power_overload", "Power Overload", "true"),
        ("power_interlock", "Power Interlock", "active"),
        ("power_fault", "Main Power Fault", "true"),
        ("power_control_fault", "Power Control Fault", "true"),
        ("intrusion", "Chassis Intrusion", "active"),
        ("front_panel_lockout", "Front-Panel Lockout", "active"),
        ("drive_fault", "Drive Fault", "true"),
        ("cooling_fault", "Cooling/Fan Fault", "true"),
    ] {
        checks.same(name, reading.value("hi_ipmi_chassis_fault", &[("fault", fault)]), flag(name, on));
    }
    for (metric, name) in [
        ("ipmi_chassis_drive_fault_state", "Drive Fault"),
        ("ipmi_chassis_cooling_fault_state", "Cooling/Fan Fault"),
    ] {
        checks.same(metric, reading.value(metric, &[]), flag(name, "false"));
    }
    let policy = reading.fact("bmc", "0").and_then(|bmc| text(bmc, "power_restore_policy"));
    checks.same("restore policy", policy, field(words, "Power Restore Policy"));
}

/// Power, against `ipmitool dcmi power reading`; a BMC without DCMI has none.
pub(super) fn compare_power(reading: &Reading, words: &str, checks: &mut Checks) {
    let watts = |name| field(words, name).and_then(|value| value.split(' ').next()?.parse::<f64>().ok());
    let ours = reading.value("ipmi_dcmi_power_consumption_watts", &[]);
    checks.same("power by DCMI", ours, watts("Instantaneous power reading"));
    for (statistic, name) in [
        ("minimum", "Minimum during sampling period"),
        ("maximum", "Maximum during sampling period"),
        ("average", "Average power reading over sample period"),
    ] {
        let ours = reading.value("hi_ipmi_dcmi_power_watts", &[("statistic", statistic)]);
        checks.same(&format!("{statistic} power by DCMI"), ours, watts(name));
    }
}

/// The BMC itself, against `ipmitool mc info`.
pub(super) fn compare_identity(reading: &Reading, words: &str, checks: &mut Checks) {
    let none = Value::Null;
    let bmc = reading.fact("bmc", "0").unwrap_or(&none);
    checks.same("BMC firmware", text(bmc, "firmware"), field(words, "Firmware Revision"));
    checks.same("IPMI version", text(bmc, "ipmi_version"), field(words, "IPMI Version"));
    checks.same("BMC maker", text(bmc, "manufacturer"), field(words, "Manufacturer Name"));
    for (key, name) in [
        ("manufacturer_id", "Manufacturer ID"),
        ("product_id", "Product ID"),
        ("device_id", "Device ID"),
        ("device_revision", "Device Revision"),
    ] {
        let theirs = field(words, name).and_then(|value| value.split(' ').next()?.parse::<i64>().ok());
        checks.same(name, bmc[key].as_i64(), theirs);
    }
}
