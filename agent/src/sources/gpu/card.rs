//! A GPU as DRM lists it: `/sys/class/drm/card<N>`, its driver, its place on PCI.

use std::collections::BTreeMap;

use crate::host::{At, HostRoot, Scratch};
use crate::source::SourceError;

/// Most GPUs that are looked at.
const CARDS_MAX: usize = 32;

/// The driver of a GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Driver {
    /// AMD's.
    Amdgpu,
    /// Intel's, up to the twelfth generation by default.
    I915,
    /// Intel's newer one.
    Xe,
    /// Another one, of which hwmon is read alone: radeon, nouveau.
    Other,
}

/// A GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Card {
    /// `card0`.
    pub(super) name: String,
    /// Folder of the device below `/sys`, links followed.
    pub(super) device: String,
    /// `0000:03:00.0`.
    pub(super) address: String,
    /// Name of its driver.
    pub(super) driver_name: String,
    /// The driver.
    pub(super) driver: Driver,
    /// amd, intel, nvidia, or the number of another vendor.
    pub(super) vendor: String,
    /// What it is called.
    pub(super) model: String,
    /// Whether it sleeps.
    pub(super) suspended: bool,
}

/// All GPUs that another source does not read, in the order of their numbers.
///
/// # Errors
/// The list cannot be read.
pub(super) fn cards(host: &HostRoot, scratch: &mut Scratch) -> Result<Vec<Card>, SourceError> {
    let mut names = host.list(At::Sys, "class/drm")?;
    names.retain(|name| number(name).is_some());
    names.sort_by_key(|name| number(name));
    names.truncate(CARDS_MAX);
    Ok(names.into_iter().filter_map(|name| card(host, scratch, name)).collect())
}

/// The number of `card12`; outputs are called `card12-DP-1`.
fn number(name: &str) -> Option<u32> {
    name.strip_prefix("card")?.parse().ok()
}

fn card(host: &HostRoot, scratch: &mut Scratch, name: String) -> Option<Card> {
    let device = host.resolve(At::Sys, &format!("class/drm/{name}/device"))?;
    let address = device.rsplit('/').next().filter(|last| is_pci(last))?.to_owned();
    let driver_name = host.link(At::Sys, &format!("{device}/driver"));
    let driver_name =
        driver_name.as_deref().and_then(|path| path.rsplit('/').next()).unwrap_or("").to_owned();
    let driver = match driver_name.as_str() {
        "amdgpu" => Driver::Amdgpu,
        "i915" => Driver::I915,
        "xe" => Driver::Xe,
        // Read through its library by the source `nvidia`; passed on to a virtual machine; a plain frame buffer.
        "nvidia" | "vfio-pci" | "ast" | "mgag200" | "bochs" | "bochs-drm" | "qxl" | "virtio-pci"
        | "cirrus" | "vmwgfx" | "hibmc-drm" | "" => return None,
        _ => Driver::Other,
    };
    let vendor = match host.attribute(scratch, &format!("{device}/vendor")) {
        Some("0x1002") => "amd",
        Some("0x8086") => "intel",
        Some("0x10de") => "nvidia",
        other => other.unwrap_or(""),
    };
    let vendor = vendor.to_owned();
    let model = model(host, scratch, &device, &address);
    let status = host.attribute(scratch, &format!("{device}/power/runtime_status"));
    let suspended = status == Some("suspended");
    Some(Card { name, device, address, driver_name, driver, vendor, model, suspended })
}

