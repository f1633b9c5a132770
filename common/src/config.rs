//! Configuration: TOML file, then environment, then flags; unknown keys are refused with the nearest known one named.
//!
//! A section is declared with [`config_section!`](crate::config_section): the doc comment of a field is its reference
//! text, and the same table serves the loader, the environment names and the generated page.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A key of the configuration, as documented.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyDoc {
    /// Full name: `nats.url`.
    pub key: String,
    /// Reference text.
    pub doc: String,
    /// Default; `None` when the key is unset by default (then it takes a text).
    pub default: Option<toml::Value>,
}

/// A section of the configuration file.
pub trait Section: Serialize + for<'de> Deserialize<'de> + Default {
    /// Name of its table: `nats`, `sources.cpu`.
    const NAME: &'static str;

    /// Field names with their reference text.
    const FIELDS: &'static [(&'static str, &'static str)];

    /// The keys with their defaults.
    fn keys() -> Vec<KeyDoc> {
        let defaults = toml::Table::try_from(Self::default()).unwrap_or_default();
        let key = |(name, doc): &(&str, &str)| KeyDoc {
            key: format!("{}.{name}", Self::NAME),
            doc: doc.trim().to_owned(),
            default: defaults.get(*name).cloned(),
        };
        Self::FIELDS.iter().map(key).collect()
    }
}

/// Declares a configuration section: a struct with defaults whose doc comments are the reference.
///
/// ```
/// hi_common::config_section! {
///     /// Connection to the broker.
///     pub struct Nats in "nats" {
///         /// Address of the server.
///         pub url: String = "nats://127.0.0.1:4222".to_owned(),
///     }
/// }
/// assert_eq!(Nats::default().url, "nats://127.0.0.1:4222");
/// ```
#[macro_export]
macro_rules! config_section {
    ($(#[$meta:meta])* $vis:vis struct $name:ident in $section:literal {
        $($(#[doc = $doc:literal])+ $fvis:vis $field:ident : $type:ty = $default:expr),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        $vis struct $name { $($(#[doc = $doc])+ $fvis $field: $type),* }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default),* }
            }
        }

        impl $crate::config::Section for $name {
            const NAME: &'static str = $section;
            const FIELDS: &'static [(&'static str, &'static str)] =
                &[$((stringify!($field), concat!($($doc),+))),*];
        }
    };
}

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is not TOML.
    #[error("{origin}: {message}")]
    Syntax {
        /// File, variable or flag.
        origin: String,
        /// What the parser says, with line and column.
        message: String,
    },
    /// A key that does not exist.
    #[error("{origin}: unknown key `{key}`{}", nearest.as_ref().map_or(String::new(), |n| format!(", did you mean `{n}`?")))]
    UnknownKey {
        /// File, variable or flag.
        origin: String,
        /// The key.
        key: String,
        /// The nearest known one, when one is near.
        nearest: Option<String>,
    },
    /// A value that does not fit its key.
    #[error("{origin}: `{key}` {problem}")]
    Value {
        /// File, variable, flag or "configuration" when merged.
        origin: String,
        /// The key or section.
        key: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
}

/// Where values come from, weakest first.
pub struct Layers<'a> {
    /// Name and text of the configuration file.
    pub file: Option<(&'a str, &'a str)>,
    /// Environment variables; only those that begin with the prefix count.
    pub env: Vec<(String, String)>,
    /// Prefix of the variables: `HI_AGENT_`. `nats.url` is `HI_AGENT_NATS_URL`.
    pub env_prefix: &'a str,
    /// Variables with the prefix that are no configuration keys (`HI_AGENT_CONFIG`).
    pub env_other: &'a [&'a str],
    /// Flags `--set key=value`.
    pub sets: Vec<(String, String)>,
}

