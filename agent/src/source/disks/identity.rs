//! What a disk tells of itself, through the kernel.

use std::borrow::Cow;

use crate::host::{At, HostRoot, Scratch};
use crate::source::udev::Properties;

/// Longest identity, in bytes.
const ID_BYTES_MAX: usize = 120;

/// What a disk tells of itself. Texts are empty where it tells nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// World-wide name as udev writes it: `0x5000c500a1b2c3d4` (NAA), `eui.0025385b71b00c5a`, `uuid.…`.
    pub wwn: String,
    /// Model, as long as it is known.
    pub model: String,
    /// Serial number.
    pub serial: String,
    /// Vendor of a SCSI or USB disk; `ATA` is none.
    pub vendor: String,
    /// Revision of its firmware.
    pub revision: String,
    /// The model as sysfs alone has it: SCSI cuts it to 16 characters. Part of [`Identity::id`], which must not depend on udev.
    short_model: String,
    ata: bool,
    /// Number of the NVMe namespace behind a controller that has several.
    namespace: Option<u32>,
}

impl Identity {
    /// `folder` is the disk's folder in `/sys/block`.
    pub(super) fn look_up(host: &HostRoot, scratch: &mut Scratch, folder: &str, udev: &Properties) -> Self {
        let mut attribute = |name: &str| {
            let text = host.attribute(scratch, &format!("block/{folder}/{name}"));
            text.map(|text| text.replace('\0', "").trim().to_owned()).unwrap_or_default()
        };
        let wwid = or(attribute("wwid"), || attribute("device/wwid"));
        let vendor = attribute("device/vendor");
        let short_model = or(attribute("device/model"), || attribute("device/name"));
        let serial = or(attribute("device/serial"), || attribute("serial"));
        let revision = ["device/firmware_rev", "device/rev", "device/fwrev"]
            .into_iter()
            .map(&mut attribute)
            .find(|revision| !revision.is_empty())
            .unwrap_or_default();
        let namespace = attribute("nsid").parse().ok().filter(|&number| number > 1);
        let page_80 = |scratch: &mut Scratch| {
            let page = host.bytes(scratch, At::Sys, &format!("block/{folder}/device/vpd_pg80"));
            page.map(page_80).unwrap_or_default()
        };
        let serial = or(serial, || page_80(scratch));
        let of_udev = udev.first(&["ID_WWN_WITH_EXTENSION", "ID_WWN"]);
        let wwn = or(wwn_of(&wwid), || if is_wwn(of_udev) { of_udev.to_owned() } else { String::new() });
        let serial =
            or(serial, || udev.first(&["SCSI_IDENT_SERIAL", "ID_SERIAL_SHORT", "ID_SERIAL"]).to_owned());
        let whole = or(udev.decoded("ID_MODEL_ENC"), || udev.first(&["ID_MODEL", "ID_NAME"]).to_owned());
        Self {
            wwn: if is_placeholder(&wwn) { String::new() } else { wwn },
            model: longer(&short_model, &whole),
            serial: if is_placeholder(&serial) { String::new() } else { serial },
            ata: vendor == "ATA",
            // A number here is the id of a virtio or PCI device's vendor.
            vendor: if vendor == "ATA" || vendor.starts_with("0x") { String::new() } else { vendor },
            revision: or(revision, || udev.get("ID_REVISION").to_owned()),
            short_model,
            namespace,
        }
    }

    /// The identity that this makes; `None` when it tells too little.
    pub(super) fn id(&self) -> Option<String> {
        if !self.wwn.is_empty() {
            return Some(cut(format!("wwn-{}", tidy(&self.wwn))));
        }
        if self.serial.is_empty() {
            return None;
        }
        let model = if self.short_model.is_empty() { &self.model } else { &self.short_model };
        let mut id = match tidy(model).as_ref() {
            "" => format!("serial-{}", tidy(&self.serial)),
            model => format!("{model}_{}", tidy(&self.serial)),
        };
        if let Some(number) = self.namespace {
            id = format!("{id}_{number}");
        }
        Some(cut(id))
    }

    /// Whether the SCSI layer shows an ATA disk by it.
    pub(super) fn is_ata(&self) -> bool {
        self.ata
    }

    /// Whether what it tells is known to be the same for all of its kind: the kernel's `scsi_debug` disks.
    pub(super) fn is_constant(&self) -> bool {
        self.short_model == "scsi_debug"
    }
}

fn or(text: String, other: impl FnOnce() -> String) -> String {
    if text.is_empty() { other() } else { text }
}

/// The world-wide name in the attribute `wwid`; empty where that is made of model and serial number (`t10.…`, `nvme.…`).
fn wwn_of(wwid: &str) -> String {
    match wwid.split_once('.') {
        Some(("naa", digits)) => format!("0x{}", digits.to_ascii_lowercase()),
        Some(("eui" | "uuid", _)) => wwid.to_ascii_lowercase(),
        _ => String::new(),
    }
}

/// Whether udev's name is one of the world. Of an NVMe disk without one it is made of vendor, serial number and model
/// (`nvme.1b36-…`).
fn is_wwn(text: &str) -> bool {
    ["0x", "eui.", "uuid."].iter().any(|start| text.starts_with(start))
}

/// The whole model. udev has that of an ATA disk in one property, that of a plain SCSI disk no longer than sysfs.
fn longer(one: &str, other: &str) -> String {
    if one.len() >= other.len() { one.to_owned() } else { other.to_owned() }
}

/// Numbers that makers of bridges and virtual machines put where they have none.
fn is_placeholder(text: &str) -> bool {
    let digits = text.trim_start_matches("0x").trim_start_matches("eui.").trim_start_matches("uuid.");
    let is_one_character = digits.chars().all(|c| "0-".contains(c)) || digits.chars().all(|c| c == 'f');
    // 52:54:00 is QEMU's: the same on every machine, counted up from the first controller.
    let is_constant = text.starts_with("eui.525400") || text.eq_ignore_ascii_case("0123456789abcdef");
    is_one_character || is_constant || digits.chars().any(char::is_control)
}

/// Serial number in VPD page 80h (SPC-6, 7.7.17): four bytes of header, its length in the last two, then ASCII.
fn page_80(page: &[u8]) -> String {
    let length = page.get(2..4).map_or(0, |bytes| usize::from(bytes[0]) << 8 | usize::from(bytes[1]));
    let serial = page.get(4..).unwrap_or_default();
    let serial = serial.get(..length).unwrap_or(serial);
    let text: String =
        serial.iter().filter(|&&b| b.is_ascii_graphic() || b == b' ').map(|&b| char::from(b)).collect();
    text.trim().to_owned()
}

/// Keeps `[A-Za-z0-9._:-]`; each run of others becomes one `_`.
pub(super) fn tidy(text: &str) -> Cow<'_, str> {
    let keeps = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
    if text.chars().all(keeps) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.split(|c| !keeps(c)).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_"))
}

/// Cuts an identity, which is ASCII.
fn cut(mut id: String) -> String {
    id.truncate(ID_BYTES_MAX);
    id
}
