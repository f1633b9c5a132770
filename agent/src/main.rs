//! The agent binary: command line in, exit code out. Everything else is in the library.

use std::process::ExitCode;

use clap::Parser;
use hi_agent::cli::{Cli, execute};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match execute(&cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("hi-agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}
