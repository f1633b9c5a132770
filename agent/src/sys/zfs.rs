//! OpenZFS' control device, by ioctl. A command is a fixed structure (`zfs_cmd_t` of include/sys/zfs_ioctl.h, the same in all
//! versions from 2.0 to 2.4 and on 32 and 64 bits), through which the kernel also tells where its answer, a packed list, went.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

/// Read-only commands, by the number of their ioctl (`zfs_ioc_t` of include/sys/fs/zfs.h).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Command {
    /// Configurations of all pools, without counts.
    PoolConfigs = 0x5a04,
    /// Configuration and counts of one pool. The cookie of the reply is the error that kept it from being opened.
    PoolStats = 0x5a05,
    /// Properties of a dataset or snapshot.
    ObjsetStats = 0x5a12,
    /// The next dataset right below one, with its properties; `ESRCH` when there is none left.
    DatasetListNext = 0x5a14,
    /// Properties of a pool.
    PoolGetProps = 0x5a27,
}

/// The next snapshot of a dataset.
const SNAPSHOT_LIST_NEXT: u64 = 0x5a15;
/// Places with damage that could not be repaired. The kernel asks for `CAP_SYS_ADMIN` (`secpolicy_zinject`) and says `EACCES`
/// without it; nothing that `zfs allow` grants replaces it.
const ERROR_LOG: u64 = 0x5a20;
/// Name of the dataset with a number in its pool: `CAP_SYS_ADMIN`, or `zfs allow … diff`.
const DSOBJ_TO_DSNAME: u64 = 0x5a24;
/// Path of an object in a filesystem or snapshot, from its root; needs the same.
const OBJ_TO_PATH: u64 = 0x5a25;

/// What the kernel answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// The packed list.
    pub list: Vec<u8>,
    /// Name of what the list is about.
    pub name: String,
    /// Where a listing goes on.
    pub cookie: u64,
    /// Type of the dataset, `dmu_objset_type_t`.
    pub kind: u32,
    /// A dataset that is just being received.
    pub inconsistent: bool,
}

/// The log of damage of a pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorLog {
    /// Places, [`BOOKMARK_BYTES`] each: `zbookmark_phys_t` of include/sys/zio.h.
    pub bookmarks: Vec<u8>,
    /// Whether these are all.
    pub complete: bool,
}

/// Places in the structure, in bytes.
mod place {
    pub(super) const NAME: usize = 0;
    pub(super) const LIST: usize = 4112;
    pub(super) const LIST_BYTES: usize = 4120;
    /// Whether there is a list: not of what the kernel keeps for itself.
    pub(super) const FILLED: usize = 4128;
    pub(super) const VALUE: usize = 4144;
    pub(super) const COOKIE: usize = 12616;
    pub(super) const OBJECT: usize = 12656;
    pub(super) const STATS: usize = 12704;
    pub(super) const STATS_TYPE: usize = STATS + 24;
    pub(super) const STATS_INCONSISTENT: usize = STATS + 29;
    pub(super) const SIMPLE: usize = 13668;
    /// Size of the structure.
    pub(super) const END: usize = 13744;
}

/// Longest name, its NUL included (`ZFS_MAX_DATASET_NAME_LEN`).
const NAME_BYTES_MAX: usize = 256;
/// Room for the structure, should a later version have a longer one.
const ROOM_BYTES: usize = 4 * 8192;
const _: () = assert!(place::END * 2 < ROOM_BYTES);
/// First size of the buffer for a list, in bytes; the kernel says when it needs more.
const LIST_BYTES: usize = 64 << 10;
/// Largest list that is taken, in bytes.
const LIST_BYTES_MAX: usize = 16 << 20;
/// Longest text of an answer, its NUL included (`zc_value`).
const VALUE_BYTES: usize = 8192;
/// Size of a place in the log of damage, in bytes.
pub const BOOKMARK_BYTES: usize = 32;
/// Places that are asked for at first, and at most: 512 KiB. A log is as long as there are damaged blocks.
const BOOKMARKS: usize = 1 << 10;
const BOOKMARKS_MAX: usize = 16 << 10;

/// The structure.
struct Request {
    bytes: Vec<u64>,
}

