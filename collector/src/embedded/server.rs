//! One supervised server: started, waited for, restarted when it ends by itself, stopped in order.

use super::EmbeddedError;
use super::child::{ChildArgs, DeathSignal, RunAs};
use super::spawner::Spawner;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::Child;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, oneshot, watch};
use tokio::time::{sleep, timeout};

/// How often the log's size is looked at.
const LOG_CHECK: Duration = Duration::from_secs(60);
/// A log beyond this is moved aside once and begun anew.
const LOG_BYTES_MAX: u64 = 4 << 20;
/// How much of the log's end a message quotes.
const LOG_TAIL_BYTES: u64 = 2048;
/// How often readiness is looked at.
const READY_CHECK: Duration = Duration::from_millis(20);
/// First and longest pause before a restart.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));
/// A server that ran this long has recovered: the next restart is quick again.
const HEALTHY_AFTER: Duration = Duration::from_secs(60);
/// Starts that are tried at first: a cluster whose old processes are still ending refuses for a moment.
const START_ATTEMPTS: u32 = 4;

/// Stack of a thread that only waits.
const WAIT_STACK_BYTES: usize = 64 << 10;
/// How the status of a success reads.
const SUCCESS: &str = "exit status: 0";

/// Signals to end a server with, and how long each is given.
pub(super) type StopPlan = &'static [(Signal, Duration)];

/// What a server is.
#[derive(Debug)]
pub(super) struct Spec {
    /// For messages.
    pub(super) name: &'static str,
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
    pub(super) env: &'static [(&'static str, &'static str)],
    pub(super) folder: PathBuf,
    pub(super) in_folder: bool,
    pub(super) run_as: Option<RunAs>,
    pub(super) death_signal: DeathSignal,
    pub(super) log: PathBuf,
    pub(super) ready: Ready,
    pub(super) ready_within: Duration,
    pub(super) stop_plan: StopPlan,
}

/// How one sees that a server takes connections.
#[derive(Debug)]
pub(super) enum Ready {
    /// PostgreSQL's `postmaster.pid` says so.
    Postmaster(PathBuf),
    /// nats-server greets on this loopback port.
    Nats(u16),
    /// It does its work and ends with status 0.
    Ends,
}

/// A server and its process, when it runs.
#[derive(Debug)]
pub(super) struct Server {
    spec: Spec,
    process: Mutex<Option<Process>>,
    /// 0 when there is none.
    pid: AtomicU32,
}

#[derive(Debug)]
struct Process {
    pid: Pid,
    /// How it ended, from the thread that waits for it.
    ended: oneshot::Receiver<String>,
    log_start: u64,
    started: Instant,
}

impl Server {
    pub(super) fn new(spec: Spec) -> Self {
        Self { spec, process: Mutex::new(None), pid: AtomicU32::new(0) }
    }

    pub(super) fn pid(&self) -> Option<u32> {
        Some(self.pid.load(Ordering::Relaxed)).filter(|pid| *pid != 0)
    }

