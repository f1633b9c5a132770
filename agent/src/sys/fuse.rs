//! A mounted filesystem that never answers, for tests: FUSE with nobody behind it.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Why there can be none here: no `/dev/fuse`, no privilege.
#[derive(Debug)]
pub struct Refused(pub String);

/// The mount; unmounted when dropped.
pub struct StalledMount {
    device: Option<File>,
    path: PathBuf,
}

impl StalledMount {
    /// Mounts over a folder, for this thread and those it starts alone: it gets mounts of its own first. From then on each
    /// statfs of the folder waits for an answer that nobody gives.
    ///
    /// # Errors
    /// What it lacks.
    pub fn new(folder: &Path) -> Result<Self, Refused> {
        let refused = |what: &str, error: io::Error| Refused(format!("{what}: {error}"));
        own_mounts().map_err(|error| refused("unshare", error))?;
        let device = File::options().read(true).write(true).open("/dev/fuse");
        let device = device.map_err(|error| refused("open /dev/fuse", error))?;
        let options = format!("fd={},rootmode=40000,user_id=0,group_id=0", device.as_raw_fd());
        let text = |bytes: &[u8]| CString::new(bytes).unwrap();
        let (target, options) = (text(folder.as_os_str().as_bytes()), text(options.as_bytes()));
        #[expect(unsafe_code, reason = "mount has no safe wrapper among our dependencies")]
        // SAFETY: all five are NUL-terminated texts that live until the call returns.
        let result = unsafe {
            let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
            libc::mount(c"stall".as_ptr(), target.as_ptr(), c"fuse".as_ptr(), flags, options.as_ptr().cast())
        };
        if result != 0 {
            return Err(refused("mount", io::Error::last_os_error()));
        }
        Ok(Self { device: Some(device), path: folder.to_owned() })
    }

    /// Closes the device as a dying daemon does: calls that wait fail with `ENOTCONN`.
    pub fn abort(mut self) -> Aborted {
        self.device = None;
        Aborted { _mount: self }
    }
}

/// Gives this thread mounts of its own that nobody else sees.
fn own_mounts() -> io::Result<()> {
    #[expect(unsafe_code, reason = "unshare and mount have no safe wrappers among our dependencies")]
    // SAFETY: unshare takes flags alone; of the mount call's texts only the target counts, the others may be null.
    let done = unsafe {
        let flags = libc::MS_REC | libc::MS_PRIVATE;
        // The second call would change the mounts of all if the first one failed.
        libc::unshare(libc::CLONE_NEWNS) == 0
            && libc::mount(std::ptr::null(), c"/".as_ptr(), std::ptr::null(), flags, std::ptr::null()) == 0
    };
    if done { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A mount whose daemon died; unmounted when dropped.
pub struct Aborted {
    _mount: StalledMount,
}

impl Drop for StalledMount {
    fn drop(&mut self) {
        self.device = None;
        let path = CString::new(self.path.as_os_str().as_bytes()).unwrap();
        #[expect(unsafe_code, reason = "umount2 has no safe wrapper among our dependencies")]
        // SAFETY: a NUL-terminated text that lives until the call returns.
        unsafe {
            libc::umount2(path.as_ptr(), libc::MNT_DETACH);
        }
    }
}
