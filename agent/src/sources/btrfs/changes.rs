//! What happened to a filesystem between two looks, as events.

use hi_common::event::Severity;

use crate::source::EventDoc;

use super::filesystem::{Device, Filesystem};
use super::metrics::shown;

/// Compares the same filesystem then and now.
pub(super) fn events(before: &Filesystem, now: &Filesystem) -> Vec<EventDoc> {
    let name = if now.label.is_empty() { &now.uuid } else { &now.label };
    let mut found = Vec::new();
    for device in &now.devices {
        let Some(was) = before.devices.iter().find(|was| was.id == device.id) else { continue };
        let shown = shown(if device.name.is_empty() { was } else { device });
        if device.missing && !was.missing {
            let message = format!("device {shown} of btrfs {name} is missing");
            found.push(event("btrfs_device_missing", message, now, device));
        }
        let counts = device.errors.zip(was.errors);
        let new: Vec<String> = counts
            .iter()
            .flat_map(|(now, was)| now.by_type().into_iter().zip(was.by_type()))
            .filter(|((_, now), (_, was))| now > was)
            .map(|((kind, now), (_, was))| format!("{} {kind}", now - was))
            .collect();
        if !new.is_empty() {
            let message = format!("device {shown} of btrfs {name} has new errors: {}", new.join(", "));
            found.push(event("btrfs_device_errors", message, now, device));
        }
    }
    found
}

fn event(kind: &'static str, message: String, filesystem: &Filesystem, device: &Device) -> EventDoc {
    let data = vec![
        ("btrfs", filesystem.uuid.clone()),
        ("device", shown(device)),
        ("device_uuid", device.uuid.clone()),
    ];
    EventDoc { kind, severity: Severity::Warning, message, data }
}
