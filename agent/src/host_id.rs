//! Who this host is: name, stable identity, the epoch of this start, and the folder where both are kept.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use hi_common::ids::{Epoch, HostId, HostName};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use uuid::Uuid;

use crate::config::Agent;
use crate::host::HostRoot;

/// File in the state folder that holds the last epoch as decimal text.
const EPOCH_FILE: &str = "epoch";
/// File in the state folder that holds a random identity, where the host has none of its own.
const HOST_ID_FILE: &str = "host_id";

/// Who sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Name the host claims.
    pub host: HostName,
    /// Its stable identity.
    pub host_id: HostId,
    /// This start of the agent, Unix milliseconds.
    pub epoch: Epoch,
}

/// Why a host has no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// `agent.host_id` is no UUID.
    #[error("`agent.host_id` must be a UUID, not {0:?}")]
    NotUuid(String),
    /// The host has no machine id, and a random one cannot be kept.
    #[error("this host has no machine id, and {} cannot be written to keep a random one: set agent.host_id", path.display())]
    NotKept {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another agent runs with this state folder.
    #[error("another agent uses the state folder {}: stop it, or set agent.state_dir", .0.display())]
    InUse(PathBuf),
}

/// Claims the state folder for this process until the file is dropped: two agents would spoil each other's unsent data.
/// `None` where the folder cannot be written, so that there is nothing to spoil.
///
/// # Errors
/// Another process holds it.
pub fn claim(state_dir: &Path) -> Result<Option<File>, IdentityError> {
    let open = || {
        fs::create_dir_all(state_dir)?;
        OpenOptions::new().create(true).truncate(false).write(true).open(state_dir.join(EPOCH_FILE))
    };
    let Ok(file) = open() else { return Ok(None) };
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => Err(IdentityError::InUse(state_dir.to_owned())),
        _ => Ok(Some(file)),
    }
}

/// Folder for what must survive a restart.
pub fn state_dir(config: &Agent, host: &HostRoot) -> PathBuf {
    if let Some(dir) = &config.state_dir {
        return dir.into();
    }
    // systemd may name several, separated by colons; the first is ours (systemd.exec(5), STATE_DIRECTORY).
    if let Ok(dirs) = std::env::var("STATE_DIRECTORY")
        && let Some(first) = dirs.split(':').find(|dir| !dir.is_empty())
    {
        return first.into();
    }
    let below = "homelab-intelligence/agent";
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    let user_state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute());
    match (rustix::process::geteuid().is_root(), user_state, home) {
        (false, Some(dir), _) => dir.join(below),
        (false, None, Some(home)) => home.join(".local/state").join(below),
        _ => host.root("var/lib").join(below),
    }
}

/// Finds out who this host is. `now_ms` is the wall clock, Unix milliseconds.
///
/// # Errors
/// A configured identity that is none, or none at all and no way to keep one.
pub fn identify(
    config: &Agent,
    host: &HostRoot,
    state_dir: &Path,
    now_ms: i64,
) -> Result<Identity, IdentityError> {
    Ok(Identity {
        host: host_name(config, host),
        host_id: host_id(config, host, state_dir)?,
        epoch: next_epoch(state_dir, now_ms),
    })
}

/// Name of this host: configured, or the kernel's.
pub fn host_name(config: &Agent, host: &HostRoot) -> HostName {
    let kernel = || host.read(&host.proc("sys/kernel/hostname")).unwrap_or_default();
    HostName::from_any(&config.host_name.clone().unwrap_or_else(kernel))
}

fn host_id(config: &Agent, host: &HostRoot, state_dir: &Path) -> Result<HostId, IdentityError> {
    if let Some(text) = &config.host_id {
        return Uuid::parse_str(text).map(HostId).map_err(|_| IdentityError::NotUuid(text.clone()));
    }
    for path in ["etc/machine-id", "var/lib/dbus/machine-id"] {
        let id = host.read(&host.root(path)).unwrap_or_default();
        // "uninitialized" stands there during first boot (machine-id(5)): then it is not yet an identity.
        if id.trim().len() == 32 && id.trim().bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(HostId::from_machine_id(&id));
        }
    }
    let path = state_dir.join(HOST_ID_FILE);
    if let Some(known) = fs::read_to_string(&path).ok().and_then(|text| Uuid::parse_str(text.trim()).ok()) {
        return Ok(HostId(known));
    }
    let fresh = Uuid::new_v4();
    match fs::create_dir_all(state_dir).and_then(|()| fs::write(&path, fresh.to_string())) {
        Ok(()) => Ok(HostId(fresh)),
        Err(source) => Err(IdentityError::NotKept { path, source }),
    }
}

