//! The lab: a virtual machine with real NVMe, SATA and SCSI disks, software RAID and ZFS. What the agent reads there is
//! compared with what smartctl, mdadm, zpool and lsblk say of the same moment, healthy and after each fault.
//!
//! A *snapshot* is made by `tests/lab/take`: an archive of `capture/`, which the agent reads with `--root`, and `truth/`, the
//! words of the tools. Those in `tests/lab/snapshots` are compared by a test, without the machine.

mod block;
pub mod check;
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
}

/// What is done, in this order.
pub const FAULTS: [Fault; 10] = [
    Fault { state: "healthy", faults: &[] },
    Fault { state: "nvme-warning", faults: &[&["nvme-warn", "4"]] },
    Fault { state: "scsi-predicts-failure", faults: &[&["nvme-warn", "0"], &["scsi-predict"]] },
    Fault { state: "md-member-failed", faults: &[&["scsi-ok"], &["md-fail"]] },
    Fault { state: "md-recovering", faults: &[&["md-recover", "2000"]] },
    Fault { state: "disk-gone", faults: &[&["sata-gone"]] },
    Fault { state: "zfs-offline", faults: &[&["zfs-offline"]] },
    Fault { state: "zfs-checksum-errors", faults: &[&["zfs-online"], &["zfs-corrupt"]] },
    Fault { state: "zfs-damaged", faults: &[&["zfs-damage"]] },
    Fault { state: "nvme-gone", faults: &[&["nvme-gone"]] },
];

/// Compares what the agent makes of a snapshot with what the tools said.
///
/// # Errors
/// The snapshot is incomplete, or the agent cannot read it; what differs is no error but in the result.
pub fn compare(agent: &Path, archive: &Path) -> Result<Checks> {
    let folder = tempfile::tempdir().context("make a folder for the snapshot")?;
    let snapshot = folder.path();
    unpack(archive, snapshot)?;
    let mut checks = Checks::default();
    let read = |source: &str| Reading::of(agent, &snapshot.join("capture"), source);
    let truth = |name: &str| {
        let path = snapshot.join("truth").join(name);
        std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))
    };
    block::compare(&read("block")?, &truth("lsblk.json")?, &mut checks).context("lsblk")?;
    md::compare(&read("md")?, &truth("mdadm.txt")?, &mut checks).context("mdadm")?;
    let pools = read("zfs")?;
    zfs::compare_status(&pools, &truth("zpool-status.txt")?, &mut checks).context("zpool status")?;
    zfs::compare_list(&pools, &truth("zpool-list.txt")?, &mut checks).context("zpool list")?;
    zfs::compare_datasets(&pools, &truth("zfs-list.txt")?, &mut checks).context("zfs list")?;
    let health = read("smart")?;
    for entry in std::fs::read_dir(snapshot.join("truth")).context("list the tools' words")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if let Some(device) = name.strip_prefix("smartctl-").and_then(|rest| rest.strip_suffix(".json")) {
            smart::compare(&health, device, &truth(&name)?, &mut checks).with_context(|| name.clone())?;
        }
        if let Some(controller) = name.strip_prefix("nvme-").and_then(|rest| rest.strip_suffix(".json")) {
            smart::compare_nvme(&health, controller, &truth(&name)?, &mut checks)
                .with_context(|| name.clone())?;
        }
    }
    Ok(checks)
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
