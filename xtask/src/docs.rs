//! `./x docs`: makes the committed references anew from what they describe; `--check` compares.

use crate::command::{cargo, npm, output, run};
use crate::scratch::Scratch;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Files that a program of ours prints.
const PRINTED: &[(&str, &str, &[&str])] = &[
    ("docs/reference/metrics.md", "hi-agent", &["reference", "metrics"]),
    ("docs/reference/agent-config.md", "hi-agent", &["reference", "config"]),
    ("docs/reference/collector-config.md", "hi-collector", &["reference", "config"]),
    ("docs/reference/openapi.json", "hi-collector", &["openapi"]),
];
/// The dashboard's types, made from the OpenAPI file.
const SCHEMA: &str = "dashboard/src/api/schema.d.ts";
/// What sqlx checked queries against; made from a database with all migrations.
const QUERIES: &str = ".sqlx";

/// # Errors
/// A build or a generator fails.
pub(crate) fn docs(args: &[String]) -> Result<bool> {
    match args {
        [] => write().map(|()| true),
        [flag] if flag == "--check" => {
            let stale = stale()?;
            for path in &stale {
                println!("stale: {path}; ./x docs makes it anew");
            }
            Ok(stale.is_empty())
        }
        _ => bail!("docs takes only --check"),
    }
}

/// The committed references that differ from what would be made now.
pub(crate) fn stale() -> Result<Vec<String>> {
    let made = make()?;
    let committed = |path: &str| std::fs::read(crate::root().join(path)).ok();
    let mut stale: Vec<String> = made
        .iter()
        .filter(|(path, text)| committed(path).as_ref() != Some(*text))
        .map(|(p, _)| p.clone())
        .collect();
    let queries = made.keys().filter(|path| path.starts_with(QUERIES)).count();
    if queries != files_in(&crate::root().join(QUERIES)).len() {
        stale.push(format!("{QUERIES} (queries that are no more)"));
    }
    Ok(stale)
}

fn write() -> Result<()> {
    let made = make()?;
    for path in files_in(&crate::root().join(QUERIES)) {
        std::fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))?;
    }
    for (path, text) in made {
        let full = crate::root().join(&path);
        std::fs::create_dir_all(full.parent().context("its folder")?)?;
        if std::fs::read(&full).ok().as_ref() != Some(&text) {
            std::fs::write(&full, text).with_context(|| format!("write {path}"))?;
            println!("wrote {path}");
        }
    }
    Ok(())
}

/// Every reference with its content.
fn make() -> Result<BTreeMap<String, Vec<u8>>> {
    run(&mut cargo(&["build", "--quiet", "--locked", "-p", "hi-agent", "-p", "hi-collector", "--bins"]))?;
    let binary = |name: &str| crate::target_dir().join("debug").join(name);
    let mut made = BTreeMap::new();
    for (path, program, args) in PRINTED {
        made.insert((*path).to_owned(), output(&mut crate::command::command(binary(program), args))?);
    }
    if let Some(folder) = crate::dashboard::folder() {
        made.insert(SCHEMA.to_owned(), schema(&folder, &made["docs/reference/openapi.json"])?);
    }
    if uses_checked_queries()? {
        made.extend(queries(binary("hi-collector"))?);
    }
    Ok(made)
}

fn schema(dashboard: &Path, openapi: &[u8]) -> Result<Vec<u8>> {
    crate::dashboard::install(dashboard)?;
    let folder = tempfile::tempdir().context("make a folder")?;
    let (input, types) = (folder.path().join("openapi.json"), folder.path().join("schema.d.ts"));
    std::fs::write(&input, openapi).context("write the OpenAPI file")?;
    let mut command = npm(dashboard, &["exec", "--offline", "--", "openapi-typescript"]);
    output(command.arg(&input).arg("-o").arg(&types))?;
    std::fs::read(&types).context("read the generated types")
}

fn uses_checked_queries() -> Result<bool> {
    let store = crate::tidy::sources::all(crate::root())?;
    Ok(store.iter().any(|file| file.path.starts_with("collector/src/store") && file.text.contains("query!(")))
}

/// Compiles the collector against a live database, which makes sqlx write what it learned.
fn queries(collector: PathBuf) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut scratch = Scratch::start(collector)?;
    let url = scratch.database_url()?;
    let folder = tempfile::tempdir().context("make a folder")?;
    // A folder of its own for what is compiled here: the macros must run anew.
    let target = crate::target_dir().join("queries");
    run(cargo(&["check", "--quiet", "--locked", "-p", "hi-collector"])
        .env("CARGO_TARGET_DIR", target)
        .env("DATABASE_URL", url)
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", folder.path()))?;
    let mut made = BTreeMap::new();
    for path in files_in(folder.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        made.insert(format!("{QUERIES}/{name}"), std::fs::read(&path)?);
    }
    Ok(made)
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "json")).collect()
}
