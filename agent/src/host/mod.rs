//! The only way to `/proc`, `/sys`, `/dev`, `/run` and `/etc`: roots that can be moved, so that a fake host is a folder; and
//! what is read through it can be recorded, which makes such a folder.

mod device;
mod recorder;
mod server;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags, RawDir};
use rustix::io::Errno;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::source::{SourceError, read_error};
pub use device::{Answer, Question};
pub use recorder::Recorder;

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
    devfs: PathBuf,
    rootfs: PathBuf,
    live: bool,
    recorder: Option<Arc<Recorder>>,
    /// Of a capture: what its host could not read.
    errors: Arc<BTreeMap<PathBuf, i32>>,
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
    /// `/dev`.
    Dev,
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
            devfs: "/dev".into(),
            rootfs: "/".into(),
            live: true,
            recorder: None,
            errors: Arc::default(),
        }
    }

    /// This machine, with everything that is read of it written into a capture as well.
    pub fn recording(recorder: Arc<Recorder>) -> Self {
        Self { recorder: Some(recorder), ..Self::live() }
    }

    /// A folder that holds `proc`, `sys`, `etc`, … as captured from another machine; udev's database in `run/udev/data` as
    /// on a host, or in `udev/data`.
    pub fn captured(folder: &Path) -> Self {
        let udev = folder.join("run/udev/data");
        Self {
            procfs: folder.join("proc"),
            sysfs: folder.join("sys"),
            udev: if udev.is_dir() { udev } else { folder.join("udev/data") },
            devfs: folder.join("dev"),
            rootfs: folder.to_owned(),
            live: false,
            recorder: None,
            errors: Arc::new(recorder::errors(folder)),
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
        self.bytes(scratch, at, path)?;
        Ok(as_text(&mut scratch.bytes))
    }

    /// Reads a file that is no text (pages of a device's vital product data) into `scratch` and lends its bytes.
    ///
    /// # Errors
    /// As [`HostRoot::text`].
    pub fn bytes<'s>(&self, scratch: &'s mut Scratch, at: At, path: &str) -> Result<&'s [u8], SourceError> {
        self.point(scratch, at, path);
        // A sysfs attribute comes whole in one read; a file below /proc may come in pieces.
        match self.read_all(&scratch.path, &mut scratch.bytes, at == At::Sys) {
            Ok(()) => Ok(&scratch.bytes),
            Err(error) => Err(read_error(&scratch.path, error)),
        }
    }

    /// Reads a whole file, records it where that is wanted, and gives the errors that a capture holds.
    fn read_all(&self, path: &Path, bytes: &mut Vec<u8>, one_page: bool) -> io::Result<()> {
        let result = match self.captured_error(path) {
            Some(error) => Err(error),
            None => read_all(path, bytes, one_page),
        };
        if let Some(recorder) = &self.recorder {
            match &result {
                Ok(()) => recorder.file(path, bytes),
                Err(error) => recorder.failed(path, error),
            }
        }
        result
    }

    fn captured_error(&self, path: &Path) -> Option<io::Error> {
        if self.errors.is_empty() {
            return None;
        }
        let path = path.strip_prefix(&self.rootfs).ok()?;
        self.errors.get(path).map(|number| io::Error::from_raw_os_error(*number))
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
            Ok(()) => {
                if let Some(recorder) = &self.recorder {
                    let names: Vec<String> = numbers.iter().map(u32::to_string).collect();
                    recorder.listing(&scratch.path, &names);
                }
                Ok(())
            }
            Err(Errno::NOENT | Errno::SRCH) => Ok(()),
            Err(error) => Err(read_error(&scratch.path, error.into())),
        }
    }

    /// Makes the scratch path that of a file.
    fn point(&self, scratch: &mut Scratch, at: At, path: &str) {
        scratch.path.clear();
        scratch.path.push(self.base(at));
        scratch.path.push(path.trim_start_matches('/'));
    }

    fn base(&self, at: At) -> &Path {
        match at {
            At::Proc => &self.procfs,
            At::Sys => &self.sysfs,
            At::Udev => &self.udev,
            At::Dev => &self.devfs,
            At::Root => &self.rootfs,
        }
    }

    fn path(&self, at: At, path: &str) -> PathBuf {
        self.base(at).join(path.trim_start_matches('/'))
    }

    /// Asks a device: `device` is its name below `/dev` (`sda`), or, with a leading slash, a path as the host's users see it
    /// (a mount point).
    ///
    /// # Errors
    /// What the system says, or said when the capture was made.
    pub fn ask(&self, device: &str, question: &dyn Question) -> io::Result<Answer> {
        let at = if device.starts_with('/') { At::Root } else { At::Dev };
        let path = self.path(at, device);
        if !self.live {
            return device::replay(&path, &question.key());
        }
        let answer = question.ask(&path);
        if let Some(recorder) = &self.recorder {
            recorder.answer(&path, &question.key(), &answer);
        }
        answer
    }

    /// What a system call says that is no file: `call` makes it, with the path where it is asked. A capture holds the answer
    /// as JSON.
    ///
    /// # Errors
    /// What the system says, or said; [`io::ErrorKind::Unsupported`] when a capture does not hold it.
    pub fn call<T: Serialize + DeserializeOwned>(
        &self,
        path: &str,
        key: &str,
        call: impl FnOnce(&Path) -> io::Result<T>,
    ) -> io::Result<T> {
        let path = self.path(At::Root, path);
        if !self.live {
            return Ok(serde_json::from_slice(&device::replay(&path, key)?.data)?);
        }
        let result = call(&path);
        match &result {
            Ok(value) => self.record(&path, key, value),
            Err(error) => self.record_error(&path, key, error),
        }
        result
    }

    /// Puts into a capture what a system call said that a source had to make itself, on a thread of its own; it is read there
    /// by [`HostRoot::call`].
    pub fn record<T: Serialize>(&self, path: &Path, key: &str, value: &T) {
        if let Some(recorder) = &self.recorder {
            let data = serde_json::to_vec(value).map_err(io::Error::from);
            recorder.answer(path, key, &data.map(|data| Answer { data, status: Vec::new() }));
        }
    }

    fn record_error(&self, path: &Path, key: &str, error: &io::Error) {
        if let Some(recorder) = &self.recorder {
            let number = error.raw_os_error().unwrap_or(libc::EIO);
            recorder.answer(path, key, &Err(io::Error::from_raw_os_error(number)));
        }
    }

    /// Whether there is something at a path, links followed.
    pub fn exists(&self, at: At, path: &str) -> bool {
        let path = self.path(at, path);
        let there = path.exists();
        if let (Some(recorder), true) = (&self.recorder, there) {
            recorder.exists(&path);
        }
        there
    }

    /// Whether a path is that of a folder, links followed.
    pub fn is_folder(&self, at: At, path: &str) -> bool {
        self.exists(at, path) && self.path(at, path).is_dir()
    }

    /// Where a symbolic link leads, as it is written there; `None` when there is none.
    pub fn link(&self, at: At, path: &str) -> Option<String> {
        let path = self.path(at, path);
        let target = fs::read_link(&path).ok()?;
        if let Some(recorder) = &self.recorder {
            recorder.exists(&path);
        }
        Some(target.to_string_lossy().into_owned())
    }

    /// A path with all links followed, relative to the same root again: `block/sda` below `/sys` is
    /// `devices/pci0000:00/…/block/sda`. `None` when it is not there, or leads out of the root.
    pub fn resolve(&self, at: At, path: &str) -> Option<String> {
        let path = self.path(at, path);
        let real = fs::canonicalize(&path).ok()?;
        if let Some(recorder) = &self.recorder {
            recorder.exists(&path);
        }
        let base = fs::canonicalize(self.base(at)).ok()?;
        Some(real.strip_prefix(base).ok()?.to_string_lossy().into_owned())
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
        let mut bytes = Vec::new();
        self.read_all(path, &mut bytes, false).map_err(|error| read_error(path, error))?;
        Ok(String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
    }

    /// Names of the entries of a directory, sorted; empty when it is not there.
    ///
    /// # Errors
    /// Every error but "not there".
    pub fn list(&self, at: At, path: &str) -> Result<Vec<String>, SourceError> {
        let path = self.path(at, path);
        let mut names = match list(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(|error| read_error(&path, error))?,
        };
        if let Some(recorder) = &self.recorder {
            recorder.listing(&path, &names);
        }
        if !self.live {
            names.retain(|name| !device::is_folder_of_answers(name));
        }
        Ok(names)
    }
}

