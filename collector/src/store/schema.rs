//! Bringing the schema up to date, and what the server is.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{PgConnection, query, query_scalar};

use super::time::{day_of, now_ms};
use super::{DatabaseInfo, Flavour, Store, StoreError};

/// PostgreSQL 15, as `server_version_num` counts.
const OLDEST: i32 = 150_000;

impl Store {
    /// Brings the schema up to date; waits for another collector that does so now.
    ///
    /// # Errors
    /// The database cannot be reached, is older than PostgreSQL 15, or a migration fails.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let mut connection =
            self.pool.acquire().await.map_err(StoreError::database("connect to the database"))?;
        let version = query_scalar!("SELECT current_setting('server_version_num')::int4 AS \"v!\"")
            .fetch_one(&mut *connection)
            .await
            .map_err(StoreError::database("ask for the server's version"))?;
        if version < OLDEST {
            return Err(StoreError::Unsuitable(format!(
                "the database server is PostgreSQL {}, which is older than 15",
                version / 10_000
            )));
        }
        install_timescale(&mut connection).await;
        let mut migrations: Migrator = sqlx::migrate!("../migrations");
        // A newer collector may have been here: its schema still serves this one (migrations/README.md).
        migrations.set_ignore_missing(true);
        migrations.run(&mut *connection).await.map_err(not_migrated)?;
        let flavour = detect(&mut connection).await?;
        tracing::info!(?flavour, "database ready");
        let _ = self.flavour.set(flavour);
        drop(connection);
        let today = day_of(now_ms());
        self.ensure_partitions(&[today, today + 1]).await?;
        Ok(())
    }

    /// Version, size, extension. Also serves as "is it there": an error says it is not.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn database_info(&self) -> Result<DatabaseInfo, StoreError> {
        let row = query!(
            "SELECT current_setting('server_version') AS \"version!\", pg_database_size(current_database()) AS \"size!\""
        )
        .fetch_one(&self.pool)
        .await
        .map_err(StoreError::database("ask for version and size of the database"))?;
        let timescaledb = match self.flavour() {
            Flavour::Plain => None,
            Flavour::Timescale(version) => Some(version),
        };
        let version = row.version.split(' ').next().unwrap_or_default().to_owned();
        Ok(DatabaseInfo { version, timescaledb, size_bytes: row.size })
    }
}

fn not_migrated(error: MigrateError) -> StoreError {
    match error {
        MigrateError::VersionMismatch(version) => StoreError::Unsuitable(format!(
            "the database was made by an unreleased version of this collector, with another migration {version}, which this one \
             cannot read: run that version again, or begin with an empty database (another data folder)"
        )),
        error => StoreError::Database {
            operation: "bring the schema up to date",
            source: sqlx::Error::from(error),
        },
    }
}

/// Installs the extension where the server has it loaded and lets us; otherwise native partitions serve.
async fn install_timescale(connection: &mut PgConnection) {
    let loaded = query_scalar!(
        "SELECT current_setting('shared_preload_libraries') LIKE '%timescaledb%'
            AND NOT EXISTS (SELECT FROM pg_class WHERE relname = 'sample_block') AS \"loaded!\""
    )
    .fetch_one(&mut *connection)
    .await
    .unwrap_or(false);
    if loaded
        && let Err(error) =
            query("CREATE EXTENSION IF NOT EXISTS timescaledb").execute(&mut *connection).await
    {
        tracing::info!(%error, "TimescaleDB cannot be used, native partitions it is");
    }
}

async fn detect(connection: &mut PgConnection) -> Result<Flavour, StoreError> {
    let row = query!(
        "SELECT (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS timescale,
                EXISTS (SELECT FROM pg_partitioned_table WHERE partrelid = 'sample_block'::regclass) AS \"native!\""
    )
    .fetch_one(connection)
    .await
    .map_err(StoreError::database("ask for the kind of server"))?;
    // The extension may have been installed after the tables were made; then they stay what they are.
    Ok(match row.timescale {
        Some(version) if !row.native => Flavour::Timescale(version),
        _ => Flavour::Plain,
    })
}
