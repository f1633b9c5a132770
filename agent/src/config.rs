//! Configuration of the agent: sections, defaults, and how they are loaded. Nothing has to be configured.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hi_common::config::{ConfigError, KeyDoc, Layers, Secret, Section, merge, section};

use crate::host::HostRoot;
use crate::self_metrics;
use crate::source::{Source, SourceDef};
use crate::sources::SOURCES;

/// Prefix of environment variables: `nats.url` is `HI_AGENT_NATS_URL`.
pub const ENV_PREFIX: &str = "HI_AGENT_";
/// Variable that names the configuration file.
pub const ENV_CONFIG: &str = "HI_AGENT_CONFIG";
/// Configuration file read when none is named and it exists, below the root.
const DEFAULT_FILE: &str = "etc/homelab-intelligence/agent.toml";

hi_common::config_section! {
    /// The agent itself.
    pub struct Agent in "agent" {
        /// Name under which this host appears; default is the kernel's host name, made fit: lower case, `a-z0-9-`.
        pub host_name: Option<String> = None,
        /// Identity of this host, a UUID; default is derived from `/etc/machine-id`, or random and kept in `state_dir`.
        pub host_id: Option<String> = None,
        /// Folder for what must survive a restart: unsent data, last epoch. Default is `$STATE_DIRECTORY` (systemd), else
        /// `/var/lib/homelab-intelligence/agent` for root and `~/.local/state/homelab-intelligence/agent` for others.
        pub state_dir: Option<String> = None,
        /// How much is logged: `error`, `warn`, `info`, `debug` or `trace`.
        pub log_level: String = "info".to_owned(),
    }
}

hi_common::config_section! {
    /// Connection to the broker.
    pub struct Nats in "nats" {
        /// Address of the server; several of a cluster are separated by commas. `tls://` asks for TLS.
        pub url: String = "nats://127.0.0.1:4222".to_owned(),
        /// User name; goes with `password` or `password_file`.
        pub user: Option<String> = None,
        /// Password of `user`; a file is the better place, see `password_file`.
        pub password: Option<Secret> = None,
        /// File whose first line is the password of `user`.
        pub password_file: Option<String> = None,
        /// File whose first line is the token to sign in with.
        pub token_file: Option<String> = None,
        /// NATS credentials file (`.creds`: JWT and nkey seed).
        pub credentials_file: Option<String> = None,
        /// PEM file of the certificate authority that signed the server's certificate; default is the system's.
        pub tls_ca: Option<String> = None,
        /// PEM file of the client certificate; goes with `tls_key`.
        pub tls_cert: Option<String> = None,
        /// PEM file of the key of `tls_cert`.
        pub tls_key: Option<String> = None,
    }
}

hi_common::config_section! {
    /// What waits to be acknowledged by the broker.
    pub struct Outbox in "outbox" {
        /// Most bytes held in memory, in bytes. Beyond it goes to disk, or, where there is none, the oldest is dropped.
        pub memory_max_bytes: u64 = 4 << 20,
        /// Most bytes held on disk, in bytes; beyond it the oldest is dropped. 0 never writes to disk.
        pub spool_max_bytes: u64 = 256 << 20,
        /// How long the broker may fail to acknowledge before what waits is written to disk, in seconds.
        pub spill_after_secs: u64 = 5,
        /// Most bytes of acknowledged batches kept in memory, in bytes, for a broker that loses what it acknowledged.
        pub history_max_bytes: u64 = 1 << 20,
    }
}

hi_common::config_section! {
    /// Prometheus text on a local port, off by default.
    pub struct Exposition in "exposition" {
        /// Where `/metrics` is served: `127.0.0.1:9101`, or a port alone, which means loopback. Unset serves nothing.
        pub listen: Option<String> = None,
    }
}

/// What was asked for on the command line.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// `--config`.
    pub file: Option<PathBuf>,
    /// `--set key=value`.
    pub sets: Vec<(String, String)>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file that was named cannot be read.
    #[error("read configuration file {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Its content, a variable or a flag is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// The effective configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Section `agent`.
    pub agent: Agent,
    /// Section `nats`.
    pub nats: Nats,
    /// Section `outbox`.
    pub outbox: Outbox,
    /// Section `exposition`.
    pub exposition: Exposition,
    /// File that was read, if any.
    pub file: Option<PathBuf>,
    table: toml::Table,
}

/// When a source runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Schedule {
    /// Whether it runs at all.
    pub enabled: bool,
    /// How often.
    pub interval: Duration,
    /// After which time a run counts as stalled.
    pub timeout: Duration,
}

/// Every source there is, the agent's own readings last.
pub fn all_sources() -> impl Iterator<Item = &'static SourceDef> {
    SOURCES.iter().copied().chain([&self_metrics::AGENT])
}

/// Every key of the configuration, in the order of the reference page.
pub fn keys() -> Vec<KeyDoc> {
    let mut keys = Agent::keys();
    keys.extend(Nats::keys());
    keys.extend(Outbox::keys());
    keys.extend(Exposition::keys());
    for def in all_sources() {
        let key = |name: &str, doc: String, default: toml::Value| KeyDoc {
            key: format!("sources.{}.{name}", def.name),
            doc,
            default: Some(default),
        };
        keys.push(key("enabled", format!("Whether `{}` is read.", def.name), true.into()));
        keys.push(key("interval_secs", "How often it is read, in seconds.".to_owned(), secs(def.interval)));
        let doc = "How long one run may take before it counts as stalled, in seconds.".to_owned();
        keys.push(key("timeout_secs", doc, secs(def.timeout)));
        keys.extend((def.keys)());
    }
    keys
}

