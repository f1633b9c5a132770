//! The lab: a virtual machine with real NVMe, SATA and SCSI disks, software RAID and ZFS, sensors and a BMC. What the
//! agent reads there is compared with what smartctl, mdadm, zpool, lsblk, sensors and ipmitool say of the same moment, healthy and
//! after each fault.
//!
//! A *snapshot* is made by `tests/lab/take`: an archive of `capture/`, which the agent reads with `--root`, and `truth/`, the
//! words of the tools. Those in `tests/lab/snapshots` are compared by a test, without the machine.

mod block;
pub mod check;
mod hwmon;
mod ipmi;
pub mod machine;
mod md;
mod reading;
mod smart;
mod zfs;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use check::Checks;
use reading::Reading;

/// Something done to the machine, and the state it is in afterwards.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Name of the state.
    pub state: &'static str,
    /// Arguments of `vm-lab fault`, one call after the other; none for the machine as it is.
    pub faults: &'static [&'static [&'static str]],
    /// What a snapshot of it holds.
    pub part: Part,
}

/// A part of the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Disks, arrays, pools.
    Storage,
    /// The BMC and the sensors of the board.
    Devices,
}

impl Part {
    /// Argument of `tests/lab/take`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Storage => "storage",
            Self::Devices => "devices",
        }
    }
}

const fn storage(state: &'static str, faults: &'static [&'static [&'static str]]) -> Fault {
    Fault { state, faults, part: Part::Storage }
}

const fn devices(state: &'static str, faults: &'static [&'static [&'static str]]) -> Fault {
    Fault { state, faults, part: Part::Devices }
}

/// What is done, in this order.
pub const FAULTS: [Fault; 15] = [
    storage("healthy", &[]),
    devices("devices-healthy", &[]),
    devices("bmc-alarms", &[&["ipmi", "cpu_temp", "97"], &["ipmi", "fan1", "0"]]),
    devices("hwmon-hot", &[&["ipmi", "cpu_temp", "41"], &["ipmi", "fan1", "12"], &["hwmon-hot"]]),
    devices("container-sick", &[&["hwmon-ok"], &["docker-sick"]]),
    devices("container-stopped", &[&["docker-stop"]]),
    storage("nvme-warning", &[&["docker-ok"], &["nvme-warn", "4"]]),
    storage("scsi-predicts-failure", &[&["nvme-warn", "0"], &["scsi-predict"]]),
    storage("md-member-failed", &[&["scsi-ok"], &["md-fail"]]),
    storage("md-recovering", &[&["md-recover", "2000"]]),
    storage("disk-gone", &[&["sata-gone"]]),
    storage("zfs-offline", &[&["zfs-offline"]]),
    storage("zfs-checksum-errors", &[&["zfs-online"], &["zfs-corrupt"]]),
    storage("zfs-damaged", &[&["zfs-damage"]]),
    storage("nvme-gone", &[&["nvme-gone"]]),
];

/// Compares what the agent makes of a snapshot with what the tools said.
///
/// # Errors
/// The snapshot is incomplete, or the agent cannot read it; what differs is no error but in the result.
pub fn compare(agent: &Path, archive: &Path, part: Part) -> Result<Checks> {
    let folder = tempfile::tempdir().context("make a folder for the snapshot")?;
    unpack(archive, folder.path())?;
    let snapshot = Snapshot { agent, folder: folder.path() };
    let mut checks = Checks::default();
    match part {
        Part::Storage => compare_storage(&snapshot, &mut checks)?,
        Part::Devices => compare_devices(&snapshot, &mut checks)?,
    }
    Ok(checks)
}

struct Snapshot<'s> {
    agent: &'s Path,
    folder: &'s Path,
}

impl Snapshot<'_> {
    /// What the agent makes of it.
    fn read(&self, source: &str) -> Result<Reading> {
        Reading::of(self.agent, &self.folder.join("capture"), source)
    }

    /// What a tool said.
    fn truth(&self, name: &str) -> Result<String> {
        let path = self.folder.join("truth").join(name);
        std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))
    }
}

fn compare_storage(snapshot: &Snapshot, checks: &mut Checks) -> Result<()> {
    let truth = |name: &str| snapshot.truth(name);
    block::compare(&snapshot.read("block")?, &truth("lsblk.json")?, checks).context("lsblk")?;
    md::compare(&snapshot.read("md")?, &truth("mdadm.txt")?, checks).context("mdadm")?;
    let pools = snapshot.read("zfs")?;
    zfs::compare_status(&pools, &truth("zpool-status.txt")?, checks).context("zpool status")?;
    zfs::compare_list(&pools, &truth("zpool-list.txt")?, checks).context("zpool list")?;
    zfs::compare_datasets(&pools, &truth("zfs-list.txt")?, checks).context("zfs list")?;
    let health = snapshot.read("smart")?;
    for entry in std::fs::read_dir(snapshot.folder.join("truth")).context("list the tools' words")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if let Some(device) = name.strip_prefix("smartctl-").and_then(|rest| rest.strip_suffix(".json")) {
            smart::compare(&health, device, &truth(&name)?, checks).with_context(|| name.clone())?;
        }
        if let Some(controller) = name.strip_prefix("nvme-").and_then(|rest| rest.strip_suffix(".json")) {
            smart::compare_nvme(&health, controller, &truth(&name)?, checks).with_context(|| name.clone())?;
        }
    }
    Ok(())
}

fn compare_devices(snapshot: &Snapshot, checks: &mut Checks) -> Result<()> {
    let truth = |name: &str| snapshot.truth(name);
    let bmc = snapshot.read("ipmi")?;
    ipmi::compare_sensors(&bmc, &truth("ipmi-sensor.txt")?, checks).context("ipmitool sensor")?;
    ipmi::compare_log(&bmc, &truth("ipmi-sel.txt")?, &truth("ipmi-sel-info.txt")?, checks);
    ipmi::compare_chassis(&bmc, &truth("ipmi-chassis.txt")?, checks);
    ipmi::compare_power(&bmc, &truth("ipmi-dcmi.txt")?, checks);
    ipmi::compare_identity(&bmc, &truth("ipmi-mc.txt")?, checks);
    hwmon::compare(&snapshot.read("hwmon")?, &truth("sensors-u.txt")?, checks).context("sensors")?;
    Ok(())
}

/// File of a state's snapshot in a folder.
pub fn archive(folder: &Path, state: &str) -> PathBuf {
    folder.join(format!("{state}.tar.gz"))
}

fn unpack(archive: &Path, folder: &Path) -> Result<()> {
    let mut tar = Command::new("tar");
    tar.args(["--no-same-owner", "--no-same-permissions", "-xzf"]).arg(archive).arg("-C").arg(folder);
    let status = tar.status().context("start tar")?;
    ensure!(status.success(), "unpack {}: {status}", archive.display());
    Ok(())
}