/// Merges the layers into one table, refusing what is not in `keys`.
///
/// # Errors
/// Syntax, unknown keys, values of the wrong type; each names where it stands.
pub fn merge(layers: &Layers<'_>, keys: &[KeyDoc]) -> Result<toml::Table, ConfigError> {
    let mut table = toml::Table::new();
    if let Some((name, text)) = layers.file {
        table = text.parse::<toml::Table>().map_err(|error| ConfigError::Syntax {
            origin: name.to_owned(),
            message: error.to_string().trim_end().replace('\n', " "),
        })?;
        check_keys(name, "", &table, keys)?;
    }
    for (variable, value) in &layers.env {
        let Some(rest) = variable.strip_prefix(layers.env_prefix) else { continue };
        if layers.env_other.contains(&variable.as_str()) {
            continue;
        }
        let wanted = rest.to_ascii_lowercase();
        let known = keys.iter().find(|k| k.key.replace('.', "_") == wanted);
        let Some(known) = known else {
            return Err(unknown(variable, &wanted, keys, |key| {
                format!("{}{}", layers.env_prefix, key.replace('.', "_").to_ascii_uppercase())
            }));
        };
        put(&mut table, variable, known, value)?;
    }
    for (key, value) in &layers.sets {
        let Some(known) = keys.iter().find(|k| k.key == *key) else {
            return Err(unknown("--set", key, keys, str::to_owned));
        };
        put(&mut table, "--set", known, value)?;
    }
    Ok(table)
}

/// Reads one section out of a merged table; defaults where nothing is set.
///
/// # Errors
/// A value of the wrong type.
pub fn section<T: Section>(table: &toml::Table) -> Result<T, ConfigError> {
    let mut current = Some(table);
    let mut found = None;
    for part in T::NAME.split('.') {
        found = current.and_then(|t| t.get(part));
        current = found.and_then(toml::Value::as_table);
    }
    match found {
        None => Ok(T::default()),
        Some(value) => {
            let mut own = value.clone();
            // Sub-tables that are sections of their own (`sources.cpu` in `sources`) are not fields of this one.
            if let Some(t) = own.as_table_mut() {
                t.retain(|key, value| !value.is_table() || T::FIELDS.iter().any(|(name, _)| *name == key));
            }
            own.try_into().map_err(|error: toml::de::Error| ConfigError::Value {
                origin: "configuration".to_owned(),
                key: T::NAME.to_owned(),
                problem: error.message().to_owned(),
            })
        }
    }
}

fn check_keys(origin: &str, prefix: &str, table: &toml::Table, keys: &[KeyDoc]) -> Result<(), ConfigError> {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        if keys.iter().any(|k| k.key == key) {
            continue;
        }
        let is_section = keys.iter().any(|k| k.key.starts_with(&format!("{key}.")));
        match value.as_table() {
            Some(inner) if is_section => check_keys(origin, &key, inner, keys)?,
            _ if is_section => {
                return Err(ConfigError::Value {
                    origin: origin.to_owned(),
                    key,
                    problem: "is a section: write it as [section] with keys below".to_owned(),
                });
            }
            _ => return Err(unknown(origin, &key, keys, str::to_owned)),
        }
    }
    Ok(())
}

fn unknown(origin: &str, key: &str, keys: &[KeyDoc], show: impl Fn(&str) -> String) -> ConfigError {
    let normal = |text: &str| text.replace('.', "_");
    let score = |k: &KeyDoc| strsim::normalized_damerau_levenshtein(&normal(&k.key), &normal(key));
    let nearest = keys
        .iter()
        .map(|k| (score(k), k))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(score, _)| *score >= 0.5)
        .map(|(_, k)| show(&k.key));
    ConfigError::UnknownKey { origin: origin.to_owned(), key: key.to_owned(), nearest }
}

