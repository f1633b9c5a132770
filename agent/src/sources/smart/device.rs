//! Puts commands to a disk and sorts what comes of them.

use std::io;

use super::scsi::sense::{self, Sense, key};
use crate::host::{HostRoot, Question};
use crate::sys::nvme::AdminCommand;
use crate::sys::sg_io::ScsiCommand;

/// Why a disk, or a part of what it could tell, was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The system does not let this process ask.
    Permission,
    /// It is not there any more.
    Gone,
    /// The kernel waited in vain.
    TimedOut,
    /// It, or what stands between, does not know the command.
    Refused(String),
    /// It failed otherwise.
    Failed(String),
}

impl Trouble {
    /// In words.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Permission => "no permission to ask it".to_owned(),
            Self::Gone => "it is not there any more".to_owned(),
            Self::TimedOut => "it did not answer the kernel in time".to_owned(),
            Self::Refused(text) | Self::Failed(text) => text.clone(),
        }
    }

    /// Whether nothing else need be asked now.
    pub(super) fn ends_reading(&self) -> bool {
        matches!(self, Self::Permission | Self::Gone | Self::TimedOut)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::EACCES | libc::EPERM) => Self::Permission,
            Some(libc::ENODEV | libc::ENXIO | libc::ENOENT | libc::ENOMEDIUM) => Self::Gone,
            Some(libc::ETIMEDOUT) => Self::TimedOut,
            Some(libc::ENOTTY | libc::EINVAL | libc::EOPNOTSUPP) => {
                Self::Refused("it takes no commands".to_owned())
            }
            // A capture without this answer.
            None if error.kind() == io::ErrorKind::Unsupported => Self::Refused(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// A disk that can be asked.
#[derive(Clone, Copy)]
pub(super) struct Device<'h> {
    pub(super) host: &'h HostRoot,
    /// Name below `/dev`.
    pub(super) name: &'h str,
}

/// What a SCSI command brought.
pub(super) struct ScsiAnswer {
    pub(super) data: Vec<u8>,
    /// Present unless all is well and there is nothing to add.
    pub(super) sense: Option<Sense>,
}

impl Device<'_> {
    /// Puts a SCSI command; one that ends with a check condition is an answer as well.
    pub(super) fn scsi(&self, command: &ScsiCommand) -> Result<ScsiAnswer, Trouble> {
        const GOOD: u8 = 0;
        const CHECK_CONDITION: u8 = 2;
        let answer = self.host.ask(self.name, command as &dyn Question)?;
        let (status, sense) = answer.status.split_first().unwrap_or((&GOOD, &[]));
        match *status & 0x7e {
            GOOD => Ok(ScsiAnswer { data: answer.data, sense: sense::parse(sense) }),
            CHECK_CONDITION => match sense::parse(sense) {
                Some(sense) => Ok(ScsiAnswer { data: answer.data, sense: Some(sense) }),
                None => Err(Trouble::Refused("it refused without saying why".to_owned())),
            },
            other => Err(Trouble::Failed(format!("SCSI status {other:02x}h"))),
        }
    }

    /// Puts a SCSI command that has to work.
    pub(super) fn scsi_data(&self, command: &ScsiCommand) -> Result<Vec<u8>, Trouble> {
        let answer = self.scsi(command)?;
        match answer.sense {
            Some(sense) if !matches!(sense.key, key::NO_SENSE | key::RECOVERED_ERROR) => Err(refusal(&sense)),
            _ => Ok(answer.data),
        }
    }

    /// Puts an NVMe admin command.
    pub(super) fn nvme(&self, command: &AdminCommand) -> Result<Vec<u8>, Trouble> {
        let answer = self.host.ask(self.name, command as &dyn Question)?;
        match answer.status.get(..2).map_or(0, |status| u16::from_le_bytes([status[0], status[1]])) & 0x7ff {
            0 => Ok(answer.data),
            status => Err(Trouble::Refused(format!("NVMe status {status:03x}h"))),
        }
    }
}

/// What a check condition that was not expected means.
pub(super) fn refusal(sense: &Sense) -> Trouble {
    let text = format!("sense {:x}h,{:02x}h,{:02x}h", sense.key, sense.asc, sense.ascq);
    match sense.key {
        // An ATA disk aborts what it does not know.
        key::ILLEGAL_REQUEST | key::ABORTED_COMMAND => Trouble::Refused(text),
        key::NOT_READY if sense.asc == 0x3a => Trouble::Gone,
        _ => Trouble::Failed(text),
    }
}
