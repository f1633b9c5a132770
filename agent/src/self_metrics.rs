//! The agent's own cost and outcomes, read like any other source: `agent`, the last row of every table of sources.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use hi_common::catalog::SourceOutcome;
use hi_common::metric::{MetricDef, Unit};
use rustix::time::{ClockId, clock_gettime};

use crate::host::HostRoot;
use crate::source::{Outcome, Readings, Source, SourceDef, SourceError};
use crate::status::{Board, OUTCOMES};

/// Version of the agent.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

static BUILD_INFO: MetricDef =
    MetricDef::info("hi_agent_build_info", &["version"], "Version of the agent; always 1.");
static START: MetricDef = MetricDef::gauge(
    "hi_agent_start_time_seconds",
    Unit::Seconds,
    &[],
    "Unix time at which the agent started.",
);
static RESIDENT: MetricDef =
    MetricDef::gauge("hi_agent_resident_memory_bytes", Unit::Bytes, &[], "Resident memory of the agent.");
static CPU: MetricDef =
    MetricDef::counter("hi_agent_cpu_seconds_total", Unit::Seconds, &[], "CPU time the agent has used.");
static WRITTEN: MetricDef = MetricDef::counter(
    "hi_agent_written_bytes_total",
    Unit::Bytes,
    &[],
    "Bytes the agent has caused to be written to disk, as the kernel counts them.",
);
static CONNECTED: MetricDef =
    MetricDef::gauge("hi_agent_connected", Unit::None, &[], "1 while there is a connection to the broker.");
static OUTBOX_BYTES: MetricDef = MetricDef::gauge(
    "hi_agent_outbox_bytes",
    Unit::Bytes,
    &["place"],
    "Bytes that wait for the broker's acknowledgement, in memory and on disk.",
);
static OUTBOX_MESSAGES: MetricDef = MetricDef::gauge(
    "hi_agent_outbox_messages",
    Unit::None,
    &["place"],
    "Messages that wait for the broker's acknowledgement, in memory and on disk.",
);
static SPOOLED: MetricDef = MetricDef::counter(
    "hi_agent_spooled_messages_total",
    Unit::None,
    &[],
    "Messages written to disk because the broker did not acknowledge.",
);
static DROPPED: MetricDef = MetricDef::counter(
    "hi_agent_dropped_messages_total",
    Unit::None,
    &["reason"],
    "Messages dropped for good: outbox full, damaged on disk, refused by the broker.",
);
static PUBLISHED: MetricDef = MetricDef::counter(
    "hi_agent_published_messages_total",
    Unit::None,
    &[],
    "Messages the broker has acknowledged.",
);
static PUBLISHED_BYTES: MetricDef = MetricDef::counter(
    "hi_agent_published_bytes_total",
    Unit::Bytes,
    &[],
    "Payload bytes the broker has acknowledged.",
);
static PUBLISH_ERRORS: MetricDef = MetricDef::counter(
    "hi_agent_publish_errors_total",
    Unit::None,
    &[],
    "Publishes that failed or were not acknowledged in time.",
);
static RETRIES: MetricDef = MetricDef::counter(
    "hi_agent_publish_retries_total",
    Unit::None,
    &[],
    "Messages sent again after a failure.",
);
static RESENT: MetricDef = MetricDef::counter(
    "hi_agent_resent_batches_total",
    Unit::None,
    &[],
    "Batches published again because the collector asked for them.",
);
static CLOCK_STEPS: MetricDef =
    MetricDef::counter("hi_agent_clock_steps_total", Unit::None, &[], "Times the wall clock was set.");
static RUNS: MetricDef = MetricDef::counter(
    "hi_agent_source_runs_total",
    Unit::None,
    &["source", "outcome"],
    "Runs of a source by outcome: read, absent, error, stalled.",
);
static SKIPPED: MetricDef = MetricDef::counter(
    "hi_agent_source_skipped_total",
    Unit::None,
    &["source"],
    "Ticks of a source left out because its run before had not ended.",
);
static SCRAPE_SUCCESS: MetricDef = MetricDef::gauge(
    "node_scrape_collector_success",
    Unit::None,
    &["collector"],
    "node_exporter: Whether a collector succeeded.",
);
static SCRAPE_DURATION: MetricDef = MetricDef::gauge(
    "node_scrape_collector_duration_seconds",
    Unit::Seconds,
    &["collector"],
    "node_exporter: Duration of a collector scrape.",
);

