//! Linux software RAID: `/proc/mdstat` and `/sys/block/<array>/md`. Nothing is written, nothing is asked of the members.

mod array;
mod attributes;
mod changes;
mod fact;
pub mod mdstat;

use std::collections::BTreeMap;
use std::time::Duration;

use hi_common::config::Section;
use hi_common::config_section;
use hi_common::fact::FactValue;
use hi_common::metric::{MetricDef, Unit};

use crate::host::{At, HostRoot, Scratch};
use crate::source::{Every, Outcome, Readings, Source, SourceDef, SourceError, bad_line, own_section};
use array::View;
use attributes::Attributes;
use fact::describe;

config_section! {
    /// Linux software RAID (md).
    pub struct Config in "sources.md" {}
}

const DEVICE: &[&str] = &["device"];

static STATE: MetricDef = MetricDef::gauge(
    "node_md_state",
    Unit::None,
    &["device", "state"],
    "Whether an array is active, inactive, recovering, resync or check.",
);
static DISKS: MetricDef = MetricDef::gauge(
    "node_md_disks",
    Unit::None,
    &["device", "state"],
    "Number of active, failed and spare members of an array.",
);
static DISKS_REQUIRED: MetricDef =
    MetricDef::gauge("node_md_disks_required", Unit::None, DEVICE, "Members that an array should have.");
static BLOCKS: MetricDef =
    MetricDef::gauge("node_md_blocks", Unit::None, DEVICE, "Size of an array, in blocks of 1 KiB.");
static BLOCKS_SYNCED: MetricDef = MetricDef::gauge(
    "node_md_blocks_synced",
    Unit::None,
    DEVICE,
    "Blocks of 1 KiB that are in sync; of those of one member while a resync, recovery or check runs.",
);
static RAID_DISKS: MetricDef =
    MetricDef::gauge("node_md_raid_disks", Unit::None, DEVICE, "Slots of an array.");
static DEGRADED: MetricDef =
    MetricDef::gauge("node_md_degraded", Unit::None, DEVICE, "Slots of an array without a working member.");
static INFO: MetricDef = MetricDef::info(
    "hi_md_info",
    &["device", "level", "metadata", "uuid"],
    "What an array is: level, format of its superblock, identity.",
);
static FAILED: MetricDef = MetricDef::gauge(
    "hi_md_failed",
    Unit::None,
    DEVICE,
    "Whether an array has lost more members than its level can do without.",
);
static ARRAY_STATE: MetricDef = MetricDef::state(
    "hi_md_array_state",
    &["device", "state"],
    "State of an array in the kernel's word (/sys/block/<array>/md/array_state).",
);
static SYNC_ACTION: MetricDef = MetricDef::state(
    "hi_md_sync_action",
    &["device", "action"],
    "What goes on in an array in the kernel's word (/sys/block/<array>/md/sync_action).",
);
static SYNC_RATIO: MetricDef = MetricDef::gauge(
    "hi_md_sync_ratio",
    Unit::Ratio,
    DEVICE,
    "Part done of the resync, recovery, check or reshape that runs.",
);
static SYNC_SPEED: MetricDef = MetricDef::gauge(
    "hi_md_sync_speed_bytes_per_second",
    Unit::BytesPerSecond,
    DEVICE,
    "Speed of the resync, recovery, check or reshape that runs, per member.",
);
static SYNC_LEFT: MetricDef = MetricDef::gauge(
    "hi_md_sync_left_seconds",
    Unit::Seconds,
    DEVICE,
    "How long the resync, recovery, check or reshape takes yet, as the kernel reckons.",
);
static MISMATCHES: MetricDef = MetricDef::gauge(
    "hi_md_mismatch_bytes",
    Unit::Bytes,
    DEVICE,
    "Bytes that the last check found to differ between members.",
);
static BITMAP_USED: MetricDef = MetricDef::gauge(
    "hi_md_bitmap_used_ratio",
    Unit::Ratio,
    DEVICE,
    "Part of the write-intent bitmap's pages that is in use.",
);
static MEMBER_STATE: MetricDef = MetricDef::state(
    "hi_md_member_state",
    &["device", "member", "state"],
    "What a member of an array is: active, rebuilding, spare, faulty, journal or replacement.",
);
static MEMBER_ERRORS: MetricDef = MetricDef::counter(
    "hi_md_member_read_errors_total",
    Unit::None,
    &["device", "member"],
    "Errors in reading from a member that were mended and did not make it fail.",
);

/// Words of `array_state`.
const ARRAY_STATES: [&str; 11] = [
    "clear",
    "inactive",
    "suspended",
    "readonly",
    "read-auto",
    "clean",
    "active",
    "write-pending",
    "active-idle",
    "broken",
    "unknown",
];
/// Words of `sync_action`.
const SYNC_ACTIONS: [&str; 7] = ["idle", "resync", "recover", "check", "repair", "reshape", "frozen"];
/// Words of [`attributes::Member::role`].
const ROLES: [&str; 6] = ["active", "rebuilding", "spare", "faulty", "journal", "replacement"];

