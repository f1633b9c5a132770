//! What the commands `sample`, `sources` and `check-config` print.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use hi_common::batch::is_absent;
use hi_common::error_chain::ErrorChain;
use serde_json::json;

use crate::cli::Format;
use crate::config::{Config, all_sources, keys};
use crate::exposition;
use crate::host::HostRoot;
use crate::host_id;
use crate::source::{Outcome, Readings, Source, SourceDef, SourceError};

/// How long `sources` waits for the slowest source.
const LOOK_MAX: Duration = Duration::from_secs(5);

/// One reading of a source.
pub fn sample(config: &Config, host: &HostRoot, name: &str, format: Format) -> anyhow::Result<String> {
    let Some(def) = all_sources().find(|def| def.name == name) else {
        let names: Vec<&str> = all_sources().map(|def| def.name).collect();
        bail!("there is no source `{name}`; there are {}", names.join(", "));
    };
    let mut source = config.make(def)?;
    let mut readings = Readings::default();
    let result = source.read(host, &mut readings);
    if let Ok(Outcome::Absent) = result {
        eprintln!("hi-agent: nothing here for `{name}` to read");
    }
    if let Err(error) = &result {
        // What was read before the error is still printed.
        eprintln!("hi-agent: {}", ErrorChain(error));
    }
    if result.is_err() && readings.is_empty() {
        bail!("`{name}` yielded nothing");
    }
    match format {
        Format::Text => Ok(exposition::text([&readings])),
        Format::Json => json_text(name, &result, &readings),
    }
}

fn json_text(
    name: &str,
    result: &Result<Outcome, SourceError>,
    readings: &Readings,
) -> anyhow::Result<String> {
    let sample = |(metric, labels, value): (&hi_common::metric::MetricDef, Vec<&str>, f64)| {
        let labels: BTreeMap<&str, &str> = metric.labels.iter().copied().zip(labels).collect();
        let value = if is_absent(value) || !value.is_finite() { None } else { Some(value) };
        json!({"metric": metric.name, "kind": metric.kind.as_str(), "unit": metric.unit.as_str(), "labels": labels, "value": value})
    };
    let document = json!({
        "source": name,
        "outcome": outcome_word(result),
        "error": result.as_ref().err().map(|error| ErrorChain(error).to_string()),
        "samples": readings.samples().map(sample).collect::<Vec<_>>(),
        "facts": readings.facts().iter().map(|fact| json!({"kind": fact.kind, "id": fact.id, "doc": fact.doc})).collect::<Vec<_>>(),
        "events": readings.events().iter().map(|event| json!({"type": event.kind, "severity": event.severity, "message": event.message, "data": event.data.iter().cloned().collect::<BTreeMap<_, _>>()})).collect::<Vec<_>>(),
    });
    let mut text = serde_json::to_string_pretty(&document).context("encode")?;
    text.push('\n');
    Ok(text)
}

fn outcome_word(result: &Result<Outcome, SourceError>) -> &'static str {
    match result {
        Ok(Outcome::Read) => "read",
        Ok(Outcome::Absent) => "absent",
        Err(_) => "error",
    }
}

struct Row {
    name: &'static str,
    state: String,
    detail: String,
    notes: Vec<String>,
}

/// Table of every source: what it reads here, or why it does not, and what would help.
pub fn sources(config: &Config, host: &HostRoot) -> anyhow::Result<String> {
    let mut rows = Vec::new();
    for def in all_sources() {
        let schedule = config.schedule(def)?;
        rows.push(if schedule.enabled {
            look(def, config.make(def)?, host)
        } else {
            Row {
                name: def.name,
                state: "off".to_owned(),
                detail: "disabled by configuration".to_owned(),
                notes: Vec::new(),
            }
        });
    }
    let name_width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    let state_width = rows.iter().map(|row| row.state.len()).max().unwrap_or(0);
    let mut out = String::new();
    for Row { name, state, detail, notes } in rows {
        let _ = writeln!(out, "{name:name_width$}  {state:state_width$}  {detail}");
        for note in notes {
            let _ = writeln!(out, "{:name_width$}  {:state_width$}  - {note}", "", "");
        }
    }
    Ok(out)
}

