//! The real agent as a process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use anyhow::{Context as _, Result};
use uuid::Uuid;

use crate::process::Process;
use crate::{binaries, config};

/// Sources that an agent under test reads, each once a second.
const SOURCES: [&str; 7] = ["agent", "cpu", "memory", "load", "disk", "network", "os"];
/// Sources that it does not read, because what they yield depends on what else runs on the machine.
const SOURCES_OFF: [&str; 3] = ["pressure", "filesystem", "processes"];

/// An agent; ends when dropped.
pub struct Agent {
    folder: PathBuf,
    host: String,
    settings: config::Settings,
    env: Vec<(String, String)>,
    process: Option<Process>,
}

impl Agent {
    /// Starts one that calls itself `host`; `more` are settings on top of what tests need: every source each second,
    /// a state folder of its own, a fresh identity.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(folder: &Path, host: &str, nats_url: &str, more: &[(&str, &str)]) -> Result<Self> {
        let mut this = Self::new(folder, host, nats_url, more)?;
        this.restart()?;
        Ok(this)
    }

    /// As [`Agent::start`], but does not start it yet.
    ///
    /// # Errors
    /// Its folder cannot be written.
    pub fn new(folder: &Path, host: &str, nats_url: &str, more: &[(&str, &str)]) -> Result<Self> {
        let id = Uuid::new_v4();
        let folder = folder.join(format!("agent-{host}-{}", id.simple()));
        fs::create_dir_all(folder.join("state")).context("make the agent's folder")?;
        let mut settings = vec![
            ("agent.host_name".to_owned(), format!("{host:?}")),
            ("agent.host_id".to_owned(), format!("\"{id}\"")),
            ("agent.state_dir".to_owned(), format!("{:?}", folder.join("state"))),
            ("nats.url".to_owned(), format!("{nats_url:?}")),
        ];
        for source in SOURCES {
            settings.push((format!("sources.{source}.interval_secs"), "1".to_owned()));
        }
        for source in SOURCES_OFF {
            settings.push((format!("sources.{source}.enabled"), "false".to_owned()));
        }
        let mut this = Self { folder, host: host.to_owned(), settings, env: Vec::new(), process: None };
        this.reconfigure(more)?;
        Ok(this)
    }

    /// Changes settings for the next start.
    ///
    /// # Errors
    /// Its folder cannot be written.
    pub fn reconfigure(&mut self, more: &[(&str, &str)]) -> Result<()> {
        config::merge(&mut self.settings, more);
        fs::write(self.config(), config::toml(&self.settings)).context("write config")
    }

    /// What it logged so far, over all starts.
    pub fn process_log(&self) -> String {
        self.process.as_ref().map(Process::log).unwrap_or_default()
    }

    /// Sets an environment variable for the next start.
    pub fn env(&mut self, key: &str, value: &str) {
        self.env.push((key.to_owned(), value.to_owned()));
    }

    /// Name it claims.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Folder in which it keeps what must survive a restart.
    pub fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// Its configuration file.
    pub fn config(&self) -> PathBuf {
        self.folder.join("agent.toml")
    }

    /// Starts it again; kills it first when it runs.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn restart(&mut self) -> Result<()> {
        self.kill()?;
        let mut command = Command::new(binaries::path("hi-agent")?);
        // Not even a test that is killed leaves it behind.
        command.args(["run", "--exit-with-parent", "--config"]).arg(self.config()).env("RUST_BACKTRACE", "1");
        command.envs(self.env.iter().map(|(k, v)| (k.as_str(), v.as_str())));
        self.process = Some(Process::start("agent", &self.folder, &mut command)?);
        Ok(())
    }

    /// `kill -9`.
    ///
    /// # Errors
    /// The system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), |mut process| process.kill())
    }

    /// SIGTERM: it sends or keeps what it holds, and ends.
    ///
    /// # Errors
    /// It does not end in half a minute, or does not run.
    pub async fn terminate(&mut self) -> Result<ExitStatus> {
        let mut process = self.process.take().context("the agent does not run")?;
        process.terminate().await
    }

    /// Its process, while it was started.
    ///
    /// # Errors
    /// It was not.
    pub fn process(&mut self) -> Result<&mut Process> {
        self.process.as_mut().context("the agent does not run")
    }
}
