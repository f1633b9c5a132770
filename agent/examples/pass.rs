//! What one pass over the sources costs: time and processor time per source, once warm.
//!
//! `cargo run --release --example pass`; with the folder of a capture behind `--` for what that costs instead. `--disks 24` adds
//! that many recorded disks to the folder first. `./x bench sources` runs it.

#![allow(clippy::unwrap_used, reason = "a tool for measuring, and what it shares with the tests, may panic")]

#[path = "../tests/disks/mod.rs"]
mod disks;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Parser;
use hi_agent::host::HostRoot;
use hi_agent::source::{Readings, SourceDef};
use hi_agent::sources::SOURCES;
use rustix::time::{ClockId, clock_gettime};

/// Passes before counting: lookups that are kept are done then, and buffers have their size.
const WARM_UP: u32 = 5;

#[derive(Parser)]
struct Arguments {
    /// Folder of a capture; this machine without it.
    folder: Option<PathBuf>,
    /// Recorded disks to add to the folder: two thirds SATA, the rest SAS and NVMe.
    #[arg(long, requires = "folder", default_value_t = 0)]
    disks: u32,
    /// Sources, separated by commas; all when none is named.
    #[arg(long, value_delimiter = ',')]
    sources: Vec<String>,
    /// How often each is read.
    #[arg(long, default_value_t = 200)]
    passes: u32,
    /// Print one line of JSON: series and seconds of processor time by source.
    #[arg(long)]
    json: bool,
}

/// What a source costs.
struct Cost {
    source: &'static str,
    series: usize,
    wall: Duration,
    cpu: Duration,
}

/// Processor time of this process, helper threads included.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn add_disks(host: &disks::Host, count: u32) {
    for number in 0..count {
        // Numbers that no disk of a capture has.
        let place = 100 + number;
        match number % 6 {
            0..4 => host.sata(&format!("sdm{number}"), place, "sata1"),
            4 => host.scsi(&format!("sdn{number}"), place, "scsi_debug", "log-2f.bin"),
            _ => host.nvme(place, "smart-log.bin"),
        }
    }
}

fn measure(source: &'static SourceDef, host: &HostRoot, passes: u32) -> anyhow::Result<Cost> {
    // Every pass is a whole one: each disk has its turn in it.
    let config = "sources.smart.disk_interval_secs = 0".parse()?;
    let mut reader = (source.make)(&config)?;
    let mut out = Readings::default();
    let mut before = (Instant::now(), cpu_time());
    for pass in 0..WARM_UP + passes {
        if pass == WARM_UP {
            before = (Instant::now(), cpu_time());
        }
        out.clear();
        if let Err(error) = reader.read(host, &mut out) {
            eprintln!("{}: {error}", source.name);
            break;
        }
    }
    let (wall, cpu) = (before.0.elapsed() / passes, cpu_time().saturating_sub(before.1) / passes);
    Ok(Cost { source: source.name, series: out.len(), wall, cpu })
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let host = match &arguments.folder {
        Some(folder) => {
            add_disks(&disks::Host(folder.clone()), arguments.disks);
            HostRoot::captured(folder)
        }
        None => HostRoot::live(),
    };
    let wanted = |source: &&&SourceDef| {
        arguments.sources.is_empty() || arguments.sources.iter().any(|name| name == source.name)
    };
    let costs = SOURCES.iter().filter(wanted).map(|source| measure(source, &host, arguments.passes.max(1)));
    let costs = costs.collect::<anyhow::Result<Vec<Cost>>>()?;
    if arguments.json {
        let row = |cost: &Cost| serde_json::json!({"source": cost.source, "series": cost.series, "cpu_seconds": cost.cpu.as_secs_f64()});
        println!("{}", serde_json::Value::from_iter(costs.iter().map(row)));
        return Ok(());
    }
    println!("{:<12} {:>7} {:>9} {:>9}", "source", "series", "wall_us", "cpu_us");
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let print = |source: &str, series: usize, wall: Duration, cpu: Duration| {
        println!("{source:<12} {series:>7} {:>9.1} {:>9.1}", micros(wall), micros(cpu));
    };
    costs.iter().for_each(|cost| print(cost.source, cost.series, cost.wall, cost.cpu));
    let (wall, cpu) = (costs.iter().map(|cost| cost.wall).sum(), costs.iter().map(|cost| cost.cpu).sum());
    print("all", costs.iter().map(|cost| cost.series).sum(), wall, cpu);
    Ok(())
}
