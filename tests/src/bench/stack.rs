//! The real programs, started the way `./x run` starts them: a collector with its own broker and database.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use async_nats::ConnectOptions;
use serde_json::Value;
use tempfile::TempDir;

use crate::bench::proc::TreeUsage;
use crate::binaries;
use crate::http;
use crate::process::Process;

/// First start of a cluster on a slow disk.
const START_TIMEOUT: Duration = Duration::from_secs(120);
/// `statfs(2)`: `TMPFS_MAGIC`.
const TMPFS_MAGIC: i64 = 0x0102_1994;
/// How often a level is looked at.
const POLL: Duration = Duration::from_millis(100);

/// A collector in embedded mode, with everything below a folder of its own.
pub struct Stack {
    collector: Process,
    folder: TempDir,
    sets: Vec<(String, String)>,
    base: String,
    run: Value,
}

impl Stack {
    /// Starts it with these settings changed, and waits until it is ready.
    ///
    /// # Errors
    /// It does not start; its log is in the message.
    pub async fn start(sets: &[(&str, &str)]) -> Result<Self> {
        let folder = folder()?;
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let sets: Vec<_> = sets.iter().map(own).collect();
        let (collector, run) = launch(folder.path(), &sets).await?;
        let base = run["http_url"].as_str().context("http_url")?.trim_end_matches('/').to_owned();
        Ok(Self { collector, folder, sets, base, run })
    }

    /// Changes a setting, from the next start on.
    pub fn set(&mut self, key: &str, value: &str) {
        self.sets.retain(|(known, _)| known != key);
        self.sets.push((key.to_owned(), value.to_owned()));
    }

    /// Stops it in order, then starts it again on the same data.
    ///
    /// # Errors
    /// It does not stop or not start.
    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await?;
        (self.collector, self.run) = launch(self.folder.path(), &self.sets).await?;
        self.base = self.run["http_url"].as_str().context("http_url")?.trim_end_matches('/').to_owned();
        Ok(())
    }

    /// Stops it in order, which writes what is in memory.
    ///
    /// # Errors
    /// It does not end in time, or with an error.
    pub async fn stop(&mut self) -> Result<()> {
        self.collector.signal(rustix::process::Signal::TERM)?;
        let status = self.collector.wait(Duration::from_secs(180)).await?;
        ensure!(status.success(), "the collector ended with {status}:\n{}", tail(&self.collector.log()));
        Ok(())
    }

    /// Address of its HTTP server.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Connects to its broker.
    ///
    /// # Errors
    /// The run file lacks its address; it does not answer.
    pub async fn broker(&self) -> Result<async_nats::Client> {
        let text = |key: &str| self.run[key].as_str().with_context(|| format!("{key} in the run file"));
        ConnectOptions::with_user_and_password(
            text("nats_user")?.to_owned(),
            text("nats_password")?.to_owned(),
        )
        .name("bench")
        .request_timeout(Some(Duration::from_secs(30)))
        .connect(text("nats_url")?)
        .await
        .context("connect to the broker")
    }

    /// Settings that connect an agent to its broker.
    ///
    /// # Errors
    /// The run file lacks them.
    pub fn agent_sets(&self) -> Result<Vec<(String, String)>> {
        let pair = |key: &str, from: &str| {
            let text = self.run[from].as_str().with_context(|| format!("{from} in the run file"))?;
            Ok((key.to_owned(), text.to_owned()))
        };
        [("nats.url", "nats_url"), ("nats.user", "nats_user"), ("nats.password", "nats_password")]
            .map(|(key, from)| pair(key, from))
            .into_iter()
            .collect()
    }

    /// Address of its database, with user and password.
    ///
    /// # Errors
    /// The run file lacks it.
    pub fn database_url(&self) -> Result<&str> {
        self.run["database_url"].as_str().context("database_url in the run file")
    }

    /// What all its processes take.
    pub fn usage(&self) -> TreeUsage {
        TreeUsage::of(self.collector.id())
    }

    /// Resident memory of the collector alone, now and at its highest, bytes.
    pub fn collector_rss(&self) -> (u64, u64) {
        (self.collector.rss_bytes(), self.collector.peak_rss_bytes())
    }

    /// `/api/system`.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn system(&self) -> Result<Value> {
        http::get_json(&self.base, "/api/system").await
    }

    /// A number of `/api/system`, 0 when there is none.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn system_number(&self, pointer: &str) -> Result<f64> {
        Ok(self.system().await?.pointer(pointer).and_then(Value::as_f64).unwrap_or(0.0))
    }

    /// Waits until `/api/system` is as wanted.
    ///
    /// # Errors
    /// It is not within `bound`; the message says what it was instead.
    pub async fn wait(&self, what: &str, bound: Duration, holds: impl Fn(&Value) -> bool) -> Result<Value> {
        let begun = Instant::now();
        loop {
            let system = self.system().await?;
            if holds(&system) {
                return Ok(system);
            }
            ensure!(
                begun.elapsed() < bound,
                "waited {bound:?} in vain for {what}: ingest {}, head {}, flush {}, housekeeping {}",
                system["ingest"],
                system["head"],
                system["flush"],
                system["housekeeping"]
            );
            tokio::time::sleep(POLL).await;
        }
    }

    /// The counters of the collector's own `/metrics` by name with labels.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn counters(&self) -> Result<Vec<(String, f64)>> {
        let text = http::get(&self.base, "/metrics").await?.text();
        let parse = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        Ok(text.lines().filter(|line| !line.starts_with('#')).filter_map(parse).collect())
    }

    /// Last lines of the collector's log.
    pub fn log(&self) -> String {
        tail(&self.collector.log())
    }
}

