//! Arrays, against `mdadm -D`.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::check::Checks;
use super::reading::{Reading, text};

const ARRAY: &str = "md0";
/// What mdadm says in place of the name of a device that is gone.
const MISSING: &str = "missing";

/// Compares the one array there is.
pub(super) fn compare(reading: &Reading, words: &str, checks: &mut Checks) -> Result<()> {
    let field = |name: &str| {
        words.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(" : ")).map(str::trim)
    };
    let number = |name: &str| field(name)?.split(' ').next()?.parse::<i64>().ok();
    let none = Value::Null;
    let array = reading.fact("array", ARRAY).unwrap_or(&none);
    checks.same("md0 level", text(array, "level"), field("Raid Level"));
    checks.same("md0 metadata", text(array, "metadata"), field("Version"));
    let size = number("Array Size").map(|kib| kib * 1024);
    checks.same("md0 size", array["size_bytes"].as_i64(), size);
    let raid_disks = number("Raid Devices");
    checks.same("md0 slots", array["raid_disks"].as_i64(), raid_disks);
    let plain = |uuid: &str| uuid.replace([':', '-'], "");
    checks.same("md0 uuid", text(array, "uuid").map(plain), field("UUID").map(plain));
    let state = field("State").context("mdadm tells no state")?;
    let degraded = state.contains("degraded");
    let ours = array["degraded"].as_i64().map(|slots| slots > 0);
    checks.same("md0 degraded", ours, Some(degraded));
    let recovering = text(array, "sync_action") == Some("recover");
    checks.same("md0 recovering", Some(recovering), Some(state.contains("recovering")));
    let missing = number("Raid Devices").zip(number("Active Devices")).map(|(all, active)| all - active);
    let metric = reading.value("node_md_degraded", &[("device", ARRAY)]);
    checks.same("md0 slots without a working member", metric, missing.map(|slots| slots as f64));
    // A failed member whose device is gone has no name any more to mdadm.
    let nameless = words.lines().any(|line| line.trim().ends_with(MISSING));
    checks.same("md0 members", Some(members(array, nameless)), Some(members_told(words)));
    Ok(())
}

/// Device and role of each member, as the agent has them; `nameless` without the names of failed ones.
fn members(array: &Value, nameless: bool) -> String {
    let members = array["members"].as_array().into_iter().flatten();
    let member = |member: &Value| {
        let slot = member["slot"].as_i64().map_or_else(|| "-".to_owned(), |slot| slot.to_string());
        let (device, role) = (text(member, "device")?, text(member, "role")?);
        let device = if nameless && role == "faulty" { MISSING } else { device };
        Some(format!("{device} {role} {slot}"))
    };
    members.filter_map(member).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
}

/// The same from the table at the end: number, major, minor, slot, state, device.
fn members_told(words: &str) -> String {
    let rows = words.lines().skip_while(|line| !line.trim().starts_with("Number")).skip(1);
    let member = |line: &str| {
        let (before, device) =
            line.rsplit_once("/dev/").or_else(|| Some((line.trim().strip_suffix(MISSING)?, MISSING)))?;
        let words: Vec<&str> = before.split_whitespace().collect();
        let slot = *words.get(3)?;
        let role = match words.get(4..)?.join(" ").as_str() {
            state if state.contains("faulty") => "faulty",
            state if state.contains("rebuilding") => "rebuilding",
            state if state.contains("spare") => "spare",
            _ => "active",
        };
        let slot = if slot == "-" { "-" } else { slot };
        Some(format!("{} {role} {slot}", device.trim()))
    };
    rows.filter_map(member).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
}
