//! Who may bear a name. Pure.

use uuid::Uuid;

use hi_common::limits::HOST_NAME_BYTES_MAX;

use crate::limits::NAME_HOLD_MS;
use crate::model::HostKey;

/// A host and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) host: HostKey,
    pub(crate) host_id: Uuid,
    pub(crate) name: String,
    pub(crate) claimed: String,
    pub(crate) conflict: bool,
    pub(crate) last_batch_at: i64,
}

/// What to do about a claim.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// The name is free or its own.
    Take,
    /// Another one that still speaks has it.
    Yield { holder: Uuid },
    /// Another one has it, but is silent.
    TakeOver { holder: Uuid },
}

/// Decides a claim. Pure.
pub(super) fn decide(host_id: Uuid, holder: Option<&Named>, at: i64) -> Claim {
    match holder {
        None => Claim::Take,
        Some(holder) if holder.host_id == host_id => Claim::Take,
        Some(holder) if holder.last_batch_at > at - NAME_HOLD_MS => Claim::Yield { holder: holder.host_id },
        Some(holder) => Claim::TakeOver { holder: holder.host_id },
    }
}

/// The name with the beginning of the identity behind it; longer beginnings while that is taken too.
pub(super) fn suffixed(claimed: &str, host_id: Uuid, taken: impl Fn(&str) -> bool) -> String {
    let hex = host_id.simple().to_string();
    let mut name = String::new();
    for digits in [4, 8, 16, 32] {
        let room = HOST_NAME_BYTES_MAX - digits - 1;
        let base: String = claimed.chars().take(room).collect();
        name = format!("{base}-{}", hex.get(..digits).unwrap_or(&hex));
        if !taken(&name) {
            break;
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_held_by_who_speaks() {
        let (a, b) = (Uuid::from_u128(0xaaaa << 112), Uuid::from_u128(0xbbbb << 112));
        let holder = |last_batch_at| Named {
            host: 1,
            host_id: a,
            name: "nas".into(),
            claimed: "nas".into(),
            conflict: false,
            last_batch_at,
        };
        let now = 10_000_000;
        assert_eq!(decide(b, None, now), Claim::Take);
        assert_eq!(decide(a, Some(&holder(0)), now), Claim::Take);
        assert_eq!(decide(b, Some(&holder(now - NAME_HOLD_MS + 1)), now), Claim::Yield { holder: a });
        assert_eq!(decide(b, Some(&holder(now - NAME_HOLD_MS)), now), Claim::TakeOver { holder: a });
        assert_eq!(suffixed("nas", b, |_| false), "nas-bbbb");
        assert_eq!(suffixed("nas", b, |name| name == "nas-bbbb"), "nas-bbbb0000");
        assert_eq!(suffixed(&"x".repeat(63), b, |_| false).len(), 63);
    }
}
