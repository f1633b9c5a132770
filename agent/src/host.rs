//! The only way to `/proc`, `/sys`, `/dev`, `/run` and `/etc`: roots that can be moved, so that a fake host is a folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, RawDir};
use rustix::io::Errno;

use crate::source::{SourceError, read_error};

/// Longest file that is read, in bytes: `/proc/cpuinfo` of a machine with a thousand threads has 2 MiB.
const FILE_BYTES_MAX: usize = 8 << 20;
/// First size of a read buffer, in bytes; the kernel's attributes below `/sys` are never longer.
const PAGE_BYTES: usize = 4096;

/// Where the host's own directories lie. Every absolute path of the agent begins here.
#[derive(Clone, Debug)]
pub struct HostRoot {
    procfs: PathBuf,
    sysfs: PathBuf,
    udev: PathBuf,
    rootfs: PathBuf,
    live: bool,
}

/// Which root a relative path starts from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum At {
    /// `/proc`.
    Proc,
    /// `/sys`.
    Sys,
    /// udev's database of devices, `/run/udev/data`.
    Udev,
    /// `/`.
    Root,
}

/// Buffers for reading files again and again without allocating: one per source.
#[derive(Debug, Default)]
pub struct Scratch {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl HostRoot {
    /// The machine this process runs on.
    pub fn live() -> Self {
        Self {
            procfs: "/proc".into(),
            sysfs: "/sys".into(),
            udev: "/run/udev/data".into(),
            rootfs: "/".into(),
            live: true,
        }
    }

    /// A folder that holds `proc`, `sys`, `etc`, … as captured from another machine; udev's database in `run/udev/data` as
    /// on a host, or in `udev/data`.
    pub fn captured(folder: &Path) -> Self {
        let udev = folder.join("run/udev/data");
        Self {
            procfs: folder.join("proc"),
            sysfs: folder.join("sys"),
            udev: if udev.is_dir() { udev } else { folder.join("udev/data") },
            rootfs: folder.to_owned(),
            live: false,
        }
    }

    /// This machine, but with a folder of a test's own for `/proc`.
    #[cfg(test)]
    pub(crate) fn live_with_proc(folder: &Path) -> Self {
        Self { procfs: folder.to_owned(), ..Self::live() }
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

    /// Reads a file into `scratch` and lends its text, with U+FFFD for what is not UTF-8. Allocates nothing once
    /// warm.
    ///
    /// # Errors
    /// As [`read_error`] sorts them; a file that is not there is [`SourceError::Missing`].
    pub fn text<'s>(&self, scratch: &'s mut Scratch, at: At, path: &str) -> Result<&'s str, SourceError> {
        self.point(scratch, at, path);
        // A sysfs attribute comes whole in one read; a file below /proc may come in pieces.
        match read_all(&scratch.path, &mut scratch.bytes, at == At::Sys) {
            Ok(()) => Ok(as_text(&mut scratch.bytes)),
            Err(error) => Err(read_error(&scratch.path, error)),
        }
    }

    /// Collects the entries of a folder whose names are numbers (processes, threads), sorted.
    ///
    /// # Errors
    /// Every error but "not there".
    pub fn numbers(
        &self,
        at: At,
        path: &str,
        scratch: &mut Scratch,
        numbers: &mut Vec<u32>,
    ) -> Result<(), SourceError> {
        numbers.clear();
        self.point(scratch, at, path);
        match read_numbers(&scratch.path, &mut scratch.bytes, numbers) {
            Ok(()) | Err(Errno::NOENT | Errno::SRCH) => Ok(()),
            Err(error) => Err(read_error(&scratch.path, error.into())),
        }
    }

    /// Makes the scratch path that of a file.
    fn point(&self, scratch: &mut Scratch, at: At, path: &str) {
        scratch.path.clear();
        scratch.path.push(match at {
            At::Proc => &self.procfs,
            At::Sys => &self.sysfs,
            At::Udev => &self.udev,
            At::Root => &self.rootfs,
        });
        scratch.path.push(path.trim_start_matches('/'));
    }

    /// Text of an attribute below `/sys` without surrounding space; `None` when it is not there, empty, or the driver has
    /// nothing to say (an interface that is down has no speed: `EINVAL`).
    pub fn attribute<'s>(&self, scratch: &'s mut Scratch, path: &str) -> Option<&'s str> {
        self.text(scratch, At::Sys, path).ok().map(str::trim).filter(|text| !text.is_empty())
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

/// Reads a whole file into `bytes`, keeping its memory.
fn read_all(path: &Path, bytes: &mut Vec<u8>, one_page: bool) -> io::Result<()> {
    bytes.clear();
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY, Mode::empty())?;
    loop {
        bytes.reserve(if bytes.is_empty() { PAGE_BYTES } else { bytes.len() });
        match rustix::io::read(&file, rustix::buffer::spare_capacity(bytes)) {
            Ok(0) => return Ok(()),
            Ok(count) if one_page && count < PAGE_BYTES => return Ok(()),
            Ok(_) if bytes.len() > FILE_BYTES_MAX => return Err(io::ErrorKind::FileTooLarge.into()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Adds the numbers among the names in a folder; `buffer` is where the kernel writes the names.
fn read_numbers(path: &Path, buffer: &mut Vec<u8>, numbers: &mut Vec<u32>) -> Result<(), Errno> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::DIRECTORY;
    let folder = rustix::fs::open(path, flags, Mode::empty())?;
    buffer.clear();
    buffer.reserve(PAGE_BYTES);
    let mut entries = RawDir::new(&folder, buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        if let Some(number) = entry?.file_name().to_str().ok().and_then(|name| name.parse().ok()) {
            numbers.push(number);
        }
    }
    numbers.sort_unstable();
    Ok(())
}

/// The bytes as text. What is not UTF-8 (firmware tables hold anything) is replaced, which alone allocates.
fn as_text(bytes: &mut Vec<u8>) -> &str {
    if std::str::from_utf8(bytes).is_err() {
        *bytes = String::from_utf8_lossy(bytes).into_owned().into_bytes();
    }
    std::str::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_file_of_any_size_is_read_whole_and_named_when_missing() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("proc")).unwrap();
        let host = HostRoot::captured(folder.path());
        let mut scratch = Scratch::default();
        for size in [0, 1, PAGE_BYTES - 1, PAGE_BYTES, PAGE_BYTES + 1, 100_000] {
            let text: String = ('a'..='z').cycle().take(size).collect();
            fs::write(host.proc("file"), &text).unwrap();
            assert_eq!(host.text(&mut scratch, At::Proc, "file").unwrap(), text);
        }
        let error = host.text(&mut scratch, At::Proc, "none").unwrap_err();
        assert_eq!(
            (error.reason(), error.to_string().ends_with("/proc/none does not exist")),
            ("missing", true)
        );
        fs::write(host.proc("file"), vec![b'x'; FILE_BYTES_MAX + 1]).unwrap();
        assert_eq!(host.text(&mut scratch, At::Proc, "file").unwrap_err().reason(), "io");
    }

    proptest! {
        #[test]
        fn any_bytes_become_text(mut bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let expected = String::from_utf8_lossy(&bytes).into_owned();
            prop_assert_eq!(as_text(&mut bytes), expected);
        }
    }
}