impl Request {
    fn new() -> Self {
        Self { bytes: vec![0; ROOM_BYTES / 8] }
    }

    fn set(&mut self, at: usize, value: u64) {
        self.bytes[at / 8] = value;
    }

    fn get(&self, at: usize) -> u64 {
        self.bytes[at / 8]
    }

    fn byte(&self, at: usize) -> u8 {
        self.bytes[at / 8].to_ne_bytes()[at % 8]
    }

    fn int(&self, at: usize) -> u32 {
        u32::from_ne_bytes([0, 1, 2, 3].map(|next| self.byte(at + next)))
    }

    fn set_byte(&mut self, at: usize, value: u8) {
        let mut word = self.bytes[at / 8].to_ne_bytes();
        word[at % 8] = value;
        self.bytes[at / 8] = u64::from_ne_bytes(word);
    }

    /// Sets what it is about.
    fn name(&mut self, name: &str) -> io::Result<()> {
        if name.len() >= NAME_BYTES_MAX || name.contains('\0') {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        // The kernel appends to it, so all of the last one goes.
        for at in 0..NAME_BYTES_MAX {
            self.set_byte(place::NAME + at, name.as_bytes().get(at).copied().unwrap_or(0));
        }
        Ok(())
    }

    fn named(&self) -> String {
        String::from_utf8_lossy(&self.text(place::NAME, NAME_BYTES_MAX)).into_owned()
    }

    /// What stands at a place before a NUL.
    fn text(&self, at: usize, longest: usize) -> Vec<u8> {
        (at..at + longest).map(|at| self.byte(at)).take_while(|&byte| byte != 0).collect()
    }

    /// Puts it to the kernel; `list` is where its answer goes.
    fn call(&mut self, device: &File, number: u64, list: &mut [u8]) -> io::Result<()> {
        self.set(place::LIST, if list.is_empty() { 0 } else { list.as_mut_ptr().expose_provenance() as u64 });
        // The log of damage is counted in places.
        let unit = if number == ERROR_LOG { BOOKMARK_BYTES } else { 1 };
        self.set(place::LIST_BYTES, (list.len() / unit) as u64);
        #[expect(unsafe_code, reason = "no crate knows these ioctls")]
        // SAFETY: the kernel reads and writes its `zfs_cmd_t` at the third argument, for which there is more than twice the
        // room, aligned to 8; and writes at most as many bytes as said to the buffer, which lives until the call returns.
        let result =
            unsafe { libc::ioctl(device.as_raw_fd(), number as libc::Ioctl, self.bytes.as_mut_ptr()) };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

/// Puts a command to the control device. `cookie` is 0, or that of the last reply of a listing.
///
/// # Errors
/// What the kernel says; `ESRCH` at the end of a listing.
pub fn ask(device: &Path, command: Command, name: &str, cookie: u64) -> io::Result<Reply> {
    let device = File::open(device)?;
    let mut request = Request::new();
    let mut list = vec![0; LIST_BYTES];
    loop {
        request.name(name)?;
        request.set(place::COOKIE, cookie);
        match request.call(&device, command as u64, &mut list) {
            Ok(()) => break,
            Err(error) if error.raw_os_error() == Some(libc::ENOMEM) => {
                // Devices may have been added since it said how much it needs.
                let needed = usize::try_from(request.get(place::LIST_BYTES)).unwrap_or(usize::MAX);
                let size = needed.saturating_add(needed / 8).max(list.len() * 2);
                if list.len() >= LIST_BYTES_MAX {
                    return Err(error);
                }
                list = vec![0; size.min(LIST_BYTES_MAX)];
            }
            Err(error) => return Err(error),
        }
    }
    let filled = request.int(place::FILLED) != 0;
    list.truncate(if filled { usize::try_from(request.get(place::LIST_BYTES)).unwrap_or(0) } else { 0 });
    list.shrink_to_fit();
    Ok(Reply {
        list,
        name: request.named(),
        cookie: request.get(place::COOKIE),
        kind: request.int(place::STATS_TYPE),
        inconsistent: request.byte(place::STATS_INCONSISTENT) != 0,
    })
}

/// Counts the snapshots of a dataset, at most so many of them. One call each, which yields nothing but a name: what the snapshots
/// are would have to be read from the pool.
///
/// # Errors
/// What the kernel says.
pub fn count_snapshots(device: &Path, dataset: &str, limit: u64) -> io::Result<u64> {
    let device = File::open(device)?;
    let mut request = Request::new();
    request.set_byte(place::SIMPLE, 1);
    for count in 0..limit {
        request.name(dataset)?;
        match request.call(&device, SNAPSHOT_LIST_NEXT, &mut []) {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => return Ok(count),
            Err(error) => return Err(error),
        }
    }
    Ok(limit)
}

/// Reads the log of damage of a pool, as far as there is room for it.
///
/// # Errors
/// What the kernel says; `EACCES` without `CAP_SYS_ADMIN`.
pub fn error_log(device: &Path, pool: &str) -> io::Result<ErrorLog> {
    let device = File::open(device)?;
    let mut request = Request::new();
    let mut count = BOOKMARKS;
    loop {
        let mut bookmarks = vec![0; count * BOOKMARK_BYTES];
        request.name(pool)?;
        match request.call(&device, ERROR_LOG, &mut bookmarks) {
            Ok(()) => {
                // It is filled from the end; what is left at the start is told.
                let left = usize::try_from(request.get(place::LIST_BYTES)).unwrap_or(count).min(count);
                bookmarks.drain(..left * BOOKMARK_BYTES);
                return Ok(ErrorLog { bookmarks, complete: true });
            }
            Err(error) if error.raw_os_error() != Some(libc::ENOMEM) => return Err(error),
            // It was filled before it was found too small.
            Err(_) if count >= BOOKMARKS_MAX => return Ok(ErrorLog { bookmarks, complete: false }),
            Err(_) => count *= 4,
        }
    }
}

/// Name of the dataset or snapshot that has this number in its pool.
///
/// # Errors
/// What the kernel says; `ENOENT` when it was destroyed.
pub fn dataset_name(device: &Path, pool: &str, object: u64) -> io::Result<Vec<u8>> {
    text_of(device, DSOBJ_TO_DSNAME, pool, object)
}

/// Path of an object below the root of its filesystem or snapshot, with a leading slash. Reads folders from the pool.
///
/// # Errors
/// What the kernel says: it is no file, was deleted, or its folder cannot be read.
pub fn object_path(device: &Path, dataset: &str, object: u64) -> io::Result<Vec<u8>> {
    text_of(device, OBJ_TO_PATH, dataset, object)
}

fn text_of(device: &Path, number: u64, name: &str, object: u64) -> io::Result<Vec<u8>> {
    let device = File::open(device)?;
    let mut request = Request::new();
    request.name(name)?;
    request.set(place::OBJECT, object);
    request.call(&device, number, &mut [])?;
    Ok(request.text(place::VALUE, VALUE_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_lie_where_the_kernel_looks_for_them() {
        let mut request = Request::new();
        request.name("tank/längst").unwrap();
        assert_eq!(request.named(), "tank/längst");
        request.name("tank").unwrap();
        assert_eq!((request.named().as_str(), request.byte(4)), ("tank", 0));
        request.set_byte(place::SIMPLE, 1);
        request.set(place::COOKIE, u64::MAX);
        assert_eq!((request.byte(place::SIMPLE), request.byte(place::SIMPLE + 1)), (1, 0));
        assert_eq!((request.get(place::COOKIE), request.get(place::COOKIE + 8)), (u64::MAX, 0));
        assert!(request.name(&"x".repeat(NAME_BYTES_MAX)).is_err());
        request.set(place::OBJECT, 7);
        assert_eq!((request.get(place::OBJECT), request.text(place::VALUE, VALUE_BYTES)), (7, Vec::new()));
    }

    #[test]
    fn what_is_no_control_device_refuses() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(ask(file.path(), Command::PoolConfigs, "", 0).is_err());
        assert!(count_snapshots(file.path(), "tank", 10).is_err());
        assert!(error_log(file.path(), "tank").is_err());
        assert!(
            dataset_name(file.path(), "tank", 54).is_err() && object_path(file.path(), "tank", 2).is_err()
        );
        let missing = ask(Path::new("/nowhere"), Command::PoolStats, "tank", 0).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
