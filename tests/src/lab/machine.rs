//! The machine, through `tests/lab/vm-lab`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::binaries::workspace;

/// A machine that is up; down when dropped.
#[derive(Debug)]
pub struct Machine(());

impl Machine {
    /// Makes its image where there is none, and boots it from clean disks.
    ///
    /// # Errors
    /// `vm-lab` fails; its words have been printed.
    pub fn start() -> Result<Self> {
        if !image().exists() {
            eprintln!("lab: no image yet: it is made once, which takes some ten minutes");
            vm_lab(&["build"])?;
        }
        vm_lab(&["up"])?;
        Ok(Self(()))
    }

    /// Puts the agent and the script that takes snapshots in.
    ///
    /// # Errors
    /// As [`Machine::start`].
    pub fn install(&self, agent: &Path) -> Result<()> {
        vm_lab(&["put", &agent.to_string_lossy(), "/usr/local/bin/hi-agent"])?;
        let take = workspace().join("tests/lab/take");
        vm_lab(&["put", &take.to_string_lossy(), "/usr/local/bin/lab-take"])
    }

    /// Breaks or repairs something.
    ///
    /// # Errors
    /// As [`Machine::start`].
    pub fn fault(&self, arguments: &[&str]) -> Result<()> {
        vm_lab(&[&["fault"], arguments].concat())
    }

    /// Takes a snapshot into a folder, whose former content goes.
    ///
    /// # Errors
    /// As [`Machine::start`], or the disk does not take it.
    pub fn snapshot(&self, folder: &Path) -> Result<()> {
        vm_lab(&["ssh", "lab-take /tmp/snapshot && tar -C /tmp/snapshot -cf /tmp/snapshot.tar ."])?;
        std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        let archive = folder.with_extension("tar");
        vm_lab(&["get", "/tmp/snapshot.tar", &archive.to_string_lossy()])?;
        for part in ["capture", "truth"] {
            let part = folder.join(part);
            if part.exists() {
                std::fs::remove_dir_all(&part).with_context(|| format!("remove {}", part.display()))?;
            }
        }
        let mut tar = Command::new("tar");
        tar.args(["--no-same-owner", "--no-same-permissions", "-xf"]).arg(&archive).arg("-C").arg(folder);
        let status = tar.status().context("start tar")?;
        ensure!(status.success(), "unpack {}: {status}", archive.display());
        std::fs::remove_file(&archive).with_context(|| format!("remove {}", archive.display()))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Err(error) = vm_lab(&["down"]) {
            eprintln!("lab: {error:#}");
        }
    }
}

/// Where `vm-lab` keeps what it makes.
fn image() -> PathBuf {
    let cache = || {
        let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        std::env::var_os("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from)
    };
    let folder = std::env::var_os("LAB_DIR").map_or_else(|| cache().join("vm-lab"), PathBuf::from);
    folder.join("root.img")
}

fn vm_lab(arguments: &[&str]) -> Result<()> {
    let script = workspace().join("tests/lab/vm-lab");
    let status = Command::new(&script)
        .args(arguments)
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("start {}", script.display()))?;
    ensure!(status.success(), "vm-lab {}: {status}", arguments.join(" "));
    Ok(())
}
