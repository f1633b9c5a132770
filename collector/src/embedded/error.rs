//! What can keep the private servers from starting, each with the way out.

use std::io;
use std::path::PathBuf;

/// Why the private servers cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// The folder or something in it cannot be made, read or written.
    #[error("cannot {operation} {}", path.display())]
    Folder {
        /// `create`, `write`, …
        operation: &'static str,
        /// What it was tried on.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another collector holds the folder.
    #[error(
        "the data folder {} is in use by process {pid}: stop that one, or choose another folder with --data",
        path.display()
    )]
    InUse {
        /// The folder.
        path: PathBuf,
        /// Number of the process that holds it, as it wrote it down; `unknown` when it did not.
        pid: String,
    },
    /// No usable PostgreSQL is installed.
    #[error(
        "no PostgreSQL 15 to 18 found ({found}): install it (Debian, Ubuntu: apt-get install postgresql) or set embedded.postgres_bin_dir"
    )]
    NoPostgres {
        /// What was found instead.
        found: String,
    },
    /// The cluster was made by another major version than those installed.
    #[error(
        "the database in {} is of PostgreSQL {major}, installed: {found}: install PostgreSQL {major} beside it",
        path.display()
    )]
    OtherMajor {
        /// The cluster's folder.
        path: PathBuf,
        /// Major version that made it.
        major: u32,
        /// Majors that are installed.
        found: String,
    },
    /// No usable nats-server is installed.
    #[error(
        "no nats-server 2.9 or newer found ({found}): install it (Debian, Ubuntu: apt-get install nats-server) or set embedded.nats_server"
    )]
    NoNats {
        /// What was found instead.
        found: String,
    },
    /// We are root and there is no user to run the servers as.
    #[error(
        "running as root, and there is no user `{user}` to run PostgreSQL as: set embedded.user to an unprivileged one, or run as such"
    )]
    NoUser {
        /// The user looked for.
        user: String,
    },
    /// The user we run as has a number and no name, which `initdb` insists on.
    #[error(
        "user {uid} has no name here, and initdb asks for one: install libnss-systemd (Debian, Ubuntu: apt-get install libnss-systemd), which knows the users that systemd makes (DynamicUser=), or run as a user of /etc/passwd"
    )]
    NamelessUser {
        /// The user's number.
        uid: u32,
    },
    /// Too little room for a database.
    #[error(
        "the disk of {} is full: {free_bytes} bytes free, {needed_bytes} needed: make room or choose another folder with --data",
        path.display()
    )]
    DiskFull {
        /// The data folder.
        path: PathBuf,
        /// Bytes free.
        free_bytes: u64,
        /// Bytes that a start needs.
        needed_bytes: u64,
    },
    /// A configured port is taken.
    #[error("port {port} for {server} is taken by another program: free it, or choose another port")]
    PortTaken {
        /// Which server.
        server: &'static str,
        /// The port.
        port: u16,
    },
    /// A server cannot be spawned.
    #[error("start {server}")]
    Spawn {
        /// Which server.
        server: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// A server or tool ended by itself.
    #[error("{server} ended at once ({status}): {log}")]
    Ended {
        /// Which one.
        server: &'static str,
        /// Exit status.
        status: String,
        /// Last lines of its log.
        log: String,
    },
    /// A server runs, but takes no connections in time.
    #[error("{server} takes no connections after {waited_secs} s: {log}")]
    NotReady {
        /// Which one.
        server: &'static str,
        /// How long it was waited.
        waited_secs: u64,
        /// Last lines of its log.
        log: String,
    },
}

impl EmbeddedError {
    /// For `map_err` on operations on `path`.
    pub(super) fn folder(
        operation: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Folder { operation, path, source }
    }
}
