//! What lies on what: from disks over partitions, encryption, volumes and arrays to pools and mount points.

use std::collections::{BTreeMap, BTreeSet};

use super::HostStorage;
use crate::doc::Doc;

/// Deepest stack of devices that is followed.
const DEPTH_MAX: usize = 12;

/// How the block devices of a host hang together.
pub(super) struct Relations<'a> {
    /// Kernel name to identity, of disks.
    disks: BTreeMap<String, &'a str>,
    /// Block devices by kernel name.
    devices: BTreeMap<&'a str, Doc<'a>>,
    host: &'a str,
    /// What md arrays and pools say they consist of: device to name of the whole.
    members: Vec<(String, String)>,
}

impl<'a> Relations<'a> {
    pub(super) fn new(host: &HostStorage<'a>) -> Self {
        let name = |id: &'a str, doc: Doc<'a>| doc.text("device").unwrap_or_else(|| id.to_owned());
        let disks = host.of("disk").map(|f| (name(&f.fact.id, Doc(&f.fact.doc)), f.fact.id.as_str()));
        let devices = host.of("block_device").map(|f| (f.fact.id.as_str(), Doc(&f.fact.doc)));
        let mut members = Vec::new();
        for array in host.of("array") {
            let of = Doc(&array.fact.doc).list("members").filter_map(|member| member.text("device"));
            members.extend(of.map(|device| (device, format!("array {}", array.fact.id))));
        }
        for pool in host.of("pool") {
            let whole = format!("pool {}", pool.fact.id);
            for list in ["vdevs", "spares", "cache"] {
                Doc(&pool.fact.doc).list(list).for_each(|vdev| leaves(vdev, 0, &whole, &mut members));
            }
        }
        Self { disks: disks.collect(), devices: devices.collect(), host: host.host, members }
    }

    /// The `id` of the disk that a device lies on: a disk, its partition, what is made of it alone.
    pub(super) fn disk_of(&self, device: &str) -> Option<String> {
        let name = self.disk_name(device, 0)?;
        self.disks.get(name.as_str()).map(|key| format!("{}:{key}", self.host))
    }

    fn disk_name(&self, device: &str, depth: usize) -> Option<String> {
        if self.disks.contains_key(device) {
            return Some(device.to_owned());
        }
        if let Some(doc) = self.devices.get(device).filter(|_| depth < DEPTH_MAX) {
            let mut on = doc.texts("on");
            if let (Some(below), None) = (on.next(), on.next()) {
                return self.disk_name(below, depth + 1);
            }
        }
        // Without facts about partitions their names tell: sda1, nvme0n1p2.
        let is_partition = |disk: &&String| {
            device.strip_prefix(disk.as_str()).is_some_and(|rest| {
                let number = if disk.ends_with(|c: char| c.is_ascii_digit()) {
                    rest.strip_prefix('p').unwrap_or("")
                } else {
                    rest
                };
                !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
            })
        };
        self.disks.keys().find(is_partition).cloned()
    }

    /// What is made of a device, and where it is mounted: `array md0`, `pool tank`, `/srv`.
    pub(super) fn used_by(&self, device: &str) -> Vec<String> {
        let mut found = BTreeSet::new();
        for (name, doc) in &self.devices {
            if *name == device || self.lies_on(*doc, device, 0) {
                let member = doc.0.get("member_of").map(Doc);
                let kind = member.and_then(|member| member.text("type"));
                if let (Some("lvm"), Some(group)) = (kind.as_deref(), member.and_then(|m| m.text("name"))) {
                    found.insert(format!("volume group {group}"));
                }
                found.extend(doc.texts("mountpoints").map(str::to_owned));
            }
        }
        for (member, whole) in &self.members {
            let on = |doc: &Doc<'_>| self.lies_on(*doc, device, 0);
            let is_on = member == device
                || self.devices.get(member.as_str()).is_some_and(on)
                || self.disk_name(member, 0).as_deref() == Some(device);
            if is_on {
                found.insert(whole.clone());
            }
        }
        found.into_iter().collect()
    }

    fn lies_on(&self, doc: Doc<'_>, device: &str, depth: usize) -> bool {
        depth < DEPTH_MAX
            && doc.texts("on").any(|below| {
                below == device
                    || self.devices.get(below).is_some_and(|doc| self.lies_on(*doc, device, depth + 1))
            })
    }

    /// Where a device is mounted.
    pub(super) fn mountpoints(&self, device: &str) -> Vec<String> {
        let doc = self.devices.get(device);
        doc.map(|doc| doc.texts("mountpoints").map(str::to_owned).collect()).unwrap_or_default()
    }
}

fn leaves(vdev: Doc<'_>, depth: usize, whole: &str, members: &mut Vec<(String, String)>) {
    if let Some(device) = vdev.text("device") {
        members.push((device, whole.to_owned()));
    }
    if depth < DEPTH_MAX {
        vdev.list("children").for_each(|child| leaves(child, depth + 1, whole, members));
    }
}
