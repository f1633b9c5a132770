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

/// Places in the structure, in bytes.
mod place {
    pub(super) const NAME: usize = 0;
    pub(super) const LIST: usize = 4112;
    pub(super) const LIST_BYTES: usize = 4120;
    /// Whether there is a list: not of what the kernel keeps for itself.
    pub(super) const FILLED: usize = 4128;
    pub(super) const COOKIE: usize = 12616;
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
        let bytes: Vec<u8> =
            (0..NAME_BYTES_MAX).map(|at| self.byte(place::NAME + at)).take_while(|&byte| byte != 0).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Puts it to the kernel; `list` is where its answer goes.
    fn call(&mut self, device: &File, number: u64, list: &mut [u8]) -> io::Result<()> {
        self.set(place::LIST, if list.is_empty() { 0 } else { list.as_mut_ptr().expose_provenance() as u64 });
        self.set(place::LIST_BYTES, list.len() as u64);
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
    }

    #[test]
    fn what_is_no_control_device_refuses() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(ask(file.path(), Command::PoolConfigs, "", 0).is_err());
        assert!(count_snapshots(file.path(), "tank", 10).is_err());
        let missing = ask(Path::new("/nowhere"), Command::PoolStats, "tank", 0).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
