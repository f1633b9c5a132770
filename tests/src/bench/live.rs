//! From the time a sample was taken to its event on `/api/live`.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::bench::Options;
use crate::bench::agent::start_agent;
use crate::bench::figure::Report;
use crate::bench::load::{Feed, now_ms};
use crate::bench::proc::quantile;
use crate::bench::stack::Stack;
use crate::http::{EventStream, with_query};
use crate::sim::{Fleet, Shape};

const HOSTS: u32 = 10;
const SERIES: u32 = 500;
/// Events measured.
const EVENTS: usize = 1200;
/// Time between two batches, of whichever host.
const PAUSE: Duration = Duration::from_millis(10);

/// Runs the group.
///
/// # Errors
/// Something does not start, or an event does not come.
pub async fn run(options: &Options, report: &mut Report) -> Result<()> {
    let stack = Stack::start(&[]).await?;
    simulated(&stack, report).await?;
    real(&stack, report, Duration::from_secs(if options.quick { 10 } else { 60 })).await
}

async fn simulated(stack: &Stack, report: &mut Report) -> Result<()> {
    // One batch per number and millisecond: the time of a batch is that at which it is made.
    let start_at = now_ms();
    let fleet = Fleet::new(Shape {
        hosts: HOSTS,
        series: SERIES,
        start_at,
        interval_ms: 1,
        epoch: start_at.unsigned_abs(),
        ..Shape::default()
    })?;
    let mut feed = Feed::connect(stack).await?;
    for host in 0..HOSTS {
        feed.send(&fleet.batch_with(host, 1, true)).await?;
    }
    feed.settle().await?;
    let known = |system: &Value| system["ingest"]["batches_total"].as_u64() >= Some(u64::from(HOSTS));
    stack.wait("all layouts", Duration::from_secs(60), known).await?;

    let path = with_query("/api/live", &[("match", "{__name__=~\"hi_sim_.*\",number=\"4\"}")]);
    let mut stream = EventStream::open(stack.base(), &path).await?;
    let publish = async {
        let mut next = tokio::time::interval(PAUSE);
        for index in 0..EVENTS as u64 {
            next.tick().await;
            let (host, seq) = ((index % u64::from(HOSTS)) as u32, 2 + index / u64::from(HOSTS));
            let mut batch = fleet.batch_with(host, seq, false);
            let now = now_ms();
            batch.readings.iter_mut().for_each(|reading| reading.at = now);
            feed.send(&batch).await?;
        }
        feed.settle().await
    };
    let mut waits = Vec::with_capacity(EVENTS);
    let receive = async {
        while waits.len() < EVENTS {
            if let Some(wait) = next_wait(&mut stream).await? {
                waits.push(wait);
            }
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(Duration::from_secs(120), async { tokio::try_join!(publish, receive) }).await??;
    report.add("live.p99_seconds", quantile(&mut waits, 0.99))?;
    report.note(format!(
        "live: {EVENTS} batches of {SERIES} series from {HOSTS} hosts, median {:.4} s, longest {:.4} s",
        quantile(&mut waits, 0.5),
        quantile(&mut waits, 1.0)
    ));
    Ok(())
}

/// Seconds since the samples of the next event were taken; `None` for other events.
async fn next_wait(stream: &mut EventStream) -> Result<Option<f64>> {
    let event = stream.next().await?;
    ensure!(event.event != "lagged", "the stream lost events: {}", event.data);
    if event.event != "samples" {
        return Ok(None);
    }
    let data: Value = serde_json::from_str(&event.data)?;
    Ok(data["at_unix_ms"].as_i64().map(|at| (now_ms() - at) as f64 / 1000.0))
}

/// A real agent that reads every second: its readings are stamped with the tick, so that reading, linger and publishing
/// are part of the wait.
async fn real(stack: &Stack, report: &mut Report, length: Duration) -> Result<()> {
    let state = crate::bench::stack::folder()?;
    let mut sets = stack.agent_sets()?;
    for source in ["cpu", "memory", "load", "disk", "network"] {
        sets.push((format!("sources.{source}.interval_secs"), "1".to_owned()));
    }
    sets.push(("agent.host_name".to_owned(), "bench-live".to_owned()));
    let mut agent = start_agent(state.path(), &sets)?;
    let mut stream = EventStream::open(stack.base(), "/api/live?host=bench-live").await?;
    let mut waits = Vec::new();
    // What the agent reads when it starts is no steady state.
    let (begun, settle) = (Instant::now(), Duration::from_secs(5));
    while begun.elapsed() < length + settle {
        let next = tokio::time::timeout(Duration::from_secs(30), next_wait(&mut stream)).await;
        agent.check()?;
        if let Some(wait) = next??.filter(|_| begun.elapsed() > settle) {
            waits.push(wait);
        }
    }
    report.add("live.agent_p99_seconds", quantile(&mut waits, 0.99))?;
    report.note(format!(
        "live: {} readings of a real agent at 1 s, median {:.4} s, longest {:.4} s after their tick",
        waits.len(),
        quantile(&mut waits, 0.5),
        quantile(&mut waits, 1.0)
    ));
    Ok(())
}
