//! Free loopback ports, the same from run to run when nobody else took them.

use super::folder::DataFolder;
use super::{EmbeddedConfig, EmbeddedError};
use serde::{Deserialize, Serialize};
use std::io;
use std::net::{Ipv4Addr, TcpListener};

/// Ports of one run; kept in `DATA/run/ports.json` for the next.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Ports {
    pub(super) postgres: u16,
    pub(super) nats: u16,
}

impl Ports {
    /// Takes the configured ports, those of the last run, or any; and writes them down.
    pub(super) fn choose(folder: &DataFolder, config: &EmbeddedConfig) -> Result<Self, EmbeddedError> {
        let path = folder.ports_file();
        let last: Option<Self> =
            std::fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let ports = Self {
            postgres: choose("PostgreSQL", config.postgres_port, last.map(|last| last.postgres))?,
            nats: choose("nats-server", config.nats_port, last.map(|last| last.nats))?,
        };
        folder.write_private(&path, &serde_json::to_string(&ports).unwrap_or_default(), false)?;
        Ok(ports)
    }
}

fn choose(server: &'static str, configured: u16, last: Option<u16>) -> Result<u16, EmbeddedError> {
    if configured != 0 {
        return try_bind(configured).map_err(|_| EmbeddedError::PortTaken { server, port: configured });
    }
    match last.and_then(|port| try_bind(port).ok()) {
        Some(port) => Ok(port),
        None => try_bind(0).map_err(|source| EmbeddedError::Spawn { server, source }),
    }
}

/// Takes the port and lets it go again: the server takes it a moment later.
fn try_bind(port: u16) -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, port))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_and_a_remembered_one_is_no_must() {
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let taken = held.local_addr().unwrap().port();
        let error = choose("nats-server", taken, None).unwrap_err();
        assert!(matches!(error, EmbeddedError::PortTaken { port, .. } if port == taken));
        let other = choose("nats-server", 0, Some(taken)).unwrap();
        assert_ne!(other, taken);
    }

    #[test]
    fn the_port_of_the_last_run_comes_first() {
        let free = try_bind(0).unwrap();
        assert_eq!(choose("PostgreSQL", 0, Some(free)).unwrap(), free);
    }
}