async fn launch(folder: &Path, sets: &[(String, String)]) -> Result<(Process, Value)> {
    let mut command = Command::new(binaries::path("hi-collector")?);
    command.arg("run");
    let data = folder.join("data");
    let fixed = [
        ("embedded.enabled", "true".to_owned()),
        ("embedded.data_dir", data.display().to_string()),
        ("http.listen", "127.0.0.1:0".to_owned()),
    ];
    for (key, value) in fixed.iter().map(|(k, v)| (*k, v)).chain(sets.iter().map(|(k, v)| (k.as_str(), v))) {
        command.arg("--set").arg(format!("{key}={value}"));
    }
    let mut collector = Process::start("collector", folder, &mut command)?;
    let run_file = data.join("run/embedded.json");
    let begun = Instant::now();
    loop {
        ensure!(collector.is_running(), "the collector ended while starting:\n{}", tail(&collector.log()));
        ensure!(begun.elapsed() < START_TIMEOUT, "the collector is not ready:\n{}", tail(&collector.log()));
        if let Some(run) = ready(&run_file).await {
            return Ok((collector, run));
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn ready(run_file: &Path) -> Option<Value> {
    let run: Value = serde_json::from_slice(&std::fs::read(run_file).ok()?).ok()?;
    let answer = http::get(run["http_url"].as_str()?, "/readyz").await.ok()?;
    (answer.status == 200).then_some(run)
}

fn tail(log: &str) -> String {
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}

/// A folder on a disk: what is written to memory alone would not be counted.
///
/// # Errors
/// It cannot be made.
pub fn folder() -> Result<TempDir> {
    let places = [std::env::var_os("HI_BENCH_DIR").map(PathBuf::from), Some(std::env::temp_dir())];
    let on_disk = |place: &PathBuf| rustix::fs::statfs(place).is_ok_and(|stat| stat.f_type != TMPFS_MAGIC);
    let place = places.into_iter().flatten().find(on_disk).unwrap_or_else(|| "/var/tmp".into());
    tempfile::Builder::new().prefix("hi-bench-").tempdir_in(place).context("make a folder")
}
