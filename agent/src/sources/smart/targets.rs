//! Which disks are examined, and how the kernel says they speak.

use std::collections::BTreeMap;

use super::controllers::Controller;
use super::examine::Kind;
use crate::host::{HostRoot, Scratch};
use crate::source::disks::Disk;
use crate::source::pattern::Patterns;

/// A disk to be examined. An NVMe controller is one, however many namespaces it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Name in labels, as smartctl_exporter has it: `sda`, `nvme0`.
    pub(super) label: String,
    /// Name below `/dev` that is asked.
    pub(super) device: String,
    pub(super) kind: Kind,
    /// Identity and kernel name of what it is to the system: one, or each namespace.
    pub(super) disks: Vec<(String, String)>,
}

/// What of these disks can have SMART at all, sorted by label.
pub(super) fn targets(
    host: &HostRoot,
    scratch: &mut Scratch,
    disks: &[Disk],
    controllers: &[Controller],
    exclude: &Patterns,
) -> Vec<Target> {
    let mut found: BTreeMap<String, Target> = BTreeMap::new();
    for disk in disks.iter().filter(|disk| !exclude.matches(&disk.device)) {
        let own = (disk.id.clone(), disk.device.clone());
        if let Some(controller) = nvme_controller(&disk.device) {
            let number = host.attribute(scratch, &format!("block/{}/nsid", disk.device));
            let number = number.and_then(|text| text.parse().ok()).unwrap_or(1);
            let target = found.entry(controller.to_owned()).or_insert_with(|| Target {
                label: controller.to_owned(),
                device: disk.device.clone(),
                kind: Kind::Nvme(Vec::new()),
                disks: Vec::new(),
            });
            if let Kind::Nvme(namespaces) = &mut target.kind {
                namespaces.push(number);
            }
            target.disks.push(own);
        } else if let Some(kind) = scsi_kind(host, scratch, disk, controllers) {
            let label = disk.device.replace('/', "_");
            found
                .insert(label.clone(), Target { label, device: disk.device.clone(), kind, disks: vec![own] });
        }
    }
    found.into_values().collect()
}

/// `nvme0` of `nvme0n1`.
fn nvme_controller(device: &str) -> Option<&str> {
    let number = device.strip_prefix("nvme")?;
    let end = number.find(|c: char| !c.is_ascii_digit())?;
    (end > 0 && number[end..].starts_with('n')).then(|| &device[.."nvme".len() + end])
}

/// How a disk of the SCSI layer speaks; `None` for a disk of another layer, which has no SMART (virtio, SD cards).
fn scsi_kind(
    host: &HostRoot,
    scratch: &mut Scratch,
    disk: &Disk,
    controllers: &[Controller],
) -> Option<Kind> {
    disk.address.scsi.as_ref()?;
    let mut attribute = |name: &str| {
        host.attribute(scratch, &format!("block/{}/{name}", disk.device.replace('/', "!"))).map(str::to_owned)
    };
    if let Some(controller) = controllers.iter().find(|controller| controller.has(disk))
        && controller.makes(disk, attribute("device/raid_level").as_deref())
    {
        return Some(Kind::Volume(controller.words()));
    }
    Some(match disk.transport {
        "usb" if attribute("removable").as_deref() == Some("1") => Kind::Removable,
        "usb" => Kind::Usb,
        _ if attribute("device/vendor").as_deref() == Some("ATA") => Kind::Ata,
        _ => Kind::Scsi,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_controller_is_the_first_part_of_a_namespaces_name() {
        assert_eq!(nvme_controller("nvme0n1"), Some("nvme0"));
        assert_eq!(nvme_controller("nvme12n3"), Some("nvme12"));
        assert_eq!(
            (nvme_controller("nvme0"), nvme_controller("nvmen1"), nvme_controller("sda")),
            (None, None, None)
        );
    }
}
