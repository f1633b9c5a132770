//! A PostgreSQL for the time of a command, with all migrations.
//!
//! Not the collector's embedded one: this is what makes a collector compile whose queries have changed.

use crate::command::{command, run};
use anyhow::{Context, Result, bail, ensure};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const READY_WITHIN: Duration = Duration::from_secs(60);

/// A database that goes away when dropped.
pub(crate) struct Scratch {
    server: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Scratch {
    /// Makes it, starts it, applies the migrations.
    ///
    /// # Errors
    /// No PostgreSQL, or a migration fails.
    pub(crate) fn start() -> Result<Self> {
        let bin = newest_postgres()?;
        let folder = tempfile::tempdir().context("make a folder")?;
        let user = unprivileged()?;
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid)).context("hand the folder over")?;
        }
        let as_user = |program: &str| {
            let mut command = Command::new(bin.join(program));
            command.current_dir("/").stdout(Stdio::null());
            if let Some((uid, gid)) = user {
                command.uid(uid).gid(gid);
            }
            command
        };
        let cluster = folder.path().join("cluster");
        run(as_user("initdb").arg("-D").arg(&cluster).args(["-A", "trust", "-U", "hi", "--no-sync"]))?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let server = as_user("postgres")
            .arg("-D")
            .arg(&cluster)
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"])
            .args(["-c", "log_min_messages=fatal", "-p", &port.to_string()])
            .spawn()
            .context("start postgres")?;
        let mut scratch = Self { server, port, _folder: folder };
        scratch.wait_until_ready(&cluster)?;
        for migration in migrations()? {
            run(command(bin.join("psql"), &["-q", "-v", "ON_ERROR_STOP=1", "--single-transaction", "-d"])
                .arg(scratch.url())
                .arg("-f")
                .arg(&migration)
                .stdout(Stdio::null()))
            .with_context(|| format!("apply {}", migration.display()))?;
        }
        Ok(scratch)
    }

    /// Address of the database.
    pub(crate) fn url(&self) -> String {
        format!("postgres://hi@127.0.0.1:{}/postgres?sslmode=disable", self.port)
    }

    fn wait_until_ready(&mut self, cluster: &Path) -> Result<()> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.server.try_wait()? {
                bail!("postgres ended ({status})");
            }
            let state = std::fs::read_to_string(cluster.join("postmaster.pid")).unwrap_or_default();
            // The eighth line is its status.
            if state.lines().nth(7).is_some_and(|line| line.trim() == "ready") {
                return Ok(());
            }
            ensure!(began.elapsed() < READY_WITHIN, "postgres is not ready after {READY_WITHIN:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.server);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
        let _ = self.server.wait();
    }
}

/// In the order of their numbers.
fn migrations() -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(crate::root().join("migrations")).context("read migrations/")?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "sql"))
        .collect();
    files.sort();
    Ok(files)
}

fn newest_postgres() -> Result<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let number = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.map(|entry| entry.path()).filter_map(|path| Some((number(&path)?, path))).max();
    let in_path = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).find(|folder| folder.join("initdb").exists())
    };
    newest.map(|(_, path)| path.join("bin")).or_else(in_path).context("no PostgreSQL is installed")
}

/// PostgreSQL refuses to run as root: the user and group `postgres` then.
fn unprivileged() -> Result<Option<(u32, u32)>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").context("read /etc/passwd")?;
    let fields: Vec<&str> = users
        .lines()
        .find(|line| line.starts_with("postgres:"))
        .context("no user postgres")?
        .split(':')
        .collect();
    let number = |i: usize| fields.get(i).and_then(|field| field.parse().ok()).context("read /etc/passwd");
    Ok(Some((number(2)?, number(3)?)))
}