/// Row of the built-in source.
pub static AGENT: SourceDef = SourceDef {
    name: "agent",
    summary: "The agent itself: its cost, its outbox, the outcome of every source.",
    interval: Duration::from_secs(10),
    timeout: Duration::from_secs(5),
    metrics: &[
        &BUILD_INFO,
        &START,
        &RESIDENT,
        &CPU,
        &WRITTEN,
        &CONNECTED,
        &OUTBOX_BYTES,
        &OUTBOX_MESSAGES,
        &SPOOLED,
        &DROPPED,
        &PUBLISHED,
        &PUBLISHED_BYTES,
        &PUBLISH_ERRORS,
        &RETRIES,
        &RESENT,
        &CLOCK_STEPS,
        &RUNS,
        &SKIPPED,
        &SCRAPE_SUCCESS,
        &SCRAPE_DURATION,
    ],
    permission: "",
    keys: Vec::new,
    make: |_| Ok(Box::new(SelfSource::new(Arc::default(), Arc::new(Board::new(std::iter::empty()))))),
};

/// What the stages count; all bounds and drops end here.
#[derive(Debug, Default)]
pub struct Counters {
    /// Start of the agent, Unix milliseconds.
    pub start_ms: AtomicI64,
    /// 1 while connected.
    pub connected: AtomicU64,
    /// Bytes in the outbox's memory.
    pub memory_bytes: AtomicU64,
    /// Messages in the outbox's memory.
    pub memory_messages: AtomicU64,
    /// Bytes in the outbox's files.
    pub disk_bytes: AtomicU64,
    /// Messages in the outbox's files.
    pub disk_messages: AtomicU64,
    /// Messages written to disk.
    pub spooled: AtomicU64,
    /// Messages dropped because the outbox was full.
    pub dropped_full: AtomicU64,
    /// Messages, or unreadable stretches, dropped because they were damaged on disk.
    pub dropped_damaged: AtomicU64,
    /// Messages dropped because the broker will never take them.
    pub dropped_refused: AtomicU64,
    /// Messages acknowledged.
    pub published: AtomicU64,
    /// Payload bytes acknowledged.
    pub published_bytes: AtomicU64,
    /// Publishes that failed.
    pub errors: AtomicU64,
    /// Messages sent again.
    pub retries: AtomicU64,
    /// Batches resent on request.
    pub resent: AtomicU64,
    /// Steps of the clock.
    pub clock_steps: AtomicU64,
}

/// Adds to a counter.
pub fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

/// Sets a gauge.
pub fn set(gauge: &AtomicU64, n: u64) {
    gauge.store(n, Ordering::Relaxed);
}

/// Reads counters and board.
pub struct SelfSource {
    counters: Arc<Counters>,
    board: Arc<Board>,
}

impl SelfSource {
    /// A source over these counters and this board.
    pub fn new(counters: Arc<Counters>, board: Arc<Board>) -> Self {
        Self { counters, board }
    }

    fn push_counters(&self, out: &mut Readings) {
        let c = &self.counters;
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
        out.push(&CONNECTED, &[], get(&c.connected));
        out.push(&OUTBOX_BYTES, &["memory"], get(&c.memory_bytes));
        out.push(&OUTBOX_BYTES, &["disk"], get(&c.disk_bytes));
        out.push(&OUTBOX_MESSAGES, &["memory"], get(&c.memory_messages));
        out.push(&OUTBOX_MESSAGES, &["disk"], get(&c.disk_messages));
        out.push(&SPOOLED, &[], get(&c.spooled));
        out.push(&DROPPED, &["full"], get(&c.dropped_full));
        out.push(&DROPPED, &["damaged"], get(&c.dropped_damaged));
        out.push(&DROPPED, &["refused"], get(&c.dropped_refused));
        out.push(&PUBLISHED, &[], get(&c.published));
        out.push(&PUBLISHED_BYTES, &[], get(&c.published_bytes));
        out.push(&PUBLISH_ERRORS, &[], get(&c.errors));
        out.push(&RETRIES, &[], get(&c.retries));
        out.push(&RESENT, &[], get(&c.resent));
        out.push(&CLOCK_STEPS, &[], get(&c.clock_steps));
    }

