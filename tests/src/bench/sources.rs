//! What a pass of the agent's sources costs on recorded hosts, once warm, from the release build of `agent/examples/pass.rs`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::bench::Options;
use crate::bench::figure::Report;
use crate::binaries;

/// Disks in the host of the storage pass, beside the six of the lab.
const DISKS: u32 = 24;
/// The sources that a storage pass is.
const STORAGE: &str = "block,smart,md,btrfs,zfs";

/// A source's row of the program's output.
#[derive(Debug, Deserialize)]
struct Cost {
    source: String,
    series: usize,
    cpu_seconds: f64,
}

/// Runs the group.
///
/// # Errors
/// A recording is missing, or the program fails.
pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let folder = tempfile::tempdir().context("make a folder")?;
    let recording = binaries::workspace().join("tests/lab/snapshots/healthy.tar.gz");
    let unpacked = Command::new("tar").arg("-xzf").arg(&recording).arg("-C").arg(folder.path()).status();
    ensure!(unpacked.context("start tar")?.success(), "{} cannot be unpacked", recording.display());
    let passes = if options.quick { 20 } else { 200 };
    let host = folder.path().join("capture");
    let disks = DISKS.to_string();
    let costs = pass(&host, passes, &["--disks", &disks, "--sources", STORAGE])?;
    report.add("sources.storage_cpu_seconds", costs.iter().map(|cost| cost.cpu_seconds).sum())?;
    let words =
        |cost: &Cost| format!("{} {:.1} ms ({} series)", cost.source, cost.cpu_seconds * 1e3, cost.series);
    let words: Vec<String> = costs.iter().map(words).collect();
    report.note(format!("storage pass, {DISKS} disks and the lab's: {}", words.join(", ")));
    Ok(())
}

/// Reads the sources of a recorded host.
fn pass(host: &Path, passes: u32, more: &[&str]) -> Result<Vec<Cost>> {
    let program = binaries::example("pass")?;
    let mut command = Command::new(&program);
    command.arg("--json").arg("--passes").arg(passes.to_string()).args(more).arg(host);
    let output = command.output().with_context(|| format!("start {}", program.display()))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} ended with {}: {errors}", program.display(), output.status);
    ensure!(errors.is_empty(), "a source fails on the recorded host: {errors}");
    serde_json::from_slice(&output.stdout).context("the program's output")
}
