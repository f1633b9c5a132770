//! What collector, broker and database take together with ten hosts, after an hour's worth of data. The group `stack`.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::bench::Options;
use crate::bench::figure::Report;
use crate::bench::load::{Feed, now_ms};
use crate::bench::proc::{Part, slope_per_hour};
use crate::bench::stack::Stack;
use crate::http::{self, with_query};
use crate::sim::{Fleet, Shape};

const HOSTS: u32 = 10;
const SERIES: u32 = 500;
const INTERVAL_MS: i64 = 10_000;
const HOUR_TICKS: u64 = 360;
/// Shorter than usual, so that the measured time has flushes in it.
const FLUSH_INTERVAL_SECS: &str = "60";

/// Runs the group: an hour as fast as it is taken, then in real time with someone looking at a page.
///
/// # Errors
/// Something does not start or answer.
pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let length = Duration::from_secs(if options.quick { 40 } else { options.minutes.unwrap_or(10) * 60 });
    let stack = Stack::start(&[("store.flush_interval_secs", FLUSH_INTERVAL_SECS)]).await?;
    let fleet = Fleet::new(
        Shape { hosts: HOSTS, series: SERIES, sources: 9, interval_ms: INTERVAL_MS, ..Shape::default() }
            .ending_at(now_ms() / INTERVAL_MS * INTERVAL_MS, HOUR_TICKS),
    )?;
    let mut feed = Feed::connect(&stack).await?;
    for seq in 1..=HOUR_TICKS {
        for host in 0..HOSTS {
            feed.send(&fleet.batch(host, seq)).await?;
        }
    }
    feed.settle().await?;
    let all = feed.batches;
    let caught_up = |system: &serde_json::Value| system["ingest"]["batches_total"].as_u64() >= Some(all);
    stack.wait("an hour of data", Duration::from_secs(120), caught_up).await?;

    let (before, begun, samples_before) = (stack.usage(), Instant::now(), feed.samples);
    let mut points = Vec::new();
    let mut seq = HOUR_TICKS;
    let mut tick = tokio::time::interval(Duration::from_millis(INTERVAL_MS.unsigned_abs()));
    while begun.elapsed() < length {
        tick.tick().await;
        seq += 1;
        for host in 0..HOSTS {
            feed.send(&fleet.batch(host, seq)).await?;
        }
        feed.settle().await?;
        look(&stack, fleet.name((seq % u64::from(HOSTS)) as u32).as_str()).await?;
        points.push((begun.elapsed().as_secs_f64(), stack.usage().total().pss_bytes as f64));
    }
    let (after, seconds) = (stack.usage(), begun.elapsed().as_secs_f64());
    report.add("stack.pss_bytes", points.iter().map(|point| point.1).fold(0.0, f64::max))?;
    report.add("stack.pss_slope", slope_per_hour(&points[points.len() / 2..]))?;
    for (part, name) in [
        (Part::Collector, "stack.collector_pss_bytes"),
        (Part::Nats, "stack.nats_pss_bytes"),
        (Part::Postgres, "stack.postgres_pss_bytes"),
    ] {
        report.add(name, after.part(part).pss_bytes as f64)?;
    }
    report.add("stack.cpu_ratio", (after.total().cpu_seconds - before.total().cpu_seconds) / seconds)?;
    let written = after.part(Part::Nats).written_bytes - before.part(Part::Nats).written_bytes;
    report.add(
        "stack.nats_bytes_written_per_sample",
        written as f64 / (feed.samples - samples_before) as f64,
    )?;
    let eighth = points.len().div_ceil(8).max(1);
    let levels: Vec<String> =
        points.chunks(eighth).map(|part| format!("{:.0}", mean(part) / f64::from(1 << 20))).collect();
    report.note(format!("stack: mean pss of each eighth of that time, in MiB: {}", levels.join(" ")));
    report.note(format!(
        "stack: {HOSTS} hosts × {SERIES} series (simulated values), {seconds:.0} s in real time after an hour's data, a flush every \
         {FLUSH_INTERVAL_SECS} s, a page of queries every 10 s; pss is the highest of {} looks",
        points.len()
    ));
    Ok(())
}

fn mean(points: &[(f64, f64)]) -> f64 {
    points.iter().map(|point| point.1).sum::<f64>() / points.len() as f64
}

/// What a page asks for.
async fn look(stack: &Stack, host: &str) -> Result<()> {
    let selector = format!("hi_sim_0_total{{instance=\"{host}\"}}");
    let samples =
        with_query("/api/samples", &[("match", &selector), ("step_seconds", "60"), ("mode", "rate")]);
    for path in ["/api/hosts", "/api/attention", &format!("/api/hosts/{host}"), &samples] {
        http::get_json(stack.base(), path).await?;
    }
    Ok(())
}
