//! `hi-agent capture`: the raw answers of everything sources read, in a folder that `--root` reads in the machine's place.

mod redact;

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, bail};
use hi_common::error_chain::ErrorChain;
use serde_json::json;

use crate::config::{Config, all_sources};
use crate::host::{HostRoot, Recorder};
use crate::self_metrics::VERSION;
use crate::source::{Outcome, Readings, SourceDef};

/// How long one source may take.
const SOURCE_MAX: Duration = Duration::from_secs(120);
/// What the folder says of itself.
const ABOUT: &str = "capture.json";
/// Read of every host, whichever sources are captured: without them no host can be told from another.
const ALWAYS: [&str; 4] =
    ["etc/os-release", "etc/machine-id", "proc/sys/kernel/osrelease", "proc/sys/kernel/hostname"];

/// Captures the named sources, or all of them, and says what came of it.
///
/// # Errors
/// An unknown source, a folder that is not empty, a disk that does not take it.
pub fn capture(config: &Config, names: &[String], out: &Path, redact: bool) -> anyhow::Result<String> {
    let wanted = wanted(names)?;
    prepare(out).with_context(|| format!("make the folder {}", out.display()))?;
    let recorder = Arc::new(Recorder::new(out));
    let host = HostRoot::recording(Arc::clone(&recorder));
    for path in ALWAYS {
        // A host may lack any of them; the capture then lacks it as well.
        let _ = host.read(&host.root(path));
    }
    let mut text = String::new();
    let mut outcomes = serde_json::Map::new();
    for def in wanted {
        let outcome = run(config, def, &host)?;
        text.push_str(&format!("{}: {outcome}\n", def.name));
        outcomes.insert(def.name.to_owned(), outcome.into());
    }
    recorder.finish().with_context(|| format!("write the capture {}", out.display()))?;
    let about = json!({ "agent_version": VERSION, "redacted": redact, "sources": outcomes });
    fs::write(out.join(ABOUT), format!("{about:#}\n")).context("write what the capture is")?;
    if redact {
        let count = redact::redact(out).with_context(|| format!("redact {}", out.display()))?;
        text.push_str(&format!(
            "{count} identifiers replaced (serial numbers, WWNs, UUIDs, addresses, the host's name, paths of damaged files)\n"
        ));
    } else {
        text.push_str("Serial numbers and addresses are in it as they are: `--redact` replaces them.\n");
    }
    text.push_str(&format!("Read it with: hi-agent --root {} sample <source>\n", out.display()));
    Ok(text)
}

fn wanted(names: &[String]) -> anyhow::Result<Vec<&'static SourceDef>> {
    let find = |name: &String| {
        all_sources().find(|def| def.name == name).with_context(|| {
            let known: Vec<&str> = all_sources().map(|def| def.name).collect();
            format!("there is no source `{name}`; there are {}", known.join(", "))
        })
    };
    // The agent's own source reads the agent, not the host.
    let all = || all_sources().filter(|def| def.name != "agent").collect();
    if names.is_empty() { Ok(all()) } else { names.iter().map(find).collect() }
}

/// An empty folder, or a new one: a capture mixed with another is none.
fn prepare(out: &Path) -> anyhow::Result<()> {
    match fs::read_dir(out) {
        Ok(mut entries) => match entries.next() {
            Some(_) => bail!("it is not empty"),
            None => Ok(()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(fs::create_dir_all(out)?),
        Err(error) => Err(error.into()),
    }
}

/// Reads a source on a thread of its own; one that hangs is left behind, with what it has read so far.
fn run(config: &Config, def: &'static SourceDef, host: &HostRoot) -> anyhow::Result<String> {
    let mut source = config.make(def)?;
    let (tell, hear) = mpsc::channel();
    let host = host.clone();
    std::thread::Builder::new()
        .spawn(move || {
            let mut readings = Readings::default();
            let result = source.read(&host, &mut readings);
            let _ = tell.send((result, readings.len()));
        })
        .context("start a thread")?;
    Ok(match hear.recv_timeout(SOURCE_MAX) {
        Ok((Ok(Outcome::Read), series)) => format!("{series} series"),
        Ok((Ok(Outcome::Absent), _)) => "nothing here to read".to_owned(),
        Ok((Err(error), series)) => format!("{series} series, then: {}", ErrorChain(&error)),
        Err(_) => format!("did not come back within {} s", SOURCE_MAX.as_secs()),
    })
}
