//! Names of subjects and streams. Nowhere else does one stand.

use crate::ids::HostName;

/// Stream of batches.
pub const STREAM_METRICS: &str = "HI_METRICS";
/// Stream of facts and catalogs: the last message per subject.
pub const STREAM_FACTS: &str = "HI_FACTS";
/// Stream of events and alert transitions.
pub const STREAM_EVENTS: &str = "HI_EVENTS";

/// Subjects of [`STREAM_METRICS`].
pub const METRICS_ALL: &str = "hi.v1.metrics.>";
/// Facts of all hosts.
pub const FACTS_ALL: &str = "hi.v1.facts.>";
/// Catalogs of all hosts.
pub const CATALOG_ALL: &str = "hi.v1.catalog.>";
/// Events of all hosts.
pub const EVENTS_ALL: &str = "hi.v1.events.>";
/// Alert transitions.
pub const ALERTS_ALL: &str = "hi.v1.alerts.>";

/// Subject of a host's batches.
pub fn metrics(host: &HostName) -> String {
    format!("hi.v1.metrics.{host}")
}

/// Subject of a host's catalog.
pub fn catalog(host: &HostName) -> String {
    format!("hi.v1.catalog.{host}")
}

/// Subject of one fact; kind and id are made fit for a token.
pub fn fact(host: &HostName, kind: &str, id: &str) -> String {
    format!("hi.v1.facts.{host}.{}.{}", token(kind), token(id))
}

/// Whether a subject is that of a fact.
pub fn is_fact(subject: &str) -> bool {
    subject.starts_with(FACTS_ALL.trim_end_matches('>'))
}

/// Subject of one type of event of a host.
pub fn event(host: &HostName, kind: &str) -> String {
    format!("hi.v1.events.{host}.{}", token(kind))
}

/// Subject of a command to a host (request/reply).
pub fn command(host: &HostName, verb: &str) -> String {
    format!("hi.v1.command.{host}.{}", token(verb))
}

/// All commands to a host.
pub fn commands(host: &HostName) -> String {
    format!("hi.v1.command.{host}.>")
}

/// Verb that asks an agent to publish batches again.
pub const VERB_RESEND: &str = "resend";

/// Makes one token of a subject of any text: characters other than `[A-Za-z0-9_-]` become `_`, never empty.
fn token(text: &str) -> String {
    let token: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' })
        .collect();
    if token.is_empty() { "_".to_owned() } else { token }
}

/// How a stream is to be set up; both ends create it with these values when it is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamDef {
    /// Name of the stream.
    pub name: &'static str,
    /// What it takes.
    pub subjects: &'static [&'static str],
    /// Oldest message kept, in seconds; 0 = no limit.
    pub max_age_secs: u64,
    /// Most bytes kept.
    pub max_bytes: i64,
    /// Messages kept per subject; -1 = no limit.
    pub max_messages_per_subject: i64,
    /// Whether messages may bring the time after which the broker forgets them (`Nats-TTL`, nats-server 2.11).
    pub expiring: bool,
    /// What it carries, in words.
    pub description: &'static str,
}

/// Every stream of the system.
pub const STREAMS: [StreamDef; 3] = [
    StreamDef {
        name: STREAM_METRICS,
        subjects: &[METRICS_ALL],
        max_age_secs: 7 * 86_400,
        max_bytes: 4 << 30,
        max_messages_per_subject: -1,
        expiring: false,
        description: "batches of readings, until the collector has stored them",
    },
    StreamDef {
        name: STREAM_FACTS,
        subjects: &[FACTS_ALL, CATALOG_ALL],
        max_age_secs: 0,
        max_bytes: 256 << 20,
        max_messages_per_subject: 1,
        expiring: true,
        description: "what exists on each host, last value per subject",
    },
    StreamDef {
        name: STREAM_EVENTS,
        subjects: &[EVENTS_ALL, ALERTS_ALL],
        max_age_secs: 30 * 86_400,
        max_bytes: 256 << 20,
        max_messages_per_subject: -1,
        expiring: false,
        description: "what happened once",
    },
];

/// How long the broker keeps word of what is gone, in seconds, where it can forget single messages: as long as events, so that
/// a collector which was away for weeks still hears of it.
pub const GONE_TTL_SECS: u64 = 30 * 86_400;

/// Window in which the broker drops a repeated `Nats-Msg-Id`, in seconds.
pub const DUPLICATE_WINDOW_SECS: u64 = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_cannot_break_out_of_their_place() {
        let host = HostName::from_any("nas");
        assert_eq!(fact(&host, "file.system", "/mnt/a b>*"), "hi.v1.facts.nas.file_system._mnt_a_b__");
        assert_eq!(event(&host, ""), "hi.v1.events.nas._");
    }
}
