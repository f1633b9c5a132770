//! What a source is: one subsystem of a host, read in one call, with three outcomes.

pub mod attributes;
mod bell;
pub mod cgroup;
pub mod disks;
mod every;
pub mod mounts;
pub mod pattern;
pub mod prober;
mod series;
pub mod tcp;
pub mod time;
pub mod tls;
pub mod udev;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hi_common::batch::ABSENT;
use hi_common::config::{ConfigError, KeyDoc, Section, section};
use hi_common::event::Severity;
use hi_common::fact::FactValue;
use hi_common::metric::MetricDef;

use crate::host::HostRoot;

pub use bell::Bell;
pub use every::Every;

/// A subsystem that can be read. It lives in its own task and may keep state between runs; `read` may block.
pub trait Source: Send {
    /// Reads once. What was pushed into `out` before an error is kept: half a reading beats none.
    ///
    /// # Errors
    /// What failed, with a bounded reason.
    fn read(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError>;

    /// What this source rings when something happened that cannot wait for the next tick. Asked for once, when it is made.
    fn bell(&self) -> Option<Bell> {
        None
    }

    /// Tells what it rang for, with the same limits as a read and never at the same time: events, facts, also samples, which
    /// have the time of the call then.
    ///
    /// # Errors
    /// As [`Source::read`].
    fn look(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        let _ = (host, out);
        Ok(Outcome::Read)
    }
}

/// How a run that did not fail went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// There was something to read.
    Read,
    /// What this source reads does not exist here; not worth a line in the log.
    Absent,
}

/// Row of the registry: everything that is known of a source before it runs.
pub struct SourceDef {
    /// Name: `cpu`.
    pub name: &'static str,
    /// One sentence: what it reads, from where.
    pub summary: &'static str,
    /// How often it runs unless configured otherwise.
    pub interval: Duration,
    /// How long a run may take before it counts as stalled.
    pub timeout: Duration,
    /// Every metric it can yield.
    pub metrics: &'static [&'static MetricDef],
    /// Permission it may need beyond an ordinary user's, and the unit-file line that grants it; empty if none.
    pub permission: &'static str,
    /// Its own configuration keys, `sources.<name>.…`, beside `enabled` and `interval_secs` that each source has.
    pub keys: fn() -> Vec<KeyDoc>,
    /// Makes it from the merged configuration.
    pub make: fn(&toml::Table) -> Result<Box<dyn Source>, ConfigError>,
}

/// Why a read failed. The variant is the bounded reason, the text names the object.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file that should be there is not.
    #[error("{} does not exist", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The kernel does not let this user read it.
    #[error("no permission to read {}", path.display())]
    Permission {
        /// The file.
        path: PathBuf,
    },
    /// It could not be read.
    #[error("read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Its content is not what its format says.
    #[error("{what} is not understood: {problem}")]
    Parse {
        /// File or structure.
        what: String,
        /// Where and what.
        problem: String,
    },
    /// Something it reads did not answer in time.
    #[error("{what} did not answer within {limit:?}")]
    Timeout {
        /// Mount point, device, socket.
        what: String,
        /// The limit.
        limit: Duration,
    },
}

impl SourceError {
    /// Bounded word for metrics, the catalog and the UI.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "missing",
            Self::Permission { .. } => "permission",
            Self::Io { .. } => "io",
            Self::Parse { .. } => "parse",
            Self::Timeout { .. } => "timeout",
        }
    }

    /// A parse error.
    pub fn parse(what: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Parse { what: what.into(), problem: problem.into() }
    }
}

/// A line of a file that does not follow its format.
pub fn bad_line(file: &str, line: &str, problem: impl std::fmt::Display) -> SourceError {
    const SHOWN_CHARS: usize = 80;
    let shown: String = line.trim().chars().take(SHOWN_CHARS).collect();
    SourceError::parse(file, format!("{problem} in line {shown:?}"))
}

