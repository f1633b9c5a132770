//! A PostgreSQL for the time of a command, with the migrations applied by the collector itself.

use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// A database that goes away when dropped.
pub(crate) struct Scratch {
    collector: Child,
    folder: tempfile::TempDir,
}

impl Scratch {
    /// Starts `hi-collector run --embedded` in a folder of its own: what makes users' databases makes this one.
    pub(crate) fn start(collector: PathBuf) -> Result<Self> {
        let folder = tempfile::tempdir().context("make a folder")?;
        let child = Command::new(collector)
            .args(["run", "--embedded", "--exit-with-parent", "--listen", "127.0.0.1:0", "--data"])
            .arg(folder.path())
            .spawn()
            .context("start hi-collector")?;
        Ok(Self { collector: child, folder })
    }

    /// Address of the migrated database.
    pub(crate) fn database_url(&mut self) -> Result<String> {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(120) {
            if let Some(status) = self.collector.try_wait()? {
                bail!("hi-collector ended ({status})");
            }
            let text = std::fs::read(self.folder.path().join("run/embedded.json")).unwrap_or_default();
            let run: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
            // It tells its own address when it has migrated the database.
            if run["http_url"].is_string() {
                return Ok(run["database_url"].as_str().unwrap_or_default().to_owned());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("the scratch database is not there after two minutes")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = rustix::process::kill_process(
            rustix::process::Pid::from_child(&self.collector),
            rustix::process::Signal::TERM,
        );
        let _ = self.collector.wait();
    }
}