/// `0000:03:00.0`
fn is_pci(name: &str) -> bool {
    let lengths = [4, 2, 2, 1];
    let parts: Vec<&str> = name.split([':', '.']).collect();
    parts.len() == lengths.len()
        && parts
            .iter()
            .zip(lengths)
            .all(|(part, length)| part.len() == length && part.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// What the maker calls it, else udev's database of PCI devices, else its number.
fn model(host: &HostRoot, scratch: &mut Scratch, device: &str, address: &str) -> String {
    if let Some(name) = host.attribute(scratch, &format!("{device}/product_name")) {
        return name.to_owned();
    }
    if let Ok(text) = host.text(scratch, At::Udev, &format!("+pci:{address}"))
        && let Some(name) = text.lines().find_map(|line| line.strip_prefix("E:ID_MODEL_FROM_DATABASE="))
    {
        return name.to_owned();
    }
    host.attribute(scratch, &format!("{device}/device")).map_or(String::new(), |id| format!("GPU {id}"))
}

/// A clock, a temperature, …, by its name.
pub(super) type Named = BTreeMap<String, f64>;

/// What is read of a GPU, in base units; what it does not have is missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Values {
    /// How much of the time it works, 0 to 1.
    pub(super) busy: Option<f64>,
    /// How much of the time its memory is used, 0 to 1.
    pub(super) memory_busy: Option<f64>,
    /// Time in milliseconds that parts of it have slept, by the part.
    pub(super) idle_ms: Named,
    /// Sizes and use of its memories in bytes, by the kernel's name: `vram_total`, `gtt_used`, ….
    pub(super) memory: Named,
    /// Clocks in Hz.
    pub(super) clocks: Named,
    /// Highest clocks in Hz.
    pub(super) clocks_max: Named,
    /// Degrees Celsius.
    pub(super) temperatures: Named,
    /// Limits of the temperatures: beyond them it slows down or goes off.
    pub(super) temperatures_critical: Named,
    /// Watts.
    pub(super) power: Option<f64>,
    /// Watts.
    pub(super) power_limit: Option<f64>,
    /// Joules.
    pub(super) energy: Option<f64>,
    /// Revolutions per minute.
    pub(super) fan_rpm: Option<f64>,
    /// Part of the highest speed.
    pub(super) fan_ratio: Option<f64>,
    /// Volts, by what they feed.
    pub(super) voltages: Named,
    /// Why it is slowed down: each reason that the driver can tell, and whether it holds.
    pub(super) throttle: BTreeMap<String, bool>,
    /// Errors of memories, by block and kind: `umc` and `ue` or `ce`.
    pub(super) errors: BTreeMap<(String, String), f64>,
    /// Generation of PCIe and lanes of the link: now, and at most.
    pub(super) pcie: [Option<f64>; 4],
    /// Transfers over PCIe that had to be repeated.
    pub(super) replays: Option<f64>,
    /// Texts for the fact and for `node_drm_card_info`: `vbios_version`, `unique_id`, ….
    pub(super) texts: BTreeMap<&'static str, String>,
    /// What could not be read though it is there: it does not answer.
    pub(super) failure: Option<String>,
}

/// Files of one GPU.
pub(super) struct Reader<'a> {
    pub(super) host: &'a HostRoot,
    pub(super) scratch: &'a mut Scratch,
    /// The device's folder below `/sys`.
    pub(super) device: &'a str,
}

impl Reader<'_> {
    /// Text of a file below the device's folder.
    pub(super) fn text(&mut self, file: &str) -> Option<String> {
        self.host.attribute(self.scratch, &format!("{}/{file}", self.device)).map(str::to_owned)
    }

    /// A number in a file below the device's folder.
    pub(super) fn number(&mut self, file: &str) -> Option<f64> {
        number_of(self.host.attribute(self.scratch, &format!("{}/{file}", self.device))?)
    }

    /// A number that a GPU that works always tells: an error of the driver is kept.
    pub(super) fn vital(&mut self, file: &str, failure: &mut Option<String>) -> Option<f64> {
        let path = format!("{}/{file}", self.device);
        match self.host.text(self.scratch, At::Sys, &path) {
            Ok(text) => number_of(text),
            Err(SourceError::Io { source, .. }) if is_trouble(&source) => {
                failure.get_or_insert(format!("{file}: {source}"));
                None
            }
            Err(_) => None,
        }
    }

    /// Names in a folder below the device's.
    pub(super) fn list(&self, folder: &str) -> Vec<String> {
        self.host.list(At::Sys, &format!("{}/{folder}", self.device)).unwrap_or_default()
    }
}

/// Errors by which a driver says that the device does not answer; others mean that it has no such value at this time.
fn is_trouble(error: &std::io::Error) -> bool {
    [
        libc_errno::EIO,
        libc_errno::ENXIO,
        libc_errno::ENODEV,
        libc_errno::ETIME,
        libc_errno::ETIMEDOUT,
        libc_errno::EREMOTEIO,
    ]
    .contains(&error.raw_os_error().unwrap_or(0))
}

/// Numbers of errors on Linux (errno(3)).
mod libc_errno {
    pub(super) const EIO: i32 = 5;
    pub(super) const ENXIO: i32 = 6;
    pub(super) const ENODEV: i32 = 19;
    pub(super) const ETIME: i32 = 62;
    pub(super) const ETIMEDOUT: i32 = 110;
    pub(super) const EREMOTEIO: i32 = 121;
}

/// A whole number as sysfs writes it.
pub(super) fn number_of(text: &str) -> Option<f64> {
    let text = text.trim();
    text.parse::<i64>()
        .ok()
        .map(|value| value as f64)
        .or_else(|| text.parse::<u64>().ok().map(|value| value as f64))
}
