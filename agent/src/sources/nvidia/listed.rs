//! What the driver in the kernel tells of its GPUs without being opened: `/proc/driver/nvidia` (its files are described in the
//! driver's README, "The /proc interface" and "PCI-Express Runtime D3"), and how PCI sees them.

use crate::host::{At, HostRoot, Scratch};
use crate::source::SourceError;

/// Where the driver lists its GPUs, below `/proc`.
const GPUS: &str = "driver/nvidia/gpus";
/// Most GPUs that are looked at.
const GPUS_MAX: usize = 64;

/// A GPU as the kernel lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Its address: `0000:0c:00.0`.
    pub address: String,
    /// `NVIDIA GeForce RTX 2080 SUPER`; empty if unknown.
    pub model: String,
    /// `GPU-…`; empty as long as nobody has used it.
    pub uuid: String,
    /// Version of its BIOS; empty if unknown.
    pub vbios: String,
    /// Number of its device node.
    pub minor: Option<u32>,
    /// Whether it goes to sleep by itself when nobody uses it (Runtime D3).
    pub sleeps: bool,
    /// Whether it is asleep now.
    pub suspended: bool,
    /// Highest generation of PCIe that its root port has.
    pub host_generation: Option<u32>,
}

/// Version of the driver in the kernel; `None` when there is none.
///
/// # Errors
/// It cannot be read.
pub(super) fn version(host: &HostRoot, scratch: &mut Scratch) -> Result<Option<String>, SourceError> {
    match host.text(scratch, At::Proc, "driver/nvidia/version") {
        Ok(text) => Ok(Some(parse_version(text))),
        Err(SourceError::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// `NVRM version: NVIDIA UNIX x86_64 Kernel Module  595.71.05  Release Build …`: the first word that is a version.
pub fn parse_version(text: &str) -> String {
    let is_version = |word: &&str| {
        word.contains('.')
            && word.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    };
    let line = text.lines().next().unwrap_or("");
    line.split_whitespace().find(is_version).unwrap_or("").to_owned()
}

/// The driver's GPUs, in the order of their addresses.
///
/// # Errors
/// The list cannot be read.
pub(super) fn gpus(host: &HostRoot, scratch: &mut Scratch) -> Result<Vec<Listed>, SourceError> {
    let mut gpus = Vec::new();
    for address in host.list(At::Proc, GPUS)?.into_iter().take(GPUS_MAX) {
        let about =
            host.text(scratch, At::Proc, &format!("{GPUS}/{address}/information")).map(parse_information);
        let mut gpu = about.unwrap_or_default();
        let power = host.text(scratch, At::Proc, &format!("{GPUS}/{address}/power"));
        gpu.sleeps = power.is_ok_and(parse_sleeps);
        let status = host.attribute(scratch, &format!("bus/pci/devices/{address}/power/runtime_status"));
        gpu.suspended = status == Some("suspended");
        gpu.host_generation = host_generation(host, scratch, &address);
        gpu.address = address;
        gpus.push(gpu);
    }
    Ok(gpus)
}

/// Lines of `information`: a name, a colon, a value.
pub fn parse_information(text: &str) -> Listed {
    let mut gpu = Listed::default();
    for (name, value) in text.lines().filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        match name.trim() {
            "Model" => value.clone_into(&mut gpu.model),
            // `GPU-????????-…` before the first use.
            "GPU UUID" if !value.contains('?') => value.clone_into(&mut gpu.uuid),
            "Video BIOS" if !value.contains('?') => value.clone_into(&mut gpu.vbios),
            "Device Minor" => gpu.minor = value.parse().ok(),
            _ => {}
        }
    }
    gpu
}

/// Line of `power`: `Runtime D3 status: Enabled (fine-grained)`.
pub fn parse_sleeps(text: &str) -> bool {
    let status = text.lines().find_map(|line| line.strip_prefix("Runtime D3 status:"));
    status.is_some_and(|status| status.trim().starts_with("Enabled"))
}

/// Generation of the root port: the first device below the bridge to the host.
fn host_generation(host: &HostRoot, scratch: &mut Scratch, address: &str) -> Option<u32> {
    let path = host.resolve(At::Sys, &format!("bus/pci/devices/{address}"))?;
    let mut parts = path.match_indices('/').map(|(at, _)| at).skip(2);
    let port = path.get(..parts.next()?)?;
    generation(host.attribute(scratch, &format!("{port}/max_link_speed"))?)
}

/// `16.0 GT/s PCIe` is the fourth generation: each doubles the one before.
pub(super) fn generation(speed: &str) -> Option<u32> {
    match speed.split(' ').next()? {
        "2.5" => Some(1),
        "5.0" | "5" => Some(2),
        "8.0" | "8" => Some(3),
        "16.0" | "16" => Some(4),
        "32.0" | "32" => Some(5),
        "64.0" | "64" => Some(6),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_the_kernel_lists_is_understood() {
        for (text, version) in [
            (
                "NVRM version: NVIDIA UNIX x86_64 Kernel Module  595.71.05  Tue Jun  2 2026\nGCC version:  gcc 15.1\n",
                "595.71.05",
            ),
            (
                "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build\n",
                "580.95.05",
            ),
            ("", ""),
        ] {
            assert_eq!(parse_version(text), version);
        }
        let gpu = parse_information(
            "Model: \t\t NVIDIA GeForce RTX 2080 SUPER\nIRQ:   \t\t 157\nGPU UUID: \t GPU-1\nVideo BIOS: \t 90.04.7a.40.73\n\
             Bus Location: \t 0000:0c:00.0\nDevice Minor: \t 3\nGPU Excluded:\t No\n",
        );
        assert_eq!((gpu.model.as_str(), gpu.uuid.as_str()), ("NVIDIA GeForce RTX 2080 SUPER", "GPU-1"));
        assert_eq!((gpu.vbios.as_str(), gpu.minor), ("90.04.7a.40.73", Some(3)));
        assert_eq!(
            parse_information("GPU UUID: \t GPU-????????-????\nVideo BIOS: ??.??\n"),
            Listed::default()
        );
        assert!(parse_sleeps("Runtime D3 status:          Enabled (fine-grained)\nVideo Memory: Off\n"));
        assert!(!parse_sleeps("Runtime D3 status:          Disabled by default\n") && !parse_sleeps(""));
        assert_eq!([generation("16.0 GT/s PCIe"), generation("Unknown")], [Some(4), None]);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "([A-Za-z? ]{0,9}:?[ \\t0-9.é]{0,9}\n?){0,9}") {
            parse_version(&text);
            parse_information(&text);
            parse_sleeps(&text);
        }
    }
}
