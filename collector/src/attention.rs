//! What needs attention: a pure function of what is known now, worst first.

use serde::Serialize;
use utoipa::ToSchema;

use crate::moment::Time;

/// How bad an entry is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AttentionSeverity {
    /// Needs attention now.
    Critical,
    /// Needs attention soon.
    Warning,
    /// Worth knowing.
    Info,
}

/// What an entry is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttentionKind {
    /// No batch arrives any more.
    HostSilent,
    /// A writable filesystem is more than 90 % full, critical above 95 %.
    FilesystemFull,
    /// A filesystem does not answer.
    FilesystemStalled,
    /// A source of the agent fails or is stalled.
    SourceFailing,
    /// Two hosts claim one name.
    NameConflict,
    /// Batches were lost for good.
    DataLost,
    /// Messages could not be understood.
    DeadLetters,
    /// The agent was started anew not long ago.
    AgentRestarted,
}

/// An entry of the attention list.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct AttentionItem {
    /// How bad it is.
    pub severity: AttentionSeverity,
    /// What it is about.
    pub kind: AttentionKind,
    /// The host, if it is about one.
    pub host: Option<String>,
    /// The thing on it: a mount point, a source.
    pub subject: String,
    /// One sentence for people.
    pub message: String,
    /// Since when.
    pub since: Time,
}
