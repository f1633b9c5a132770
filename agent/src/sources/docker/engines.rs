//! Which engines there are: sockets where engines usually put them, and what the configuration names.

use std::path::PathBuf;

use hi_common::config::ConfigError;

use crate::engine::Endpoint;
use crate::host::{At, HostRoot};

/// An engine by name and address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// `docker`, `podman`, `podman-1000`, or as configured.
    pub(super) name: String,
    /// Where it listens.
    pub(super) endpoint: Endpoint,
}

impl Address {
    /// Where a capture keeps what it said.
    pub(super) fn place(&self) -> String {
        match &self.endpoint {
            Endpoint::Unix(path) => path.display().to_string(),
            _ => format!("/run/engines/{}", self.name),
        }
    }
}

/// Folder with a folder for each user that is signed in.
const USERS: &str = "run/user";
/// Sockets of engines that run as root: the newer place of Docker's is a link to the older one, or the other way round.
const SYSTEM: [(&str, &str); 2] = [("docker", "/var/run/docker.sock"), ("podman", "/run/podman/podman.sock")];
/// Most users whose folders are looked into.
const USERS_MAX: usize = 64;

/// Sockets that are there now.
pub(super) fn detect(host: &HostRoot) -> Vec<Address> {
    let mut found = Vec::new();
    let mut look = |name: String, path: String| {
        if host.exists(At::Root, &path) {
            found.push(Address { name, endpoint: Endpoint::Unix(PathBuf::from(path)) });
        }
    };
    for (name, path) in SYSTEM {
        look(name.to_owned(), path.to_owned());
    }
    // A folder of a user that may not be looked into has nothing that could be connected to either.
    let users = host.list(At::Root, USERS).unwrap_or_default();
    for user in users.iter().filter(|user| user.bytes().all(|b| b.is_ascii_digit())).take(USERS_MAX) {
        look(format!("docker-{user}"), format!("/{USERS}/{user}/docker.sock"));
        look(format!("podman-{user}"), format!("/{USERS}/{user}/podman/podman.sock"));
    }
    found
}

/// Reads `name=unix:///path`, `name=tcp://host:port`, `name=tls://host:port,/folder/with/certificates`.
///
/// # Errors
/// It is none of these.
pub(super) fn configured(text: &str) -> Result<Address, ConfigError> {
    let wrong = |problem: &str| ConfigError::Value {
        origin: "configuration".to_owned(),
        key: "sources.docker.engines".to_owned(),
        problem: format!("{text:?}: {problem}"),
    };
    let (name, address) = text
        .split_once('=')
        .ok_or_else(|| wrong("must be NAME=ADDRESS, for example nas=tcp://nas.lan:2375"))?;
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if name.is_empty() || name.len() > 32 || !name.bytes().all(fits) {
        return Err(wrong("the name must have 1 to 32 letters, digits, `-`, `_` or `.`"));
    }
    let with_port = |address: &str| {
        address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
    };
    let endpoint = match address.split_once("://") {
        Some(("unix", path)) if path.starts_with('/') => Endpoint::Unix(PathBuf::from(path)),
        Some(("tcp", address)) if with_port(address) => Endpoint::Tcp(address.to_owned()),
        Some(("tls", rest)) => match rest.split_once(',') {
            Some((address, folder)) if with_port(address) && folder.starts_with('/') => {
                Endpoint::Tls { address: address.to_owned(), certificates: PathBuf::from(folder) }
            }
            _ => return Err(wrong("tls:// takes HOST:PORT,/FOLDER with ca.pem, cert.pem and key.pem")),
        },
        _ => {
            return Err(wrong(
                "the address must begin with unix:///, tcp://HOST:PORT or tls://HOST:PORT,/FOLDER",
            ));
        }
    };
    Ok(Address { name: name.to_owned(), endpoint })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_or_refused_with_a_reason() {
        for (text, endpoint) in [
            ("a=unix:///x/d.sock", Endpoint::Unix("/x/d.sock".into())),
            ("a=tcp://nas.lan:2375", Endpoint::Tcp("nas.lan:2375".into())),
            (
                "a=tls://[::1]:2376,/certs",
                Endpoint::Tls { address: "[::1]:2376".into(), certificates: "/certs".into() },
            ),
        ] {
            let address = configured(text).unwrap();
            assert_eq!((address.name.as_str(), address.endpoint), ("a", endpoint));
        }
        for text in
            ["tcp://x:1", "=tcp://x:1", "a=tcp://x", "a=tls://x:1", "a=unix://x", "a/b=tcp://x:1", "a=x"]
        {
            let error = configured(text).unwrap_err().to_string();
            assert!(error.contains("sources.docker.engines"), "{error}");
        }
    }

    #[test]
    fn sockets_are_found_where_engines_put_them() {
        let folder = tempfile::tempdir().unwrap();
        let make = |path: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        };
        let names = || -> Vec<String> {
            detect(&HostRoot::captured(folder.path())).into_iter().map(|address| address.name).collect()
        };
        assert_eq!(names(), [""; 0]);
        make("run/user/1000/podman/podman.sock");
        make("run/user/lock/docker.sock");
        make("run/user/1001/docker.sock");
        make("var/run/docker.sock");
        make("run/podman/podman.sock");
        assert_eq!(names(), ["docker", "podman", "podman-1000", "docker-1001"]);
    }
}
