//! The collector binary: parses, calls, and maps errors to exit codes.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use hi_collector::cli::{Cli, Command};
use hi_collector::{api, embedded, run, settings};
use hi_common::error_chain::ErrorChain;

/// glibc's allocator keeps what batches of many sizes leave behind; this one gives it back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // First of all, while there is only one thread; not a command for people, so that clap does not know it.
    if std::env::args_os().nth(1).is_some_and(|first| first == embedded::child::SUBCOMMAND) {
        embedded::child_main(std::env::args_os().skip(2));
    }
    match Cli::parse().command {
        Command::Run(args) => ended(run::run(&args)),
        Command::Migrate(args) => ended(run::migrate(&args)),
        Command::CheckConfig(args) => ended(run::check_config(&args)),
        Command::Openapi => print(&api::openapi::document().unwrap_or_default()),
        Command::Reference { .. } => print(&settings::reference()),
        Command::Version => print(&format!("hi-collector {}\n", env!("CARGO_PKG_VERSION"))),
    }
}

/// A reader that stops early (`| head`) is no error of ours.
fn print(text: &str) -> ExitCode {
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

#[expect(clippy::print_stderr, reason = "the one place where an error reaches the user")]
fn ended(result: Result<(), run::RunError>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hi-collector: {}", ErrorChain(&error));
            ExitCode::FAILURE
        }
    }
}
