//! `./x bench`: hands over to the bench program in `tests/`, with release builds of everything.

use crate::command::{cargo, run};
use anyhow::Result;

/// # Errors
/// A build fails, or the bench program does.
pub(crate) fn bench(args: &[String]) -> Result<bool> {
    crate::dashboard::build()?;
    println!("building agent, collector and bench in release mode");
    let packages = ["-p", "hi-agent", "-p", "hi-collector", "-p", "hi-e2e"];
    run(cargo(&["build", "--quiet", "--release", "--locked", "--bins"]).args(packages))?;
    run(&mut cargo(&["build", "--quiet", "--release", "--locked", "-p", "hi-agent", "--example", "pass"]))?;
    let mut program = std::process::Command::new(crate::target_dir().join("release/bench"));
    // From where the user stands: `--json FILE` is relative to it.
    let status = program.args(args).env("HI_TEST_NO_BUILD", "1").status()?;
    Ok(status.success())
}
