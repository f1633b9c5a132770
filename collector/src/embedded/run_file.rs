//! `DATA/run/embedded.json`: how an agent on this machine, `./x run` and tests find the servers of this run.

use super::EmbeddedError;
use super::folder::DataFolder;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

/// File name.
pub const NAME: &str = "embedded.json";

/// Content of the file. Holds passwords: mode 0600.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFile {
    /// With user and password.
    pub database_url: String,
    /// Without credentials.
    pub nats_url: String,
    /// User of the broker.
    pub nats_user: String,
    /// Password of the broker.
    pub nats_password: String,
    /// The collector's own address; `null` until it listens.
    pub http_url: Option<String>,
    /// Process numbers.
    pub pids: Pids,
}

/// Process numbers of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pids {
    /// The collector.
    pub collector: u32,
    /// The postmaster; `null` while it is being restarted.
    pub postgres: Option<u32>,
    /// nats-server; `null` while it is being restarted.
    pub nats: Option<u32>,
}

impl RunFile {
    /// Reads the file of a run.
    ///
    /// # Errors
    /// There is none, or it is no such file.
    pub fn read(path: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&std::fs::read(path)?)?)
    }

    pub(super) fn write(&self, folder: &DataFolder) -> Result<(), EmbeddedError> {
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        folder.write_private(&folder.run_file(), &text, false)
    }
}