fn list(path: &Path) -> io::Result<Vec<String>> {
    let name = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
    let mut names = fs::read_dir(path)?.map(name).collect::<io::Result<Vec<String>>>()?;
    names.sort_unstable();
    Ok(names)
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

    /// Asks a file for its length, and fails where there is none.
    struct Length;

    impl Question for Length {
        fn key(&self) -> String {
            "length".to_owned()
        }

        fn ask(&self, device: &Path) -> io::Result<Answer> {
            let length = fs::metadata(device)?.len();
            Ok(Answer { data: length.to_le_bytes().to_vec(), status: vec![7] })
        }
    }

    #[test]
    fn answers_and_errors_come_again_from_a_capture() {
        let (machine, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(machine.path().join("disk"), "12345").unwrap();
        let recorder = Arc::new(Recorder::new(out.path()));
        let host = HostRoot::recording(Arc::clone(&recorder));
        let at = |name: &str| machine.path().join(name).to_str().unwrap().to_owned();
        let answer = host.ask(&at("disk"), &Length).unwrap();
        assert_eq!(answer.data, 5_u64.to_le_bytes());
        assert!(host.ask(&at("none"), &Length).is_err());
        assert!(host.exists(At::Root, &at("disk")) && !host.is_folder(At::Root, &at("disk")));
        assert_eq!(host.list(At::Root, &at("")).unwrap(), ["disk"]);
        recorder.finish().unwrap();
        let copy = HostRoot::captured(out.path());
        assert_eq!(copy.ask(&at("disk"), &Length).unwrap(), answer);
        assert_eq!(copy.ask(&at("none"), &Length).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(copy.ask(&at("other"), &Length).unwrap_err().kind(), io::ErrorKind::Unsupported);
        assert_eq!(copy.list(At::Root, &at("")).unwrap(), ["disk"]);
    }

    proptest! {
        #[test]
        fn any_bytes_become_text(mut bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let expected = String::from_utf8_lossy(&bytes).into_owned();
            prop_assert_eq!(as_text(&mut bytes), expected);
        }
    }
}
