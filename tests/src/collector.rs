//! The real collector as a process, and what it answers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hi_harness::wait_for;
use serde_json::Value;

use crate::http::{self, with_query};
use crate::oracle::{Samples, SeriesKey};
use crate::process::Process;
use crate::{binaries, config};

/// Bound of waiting for something that takes a second or two on an idle machine.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// A collector; ends when dropped.
pub struct Collector {
    folder: PathBuf,
    name: String,
    port: u16,
    process: Option<Process>,
}

impl Collector {
    /// Starts one with these settings on top of what tests need: a free port, a flush each second.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn start(
        folder: &Path,
        nats_url: &str,
        database_url: &str,
        more: &[(&str, &str)],
    ) -> Result<Self> {
        let port = config::free_port()?;
        let mut settings = vec![
            ("nats.url".to_owned(), format!("{nats_url:?}")),
            ("database.url".to_owned(), format!("{database_url:?}")),
            ("http.listen".to_owned(), format!("\"127.0.0.1:{port}\"")),
            ("store.flush_interval_secs".to_owned(), "1".to_owned()),
        ];
        config::merge(&mut settings, more);
        let name = format!("collector-{port}");
        fs::write(folder.join(format!("{name}.toml")), config::toml(&settings)).context("write config")?;
        let mut this = Self { folder: folder.to_owned(), name, port, process: None };
        this.restart()?;
        Ok(this)
    }

    /// Starts it again; kills it first when it runs.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn restart(&mut self) -> Result<()> {
        self.kill()?;
        let mut command = Command::new(binaries::path("hi-collector")?);
        // Not even a test that is killed leaves it behind.
        command.args(["run", "--exit-with-parent", "--config"]);
        command.arg(self.folder.join(format!("{}.toml", self.name)));
        command.env("RUST_BACKTRACE", "1");
        self.process = Some(Process::start(&self.name, &self.folder, &mut command)?);
        Ok(())
    }

    /// `kill -9`.
    ///
    /// # Errors
    /// The system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), |mut process| process.kill())
    }

    /// SIGTERM: it writes what it holds and ends.
    ///
    /// # Errors
    /// It does not end in half a minute, or does not run.
    pub async fn terminate(&mut self) -> Result<ExitStatus> {
        let mut process = self.process.take().context("the collector does not run")?;
        process.terminate().await
    }

    /// Its process, while it was started.
    ///
    /// # Errors
    /// It was not.
    pub fn process(&mut self) -> Result<&mut Process> {
        self.process.as_mut().context("the collector does not run")
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Waits until it says that it is ready.
    ///
    /// # Panics
    /// When it does not within [`PATIENCE`].
    pub async fn ready(&self) {
        let url = self.url();
        wait_for("the collector is ready", PATIENCE, || async {
            http::get(&url, "/readyz").await.ok().filter(|answer| answer.status == 200)
        })
        .await;
    }

    /// GETs JSON.
    ///
    /// # Errors
    /// It does not answer 200.
    pub async fn get(&self, path: &str) -> Result<Value> {
        http::get_json(&self.url(), path).await
    }

    /// A value of `/api/system` by its JSON pointer; `None` while there is no answer.
    pub async fn value(&self, pointer: &str) -> Option<Value> {
        self.get("/api/system").await.ok()?.pointer(pointer).cloned()
    }

    /// A number of `/api/system` by its JSON pointer.
    pub async fn figure(&self, pointer: &str) -> Option<f64> {
        self.value(pointer).await?.as_f64()
    }

    /// Waits until a value of `/api/system` fulfils a condition, and returns it.
    ///
    /// # Panics
    /// When it does not within [`PATIENCE`].
    pub async fn wait_value(&self, pointer: &str, condition: impl Fn(&Value) -> bool) -> Value {
        let what = format!("{pointer} of /api/system");
        wait_for(&what, PATIENCE, || async { self.value(pointer).await.filter(&condition) }).await
    }

    /// As [`Collector::wait_value`], of a number.
    ///
    /// # Panics
    /// When it does not within [`PATIENCE`].
    pub async fn wait_figure(&self, pointer: &str, condition: impl Fn(f64) -> bool) -> f64 {
        let value = self.wait_value(pointer, |value| value.as_f64().is_some_and(&condition)).await;
        value.as_f64().unwrap_or(f64::NAN)
    }

    /// Every sample of a host between two times, both included, through `/api/samples`.
    ///
    /// # Errors
    /// It does not answer, or not fully.
    pub async fn samples(&self, host: &str, start_ms: i64, end_ms: i64) -> Result<Samples> {
        self.samples_matching(&format!("{{instance={host:?}}}"), start_ms, end_ms).await
    }

    /// As [`Collector::samples`], of whatever a selector matches.
    ///
    /// # Errors
    /// It does not answer, or not fully.
    pub async fn samples_matching(&self, selector: &str, start_ms: i64, end_ms: i64) -> Result<Samples> {
        let (start, end) = (start_ms.div_euclid(1000).to_string(), (end_ms.div_euclid(1000) + 1).to_string());
        let path = with_query("/api/samples", &[("match", selector), ("start", &start), ("end", &end)]);
        let answer = self.get(&path).await?;
        ensure!(answer["partial"] == false, "the answer says that it is partial");
        let mut samples = Samples::default();
        for series in answer["series"].as_array().context("series")? {
            read_series(series, &mut samples)?;
        }
        Ok(samples)
    }

    /// Events of a type, newest first.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn events(&self, kind: &str) -> Result<Vec<Value>> {
        let answer = self.get(&with_query("/api/events", &[("type", kind), ("limit", "100")])).await?;
        Ok(answer["events"].as_array().cloned().unwrap_or_default())
    }

    /// Entries of the attention list of a kind.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn attention(&self, kind: &str) -> Result<Vec<Value>> {
        let answer = self.get("/api/attention").await?;
        let items = answer["items"].as_array().cloned().unwrap_or_default();
        Ok(items.into_iter().filter(|item| item["kind"] == kind).collect())
    }
}

fn read_series(series: &Value, into: &mut Samples) -> Result<()> {
    let metric = series["metric"].as_str().context("metric")?;
    let labels = series["labels"].as_object().context("labels")?;
    let key = SeriesKey::new(metric, labels.iter().map(|(k, v)| (k.as_str(), v.as_str().unwrap_or(""))));
    let times = series["times_unix_ms"].as_array().context("times_unix_ms")?;
    let values = series["values"].as_array().context("values")?;
    ensure!(times.len() == values.len(), "{} has {} times, {} values", key.0, times.len(), values.len());
    for (at, value) in times.iter().zip(values) {
        into.add(&key, at.as_i64().context("time")?, value.as_f64().unwrap_or(f64::NAN));
    }
    Ok(())
}
