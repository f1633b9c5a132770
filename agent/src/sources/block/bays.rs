//! Which bay a disk sits in, where the kernel knows: enclosures of SES (Documentation/ABI, `/sys/class/enclosure`), what a SAS
//! controller tells of its own (`/sys/class/sas_device`), slots of PCI Express (`/sys/bus/pci/slots`).

use std::collections::HashMap;

use crate::host::{At, HostRoot, Scratch};
use crate::source::disks::Disk;

/// Enclosure and slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bay {
    /// Maker, model and identity of the enclosure; empty where there is but a slot.
    pub(super) enclosure: String,
    /// Name or number of the slot.
    pub(super) slot: String,
}

/// Bays by SCSI address, PCI slots by address without function.
#[derive(Debug, Default)]
pub(super) struct Bays {
    scsi: HashMap<String, Bay>,
    pci: HashMap<String, String>,
}

impl Bays {
    pub(super) fn read(host: &HostRoot, scratch: &mut Scratch) -> Self {
        let mut found = Self::default();
        for enclosure in host.list(At::Sys, "class/enclosure").unwrap_or_default() {
            found.add_enclosure(host, scratch, &format!("class/enclosure/{enclosure}"));
        }
        for slot in host.list(At::Sys, "bus/pci/slots").unwrap_or_default() {
            if let Some(address) = host.attribute(scratch, &format!("bus/pci/slots/{slot}/address")) {
                found.pci.insert(address.to_owned(), slot);
            }
        }
        found
    }

    fn add_enclosure(&mut self, host: &HostRoot, scratch: &mut Scratch, folder: &str) {
        let words: Vec<String> = ["device/vendor", "device/model", "id"]
            .iter()
            .filter_map(|name| host.attribute(scratch, &format!("{folder}/{name}")).map(str::to_owned))
            .collect();
        let enclosure = words.join(" ");
        for slot in host.list(At::Sys, folder).unwrap_or_default() {
            // `../../../../../port-7:0/end_device-7:0/target7:0:3/7:0:3:0`
            let Some(place) = host.link(At::Sys, &format!("{folder}/{slot}/device")) else { continue };
            let Some(address) = place.rsplit('/').next().filter(|step| step.split(':').count() == 4) else {
                continue;
            };
            let bay = Bay { enclosure: enclosure.clone(), slot: slot.trim().to_owned() };
            self.scsi.insert(address.to_owned(), bay);
        }
    }

    pub(super) fn of(&self, host: &HostRoot, scratch: &mut Scratch, disk: &Disk) -> Bay {
        if let Some(bay) = disk.address.scsi.as_ref().and_then(|address| self.scsi.get(address)) {
            return bay.clone();
        }
        if let Some(name) = disk.address.sas_device() {
            let mut attribute = |file: &str| {
                host.attribute(scratch, &format!("class/sas_device/{name}/{file}")).map(str::to_owned)
            };
            if let Some(slot) = attribute("bay_identifier") {
                let enclosure = attribute("enclosure_identifier").unwrap_or_default();
                // Zero: the controller has no enclosure.
                let is_none = enclosure.trim_start_matches("0x").bytes().all(|byte| byte == b'0');
                return Bay { enclosure: if is_none { String::new() } else { enclosure }, slot };
            }
        }
        let address = disk.address.pci.as_deref().filter(|_| disk.transport == "nvme");
        let slot = address.and_then(|address| self.pci.get(address.split_once('.')?.0));
        Bay { enclosure: String::new(), slot: slot.cloned().unwrap_or_default() }
    }
}
