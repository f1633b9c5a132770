//! What a hundred running containers cost: a pass of the source `docker`, beside asking the engine for the same through its
//! stats API; how soon events are seen; the agent's memory with everything on.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use hi_agent::host::HostRoot;
use hi_agent::source::{Bell, Readings, Source};
use hi_agent::sources::docker::DEF;
use rustix::process::{Pid, Signal, kill_process};
use rustix::time::{ClockId, clock_gettime};

use crate::bench::Options;
use crate::bench::agent::start_agent;
use crate::bench::figure::Report;
use crate::bench::proc::{Usage, descendants};
use crate::bench::stack::Stack;

/// Running containers.
const CONTAINERS: usize = 100;
/// Passes measured, and the pause between two: less than the usual interval, so that the bench does not take long.
const PASSES: u32 = 30;
const PAUSE: Duration = Duration::from_millis(200);
/// Containers stopped and started for the latency of events.
const EVENTS: usize = 20;
/// Longest wait for anything.
const BOUND: Duration = Duration::from_secs(120);
/// How long the sampler waits after a ring.
const RING_PAUSE: Duration = Duration::from_millis(100);

/// Runs the group.
///
/// # Errors
/// No engine can be started here, or it does not do as it is told.
pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let engine = Engine::start()?;
    for index in 0..CONTAINERS {
        let (name, memory) = (format!("c{index}"), "32m");
        engine.docker(&["run", "-d", "--name", &name, "--network", "none", "-m", memory, "hi/bench:1"])?;
    }
    let table = format!(
        "[sources.docker]\ndetect = false\nengines = [\"docker=unix://{}\"]\ndisk_usage_interval_secs = 0\n",
        engine.socket().display()
    );
    let mut source = (DEF.make)(&table.parse().context("configuration")?).context("make the source")?;
    let bell = source.bell().context("the source has a bell")?;
    let (host, mut out) = (HostRoot::live(), Readings::default());
    let began = Instant::now();
    while running(&out) < CONTAINERS {
        ensure!(began.elapsed() < BOUND, "only {} of {CONTAINERS} containers are seen", running(&out));
        read(source.as_mut(), &host, &mut out)?;
    }
    let (engine_before, own_before) = (engine.cpu_seconds(), cpu_seconds());
    for _ in 0..PASSES {
        read(source.as_mut(), &host, &mut out)?;
        tokio::time::sleep(PAUSE).await;
    }
    let of_pass = |seconds: f64| seconds / f64::from(PASSES);
    report.add("containers.pass_cpu_seconds", of_pass(cpu_seconds() - own_before))?;
    report.add("containers.pass_engine_cpu_seconds", of_pass(engine.cpu_seconds() - engine_before))?;
    report.note(format!("containers: {CONTAINERS} running, {} series a pass, {PASSES} passes", out.len()));

    let (engine_before, own_before, polls) =
        (engine.cpu_seconds(), cpu_seconds(), if options.quick { 1 } else { 3 });
    let began = Instant::now();
    for _ in 0..polls {
        for index in 0..CONTAINERS {
            engine.get(&format!("/containers/c{index}/stats?stream=false&one-shot=true"))?;
        }
    }
    let of_poll = |seconds: f64| seconds / f64::from(polls);
    report.add("containers.stats_api_cpu_seconds", of_poll(cpu_seconds() - own_before))?;
    report.add("containers.stats_api_engine_cpu_seconds", of_poll(engine.cpu_seconds() - engine_before))?;
    report.add("containers.stats_api_seconds", of_poll(began.elapsed().as_secs_f64()))?;

    let mut slowest = Duration::ZERO;
    for index in 0..EVENTS {
        let name = format!("c{index}");
        slowest = slowest.max(latency(&engine, source.as_mut(), &bell, &host, &name).await?);
    }
    report.add("containers.event_seconds", slowest.as_secs_f64())?;
    drop(source);
    memory(options, report, &engine).await
}

fn read(source: &mut dyn Source, host: &HostRoot, out: &mut Readings) -> Result<()> {
    out.clear();
    source.read(host, out).map(drop).context("read")
}

fn running(out: &Readings) -> usize {
    out.samples().filter(|(metric, _, _)| metric.name == "container_cpu_usage_seconds_total").count()
}

