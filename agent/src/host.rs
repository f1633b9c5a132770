//! The only way to `/proc`, `/sys`, `/dev`, `/run` and `/etc`: roots that can be moved, so that a fake host is a folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::source::{SourceError, read_error};

/// Where the host's own directories lie. Every absolute path of the agent begins here.
#[derive(Clone, Debug)]
pub struct HostRoot {
    procfs: PathBuf,
    sysfs: PathBuf,
    rootfs: PathBuf,
    live: bool,
}

impl HostRoot {
    /// The machine this process runs on.
    pub fn live() -> Self {
        Self { procfs: "/proc".into(), sysfs: "/sys".into(), rootfs: "/".into(), live: true }
    }

    /// A folder that holds `proc`, `sys`, `etc`, … as captured from another machine.
    pub fn captured(folder: &Path) -> Self {
        Self {
            procfs: folder.join("proc"),
            sysfs: folder.join("sys"),
            rootfs: folder.to_owned(),
            live: false,
        }
    }

    /// Whether system calls (statvfs, uname, adjtimex) describe the same machine as the files: false for a capture.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// A path below `/proc`, given without leading slash: `stat`, `net/dev`.
    pub fn proc(&self, path: &str) -> PathBuf {
        self.procfs.join(path)
    }

    /// A path below `/sys`: `class/net`.
    pub fn sys(&self, path: &str) -> PathBuf {
        self.sysfs.join(path)
    }

    /// A path below `/` as the host's users see it: `etc/os-release`, a mount point with or without leading slash.
    pub fn root(&self, path: &str) -> PathBuf {
        self.rootfs.join(path.trim_start_matches('/'))
    }

    /// Reads a text file, naming it in the error.
    ///
    /// # Errors
    /// As [`read_error`] sorts them; a file that is not there is [`SourceError::Missing`].
    pub fn read(&self, path: &Path) -> Result<String, SourceError> {
        let bytes = fs::read(path).map_err(|error| read_error(path, error))?;
        Ok(String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
    }

    /// Reads a text file that need not be there.
    ///
    /// # Errors
    /// Every error but "not there".
    pub fn read_optional(&self, path: &Path) -> Result<Option<String>, SourceError> {
        match fs::read(path) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(read_error(path, error)),
        }
    }

    /// Names of the entries of a directory, sorted; empty when it is not there.
    ///
    /// # Errors
    /// Every error but "not there".
    pub fn list(&self, path: &Path) -> Result<Vec<String>, SourceError> {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(read_error(path, error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| read_error(path, error))?;
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
        names.sort_unstable();
        Ok(names)
    }
}
