//! `/metrics`: the collector's own metrics, Prometheus text (exposition format 0.0.4).

use std::fmt::Write;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::state::App;
use crate::self_metrics;

/// Content type of the text exposition.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Shows the collector's own metrics in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "system", operation_id = "get_metrics",
    responses((status = 200, description = "Text exposition, version 0.0.4.", body = String, content_type = "text/plain")))]
pub async fn show(State(app): State<App>) -> Response {
    let mut page = Page(String::new());
    cost(&mut page, &app);
    ingest(&mut page, &app);
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], page.0).into_response()
}

struct Page(String);

impl Page {
    fn add(&mut self, name: &str, kind: &str, help: &str, value: f64) {
        self.add_labelled(name, kind, help, &[("", value)]);
    }

    /// Several series of one metric; the labels are given as they are printed.
    fn add_labelled(&mut self, name: &str, kind: &str, help: &str, series: &[(&str, f64)]) {
        let _ = writeln!(self.0, "# HELP hi_collector_{name} {help}\n# TYPE hi_collector_{name} {kind}");
        for (labels, value) in series {
            let _ = writeln!(self.0, "hi_collector_{name}{labels} {value}");
        }
    }
}

fn cost(page: &mut Page, app: &App) {
    let cost = self_metrics::cost();
    let version = format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    page.add_labelled("build_info", "gauge", "Version of the collector; always 1.", &[(&version, 1.0)]);
    let started = app.started_at_ms as f64 / 1000.0;
    page.add("start_time_seconds", "gauge", "Unix time at which the collector started.", started);
    page.add("resident_memory_bytes", "gauge", "Resident memory.", cost.rss_bytes as f64);
    page.add("cpu_seconds_total", "counter", "Processor time used.", cost.cpu_seconds);
    page.add(
        "written_bytes_total",
        "counter",
        "Bytes it caused to be written to disk.",
        cost.written_bytes as f64,
    );
    page.add("open_files", "gauge", "Open files and sockets.", cost.open_files as f64);
    page.add("live_clients", "gauge", "Clients of /api/live.", f64::from(app.live_clients()));
}

fn ingest(page: &mut Page, app: &App) {
    let stats = app.ingest.stats();
    let head = app.ingest.head.stats();
    let (gauge, counter) = ("gauge", "counter");
    let count = |value: u64| value as f64;
    page.add(
        "broker_connected",
        gauge,
        "1 while the broker is connected.",
        f64::from(u8::from(stats.connected)),
    );
    page.add("ingest_lag_messages", gauge, "Batches in the stream not taken yet.", count(stats.lag_messages));
    if let Some(seconds) = stats.lag_seconds {
        page.add("ingest_lag_seconds", gauge, "Age of the newest batch when it was taken.", seconds);
    }
    page.add("ingest_batches_total", counter, "Batches taken.", count(stats.batches_total));
    page.add("ingest_samples_total", counter, "Samples taken.", count(stats.samples_total));
    page.add(
        "ingest_duplicates_total",
        counter,
        "Batches taken before, dropped.",
        count(stats.duplicates_total),
    );
    page.add("dead_letters_total", counter, "Messages not understood.", count(stats.dead_letters_total));
    page.add("series", gauge, "Series known.", count(stats.series));
    page.add("layouts", gauge, "Layouts known.", count(stats.layouts));
    page.add("head_bytes", gauge, "Memory of samples not in the database yet.", count(head.bytes));
    page.add("head_limit_bytes", gauge, "Limit of that memory.", count(head.limit_bytes));
    page.add("head_samples", gauge, "Samples not in the database yet.", count(head.samples));
    page.add("flushes_total", counter, "Flushes committed.", count(stats.flush.count));
    if let Some(seconds) = stats.flush.last_seconds {
        page.add("flush_last_duration_seconds", gauge, "Duration of the last flush.", seconds);
    }
    let stages: Vec<(String, f64)> =
        stats.stages.iter().map(|(stage, seconds)| (format!("{{stage=\"{stage}\"}}"), *seconds)).collect();
    let stages: Vec<(&str, f64)> =
        stages.iter().map(|(labels, seconds)| (labels.as_str(), *seconds)).collect();
    page.add_labelled("stage_seconds_total", counter, "Time spent in each stage of ingest.", &stages);
    let failed = f64::from(u8::from(stats.flush.last_error.is_some()));
    page.add("flush_failing", gauge, "1 when the last flush failed.", failed);
    page.add("cursor_hosts", gauge, "Hosts with a cursor.", count(stats.cursor.hosts));
    page.add("cursor_gaps_open", gauge, "Missing ranges of batches.", count(stats.cursor.gaps_open));
    let repaired = count(stats.cursor.gaps_repaired_total);
    page.add("cursor_gaps_repaired_total", counter, "Missing batches that came after all.", repaired);
    let lost = count(stats.cursor.batches_lost_total);
    page.add("cursor_batches_lost_total", counter, "Batches that will never come.", lost);
    let refused = stats.refused.iter().map(|refused| refused.count).sum();
    page.add("refused_series", gauge, "Series refused against a limit.", count(refused));
}