fn secs(duration: Duration) -> toml::Value {
    toml::Value::Integer(i64::try_from(duration.as_secs().max(1)).unwrap_or(i64::MAX))
}

impl Config {
    /// Reads file, environment and flags.
    ///
    /// # Errors
    /// A named file that cannot be read; unknown keys; values that do not fit.
    pub fn load(origin: &Origin, host: &HostRoot) -> Result<Self, LoadError> {
        let env: Vec<(String, String)> = std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let (file, text) = read_file(origin.file.as_deref(), host)?;
        let name = file.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let layers = Layers {
            file: file.is_some().then_some((name.as_str(), text.as_str())),
            env,
            env_prefix: ENV_PREFIX,
            env_other: &[ENV_CONFIG],
            sets: origin.sets.clone(),
        };
        let table = merge(&layers, &keys())?;
        Ok(Self { file, ..Self::from_table(table)? })
    }

    /// Makes the configuration of a merged table, checking everything that does not need the host.
    ///
    /// # Errors
    /// A value that does not fit.
    pub fn from_table(table: toml::Table) -> Result<Self, ConfigError> {
        let config = Self {
            agent: section(&table)?,
            nats: section(&table)?,
            outbox: section(&table)?,
            exposition: section(&table)?,
            file: None,
            table,
        };
        for def in all_sources() {
            config.schedule(def)?;
            config.make(def)?;
        }
        config.log_level()?;
        Ok(config)
    }

    /// Level of the log.
    ///
    /// # Errors
    /// A word that is no level.
    pub fn log_level(&self) -> Result<tracing::level_filters::LevelFilter, ConfigError> {
        self.agent.log_level.parse().map_err(|_| {
            value_error("agent.log_level", "must be error, warn, info, debug or trace".to_owned())
        })
    }

    /// When a source runs.
    ///
    /// # Errors
    /// A value of the wrong type or out of range.
    pub fn schedule(&self, def: &SourceDef) -> Result<Schedule, ConfigError> {
        let table = self.source_table(def.name);
        let get = |name: &str| table.and_then(|t| t.get(name));
        let enabled = match get("enabled") {
            None => true,
            Some(value) => value.as_bool().ok_or_else(|| {
                value_error(&format!("sources.{}.enabled", def.name), "must be true or false".to_owned())
            })?,
        };
        let duration = |name: &str, default: Duration| match get(name) {
            None => Ok(default),
            Some(value) => match value.as_integer() {
                Some(secs @ 1..=86_400) => Ok(Duration::from_secs(secs.unsigned_abs())),
                _ => Err(value_error(
                    &format!("sources.{}.{name}", def.name),
                    "must be a whole number of seconds from 1 to 86400".to_owned(),
                )),
            },
        };
        Ok(Schedule {
            enabled,
            interval: duration("interval_secs", def.interval)?,
            timeout: duration("timeout_secs", def.timeout)?,
        })
    }

    /// Makes a source with its own keys.
    ///
    /// # Errors
    /// What the source says of them.
    pub fn make(&self, def: &SourceDef) -> Result<Box<dyn Source>, ConfigError> {
        (def.make)(&self.own_keys(def.name))
    }

    /// The table as merged, for `check-config`.
    pub fn table(&self) -> &toml::Table {
        &self.table
    }

    fn source_table(&self, name: &str) -> Option<&toml::Table> {
        self.table.get("sources")?.as_table()?.get(name)?.as_table()
    }

    /// The merged table without the keys that every source has, which are no fields of a source's own section.
    fn own_keys(&self, name: &str) -> toml::Table {
        let mut table = self.table.clone();
        let own = table
            .get_mut("sources")
            .and_then(|sources| sources.get_mut(name))
            .and_then(toml::Value::as_table_mut);
        if let Some(own) = own {
            own.retain(|key, _| !matches!(key, "enabled" | "interval_secs" | "timeout_secs"));
        }
        table
    }
}

fn value_error(key: &str, problem: String) -> ConfigError {
    ConfigError::Value { origin: "configuration".to_owned(), key: key.to_owned(), problem }
}

fn read_file(named: Option<&Path>, host: &HostRoot) -> Result<(Option<PathBuf>, String), LoadError> {
    let path = named.map_or_else(|| host.root(DEFAULT_FILE), Path::to_owned);
    match fs::read_to_string(&path) {
        Ok(text) => Ok((Some(path), text)),
        Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => Ok((None, String::new())),
        Err(source) => Err(LoadError::File { path, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Result<Config, ConfigError> {
        let layers =
            Layers { file: Some(("a", text)), env: vec![], env_prefix: "", env_other: &[], sets: vec![] };
        Config::from_table(merge(&layers, &keys())?)
    }

    #[test]
    fn nothing_has_to_be_configured() {
        let config = config("").unwrap();
        let schedule = config.schedule(&self_metrics::AGENT).unwrap();
        assert!(schedule.enabled);
        assert_eq!(schedule.interval, Duration::from_secs(10));
    }

    #[test]
    fn a_source_is_scheduled_as_configured() {
        let text = "[sources.agent]\nenabled = false\ninterval_secs = 60\ntimeout_secs = 3";
        let schedule = config(text).unwrap().schedule(&self_metrics::AGENT).unwrap();
        assert!(!schedule.enabled);
        assert_eq!((schedule.interval.as_secs(), schedule.timeout.as_secs()), (60, 3));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (text, part) in [
            ("[sources.agent]\ninterval_secs = 0", "1 to 86400"),
            ("[sources.agent]\nenabled = 'no'", "true or false"),
            ("[agent]\nlog_level = 'loud'", "error, warn"),
            ("[sources.agent]\nintervall_secs = 3", "did you mean `sources.agent.interval_secs`"),
        ] {
            let message = config(text).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }
}
