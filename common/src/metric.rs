//! What a metric is: declared as data, once, in the file that reads it.

use serde::{Deserialize, Serialize};

/// How the values of a metric behave.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Goes up and down.
    Gauge,
    /// Only grows, until its owner restarts.
    Counter,
    /// Always 1; its labels are the information.
    Info,
    /// 1 for the state that holds, 0 for those that do not.
    State,
    /// Of a type nobody declared (node_exporter's `untyped`).
    Untyped,
}

impl Kind {
    /// The type as Prometheus' text exposition names it.
    pub fn prometheus_type(self) -> &'static str {
        match self {
            Self::Gauge | Self::Info | Self::State => "gauge",
            Self::Counter => "counter",
            Self::Untyped => "untyped",
        }
    }

    /// The word used in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Info => "info",
            Self::State => "state",
            Self::Untyped => "untyped",
        }
    }
}

/// Unit of a metric's values, in Prometheus' base units.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// A count or a number without unit.
    None,
    /// Bytes.
    Bytes,
    /// Bytes per second.
    BytesPerSecond,
    /// Seconds, also Unix times.
    Seconds,
    /// 0 to 1.
    Ratio,
    /// Degrees Celsius.
    Celsius,
    /// Hertz.
    Hertz,
    /// Volts.
    Volts,
    /// Amperes.
    Amperes,
    /// Watts.
    Watts,
    /// Joules.
    Joules,
}

impl Unit {
    /// The word used in JSON and in the database; empty for [`Unit::None`].
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Bytes => "bytes",
            Self::BytesPerSecond => "bytes_per_second",
            Self::Seconds => "seconds",
            Self::Ratio => "ratio",
            Self::Celsius => "celsius",
            Self::Hertz => "hertz",
            Self::Volts => "volts",
            Self::Amperes => "amperes",
            Self::Watts => "watts",
            Self::Joules => "joules",
        }
    }
}

/// Declaration of a metric: the row that the reference page, the catalog and the exposition come from.
#[derive(Debug, PartialEq, Eq)]
pub struct MetricDef {
    /// Name as dashboards know it.
    pub name: &'static str,
    /// Behaviour of its values.
    pub kind: Kind,
    /// Unit of its values.
    pub unit: Unit,
    /// Label names, in the order in which values are given. `instance` and `job` are added by the collector.
    pub labels: &'static [&'static str],
    /// One sentence of help, as the exporter that the name comes from words its meaning.
    pub help: &'static str,
}

impl MetricDef {
    /// A gauge.
    pub const fn gauge(
        name: &'static str,
        unit: Unit,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Self { name, kind: Kind::Gauge, unit, labels, help }
    }

    /// A counter.
    pub const fn counter(
        name: &'static str,
        unit: Unit,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Self { name, kind: Kind::Counter, unit, labels, help }
    }

    /// A set of states: 1 for the one that holds, 0 for the others.
    pub const fn state(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Self {
        Self { name, kind: Kind::State, unit: Unit::None, labels, help }
    }

    /// An info metric.
    pub const fn info(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Self {
        Self { name, kind: Kind::Info, unit: Unit::None, labels, help }
    }
}

/// A name that Prometheus accepts as metric name: `[a-zA-Z_:][a-zA-Z0-9_:]*`.
pub fn is_metric_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_' || b == b':')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':')
}

/// A name that Prometheus accepts as label name: `[a-zA-Z_][a-zA-Z0-9_]*`.
pub fn is_label_name(name: &str) -> bool {
    !name.contains(':') && is_metric_name(name)
}

/// Job label of a metric: the job under which its usual exporter is scraped (design, §3).
pub fn job_of(metric: &str) -> &'static str {
    const PREFIXES: [(&str, &str); 7] = [
        ("node_", "node"),
        ("smartctl_", "smartctl"),
        ("nvidia_", "nvidia"),
        ("container_", "cadvisor"),
        ("ipmi_", "ipmi"),
        ("network_ups_tools_", "nut"),
        ("libvirt_", "libvirt"),
    ];
    PREFIXES.iter().find(|(prefix, _)| metric.starts_with(prefix)).map_or("hi", |(_, job)| job)
}