    /// Starts it and waits until it is ready; tries again when it ends at once.
    pub(super) async fn start(&self, spawner: &Spawner) -> Result<(), EmbeddedError> {
        let mut slot = self.process.lock().await;
        let mut attempt = 1;
        loop {
            match self.launch(&mut slot, spawner).await {
                Err(EmbeddedError::Ended { .. })
                    if attempt < START_ATTEMPTS && !matches!(self.spec.ready, Ready::Ends) =>
                {
                    sleep(BACKOFF.0 * (1 << attempt)).await;
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    /// Restarts it whenever it ends, until `stopping` turns true. `changed` is called after each start.
    pub(super) async fn keep_running(
        &self,
        spawner: &Spawner,
        mut stopping: watch::Receiver<bool>,
        changed: impl Fn(),
    ) {
        let mut slot = self.process.lock().await;
        let mut pause = BACKOFF.0;
        loop {
            let ended = tokio::select! {
                ended = self.wait(&mut slot) => ended,
                _ = stopping.wait_for(|stop| *stop) => return,
            };
            self.pid.store(0, Ordering::Relaxed);
            if let Some((status, ran)) = ended {
                tracing::error!(server = self.spec.name, %status, ran_secs = ran.as_secs(), "server ended by itself");
                pause = if ran >= HEALTHY_AFTER { BACKOFF.0 } else { pause };
            }
            tokio::select! {
                () = sleep(pause) => {}
                _ = stopping.wait_for(|stop| *stop) => return,
            }
            pause = (pause * 2).min(BACKOFF.1);
            let launched = tokio::select! {
                launched = self.launch(&mut slot, spawner) => launched,
                _ = stopping.wait_for(|stop| *stop) => return,
            };
            match launched {
                Ok(()) => tracing::info!(server = self.spec.name, pid = self.pid(), "server restarted"),
                Err(error) => {
                    let error = hi_common::error_chain::ErrorChain(&error).to_string();
                    tracing::error!(server = self.spec.name, error, "server does not restart, trying again");
                    self.end(&mut slot).await;
                }
            }
            changed();
        }
    }

    /// Ends it as planned; returns once it is gone.
    pub(super) async fn stop(&self) {
        let mut slot = self.process.lock().await;
        self.end(&mut slot).await;
    }

    /// Spawns and waits until ready. The process is in `slot` from its first moment, so that dropping this loses none.
    async fn launch(&self, slot: &mut Option<Process>, spawner: &Spawner) -> Result<(), EmbeddedError> {
        let process = slot.insert(self.spawn(spawner)?);
        self.pid.store(process.id(), Ordering::Relaxed);
        let began = Instant::now();
        loop {
            tokio::select! {
                status = process.wait() => {
                    let log = self.log_tail(process.log_start);
                    *slot = None;
                    self.pid.store(0, Ordering::Relaxed);
                    let done = matches!(self.spec.ready, Ready::Ends) && status == SUCCESS;
                    return if done { Ok(()) } else { Err(self.ended(status, log)) };
                }
                () = sleep(READY_CHECK) => {}
            }
            if self.spec.ready.holds(process.id()).await {
                return Ok(());
            }
            if began.elapsed() > self.spec.ready_within {
                let (server, log) = (self.spec.name, self.log_tail(process.log_start));
                return Err(EmbeddedError::NotReady { server, waited_secs: began.elapsed().as_secs(), log });
            }
        }
    }

    fn spawn(&self, spawner: &Spawner) -> Result<Process, EmbeddedError> {
        let spec = &self.spec;
        let failed = |source| EmbeddedError::Spawn { server: spec.name, source };
        let args = ChildArgs {
            parent: std::process::id(),
            signal: spec.death_signal,
            run_as: spec.run_as,
            in_folder: spec.in_folder,
            folder: spec.folder.clone(),
            program: spec.program.clone(),
            arguments: spec.arguments.clone(),
        };
        let log = self.open_log().map_err(EmbeddedError::folder("write", &spec.log))?;
        let log_start = log.metadata().map_or(0, |meta| meta.len());
        let child = spawner.spawn(&args, spec.env, &log).map_err(failed)?;
        Ok(Process {
            pid: Pid::from_child(&child),
            ended: wait_in_thread(child).map_err(failed)?,
            log_start,
            started: Instant::now(),
        })
    }

    /// Waits for the end of the process and keeps its log small meanwhile; `None` when there was none.
    async fn wait(&self, slot: &mut Option<Process>) -> Option<(String, Duration)> {
        let process = slot.as_mut()?;
        let status = loop {
            tokio::select! {
                status = process.wait() => break status,
                () = sleep(LOG_CHECK) => self.trim_log(),
            }
        };
        let ran = process.started.elapsed();
        *slot = None;
        Some((status, ran))
    }

    async fn end(&self, slot: &mut Option<Process>) {
        if let Some(process) = slot.as_mut() {
            for (signal, patience) in self.spec.stop_plan {
                let _ = kill_process(process.pid, *signal);
                if timeout(*patience, process.wait()).await.is_ok() {
                    break;
                }
                tracing::warn!(server = self.spec.name, ?signal, ?patience, "server ignored its signal");
            }
        }
        *slot = None;
        self.pid.store(0, Ordering::Relaxed);
    }

    fn ended(&self, status: String, log: String) -> EmbeddedError {
        EmbeddedError::Ended { server: self.spec.name, status, log }
    }

    fn open_log(&self) -> io::Result<File> {
        // Appending: a log cut to nothing while the server holds it goes on at its beginning.
        OpenOptions::new().append(true).create(true).mode(0o600).open(&self.spec.log)
    }

    fn trim_log(&self) {
        let too_long = std::fs::metadata(&self.spec.log).is_ok_and(|meta| meta.len() > LOG_BYTES_MAX);
        if too_long && std::fs::copy(&self.spec.log, self.spec.log.with_extension("log.old")).is_ok() {
            let _ = OpenOptions::new().write(true).open(&self.spec.log).and_then(|log| log.set_len(0));
        }
    }

    /// The last lines that this start wrote.
    fn log_tail(&self, start: u64) -> String {
        let read = || -> io::Result<String> {
            let mut file = File::open(&self.spec.log)?;
            let end = file.metadata()?.len();
            let _ = file.seek(SeekFrom::Start(end.saturating_sub(LOG_TAIL_BYTES).max(start)))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).trim().replace('\n', " | "))
        };
        let tail = read().unwrap_or_default();
        if tail.is_empty() { format!("see {}", self.spec.log.display()) } else { tail }
    }
}

impl Process {
    fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Waits for its end. May be dropped and called again until it has returned.
    async fn wait(&mut self) -> String {
        (&mut self.ended).await.unwrap_or_else(|_| "its end was not seen".to_owned())
    }
}

/// `Child::wait` blocks; a thread of its own each is two threads in all.
fn wait_in_thread(mut child: Child) -> io::Result<oneshot::Receiver<String>> {
    let (ended, receiver) = oneshot::channel();
    let wait = move || {
        let status = child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
        let _ = ended.send(status);
    };
    std::thread::Builder::new().name("wait".to_owned()).stack_size(WAIT_STACK_BYTES).spawn(wait)?;
    Ok(receiver)
}

impl Ready {
    async fn holds(&self, pid: u32) -> bool {
        match self {
            Self::Postmaster(path) => {
                std::fs::read_to_string(path).is_ok_and(|text| postmaster_ready(&text, pid))
            }
            Self::Nats(port) => nats_greets(*port).await,
            Self::Ends => false,
        }
    }
}

/// Whether `postmaster.pid` is of this process and says `ready`: line 1 its number, line 8 its status
/// (`src/include/utils/pidfile.h` of PostgreSQL).
fn postmaster_ready(text: &str, pid: u32) -> bool {
    let mut lines = text.lines();
    let own = lines.next().is_some_and(|line| line.trim() == pid.to_string());
    own && lines.nth(6).is_some_and(|line| line.trim() == "ready")
}

/// A NATS server speaks first: `INFO {…}`.
async fn nats_greets(port: u16) -> bool {
    let greet = async {
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
        let mut start = [0; 4];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut start).await?;
        Ok::<_, io::Error>(start == *b"INFO")
    };
    matches!(timeout(Duration::from_secs(1), greet).await, Ok(Ok(true)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_postmaster_is_ready_when_its_own_file_says_so() {
        let text = "12\n/d\n1700000000\n5432\n/s\n127.0.0.1\n  10176723         4\nready   \n";
        assert!(postmaster_ready(text, 12));
        assert!(!postmaster_ready(text, 13), "left by another process");
        assert!(!postmaster_ready(&text.replace("ready   ", "starting"), 12));
        assert!(!postmaster_ready("12\n/d\n", 12));
    }
}
