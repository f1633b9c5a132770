//! `./x run`: builds everything and starts it for this machine, until Ctrl-C.

use crate::command::{cargo, run as run_program};
use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The page's port: fixed, so that it can be bookmarked; used by nothing well known.
const PORT: u16 = 7780;
/// A first start makes a database cluster and migrates it; one after a crash replays its journal.
const READY_WITHIN: Duration = Duration::from_secs(600);
/// How often children and signals are looked at.
const LOOK: Duration = Duration::from_millis(100);
/// The agent writes what it holds to disk.
const AGENT_PATIENCE: Duration = Duration::from_secs(30);
/// The collector writes what it holds, then stops broker and database, which have bounds of their own.
const COLLECTOR_PATIENCE: Duration = Duration::from_secs(180);

/// Builds, starts, waits; returns whether everything ended as asked.
///
/// # Errors
/// Each cause with one message; nothing is left running.
pub(crate) fn run(args: &[String]) -> Result<bool> {
    let options = Options::parse(args)?;
    options.check_port()?;
    build(&options)?;
    let interrupts = interrupts()?;
    let mut collector = start_collector(&options)?;
    let outcome = serve(&options, &mut collector, &interrupts);
    let stopped = stop("collector", &mut collector, COLLECTOR_PATIENCE, &interrupts);
    outcome.and(stopped)?;
    println!("stopped");
    Ok(true)
}

#[derive(Debug, PartialEq)]
struct Options {
    port: u16,
    data: PathBuf,
    debug: bool,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self { port: PORT, data: crate::root().join("data"), debug: false };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let (name, inline) = arg.split_once('=').map_or((arg.as_str(), None), |(n, v)| (n, Some(v)));
            let mut value = || match inline.or_else(|| args.next().map(String::as_str)) {
                Some(value) => Ok(value),
                None => bail!("{name} needs a value"),
            };
            match name {
                "--port" => {
                    let text = value()?;
                    let port = text.parse().ok().filter(|port| *port != 0);
                    options.port = port.with_context(|| format!("--port takes 1 to 65535, not {text}"))?;
                }
                "--debug" => options.debug = true,
                "--data" => options.data = std::path::absolute(value()?)?,
                _ => bail!("run takes --port, --data and --debug, not {arg}"),
            }
        }
        Ok(options)
    }

    /// Before building, which takes minutes.
    fn check_port(&self) -> Result<()> {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => bail!(
                "port {} is taken by another program (another ./x run?): stop it, or choose another port: ./x run --port {}",
                self.port,
                self.port.wrapping_add(1)
            ),
            Err(error) => Err(error).with_context(|| format!("listen on port {}", self.port)),
        }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn binary(&self, name: &str) -> PathBuf {
        crate::target_dir().join(if self.debug { "debug" } else { "release" }).join(name)
    }

    fn run_file(&self) -> PathBuf {
        self.data.join("run/embedded.json")
    }
}

/// What we and the agent need of `embedded.json`.
struct RunFile {
    nats_url: String,
    nats_user: String,
    nats_password: String,
    collector: u64,
}

fn build(options: &Options) -> Result<()> {
    crate::dashboard::build()?;
    let mut cargo = cargo(&["build", "--quiet", "--locked", "-p", "hi-agent", "-p", "hi-collector"]);
    if !options.debug {
        cargo.arg("--release");
    }
    if !options.binary("hi-collector").exists() {
        println!("building agent and collector (the first time takes some minutes)");
    }
    run_program(&mut cargo)
}

/// Counts SIGINT, SIGTERM and SIGHUP: the first stops in order, another at once.
fn interrupts() -> Result<Arc<AtomicUsize>> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals =
        signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP]).context("listen for signals")?;
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let listen = move || {
        for _ in &mut signals {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(listen).context("listen for signals")?;
    Ok(count)
}

/// Spawned by the main thread, whose end the child takes for ours (`--exit-with-parent`), and in a group of its own, so that
/// Ctrl-C reaches us alone and we stop things in order.
fn spawn(command: &mut Command) -> Result<Child> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.arg("--exit-with-parent").process_group(0).spawn().with_context(|| format!("start {name}"))
}

fn start_collector(options: &Options) -> Result<Child> {
    let mut command = Command::new(options.binary("hi-collector"));
    command.arg("run").arg("--embedded").arg("--data").arg(&options.data);
    command.arg("--listen").arg(format!("127.0.0.1:{}", options.port));
    // The terminal is for what somebody must see; `/api/system` and the page tell the rest.
    command.args(["--set", "log.level=warn"]);
    spawn(&mut command)
}