/// Row of the registry.
pub static DEF: SourceDef = SourceDef {
    name: "md",
    summary: "Linux software RAID: state, members, progress of every array, from /proc/mdstat and /sys/block.",
    interval: Duration::from_secs(15),
    timeout: Duration::from_secs(5),
    metrics: &[
        &STATE,
        &DISKS,
        &DISKS_REQUIRED,
        &BLOCKS,
        &BLOCKS_SYNCED,
        &RAID_DISKS,
        &DEGRADED,
        &INFO,
        &FAILED,
        &ARRAY_STATE,
        &SYNC_ACTION,
        &SYNC_RATIO,
        &SYNC_SPEED,
        &SYNC_LEFT,
        &MISMATCHES,
        &BITMAP_USED,
        &MEMBER_STATE,
        &MEMBER_ERRORS,
    ],
    permission: "",
    keys: Config::keys,
    make: |table| {
        own_section::<Config>(table)?;
        Ok(Box::new(Md::default()))
    },
};

type Doc = BTreeMap<String, FactValue>;

struct Md {
    scratch: Scratch,
    /// Arrays as they were at the last run.
    seen: Vec<View>,
    /// Facts as they were told last.
    told: BTreeMap<String, Doc>,
    every: Every,
}

impl Default for Md {
    fn default() -> Self {
        Self {
            scratch: Scratch::default(),
            seen: Vec::new(),
            told: BTreeMap::new(),
            every: Every::new(Every::FACTS),
        }
    }
}

impl Source for Md {
    fn read(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        let stat = match host.text(&mut self.scratch, At::Proc, "mdstat") {
            Ok(text) => mdstat::parse(text),
            // The kernel has no md; or a capture holds its folders alone.
            Err(SourceError::Missing { .. }) => mdstat::Mdstat::default(),
            Err(error) => return Err(error),
        };
        let views = self.views(host, stat.arrays)?;
        push_lines(&views, out);
        push_attributes(&views, out);
        push_state(&views, out);
        push_progress(&views, out);
        push_members(&views, out);
        self.tell(&views, out);
        for view in &views {
            let before = self.seen.iter().find(|before| before.name == view.name);
            for event in before.iter().flat_map(|before| changes::events(before, view)) {
                out.event(event.kind, event.severity, event.message, event.data);
            }
        }
        self.seen = views;
        match (stat.problem, self.seen.is_empty()) {
            (Some(line), _) => Err(bad_line("/proc/mdstat", &line, "not understood")),
            (None, true) => Ok(Outcome::Absent),
            (None, false) => Ok(Outcome::Read),
        }
    }
}

impl Md {
    /// The arrays of `/proc/mdstat`, in its order, and those that sysfs alone knows.
    fn views(&mut self, host: &HostRoot, lines: Vec<mdstat::Array>) -> Result<Vec<View>, SourceError> {
        let mut names: Vec<(String, Option<mdstat::Array>)> =
            lines.into_iter().map(|line| (line.name.clone(), Some(line))).collect();
        for name in host.list(At::Sys, "block")?.into_iter().filter(|name| name.starts_with("md")) {
            if !names.iter().any(|(known, _)| *known == name) {
                names.push((name, None));
            }
        }
        let mut views = Vec::new();
        for (name, line) in names {
            let attributes = Attributes::read(host, &mut self.scratch, &name)?;
            // A device without an array: created when somebody looked at /dev/md0.
            let idle = attributes.as_ref().is_none_or(|found| found.array_state.as_deref() == Some("clear"));
            if line.is_some() || !idle {
                views.push(View::new(&name, line, attributes));
            }
        }
        Ok(views)
    }

    /// Tells the facts that changed, and all now and then.
    fn tell(&mut self, views: &[View], out: &mut Readings) {
        let anyway = self.every.due();
        let before = std::mem::take(&mut self.told);
        for view in views {
            let doc = describe(view);
            if anyway || before.get(&view.name) != Some(&doc) {
                out.fact("array", view.name.clone(), doc.clone());
            }
            self.told.insert(view.name.clone(), doc);
        }
        for name in before.into_keys().filter(|name| !self.told.contains_key(name)) {
            out.fact_gone("array", name);
        }
    }
}

