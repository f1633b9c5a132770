//! What an agent can read: published when it starts and whenever the outcome of a source changes.

use serde::{Deserialize, Serialize};

use crate::ids::{Epoch, HostId, HostName};
use crate::metric::{Kind, Unit};

/// One message on `hi.v1.catalog.<host>`; the last one counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Catalog {
    /// Format version, 1.
    pub v: u8,
    /// Name the host claims.
    pub host: HostName,
    /// Its identity.
    pub host_id: HostId,
    /// Start of its agent, Unix milliseconds.
    pub epoch: Epoch,
    /// When this was written, Unix milliseconds.
    pub at: i64,
    /// Version of the agent.
    pub agent_version: String,
    /// Every source the agent has, in registry order.
    pub sources: Vec<SourceStatus>,
    /// Every metric those sources declare.
    pub metrics: Vec<MetricInfo>,
}

/// How the last run of a source went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceOutcome {
    /// It yielded readings.
    Read,
    /// What it reads does not exist here.
    Absent,
    /// It failed; `reason` says how.
    Error,
    /// Its last run has not come back within its time.
    Stalled,
    /// It has not run yet.
    Pending,
}

impl SourceOutcome {
    /// The word used on the wire, in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Absent => "absent",
            Self::Error => "error",
            Self::Stalled => "stalled",
            Self::Pending => "pending",
        }
    }
}

/// A source and how it fares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// Name of the source.
    pub source: String,
    /// How the last run went.
    pub outcome: SourceOutcome,
    /// Bounded reason of an error (`permission`, `timeout`, `parse`, `io`, `panic`, …).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The error in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How often it runs, in milliseconds.
    pub interval_ms: u64,
    /// Since when the outcome holds, Unix milliseconds.
    pub since: i64,
}

/// Declaration of a metric as it travels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricInfo {
    /// Metric name.
    pub name: String,
    /// Behaviour of its values.
    pub kind: Kind,
    /// Unit of its values.
    pub unit: Unit,
    /// One sentence of help.
    pub help: String,
}