fn start_agent(options: &Options) -> Result<Child> {
    let run_file: RunFile = read_run_file(&options.run_file()).context("read data/run/embedded.json")?;
    let mut command = Command::new(options.binary("hi-agent"));
    command
        .arg("run")
        .env("HI_AGENT_NATS_URL", run_file.nats_url)
        .env("HI_AGENT_NATS_USER", run_file.nats_user)
        .env("HI_AGENT_NATS_PASSWORD", run_file.nats_password)
        .env("HI_AGENT_AGENT_LOG_LEVEL", "warn")
        .env("HI_AGENT_AGENT_STATE_DIR", options.data.join("agent"));
    spawn(&mut command)
}

fn read_run_file(path: &Path) -> Result<RunFile> {
    let value: serde_json::Value = serde_json::from_slice(&std::fs::read(path)?)?;
    let text = |key: &str| value[key].as_str().map(str::to_owned).with_context(|| format!("no {key}"));
    Ok(RunFile {
        nats_url: text("nats_url")?,
        nats_user: text("nats_user")?,
        nats_password: text("nats_password")?,
        collector: value["pids"]["collector"].as_u64().context("no pids.collector")?,
    })
}

/// From the collector's start to the wish to stop.
fn serve(options: &Options, collector: &mut Child, interrupts: &AtomicUsize) -> Result<()> {
    let began = Instant::now();
    let interrupted = || interrupts.load(Ordering::Relaxed) > 0;
    while !ready(options, collector.id()) {
        if interrupted() {
            return Ok(());
        }
        ensure_runs("hi-collector", collector)?;
        ensure!(began.elapsed() < READY_WITHIN, "the collector is not ready after {READY_WITHIN:?}");
        std::thread::sleep(LOOK);
    }
    std::fs::create_dir_all(options.data.join("agent")).context("make the agent's folder")?;
    let mut agent = start_agent(options)?;
    println!("\n  {}   (Ctrl-C stops everything)\n", options.url());
    let outcome = loop {
        if interrupted() {
            break Ok(());
        }
        let both = ensure_runs("hi-collector", collector).and(ensure_runs("hi-agent", &mut agent));
        if both.is_err() {
            break both;
        }
        std::thread::sleep(LOOK);
    };
    outcome.and(stop("agent", &mut agent, AGENT_PATIENCE, interrupts))
}

fn ensure_runs(name: &str, child: &mut Child) -> Result<()> {
    match child.try_wait()? {
        Some(status) => bail!("{name} ended ({status}): its message stands above"),
        None => Ok(()),
    }
}

/// Whether this very collector answers `/readyz` with 200: something else may have taken the port.
fn ready(options: &Options, collector: u32) -> bool {
    let ours = read_run_file(&options.run_file()).is_ok_and(|file| file.collector == u64::from(collector));
    ours && get_status(options.port, "/readyz").is_ok_and(|status| status == 200)
}

fn get_status(port: u16, path: &str) -> Result<u16> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n")?;
    let mut start = [0; 12];
    stream.read_exact(&mut start)?;
    Ok(std::str::from_utf8(&start[9..])?.parse()?)
}

/// Asks it to end and waits; when its time is up, or at another Ctrl-C, kills it (its own children end with it).
fn stop(name: &str, child: &mut Child, patience: Duration, interrupts: &AtomicUsize) -> Result<()> {
    if child.try_wait()?.is_some() {
        return Ok(());
    }
    println!("stopping the {name}");
    let before = interrupts.load(Ordering::Relaxed);
    kill_process(Pid::from_child(child), Signal::TERM).with_context(|| format!("stop the {name}"))?;
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            ensure!(status.success(), "the {name} did not end in order ({status})");
            return Ok(());
        }
        let again = interrupts.load(Ordering::Relaxed) > before && before > 0;
        if again || began.elapsed() > patience {
            child.kill()?;
            child.wait()?;
            bail!("the {name} had to be killed after {:.1} s", began.elapsed().as_secs_f64());
        }
        std::thread::sleep(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Options> {
        Options::parse(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_read() {
        assert_eq!(parse(&[]).unwrap().port, PORT);
        let options = parse(&["--port", "81", "--data=/d", "--debug"]).unwrap();
        assert_eq!(options, Options { port: 81, data: "/d".into(), debug: true });
        let message = |args: &[&str]| parse(args).unwrap_err().to_string();
        assert_eq!(message(&["--port"]), "--port needs a value");
        assert_eq!(message(&["--port", "x"]), "--port takes 1 to 65535, not x");
        assert_eq!(message(&["--prot", "1"]), "run takes --port, --data and --debug, not --prot");
    }

    #[test]
    fn a_taken_port_is_told_before_anything_is_built() {
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let options = Options { port: held.local_addr().unwrap().port(), data: "/d".into(), debug: false };
        let message = options.check_port().unwrap_err().to_string();
        assert!(message.contains("is taken by another program"), "{message}");
    }
}
