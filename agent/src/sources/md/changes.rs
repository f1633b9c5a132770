//! What happened to an array between two looks, as events.

use hi_common::event::Severity;

use crate::source::EventDoc;

use super::array::View;

/// Compares the same array then and now.
pub(super) fn events(before: &View, now: &View) -> Vec<EventDoc> {
    let mut found = Vec::new();
    let mut event = |kind, severity, message: String, member: &str| {
        let mut data = vec![("array", now.name.clone()), ("state", now.words())];
        if !member.is_empty() {
            data.push(("member", member.to_owned()));
        }
        found.push(EventDoc { kind, severity, message, data });
    };
    let name = &now.name;
    for member in now.members.iter().filter(|member| member.role() == "faulty") {
        let was = before.members.iter().find(|other| other.name == member.name);
        if was.is_none_or(|was| was.role() != "faulty") {
            let message = format!("member {} of array {name} has failed", member.name);
            event("array_member_failed", Severity::Warning, message, &member.name);
        }
    }
    if now.has_failed() && !before.has_failed() {
        let message = format!("array {name} has failed: it has lost more members than it can do without");
        event("array_failed", Severity::Critical, message, "");
    } else if now.degraded() > before.degraded() {
        let all = now.raid_disks().unwrap_or(0);
        let message = format!("array {name} lacks {} of {all} members", now.degraded());
        event("array_degraded", Severity::Warning, message, "");
    } else if now.degraded() == 0 && before.degraded() > 0 {
        event("array_recovered", Severity::Info, format!("array {name} has all its members again"), "");
    }
    let mismatches = now.attributes.mismatch_sectors.unwrap_or(0);
    if before.sync_action() == "check" && now.sync_action() == "idle" && mismatches > 0 {
        let message = format!("members of array {name} differ in {mismatches} sectors");
        event("array_mismatch", Severity::Warning, message, "");
    }
    found
}
