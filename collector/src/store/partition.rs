//! Partitions of the sample tables. With TimescaleDB the extension makes them itself; dropping goes through it too.
//!
//! Runtime statements on purpose: DDL takes no parameters, and names of partitions are made of the date.

use sqlx::{AssertSqlSafe, PgConnection, raw_sql};

use super::time::date;
use super::{Flavour, Store, StoreError};

/// A partitioned table and the width of its partitions.
#[derive(Clone, Copy)]
pub(super) struct Partitioned {
    table: &'static str,
    /// Days in one partition; partitions begin at multiples of it, counted from 1970-01-01.
    days: i32,
    /// Storage parameters of a partition.
    storage: &'static str,
}

pub(super) const BLOCKS: Partitioned =
    Partitioned { table: "sample_block", days: 1, storage: " WITH (toast_tuple_target = 8160)" };
pub(super) const DAYS: Partitioned = Partitioned { table: "sample_day", days: 7, storage: "" };
pub(super) const HOURS: Partitioned = Partitioned { table: "sample_hour", days: 91, storage: "" };

impl Partitioned {
    fn first_day(self, day: i32) -> i32 {
        day.div_euclid(self.days) * self.days
    }

    fn name(self, first_day: i32) -> String {
        let date = date(first_day);
        format!("{}_p{:04}{:02}{:02}", self.table, date.year(), u8::from(date.month()), date.day())
    }

    fn create(self, day: i32) -> (String, String) {
        let first = self.first_day(day);
        let name = self.name(first);
        // 'YYYY-MM-DD' compared with timestamptz is midnight in the session's time zone, which is UTC.
        let statement = format!(
            "CREATE TABLE IF NOT EXISTS {name} PARTITION OF {} FOR VALUES FROM ('{}') TO ('{}'){}",
            self.table,
            date(first),
            date(first + self.days),
            self.storage
        );
        (name, statement)
    }
}

impl Store {
    /// Makes what is missing of the partitions for these days; how many.
    pub(crate) async fn ensure_partitions(&self, days: &[i32]) -> Result<usize, StoreError> {
        if self.flavour() != Flavour::Plain || days.is_empty() {
            return Ok(0);
        }
        let wanted: Vec<_> =
            days.iter().flat_map(|day| [BLOCKS, DAYS, HOURS].map(|table| table.create(*day))).collect();
        let names: Vec<String> = wanted.iter().map(|(name, _)| name.clone()).collect();
        let there = sqlx::query_scalar!(
            "SELECT relname::text AS \"name!\" FROM pg_class WHERE relname = ANY($1)",
            &names
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::database("list partitions"))?;
        let mut made = 0;
        for (name, statement) in wanted {
            if !there.contains(&name) {
                raw_sql(AssertSqlSafe(statement))
                    .execute(&self.pool)
                    .await
                    .map_err(StoreError::database("create a partition"))?;
                made += 1;
            }
        }
        Ok(made)
    }

    /// Drops the partitions of a table that end at or before `end_day`; says how many.
    pub(super) async fn drop_partitions(
        &self,
        table: Partitioned,
        end_day: i32,
    ) -> Result<usize, StoreError> {
        if self.flavour() != Flavour::Plain {
            let statement =
                format!("SELECT drop_chunks('{}', older_than => DATE '{}')", table.table, date(end_day));
            let done = sqlx::query(AssertSqlSafe(statement)).fetch_all(&self.pool).await;
            return done.map(|rows| rows.len()).map_err(StoreError::database("drop chunks"));
        }
        let names = sqlx::query_scalar!(
            "SELECT relname::text AS \"name!\" FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
             WHERE inhparent = (SELECT p.oid FROM pg_class p WHERE p.relname = $1 AND p.relkind = 'p')",
            table.table
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::database("list partitions"))?;
        // Names end with their first day, so that the order of names is that of days.
        let limit = table.name(end_day - table.days);
        let old: Vec<_> = names.into_iter().filter(|name| *name <= limit).collect();
        for name in &old {
            raw_sql(AssertSqlSafe(format!("DROP TABLE IF EXISTS {name}")))
                .execute(&self.pool)
                .await
                .map_err(StoreError::database("drop a partition"))?;
        }
        Ok(old.len())
    }
}

/// Drops the blocks of one day, as part of a transaction.
pub(super) async fn drop_day(
    connection: &mut PgConnection,
    flavour: &Flavour,
    day: i32,
) -> Result<(), StoreError> {
    let statement = match flavour {
        Flavour::Plain => format!("DROP TABLE IF EXISTS {}", BLOCKS.name(day)),
        Flavour::Timescale(_) => format!(
            "SELECT drop_chunks('sample_block', older_than => DATE '{}', newer_than => DATE '{}')",
            date(day + 1),
            date(day)
        ),
    };
    raw_sql(AssertSqlSafe(statement))
        .execute(connection)
        .await
        .map_err(StoreError::database("drop the blocks of a merged day"))?;
    Ok(())
}
