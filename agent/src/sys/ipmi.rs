//! Requests to the management controller (BMC) of this machine through the kernel's IPMI device: ioctls of
//! include/uapi/linux/ipmi.h, one request and its answer at a time.

use std::ffi::{c_int, c_long, c_short, c_uchar, c_uint, c_ushort};
use std::fmt::Write;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};

use crate::host::{Answer, Question};

/// How long an answer is waited for: the kernel itself tries a controller behind another one for some four seconds.
pub const ANSWER_MAX: Duration = Duration::from_secs(6);
/// Longest request and longest answer, in bytes (`IPMI_MAX_MSG_LENGTH`).
const MESSAGE_BYTES_MAX: usize = 272;
/// Room for an answer, should a later kernel have longer ones.
const ROOM_BYTES: usize = 1024;

/// Which controller is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// The BMC, over the system interface.
    Bmc {
        /// Logical unit.
        lun: u8,
    },
    /// Another controller, through the BMC.
    Controller {
        /// Channel of the BMC on which it is.
        channel: u8,
        /// Its address on that bus, as the sensor records have it: 8 bits, the lowest 0.
        address: u8,
        /// Logical unit.
        lun: u8,
    },
}

/// A request. The agent makes only such as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpmiRequest {
    target: Target,
    netfn: u8,
    command: u8,
    data: Vec<u8>,
    reserved: bool,
}

impl IpmiRequest {
    /// A command of a network function, with what it is about.
    pub fn new(target: Target, netfn: u8, command: u8, data: &[u8]) -> Self {
        let data = data.get(..MESSAGE_BYTES_MAX).unwrap_or(data).to_vec();
        Self { target, netfn, command, data, reserved: false }
    }

    /// Says that its data begins with a reservation of two bytes, which differs from one time to the next and so is no part of
    /// the name under which a capture keeps the answer.
    #[must_use]
    pub fn reserved(mut self) -> Self {
        self.reserved = true;
        self
    }
}

impl Question for IpmiRequest {
    fn key(&self) -> String {
        let mut key = match self.target {
            Target::Bmc { lun: 0 } => "ipmi".to_owned(),
            Target::Bmc { lun } => format!("ipmi-l{lun}"),
            Target::Controller { channel, address, lun } => {
                format!("ipmi-c{channel:x}-a{address:02x}-l{lun}")
            }
        };
        let _ = write!(key, "-{:02x}-{:02x}", self.netfn, self.command);
        for (at, byte) in self.data.iter().enumerate() {
            let byte = if self.reserved && at < 2 { 0 } else { *byte };
            let _ = write!(key, "{}{byte:02x}", if at == 0 { "-" } else { "" });
        }
        key
    }

    /// The answer's status is the completion code.
    fn ask(&self, device: &Path) -> io::Result<Answer> {
        // The kernel asks for no more than an open device to let messages through.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::open(device, flags, Mode::empty())?;
        let until = Instant::now() + ANSWER_MAX;
        loop {
            let id = send(&file, self)?;
            match wait(&file, id, until)? {
                Waited::Answer(answer) => return Ok(answer),
                // Right after an event the controller may mix answers up.
                Waited::Another => {}
            }
        }
    }
}

enum Waited {
    Answer(Answer),
    /// The time of this try is up, and something else has come.
    Another,
}

/// A number no other request of this process has for a while.
fn next_id() -> c_long {
    static NEXT: AtomicU16 = AtomicU16::new(1);
    c_long::from(NEXT.fetch_add(1, Ordering::Relaxed))
}

fn send(file: &OwnedFd, request: &IpmiRequest) -> io::Result<c_long> {
    let id = next_id();
    let mut address = Address::of(request.target);
    let mut data = request.data.clone();
    let mut message = Request {
        address: (&raw mut address).cast(),
        address_length: size_of::<Address>() as c_uint,
        id,
        message: Message {
            netfn: request.netfn,
            command: request.command,
            length: data.len() as c_ushort,
            data: data.as_mut_ptr(),
        },
    };
    #[expect(unsafe_code, reason = "no crate has these ioctls")]
    // SAFETY: the structure is laid out as ipmi.h says; its pointers lead to an address and to data of the lengths beside them,
    // which live until the call returns; the kernel copies them.
    let result = unsafe { libc::ioctl(file.as_raw_fd(), SEND_COMMAND as libc::Ioctl, &raw mut message) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(id) }
}

