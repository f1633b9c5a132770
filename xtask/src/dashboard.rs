//! Builds the dashboard, which the collector embeds: before cargo, and only when something changed.

use crate::command::{npm, run};
use anyhow::{Context, Result};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The dashboard's folder, where there is one.
pub(crate) fn folder() -> Option<PathBuf> {
    let folder = crate::root().join("dashboard");
    folder.join("package.json").exists().then_some(folder)
}

/// Installs packages when the lock file changed.
pub(crate) fn install(folder: &Path) -> Result<()> {
    let lock = std::fs::read_to_string(folder.join("package-lock.json")).context("read package-lock.json")?;
    let noted = folder.join("node_modules/.installed-lock");
    if std::fs::read_to_string(&noted).is_ok_and(|text| text == lock) {
        return Ok(());
    }
    run(&mut npm(folder, &["ci", "--no-audit", "--no-fund", "--loglevel=error"]))?;
    std::fs::write(noted, lock).context("note the installed lock file")
}

/// Builds `dashboard/dist` when a source of it changed.
pub(crate) fn build() -> Result<()> {
    let Some(folder) = folder() else { return Ok(()) };
    let sources = fingerprint(&folder)?;
    // Beside the packages, not in dist/, which goes into the binary.
    let noted = folder.join("node_modules/.built-from");
    let built = folder.join("dist/index.html").exists();
    if built && std::fs::read_to_string(&noted).is_ok_and(|text| text == sources) {
        return Ok(());
    }
    install(&folder)?;
    println!("building the dashboard");
    run(&mut npm(&folder, &["run", "--silent", "build"]))?;
    std::fs::write(noted, sources).context("note what the dashboard was built from")
}

/// Names, sizes and times of everything the build may read.
fn fingerprint(folder: &Path) -> Result<String> {
    let mut text = String::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).with_context(|| format!("read {}", next.display()))? {
            let entry = entry?;
            let meta = entry.metadata()?;
            let name = entry.file_name();
            if meta.is_dir() {
                if !["node_modules", "dist", "test"].iter().any(|skip| name == *skip) {
                    folders.push(entry.path());
                }
            } else {
                let time = meta.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                let _ = writeln!(text, "{} {} {}", entry.path().display(), meta.len(), time.as_nanos());
            }
        }
    }
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    Ok(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_source_changes_the_fingerprint_and_output_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("src/a.ts", "a");
        let first = fingerprint(folder.path()).unwrap();
        write("dist/index.html", "built");
        write("node_modules/x/index.js", "x");
        assert_eq!(fingerprint(folder.path()).unwrap(), first);
        write("src/a.ts", "ab");
        assert_ne!(fingerprint(folder.path()).unwrap(), first);
    }
}