/// From the engine's answer to a start until the event is there, as the sampler would fetch it.
async fn latency(
    engine: &Engine,
    source: &mut dyn Source,
    bell: &Bell,
    host: &HostRoot,
    name: &str,
) -> Result<Duration> {
    engine.docker(&["kill", name])?;
    engine.docker(&["start", name])?;
    let begun = Instant::now();
    let mut out = Readings::default();
    loop {
        tokio::time::timeout(BOUND, bell.rung()).await.context("the bell does not ring")?;
        tokio::time::sleep(RING_PAUSE).await;
        out.clear();
        source.look(host, &mut out).context("look")?;
        let of_it =
            |data: &[(&str, String)]| data.iter().any(|(key, value)| *key == "container" && value == name);
        if out.events().iter().any(|event| event.kind == "container_start" && of_it(&event.data)) {
            return Ok(begun.elapsed());
        }
    }
}

/// The whole agent with all its sources.
async fn memory(options: &Options, report: &mut Report, engine: &Engine) -> Result<()> {
    let stack = Stack::start(&[]).await?;
    let state = crate::bench::stack::folder()?;
    let mut sets = stack.agent_sets()?;
    let engines = format!("[\"bench=unix://{}\"]", engine.socket().display());
    sets.push(("sources.docker.engines".to_owned(), engines));
    let mut agent = start_agent(state.path(), &sets)?;
    let seconds = if options.quick { 60 } else { options.minutes.unwrap_or(10) * 60 };
    let began = Instant::now();
    let mut churned = 0;
    while began.elapsed() < Duration::from_secs(seconds) {
        agent.check()?;
        let name = format!("c{}", churned % CONTAINERS);
        engine.docker(&["restart", "-t", "0", &name])?;
        churned += 1;
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    report.add("containers.agent_rss_bytes", Usage::of(agent.id()).rss_bytes as f64)?;
    report.note(format!(
        "containers: agent with all sources for {seconds} s, {churned} containers restarted meanwhile"
    ));
    Ok(())
}

/// Processor time of this process.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// A Docker engine of the bench's own.
struct Engine {
    folder: tempfile::TempDir,
    child: Child,
}

impl Engine {
    fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("hib").tempdir().context("make a folder")?;
        let at = |name: &str| folder.path().join(name).display().to_string();
        let log = File::create(folder.path().join("log")).context("make a log")?;
        let child = Command::new("dockerd")
            .args(["--data-root", &at("data"), "--exec-root", &at("exec"), "--pidfile", &at("pid")])
            .args(["--iptables=false", "--ip6tables=false", "--bridge=none"])
            .args(["-H", &format!("unix://{}", at("d.sock"))])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("start dockerd, which is in Debian's docker.io and needs root")?;
        let mut engine = Self { folder, child };
        let began = Instant::now();
        while engine.get("/_ping").is_err() {
            let ended = engine.child.try_wait().context("wait")?;
            if ended.is_some() || began.elapsed() > BOUND {
                let log = std::fs::read_to_string(engine.folder.path().join("log")).unwrap_or_default();
                bail!("dockerd does not start: {}", log.lines().last().unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        engine.import()?;
        Ok(engine)
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("d.sock")
    }

    fn import(&self) -> Result<()> {
        let root = self.folder.path().join("root");
        std::fs::create_dir_all(root.join("bin")).context("make a folder")?;
        let busybox = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| Path::new(path).exists());
        let busybox = busybox.context("busybox is not installed (busybox-static)")?;
        std::fs::copy(busybox, root.join("bin/busybox")).context("copy busybox")?;
        let tar = self.folder.path().join("root.tar");
        let made = Command::new("tar").arg("-C").arg(&root).arg("-cf").arg(&tar).arg(".").status();
        ensure!(made.context("tar")?.success(), "tar fails");
        let program = "CMD [\"/bin/busybox\",\"sleep\",\"100000\"]";
        self.docker(&["import", "--change", program, &tar.display().to_string(), "hi/bench:1"])
    }

    fn docker(&self, args: &[&str]) -> Result<()> {
        let host = format!("unix://{}", self.socket().display());
        let output = Command::new("docker").args(["-H", &host]).args(args).output().context("docker")?;
        ensure!(output.status.success(), "docker {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// As little as a client can do: the answer is read and not even looked at.
    fn get(&self, path: &str) -> Result<usize> {
        let mut stream = UnixStream::connect(self.socket()).context("connect")?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n").context("ask")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).context("answer")?;
        ensure!(answer.starts_with(b"HTTP/1.1 200"), "{path}: {}", String::from_utf8_lossy(&answer));
        Ok(answer.len())
    }

    /// Processor time of the engine and what belongs to it.
    fn cpu_seconds(&self) -> f64 {
        let all = descendants(self.child.id()).into_iter().chain([self.child.id()]);
        all.map(|pid| Usage::of(pid).cpu_seconds).sum()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let began = Instant::now();
        while began.elapsed() < BOUND && self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            std::thread::sleep(Duration::from_millis(100));
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