/// Waits for the answer to a request; what answers another one is dropped.
fn wait(file: &OwnedFd, id: c_long, until: Instant) -> io::Result<Waited> {
    /// How long the right answer may come after a wrong one.
    const GRACE: Duration = Duration::from_secs(1);
    let mut another: Option<Instant> = None;
    loop {
        let end = another.map_or(until, |seen| until.min(seen + GRACE));
        if !readable(file, end)? {
            return match another {
                Some(_) if Instant::now() < until => Ok(Waited::Another),
                _ => Err(io::ErrorKind::TimedOut.into()),
            };
        }
        match receive(file)? {
            Some((got, answer)) if got == id => return Ok(Waited::Answer(answer)),
            Some(_) => another = another.or_else(|| Some(Instant::now())),
            None => {}
        }
    }
}

/// Whether there is something to receive before a time.
fn readable(file: &OwnedFd, end: Instant) -> io::Result<bool> {
    let left = end.saturating_duration_since(Instant::now());
    let milliseconds = c_int::try_from(left.as_millis()).unwrap_or(c_int::MAX).saturating_add(1);
    if left.is_zero() {
        return Ok(false);
    }
    let mut fd = libc::pollfd { fd: file.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    #[expect(unsafe_code, reason = "rustix is built without its polling")]
    // SAFETY: one structure, which lives until the call returns.
    let count = unsafe { libc::poll(&raw mut fd, 1, milliseconds) };
    match count {
        0 => Ok(false),
        1.. if fd.revents & libc::POLLIN != 0 => Ok(true),
        // The driver was unloaded.
        1.. => Err(io::Error::from_raw_os_error(libc::ENODEV)),
        _ => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::Interrupted => Ok(true),
            error => Err(error),
        },
    }
}

/// Takes a message; `None` when there is none, or when it is no answer.
fn receive(file: &OwnedFd) -> io::Result<Option<(c_long, Answer)>> {
    const RESPONSE: c_int = 1;
    let mut address = [0_u64; 8];
    let mut data = [0_u8; ROOM_BYTES];
    let mut received = Received {
        kind: 0,
        address: address.as_mut_ptr().cast(),
        address_length: size_of_val(&address) as c_uint,
        id: 0,
        message: Message { netfn: 0, command: 0, length: ROOM_BYTES as c_ushort, data: data.as_mut_ptr() },
    };
    #[expect(unsafe_code, reason = "no crate has these ioctls")]
    // SAFETY: the structure is laid out as ipmi.h says; its pointers lead to room of the lengths beside them, which lives until
    // the call returns.
    let result =
        unsafe { libc::ioctl(file.as_raw_fd(), RECEIVE_MSG_TRUNC as libc::Ioctl, &raw mut received) };
    if result < 0 {
        let error = io::Error::last_os_error();
        return match error.raw_os_error() {
            Some(libc::EAGAIN | libc::EINTR) => Ok(None),
            // Truncated: what fits is there.
            Some(libc::EMSGSIZE) => Ok(answer(&received, &data)),
            _ => Err(error),
        };
    }
    Ok(if received.kind == RESPONSE { answer(&received, &data) } else { None })
}

fn answer(received: &Received, data: &[u8; ROOM_BYTES]) -> Option<(c_long, Answer)> {
    let bytes = data.get(..usize::from(received.message.length)).unwrap_or(data);
    let (code, rest) = bytes.split_first()?;
    Some((received.id, Answer { data: rest.to_vec(), status: vec![*code] }))
}

/// `struct ipmi_system_interface_addr`, and `struct ipmi_ipmb_addr` of the same length.
#[repr(C)]
struct Address {
    kind: c_int,
    channel: c_short,
    /// Logical unit of the BMC, or address of another controller.
    first: c_uchar,
    /// Logical unit of another controller.
    second: c_uchar,
}

