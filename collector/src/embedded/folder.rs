//! The data folder: who may use it, who owns what in it.

use super::EmbeddedError;
use super::child::RunAs;
use super::run_file;
use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// What a first start needs: a fresh cluster with its journal is about 80 MB.
const FREE_BYTES_MIN: u64 = 200 << 20;
/// What a later start needs.
const FREE_BYTES_MIN_AGAIN: u64 = 32 << 20;

/// The folder, locked for this process.
#[derive(Debug)]
pub(super) struct DataFolder {
    path: PathBuf,
    run_as: Option<RunAs>,
    _lock: File,
}

impl DataFolder {
    /// Makes the folder where it is missing, locks it and finds out who runs the servers.
    pub(super) fn open(path: &Path, user: &str) -> Result<Self, EmbeddedError> {
        make_folder(path, 0o755)?;
        let path = path.canonicalize().map_err(EmbeddedError::folder("use", path))?;
        let lock = lock(&path)?;
        let run_as = run_as(&path.join("postgres"), user)?;
        let folder = Self { path, run_as, _lock: lock };
        folder.check_room()?;
        for name in ["postgres", "nats"] {
            make_folder(&folder.path.join(name), 0o700)?;
            folder.give(&folder.path.join(name))?;
        }
        for name in ["run", "log"] {
            make_folder(&folder.path.join(name), 0o700)?;
        }
        Ok(folder)
    }

    pub(super) fn postgres(&self) -> PathBuf {
        self.path.join("postgres")
    }

    pub(super) fn nats(&self) -> PathBuf {
        self.path.join("nats")
    }

    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.path.join("log").join(name)
    }

    pub(super) fn ports_file(&self) -> PathBuf {
        self.path.join("run").join("ports.json")
    }

    pub(super) fn run_file(&self) -> PathBuf {
        self.path.join("run").join(run_file::NAME)
    }

    /// User and group of the servers; `None` when it is our own.
    pub(super) fn run_as(&self) -> Option<RunAs> {
        self.run_as
    }

    /// Writes a file that only its owner reads: at once or not at all. `for_servers` makes their user the owner.
    pub(super) fn write_private(
        &self,
        path: &Path,
        content: &str,
        for_servers: bool,
    ) -> Result<(), EmbeddedError> {
        let temporary = path.with_extension("new");
        let write = || -> io::Result<()> {
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
            file.set_permissions(Permissions::from_mode(0o600))?;
            file.write_all(content.as_bytes())?;
            file.sync_all()
        };
        write().map_err(EmbeddedError::folder("write", path))?;
        if for_servers {
            self.give(&temporary)?;
        }
        std::fs::rename(&temporary, path).map_err(EmbeddedError::folder("write", path))
    }

    /// The password in `path`, made at the first call.
    pub(super) fn password(&self, path: &Path) -> Result<String, EmbeddedError> {
        match std::fs::read_to_string(path) {
            Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(EmbeddedError::folder("read", path)(error)),
        }
        // 244 random bits from the kernel.
        let password = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        self.write_private(path, &format!("{password}\n"), true)?;
        Ok(password)
    }

    /// Bytes that an unprivileged user can still write.
    pub(super) fn free_bytes(&self) -> Option<u64> {
        let stat = rustix::fs::statvfs(&self.path).ok()?;
        Some(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// The error for a full disk.
    pub(super) fn disk_full(&self) -> EmbeddedError {
        EmbeddedError::DiskFull {
            path: self.path.clone(),
            free_bytes: self.free_bytes().unwrap_or(0),
            needed_bytes: FREE_BYTES_MIN,
        }
    }

    fn check_room(&self) -> Result<(), EmbeddedError> {
        let again = self.postgres().join("cluster").exists();
        let needed_bytes = if again { FREE_BYTES_MIN_AGAIN } else { FREE_BYTES_MIN };
        match self.free_bytes() {
            Some(free_bytes) if free_bytes < needed_bytes => {
                Err(EmbeddedError::DiskFull { path: self.path.clone(), free_bytes, needed_bytes })
            }
            _ => Ok(()),
        }
    }

    fn give(&self, path: &Path) -> Result<(), EmbeddedError> {
        match self.run_as {
            Some(RunAs { uid, gid }) => {
                chown(path, Some(uid), Some(gid)).map_err(EmbeddedError::folder("change the owner of", path))
            }
            None => Ok(()),
        }
    }
}

fn make_folder(path: &Path, mode: u32) -> Result<(), EmbeddedError> {
    DirBuilder::new().recursive(true).mode(mode).create(path).map_err(EmbeddedError::folder("create", path))
}

fn lock(folder: &Path) -> Result<File, EmbeddedError> {
    let path = folder.join("lock");
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o644);
    let mut file = options.open(&path).map_err(EmbeddedError::folder("write", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let _ = file.read_to_string(&mut pid);
            let pid = if pid.trim().is_empty() { "unknown".to_owned() } else { pid.trim().to_owned() };
            return Err(EmbeddedError::InUse { path: folder.to_owned(), pid });
        }
        Err(TryLockError::Error(error)) => return Err(EmbeddedError::folder("lock", &path)(error)),
    }
    let write = || -> io::Result<()> {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())
    };
    let mut write = write;
    write().map_err(EmbeddedError::folder("write", &path))?;
    Ok(file)
}

/// Who runs the servers: nobody but us, unless we are root. A folder that exists keeps its owner.
fn run_as(existing: &Path, user: &str) -> Result<Option<RunAs>, EmbeddedError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    if let Ok(meta) = std::fs::metadata(existing)
        && meta.uid() != 0
    {
        return Ok(Some(RunAs { uid: meta.uid(), gid: meta.gid() }));
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let found = find_user(&users, user).filter(|found| found.uid != 0);
    found.map(Some).ok_or_else(|| EmbeddedError::NoUser { user: user.to_owned() })
}

/// Looks a user up in the text of `/etc/passwd` (passwd(5): name:password:uid:gid:…).
fn find_user(users: &str, name: &str) -> Option<RunAs> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then_some(())?;
        Some(RunAs { uid: fields.nth(1)?.parse().ok()?, gid: fields.next()?.parse().ok()? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_name() {
        let users = "root:x:0:0:root:/root:/bin/bash\npostgres:x:101:104:PostgreSQL,,,:/var/lib:/bin/sh\n";
        assert_eq!(find_user(users, "postgres"), Some(RunAs { uid: 101, gid: 104 }));
        assert_eq!(find_user(users, "postgre"), None);
        assert_eq!(find_user("broken:x:a:b", "broken"), None);
    }
}
