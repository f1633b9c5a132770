//! A private nats-server with JetStream.

use std::io::Read;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::process::{Server, free_port, wait_ready};

/// A nats-server; ends when dropped.
pub struct NatsServer {
    server: Option<Server>,
    port: u16,
    folder: TempDir,
    arguments: Vec<String>,
}

impl NatsServer {
    /// Starts one without credentials.
    ///
    /// # Errors
    /// `nats-server` is not installed or does not start.
    pub fn start() -> Result<Self> {
        Self::start_with(&[])
    }

    /// Starts one that asks for a user and a password.
    ///
    /// # Errors
    /// As [`NatsServer::start`].
    pub fn start_with_login(user: &str, password: &str) -> Result<Self> {
        Self::start_with(&["--user", user, "--pass", password])
    }

    /// Starts one with more arguments.
    ///
    /// # Errors
    /// As [`NatsServer::start`].
    pub fn start_with(arguments: &[&str]) -> Result<Self> {
        let folder = TempDir::with_prefix("hi-nats-").context("make a folder for nats-server")?;
        let arguments = arguments.iter().map(|a| (*a).to_owned()).collect();
        let mut this = Self { server: None, port: free_port()?, folder, arguments };
        // The port may have been taken since; then another one serves.
        for _ in 0..3 {
            if this.restart().is_ok() {
                return Ok(this);
            }
            this.port = free_port()?;
        }
        this.restart()?;
        Ok(this)
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Folder with its streams.
    pub fn store(&self) -> std::path::PathBuf {
        self.folder.path().join("jetstream")
    }

    /// Process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Server::pid)
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(server) = self.server.take() {
            server.kill();
        }
    }

    /// Starts it again, on the same port with the same streams; kills it first when it runs.
    ///
    /// # Errors
    /// As [`NatsServer::start`].
    pub fn restart(&mut self) -> Result<()> {
        self.kill();
        let port = self.port;
        let mut command = Command::new("nats-server");
        command.args(["-js", "-a", "127.0.0.1", "-p", &port.to_string(), "-sd"]).arg(self.folder.path());
        command.args(&self.arguments).stdout(Stdio::null());
        command.stderr(std::fs::File::create(self.folder.path().join("log"))?);
        let mut server = Server::start(command, self.folder.path())?;
        wait_ready(&mut server, "nats-server", || greets(port))?;
        self.server = Some(server);
        Ok(())
    }

    /// Copies the streams aside, while it runs or not: what a broker that lost its newest messages wakes up with.
    ///
    /// # Errors
    /// The folder cannot be copied.
    pub fn snapshot(&self) -> Result<TempDir> {
        let copy = TempDir::with_prefix("hi-nats-copy-")?;
        copy_folder(&self.store(), &copy.path().join("jetstream"))?;
        Ok(copy)
    }

    /// Kills it, puts the streams of [`NatsServer::snapshot`] in place and starts it again.
    ///
    /// # Errors
    /// The folder cannot be replaced; it does not start.
    pub fn restart_from(&mut self, snapshot: &TempDir) -> Result<()> {
        self.kill();
        std::fs::remove_dir_all(self.store()).context("remove the streams")?;
        copy_folder(&snapshot.path().join("jetstream"), &self.store())?;
        self.restart()
    }
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) -> Result<()> {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status().context("run cp")?;
    anyhow::ensure!(done.success(), "copy {} to {}", from.display(), to.display());
    Ok(())
}

/// A nats-server sends `INFO {…}` to whoever connects.
fn greets(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
    let mut first = [0; 4];
    stream.read_exact(&mut first).is_ok() && &first == b"INFO"
}