impl Address {
    fn of(target: Target) -> Self {
        const SYSTEM_INTERFACE: c_int = 0x0c;
        const IPMB: c_int = 0x01;
        const BMC_CHANNEL: c_short = 0x0f;
        match target {
            Target::Bmc { lun } => {
                Self { kind: SYSTEM_INTERFACE, channel: BMC_CHANNEL, first: lun & 3, second: 0 }
            }
            Target::Controller { channel, address, lun } => {
                Self { kind: IPMB, channel: c_short::from(channel), first: address, second: lun & 3 }
            }
        }
    }
}

/// `struct ipmi_msg`.
#[repr(C)]
struct Message {
    netfn: c_uchar,
    command: c_uchar,
    length: c_ushort,
    data: *mut c_uchar,
}

/// `struct ipmi_req`.
#[repr(C)]
struct Request {
    address: *mut c_uchar,
    address_length: c_uint,
    id: c_long,
    message: Message,
}

/// `struct ipmi_recv`.
#[repr(C)]
struct Received {
    kind: c_int,
    address: *mut c_uchar,
    address_length: c_uint,
    id: c_long,
    message: Message,
}

/// `IPMICTL_SEND_COMMAND`.
const SEND_COMMAND: u64 = number(2, 13, size_of::<Request>());
/// `IPMICTL_RECEIVE_MSG_TRUNC`.
const RECEIVE_MSG_TRUNC: u64 = number(3, 11, size_of::<Received>());

/// Number of an ioctl of the IPMI device: direction (1 to the kernel, 2 from it), command, size of the structure
/// (include/uapi/asm-generic/ioctl.h).
const fn number(direction: u64, command: u64, size: usize) -> u64 {
    direction << 30 | (size as u64) << 16 | (b'i' as u64) << 8 | command
}

#[cfg(test)]
mod tests {
    use super::*;

    const BMC: Target = Target::Bmc { lun: 0 };

    #[test]
    fn requests_are_named_by_what_they_ask_and_laid_out_as_the_kernel_has_them() {
        #[cfg(target_pointer_width = "64")]
        assert_eq!((SEND_COMMAND, RECEIVE_MSG_TRUNC), (0x8028_690d, 0xc030_690b));
        assert_eq!(size_of::<Address>(), 8);
        assert_eq!(IpmiRequest::new(BMC, 6, 1, &[]).key(), "ipmi-06-01");
        let record = IpmiRequest::new(BMC, 0x0a, 0x23, &[5, 1, 2, 0, 16, 16]);
        assert_eq!(record.key(), "ipmi-0a-23-050102001010");
        assert_eq!(record.reserved().key(), "ipmi-0a-23-000002001010");
        let other = Target::Controller { channel: 6, address: 0x2c, lun: 1 };
        assert_eq!(IpmiRequest::new(other, 4, 0x2d, &[9]).key(), "ipmi-c6-a2c-l1-04-2d-09");
        assert_eq!(IpmiRequest::new(Target::Bmc { lun: 2 }, 4, 0x2d, &[9]).key(), "ipmi-l2-04-2d-09");
    }

    #[test]
    fn what_is_no_management_controller_refuses() {
        let error = IpmiRequest::new(BMC, 6, 1, &[]).ask(Path::new("/dev/null")).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOTTY));
        let missing = IpmiRequest::new(BMC, 6, 1, &[]).ask(Path::new("/nowhere")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn an_answer_that_does_not_come_is_not_waited_for_after_its_time() {
        let (reader, _writer) = io::pipe().unwrap();
        let reader = OwnedFd::from(reader);
        let started = Instant::now();
        assert!(!readable(&reader, started).unwrap());
        let end = started + Duration::from_millis(20);
        assert!(!readable(&reader, end).unwrap());
        assert!(matches!(wait(&reader, 1, end), Err(error) if error.kind() == io::ErrorKind::TimedOut));
    }
}
