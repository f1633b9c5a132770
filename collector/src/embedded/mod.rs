//! A private PostgreSQL and a private nats-server as supervised children, for the one-command start.
//!
//! ```text
//! DATA/lock                    held while a collector uses the folder; names its process
//! DATA/postgres/cluster        the database cluster;  password, postgresql.conf, pg_hba.conf, local.conf (yours) beside it
//! DATA/nats/store              JetStream;             password, nats.conf beside it
//! DATA/log/*.log               what the servers say, bounded
//! DATA/run/embedded.json       addresses and credentials of this run, mode 0600 (see [`run_file`])
//! ```
//!
//! Both servers listen on 127.0.0.1 only. Neither outlives us: each gets a parent-death signal (see [`child`]), and what
//! a crash left behind all the same is ended at the next start. PostgreSQL refuses to run as root, so that, as root, both
//! run as an unprivileged user who reaches the folder through a descriptor, wherever it lies.

mod binaries;
pub mod child;
mod error;
mod folder;
mod nats;
mod orphan;
mod ports;
mod postgres;
pub mod run_file;
mod server;
mod spawner;

pub use child::child_main;
pub use error::EmbeddedError;

use folder::DataFolder;
use ports::Ports;
use run_file::{Pids, RunFile};
use server::Server;
use spawner::Spawner;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;

/// What the C library, and so every server's log, says when the disk is full.
const NO_SPACE: &str = "No space left on device";

hi_common::config_section! {
    /// The private servers of the one-command start.
    pub struct EmbeddedConfig in "embedded" {
        /// Start and supervise a private PostgreSQL and a private nats-server instead of using `database.url` and `nats.url`.
        pub enabled: bool = false,
        /// Folder for everything that is kept: database, broker, credentials, logs.
        pub data_dir: String = "./data".to_owned(),
        /// Folder of PostgreSQL's programs (`postgres`, `initdb`); found by itself when not set, the newest of 15 to 18.
        pub postgres_bin_dir: Option<String> = None,
        /// The nats-server program, 2.9 or newer; found by itself when not set.
        pub nats_server: Option<String> = None,
        /// Port of PostgreSQL on 127.0.0.1; 0 takes that of the last run when it is free, otherwise any free one.
        pub postgres_port: u16 = 0,
        /// Port of nats-server on 127.0.0.1; 0 takes that of the last run when it is free, otherwise any free one.
        pub nats_port: u16 = 0,
        /// User who runs both servers when the collector runs as root; a folder that exists keeps its owner.
        pub user: String = "postgres".to_owned(),
    }
}

/// The two servers, running. Dropping it without [`Embedded::shutdown`] sends them their death signal.
#[derive(Debug)]
pub struct Embedded {
    postgres: Server,
    nats: Server,
    database_url: String,
    nats_url: String,
    nats_password: String,
    http_url: Mutex<Option<String>>,
    stopping: watch::Sender<bool>,
    spawner: Spawner,
    folder: DataFolder,
}

impl Embedded {
    /// Takes the data folder, ends what a crash left behind, creates what is missing and starts both servers.
    ///
    /// Returns when both take connections.
    ///
    /// # Errors
    /// One [`EmbeddedError`] per cause, each with what to do; nothing is left running.
    pub async fn start(config: &EmbeddedConfig) -> Result<Self, EmbeddedError> {
        // The link leads to this program even after its file was replaced by a newer build.
        Self::start_with(config, Path::new("/proc/self/exe")).await
    }

    /// As [`Embedded::start`], with `program` as the one whose `embedded-child` subcommand calls [`child_main`].
    ///
    /// # Errors
    /// As [`Embedded::start`].
    pub async fn start_with(config: &EmbeddedConfig, program: &Path) -> Result<Self, EmbeddedError> {
        let folder = DataFolder::open(&PathBuf::from(&config.data_dir), &config.user)?;
        let spawner = Spawner::start(program)?;

        let database = postgres::prepare(&folder, config, &spawner).await?;
        let broker = nats::prepare(&folder, config).await?;
        let ports = Ports::choose(&folder, config)?;

        let embedded = Self {
            database_url: database.url(ports.postgres),
            nats_url: format!("nats://127.0.0.1:{}", ports.nats),
            nats_password: broker.password.clone(),
            postgres: Server::new(database.spec(&folder, ports.postgres)),
            nats: Server::new(broker.spec(&folder, ports.nats)?),
            http_url: Mutex::new(None),
            stopping: watch::channel(false).0,
            spawner,
            folder,
        };
        let started = async {
            embedded.postgres.start(&embedded.spawner).await?;
            embedded.nats.start(&embedded.spawner).await?;
            embedded.write_run_file()
        };
        if let Err(error) = started.await {
            embedded.shutdown().await;
            return Err(match error {
                EmbeddedError::Ended { log, .. } if log.contains(NO_SPACE) => embedded.folder.disk_full(),
                other => other,
            });
        }
        Ok(embedded)
    }

    /// Address of the database with user and password.
    pub fn database_url(&self) -> &str {
        &self.database_url
    }

    /// Address of the broker, without credentials.
    pub fn nats_url(&self) -> &str {
        &self.nats_url
    }

    /// User of the broker.
    pub fn nats_user(&self) -> &str {
        nats::USER
    }

    /// Password of the broker.
    pub fn nats_password(&self) -> &str {
        &self.nats_password
    }

    /// Where `embedded.json` lies.
    pub fn run_file(&self) -> PathBuf {
        self.folder.run_file()
    }

    /// Process numbers of (PostgreSQL, nats-server); `None` while one is being restarted.
    pub fn pids(&self) -> (Option<u32>, Option<u32>) {
        (self.postgres.pid(), self.nats.pid())
    }

    /// Adds the collector's own address to `embedded.json`, once it listens.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn announce(&self, http_url: &str) -> Result<(), EmbeddedError> {
        *self.http_url.lock().unwrap_or_else(PoisonError::into_inner) = Some(http_url.to_owned());
        self.write_run_file()
    }

    /// Restarts a server that ended, on the same port, with growing pauses; returns once [`Embedded::shutdown`] begins.
    pub async fn watch(&self) {
        let changed = || {
            if let Err(error) = self.write_run_file() {
                tracing::warn!(error = %hi_common::error_chain::ErrorChain(&error), "addresses not written");
            }
        };
        let postgres = self.postgres.keep_running(&self.spawner, self.stopping.subscribe(), changed);
        let nats = self.nats.keep_running(&self.spawner, self.stopping.subscribe(), changed);
        tokio::join!(postgres, nats);
    }

    /// Stops the broker, then the database, each asked first and forced when its time is up. Never fails; logs.
    pub async fn shutdown(&self) {
        let _ = self.stopping.send_replace(true);
        self.nats.stop().await;
        self.postgres.stop().await;
        // Gone with the servers it describes; a stale one would send agents to a dead port.
        let _ = std::fs::remove_file(self.folder.run_file());
    }

    fn write_run_file(&self) -> Result<(), EmbeddedError> {
        let content = RunFile {
            database_url: self.database_url.clone(),
            nats_url: self.nats_url.clone(),
            nats_user: nats::USER.to_owned(),
            nats_password: self.nats_password.clone(),
            http_url: self.http_url.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            pids: Pids {
                collector: std::process::id(),
                postgres: self.postgres.pid(),
                nats: self.nats.pid(),
            },
        };
        content.write(&self.folder)
    }
}
