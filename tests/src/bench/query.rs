//! How long `/api/samples` takes, over HTTP on loopback, until the body is read.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use hi_common::batch::{BATCH_VERSION, Batch, Family, Reading};
use hi_common::metric::Kind;
use hi_common::wire;
use serde_json::Value;

use crate::bench::Options;
use crate::bench::figure::Report;
use crate::bench::load::{Feed, flushed, now_ms, replay};
use crate::bench::proc::quantile;
use crate::bench::recording::{Recording, ReplayHost};
use crate::bench::stack::Stack;
use crate::bench::store::{DAY_MS, connect};
use crate::http::{self, with_query};

const HOSTS: u32 = 10;
/// Times a query is asked.
const RUNS: usize = 25;
/// Readings of one source that a batch may carry.
const READINGS_PER_BATCH: i64 = 250;
const LONG_DAYS: i64 = 90;
const LONG_METRIC: &str = "hi_bench_long_total";

/// Runs the group.
///
/// # Errors
/// Something does not start, or an answer lacks samples.
pub async fn run(_options: &Options, report: &mut Report) -> Result<()> {
    let recording = Recording::shipped()?;
    let interval = recording.interval_ms();
    let end = now_ms() / 60_000 * 60_000;
    let stack = Stack::start(&[("store.flush_interval_secs", "1")]).await?;
    let mut feed = Feed::connect(&stack).await?;
    load_long(&stack, &mut feed, end - LONG_DAYS * DAY_MS + 3_600_000..end, interval).await?;
    let hosts: Vec<_> = (0..HOSTS).map(|index| ReplayHost::new(index, end.unsigned_abs())).collect();
    replay(&stack, &mut feed, &recording, &hosts, end - DAY_MS..end, async |_| Ok(())).await?;
    merged(&stack).await?;

    let names = varied(&recording, 10)?;
    let selector = format!("{{__name__=~\"{}\",instance=~\"replay-.*\"}}", names.join("|"));
    let day = Query::new(&selector, end - DAY_MS, end, 60);
    let (answer, bytes, mut seconds) = day.measure(&stack).await?;
    let series = answer["series"].as_array().map_or(0, Vec::len);
    ensure!(series == 100, "{series} series instead of 100");
    let points = answer.pointer("/series/0/avg").and_then(Value::as_array).map_or(0, Vec::len);
    ensure!(points == 1440, "{points} points instead of 1440");
    report.add("query.100x24h_seconds", quantile(&mut seconds, 0.5))?;
    report.note(format!(
        "query: 100 series × 24 h at 60 s, {RUNS} runs, fastest {:.4} s, slowest {:.4} s, body {} bytes; among {} series",
        seconds[0],
        seconds[RUNS - 1],
        bytes,
        stack.system_number("/ingest/series").await?
    ));
    let long = Query::new(LONG_METRIC, end - LONG_DAYS * DAY_MS + 3_600_000, end, 3600);
    let (answer, bytes, mut seconds) = long.measure(&stack).await?;
    let points = answer.pointer("/series/0/avg").and_then(Value::as_array).context("no series")?;
    let present = points.iter().filter(|point| !point.is_null()).count();
    ensure!(present as i64 >= LONG_DAYS * 24 - 2, "only {present} of {} hours", points.len());
    report.add("query.1x90d_seconds", quantile(&mut seconds, 0.5))?;
    report.note(format!(
        "query: 1 series × 90 days at 1 h from \"{}\", fastest {:.4} s, slowest {:.4} s, body {bytes} bytes",
        answer["resolution"].as_str().unwrap_or_default(),
        seconds[0],
        seconds[RUNS - 1]
    ));
    Ok(())
}

struct Query {
    path: String,
}

impl Query {
    fn new(selector: &str, start_ms: i64, end_ms: i64, step_seconds: i64) -> Self {
        let text = |ms: i64| (ms / 1000).to_string();
        let parameters = [
            ("match", selector),
            ("start", &text(start_ms)),
            ("end", &text(end_ms)),
            ("step_seconds", &step_seconds.to_string()),
        ];
        Self { path: with_query("/api/samples", &parameters) }
    }

    /// The answer, its size, and the seconds of each run, sorted. The first run warms what a page would find warm.
    async fn measure(&self, stack: &Stack) -> Result<(Value, usize, Vec<f64>)> {
        let answer = http::get(stack.base(), &self.path).await?;
        ensure!(answer.status == 200, "GET {}: {}", self.path, answer.text());
        let mut seconds = Vec::with_capacity(RUNS);
        for _ in 0..RUNS {
            let begun = Instant::now();
            let again = http::get(stack.base(), &self.path).await?;
            seconds.push(begun.elapsed().as_secs_f64());
            ensure!(again.body.len() == answer.body.len(), "the answer changed");
        }
        seconds.sort_by(f64::total_cmp);
        Ok((answer.json()?, answer.body.len(), seconds))
    }
}

/// Metrics of the recording with one series each, whose values vary the most.
fn varied(recording: &Recording, count: usize) -> Result<Vec<String>> {
    let mut column = 0;
    let mut found = Vec::new();
    for family in recording.families() {
        if family.rows.len() == 1 {
            let values = (0..recording.rows() as u64).map(|tick| recording.value(column, tick));
            let distinct: std::collections::BTreeSet<u64> = values.map(f64::to_bits).collect();
            found.push((distinct.len(), family.name.clone()));
        }
        column += family.rows.len();
    }
    found.sort();
    ensure!(found.len() >= count, "the recording has too few metrics with one series");
    Ok(found.into_iter().rev().take(count).map(|(_, name)| name).collect())
}

/// One series over a long time.
async fn load_long(stack: &Stack, feed: &mut Feed, range: std::ops::Range<i64>, interval: i64) -> Result<()> {
    let families = vec![Family {
        name: LONG_METRIC.to_owned(),
        kind: Kind::Counter,
        keys: Vec::new(),
        rows: vec![Vec::new()],
    }];
    let layout = wire::layout_hash(&families)?;
    let host = ReplayHost::new(999, range.end.unsigned_abs());
    let ticks = (range.end - range.start) / interval;
    for (seq, first) in (0..ticks).step_by(READINGS_PER_BATCH as usize).enumerate() {
        let reading = |tick: i64| Reading {
            source: "long".to_owned(),
            at: range.start + tick * interval,
            layout,
            series: (tick == first).then(|| families.clone()),
            values: vec![(tick * 37 + tick % 11) as f64],
        };
        let batch = Batch {
            v: BATCH_VERSION,
            host: host.name.clone(),
            host_id: host.id,
            epoch: host.epoch,
            seq: seq as u64 + 1,
            lost: Vec::new(),
            readings: (first..(first + READINGS_PER_BATCH).min(ticks)).map(reading).collect(),
        };
        feed.send(&batch).await?;
    }
    feed.settle().await?;
    flushed(stack, feed.batches).await
}

/// Waits until what lies before yesterday is merged and every hour has its summary.
async fn merged(stack: &Stack) -> Result<()> {
    let mut database = connect(stack).await?;
    let begun = Instant::now();
    let sql = "SELECT (SELECT count(*) FROM flush WHERE day < (now() AT TIME ZONE 'UTC')::date - 1) + (SELECT count(*) FROM dirty_hour \
               WHERE hour < now() - interval '3 hours')";
    loop {
        let open: i64 =
            sqlx::query_scalar(sql).fetch_one(&mut database).await.context("look for blocks to merge")?;
        if open == 0 {
            return Ok(());
        }
        ensure!(begun.elapsed() < Duration::from_secs(600), "{open} flushes or hours are not merged");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
