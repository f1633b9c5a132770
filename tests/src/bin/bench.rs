//! `bench [NAME…] [--json FILE] [--quick]`: measures, prints a table, ends with 1 when a goal is missed.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser;
use hi_e2e::bench::{self, Options, figure::Report};
use tokio::signal::unix::{SignalKind, signal};

/// Measures speed and size of agent, collector, broker and database.
#[derive(Parser)]
struct Arguments {
    /// Figures or groups to measure: agent, sources, containers, stack, ingest, store, query, live; all when none is named.
    names: Vec<String>,
    /// Also write the figures to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Shorter and rougher.
    #[arg(long)]
    quick: bool,
    /// Record this machine's agent into this file instead of measuring.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "names"])]
    record: Option<PathBuf>,
    /// How long to watch memory in `agent` and `stack` (10), or to record (60).
    #[arg(long)]
    minutes: Option<u64>,
}

fn main() -> ExitCode {
    match measure(&Arguments::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(failed) => {
            eprintln!("{failed} figures missed their goal or could not be measured");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<usize> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("start")?;
    if let Some(file) = &arguments.record {
        return runtime
            .block_on(unless_stopped(bench::record::record(file, arguments.minutes.unwrap_or(60))))
            .map(|()| 0);
    }
    let options = Options { quick: arguments.quick, minutes: arguments.minutes };
    let mut report = Report::default();
    let mut failed = 0;
    for group in bench::select(&arguments.names)? {
        eprintln!("{group} …");
        let outcome = runtime.block_on(unless_stopped(bench::run(group, &options, &mut report)));
        if let Err(error) = outcome {
            failed += 1;
            report.note(format!("{group}: not measured: {error:#}"));
            if error.is::<Stopped>() {
                break;
            }
        }
    }
    print!("{}", report.table());
    if let Some(file) = &arguments.json {
        let text = serde_json::to_string_pretty(&report.json()).context("figures as JSON")?;
        std::fs::write(file, text + "\n").with_context(|| format!("write {}", file.display()))?;
    }
    Ok(failed + report.missed())
}

/// It was told to end.
#[derive(Debug)]
struct Stopped;

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("stopped by a signal")
    }
}

impl std::error::Error for Stopped {}

/// Ends early on a signal by dropping the work, and with it all programs that it started.
async fn unless_stopped(work: impl Future<Output = Result<()>>) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("wait for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("wait for signals")?;
    tokio::select! {
        result = work => result,
        _ = terminate.recv() => Err(Stopped.into()),
        _ = interrupt.recv() => Err(Stopped.into()),
    }
}