    fn push_sources(&self, out: &mut Readings) {
        let states = self.board.states();
        for state in &states {
            for (outcome, &runs) in OUTCOMES.iter().zip(&state.runs).filter(|(_, runs)| **runs > 0) {
                out.push(&RUNS, &[state.source, outcome.as_str()], runs as f64);
            }
        }
        for state in &states {
            out.push(&SKIPPED, &[state.source], state.skipped as f64);
        }
        let ran = |state: &&crate::status::SourceState| {
            state.outcome != SourceOutcome::Pending && state.source != AGENT.name
        };
        for state in states.iter().filter(ran) {
            let success = state.outcome == SourceOutcome::Read;
            out.push(&SCRAPE_SUCCESS, &[state.source], f64::from(u8::from(success)));
        }
        for state in states.iter().filter(ran) {
            // Whole microseconds: more digits are noise and cost bytes in every batch.
            out.push(&SCRAPE_DURATION, &[state.source], state.duration.as_micros() as f64 / 1e6);
        }
    }
}

impl Source for SelfSource {
    fn read(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        out.push(&BUILD_INFO, &[VERSION], 1.0);
        let start_ms = self.counters.start_ms.load(Ordering::Relaxed);
        if start_ms > 0 {
            out.push(&START, &[], start_ms as f64 / 1000.0);
        }
        if let Some(bytes) = resident_bytes(&host.proc("self/statm")) {
            out.push(&RESIDENT, &[], bytes);
        }
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        // Whole milliseconds: finer ones change with every reading and cost bytes.
        out.push(&CPU, &[], (cpu.tv_sec * 1000 + cpu.tv_nsec / 1_000_000) as f64 / 1000.0);
        if let Some(bytes) = written_bytes(&host.proc("self/io")) {
            out.push(&WRITTEN, &[], bytes);
        }
        self.push_counters(out);
        self.push_sources(out);
        Ok(Outcome::Read)
    }
}

/// Second field of `/proc/self/statm`: resident pages (proc_pid_statm(5)).
fn resident_bytes(path: &Path) -> Option<f64> {
    let text = fs::read_to_string(path).ok()?;
    let pages: u64 = text.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some((pages * rustix::param::page_size() as u64) as f64)
}

/// `write_bytes` of `/proc/self/io` (proc_pid_io(5)).
fn written_bytes(path: &Path) -> Option<f64> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("write_bytes: "))?;
    line.parse::<u64>().ok().map(|bytes| bytes as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_pushed_is_declared() {
        let board = Arc::new(Board::new([("cpu", Duration::from_secs(10))].into_iter()));
        let verdict = crate::status::Verdict {
            outcome: SourceOutcome::Read,
            reason: None,
            message: None,
            duration: Duration::from_micros(1234),
        };
        board.note(0, &verdict, 1);
        let counters = Arc::new(Counters::default());
        counters.start_ms.store(5, Ordering::Relaxed);
        let mut out = Readings::default();
        SelfSource::new(counters, board).read(&HostRoot::live(), &mut out).unwrap();
        let mut seen = Vec::new();
        for (metric, labels, value) in out.samples() {
            assert!(AGENT.metrics.iter().any(|known| std::ptr::eq(*known, metric)), "{}", metric.name);
            if metric.name == "node_scrape_collector_duration_seconds" {
                assert_eq!((labels, value), (vec!["cpu"], 0.001234));
            }
            seen.push(metric.name);
        }
        assert!(seen.contains(&"hi_agent_resident_memory_bytes"));
        assert!(seen.contains(&"hi_agent_source_runs_total"));
    }
}
