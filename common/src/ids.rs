//! Who a host is: its stable identity, its name, and the numbering of its batches.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

use crate::limits::HOST_NAME_BYTES_MAX;

/// Namespace of host identities derived from a machine id (UUID v5, RFC 9562 §5.5).
pub const HOST_ID_NAMESPACE: Uuid = Uuid::from_u128(0x6a1f_2f0e_9d5b_5c1e_8b0a_4d6f_7a51_c3d9);

/// Stable identity of a host. On the wire 16 bytes of MessagePack `bin`, elsewhere the usual hyphenated form.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct HostId(pub Uuid);

impl HostId {
    /// Derives the identity from the text of `/etc/machine-id`, so that the machine id itself never leaves the host
    /// (`machine-id(5)` asks for that).
    pub fn from_machine_id(machine_id: &str) -> Self {
        Self(Uuid::new_v5(&HOST_ID_NAMESPACE, machine_id.trim().as_bytes()))
    }
}

impl fmt::Display for HostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for HostId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(&self.0)
        } else {
            serializer.serialize_bytes(self.0.as_bytes())
        }
    }
}

impl<'de> Deserialize<'de> for HostId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
            return Uuid::parse_str(&text).map(Self).map_err(serde::de::Error::custom);
        }
        let bytes = serde_bytes::ByteArray::<16>::deserialize(deserializer)?;
        Ok(Self(Uuid::from_bytes(bytes.into_array())))
    }
}

/// Name of a host as it stands in subjects and in the `instance` label: `[a-z0-9-]`, 1 to 63 bytes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostName(String);

/// A text that is no host name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("host name {0:?} must be 1 to {HOST_NAME_BYTES_MAX} characters of a-z, 0-9 and '-'")]
pub struct InvalidHostName(pub String);

impl HostName {
    /// Makes a host name of any text: lower case, every other character becomes `-`, the domain is kept
    /// (`NAS.lan` → `nas-lan`), cut at 63 bytes; `unnamed` when nothing is left.
    pub fn from_any(text: &str) -> Self {
        let mapped: String = text
            .trim()
            .chars()
            .map(|c| c.to_ascii_lowercase())
            .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' })
            .take(HOST_NAME_BYTES_MAX)
            .collect();
        let trimmed = mapped.trim_matches('-');
        Self(if trimmed.is_empty() { "unnamed".to_owned() } else { trimmed.to_owned() })
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for HostName {
    type Error = InvalidHostName;

    fn try_from(text: String) -> Result<Self, InvalidHostName> {
        let fits = (1..=HOST_NAME_BYTES_MAX).contains(&text.len());
        let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if fits && plain { Ok(Self(text)) } else { Err(InvalidHostName(text)) }
    }
}

impl FromStr for HostName {
    type Err = InvalidHostName;

    fn from_str(text: &str) -> Result<Self, InvalidHostName> {
        Self::try_from(text.to_owned())
    }
}

impl From<HostName> for String {
    fn from(name: HostName) -> Self {
        name.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One start of an agent: its Unix time in milliseconds, moved on if the clock did not advance since the last start.
pub type Epoch = u64;
/// Number of a batch within an epoch: 1, 2, 3, … without gaps.
pub type Seq = u64;

/// Identity of a batch: what makes "nothing twice" decidable.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct BatchId {
    /// The host.
    pub host_id: HostId,
    /// The start of its agent.
    pub epoch: Epoch,
    /// The number of the batch.
    pub seq: Seq,
}

impl fmt::Display for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Short on purpose: it stands in the header of every message the broker stores.
        write!(f, "{:08x}{:x}-{:x}", (self.host_id.0.as_u128() >> 96) as u32, self.epoch, self.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_are_made_of_anything() {
        for (from, to) in [
            ("NAS.lan", "nas-lan"),
            ("Büro PC", "b-ro-pc"),
            ("--", "unnamed"),
            ("", "unnamed"),
            ("a_b", "a-b"),
        ] {
            assert_eq!(HostName::from_any(from).as_str(), to);
        }
        assert_eq!(HostName::from_any(&"x".repeat(80)).as_str().len(), HOST_NAME_BYTES_MAX);
        assert!("Nas".parse::<HostName>().is_err());
        assert!("a.b".parse::<HostName>().is_err());
    }

    #[test]
    fn identity_is_stable_and_hides_the_machine_id() {
        let id = HostId::from_machine_id("0123456789abcdef0123456789abcdef\n");
        assert_eq!(id, HostId::from_machine_id("0123456789abcdef0123456789abcdef"));
        assert!(!id.to_string().replace('-', "").contains("0123456789abcdef"));
    }
}
