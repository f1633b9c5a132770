//! A real broker that tests start, kill and restart, an agent in this process, and sources that do as they are told.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may panic")]
#![allow(dead_code, reason = "each test binary uses a part")]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_nats::jetstream::{self, Context};
use hi_agent::clock::Clock;
use hi_agent::config::{Config, all_sources};
use hi_agent::host::HostRoot;
use hi_agent::outbox::fs::Fs;
use hi_agent::run::{Parts, RunError, run};
use hi_agent::sampler::Slot;
use hi_agent::source::{Outcome, Readings, Source, SourceError};
use hi_common::batch::{Batch, Reading};
use hi_common::event::Event;
use hi_common::metric::{MetricDef, Unit};
use hi_common::subject::{STREAM_EVENTS, STREAM_METRICS};
use hi_common::wire::{decode, decode_batch};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Longest wait for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Interval of test sources.
pub(crate) const BEAT: Duration = Duration::from_millis(100);

/// Waits until a condition holds.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < PATIENCE, "waited too long until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A nats-server with JetStream in a folder of its own.
pub(crate) struct Broker {
    pub(crate) dir: PathBuf,
    pub(crate) port: u16,
    child: Option<Child>,
}

impl Broker {
    /// Reserves a port, does not start it yet. `more` is appended to its configuration.
    pub(crate) fn new(dir: &Path, more: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let dir = dir.join("nats");
        std::fs::create_dir_all(&dir).unwrap();
        let store = dir.join("store");
        let text = format!(
            "listen: \"127.0.0.1:{port}\"\njetstream {{ store_dir: {store:?}, max_file_store: 8G }}\n{more}\n"
        );
        std::fs::write(dir.join("nats.conf"), text).unwrap();
        Self { dir, port, child: None }
    }

    pub(crate) async fn start(&mut self) {
        let log = std::fs::File::create(self.dir.join("log")).unwrap();
        let mut command = Command::new("nats-server");
        command.arg("-c").arg(self.dir.join("nats.conf")).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().expect("nats-server is installed"));
        let address = format!("127.0.0.1:{}", self.port);
        until("the broker listens", async || tokio::net::TcpStream::connect(&address).await.is_ok()).await;
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub(crate) async fn jetstream(&self) -> Context {
        jetstream::new(async_nats::connect(self.url()).await.unwrap())
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A folder with a started broker.
pub(crate) async fn world(more: &str) -> (tempfile::TempDir, Broker) {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Broker::new(dir.path(), more);
    broker.start().await;
    (dir, broker)
}

/// Configuration of an agent in `dir` that reads nothing of this machine but itself.
pub(crate) fn config(dir: &Path, url: &str, more: &str) -> Config {
    let mut text = format!(
        "agent.host_name = 'nas'\nagent.host_id = '6a1f2f0e-9d5b-5c1e-8b0a-4d6f7a51c3d9'\nagent.state_dir = {:?}\nnats.url = '{url}'\n",
        dir.join("state")
    );
    for def in all_sources().filter(|def| def.name != "agent") {
        text.push_str(&format!("sources.{}.enabled = false\n", def.name));
    }
    text.push_str("sources.agent.interval_secs = 1\n");
    text.push_str(more);
    Config::from_table(text.parse().expect("TOML")).unwrap()
}

/// An agent in this process.
pub(crate) struct Agent {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), RunError>>,
    pub(crate) clock: Clock,
}

impl Agent {
    pub(crate) fn start(config: Config, extra: Vec<Slot>) -> Self {
        Self::with_disk(config, extra, None)
    }

    /// With another disk under its spool.
    pub(crate) fn with_disk(config: Config, extra: Vec<Slot>, disk: Option<Box<dyn Fs>>) -> Self {
        // Shown when the test fails; a second agent in one test finds it set.
        let own = tracing_subscriber::filter::Targets::new().with_target("hi_agent", tracing::Level::DEBUG);
        let layer = tracing_subscriber::fmt::layer().with_test_writer().with_ansi(false);
        let _ = tracing_subscriber::registry().with(own).with(layer).try_init();
        let (stop, stopped) = oneshot::channel();
        let clock = Clock::default();
        let parts = Parts { clock: clock.clone(), extra, disk };
        let task = tokio::spawn(async move {
            let stopped = async move {
                let _ = stopped.await;
            };
            run(&config, HostRoot::live(), parts, stopped).await
        });
        Self { stop: Some(stop), task, clock }
    }

    /// Stops it in order.
    pub(crate) async fn stop(mut self) {
        let _ = self.stop.take().unwrap().send(());
        (&mut self.task).await.unwrap().unwrap();
    }
}

static BEATS: MetricDef = MetricDef::counter("test_beats_total", Unit::None, &[], "Runs of a test source.");

/// A source that yields 1, 2, 3, … and tells how far it is.
pub(crate) struct Beat(pub(crate) Arc<AtomicU64>);

impl Source for Beat {
    fn read(&mut self, _: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        out.push(&BEATS, &[], (self.0.fetch_add(1, Ordering::SeqCst) + 1) as f64);
        Ok(Outcome::Read)
    }
}

static BULK: MetricDef = MetricDef::gauge("test_bulk", Unit::None, &["n"], "Values that take room.");

/// A source that yields 600 values of nine bytes each.
pub(crate) struct Bulk;

impl Source for Bulk {
    fn read(&mut self, _: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        for n in 0..600 {
            out.push(&BULK, &[&n.to_string()], f64::from(n) + 0.1);
        }
        Ok(Outcome::Read)
    }
}

/// A slot that runs what `make` makes.
pub(crate) fn slot<S: Source + 'static>(name: &'static str, make: impl Fn() -> S + Send + 'static) -> Slot {
    Slot {
        name,
        interval: BEAT,
        timeout: Duration::from_millis(300),
        delay: Duration::ZERO,
        make: Box::new(move || Some(Box::new(make()))),
    }
}