/// A source's own configuration out of the merged table; keys that every source has (`enabled`, `interval_secs`) lie in
/// the same section and are left to the sampler.
///
/// # Errors
/// A value of the wrong type.
pub fn own_section<T: Section>(table: &toml::Table) -> Result<T, ConfigError> {
    let name = T::NAME.trim_start_matches("sources.");
    let own = table.get("sources").and_then(|sources| sources.get(name)).and_then(toml::Value::as_table);
    let mut own = own.cloned().unwrap_or_default();
    own.retain(|key, _| T::FIELDS.iter().any(|(field, _)| *field == key));
    let sources = toml::Table::from_iter([(name.to_owned(), toml::Value::Table(own))]);
    section(&toml::Table::from_iter([("sources".to_owned(), toml::Value::Table(sources))]))
}

/// Sorts an I/O error of a path into the reason that names it best.
pub fn read_error(path: &Path, source: io::Error) -> SourceError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound => SourceError::Missing { path },
        io::ErrorKind::PermissionDenied => SourceError::Permission { path },
        _ => SourceError::Io { path, source },
    }
}

/// A fact as a source reports it: kind, id, document.
#[derive(Clone, Debug, PartialEq)]
pub struct FactDoc {
    /// `host`, `disk`, ….
    pub kind: &'static str,
    /// Which one.
    pub id: String,
    /// What is known.
    pub doc: BTreeMap<String, FactValue>,
}

/// Something that happened once, as a source reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventDoc {
    /// What happened, a word of `[a-z_]`: `disk_gone`.
    pub kind: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence for people.
    pub message: String,
    /// Details.
    pub data: Vec<(&'static str, String)>,
}

/// What one run yields. Kept by the sampler and reused, so that a steady source allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    names: Vec<&'static MetricDef>,
    /// Label values of all samples, one after the other, each ended by a NUL.
    labels: String,
    values: Vec<f64>,
    /// Beginnings of parts: name, first sample, first byte of its labels.
    parts: Vec<(&'static str, usize, usize)>,
    facts: Vec<FactDoc>,
    gone: Vec<(&'static str, String)>,
    events: Vec<EventDoc>,
    notes: Vec<String>,
}

impl Readings {
    /// Adds a sample; `labels` are the values of the metric's label keys, in their order.
    ///
    /// A wrong number of labels is a mistake in the source; missing ones are taken as empty, surplus ones dropped.
    pub fn push(&mut self, metric: &'static MetricDef, labels: &[&str], value: f64) {
        debug_assert_eq!(labels.len(), metric.labels.len(), "label count of {}", metric.name);
        self.names.push(metric);
        for index in 0..metric.labels.len() {
            let text = labels.get(index).copied().unwrap_or("");
            match text.contains('\0') {
                false => self.labels.push_str(text),
                true => self.labels.extend(text.chars().filter(|&c| c != '\0')),
            }
            self.labels.push('\0');
        }
        self.values.push(value);
    }

    /// Adds a sample that has no value this time.
    pub fn push_absent(&mut self, metric: &'static MetricDef, labels: &[&str]) {
        self.push(metric, labels, ABSENT);
    }

    /// Begins a part: what is pushed from here on travels as a reading of that name instead of the source's own. For a source
    /// with very many series that come and go: a list of series is sent anew when one of it changes, and is bounded.
    pub fn part(&mut self, name: &'static str) {
        self.parts.push((name, self.values.len(), self.labels.len()));
    }

    /// The samples in the parts they travel in, of those that have any; the name is `None` for what stands before the first
    /// part.
    pub fn parts(&self) -> impl Iterator<Item = (Option<&'static str>, Part<'_>)> {
        let begin = std::iter::once((None, 0, 0));
        let begins = begin.chain(self.parts.iter().map(|&(name, at, byte)| (Some(name), at, byte)));
        let ends = self.parts.iter().map(|&(_, at, byte)| (at, byte));
        let ends = ends.chain(std::iter::once((self.values.len(), self.labels.len())));
        let parts = begins.zip(ends).map(|((name, from, from_byte), (to, to_byte))| {
            let part = Part {
                names: self.names.get(from..to).unwrap_or_default(),
                labels: self.labels.get(from_byte..to_byte).unwrap_or_default(),
                values: self.values.get(from..to).unwrap_or_default(),
            };
            (name, part)
        });
        parts.filter(|(_, part)| !part.values.is_empty())
    }

    /// All samples as one part.
    pub fn whole(&self) -> Part<'_> {
        Part { names: &self.names, labels: &self.labels, values: &self.values }
    }

    /// Adds a fact.
    pub fn fact(&mut self, kind: &'static str, id: impl Into<String>, doc: BTreeMap<String, FactValue>) {
        self.facts.push(FactDoc { kind, id: id.into(), doc });
    }

    /// Takes the facts of this run out: what they are told to keeps them.
    pub fn take_facts(&mut self) -> Vec<FactDoc> {
        std::mem::take(&mut self.facts)
    }

    /// Facts of this run.
    pub fn facts(&self) -> &[FactDoc] {
        &self.facts
    }

    /// Says that what a fact was about is gone. Without this a fact that is told no more goes after a while.
    pub fn fact_gone(&mut self, kind: &'static str, id: impl Into<String>) {
        self.gone.push((kind, id.into()));
    }

    /// Kinds and ids of facts that are gone.
    pub fn gone(&self) -> &[(&'static str, String)] {
        &self.gone
    }

    /// Adds an event. A source tells what changed while it watches, not what it finds at its first run.
    pub fn event(
        &mut self,
        kind: &'static str,
        severity: Severity,
        message: impl Into<String>,
        data: Vec<(&'static str, String)>,
    ) {
        self.events.push(EventDoc { kind, severity, message: message.into(), data });
    }

    /// Events of this run.
    pub fn events(&self) -> &[EventDoc] {
        &self.events
    }

    /// Adds a line for `hi-agent sources`: what of several things could not be read, and why.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// Lines for `hi-agent sources`.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The values, in the order they were pushed.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.names.clear();
        self.labels.clear();
        self.values.clear();
        self.parts.clear();
        self.facts.clear();
        self.gone.clear();
        self.events.clear();
        self.notes.clear();
    }

    /// Cheap fingerprint of which series were pushed, in which order: changes when the layout does.
    pub fn fingerprint(&self) -> u64 {
        self.whole().fingerprint()
    }

    /// Every sample: metric, label values, value.
    pub fn samples(&self) -> impl Iterator<Item = (&'static MetricDef, Vec<&str>, f64)> {
        self.rows().zip(&self.values).map(|((metric, row), &value)| (metric, row, value))
    }

    fn rows(&self) -> impl Iterator<Item = (&'static MetricDef, Vec<&str>)> {
        let mut texts = self.labels.split('\0');
        self.names.iter().map(move |&metric| (metric, texts.by_ref().take(metric.labels.len()).collect()))
    }
}

/// Some of the samples of a run.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    names: &'a [&'static MetricDef],
    /// Label values of all samples, one after the other, each ended by a NUL.
    labels: &'a str,
    values: &'a [f64],
}