/// What node_exporter makes of `/proc/mdstat`, in its manner: of an inactive array it counts no active members, of one
/// without redundancy all, and what waits has done nothing.
fn push_lines(views: &[View], out: &mut Readings) {
    let lines = || views.iter().filter_map(|view| Some((view.name.as_str(), view.line.as_ref()?)));
    for (device, line) in lines() {
        let action = line.sync.as_ref().map(|sync| sync.action.as_str());
        let state = match action {
            Some("recovery") => "recovering",
            Some(action) => action,
            None => line.activity.as_str(),
        };
        for word in ["active", "check", "inactive", "recovering", "resync"] {
            out.push(&STATE, &[device, word], flag(word == state));
        }
    }
    for (device, line) in lines() {
        let counts = [("active", slots(line).1), ("failed", count(line, 'F')), ("spare", count(line, 'S'))];
        for (state, count) in counts {
            out.push(&DISKS, &[device, state], f64::from(count));
        }
    }
    for (device, line) in lines() {
        out.push(&DISKS_REQUIRED, &[device], f64::from(slots(line).0));
    }
    for (device, line) in lines() {
        out.push(&BLOCKS, &[device], line.blocks.unwrap_or(0) as f64);
    }
    for (device, line) in lines() {
        let synced = match &line.sync {
            Some(sync) => sync.done_blocks,
            None => line.blocks.unwrap_or(0),
        };
        out.push(&BLOCKS_SYNCED, &[device], synced as f64);
    }
}

fn slots(line: &mdstat::Array) -> (u32, u32) {
    let members = u32::try_from(line.members.len()).unwrap_or(u32::MAX);
    match line.level.as_deref() {
        _ if line.activity == "inactive" => (0, 0),
        Some("raid0" | "linear") => (members, members),
        _ => line.slots.unwrap_or((0, 0)),
    }
}

fn count(line: &mdstat::Array, letter: char) -> u32 {
    u32::try_from(line.members.iter().filter(|member| member.is(letter)).count()).unwrap_or(u32::MAX)
}

fn flag(yes: bool) -> f64 {
    if yes { 1.0 } else { 0.0 }
}

/// What node_exporter makes of sysfs.
fn push_attributes(views: &[View], out: &mut Readings) {
    for view in views {
        if let Some(disks) = view.attributes.raid_disks {
            out.push(&RAID_DISKS, &[&view.name], f64::from(disks));
        }
    }
    for view in views.iter().filter(|view| view.attributes.array_state.is_some()) {
        out.push(&DEGRADED, &[&view.name], f64::from(view.attributes.degraded.unwrap_or(0)));
    }
}

fn push_state(views: &[View], out: &mut Readings) {
    for view in views {
        let uuid = view.attributes.uuid.as_deref().unwrap_or("");
        out.push(&INFO, &[&view.name, view.level(), view.metadata(), uuid], 1.0);
    }
    for view in views {
        out.push(&FAILED, &[&view.name], flag(view.has_failed()));
    }
    for view in views {
        let state = view.array_state();
        let state = if ARRAY_STATES.contains(&state) { state } else { "unknown" };
        for word in ARRAY_STATES {
            out.push(&ARRAY_STATE, &[&view.name, word], flag(word == state));
        }
    }
}

fn push_progress(views: &[View], out: &mut Readings) {
    /// The kernel counts in sectors of 512 bytes and KiB.
    const SECTOR_BYTES: f64 = 512.0;
    const KIB: f64 = 1024.0;
    let syncing = || views.iter().filter(|view| !view.sync_action().is_empty());
    for view in syncing() {
        for word in SYNC_ACTIONS {
            out.push(&SYNC_ACTION, &[&view.name, word], flag(word == view.sync_action()));
        }
    }
    let mut push = |metric: &'static MetricDef, value: &dyn Fn(&View) -> Option<f64>| {
        for view in syncing() {
            match value(view) {
                Some(value) => out.push(metric, &[&view.name], value),
                None => out.push_absent(metric, &[&view.name]),
            }
        }
    };
    push(&SYNC_RATIO, &View::sync_ratio);
    push(&SYNC_SPEED, &|view| {
        let line = view.line.as_ref().and_then(|line| line.sync.as_ref()?.speed_kib);
        Some(view.attributes.sync_speed_kib.or(line)? as f64 * KIB)
    });
    push(&SYNC_LEFT, &|view| view.line.as_ref()?.sync.as_ref()?.left_seconds);
    push(&MISMATCHES, &|view| Some(view.attributes.mismatch_sectors? as f64 * SECTOR_BYTES));
    for view in views {
        let bitmap = view.line.as_ref().and_then(|line| line.bitmap.as_ref());
        if let Some(bitmap) = bitmap.filter(|bitmap| bitmap.pages > 0) {
            out.push(&BITMAP_USED, &[&view.name], bitmap.used_pages as f64 / bitmap.pages as f64);
        }
    }
}

fn push_members(views: &[View], out: &mut Readings) {
    let members =
        || views.iter().flat_map(|view| view.members.iter().map(|member| (view.name.as_str(), member)));
    for (device, member) in members() {
        for role in ROLES {
            out.push(&MEMBER_STATE, &[device, &member.name, role], flag(role == member.role()));
        }
    }
    for (device, member) in members() {
        if let Some(errors) = member.errors {
            out.push(&MEMBER_ERRORS, &[device, &member.name], errors as f64);
        }
    }
}

#[cfg(test)]
mod tests;
