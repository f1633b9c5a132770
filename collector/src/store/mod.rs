//! The database: everything that knows SQL.
//!
//! Samples lie in three tables. `sample_block` takes what a flush writes, one row per bundle of series, day by day; housekeeping
//! merges a closed day into `sample_day` and drops that day's blocks, in one transaction; `sample_hour` holds summaries.
//! Readers ask for blocks first and merged days second: what is merged in between shows twice, never not at all, and
//! [`Store::samples`] lets one sample per time win.

mod copy;
mod error;
mod events;
mod facts;
mod facts_standing;
mod flush;
mod hosts;
mod hours;
mod journal;
mod keep;
mod layouts;
mod merge;
mod partition;
mod register;
mod rows;
mod samples;
mod schema;
mod series;
mod series_find;
mod time;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

pub(crate) use copy::CopyRows;
pub use error::StoreError;
pub use facts_standing::{PastFact, StandingFact};
pub(crate) use flush::{FlushGroup, FlushMeta, HostSeen, Written};
pub(crate) use hosts::NewHost;
pub(crate) use journal::{CursorRow, DeadLetter, GapChange, Journal, Position, event_id};
pub(crate) use keep::Leader;
pub(crate) use register::{NewLayout, Resolved};
pub use rows::{
    DatabaseInfo, DeadLetterRow, EventFilter, EventRow, FactRow, GapRow, HostRow, HourRow, HousekeepingRow,
    MetricRow, SeriesPage, SeriesRow, SourceRow,
};
pub(crate) use time::{DAY_MS, HOUR_MS, day_of, now_ms};

use crate::config::DatabaseConfig;

/// Which kind of server it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// PostgreSQL with native partitions.
    Plain,
    /// With the TimescaleDB extension of this version.
    Timescale(String),
}

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pool: PgPool,
    flavour: Arc<OnceLock<Flavour>>,
    texts: Arc<series::Texts>,
}

impl Store {
    /// A store that connects when it is first used.
    ///
    /// # Errors
    /// The URL is none, or the password file cannot be read.
    pub fn connect_lazy(config: &DatabaseConfig) -> Result<Self, StoreError> {
        let mut options: PgConnectOptions =
            config.url.parse().map_err(StoreError::database("read database.url"))?;
        if let Some(path) = &config.password_file {
            let password = std::fs::read_to_string(path)
                .map_err(|source| StoreError::File { path: path.clone(), source })?;
            options = options.password(password.trim_end());
        }
        // What is acknowledged must be there after a crash of the server, whatever its configuration says.
        // And plans are made for the table as it is: one that was made while a partition was empty reads all of it later.
        let settings =
            [("TimeZone", "UTC"), ("synchronous_commit", "on"), ("plan_cache_mode", "force_custom_plan")];
        let options = options.application_name("hi-collector").options(settings);
        let pool = PgPoolOptions::new()
            .max_connections(config.connections_max.max(3))
            .acquire_timeout(Duration::from_secs(5))
            .idle_timeout(Duration::from_secs(120))
            .connect_lazy_with(options);
        Ok(Self { pool, flavour: Arc::default(), texts: Arc::default() })
    }

    /// Kind of server; known after [`Store::migrate`].
    pub fn flavour(&self) -> Flavour {
        self.flavour.get().cloned().unwrap_or(Flavour::Plain)
    }
}
