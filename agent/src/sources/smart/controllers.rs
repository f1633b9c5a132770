//! RAID controllers: their disks are not shown by the kernel, or only as volumes. Which they are is told as a fact.
//!
//! Read from `/sys/class/scsi_host` (Documentation/scsi/, names of drivers in `proc_name`) and `/sys/bus/pci/devices`
//! (Documentation/ABI/testing/sysfs-bus-pci).

use std::collections::BTreeMap;

use hi_common::fact::FactValue;

use crate::host::{At, HostRoot, Scratch};
use crate::source::SourceError;
use crate::source::disks::Disk;

/// Drivers of RAID controllers, with the family's name. Those of plain host bus adapters (mpt3sas without volumes, ahci) show
/// their disks.
const DRIVERS: [(&str, &str); 14] = [
    ("megaraid_sas", "MegaRAID"),
    ("megaraid", "MegaRAID"),
    ("megaraid_mbox", "MegaRAID"),
    ("hpsa", "Smart Array"),
    ("smartpqi", "Smart Array / SmartRAID"),
    ("cciss", "Smart Array"),
    ("aacraid", "Adaptec RAID"),
    ("arcmsr", "Areca RAID"),
    ("3w-9xxx", "3ware RAID"),
    ("3w-sas", "3ware RAID"),
    ("3w-xxxx", "3ware RAID"),
    ("ips", "ServeRAID"),
    ("mpt3sas", "LSI integrated RAID"),
    ("mpt2sas", "LSI integrated RAID"),
];
/// Drivers that are RAID only where they have volumes.
const ADAPTERS: [&str; 2] = ["mpt3sas", "mpt2sas"];

/// A RAID controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Controller {
    /// PCI address, or the SCSI host's name where there is none.
    pub(super) address: String,
    driver: &'static str,
    pub(super) family: &'static str,
    model: String,
    firmware: String,
    pci_id: String,
    /// Number of the SCSI host.
    host: String,
}

/// All RAID controllers, sorted by their address.
///
/// # Errors
/// The hosts cannot be listed.
pub(super) fn controllers(host: &HostRoot, scratch: &mut Scratch) -> Result<Vec<Controller>, SourceError> {
    let volumes = host.list(At::Sys, "class/raid_devices").unwrap_or_default();
    let mut found: Vec<Controller> = host
        .list(At::Sys, "class/scsi_host")?
        .into_iter()
        .filter_map(|name| Controller::look_up(host, scratch, &name, &volumes))
        .collect();
    found.sort_by(|a, b| a.address.cmp(&b.address));
    found.dedup_by(|b, a| a.address == b.address);
    Ok(found)
}

impl Controller {
    fn look_up(host: &HostRoot, scratch: &mut Scratch, name: &str, volumes: &[String]) -> Option<Self> {
        let folder = format!("class/scsi_host/{name}");
        let driver = host.attribute(scratch, &format!("{folder}/proc_name"))?.to_owned();
        let &(driver, family) = DRIVERS.iter().find(|row| row.0 == driver)?;
        let number = name.strip_prefix("host")?;
        if ADAPTERS.contains(&driver)
            && !volumes.iter().any(|volume| volume.split(':').next() == Some(number))
        {
            return None;
        }
        let place = host.link(At::Sys, &folder).unwrap_or_default();
        let pci = place.split('/').rfind(|step| is_pci(step)).map(str::to_owned);
        let mut attribute =
            |path: String| host.attribute(scratch, &path).map(str::to_owned).unwrap_or_default();
        let mut first = |names: &[&str]| {
            names
                .iter()
                .map(|own| attribute(format!("{folder}/{own}")))
                .find(|text| !text.is_empty())
                .unwrap_or_default()
        };
        let model = first(&["board_name", "model", "host_model_desc"]);
        let firmware =
            first(&["firmware_revision", "version_fw", "hba_firmware_version", "hba_kernel_version"]);
        let mut id = |name: &str| match &pci {
            Some(pci) => {
                attribute(format!("bus/pci/devices/{pci}/{name}")).trim_start_matches("0x").to_owned()
            }
            None => String::new(),
        };
        let pci_id = match (id("vendor"), id("device")) {
            (vendor, device) if !vendor.is_empty() => format!("{vendor}:{device}"),
            _ => String::new(),
        };
        Some(Self {
            address: pci.unwrap_or_else(|| name.to_owned()),
            driver,
            family,
            model,
            firmware,
            pci_id,
            host: number.to_owned(),
        })
    }

    /// Whether a disk lies behind it.
    pub(super) fn has(&self, disk: &Disk) -> bool {
        let channel = disk.address.scsi.as_deref().and_then(|address| address.split(':').next());
        channel == Some(self.host.as_str())
    }

    /// Whether a disk behind it is a volume that it makes of others. Drivers put volumes and plain disks on channels of their own
    /// (megaraid_sas 2 and up, mpt3sas 1, aacraid 0), or say it in the attribute `raid_level`.
    pub(super) fn makes(&self, disk: &Disk, raid_level: Option<&str>) -> bool {
        if let Some(level) = raid_level {
            return level != "N/A";
        }
        let channel =
            disk.address.scsi.as_deref().and_then(|address| address.split(':').nth(1)?.parse::<u32>().ok());
        match (self.driver, channel) {
            ("megaraid_sas", Some(channel)) => channel >= 2,
            ("mpt3sas" | "mpt2sas", Some(channel)) => channel == 1,
            ("aacraid", Some(channel)) => channel == 0,
            _ => true,
        }
    }

    /// What is to be told of it; `shown` are the names of its volumes and disks that the kernel shows, with whether they can be
    /// read.
    pub(super) fn describe(&self, shown: &[(String, bool)]) -> BTreeMap<String, FactValue> {
        let mut doc = BTreeMap::new();
        for (key, text) in [
            ("driver", self.driver),
            ("family", self.family),
            ("model", &self.model),
            ("firmware", &self.firmware),
            ("pci_id", &self.pci_id),
        ] {
            if !text.is_empty() {
                doc.insert(key.to_owned(), FactValue::Text(text.to_owned()));
            }
        }
        let of = |readable: bool| {
            let names = shown.iter().filter(|(_, read)| *read == readable);
            FactValue::List(names.map(|(name, _)| FactValue::Text(name.clone())).collect())
        };
        doc.insert("volumes".to_owned(), of(false));
        doc.insert("readable_disks".to_owned(), of(true));
        doc.insert("reason".to_owned(), FactValue::Text(self.words()));
        doc
    }

    /// What it means for its disks.
    pub(super) fn words(&self) -> String {
        format!(
            "the disks behind this {} controller cannot be read: the kernel does not show them",
            self.family
        )
    }
}

/// `0000:03:00.0`.
fn is_pci(step: &str) -> bool {
    let bytes = step.as_bytes();
    bytes.len() >= 12 && bytes[4] == b':' && bytes[7] == b':' && bytes[10] == b'.'
}
