//! What one pass over all sources costs on this machine: time and processor time per source, once warm.
//!
//! `cargo run --release --example pass`, with the folder of a capture behind `--` for what that costs instead.

use std::time::{Duration, Instant};

use hi_agent::host::HostRoot;
use hi_agent::source::Readings;
use hi_agent::sources::SOURCES;
use rustix::time::{ClockId, clock_gettime};

/// Passes before counting: lookups that are kept are done then, and buffers have their size.
const WARM_UP: u32 = 5;
const PASSES: u32 = 200;

/// Processor time of this process, helper threads included.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn main() -> anyhow::Result<()> {
    let folder = std::env::args_os().nth(1);
    let host = folder.map_or_else(HostRoot::live, |folder| HostRoot::captured(folder.as_ref()));
    println!("{:<12} {:>7} {:>9} {:>9}", "source", "series", "wall_us", "cpu_us");
    let (mut series, mut wall, mut cpu) = (0, 0.0, 0.0);
    for source in SOURCES {
        let mut reader = (source.make)(&toml::Table::new())?;
        let mut out = Readings::default();
        let mut before = (Instant::now(), cpu_time());
        for pass in 0..WARM_UP + PASSES {
            if pass == WARM_UP {
                before = (Instant::now(), cpu_time());
            }
            out.clear();
            if let Err(error) = reader.read(&host, &mut out) {
                println!("{}: {error}", source.name);
                break;
            }
        }
        let per_pass = |total: f64| total / f64::from(PASSES);
        let row = (
            per_pass(before.0.elapsed().as_secs_f64() * 1e6),
            per_pass((cpu_time() - before.1).as_secs_f64() * 1e6),
        );
        println!("{:<12} {:>7} {:>9.1} {:>9.1}", source.name, out.len(), row.0, row.1);
        series += out.len();
        wall += row.0;
        cpu += row.1;
    }
    println!("{:<12} {series:>7} {wall:>9.1} {cpu:>9.1}", "all");
    Ok(())
}
