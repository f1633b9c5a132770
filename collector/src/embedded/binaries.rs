//! Finds PostgreSQL's programs and nats-server on this machine.

use super::EmbeddedError;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Major versions of PostgreSQL that we run.
const POSTGRES_MAJORS: std::ops::RangeInclusive<u32> = 15..=18;
/// Oldest nats-server (major, minor) that we run.
const NATS_OLDEST: (u32, u32) = (2, 9);
/// Folders under which distributions keep `VERSION/bin` of PostgreSQL.
const POSTGRES_ROOTS: [&str; 2] = ["/usr/lib/postgresql", "/usr/local/lib/postgresql"];
/// Where programs lie that a user's PATH may lack.
const SYSTEM_FOLDERS: [&str; 4] = ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/usr/bin"];

/// An installed PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Postgres {
    pub(super) bin: PathBuf,
    pub(super) major: u32,
}

/// Picks the PostgreSQL for a cluster: the newest for a new one, the same major for one that `needs` it.
pub(super) fn postgres(
    configured: Option<&str>,
    needs: Option<u32>,
    cluster: &Path,
) -> Result<Postgres, EmbeddedError> {
    let folders = match configured {
        Some(folder) => vec![PathBuf::from(folder)],
        None => postgres_folders(),
    };
    let found: Vec<Postgres> = folders.into_iter().filter_map(probe_postgres).collect();
    pick(&found, needs, cluster)
}

/// Finds nats-server and its version.
pub(super) fn nats_server(configured: Option<&str>) -> Result<PathBuf, EmbeddedError> {
    let candidates = match configured {
        Some(program) => vec![PathBuf::from(program)],
        None => path_folders().into_iter().map(|folder| folder.join("nats-server")).collect(),
    };
    let mut found = String::from("none");
    for program in candidates {
        let Some(text) = version_of(&program, "--version") else { continue };
        match numbers(&text) {
            Some(version) if version >= NATS_OLDEST => return Ok(program),
            _ => found = format!("{}: {text}", program.display()),
        }
    }
    Err(EmbeddedError::NoNats { found })
}

fn pick(found: &[Postgres], needs: Option<u32>, cluster: &Path) -> Result<Postgres, EmbeddedError> {
    let usable = found.iter().filter(|p| POSTGRES_MAJORS.contains(&p.major));
    // Of several with the same major, the distribution's, which comes first.
    let best = usable.rev().filter(|p| needs.is_none_or(|major| p.major == major)).max_by_key(|p| p.major);
    if let Some(best) = best {
        return Ok(best.clone());
    }
    let mut majors: Vec<String> = found.iter().map(|p| p.major.to_string()).collect();
    majors.dedup();
    let found = if majors.is_empty() { "none".to_owned() } else { majors.join(", ") };
    match needs {
        Some(major) => Err(EmbeddedError::OtherMajor { path: cluster.to_owned(), major, found }),
        None => Err(EmbeddedError::NoPostgres { found }),
    }
}

fn postgres_folders() -> Vec<PathBuf> {
    let versions = POSTGRES_ROOTS.iter().filter_map(|root| std::fs::read_dir(root).ok()).flatten();
    let mut folders: Vec<PathBuf> = versions.flatten().map(|entry| entry.path().join("bin")).collect();
    folders.extend(path_folders());
    folders
}

fn path_folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(SYSTEM_FOLDERS.iter().map(PathBuf::from));
    folders
}

fn probe_postgres(bin: PathBuf) -> Option<Postgres> {
    if !bin.join("initdb").exists() {
        return None;
    }
    let (major, _) = numbers(&version_of(&bin.join("postgres"), "--version")?)?;
    Some(Postgres { bin, major })
}

fn version_of(program: &Path, flag: &str) -> Option<String> {
    if !program.exists() {
        return None;
    }
    let output = Command::new(program).arg(flag).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Major and minor in `postgres (PostgreSQL) 15.18 (Debian …)`, `postgres (PostgreSQL) 18beta1`, `nats-server: v2.9.10`.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let start = version.find(|c: char| c.is_ascii_digit())?;
    let mut parts = version[start..].split(|c: char| !c.is_ascii_digit()).map(str::parse);
    let major = parts.next()?.ok()?;
    Some((major, parts.next().and_then(Result::ok).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installed(majors: &[u32]) -> Vec<Postgres> {
        majors.iter().map(|&major| Postgres { bin: format!("/pg/{major}").into(), major }).collect()
    }

    #[test]
    fn versions_are_read() {
        assert_eq!(numbers("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some((15, 18)));
        assert_eq!(numbers("postgres (PostgreSQL) 18beta1"), Some((18, 0)));
        assert_eq!(numbers("nats-server: v2.9.10"), Some((2, 9)));
        assert_eq!(numbers("nats-server: v"), None);
    }

    #[test]
    fn the_newest_known_major_is_taken_for_a_new_cluster() {
        let picked = pick(&installed(&[14, 16, 15, 19]), None, Path::new("/c")).unwrap();
        assert_eq!(picked.major, 16);
        let mut twice = installed(&[16, 16]);
        twice[1].bin = "/somewhere/else".into();
        assert_eq!(pick(&twice, None, Path::new("/c")).unwrap(), twice[0]);
    }

    #[test]
    fn a_cluster_keeps_its_major() {
        assert_eq!(pick(&installed(&[15, 17]), Some(15), Path::new("/c")).unwrap().major, 15);
        let error = pick(&installed(&[15]), Some(17), Path::new("/c")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the database in /c is of PostgreSQL 17, installed: 15: install PostgreSQL 17 beside it"
        );
    }

    #[test]
    fn none_or_only_old_ones_says_what_to_install() {
        let error = pick(&installed(&[13]), None, Path::new("/c")).unwrap_err().to_string();
        assert!(error.contains("no PostgreSQL 15 to 18 found (13)"), "{error}");
        let error = nats_server(Some("/bin/does-not-exist")).unwrap_err().to_string();
        assert!(error.contains("apt-get install nats-server"), "{error}");
    }
}
