//! The machine, through `tests/lab/vm-lab`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::Part;
use crate::binaries::workspace;

/// A machine that is up; down when dropped, unless it was up before.
#[derive(Debug)]
pub struct Machine {
    is_ours: bool,
}

impl Machine {
    /// Makes its image where there is none, and boots it from clean disks.
    ///
    /// # Errors
    /// `vm-lab` fails; its words have been printed.
    pub fn start() -> Result<Self> {
        if vm_lab(&["status"]).is_ok() {
            return Ok(Self { is_ours: false });
        }
        if !image().exists() {
            eprintln!("lab: no image yet: it is made once, which takes some ten minutes");
            vm_lab(&["build"])?;
        }
        vm_lab(&["up"])?;
        Ok(Self { is_ours: true })
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

    /// Takes a snapshot of a part, as an archive.
    ///
    /// # Errors
    /// As [`Machine::start`], or the disk does not take it.
    pub fn snapshot(&self, archive: &Path, part: Part) -> Result<()> {
        const THERE: &str = "/tmp/snapshot.tar.gz";
        let take = format!("lab-take /tmp/snapshot {} && tar -C /tmp/snapshot -czf {THERE} .", part.word());
        vm_lab(&["ssh", &take])?;
        if let Some(folder) = archive.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        }
        vm_lab(&["get", THERE, &archive.to_string_lossy()])
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if self.is_ours
            && let Err(error) = vm_lab(&["down"])
        {
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
