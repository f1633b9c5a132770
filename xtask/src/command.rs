//! Runs programs and listens to what they say.

use anyhow::{Context, Result, ensure};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// A test that could not run here says so on a line that begins so.
pub(crate) const SKIPPED: &str = "SKIPPED: ";

/// A program in the repository's root.
pub(crate) fn command(program: impl AsRef<OsStr>, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(crate::root());
    command
}

/// cargo, as it was called itself.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), args);
    if std::io::stdout().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    command
}

/// npm in the dashboard's folder.
pub(crate) fn npm(folder: &Path, args: &[&str]) -> Command {
    let mut command = command("npm", args);
    // Vitest colours its summary, which is read here, even where nobody sees it.
    command.current_dir(folder).env("NO_COLOR", "1").env_remove("FORCE_COLOR");
    command
}

/// Runs it with our terminal.
///
/// # Errors
/// It cannot be started, or fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("start {}", name(command)))?;
    ensure!(status.success(), "{} failed ({status})", name(command));
    Ok(())
}

/// Runs it and returns what it printed.
///
/// # Errors
/// It cannot be started, or fails.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>> {
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| format!("start {}", name(command)))?;
    ensure!(output.status.success(), "{} failed ({})", name(command), output.status);
    Ok(output.stdout)
}

/// What a program did and said.
pub(crate) struct Heard {
    /// Whether it succeeded.
    pub(crate) success: bool,
    /// Its standard output, line by line.
    pub(crate) lines: Vec<String>,
}

impl Heard {
    /// What it says was skipped.
    pub(crate) fn skipped(&self) -> Vec<String> {
        self.lines.iter().filter_map(|line| skipped(line)).collect()
    }
}

/// Runs it, passing its output on while remembering it.
///
/// # Errors
/// It cannot be started.
pub(crate) fn listen(command: &mut Command) -> Result<Heard> {
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("start {}", name(command)))?;
    let stdout = child.stdout.take().context("its output")?;
    let mut lines = Vec::new();
    for line in BufReader::new(stdout).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        writeln!(std::io::stdout(), "{line}")?;
        lines.push(line);
    }
    Ok(Heard { success: child.wait()?.success(), lines })
}

/// The reason on a line that begins with [`SKIPPED`], whatever a test runner puts before it.
pub(crate) fn skipped(line: &str) -> Option<String> {
    let at = line.find(SKIPPED)?;
    let before = line[..at].trim();
    let free = before.is_empty() || !before.ends_with(['"', '`', '\'']);
    free.then(|| line[at + SKIPPED.len()..].trim().to_owned())
}

fn name(command: &Command) -> String {
    let args = command.get_args().map(OsStr::to_string_lossy).take(4);
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy();
    std::iter::once(program).chain(args).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipped_lines_are_recognised() {
        assert_eq!(skipped("SKIPPED: timescale: no server").as_deref(), Some("timescale: no server"));
        assert_eq!(skipped("# SKIPPED: x").as_deref(), Some("x"));
        assert_eq!(skipped(r#"println!("SKIPPED: {x}")"#), None);
        assert_eq!(skipped("1 skipped"), None);
    }
}
