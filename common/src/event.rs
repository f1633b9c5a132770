//! Something that happened once.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

use crate::ids::{HostId, HostName};

/// How bad an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Something needs attention soon.
    Warning,
    /// Something needs attention now.
    Critical,
}

impl Severity {
    /// The word used on the wire, in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// One message on `hi.v1.events.<host>.<type>`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Format version, 1.
    pub v: u8,
    /// Makes a repeated delivery recognisable. UUID in hyphenated form.
    pub id: Uuid,
    /// Name the host claims.
    pub host: HostName,
    /// Its identity.
    pub host_id: HostId,
    /// When it happened, Unix milliseconds.
    pub at: i64,
    /// What happened, a word of `[a-z_]`: `agent_started`, `source_changed`, `data_lost`, `clock_step`, ….
    #[serde(rename = "type")]
    pub kind: String,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence for people.
    pub message: String,
    /// Details.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, String>,
}