/// The same for a source that always ends: however slow the machine, no run counts as stalled.
pub(crate) fn patient<S: Source + 'static>(
    name: &'static str,
    make: impl Fn() -> S + Send + 'static,
) -> Slot {
    Slot { timeout: PATIENCE, ..slot(name, make) }
}

/// A slot of a [`Beat`], and its count.
pub(crate) fn beat(name: &'static str) -> (Slot, Arc<AtomicU64>) {
    let count = Arc::new(AtomicU64::new(0));
    let shared = Arc::clone(&count);
    (patient(name, move || Beat(Arc::clone(&shared))), count)
}

/// Waits until a count has grown by `n`.
pub(crate) async fn grows(count: &AtomicU64, n: u64) {
    let goal = count.load(Ordering::SeqCst) + n;
    until("the source has run", async || count.load(Ordering::SeqCst) >= goal).await;
}

/// A message as the stream holds it.
pub(crate) struct Stored {
    pub(crate) id: String,
    pub(crate) subject: String,
    pub(crate) payload: Vec<u8>,
}

/// Every message of a stream, in its order.
pub(crate) async fn stored(jetstream: &Context, stream: &str) -> Vec<Stored> {
    let Ok(mut stream) = jetstream.get_stream(stream).await else { return Vec::new() };
    let state = stream.info().await.unwrap().state.clone();
    let mut messages = Vec::new();
    for sequence in state.first_sequence.max(1)..=state.last_sequence {
        let message = stream.get_raw_message(sequence).await.unwrap();
        let id = message.headers.get("Nats-Msg-Id").unwrap().as_str().to_owned();
        messages.push(Stored { id, subject: message.subject.to_string(), payload: message.payload.to_vec() });
    }
    messages
}

/// Every batch the broker holds, in its order, with its message id.
pub(crate) async fn batches(jetstream: &Context) -> Vec<(String, Batch)> {
    let batch = |m: Stored| (m.id, decode_batch(&m.payload, i64::MAX).unwrap());
    stored(jetstream, STREAM_METRICS).await.into_iter().map(batch).collect()
}

/// Every event the broker holds.
pub(crate) async fn events(jetstream: &Context) -> Vec<Event> {
    stored(jetstream, STREAM_EVENTS).await.iter().map(|m| decode(&m.payload).unwrap()).collect()
}

/// Readings of a source.
pub(crate) fn readings<'a>(batches: &'a [(String, Batch)], source: &str) -> Vec<&'a Reading> {
    batches.iter().flat_map(|(_, batch)| &batch.readings).filter(|r| r.source == source).collect()
}

/// Values of a [`Beat`] source, in the broker's order.
pub(crate) fn beats(batches: &[(String, Batch)], source: &str) -> Vec<u64> {
    readings(batches, source).iter().map(|r| r.values[0] as u64).collect()
}

/// Asserts that every batch and every value of `source` from 1 to `last` is there once, in order.
pub(crate) fn assert_complete(batches: &[(String, Batch)], source: &str, last: u64) {
    let seqs: Vec<u64> = batches.iter().map(|(_, batch)| batch.seq).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "batches");
    let beats = beats(batches, source);
    assert_eq!(beats, (1..=beats.len() as u64).collect::<Vec<_>>(), "samples");
    assert!(beats.len() as u64 >= last, "{} of {last} samples", beats.len());
}

/// Ticks of a source left out: the time of the agent's last own reading, and what it says.
pub(crate) fn skipped(batches: &[(String, Batch)], source: &str) -> (i64, f64) {
    let own = readings(batches, "agent");
    let (layout, series) = own.iter().rev().find_map(|r| Some((r.layout, r.series.as_ref()?))).unwrap();
    let last = own.iter().rev().find(|r| r.layout == layout).unwrap();
    let rows = series.iter().flat_map(|family| family.rows.iter().map(|row| (family.name.as_str(), row)));
    let place =
        |(name, row): (&str, &Vec<String>)| name == "hi_agent_source_skipped_total" && row[0] == source;
    let place = rows.map(place).position(|found| found).expect("among the agent's own readings");
    (last.at, last.values[place])
}

/// Asserts that every tick of a source gave a reading or is counted as left out: whatever the others do, and however slow
/// the machine, none goes missing unnoticed.
pub(crate) fn assert_ticks(batches: &[(String, Batch)], source: &str) {
    let beat = BEAT.as_millis() as i64;
    let ats: Vec<i64> = readings(batches, source).iter().map(|r| r.at).collect();
    // The first run is at the start, the others lie on the grid.
    let missed = |ats: &[i64]| ats.windows(2).map(|w| (w[1] - w[0] - 1).div_euclid(beat)).sum::<i64>();
    assert!(ats[1..].windows(2).all(|w| w[1] > w[0] && (w[1] - w[0]) % beat == 0), "{ats:?}");
    let (own_at, skipped) = skipped(batches, source);
    let before: Vec<i64> = ats[1..].iter().copied().filter(|at| *at < own_at).collect();
    let (least, most) = (missed(&before) as f64, missed(&ats) as f64);
    assert!((least..=most).contains(&skipped), "{skipped} ticks are told as left out, not {least} to {most}");
}

/// Bytes of the files in a folder, by name.
pub(crate) fn files(dir: &Path) -> Vec<(String, u64)> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let file = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), entry.metadata().map_or(0, |m| m.len()))
    };
    let mut files: Vec<_> = entries.map(file).collect();
    files.sort();
    files
}
