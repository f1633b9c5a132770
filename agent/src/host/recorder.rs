//! Writes what a host hands out into a folder, in the shape of the host: a capture that can be read in its place.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::device::{self, Answer};

/// Symbolic links followed on the way to one file, as the kernel's own limit.
const LINKS_MAX: usize = 40;

/// A capture in the making.
#[derive(Debug)]
pub struct Recorder {
    folder: PathBuf,
    /// Files that could not be read, and why; see [`ERRORS`].
    errors: Mutex<BTreeMap<PathBuf, i32>>,
    /// The first trouble: a capture with a hole says so instead of passing for a whole one.
    trouble: Mutex<Option<io::Error>>,
}

/// File of a capture that lists what could not be read: `errno`, a space, the path without its root; a line each.
const ERRORS: &str = "errors";

impl Recorder {
    /// Records below a folder.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), errors: Mutex::default(), trouble: Mutex::new(None) }
    }

    /// Completes the capture.
    ///
    /// # Errors
    /// What kept anything from being written.
    pub fn finish(&self) -> io::Result<()> {
        self.note(|| {
            let errors = lock(&self.errors);
            let line = |(path, number): (&PathBuf, &i32)| format!("{number} {}\n", path.display());
            fs::write(self.folder.join(ERRORS), errors.iter().map(line).collect::<String>())
        });
        lock(&self.trouble).take().map_or(Ok(()), Err)
    }

    /// A file that could not be read. One that is not there needs no record.
    pub(super) fn failed(&self, path: &Path, error: &io::Error) {
        if let (Some(number), false) = (error.raw_os_error(), error.kind() == io::ErrorKind::NotFound) {
            lock(&self.errors).insert(inner(path), number);
        }
    }

    /// A file that was read.
    pub(super) fn file(&self, path: &Path, bytes: &[u8]) {
        self.note(|| {
            let place = self.place(path)?;
            if let Some(parent) = place.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(place, bytes)
        });
    }

    /// A folder whose entries were listed: entries that nobody reads are there as well, empty.
    pub(super) fn listing(&self, path: &Path, names: &[String]) {
        self.note(|| {
            fs::create_dir_all(self.place(path)?)?;
            names.iter().try_for_each(|name| self.entry(&path.join(name)))
        });
    }

    /// Something that was found to be there.
    pub(super) fn exists(&self, path: &Path) {
        self.note(|| self.entry(path));
    }

    /// An answer of a device.
    pub(super) fn answer(&self, path: &Path, key: &str, answer: &io::Result<Answer>) {
        self.note(|| device::record(&self.folder.join(inner(path)), key, answer));
    }

    fn note(&self, write: impl FnOnce() -> io::Result<()>) {
        if let Err(error) = write() {
            lock(&self.trouble).get_or_insert(error);
        }
    }

    fn entry(&self, path: &Path) -> io::Result<()> {
        let Ok(kind) = fs::symlink_metadata(path) else { return Ok(()) };
        let place = self.place(path)?;
        // A link stands already, made on the way to it; what it leads to is there at least as a folder or an empty file.
        if fs::metadata(path).unwrap_or(kind).is_dir() {
            return fs::create_dir_all(place);
        }
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::OpenOptions::new().append(true).create(true).open(place).map(|_| ())
    }

    /// Where a path of the host goes, with every symbolic link on the way to it made in the capture too.
    fn place(&self, path: &Path) -> io::Result<PathBuf> {
        let mut real = PathBuf::from("/");
        let mut left: Vec<PathBuf> = parts(path);
        let mut links = 0;
        while let Some(part) = left.pop() {
            if part == Path::new("..") {
                real.pop();
                continue;
            }
            let step = real.join(&part);
            match fs::read_link(&step) {
                Ok(target) => {
                    links += 1;
                    if links > LINKS_MAX {
                        return Err(io::Error::from_raw_os_error(libc::ELOOP));
                    }
                    self.link(&step, &real, &target)?;
                    if target.is_absolute() {
                        real = PathBuf::from("/");
                    }
                    left.extend(parts(&target));
                }
                Err(_) => real = step,
            }
        }
        Ok(self.folder.join(inner(&real)))
    }

    /// Makes a link as it is; an absolute one leads from the capture's own root.
    fn link(&self, at: &Path, parent: &Path, target: &Path) -> io::Result<()> {
        let place = self.folder.join(inner(at));
        if fs::symlink_metadata(&place).is_ok() {
            return Ok(());
        }
        fs::create_dir_all(self.folder.join(inner(parent)))?;
        let target = match target.is_absolute() {
            false => target.to_owned(),
            true => {
                let up = parent.components().filter(|part| matches!(part, Component::Normal(_))).count();
                let mut relative: PathBuf = std::iter::repeat_n("..", up).collect();
                relative.push(inner(target));
                relative
            }
        };
        std::os::unix::fs::symlink(target, place)
    }
}

/// What a capture says could not be read.
pub(super) fn errors(folder: &Path) -> BTreeMap<PathBuf, i32> {
    let text = fs::read_to_string(folder.join(ERRORS)).unwrap_or_default();
    let line = |line: &str| {
        let (number, path) = line.split_once(' ')?;
        Some((PathBuf::from(path), number.parse().ok()?))
    };
    text.lines().filter_map(line).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A path without its root.
pub(super) fn inner(path: &Path) -> PathBuf {
    path.components().filter(|part| matches!(part, Component::Normal(_))).collect()
}

/// Components of a path, the last first.
fn parts(path: &Path) -> Vec<PathBuf> {
    let part = |part: Component<'_>| match part {
        Component::Normal(name) => Some(PathBuf::from(name)),
        Component::ParentDir => Some(PathBuf::from("..")),
        _ => None,
    };
    let mut parts: Vec<PathBuf> = path.components().filter_map(part).collect();
    parts.reverse();
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_kept_and_lead_inside_the_capture() {
        let (host, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = host.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("sys/devices/pci/sda/queue")).unwrap();
        fs::create_dir_all(root.join("sys/block")).unwrap();
        std::os::unix::fs::symlink("../devices/pci/sda", root.join("sys/block/sda")).unwrap();
        std::os::unix::fs::symlink(root.join("sys/devices/pci"), root.join("bus")).unwrap();
        fs::write(root.join("sys/devices/pci/sda/size"), "8\n").unwrap();
        let recorder = Recorder::new(out.path());
        recorder.file(&root.join("sys/block/sda/size"), b"8\n");
        recorder.listing(&root.join("bus/sda"), &["size".into(), "queue".into()]);
        recorder.failed(&root.join("secret"), &io::Error::from_raw_os_error(libc::EACCES));
        recorder.finish().unwrap();
        let copy = out.path().join(inner(&root));
        assert_eq!(errors(out.path()), [(inner(&root.join("secret")), libc::EACCES)].into());
        assert_eq!(fs::read_link(copy.join("sys/block/sda")).unwrap(), Path::new("../devices/pci/sda"));
        assert_eq!(fs::read_to_string(copy.join("bus/sda/size")).unwrap(), "8\n");
        assert!(copy.join("bus/sda/queue").is_dir());
        assert!(fs::canonicalize(copy.join("bus")).unwrap().starts_with(out.path().canonicalize().unwrap()));
    }

    #[test]
    fn what_cannot_be_written_is_told() {
        let out = tempfile::tempdir().unwrap();
        fs::write(out.path().join("proc"), "in the way").unwrap();
        let recorder = Recorder::new(out.path());
        recorder.file(Path::new("/proc/x"), b"1");
        assert!(recorder.finish().is_err());
    }
}
