//! Where a disk is attached: its path through the machine's buses, its bay.
//!
//! The link `/sys/block/<disk>` names every bus on the way:
//! `../devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda`.

use crate::host::{HostRoot, Scratch};
use crate::source::disks::Identity;
use crate::source::udev::Properties;

/// Where a disk is attached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// The steps of the link, from the machine to the disk.
    steps: Vec<String>,
    /// Path as udev writes it (`pci-0000:00:1f.2-ata-1`); without udev [`Address::own_path`]; empty if unknown.
    pub path: String,
    /// The same as far as the link tells, with udev or without.
    pub own_path: String,
    /// PCI address of the controller it is attached to: `0000:00:1f.2`.
    pub pci: Option<String>,
    /// SCSI address `host:channel:target:lun`.
    pub scsi: Option<String>,
    /// Whether a network lies between.
    fabric: Option<String>,
}

impl Address {
    /// `folder` is the disk's folder in `/sys/block`, `place` where that links to.
    pub(super) fn new(
        host: &HostRoot,
        scratch: &mut Scratch,
        folder: &str,
        place: &str,
        udev: &Properties,
    ) -> Self {
        let steps: Vec<String> =
            place.split('/').filter(|step| !step.is_empty() && *step != "..").map(str::to_owned).collect();
        let pci = steps.iter().rev().find(|step| is_pci(step)).cloned();
        let scsi = steps.iter().rev().find(|step| is_scsi(step)).cloned();
        let fabric = host.attribute(scratch, &format!("block/{folder}/device/transport")).map(str::to_owned);
        let mut address = Self { steps, path: String::new(), own_path: String::new(), pci, scsi, fabric };
        let port = address.step("ata").map(|port| {
            let number = host.attribute(scratch, &format!("class/ata_port/{port}/port_no"));
            number.unwrap_or(port.trim_start_matches("ata")).to_owned()
        });
        let namespace = host.attribute(scratch, &format!("block/{folder}/nsid")).map(str::to_owned);
        address.own_path = address.assemble(port, namespace);
        address.path = match udev.get("ID_PATH") {
            "" => address.own_path.clone(),
            path => path.to_owned(),
        };
        address
    }

    /// The first step that is a word and a number.
    fn step(&self, word: &str) -> Option<&str> {
        let is = |step: &&String| {
            let rest = step.strip_prefix(word).unwrap_or_default();
            !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit())
        };
        self.steps.iter().find(is).map(String::as_str)
    }

    fn has(&self, start: &str) -> bool {
        self.steps.iter().any(|step| step.starts_with(start))
    }

    /// Name of the disk in `/sys/class/sas_device`.
    pub fn sas_device(&self) -> Option<&str> {
        self.steps.iter().find(|step| step.starts_with("end_device-")).map(String::as_str)
    }

    /// The path in udev's manner (systemd, src/udev/udev-builtin-path_id.c names its parts). The number of a SCSI host, which
    /// another start may give to another host, is left out.
    fn assemble(&self, ata_port: Option<String>, namespace: Option<String>) -> String {
        let mut parts: Vec<String> = Vec::new();
        parts.extend(self.pci.as_ref().map(|address| format!("pci-{address}")));
        // `1-2.3:1.0` is interface 1.0 of the device at port 2.3 of bus 1.
        let usb = self.steps.iter().rev().find_map(|step| step.split_once('-')?.1.split_once(':'));
        if let (Some((ports, interface)), true) = (usb, self.step("usb").is_some()) {
            parts.push(format!("usb-0:{ports}:{interface}"));
        }
        let place = self.scsi.as_ref().and_then(|address| address.split_once(':')).map(|(_, rest)| rest);
        match (ata_port, place, namespace) {
            (Some(port), ..) => parts.push(format!("ata-{port}")),
            (None, Some(rest), _) => parts.push(format!("scsi-0:{rest}")),
            (None, None, Some(number)) => parts.push(format!("nvme-{number}")),
            (None, None, None) => {}
        }
        if parts.is_empty()
            && let Some(platform) = self.steps.iter().position(|step| step == "platform")
            && let Some(step) =
                self.steps.get(platform + 1..).and_then(|rest| rest.iter().find(|step| !is_bus(step)))
        {
            parts.push(format!("platform-{step}"));
        }
        parts.join("-")
    }

    /// The path as part of an identity, or the device's name where none is known.
    pub(super) fn path_or<'a>(&'a self, device: &'a str) -> &'a str {
        if self.own_path.is_empty() { device } else { &self.own_path }
    }

    /// How the disk is attached.
    pub(super) fn transport(&self, device: &str, identity: &Identity) -> &'static str {
        if device.starts_with("nvme") {
            return match self.fabric.as_deref() {
                None | Some("pcie" | "loop") => "nvme",
                Some("tcp") => "nvme-tcp",
                Some("rdma") => "nvme-rdma",
                Some("fc") => "nvme-fc",
                Some(_) => "nvme-fabric",
            };
        }
        if self.step("usb").is_some() {
            return "usb";
        }
        if self.step("ata").is_some() {
            return "sata";
        }
        if self.has("end_device-") || self.has("sas_device") {
            // libata and the SAS controllers' firmware give a SATA disk this vendor (SAT-5, 10.3.1).
            return if identity.is_ata() { "sata" } else { "sas" };
        }
        const STEPS: [(&str, &str); 8] = [
            ("session", "iscsi"),
            ("rport-", "fc"),
            ("virtio", "virtio"),
            ("vbd-", "xen"),
            ("mmc", "mmc"),
            ("fw", "firewire"),
            ("VMBUS:", "hyperv"),
            ("host", "scsi"),
        ];
        let is_on_way = |start: &str| match start.ends_with(['-', ':']) {
            true => self.has(start),
            false => self.step(start).is_some(),
        };
        STEPS.iter().find(|(start, _)| is_on_way(start)).map_or("", |(_, transport)| transport)
    }
}

/// `0000:00:1f.2`.
fn is_pci(step: &str) -> bool {
    let hex = |text: &str, digits: std::ops::RangeInclusive<usize>| {
        digits.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let mut parts = step.split([':', '.']);
    let mut part = || parts.next().unwrap_or_default();
    hex(part(), 4..=8)
        && hex(part(), 2..=2)
        && hex(part(), 2..=2)
        && hex(part(), 1..=1)
        && parts.next().is_none()
}

/// `0:0:0:0`.
fn is_scsi(step: &str) -> bool {
    step.split(':').count() == 4 && step.split(':').all(|part| part.parse::<u64>().is_ok())
}

/// `soc`, `mmc_host` and the like are on every way.
fn is_bus(step: &str) -> bool {
    ["soc", "bus", "axi", "ahb", "apb"]
        .iter()
        .any(|bus| *step == **bus || step.starts_with(&format!("{bus}@")))
}