/// The clock, or one more than the last epoch where the clock went back between two starts. A state folder that cannot
/// be written costs only that guarantee.
fn next_epoch(state_dir: &Path, now_ms: i64) -> Epoch {
    let path = state_dir.join(EPOCH_FILE);
    let last: Epoch = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    // A damaged file must not push epochs out of range for good.
    let last = if last > i64::MAX as u64 / 2 { 0 } else { last };
    let epoch = Epoch::try_from(now_ms).unwrap_or(0).max(last + 1);
    let kept = fs::create_dir_all(state_dir).and_then(|()| fs::write(&path, epoch.to_string()));
    if let Err(error) = kept {
        tracing::warn!(state_dir = %state_dir.display(), %error, "state folder cannot be written: unsent data is kept in memory only");
    }
    epoch
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(dir: &Path) -> HostRoot {
        fs::create_dir_all(dir.join("proc/sys/kernel")).unwrap();
        fs::create_dir_all(dir.join("etc")).unwrap();
        fs::write(dir.join("proc/sys/kernel/hostname"), "NAS.lan\n").unwrap();
        HostRoot::captured(dir)
    }

    #[test]
    fn identity_comes_from_the_machine_id() {
        let dir = tempfile::tempdir().unwrap();
        let host = host(dir.path());
        fs::write(dir.path().join("etc/machine-id"), "0123456789abcdef0123456789abcdef\n").unwrap();
        let identity = identify(&Agent::default(), &host, &dir.path().join("state"), 5_000).unwrap();
        assert_eq!(identity.host.as_str(), "nas-lan");
        assert_eq!(identity.host_id, HostId::from_machine_id("0123456789abcdef0123456789abcdef"));
        assert_eq!(identity.epoch, 5_000);
    }

    #[test]
    fn a_random_identity_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let host = host(dir.path());
        fs::write(dir.path().join("etc/machine-id"), "uninitialized\n").unwrap();
        let state = dir.path().join("state");
        let first = identify(&Agent::default(), &host, &state, 5_000).unwrap();
        let second = identify(&Agent::default(), &host, &state, 5_000).unwrap();
        assert_eq!(first.host_id, second.host_id);
        assert_eq!(second.epoch, 5_001, "two starts in one millisecond differ");
        let third = identify(&Agent::default(), &host, &state, 10).unwrap();
        assert_eq!(third.epoch, 5_002, "the clock went back");
    }

    #[test]
    fn a_state_folder_has_one_owner() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        let held = claim(&state).unwrap();
        assert!(held.is_some());
        assert!(matches!(claim(&state), Err(IdentityError::InUse(_))));
        assert_eq!(next_epoch(&state, 7), 7, "the owner still writes there");
        drop(held);
        assert!(claim(&state).unwrap().is_some());
        std::fs::write(dir.path().join("file"), "").unwrap();
        assert!(claim(&dir.path().join("file")).unwrap().is_none(), "not a folder: nothing to spoil");
    }

    #[test]
    fn configured_identity_wins() {
        let dir = tempfile::tempdir().unwrap();
        let host = host(dir.path());
        let id = "6a1f2f0e-9d5b-5c1e-8b0a-4d6f7a51c3d9";
        let config =
            Agent { host_id: Some(id.to_owned()), host_name: Some("Büro".to_owned()), ..Agent::default() };
        let identity = identify(&config, &host, &dir.path().join("state"), 5).unwrap();
        assert_eq!((identity.host_id.to_string().as_str(), identity.host.as_str()), (id, "b-ro"));
        let config = Agent { host_id: Some("x".to_owned()), ..Agent::default() };
        assert!(matches!(identify(&config, &host, dir.path(), 5), Err(IdentityError::NotUuid(_))));
    }
}
