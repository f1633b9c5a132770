//! Bytes written and kept per sample: a whole UTC day of ten hosts replayed from the recording, flush by flush, then
//! merged by housekeeping.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use sqlx::{Connection as _, PgConnection};

use crate::bench::Options;
use crate::bench::figure::{Report, human};
use crate::bench::load::{Feed, now_ms, replay};
use crate::bench::proc::{Part, TreeUsage, Usage};
use crate::bench::recording::{Recording, ReplayHost};
use crate::bench::stack::Stack;

/// Milliseconds of a UTC day.
pub const DAY_MS: i64 = 86_400_000;
const HOSTS: u32 = 10;
/// As often as the embedded database makes a checkpoint (`checkpoint_timeout`), in milliseconds of the data's time.
const CHECKPOINT_MS: i64 = 30 * 60 * 1000;
/// Housekeeping merges no day while it is set to this.
const MERGE_NEVER_SECS: &str = "8640000";
/// Most that housekeeping may take.
const MERGE_TIMEOUT: Duration = Duration::from_secs(600);

/// Runs the group.
///
/// # Errors
/// Something does not start, is not merged, or the database does not hold what was published.
pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let recording = Recording::shipped()?;
    let today = now_ms() / DAY_MS * DAY_MS;
    let length = if options.quick { DAY_MS / 6 } else { DAY_MS };
    let hosts: Vec<_> = (0..HOSTS).map(|index| ReplayHost::new(index, today.unsigned_abs())).collect();
    let loading = [("store.flush_interval_secs", "1"), ("store.merge_delay_secs", MERGE_NEVER_SECS)];
    let mut stack = Stack::start(&loading).await?;
    let mut feed = Feed::connect(&stack).await?;
    let mut database = connect(&stack).await?;

    let (before, own_before) = (stack.usage(), own_written());
    let begun = Instant::now();
    let mut checkpoint = (today - DAY_MS) / CHECKPOINT_MS;
    replay(&stack, &mut feed, &recording, &hosts, today - DAY_MS..today - DAY_MS + length, async |at| {
        if at / CHECKPOINT_MS > checkpoint {
            checkpoint = at / CHECKPOINT_MS;
            sqlx::query("CHECKPOINT").execute(&mut database).await.context("checkpoint")?;
        }
        Ok(())
    })
    .await?;
    let flushes = stack.system_number("/flush/count").await?;
    let loaded = stack.usage();
    report.note(format!(
        "store: {} samples of {HOSTS} hosts × {} recorded series, {:.1} h at {} s, {} samples per series and flush, in {:.0} s",
        human(feed.samples as f64, ""),
        recording.series(),
        length as f64 / 3_600_000.0,
        recording.interval_ms() / 1000,
        feed.samples / (recording.series() as u64 * u64::from(HOSTS)) / (flushes as u64).max(1),
        begun.elapsed().as_secs_f64()
    ));
    merge(&mut stack, report, options).await?;
    let mut database = connect(&stack).await?;
    let samples = feed.samples as f64;
    // A process that ended leaves its bytes to the one that waited for it: here to this program.
    let own = own_written() - own_before;
    let written = stack.usage().total().written_bytes + own - before.total().written_bytes;
    let part = |usage: &TreeUsage, part| usage.part(part).written_bytes - before.part(part).written_bytes;
    let nats = part(&loaded, Part::Nats) as f64 / samples;
    report.add("store.bytes_written_per_sample", written as f64 / samples)?;
    report.add("store.nats_bytes_written_per_sample", nats)?;
    report.add("store.postgres_bytes_written_per_sample", written as f64 / samples - nats)?;
    report.note(format!(
        "store: written before the merge: nats {nats:.2} (payload {:.2}), postgres {:.2}, collector {:.2} bytes/sample; merge, \
         stop and start: {:.2}",
        feed.payload_bytes as f64 / samples,
        part(&loaded, Part::Postgres) as f64 / samples,
        part(&loaded, Part::Collector) as f64 / samples,
        (written as f64 - (loaded.total().written_bytes - before.total().written_bytes) as f64) / samples
    ));
    kept(&mut database, report, samples).await
}

/// Starts the collector with its usual merge delay, or none for a part of a day, and waits until nothing is unmerged.
async fn merge(stack: &mut Stack, report: &mut Report, options: &Options) -> Result<()> {
    stack.set("store.merge_delay_secs", "0");
    stack.restart().await?;
    let begun = Instant::now();
    let mut database = connect(stack).await?;
    let sql = "SELECT (SELECT count(*) FROM flush WHERE day < (now() AT TIME ZONE 'UTC')::date) + (SELECT count(*) FROM dirty_hour)";
    loop {
        let open: i64 =
            sqlx::query_scalar(sql).fetch_one(&mut database).await.context("look for blocks to merge")?;
        if open == 0 {
            break;
        }
        ensure!(
            begun.elapsed() < MERGE_TIMEOUT,
            "{open} flushes or hours are not merged: {}",
            stack.system().await?["housekeeping"]
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let day = if options.quick { "four hours" } else { "the day" };
    report.note(format!("store: {day} merged {:.1} s after the start", begun.elapsed().as_secs_f64()));
    sqlx::query("CHECKPOINT").execute(&mut database).await.context("checkpoint")?;
    Ok(())
}

/// Sizes of all tables with their indexes.
async fn kept(database: &mut PgConnection, report: &mut Report, samples: f64) -> Result<()> {
    // A partition counts for the table it belongs to.
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT coalesce(parent.relname, c.relname)::text, sum(pg_table_size(c.oid))::bigint, sum(pg_indexes_size(c.oid))::bigint \
         FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class parent ON parent.oid = i.inhparent \
         WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY 1 ORDER BY 2 DESC",
    )
    .fetch_all(&mut *database)
    .await
    .context("sizes of tables")?;
    let total: i64 = rows.iter().map(|(_, table, indexes)| table + indexes).sum();
    report.add("store.bytes_kept_per_sample", total as f64 / samples)?;
    let large = rows.iter().filter(|(_, table, indexes)| (table + indexes) as f64 / samples >= 0.002);
    let parts: Vec<_> = large
        .map(|(name, table, indexes)| {
            format!("{name} {:.3} + index {:.3}", *table as f64 / samples, *indexes as f64 / samples)
        })
        .collect();
    report.note(format!(
        "store: kept, bytes/sample (all tables of the database, {} of them named): {}; the broker's copy, kept 7 days, is not \
         counted",
        parts.len(),
        parts.join(", ")
    ));
    Ok(())
}

/// Connects to the stack's database.
///
/// # Errors
/// It does not answer.
pub async fn connect(stack: &Stack) -> Result<PgConnection> {
    PgConnection::connect(stack.database_url()?).await.context("connect to the database")
}

fn own_written() -> u64 {
    Usage::of(std::process::id()).written_bytes
}
