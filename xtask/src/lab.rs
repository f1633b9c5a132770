//! `./x lab`: hands over to the lab program in `tests/`, which boots a virtual machine.

use crate::command::{cargo, run};
use anyhow::Result;

/// # Errors
/// A build fails, or the lab program does.
pub(crate) fn lab(args: &[String]) -> Result<bool> {
    println!("building the agent and the lab program in release mode");
    let packages = ["-p", "hi-agent", "-p", "hi-e2e"];
    run(cargo(&["build", "--quiet", "--release", "--locked", "--bins"]).args(packages))?;
    let mut program = std::process::Command::new(crate::target_dir().join("release/lab"));
    // From where the user stands: `--keep DIR` is relative to it.
    let status = program.args(args).env("HI_TEST_NO_BUILD", "1").status()?;
    Ok(status.success())
}