impl<'a> Part<'a> {
    /// The values, in the order they were pushed.
    pub fn values(&self) -> &'a [f64] {
        self.values
    }

    /// As [`Readings::fingerprint`].
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = xxhash_rust::xxh3::Xxh3::new();
        for metric in self.names {
            hasher.update(&(std::ptr::from_ref(*metric) as usize).to_ne_bytes());
        }
        hasher.update(self.labels.as_bytes());
        hasher.digest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hi_common::metric::Unit;

    static A: MetricDef = MetricDef::gauge("a", Unit::None, &["x", "y"], "A.");
    static B: MetricDef = MetricDef::counter("b", Unit::None, &[], "B.");

    #[test]
    fn the_layout_is_that_of_names_and_labels() {
        let mut out = Readings::default();
        out.push(&A, &["1", ""], 1.0);
        out.push(&A, &["2", "z"], 2.0);
        out.push(&B, &[], 3.0);
        assert_eq!(out.series().len(), 2);
        let labels: Vec<Vec<&str>> = out.samples().map(|(_, labels, _)| labels).collect();
        assert_eq!(labels, [vec!["1", ""], vec!["2", "z"], vec![]]);
        assert_eq!(out.values(), [1.0, 2.0, 3.0]);
        let before = out.fingerprint();
        out.clear();
        out.push(&A, &["1", ""], 5.0);
        out.push(&A, &["2", "z"], 6.0);
        out.push(&B, &[], 7.0);
        assert_eq!(out.fingerprint(), before, "values do not belong to the layout");
        out.push(&B, &[], 7.0);
        assert_ne!(out.fingerprint(), before);
    }
}
