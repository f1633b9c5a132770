//! NVMe admin commands by ioctl (include/uapi/linux/nvme_ioctl.h). A namespace's block device takes them as well as the
//! controller's own device, and belongs to a group that may be joined.

use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use crate::host::{Answer, Question};

/// Longest answer, in bytes.
const DATA_BYTES_MAX: usize = 64 << 10;
/// When the kernel gives a command up, in milliseconds.
const TIMEOUT_MSEC: u32 = 60_000;
/// `NVME_IOCTL_ADMIN_CMD`, `_IOWR('N', 0x41, struct nvme_admin_cmd)`.
const NVME_IOCTL_ADMIN_CMD: u64 = 0xc048_4e41;

/// An admin command that takes data from the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdminCommand {
    opcode: u8,
    namespace: u32,
    dword10: u32,
    data_bytes: usize,
}

impl AdminCommand {
    /// Identify (Base Specification 2.1, 5.1.13): `what` is 0 for a namespace, 1 for the controller.
    pub fn identify(what: u8, namespace: u32) -> Self {
        const BYTES: usize = 4096;
        Self { opcode: 0x06, namespace, dword10: u32::from(what), data_bytes: BYTES }
    }

    /// Get Log Page (Base Specification 2.1, 5.1.12) of the whole controller: so many bytes, a multiple of 4.
    pub fn log_page(page: u8, data_bytes: usize) -> Self {
        let data_bytes = data_bytes.clamp(4, DATA_BYTES_MAX) & !3;
        let last_dword = (data_bytes / 4 - 1) as u32;
        Self { opcode: 0x02, namespace: u32::MAX, dword10: last_dword << 16 | u32::from(page), data_bytes }
    }
}

impl Question for AdminCommand {
    fn key(&self) -> String {
        format!("nvme-{:02x}-{:x}-{:x}", self.opcode, self.namespace, self.dword10)
    }

    /// The answer's status is the completion's status field, two bytes little-endian; 0 is success.
    fn ask(&self, device: &Path) -> io::Result<Answer> {
        let file = rustix::fs::open(device, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        let mut data = vec![0_u8; self.data_bytes];
        let mut command = NvmeCommand {
            opcode: self.opcode,
            namespace: self.namespace,
            address: data.as_mut_ptr() as u64,
            data_length: self.data_bytes as u32,
            dwords: [self.dword10, 0, 0, 0, 0, 0],
            timeout_msec: TIMEOUT_MSEC,
            ..NvmeCommand::default()
        };
        #[expect(unsafe_code, reason = "the ioctl has no safe wrapper among our dependencies")]
        // SAFETY: the command is laid out as nvme_ioctl.h says; its address is that of a buffer of the length beside it, which
        // lives until the call returns.
        let result = unsafe { libc::ioctl(file.as_raw_fd(), NVME_IOCTL_ADMIN_CMD as _, &raw mut command) };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        let status = u16::try_from(result).unwrap_or(u16::MAX);
        if status != 0 {
            data.clear();
        }
        Ok(Answer { data, status: status.to_le_bytes().to_vec() })
    }
}

/// `struct nvme_admin_cmd` of nvme_ioctl.h.
#[repr(C)]
#[derive(Default)]
struct NvmeCommand {
    opcode: u8,
    flags: u8,
    reserved: u16,
    namespace: u32,
    dwords_2_3: [u32; 2],
    metadata: u64,
    address: u64,
    metadata_length: u32,
    data_length: u32,
    /// Dwords 10 to 15.
    dwords: [u32; 6],
    timeout_msec: u32,
    result: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_named_and_laid_out_as_the_kernel_has_them() {
        assert_eq!(size_of::<NvmeCommand>(), 72);
        assert_eq!(AdminCommand::log_page(2, 512).key(), "nvme-02-ffffffff-7f0002");
        assert_eq!(AdminCommand::identify(1, 0).key(), "nvme-06-0-1");
        let error = AdminCommand::identify(1, 0).ask(Path::new("/dev/null")).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOTTY));
    }
}
