//! SCSI commands to a disk by the ioctl SG_IO (include/scsi/sg.h, version 3). ATA commands travel in them (SAT-5, 12.2).

use std::ffi::{c_int, c_void};
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use crate::host::{Answer, Question};

/// Longest command, in bytes.
const COMMAND_BYTES_MAX: usize = 16;
/// Room for sense data, in bytes: more than either format needs here.
const SENSE_BYTES: usize = 64;
/// Longest answer, in bytes.
const DATA_BYTES_MAX: usize = 64 << 10;
/// When the kernel gives a command up and resets the link, in milliseconds. A disk that recovers from an error may need long;
/// who waits for the answer waits elsewhere.
const TIMEOUT_MSEC: u32 = 60_000;
/// `SG_IO` of sg.h.
const SG_IO: u64 = 0x2285;

/// A SCSI command that takes data from the disk, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScsiCommand {
    bytes: [u8; COMMAND_BYTES_MAX],
    length: usize,
    data_bytes: usize,
}

impl ScsiCommand {
    /// A command of 6, 10, 12 or 16 bytes whose answer has at most so many bytes; 0 for none.
    pub fn new<const N: usize>(command: [u8; N], data_bytes: usize) -> Self {
        const { assert!(N <= COMMAND_BYTES_MAX) }
        let mut bytes = [0; COMMAND_BYTES_MAX];
        bytes[..N].copy_from_slice(&command);
        Self { bytes, length: N, data_bytes: data_bytes.min(DATA_BYTES_MAX) }
    }

    /// The command itself.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Question for ScsiCommand {
    fn key(&self) -> String {
        let hex: String = self.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sg-{hex}")
    }

    /// The answer's status is the SCSI status byte and, behind it, the sense data.
    fn ask(&self, device: &Path) -> io::Result<Answer> {
        // Without O_NONBLOCK opening a removable disk looks for its medium.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::open(device, flags, Mode::empty())?;
        let mut command = self.bytes;
        let mut data = vec![0; self.data_bytes];
        let mut sense = [0; SENSE_BYTES];
        let mut header = SgHeader {
            interface_id: c_int::from(b'S'),
            direction: if self.data_bytes == 0 { SG_DXFER_NONE } else { SG_DXFER_FROM_DEV },
            command_length: self.length as u8,
            sense_max: SENSE_BYTES as u8,
            data_length: self.data_bytes as u32,
            data: data.as_mut_ptr().cast(),
            command: command.as_mut_ptr(),
            sense: sense.as_mut_ptr(),
            timeout: TIMEOUT_MSEC,
            ..SgHeader::default()
        };
        #[expect(unsafe_code, reason = "SG_IO has no safe wrapper among our dependencies")]
        // SAFETY: the header is laid out as sg.h says; its three pointers lead to buffers of the lengths beside them, which live
        // until the call returns, and the kernel does not keep them.
        let result = unsafe { libc::ioctl(file.as_raw_fd(), SG_IO as _, &raw mut header) };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        if let Some(error) = transport_error(header.host_status, header.driver_status) {
            return Err(io::Error::from_raw_os_error(error));
        }
        let missing = usize::try_from(header.residual).unwrap_or(0);
        cut(&mut data, missing);
        let sense = &sense[..usize::from(header.sense_written).min(SENSE_BYTES)];
        let mut status = vec![header.status];
        status.extend(sense);
        Ok(Answer { data, status })
    }
}

/// Leaves out what did not come. Some bridges say that nothing came although it did: what is not zero came.
fn cut(data: &mut Vec<u8>, missing: usize) {
    let came = data.len().saturating_sub(missing);
    if data[came..].iter().all(|&b| b == 0) {
        data.truncate(came);
    }
}

/// The error behind what went wrong on the way, if anything did (`DID_*` of include/scsi/scsi_status.h; `DRIVER_*` before
/// Linux 5.14).
fn transport_error(host: u16, driver: u16) -> Option<i32> {
    const DRIVER_SENSE: u16 = 8;
    match (host, driver & 0xf) {
        (0, 0 | DRIVER_SENSE) => None,
        (0, 6) | (3, _) => Some(libc::ETIMEDOUT),
        (1 | 4, _) => Some(libc::ENODEV),
        (2, _) | (0, 1) => Some(libc::EBUSY),
        _ => Some(libc::EIO),
    }
}

const SG_DXFER_NONE: c_int = -1;
const SG_DXFER_FROM_DEV: c_int = -3;

/// `struct sg_io_hdr` of sg.h.
#[repr(C)]
struct SgHeader {
    interface_id: c_int,
    direction: c_int,
    command_length: u8,
    sense_max: u8,
    vector_count: u16,
    data_length: u32,
    data: *mut c_void,
    command: *mut u8,
    sense: *mut u8,
    timeout: u32,
    flags: u32,
    pack_id: c_int,
    user: *mut c_void,
    status: u8,
    masked_status: u8,
    message_status: u8,
    sense_written: u8,
    host_status: u16,
    driver_status: u16,
    residual: c_int,
    duration: u32,
    info: u32,
}

impl Default for SgHeader {
    fn default() -> Self {
        Self {
            interface_id: 0,
            direction: 0,
            command_length: 0,
            sense_max: 0,
            vector_count: 0,
            data_length: 0,
            data: std::ptr::null_mut(),
            command: std::ptr::null_mut(),
            sense: std::ptr::null_mut(),
            timeout: 0,
            flags: 0,
            pack_id: 0,
            user: std::ptr::null_mut(),
            status: 0,
            masked_status: 0,
            message_status: 0,
            sense_written: 0,
            host_status: 0,
            driver_status: 0,
            residual: 0,
            duration: 0,
            info: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_named_by_its_bytes() {
        let command = ScsiCommand::new([0x03, 0, 0, 0, 0xfc, 0], 252);
        assert_eq!(command.key(), "sg-03000000fc00");
        #[cfg(target_pointer_width = "64")]
        assert_eq!((size_of::<SgHeader>(), std::mem::offset_of!(SgHeader, status)), (88, 64));
    }

    #[test]
    fn what_did_not_come_is_left_out_unless_it_did() {
        let mut data = vec![1, 2, 0, 0];
        cut(&mut data, 2);
        assert_eq!(data, [1, 2]);
        cut(&mut data, 2);
        assert_eq!(data, [1, 2]);
        cut(&mut data, 99);
        assert_eq!(data, [1, 2]);
    }

    #[test]
    fn a_file_that_is_no_disk_is_an_error() {
        let command = ScsiCommand::new([0; 6], 0);
        assert_eq!(command.ask(Path::new("/dev/null")).unwrap_err().raw_os_error(), Some(libc::ENOTTY));
        assert_eq!(command.ask(Path::new("/nowhere")).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(transport_error(3, 0), Some(libc::ETIMEDOUT));
        assert_eq!(transport_error(0, 8), None);
    }
}
