//! A document about what exists: the last value counts.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::ids::{HostId, HostName};

/// One message on `hi.v1.facts.<host>.<kind>.<id>`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// Format version, 1.
    pub v: u8,
    /// Name the host claims.
    pub host: HostName,
    /// Its identity.
    pub host_id: HostId,
    /// The start of the agent that tells it.
    #[serde(default)]
    pub epoch: u64,
    /// The source that read it.
    #[serde(default)]
    pub source: String,
    /// When it was read, Unix milliseconds.
    pub at: i64,
    /// What kind of thing: `host`, `disk`, `filesystem`, `interface`, ….
    pub kind: String,
    /// Which one: stable over restarts, `[A-Za-z0-9_-]` in the subject.
    pub id: String,
    /// What is known of it; `None` when it is gone.
    pub doc: Option<BTreeMap<String, FactValue>>,
}

/// A value in a fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FactValue {
    /// Yes or no.
    Bool(bool),
    /// A whole number; its unit stands in the key.
    Int(i64),
    /// A number; its unit stands in the key.
    Float(f64),
    /// A text.
    Text(String),
    /// Several of them.
    List(Vec<FactValue>),
    /// Named ones: a part of the thing (a device of a pool), or an entry of a log.
    Map(BTreeMap<String, FactValue>),
}
