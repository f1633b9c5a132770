//! How many samples a second go through JetStream into PostgreSQL, and where the time goes.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use sqlx::{Connection as _, PgConnection};

use crate::bench::Options;
use crate::bench::figure::{Report, human};
use crate::bench::load::{Feed, now_ms};
use crate::bench::proc::{Part, Usage};
use crate::bench::recording::Recording;
use crate::bench::stack::Stack;
use crate::sim::{Fleet, Shape};

const HOSTS: u32 = 1000;
const SERIES: u32 = 500;
/// Time between two batches of a simulated host, in milliseconds.
const INTERVAL_MS: i64 = 500;
/// Messages the collector may be behind before the generator waits: bounds what the broker has to keep in its cache.
const LAG_MESSAGES_MAX: u64 = 4000;

static RECORDING: OnceLock<Recording> = OnceLock::new();
static START_AT: OnceLock<i64> = OnceLock::new();

/// Recorded values, in the order of the recording; the hosts begin at different rows.
fn recorded(host: u32, series: u32, at: i64) -> f64 {
    let tick = (at - START_AT.get().copied().unwrap_or(0)) / INTERVAL_MS;
    let tick = tick.unsigned_abs() + u64::from(host) * 37;
    RECORDING.get().map_or(0.0, |recording| recording.value(series as usize, tick))
}

/// Runs the group.
///
/// # Errors
/// Something does not start, or samples are missing afterwards.
pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let length = Duration::from_secs(if options.quick { 15 } else { 60 });
    if RECORDING.get().is_none() {
        RECORDING.set(Recording::shipped()?).ok();
    }
    let start_at = *START_AT.get_or_init(now_ms);
    let fleet = Arc::new(Fleet::new(Shape {
        hosts: HOSTS,
        series: SERIES,
        sources: 9,
        start_at,
        interval_ms: INTERVAL_MS,
        epoch: start_at.unsigned_abs(),
        value: recorded,
        ..Shape::default()
    })?);
    let mut stack = Stack::start(&[]).await?;
    let mut feed = Feed::connect(&stack).await?;

    let begun = Instant::now();
    for host in 0..HOSTS {
        feed.send(&fleet.batch_with(host, 1, true)).await?;
    }
    feed.settle().await?;
    let all = feed.batches;
    let registered = |system: &serde_json::Value| system["ingest"]["batches_total"].as_u64() >= Some(all);
    stack.wait("all layouts", Duration::from_secs(300), registered).await?;
    report.add("ingest.register_seconds", begun.elapsed().as_secs_f64())?;

    let before = Moment::take(&stack, &feed).await?;
    let rounds = push(&stack, &fleet, &mut feed, length).await?;
    let all = feed.batches;
    let caught_up = |system: &serde_json::Value| system["ingest"]["batches_total"].as_u64() >= Some(all);
    stack.wait("all batches", Duration::from_secs(300), caught_up).await?;
    let after = Moment::take(&stack, &feed).await?;

    let seconds = after.at.duration_since(before.at).as_secs_f64();
    let samples = after.samples - before.samples;
    report.add("ingest.samples_per_second", samples / seconds)?;
    report.add("ingest.collector_rss_bytes", stack.collector_rss().1 as f64)?;
    explain(report, &before, &after, rounds);
    count(&mut stack, &feed, report).await
}

/// Publishes rounds of all hosts until the time is up; keeps close to the collector.
async fn push(stack: &Stack, fleet: &Fleet, feed: &mut Feed, length: Duration) -> Result<u64> {
    let begun = Instant::now();
    let mut seq = 2;
    while begun.elapsed() < length {
        for host in 0..HOSTS {
            feed.send(&fleet.batch_with(host, seq, false)).await?;
        }
        seq += 1;
        loop {
            let taken = stack.system_number("/ingest/batches_total").await? as u64;
            if feed.batches.saturating_sub(taken) <= LAG_MESSAGES_MAX {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    feed.settle().await?;
    Ok(seq - 2)
}

struct Moment {
    at: Instant,
    samples: f64,
    usage: crate::bench::proc::TreeUsage,
    generator: Usage,
    payload_bytes: u64,
    counters: Vec<(String, f64)>,
}

impl Moment {
    async fn take(stack: &Stack, feed: &Feed) -> Result<Self> {
        Ok(Self {
            at: Instant::now(),
            samples: stack.system_number("/ingest/samples_total").await?,
            usage: stack.usage(),
            generator: Usage::of(std::process::id()),
            payload_bytes: feed.payload_bytes,
            counters: stack.counters().await?,
        })
    }
}

/// Where the processor time went: by process, and inside the collector by what its own counters say.
fn explain(report: &mut Report, before: &Moment, after: &Moment, rounds: u64) {
    let seconds = after.at.duration_since(before.at).as_secs_f64();
    let samples = after.samples - before.samples;
    let of = |part: Part| after.usage.part(part).cpu_seconds - before.usage.part(part).cpu_seconds;
    // The stack's processes are children of this one, but they live: its own time does not hold theirs.
    let generator = after.generator.cpu_seconds - before.generator.cpu_seconds;
    let parts = [Part::Collector, Part::Postgres, Part::Nats].map(|part| (part.name(), of(part)));
    let line: Vec<String> = parts
        .into_iter()
        .chain([("generator", generator)])
        .map(|(name, cpu)| format!("{name} {cpu:.1} s ({:.0} ns/sample)", cpu / samples * 1e9))
        .collect();
    report.note(format!(
        "ingest: {HOSTS} hosts × {SERIES} series, {rounds} rounds, {} samples in {seconds:.1} s, {:.2} bytes/sample on the \
         wire; processor time: {}",
        human(samples, ""),
        (after.payload_bytes - before.payload_bytes) as f64 / samples,
        line.join(", ")
    ));
    let grown = after.counters.iter().filter_map(|(name, value)| {
        let was = before.counters.iter().find(|(other, _)| other == name).map_or(0.0, |(_, value)| *value);
        (name.contains("seconds_total") && value - was >= 0.01)
            .then(|| format!("{name} {:.1} s", value - was))
    });
    report.note(format!("ingest, inside the collector: {}", grown.collect::<Vec<_>>().join(", ")));
}

/// Stops the collector, which writes the rest, and counts what is in the database.
async fn count(stack: &mut Stack, feed: &Feed, report: &mut Report) -> Result<()> {
    let begun = Instant::now();
    stack.restart().await?;
    let seconds = begun.elapsed().as_secs_f64();
    let mut database =
        PgConnection::connect(stack.database_url()?).await.context("connect to the database")?;
    let found: i64 = sqlx::query_scalar("SELECT coalesce(sum(samples), 0)::bigint FROM flush")
        .fetch_one(&mut database)
        .await
        .context("count samples")?;
    let published = feed.samples;
    ensure!(found as u64 == published, "published {published} samples, the database holds {found}");
    report.note(format!(
        "ingest: all {published} samples are in the database; stop and start took {seconds:.1} s"
    ));
    Ok(())
}
