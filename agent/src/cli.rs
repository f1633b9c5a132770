//! The command line.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Parser, Subcommand, ValueEnum};
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use tokio::signal::unix::{SignalKind, signal};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Config, ENV_CONFIG, Origin};
use crate::host::HostRoot;
use crate::self_metrics::VERSION;
use crate::{capture, decode, nats, reference, report, run};

/// Stack of the runtime's helper threads (name resolution), in bytes.
const STACK_BYTES: usize = 256 << 10;

/// Reads this host and publishes what it read.
#[derive(Debug, Parser)]
#[command(name = "hi-agent", version, disable_help_subcommand = true)]
pub struct Cli {
    /// Configuration file [default: /etc/homelab-intelligence/agent.toml, if it exists]
    #[arg(long, value_name = "FILE", global = true, env = ENV_CONFIG)]
    pub config: Option<PathBuf>,
    /// Sets one key, over file and environment: nats.url=nats://nas:4222
    #[arg(long = "set", value_name = "KEY=VALUE", global = true, value_parser = key_value)]
    pub sets: Vec<(String, String)>,
    /// Read a capture in place of this machine
    #[arg(long, value_name = "DIR", global = true)]
    pub root: Option<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read and publish until stopped
    Run {
        /// End when the process that started this one ends
        #[arg(long)]
        exit_with_parent: bool,
    },
    /// Print what one source reads now
    Sample {
        /// Name of the source, as `sources` lists it
        source: String,
        /// Prometheus text or JSON
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
        /// The whole of it as JSON, facts included: the same as `--format json`
        #[arg(long, conflicts_with = "format")]
        json: bool,
    },
    /// Write the raw answers of everything sources read into a folder, for `--root` and for reports of faults
    Capture {
        /// Names of sources; all when none is given
        sources: Vec<String>,
        /// Folder, new or empty
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Replace serial numbers, WWNs, UUIDs, addresses and the host's name
        #[arg(long)]
        redact: bool,
    },
    /// List every source: what it reads here, or why it does not
    Sources,
    /// Print what a parser makes of raw bytes, as JSON
    #[command(after_help = decode::help())]
    Decode {
        /// What bytes they are
        format: String,
        /// File that holds them
        file: PathBuf,
    },
    /// Check the configuration and print what is effective
    CheckConfig,
    /// Print a reference page as Markdown
    #[command(hide = true)]
    Reference {
        /// Which page
        page: Page,
    },
    /// Print the version
    Version,
}

/// Output of `sample`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    /// Prometheus text
    Text,
    /// One JSON document
    Json,
}

/// A reference page.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Page {
    /// Every metric
    Metrics,
    /// Every configuration key
    Config,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("must be key=value")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

/// The machine, or the capture that stands for it.
fn host(cli: &Cli) -> anyhow::Result<HostRoot> {
    let Some(root) = &cli.root else { return Ok(HostRoot::live()) };
    if matches!(cli.command, Command::Capture { .. }) {
        bail!("`capture` reads this machine: leave out `--root`");
    }
    if !root.is_dir() {
        bail!("`--root {}` is no folder with a capture in it", root.display());
    }
    Ok(HostRoot::captured(root))
}

/// Does what was asked.
///
/// # Errors
/// What stands in the way, in words for the one who asked.
pub fn execute(cli: &Cli) -> anyhow::Result<ExitCode> {
    let host = host(cli)?;
    let origin = Origin { file: cli.config.clone(), sets: cli.sets.clone() };
    let text = match &cli.command {
        Command::Version => format!("hi-agent {VERSION}\n"),
        Command::Reference { page: Page::Metrics } => reference::metrics(),
        Command::Reference { page: Page::Config } => reference::config(),
        Command::Decode { format, file } => decoded(format, file)?,
        Command::Run { exit_with_parent } => {
            let config = Config::load(&origin, &host)?;
            log_to_stderr(config.log_level()?);
            if *exit_with_parent {
                follow_parent()?;
            }
            return run_agent(&config, host).map(|()| ExitCode::SUCCESS);
        }
        command => {
            let config = Config::load(&origin, &host)?;
            log_to_stderr(LevelFilter::WARN);
            match command {
                Command::Sample { source, format, json } => {
                    report::sample(&config, &host, source, if *json { Format::Json } else { *format })?
                }
                Command::Sources => report::sources(&config, &host)?,
                Command::Capture { sources, out, redact } => {
                    capture::capture(&config, sources, out, *redact)?
                }
                _ => {
                    nats::check(&config.nats)?;
                    report::check(&config)?;
                    report::effective(&config, &host)
                }
            }
        }
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn decoded(format: &str, file: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
    let value = decode::decode(format, &bytes).map_err(anyhow::Error::msg)?;
    let mut text = serde_json::to_string_pretty(&value).context("encode")?;
    text.push('\n');
    Ok(text)
}

/// Prints; a reader that went away (`hi-agent … | head`) is no failure.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("write to standard output"),
    }
}

fn log_to_stderr(level: LevelFilter) {
    // What the client says of the connection is said by `nats` in plain words.
    let client = if level >= LevelFilter::DEBUG { level } else { LevelFilter::OFF };
    let targets = Targets::new().with_default(level).with_target("async_nats", client);
    let terminal = std::io::stderr().is_terminal();
    let layer =
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(terminal).with_target(false);
    // systemd's journal has its own time.
    if std::env::var_os("JOURNAL_STREAM").is_some() && !terminal {
        tracing_subscriber::registry().with(targets).with(layer.without_time()).init();
    } else {
        tracing_subscriber::registry().with(targets).with(layer).init();
    }
}

/// Asks the kernel for SIGTERM when the parent ends; if it has ended already, this process was given to another one.
fn follow_parent() -> anyhow::Result<()> {
    let parent = getppid();
    set_parent_process_death_signal(Some(Signal::TERM)).context("follow the parent process")?;
    if getppid() != parent {
        anyhow::bail!("the parent process has ended");
    }
    Ok(())
}

fn run_agent(config: &Config, host: HostRoot) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .thread_stack_size(STACK_BYTES)
        .thread_keep_alive(Duration::from_secs(1))
        .max_blocking_threads(4)
        .build()
        .context("start the runtime")?;
    let result = runtime.block_on(async {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let stop = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        run::run(config, host, run::Parts::default(), stop).await?;
        anyhow::Ok(())
    });
    // A hung read must not hold up the end.
    runtime.shutdown_background();
    result
}
