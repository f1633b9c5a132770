//! What sysfs and a line of `/proc/mdstat` come to for one array.

use super::attributes::{Attributes, Member};
use super::mdstat;

/// An array as both tell of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct View {
    pub(super) name: String,
    pub(super) line: Option<mdstat::Array>,
    pub(super) attributes: Attributes,
    pub(super) members: Vec<Member>,
}

impl View {
    pub(super) fn new(name: &str, line: Option<mdstat::Array>, attributes: Option<Attributes>) -> Self {
        let attributes = attributes.unwrap_or_default();
        let mut members = attributes.members.clone();
        for member in line.iter().flat_map(|line| &line.members) {
            if !members.iter().any(|known| known.name == member.name) {
                members.push(Member::of_line(member));
            }
        }
        Self { name: name.to_owned(), line, attributes, members }
    }

    pub(super) fn level(&self) -> &str {
        let line = self.line.as_ref().and_then(|line| line.level.as_deref());
        self.attributes.level.as_deref().or(line).unwrap_or("")
    }

    pub(super) fn metadata(&self) -> &str {
        let line = self.line.as_ref().and_then(|line| line.superblock.as_deref());
        self.attributes.metadata.as_deref().or(line).unwrap_or("")
    }

    /// Whether it holds arrays instead of data (IMSM, DDF).
    pub(super) fn is_container(&self) -> bool {
        self.level() == "container" || ["external:imsm", "external:ddf"].contains(&self.metadata())
    }

    /// The container that it lies in.
    pub(super) fn container(&self) -> Option<&str> {
        let path = self.metadata().strip_prefix("external:")?.trim_start_matches(['/', '-']);
        path.split_once('/').map(|(container, _)| container)
    }

    pub(super) fn raid_disks(&self) -> Option<u32> {
        let line = self.line.as_ref().and_then(|line| line.slots).map(|(all, _)| all);
        self.attributes.raid_disks.or(line)
    }

    /// Members that it lacks.
    pub(super) fn degraded(&self) -> u32 {
        let line = self.line.as_ref().and_then(|line| line.slots);
        self.attributes.degraded.or(line.map(|(all, working)| all.saturating_sub(working))).unwrap_or(0)
    }

    /// State in the kernel's word.
    pub(super) fn array_state(&self) -> &str {
        let line = self.line.as_ref().map(|line| line.activity.as_str());
        self.attributes.array_state.as_deref().or(line).unwrap_or("")
    }

    /// The state without what changes with every write: an array is clean or active, back and forth.
    pub(super) fn calm_state(&self) -> &str {
        match self.array_state() {
            "clean" | "write-pending" | "active-idle" => "active",
            "" => "unknown",
            state => state,
        }
    }

    /// What goes on, in the kernel's word; empty where nothing ever does (striping).
    pub(super) fn sync_action(&self) -> &str {
        let line = self.line.as_ref().and_then(|line| line.sync.as_ref());
        match (self.attributes.sync_action.as_deref(), line) {
            (Some(action), _) => action,
            (None, Some(sync)) if sync.action == "recovery" => "recover",
            (None, Some(sync)) => sync.action.as_str(),
            (None, None) => "",
        }
    }

    /// Part that is done of what goes on.
    pub(super) fn sync_ratio(&self) -> Option<f64> {
        let line = self.line.as_ref().and_then(|line| line.sync.as_ref()).filter(|sync| sync.waits.is_none());
        let line = line.map(|sync| (sync.done_blocks, sync.total_blocks));
        let (done, total) = self.attributes.sync_completed.or(line)?;
        (total > 0).then(|| (done as f64 / total as f64).clamp(0.0, 1.0))
    }

    /// Whether too few members are left for it to hold all data.
    pub(super) fn has_failed(&self) -> bool {
        let (lacking, all) = (self.degraded(), self.raid_disks().unwrap_or(0));
        match self.level() {
            _ if self.array_state() == "broken" => true,
            "raid1" => all > 0 && lacking >= all,
            "raid4" | "raid5" => lacking > 1,
            "raid6" => lacking > 2,
            "raid10" => self.raid10_failed(),
            _ => false,
        }
    }

    /// Near copies (low byte of the layout; far ones in the next) lie in neighbouring slots: it fails when all slots of a
    /// group are lost. Of other layouts it is certain only when more than half is lost.
    fn raid10_failed(&self) -> bool {
        let layout =
            self.attributes.layout.as_deref().and_then(|text| text.parse::<usize>().ok()).unwrap_or(0x102);
        let (near, far) = (layout & 0xff, layout >> 8 & 0xff);
        let map = self.line.as_ref().and_then(|line| line.map.as_deref()).unwrap_or_default().as_bytes();
        if near > 0 && far == 1 && !map.is_empty() && map.len().is_multiple_of(near) {
            return map.chunks(near).any(|group| group.iter().all(|slot| *slot == b'_'));
        }
        self.degraded() > self.raid_disks().unwrap_or(u32::MAX) / 2
    }

    /// The state as `mdadm --detail` puts it, without the difference of clean and active: `active, degraded, recovering`.
    pub(super) fn words(&self) -> String {
        let mut words = vec![self.calm_state().to_owned()];
        if self.has_failed() {
            words.push("FAILED".to_owned());
        } else if self.degraded() > 0 {
            words.push("degraded".to_owned());
        }
        let doing = match self.sync_action() {
            "resync" => "resyncing",
            "recover" => "recovering",
            "check" | "repair" => "checking",
            "reshape" => "reshaping",
            _ => "",
        };
        if !doing.is_empty() {
            let waits = self.line.as_ref().and_then(|line| line.sync.as_ref()?.waits.as_deref());
            words.push(waits.map_or(doing.to_owned(), |waits| format!("{doing} ({waits})")));
        }
        words.join(", ")
    }
}
