//! Block devices, against `lsblk`.

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::check::Checks;
use super::reading::{Reading, text};

/// Compares every device that lsblk lists.
pub(super) fn compare(reading: &Reading, words: &str, checks: &mut Checks) -> Result<()> {
    let theirs: Value = serde_json::from_str(words).context("parse")?;
    let rows = theirs["blockdevices"].as_array().context("no list of devices")?;
    let none = Value::Null;
    for row in rows {
        let name = row["name"].as_str().context("a device without a name")?;
        let kind = row["type"].as_str().unwrap_or_default();
        let ours = reading.fact("block_device", name).unwrap_or(&none);
        // lsblk names an array by its level.
        let kind = if kind.starts_with("raid") { "raid" } else { kind };
        checks.same(&format!("{name} type"), text(ours, "type"), Some(kind));
        checks.same(&format!("{name} size"), ours["size_bytes"].as_i64(), row["size"].as_i64());
        checks.same(&format!("{name} holds"), text(ours, "holds"), row["fstype"].as_str());
        if let Some(mountpoint) = row["mountpoint"].as_str() {
            let there =
                ours["mountpoints"].as_array().is_some_and(|all| all.iter().any(|at| *at == *mountpoint));
            checks.same(&format!("{name} is mounted at {mountpoint}"), Some(there), Some(true));
        }
        if let Some(parent) = row["pkname"].as_str() {
            let there = ours["on"].as_array().is_some_and(|on| on.iter().any(|name| *name == *parent));
            checks.same(&format!("{name} lies on {parent}"), Some(there), Some(true));
        }
        if kind == "disk" {
            disk(reading, name, row, checks);
        }
    }
    let listed = |name: &str| rows.iter().any(|row| row["name"] == name);
    let surplus: Vec<&str> = reading
        .facts("disk")
        .filter_map(|(_, doc)| text(doc, "device"))
        .filter(|name| !listed(name))
        .collect();
    checks.same("disks that are not there", Some(surplus.join(" ")), Some(""));
    Ok(())
}

fn disk(reading: &Reading, name: &str, row: &Value, checks: &mut Checks) {
    let none = Value::Null;
    let disk = reading.facts("disk").find(|(_, doc)| text(doc, "device") == Some(name));
    let ours = disk.map_or(&none, |(_, doc)| doc);
    for (key, column) in [("model", "model"), ("serial", "serial"), ("wwn", "wwn")] {
        // Where an NVMe namespace has no identity of its own, the kernel makes one of model and serial number.
        let theirs = row[column].as_str().map(str::trim).filter(|theirs| !theirs.starts_with("nvme."));
        checks.same(&format!("{name} {key}"), text(ours, key).map(str::trim), theirs);
    }
    checks.same(&format!("{name} rotational"), ours["rotational"].as_bool(), row["rota"].as_bool());
}
