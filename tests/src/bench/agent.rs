//! What the agent costs at its default intervals, beside node_exporter scraped as often.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::bench::Options;
use crate::bench::figure::Report;
use crate::bench::proc::{Stat, Usage, children, slope_per_hour};
use crate::bench::stack::Stack;
use crate::{binaries, http};

/// The agent's usual interval, and so that of the scrapes.
pub const INTERVAL: Duration = Duration::from_secs(10);
/// How often children are looked for. One that lives shorter still shows in its parent's `cmin_flt`.
const POLL: Duration = Duration::from_millis(20);
/// Output kept for an error message.
const LOG_BYTES_MAX: usize = 64 << 10;

/// A process whose output goes through a pipe, so that logging is not counted as writing to disk.
pub struct Piped {
    child: Child,
    log: Arc<Mutex<Vec<u8>>>,
}

impl Piped {
    /// Starts it.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(command: &mut Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {command:?}"))?;
        let log: Arc<Mutex<Vec<u8>>> = Arc::default();
        let mut pipe = child.stderr.take().context("pipe")?;
        let keep = Arc::clone(&log);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = pipe.read(&mut buffer) {
                let mut log = keep.lock().unwrap_or_else(PoisonError::into_inner);
                if log.len() < LOG_BYTES_MAX {
                    log.extend_from_slice(&buffer[..read]);
                }
            }
        });
        Ok(Self { child, log })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it said.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Fails when it has ended.
    ///
    /// # Errors
    /// It has ended; its output is in the message.
    pub fn check(&mut self) -> Result<()> {
        let ended = self.child.try_wait().context("wait")?;
        ensure!(ended.is_none(), "ended with {ended:?}:\n{}", self.log());
        Ok(())
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Starts the agent of this machine; `sets` go on its command line.
///
/// # Errors
/// It cannot be started.
pub fn start_agent(state: &Path, sets: &[(String, String)]) -> Result<Piped> {
    let mut command = Command::new(binaries::path("hi-agent")?);
    command.arg("run").arg("--set").arg(format!("agent.state_dir={}", state.display()));
    for (key, value) in sets {
        command.arg("--set").arg(format!("{key}={value}"));
    }
    Piped::start(&mut command)
}

/// node_exporter as Debian packages it.
struct Exporter {
    process: Piped,
    base: String,
}

impl Exporter {
    fn start() -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0").context("find a port")?.local_addr()?.port();
        let mut command = Command::new("prometheus-node-exporter");
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        Ok(Self { process: Piped::start(&mut command)?, base: format!("http://127.0.0.1:{port}") })
    }

    async fn scrape(&self) -> Result<usize> {
        let text = http::get(&self.base, "/metrics").await?.text();
        Ok(text.lines().filter(|line| !line.starts_with('#')).count())
    }
}

struct Watched {
    /// (seconds, resident bytes), once per interval.
    memory: Vec<(f64, f64)>,
    cpu_seconds: f64,
    seconds: f64,
    written_bytes: u64,
    children: BTreeSet<u32>,
}

/// Runs the group.
///
/// # Errors
/// A program does not start or ends early.
pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let (settle, measured) =
        if options.quick { (20, 60) } else { (30, (options.minutes.unwrap_or(10) * 60).saturating_sub(30)) };
    let stack = Stack::start(&[]).await?;
    let state = crate::bench::stack::folder()?;
    let mut agent = start_agent(state.path(), &stack.agent_sets()?)?;
    let exporter = match Exporter::start() {
        Ok(exporter) => Some(exporter),
        Err(error) => {
            report.note(format!("node_exporter is not measured: {error:#}"));
            None
        }
    };
    let (samples_before, batches_before) = taken(&stack).await?;
    watch(&mut agent, exporter.as_ref(), Duration::from_secs(settle)).await?;
    let (samples_at, batches_at) = taken(&stack).await?;
    ensure!(batches_at > batches_before, "the agent does not publish:\n{}", agent.log());
    let exporter_before = exporter.as_ref().map(|e| Usage::of(e.process.id()));

    let watched = watch(&mut agent, exporter.as_ref(), Duration::from_secs(measured)).await?;
    let (samples, batches) = taken(&stack).await?;
    let passes = watched.seconds / INTERVAL.as_secs_f64();
    let faults = Stat::read(agent.id()).map_or(0, |stat| stat.children_faults);
    let execs = (watched.children.len() as f64).max(if faults > 0 { 1.0 } else { 0.0 });

    report.add("agent.rss_bytes", watched.memory.last().map_or(f64::NAN, |point| point.1))?;
    let tail = &watched.memory[watched.memory.len() / 3..];
    report.add("agent.rss_slope", slope_per_hour(tail))?;
    report.add("agent.cpu_seconds_per_pass", watched.cpu_seconds / passes)?;
    report.add("agent.cpu_ratio", watched.cpu_seconds / watched.seconds)?;
    report.add("agent.written_bytes", watched.written_bytes as f64)?;
    report.add("agent.execs", execs)?;
    report.add("agent.series", stack.system_number("/ingest/series").await?)?;
    report.note(format!(
        "agent: {:.0} s at default intervals, {} batches, {} samples; a pass is {} s; processes started are counted by \
         looking for children every {} ms and by the page faults of children that ended",
        watched.seconds,
        batches - batches_at,
        samples - samples_at,
        INTERVAL.as_secs(),
        POLL.as_millis()
    ));
    ensure!(samples_at >= samples_before, "the collector was restarted");
    if let (Some(exporter), Some(before)) = (&exporter, exporter_before) {
        let after = Usage::of(exporter.process.id());
        report.add("node_exporter.rss_bytes", after.rss_bytes as f64)?;
        let per_scrape = (after.cpu_seconds - before.cpu_seconds) / passes;
        report.add("node_exporter.cpu_seconds_per_scrape", per_scrape)?;
        report.note(format!("node_exporter: {} series a scrape", exporter.scrape().await?));
    }
    Ok(())
}

async fn taken(stack: &Stack) -> Result<(f64, f64)> {
    let system = stack.system().await?;
    let number = |pointer: &str| system.pointer(pointer).and_then(serde_json::Value::as_f64).unwrap_or(0.0);
    Ok((number("/ingest/samples_total"), number("/ingest/batches_total")))
}

async fn watch(agent: &mut Piped, exporter: Option<&Exporter>, length: Duration) -> Result<Watched> {
    let begun = Instant::now();
    let before = Usage::of(agent.id());
    let mut watched = Watched {
        memory: Vec::new(),
        cpu_seconds: 0.0,
        seconds: 0.0,
        written_bytes: 0,
        children: BTreeSet::new(),
    };
    let mut next = INTERVAL;
    while begun.elapsed() < length {
        watched.children.extend(children(agent.id()));
        if begun.elapsed() >= next {
            next += INTERVAL;
            agent.check()?;
            watched.memory.push((begun.elapsed().as_secs_f64(), Usage::of(agent.id()).rss_bytes as f64));
            if let Some(exporter) = exporter {
                exporter.scrape().await?;
            }
        }
        tokio::time::sleep(POLL).await;
    }
    let after = Usage::of(agent.id());
    watched.memory.push((begun.elapsed().as_secs_f64(), after.rss_bytes as f64));
    watched.cpu_seconds = after.cpu_seconds - before.cpu_seconds;
    watched.seconds = begun.elapsed().as_secs_f64();
    watched.written_bytes = after.written_bytes.saturating_sub(before.written_bytes);
    Ok(watched)
}