/// Reads on a thread of its own, so that a hung source is a line in the table, not the end of it.
fn look(def: &'static SourceDef, mut source: Box<dyn Source>, host: &HostRoot) -> Row {
    let (tell, hear) = std::sync::mpsc::channel();
    let host = host.clone();
    let started = Instant::now();
    let reader = std::thread::Builder::new().spawn(move || {
        let mut readings = Readings::default();
        let result = source.read(&host, &mut readings);
        let _ = tell.send((result, readings.len(), readings.notes().to_vec()));
    });
    let heard = reader.ok().and_then(|_| hear.recv_timeout(def.timeout.min(LOOK_MAX)).ok());
    let took = started.elapsed().as_micros() as f64 / 1000.0;
    let mut notes = Vec::new();
    let heard = heard.map(|(result, count, told)| {
        notes = told;
        (result, count)
    });
    let (state, detail) = match heard {
        None => ("stalled".to_owned(), format!("did not come back within {:?}", def.timeout.min(LOOK_MAX))),
        Some((Ok(Outcome::Read), n)) => {
            ("read".to_owned(), format!("{n} series in {took:.1} ms: {}", def.summary))
        }
        Some((Ok(Outcome::Absent), _)) => ("absent".to_owned(), format!("nothing here: {}", def.summary)),
        Some((Err(error), n)) => {
            let denied = matches!(error, SourceError::Permission { .. }) && !def.permission.is_empty();
            let state = if denied { "needs permission" } else { "error" };
            let mut detail = ErrorChain(&error).to_string();
            if denied {
                let _ = write!(detail, "; needs {}", def.permission);
            }
            if n > 0 {
                let _ = write!(detail, " ({n} series read all the same)");
            }
            (state.to_owned(), detail)
        }
    };
    Row { name: def.name, state, detail, notes }
}

/// Checks what is otherwise noticed only when the agent runs.
pub fn check(config: &Config) -> anyhow::Result<()> {
    if let Some(id) = &config.agent.host_id {
        uuid::Uuid::parse_str(id).with_context(|| format!("`agent.host_id` must be a UUID, not {id:?}"))?;
    }
    if let Some(listen) = &config.exposition.listen {
        exposition::listen_address(listen).map_err(anyhow::Error::msg)?;
    }
    Ok(())
}

/// The effective configuration as TOML, with who this host is.
pub fn effective(config: &Config, host: &HostRoot) -> String {
    let mut out = String::new();
    let file = config.file.as_ref().map_or("none".to_owned(), |path| path.display().to_string());
    let _ = writeln!(out, "# configuration file: {file}");
    let _ = writeln!(out, "# host name: {}", host_id::host_name(&config.agent, host));
    let _ = writeln!(out, "# state folder: {}", host_id::state_dir(&config.agent, host).display());
    let mut section = String::new();
    for key in keys() {
        let (table, name) = key.key.rsplit_once('.').unwrap_or(("", &key.key));
        if table != section {
            section = table.to_owned();
            let _ = writeln!(out, "\n[{section}]");
        }
        let set = lookup(config.table(), &key.key);
        let secret = key.key == "nats.password";
        let _ = match (set, key.default) {
            (Some(_), _) if secret => writeln!(out, "{name} = \"***\""),
            (Some(value), _) => writeln!(out, "{name} = {}", masked(value)),
            (None, Some(default)) => writeln!(out, "{name} = {default} # default"),
            (None, None) => writeln!(out, "# {name} is unset"),
        };
    }
    out
}

/// A value without the passwords in the tables of it: `servers = [{ address = "nas", password = "***" }]`.
fn masked(value: &toml::Value) -> toml::Value {
    match value {
        toml::Value::Array(items) => toml::Value::Array(items.iter().map(masked).collect()),
        toml::Value::Table(table) => {
            let entry = |(key, value): (&String, &toml::Value)| match key.as_str() {
                "password" => (key.clone(), toml::Value::String("***".to_owned())),
                _ => (key.clone(), masked(value)),
            };
            toml::Value::Table(table.iter().map(entry).collect())
        }
        other => other.clone(),
    }
}

fn lookup<'a>(table: &'a toml::Table, key: &str) -> Option<&'a toml::Value> {
    let (first, rest) = key.split_once('.').unwrap_or((key, ""));
    let value = table.get(first)?;
    if rest.is_empty() { Some(value) } else { lookup(value.as_table()?, rest) }
}
