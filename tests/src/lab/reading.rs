//! What `hi-agent sample` prints of a source, as JSON.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// One reading of a source.
pub(super) struct Reading(Value);

impl Reading {
    /// Has the agent read a source of a capture.
    pub(super) fn of(agent: &Path, capture: &Path, source: &str) -> Result<Self> {
        let output = Command::new(agent)
            .args(["sample", source, "--format", "json", "--root"])
            .arg(capture)
            .output()
            .with_context(|| format!("start {}", agent.display()))?;
        let words = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "sample {source} of {}: {words}", capture.display());
        Ok(Self(serde_json::from_slice(&output.stdout).context("parse what `sample` prints")?))
    }

    /// Facts of a kind: id and document.
    pub(super) fn facts<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let facts = self.0["facts"].as_array().into_iter().flatten();
        facts
            .filter(move |fact| fact["kind"] == kind)
            .filter_map(|fact| Some((fact["id"].as_str()?, &fact["doc"])))
    }

    /// The document of one fact.
    pub(super) fn fact<'a>(&'a self, kind: &'a str, id: &str) -> Option<&'a Value> {
        self.facts(kind).find(|(found, _)| *found == id).map(|(_, doc)| doc)
    }

    /// Value of the series of a metric that has these labels, among others.
    pub(super) fn value(&self, metric: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let samples = self.0["samples"].as_array().into_iter().flatten();
        let fits = |sample: &&Value| {
            sample["metric"] == metric && labels.iter().all(|(key, value)| sample["labels"][*key] == *value)
        };
        samples.filter(fits).find_map(|sample| sample["value"].as_f64())
    }
}

/// Text of a key of a document.
pub(super) fn text<'a>(doc: &'a Value, key: &str) -> Option<&'a str> {
    doc[key].as_str()
}
