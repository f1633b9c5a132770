//! `./x docs`: makes the committed references anew from what they describe; `--check` compares.

use crate::command::{cargo, command, npm, output, run};
use crate::scratch::Scratch;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

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

/// Content by path.
type Files = BTreeMap<String, Vec<u8>>;

/// # Errors
/// A build or a generator fails.
pub(crate) fn docs(args: &[String]) -> Result<bool> {
    match args {
        [] => {
            // First, for the programs that print the rest are compiled with them.
            write_queries(&queries()?)?;
            printed()?.iter().try_for_each(|(path, text)| write(path, text))?;
            Ok(true)
        }
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
///
/// # Errors
/// A build or a generator fails.
pub(crate) fn stale() -> Result<Vec<String>> {
    let queries = queries()?;
    let committed = |path: &str| std::fs::read(crate::root().join(path)).ok();
    // Descriptions of queries that are no more.
    let kept = files_in(&crate::root().join(QUERIES));
    let kept = kept.iter().map(|path| format!("{QUERIES}/{}", file_name(path)));
    let mut stale: Vec<String> = kept.filter(|path| !queries.contains_key(path)).collect();
    let made = queries.into_iter().chain(printed()?);
    stale.extend(made.filter(|(path, text)| committed(path).as_ref() != Some(text)).map(|(path, _)| path));
    Ok(stale)
}

fn write(path: &str, text: &[u8]) -> Result<()> {
    let full = crate::root().join(path);
    if std::fs::read(&full).is_ok_and(|old| old == text) {
        return Ok(());
    }
    std::fs::create_dir_all(full.parent().context("its folder")?)?;
    std::fs::write(&full, text).with_context(|| format!("write {path}"))?;
    println!("wrote {path}");
    Ok(())
}

fn write_queries(made: &Files) -> Result<()> {
    for path in files_in(&crate::root().join(QUERIES)) {
        let name = format!("{QUERIES}/{}", file_name(&path));
        if !made.contains_key(&name) {
            std::fs::remove_file(&path).with_context(|| format!("remove {name}"))?;
            println!("removed {name}");
        }
    }
    made.iter().try_for_each(|(path, text)| write(path, text))
}

/// What the programs and the dashboard's generator print.
fn printed() -> Result<Files> {
    run(&mut cargo(&["build", "--quiet", "--locked", "--workspace", "--bins"]))?;
    let mut made = Files::new();
    for (path, program, args) in PRINTED {
        let program = crate::target_dir().join("debug").join(program);
        made.insert((*path).to_owned(), output(&mut command(program, args))?);
    }
    if let Some(folder) = crate::dashboard::folder() {
        made.insert(SCHEMA.to_owned(), schema(&folder, &made["docs/reference/openapi.json"])?);
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

/// Compiles the collector's queries against a live database, which makes sqlx write down what it learned.
fn queries() -> Result<Files> {
    let scratch = Scratch::start()?;
    let folder = tempfile::tempdir().context("make a folder")?;
    // sqlx needs a folder for the moment on the same file system.
    let (learned, now) = (folder.path().join("learned"), SystemTime::now().duration_since(UNIX_EPOCH)?);
    std::fs::create_dir(&learned).context("make a folder")?;
    // A flag that never was before: cargo takes the macros' output from its cache otherwise.
    let anew = format!("queries_anew=\"{}\"", now.as_nanos());
    run(cargo(&[
        "rustc",
        "--quiet",
        "--locked",
        "-p",
        "hi-collector",
        "--lib",
        "--profile",
        "check",
        "--",
        "--cfg",
    ])
    .arg(anew)
    .env("DATABASE_URL", scratch.url())
    .env("SQLX_OFFLINE", "false")
    .env("SQLX_OFFLINE_DIR", &learned))?;
    let mut made = Files::new();
    for path in files_in(&learned) {
        made.insert(format!("{QUERIES}/{}", file_name(&path)), std::fs::read(&path)?);
    }
    Ok(made)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "json")).collect()
}
