//! Health of disks, against `smartctl -x -j`.

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::check::Checks;
use super::reading::{Reading, text};

/// Compares one disk, named as the kernel names it.
pub(super) fn compare(reading: &Reading, device: &str, words: &str, checks: &mut Checks) -> Result<()> {
    let theirs: Value = serde_json::from_str(words).context("parse")?;
    let none = Value::Null;
    let disk = reading.facts("disk_health").find(|(_, doc)| text(doc, "device") == Some(device));
    let ours = disk.map_or(&none, |(_, doc)| doc);
    if theirs["smart_support"]["available"] == false {
        checks.same(&format!("{device} state"), text(ours, "state"), Some("unsupported"));
        return Ok(());
    }
    let name = label(device);
    let any = |keys: [&str; 2]| keys.into_iter().find_map(|key| theirs[key].as_str());
    checks.same(&format!("{device} model"), text(ours, "model"), any(["model_name", "scsi_model_name"]));
    checks.same(&format!("{device} serial"), text(ours, "serial"), theirs["serial_number"].as_str());
    let firmware = any(["firmware_version", "scsi_revision"]);
    checks.same(&format!("{device} firmware"), text(ours, "firmware"), firmware);
    let passed = theirs["smart_status"]["passed"].as_bool();
    checks.same(&format!("{device} passed"), ours["passed"].as_bool(), passed);
    let value = |metric: &str| reading.value(metric, &[("device", name)]);
    for (metric, theirs, tolerance) in [
        ("smartctl_device_power_on_seconds", hours(&theirs), 3600.0),
        ("smartctl_device_power_cycle_count", theirs["power_cycle_count"].as_f64(), 0.0),
        ("smartctl_device_capacity_bytes", theirs["user_capacity"]["bytes"].as_f64(), 0.0),
        ("smartctl_device_rotation_rate", theirs["rotation_rate"].as_f64().filter(|&rpm| rpm > 0.0), 0.0),
    ] {
        if let Some(theirs) = theirs {
            checks.near(&format!("{device} {metric}"), value(metric), theirs, tolerance);
        }
    }
    // smartctl tells 0 °C of a disk that has no temperature to tell.
    if let Some(celsius) = theirs["temperature"]["current"].as_f64().filter(|&celsius| celsius != 0.0) {
        let labels = [("device", name), ("temperature_type", "current")];
        let ours = reading.value("smartctl_device_temperature", &labels);
        checks.near(&format!("{device} temperature"), ours, celsius, 1.0);
    }
    attributes(reading, name, &theirs, checks);
    nvme(reading, name, &theirs, checks);
    logs(ours, device, &theirs, checks);
    Ok(())
}

/// Label of a disk's series: of an NVMe disk that of its controller.
fn label(device: &str) -> &str {
    let Some(rest) = device.strip_prefix("nvme") else { return device };
    rest.find('n').map_or(device, |end| &device[..end + "nvme".len()])
}

fn hours(theirs: &Value) -> Option<f64> {
    theirs["power_on_time"]["hours"].as_f64().map(|hours| hours * 3600.0)
}

fn attributes(reading: &Reading, device: &str, theirs: &Value, checks: &mut Checks) {
    for row in theirs["ata_smart_attributes"]["table"].as_array().into_iter().flatten() {
        let id = row["id"].to_string();
        let raw = &row["raw"]["value"];
        for (kind, value) in
            [("value", &row["value"]), ("worst", &row["worst"]), ("thresh", &row["thresh"]), ("raw", raw)]
        {
            let labels = [("device", device), ("attribute_id", &id), ("attribute_value_type", kind)];
            let ours = reading.value("smartctl_device_attribute", &labels);
            if let Some(value) = value.as_f64() {
                checks.near(&format!("{device} attribute {id} {kind}"), ours, value, 0.0);
            }
        }
    }
}

fn nvme(reading: &Reading, device: &str, theirs: &Value, checks: &mut Checks) {
    let log = &theirs["nvme_smart_health_information_log"];
    for (metric, key) in [
        ("smartctl_device_critical_warning", "critical_warning"),
        ("smartctl_device_available_spare", "available_spare"),
        ("smartctl_device_available_spare_threshold", "available_spare_threshold"),
        ("smartctl_device_percentage_used", "percentage_used"),
        ("smartctl_device_media_errors", "media_errors"),
        ("smartctl_device_num_err_log_entries", "num_err_log_entries"),
        ("hi_smart_unsafe_shutdowns_total", "unsafe_shutdowns"),
    ] {
        if let Some(value) = log[key].as_f64() {
            let ours = reading.value(metric, &[("device", device)]);
            checks.near(&format!("{device} {metric}"), ours, value, 0.0);
        }
    }
}

/// Compares an NVMe controller with what `nvme smart-log -o json` says.
pub(super) fn compare_nvme(
    reading: &Reading,
    controller: &str,
    words: &str,
    checks: &mut Checks,
) -> Result<()> {
    let theirs: Value = serde_json::from_str(words).context("parse")?;
    for (metric, key) in [
        ("smartctl_device_critical_warning", "critical_warning"),
        ("smartctl_device_available_spare", "avail_spare"),
        ("smartctl_device_available_spare_threshold", "spare_thresh"),
        ("smartctl_device_percentage_used", "percent_used"),
        ("smartctl_device_media_errors", "media_errors"),
        ("smartctl_device_num_err_log_entries", "num_err_log_entries"),
        ("smartctl_device_power_cycle_count", "power_cycles"),
        ("hi_smart_unsafe_shutdowns_total", "unsafe_shutdowns"),
    ] {
        // Some versions write numbers of 128 bits as text.
        let told = &theirs[key];
        let told = told.as_f64().or_else(|| told.as_str()?.parse().ok());
        let told = told.with_context(|| format!("no {key}"))?;
        let ours = reading.value(metric, &[("device", controller)]);
        checks.near(&format!("{controller} {key}"), ours, told, 0.0);
    }
    Ok(())
}

/// Numbers of entries in the logs of an ATA disk.
fn logs(ours: &Value, device: &str, theirs: &Value, checks: &mut Checks) {
    if let Some(count) = theirs["ata_smart_error_log"]["summary"]["count"].as_i64() {
        checks.same(&format!("{device} errors logged"), ours["error_count"].as_i64(), Some(count));
    }
    if theirs["ata_smart_self_test_log"]["standard"].is_object() {
        let count = theirs["ata_smart_self_test_log"]["standard"]["count"].as_u64().unwrap_or(0);
        let entries = ours["self_tests"].as_array().map(|entries| entries.len() as u64);
        checks.same(&format!("{device} self-tests logged"), entries, Some(count));
    }
}