fn put(table: &mut toml::Table, origin: &str, known: &KeyDoc, text: &str) -> Result<(), ConfigError> {
    let problem =
        |problem: String| ConfigError::Value { origin: origin.to_owned(), key: known.key.clone(), problem };
    let value = match &known.default {
        None | Some(toml::Value::String(_)) => toml::Value::String(text.to_owned()),
        Some(toml::Value::Array(_)) if !text.trim_start().starts_with('[') => toml::Value::Array(
            text.split(',').map(|item| toml::Value::String(item.trim().to_owned())).collect(),
        ),
        Some(default) => {
            let parsed = format!("v = {text}").parse::<toml::Table>().ok().and_then(|mut t| t.remove("v"));
            let is_float = default.is_float();
            let parsed = parsed.map(|value| match value {
                // Who says 1 means 1.0 where a fraction may stand.
                toml::Value::Integer(whole) if is_float => toml::Value::Float(whole as f64),
                value => value,
            });
            parsed
                .filter(|value| value.same_type(default))
                .ok_or_else(|| problem(format!("must be a {}, not {text:?}", default.type_str())))?
        }
    };
    let mut parts: Vec<&str> = known.key.split('.').collect();
    let Some(last) = parts.pop() else { return Ok(()) };
    let mut current = table;
    for part in parts {
        let entry = current.entry(part).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        current =
            entry.as_table_mut().ok_or_else(|| problem(format!("lies in `{part}`, which is no section")))?;
    }
    current.insert(last.to_owned(), value);
    Ok(())
}

/// A text that is never printed.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself; for handing it on, not for logging.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "\"\"" } else { "\"***\"" })
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.0.is_empty() { "" } else { "***" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::config_section! {
        /// Broker.
        struct Nats in "nats" {
            /// Address.
            url: String = "nats://127.0.0.1:4222".to_owned(),
            /// Most bytes
            /// kept on disk.
            spool_max_bytes: u64 = 1024,
            /// Names left out.
            exclude: Vec<String> = vec![],
            /// File with credentials.
            credentials: Option<String> = None,
        }
    }

    fn load(file: &str, env: &[(&str, &str)], sets: &[(&str, &str)]) -> Result<Nats, ConfigError> {
        let own =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let layers = Layers {
            file: Some(("a.toml", file)),
            env: own(env),
            env_prefix: "HI_",
            env_other: &["HI_CONFIG"],
            sets: own(sets),
        };
        section(&merge(&layers, &Nats::keys())?)
    }

    #[test]
    fn later_layers_win() {
        let nats =
            load("[nats]\nurl = 'a'\nspool_max_bytes = 7", &[("HI_NATS_URL", "b"), ("HI_CONFIG", "x")], &[]);
        assert_eq!(nats.as_ref().map(|n| (n.url.as_str(), n.spool_max_bytes)).ok(), Some(("b", 7)));
        let nats = load("", &[("HI_NATS_URL", "b")], &[("nats.url", "c"), ("nats.exclude", "x, y")]).unwrap();
        assert_eq!((nats.url.as_str(), nats.exclude), ("c", vec!["x".to_owned(), "y".to_owned()]));
        let nats = load("", &[], &[("nats.credentials", "/c")]).unwrap();
        assert_eq!(nats.credentials.as_deref(), Some("/c"));
    }

    #[test]
    fn mistakes_are_named_with_the_way_out() {
        let message = |r: Result<Nats, ConfigError>| r.unwrap_err().to_string();
        assert_eq!(
            message(load("[nats]\nulr = 'a'", &[], &[])),
            "a.toml: unknown key `nats.ulr`, did you mean `nats.url`?"
        );
        assert_eq!(
            message(load("", &[("HI_NATS_SPOOL_BYTES", "1")], &[])),
            "HI_NATS_SPOOL_BYTES: unknown key `nats_spool_bytes`, did you mean `HI_NATS_SPOOL_MAX_BYTES`?"
        );
        assert_eq!(
            message(load("", &[], &[("nats.spool_max_bytes", "lots")])),
            "--set: `nats.spool_max_bytes` must be a integer, not \"lots\""
        );
        assert!(message(load("nats = 3", &[], &[])).contains("is a section"));
        assert!(message(load("[nats]\nurl = 3", &[], &[])).contains("expected a string"));
        assert!(message(load("[nats\nurl = 3", &[], &[])).starts_with("a.toml: "));
    }

    #[test]
    fn doc_comments_are_the_reference() {
        let keys = Nats::keys();
        assert_eq!(keys[1].key, "nats.spool_max_bytes");
        assert_eq!(keys[1].doc, "Most bytes kept on disk.");
        assert_eq!(keys[3].default, None);
        assert_eq!(format!("{:?}", Secret::from("hunter2")), "\"***\"");
    }
}
