//! Finds the binaries under test, building them when they are missing or older than their sources.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

use anyhow::{Context as _, Result, ensure};

/// Folders and files whose change makes the binaries stale, relative to the workspace.
const SOURCES: [&str; 7] =
    ["Cargo.lock", "common", "agent/src", "collector/src", "migrations", "dashboard/dist", ".sqlx"];

/// Path of `hi-agent` or `hi-collector`, built with the profile of the running test.
///
/// # Errors
/// The build fails; its output is in the message.
pub fn path(name: &str) -> Result<PathBuf> {
    static BUILT: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();
    let folder = BUILT.get_or_init(|| build().map_err(|error| format!("{error:#}")));
    let folder = folder.as_ref().map_err(|message| anyhow::anyhow!("{message}"))?;
    let path = folder.join(name);
    ensure!(path.exists(), "{} was not built", path.display());
    Ok(path)
}

/// Path of an example of the agent, which `./x bench` builds.
///
/// # Errors
/// It was not built.
pub fn example(name: &str) -> Result<PathBuf> {
    let path = profile_folder()?.join("examples").join(name);
    ensure!(
        path.exists(),
        "{} is missing: cargo build --release -p hi-agent --example {name}",
        path.display()
    );
    Ok(path)
}

/// Root of the workspace.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("/"))
}

/// `target/<profile>`, from where this test runs: `target/<profile>/deps/e2e-…`.
fn profile_folder() -> Result<PathBuf> {
    let exe = std::env::current_exe().context("path of this program")?;
    let folder = exe.ancestors().skip(1).find(|folder| !folder.ends_with("deps"));
    Ok(folder.context("this program lies in no folder")?.to_owned())
}

/// Every test is a process of its own: the first builds, the others wait for its lock and find it done.
fn build() -> Result<PathBuf> {
    let folder = profile_folder()?;
    if std::env::var_os("HI_TEST_NO_BUILD").is_some() {
        return Ok(folder);
    }
    let stamp = folder.join(".e2e-built");
    let lock = File::create(folder.join(".e2e-lock")).context("create the build lock")?;
    lock.lock().context("wait for the build of another test")?;
    let newest = SOURCES.iter().map(|source| newest(&workspace().join(source))).max().flatten();
    let missing = ["hi-agent", "hi-collector"].iter().any(|name| !folder.join(name).exists());
    let built = fs::metadata(&stamp).and_then(|meta| meta.modified()).ok();
    if missing || built < newest {
        let profile = if folder.ends_with("release") { "release" } else { "dev" };
        let target = folder.parent().context("target folder")?;
        let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args([
                "build",
                "--quiet",
                "-p",
                "hi-agent",
                "-p",
                "hi-collector",
                "--bins",
                "--profile",
                profile,
            ])
            .arg("--target-dir")
            .arg(target)
            .current_dir(workspace())
            .output()
            .context("run cargo build")?;
        ensure!(output.status.success(), "cargo build: {}", String::from_utf8_lossy(&output.stderr));
        let file = File::create(&stamp).context("note the build")?;
        // What changed while cargo ran must count as newer: the note carries the time of what was seen before.
        file.set_modified(newest.unwrap_or(SystemTime::UNIX_EPOCH)).context("note the build")?;
    }
    Ok(folder)
}

fn newest(path: &Path) -> Option<SystemTime> {
    let meta = fs::metadata(path).ok()?;
    if !meta.is_dir() {
        return meta.modified().ok();
    }
    let entries = fs::read_dir(path).ok()?.filter_map(std::result::Result::ok);
    entries
        .filter(|entry| entry.file_name() != "node_modules")
        .map(|entry| newest(&entry.path()))
        .max()
        .flatten()
}
