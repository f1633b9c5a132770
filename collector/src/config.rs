//! Configuration of the collector.

use hi_common::config::{ConfigError, KeyDoc, Layers, Section, merge, section};
use hi_common::config_section;

config_section! {
    /// Connection to the broker.
    pub struct NatsConfig in "nats" {
        /// Address of the NATS server: `nats://host:port`, or `tls://host:port`.
        pub url: String = "nats://127.0.0.1:4222".to_owned(),
        /// File with NATS credentials (`.creds`).
        pub credentials_file: Option<String> = None,
        /// User name, where the server asks for one. Its password comes from `nats.password_file`.
        pub user: Option<String> = None,
        /// File that holds the password of `nats.user`.
        pub password_file: Option<String> = None,
        /// File with the certificate authority (PEM) that signed the server's certificate.
        pub ca_file: Option<String> = None,
        /// Most bytes the stream of batches may take on the broker's disk; used when the collector creates the stream.
        pub stream_max_bytes: u64 = 4 << 30,
    }
}

config_section! {
    /// Connection to the database.
    pub struct DatabaseConfig in "database" {
        /// Address of the PostgreSQL server: `postgres://user@host:port/name`.
        pub url: String = "postgres://127.0.0.1:5432/homelab".to_owned(),
        /// File that holds the password, when the URL has none.
        pub password_file: Option<String> = None,
        /// Most connections held open.
        pub connections_max: u32 = 8,
    }
}

config_section! {
    /// What is kept, how long, and when it is written.
    pub struct StoreConfig in "store" {
        /// How often samples are written to the database, in seconds. They are readable at once all the same.
        pub flush_interval_secs: u64 = 1200,
        /// Most memory that samples not yet written may take, in bytes. When it is reached they are written sooner, and when
        /// the database does not take them, the broker keeps what follows.
        pub head_max_bytes: u64 = 256 << 20,
        /// How long raw samples are kept, in days.
        pub raw_retention_days: u32 = 90,
        /// How long hourly summaries are kept, in days.
        pub hour_retention_days: u32 = 1826,
        /// How long events are kept, in days.
        pub event_retention_days: u32 = 365,
        /// How long dead letters are kept, in days.
        pub dead_letter_retention_days: u32 = 30,
        /// How long after the end of a day (UTC) its blocks are merged, in seconds. Later data is merged again.
        pub merge_delay_secs: u64 = 7200,
    }
}

config_section! {
    /// What energy costs.
    pub struct EnergyConfig in "energy" {
        /// Price of a kilowatt-hour, in `energy.currency`; 0 shows no costs.
        pub price_per_kwh: f64 = 0.0,
        /// Currency of the price, as it is to be shown: `EUR`, `US$`.
        pub currency: String = "EUR".to_owned(),
    }
}

/// Everything the store and ingest need to know.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CoreConfig {
    /// Broker.
    pub nats: NatsConfig,
    /// Database.
    pub database: DatabaseConfig,
    /// Store.
    pub store: StoreConfig,
}

impl CoreConfig {
    /// The keys of its sections.
    pub fn keys() -> Vec<KeyDoc> {
        [NatsConfig::keys(), DatabaseConfig::keys(), StoreConfig::keys()].concat()
    }

    /// Reads it out of a merged table (see [`hi_common::config::merge`]).
    ///
    /// # Errors
    /// A value of the wrong type.
    pub fn from_table(table: &toml::Table) -> Result<Self, ConfigError> {
        Ok(Self { nats: section(table)?, database: section(table)?, store: section(table)? })
    }

    /// Merges layers of which only these sections are known; for tools and tests.
    ///
    /// # Errors
    /// As [`merge`].
    pub fn load(layers: &Layers<'_>) -> Result<Self, ConfigError> {
        Self::from_table(&merge(layers, &Self::keys())?)
    }
}
