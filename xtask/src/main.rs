//! Everything that people and CI start, behind `./x`: run, test, check, bench, docs, tidy.

mod bench;
mod command;
mod dashboard;
mod docs;
mod lab;
mod report;
mod run;
mod scratch;
mod test;
mod tidy;

use anyhow::bail;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (name, rest) = args.split_first().map_or(("", &[][..]), |(name, rest)| (name.as_str(), rest));
    let outcome = match name {
        "run" => run::run(rest),
        "test" => none_of(rest).and_then(|()| test::everything()),
        "check" => none_of(rest).and_then(|()| test::quick()),
        "bench" => bench::bench(rest),
        "docs" => docs::docs(rest),
        "lab" => lab::lab(rest),
        "tidy" => none_of(rest).and_then(|()| tidy::tidy()),
        other => Err(anyhow::anyhow!("no such command: {other}; ./x help shows what there is")),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("x: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn none_of(args: &[String]) -> anyhow::Result<()> {
    match args.first() {
        Some(arg) => bail!("takes no arguments, not {arg}"),
        None => Ok(()),
    }
}

/// The repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Where cargo puts what it builds; `x` always sets it.
fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}
