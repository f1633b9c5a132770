//! `lab [STATE…] [--keep DIR]`: boots the lab machine, breaks its hardware step by step, and compares what the agent reads
//! with what the usual tools say. Ends with 1 when anything differs.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use hi_e2e::binaries;
use hi_e2e::lab::machine::Machine;
use hi_e2e::lab::{FAULTS, archive, compare};

/// Compares the agent with smartctl, mdadm, zpool, lsblk and ipmitool on real (emulated) hardware.
#[derive(Parser)]
struct Arguments {
    /// States to look at; all when none is named. Those before them are gone through all the same.
    states: Vec<String>,
    /// Keeps the snapshots in this folder.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(differences) => {
            eprintln!("{differences} values differ");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<usize> {
    for state in &arguments.states {
        let known = FAULTS.map(|fault| fault.state);
        ensure!(
            known.contains(&state.as_str()),
            "there is no state {state:?}; there are {}",
            known.join(", ")
        );
    }
    let agent = binaries::path("hi-agent")?;
    let folder = tempfile::tempdir().context("make a folder for the snapshots")?;
    let folder = arguments.keep.as_deref().unwrap_or(folder.path());
    let machine = Machine::start()?;
    machine.install(&agent)?;
    let mut differences = 0;
    for step in FAULTS {
        for fault in step.faults {
            machine.fault(fault)?;
        }
        if !arguments.states.is_empty() && !arguments.states.iter().any(|state| state == step.state) {
            continue;
        }
        let snapshot = archive(folder, step.state);
        machine.snapshot(&snapshot, step.part)?;
        let checks = compare(&agent, &snapshot, step.part).with_context(|| step.state)?;
        println!("{:24} {:4} values, {} differ", step.state, checks.compared, checks.differences.len());
        for difference in &checks.differences {
            println!("    {difference}");
        }
        differences += checks.differences.len();
    }
    Ok(differences)
}
