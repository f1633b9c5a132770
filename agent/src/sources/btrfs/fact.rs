//! The fact `btrfs`: what changes only when something happens to a filesystem.

use hi_common::fact::FactValue;

use super::Doc;
use super::answers::{Errors, Scrub};
use super::filesystem::{Device, Filesystem};

/// Most mount points that are told.
const MOUNTS_MAX: usize = 16;

fn text(text: &str) -> FactValue {
    FactValue::Text(text.to_owned())
}

fn int(number: u64) -> FactValue {
    FactValue::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// A document of the values that there are.
fn doc<const N: usize>(values: [(&str, Option<FactValue>); N]) -> Doc {
    values.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

fn filled(value: &str) -> Option<FactValue> {
    (!value.is_empty()).then(|| text(value))
}

pub(super) fn describe(filesystem: &Filesystem) -> Doc {
    let missing = filesystem.missing();
    let operation = Some(filesystem.operation.as_str()).filter(|word| *word != "none");
    let profiles: Doc = filesystem
        .groups
        .iter()
        .map(|group| {
            let names: Vec<&str> = group.profiles.iter().map(|profile| profile.name.as_str()).collect();
            (group.kind.clone(), text(&names.join(",")))
        })
        .collect();
    let devices: Vec<FactValue> =
        filesystem.devices.iter().map(|device| FactValue::Map(describe_device(device))).collect();
    let members = filesystem.members.iter().map(|member| text(&member.name)).collect();
    let mountpoints: Vec<FactValue> =
        filesystem.mountpoints.iter().take(MOUNTS_MAX).map(|place| text(place)).collect();
    let last = filesystem.last_scrub.as_ref().map(|last| {
        FactValue::Map(doc([
            ("result", Some(text(last.word()))),
            ("started_at", Some(int(last.started))),
            ("duration_seconds", Some(int(last.seconds))),
            ("errors", Some(FactValue::Map(scrub_errors(&last.found)))),
        ]))
    });
    let running = filesystem.scrub.is_some();
    let denied = filesystem.scrub_denied.then(|| text("needs CAP_SYS_ADMIN"));
    doc([
        ("label", filled(&filesystem.label)),
        ("state", Some(text(if missing > 0 { "degraded" } else { "online" }))),
        ("missing_devices", Some(int(missing as u64))),
        ("device_names", Some(FactValue::List(members))),
        ("devices", Some(FactValue::List(devices))),
        ("profiles", Some(FactValue::Map(profiles))),
        ("checksum", filled(&filesystem.checksum)),
        ("node_bytes", filesystem.node_bytes.map(int)),
        ("sector_bytes", filesystem.sector_bytes.map(int)),
        ("operation", operation.and_then(filled)),
        ("mountpoints", Some(FactValue::List(mountpoints))),
        ("scrub_running", denied.is_none().then_some(FactValue::Bool(running))),
        ("scrub_progress", denied),
        ("last_scrub", last),
    ])
}

fn describe_device(device: &Device) -> Doc {
    let mut found = doc([
        ("id", Some(int(device.id))),
        ("device", filled(&device.name)),
        ("uuid", filled(&device.uuid)),
        ("size_bytes", device.size_bytes.map(int)),
        ("missing", Some(FactValue::Bool(device.missing))),
        ("writeable", device.writeable.map(FactValue::Bool)),
    ]);
    for (kind, count) in device.errors.iter().flat_map(Errors::by_type) {
        found.insert(format!("{kind}_errors"), int(count));
    }
    found
}

fn scrub_errors(found: &Scrub) -> Doc {
    found.by_type().into_iter().map(|(kind, count)| (kind.to_owned(), int(count))).collect()
}
