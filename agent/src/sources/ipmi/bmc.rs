//! Asks the BMC: one request at a time, for so long and no longer.

use std::cell::RefCell;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use crate::host::HostRoot;
use crate::source::{SourceError, read_error};
use crate::sys::ipmi::{ANSWER_MAX, IpmiRequest, Target};

/// Network functions (IPMI 2.0, 5.1).
pub(super) mod netfn {
    pub(in super::super) const CHASSIS: u8 = 0x00;
    pub(in super::super) const SENSOR: u8 = 0x04;
    pub(in super::super) const APP: u8 = 0x06;
    pub(in super::super) const STORAGE: u8 = 0x0a;
    pub(in super::super) const GROUP: u8 = 0x2c;
}

/// Completion codes (5.2).
pub(super) mod code {
    pub(in super::super) const NODE_BUSY: u8 = 0xc0;
    pub(in super::super) const TIMEOUT: u8 = 0xc3;
    pub(in super::super) const UNSPECIFIED: u8 = 0xff;
    pub(in super::super) const RESERVATION_LOST: u8 = 0xc5;
    pub(in super::super) const TOO_MANY_BYTES: u8 = 0xca;
    pub(in super::super) const NOT_PRESENT: u8 = 0xcb;
}

/// A refusal that took so long is none of the BMC's.
const HANG: Duration = Duration::from_secs(2);

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The BMC refused, with this completion code.
    Code(u8),
    /// What it sent is not what the specification says.
    Malformed(&'static str),
    /// It is not known here: a capture made without the question.
    Unknown,
    /// The device failed, or the BMC did not answer.
    Device(io::Error),
    /// This run has used up its time.
    Late,
}

impl Trouble {
    /// Whether to ask anything more this time makes no sense.
    pub(super) fn ends_the_run(&self) -> bool {
        matches!(self, Self::Device(_) | Self::Late)
    }

    /// Whether there is no device at all.
    pub(super) fn is_absence(&self) -> bool {
        match self {
            Self::Unknown => true,
            Self::Device(error) => {
                let errno = Errno::from_io_error(error);
                matches!(errno, Some(Errno::NOENT | Errno::NODEV | Errno::NXIO | Errno::NOTDIR))
            }
            _ => false,
        }
    }

    /// Whether the BMC does not have the command at all.
    pub(super) fn is_unsupported(&self) -> bool {
        // Invalid command, invalid for the unit, out of range, not permitted, disabled.
        const UNSUPPORTED: [u8; 5] = [0xc1, 0xc2, 0xc9, 0xd4, 0xd6];
        match self {
            Self::Code(code) => UNSUPPORTED.contains(code),
            Self::Unknown => true,
            _ => false,
        }
    }
}

/// The BMC, within one run.
pub(super) struct Bmc<'h> {
    host: &'h HostRoot,
    device: &'h str,
    time: Duration,
    until: Instant,
    /// Controllers behind it that did not answer in this run.
    silent: RefCell<Vec<Target>>,
}

/// The BMC itself.
pub(super) const MAIN: Target = Target::Bmc { lun: 0 };

impl<'h> Bmc<'h> {
    pub(super) fn new(host: &'h HostRoot, device: &'h str, time: Duration) -> Self {
        Self { host, device, time, until: Instant::now() + time, silent: RefCell::default() }
    }

    /// Asks the BMC itself.
    pub(super) fn ask(&self, netfn: u8, command: u8, data: &[u8]) -> Result<Vec<u8>, Trouble> {
        self.put(&IpmiRequest::new(MAIN, netfn, command, data))
    }

    /// Asks a controller, maybe one behind the BMC: if that keeps silent, only what it has is missing.
    pub(super) fn ask_at(
        &self,
        target: Target,
        netfn: u8,
        command: u8,
        data: &[u8],
    ) -> Result<Vec<u8>, Trouble> {
        let same = |silent: &Target| match (silent, target) {
            (
                Target::Controller { channel: a, address: b, .. },
                Target::Controller { channel, address, .. },
            ) => (*a, *b) == (channel, address),
            _ => false,
        };
        if self.silent.borrow().iter().any(same) {
            return Err(Trouble::Code(code::NOT_PRESENT));
        }
        match self.put(&IpmiRequest::new(target, netfn, command, data)) {
            Err(Trouble::Device(error)) if matches!(target, Target::Controller { .. }) => {
                let is_device =
                    !matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::InvalidInput);
                if is_device {
                    return Err(Trouble::Device(error));
                }
                self.silent.borrow_mut().push(target);
                Err(Trouble::Code(code::NOT_PRESENT))
            }
            other => other,
        }
    }

    /// Asks with a reservation at the beginning of the data.
    pub(super) fn ask_reserved(&self, netfn: u8, command: u8, data: &[u8]) -> Result<Vec<u8>, Trouble> {
        self.put(&IpmiRequest::new(MAIN, netfn, command, data).reserved())
    }

    fn put(&self, request: &IpmiRequest) -> Result<Vec<u8>, Trouble> {
        for _ in 0..2 {
            if self.host.is_live() && Instant::now() >= self.until {
                return Err(Trouble::Late);
            }
            let asked = Instant::now();
            let answer = match self.host.ask(self.device, request) {
                Ok(answer) => answer,
                Err(error) if error.kind() == io::ErrorKind::Unsupported => return Err(Trouble::Unknown),
                Err(error) => return Err(Trouble::Device(error)),
            };
            match answer.status.first() {
                None => return Err(Trouble::Malformed("an answer without a completion code")),
                Some(0) => return Ok(answer.data),
                // Once more.
                Some(&code::NODE_BUSY) => {}
                // The kernel's own word for a BMC that hangs; one that has the word for a sensor is quick.
                Some(&(code::TIMEOUT | code::UNSPECIFIED)) if asked.elapsed() >= HANG => {
                    return Err(Trouble::Device(io::ErrorKind::TimedOut.into()));
                }
                Some(code) => return Err(Trouble::Code(*code)),
            }
        }
        Err(Trouble::Code(code::NODE_BUSY))
    }

    fn path(&self) -> PathBuf {
        self.host.root("dev").join(self.device)
    }

    /// The trouble as the source's error.
    pub(super) fn error(&self, trouble: Trouble) -> SourceError {
        match trouble {
            Trouble::Code(code::TIMEOUT) => {
                SourceError::Timeout { what: "the BMC".to_owned(), limit: ANSWER_MAX }
            }
            Trouble::Code(code) => SourceError::Io {
                path: self.path(),
                source: io::Error::other(format!("the BMC refuses with completion code {code:02x}h")),
            },
            Trouble::Malformed(problem) => SourceError::parse(self.device, problem),
            Trouble::Unknown => {
                SourceError::Io { path: self.path(), source: io::ErrorKind::Unsupported.into() }
            }
            Trouble::Device(error) if error.kind() == io::ErrorKind::TimedOut => {
                SourceError::Timeout { what: "the BMC".to_owned(), limit: ANSWER_MAX }
            }
            Trouble::Device(error) => read_error(&self.path(), error),
            Trouble::Late => {
                SourceError::Timeout { what: "the BMC with all its sensors".to_owned(), limit: self.time }
            }
        }
    }
}

/// An answer that may be refused: then it is nothing.
pub(super) fn optional(answer: Result<Vec<u8>, Trouble>) -> Result<Option<Vec<u8>>, Trouble> {
    match answer {
        Ok(bytes) => Ok(Some(bytes)),
        Err(trouble) if trouble.ends_the_run() => Err(trouble),
        Err(_) => Ok(None),
    }
}
