//! Answers a question: finds the series, reads them chunk by chunk from head and store, writes the answer.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use hi_common::metric::{Kind, job_of};

use crate::ingest::Head;
use crate::limits::{
    BUCKETS_PER_QUERY_MAX, BUCKETS_PER_SERIES_MAX, POINTS_RAW_PER_QUERY_MAX, SAMPLES_PER_QUERY_MAX,
    SERIES_PER_QUERY_MAX,
};
use crate::model::SeriesId;
use crate::moment::Time;
use crate::store::{HourRow, MetricRow, SeriesRow, Store};

use super::bucket::{Buckets, Grid, downsample};
use super::hours::{self, HOUR_MS, Hour};
use super::json::{self, SeriesHead};
use super::merge::{Column, merge};
use super::rate::{LOOKBACK_MS, rate, rate_raw};
use super::sum::Sums;
use super::{Mode, QueryError, Question, Resolution, SumBy};

/// Samples that a chunk of series holds, about: two chunks are in memory at a time.
const CHUNK_SAMPLES: i64 = 250_000;
/// Distance of samples that is assumed when nothing better is known, in milliseconds.
const INTERVAL_MS: i64 = 10_000;
/// Ranges from here on are read from hourly summaries, when the step allows.
const HOURS_FROM_MS: i64 = 48 * HOUR_MS;

/// Average, least, greatest, last.
const NUMBERS_PER_BUCKET: usize = 4;
/// Bytes of a number with its comma, seldom more: outgrowing what was reserved copies megabytes.
const NUMBER_BYTES: usize = 16;

/// What questions are answered from.
#[derive(Clone)]
pub struct Reader {
    /// Samples in memory.
    pub head: Arc<Head>,
    /// Samples in the database.
    pub store: Store,
    /// How long raw samples are kept, milliseconds.
    pub raw_retention_ms: i64,
    /// How long hourly summaries are kept, milliseconds.
    pub hour_retention_ms: i64,
}

/// How one question is answered.
struct Plan {
    question: Question,
    grid: Option<Grid>,
    /// Up to this time hourly summaries are read, from there on samples.
    hours_until_ms: Option<i64>,
    metrics: Arc<HashMap<String, MetricRow>>,
    cancelled: AtomicBool,
}

/// Sets the flag when the future that holds it is dropped, so that blocking work stops as well.
struct CancelOnDrop(Arc<Plan>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancelled.store(true, Ordering::Relaxed);
    }
}

/// One chunk of series, answered.
enum Part {
    /// Series as JSON, separated by commas, and the number of samples in it.
    Json(Vec<u8>, usize),
    Sums(Sums),
}

impl Reader {
    /// Answers a question with the JSON document of `/api/samples`, in pieces: it may be some megabytes, which nobody
    /// should have to copy.
    ///
    /// # Errors
    /// A limit, the database.
    pub async fn answer(
        &self,
        question: Question,
        metrics: Arc<HashMap<String, MetricRow>>,
        now_ms: i64,
    ) -> Result<Vec<Bytes>, QueryError> {
        let grid = question.step_ms.map(|step| Grid::cover(question.start_ms, question.end_ms, step));
        let page = self.store.series_find(&question.any_of, None, SERIES_PER_QUERY_MAX).await?;
        let hours_until_ms = self.hours_until(&question, now_ms).await?;
        check_limits(&question, grid.as_ref(), page.series.len(), page.more, hours_until_ms)?;
        let plan =
            Arc::new(Plan { question, grid, hours_until_ms, metrics, cancelled: AtomicBool::new(false) });
        let _cancel = CancelOnDrop(Arc::clone(&plan));
        let chunks = chunks(page.series, &plan);
        let mut parts = stream::iter(chunks).map(|chunk| self.chunk(Arc::clone(&plan), chunk)).buffered(2);
        let mut body = vec![Bytes::from(self.begin(&plan, now_ms))];
        let (mut sums, mut points, mut any) = (Sums::default(), 0, false);
        while let Some(part) = parts.try_next().await? {
            match part {
                Part::Json(series, samples) => {
                    points += samples;
                    if points > POINTS_RAW_PER_QUERY_MAX {
                        return Err(too_many_points());
                    }
                    if any && !series.is_empty() {
                        body.push(Bytes::from_static(b","));
                    }
                    any |= !series.is_empty();
                    body.push(series.into());
                }
                Part::Sums(part) => {
                    if let Some(by) = &plan.question.sum_by {
                        sums.merge(by, part);
                    }
                }
            }
        }
        let mut end = Vec::new();
        for (head, buckets) in sums.into_series() {
            separate(&mut end);
            json::series_buckets(&mut end, &head, &buckets);
        }
        end.extend_from_slice(b"]}");
        body.push(end.into());
        Ok(body)
    }

    /// Up to when hourly summaries serve; none when the question is not one for them.
    async fn hours_until(&self, question: &Question, now_ms: i64) -> Result<Option<i64>, QueryError> {
        let fits = question.step_ms.is_some_and(|step| step % HOUR_MS == 0);
        if !fits || question.end_ms - question.start_ms < HOURS_FROM_MS {
            return Ok(None);
        }
        let complete = self.store.hours_complete_until().await?;
        let limits = [complete, self.head.stats().oldest_at, Some(now_ms)];
        let until = limits.into_iter().flatten().min().unwrap_or(now_ms);
        Ok(Some(until.div_euclid(HOUR_MS) * HOUR_MS))
    }

    fn begin(&self, plan: &Plan, now_ms: i64) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        let body = &mut out;
        let question = &plan.question;
        let start_ms = plan.grid.map_or(question.start_ms, |grid| grid.start_ms);
        let (resolution, kept_ms) = match plan.hours_until_ms {
            None => (Resolution::Raw, self.raw_retention_ms),
            Some(_) => (Resolution::Hour, self.hour_retention_ms),
        };
        body.extend_from_slice(b"{\"start\":");
        json::value(body, &Time(start_ms));
        body.extend_from_slice(b",\"end\":");
        json::value(body, &Time(question.end_ms));
        body.extend_from_slice(b",\"step_seconds\":");
        json::number(body, question.step_ms.map_or(f64::NAN, |step| step as f64 / 1000.0));
        body.extend_from_slice(b",\"resolution\":");
        json::value(body, &resolution);
        body.extend_from_slice(b",\"partial\":");
        json::value(body, &(start_ms < now_ms - kept_ms));
        body.extend_from_slice(b",\"series\":[");
        out
    }

    /// Reads and reduces one chunk. The head is read before the store: a flush in between then shows samples twice, which
    /// merging undoes, and never not at all.
    async fn chunk(&self, plan: Arc<Plan>, series: Vec<SeriesRow>) -> Result<Part, QueryError> {
        let ids: Vec<SeriesId> = series.iter().map(|row| row.info.id).collect();
        let question = &plan.question;
        let start_ms = plan.grid.map_or(question.start_ms, |grid| grid.start_ms);
        let end_ms = plan.grid.map_or(question.end_ms, |grid| grid.end_ms()).min(question.end_ms);
        let lookback_ms = if question.mode == Mode::Rate { LOOKBACK_MS } else { 0 };
        let raw_from_ms = plan.hours_until_ms.map_or(start_ms, |until| until.max(start_ms));
        let head = self.head.read(&ids, raw_from_ms - lookback_ms, end_ms);
        let stored = self.store.samples(&ids, raw_from_ms - lookback_ms, end_ms).await?;
        let hours = match plan.hours_until_ms {
            Some(until) if until > start_ms => self.store.hours(&ids, start_ms, until.min(end_ms)).await?,
            _ => Vec::new(),
        };
        let head = head.into_iter().map(|(id, times, values)| (id, (times, values))).collect();
        let stored =
            stored.into_iter().map(|samples| (samples.id, (samples.times, samples.values))).collect();
        let reduce = move || reduce(&plan, &series, head, stored, &hours);
        tokio::task::spawn_blocking(reduce).await.map_err(|_| QueryError::Cancelled)?
    }
}

/// Cuts the series into chunks of about equal numbers of samples.
fn chunks(series: Vec<SeriesRow>, plan: &Plan) -> Vec<Vec<SeriesRow>> {
    let question = &plan.question;
    let from = plan.hours_until_ms.unwrap_or(question.start_ms).max(question.start_ms);
    let samples_each = ((question.end_ms - from) / INTERVAL_MS).max(1);
    let size = usize::try_from(CHUNK_SAMPLES / samples_each).unwrap_or(1).clamp(1, 512);
    let mut chunks = Vec::new();
    let mut rest = series.into_iter();
    loop {
        let chunk: Vec<SeriesRow> = rest.by_ref().take(size).collect();
        if chunk.is_empty() {
            return chunks;
        }
        chunks.push(chunk);
    }
}

/// Refuses what one request may not have, before anything is read.
fn check_limits(
    question: &Question,
    grid: Option<&Grid>,
    series: usize,
    more: bool,
    hours_until_ms: Option<i64>,
) -> Result<(), QueryError> {
    if more {
        return Err(QueryError::Limit(format!(
            "more than {SERIES_PER_QUERY_MAX} series match, which is the limit; narrow the selector, for example by \
             `instance`, or ask in parts"
        )));
    }
    if let Some(grid) = grid {
        if grid.count > BUCKETS_PER_SERIES_MAX {
            return Err(QueryError::Limit(format!(
                "the range has {} steps, limit {BUCKETS_PER_SERIES_MAX}; take a longer step or a shorter range",
                grid.count
            )));
        }
        if grid.count * series > BUCKETS_PER_QUERY_MAX {
            return Err(QueryError::Limit(format!(
                "{series} series of {} steps are {} values, limit {BUCKETS_PER_QUERY_MAX}; take a longer step, a shorter \
                 range or a narrower selector",
                grid.count,
                grid.count * series
            )));
        }
    }
    let raw_from_ms = hours_until_ms.unwrap_or(question.start_ms).max(question.start_ms);
    let samples = (question.end_ms - raw_from_ms) / INTERVAL_MS * series as i64;
    if samples > SAMPLES_PER_QUERY_MAX {
        return Err(QueryError::Limit(format!(
            "{series} series over this range have about {samples} samples, limit {SAMPLES_PER_QUERY_MAX}; take a step that \
             is a multiple of 3600 seconds over at least two days, a shorter range or a narrower selector"
        )));
    }
    Ok(())
}

fn too_many_points() -> QueryError {
    QueryError::Limit(format!(
        "the answer has more than {POINTS_RAW_PER_QUERY_MAX} samples, which is the limit; give `step_seconds`, or take a \
         shorter range or a narrower selector"
    ))
}

/// Makes the answer of a chunk; runs on a thread that may block.
fn reduce(
    plan: &Plan,
    series: &[SeriesRow],
    mut head: HashMap<SeriesId, Column>,
    mut stored: HashMap<SeriesId, Column>,
    hours: &[HourRow],
) -> Result<Part, QueryError> {
    let mut out = Vec::with_capacity(expected_bytes(plan, series.len()));
    let (mut sums, mut points) = (Sums::default(), 0);
    for row in series {
        if plan.cancelled.load(Ordering::Relaxed) {
            return Err(QueryError::Cancelled);
        }
        let id = row.info.id;
        let samples = merge(stored.remove(&id).unwrap_or_default(), head.remove(&id).unwrap_or_default());
        let Some(grid) = &plan.grid else {
            points += raw(&mut out, plan, row, &samples);
            if points > POINTS_RAW_PER_QUERY_MAX {
                return Err(too_many_points());
            }
            continue;
        };
        let buckets = buckets(plan, grid, id, &samples, hours);
        if buckets.is_empty() {
            continue;
        }
        let head = series_head(plan, row);
        match &plan.question.sum_by {
            Some(by) => sums.add(by, &head, buckets),
            None => {
                separate(&mut out);
                json::series_buckets(&mut out, &head, &buckets);
            }
        }
    }
    let summing = |_: &SumBy| Part::Sums(sums);
    Ok(plan.question.sum_by.as_ref().map_or_else(|| Part::Json(out, points), summing))
}

/// About what the JSON of so many series takes, so that it does not have to be moved as it grows.
fn expected_bytes(plan: &Plan, series: usize) -> usize {
    let is_listed = plan.question.sum_by.is_none();
    plan.grid
        .filter(|_| is_listed)
        .map_or(0, |grid| series * (grid.count * NUMBERS_PER_BUCKET * NUMBER_BYTES + 512))
}

fn separate(out: &mut Vec<u8>) {
    if !out.is_empty() {
        out.push(b',');
    }
}

fn raw(out: &mut Vec<u8>, plan: &Plan, row: &SeriesRow, samples: &Column) -> usize {
    let rates;
    let (times, values) = match plan.question.mode {
        Mode::Value => samples,
        Mode::Rate => {
            rates = rate_raw(&samples.0, &samples.1, plan.question.start_ms);
            &rates
        }
    };
    if !times.is_empty() {
        separate(out);
        json::series_raw(out, &series_head(plan, row), times, values);
    }
    times.len()
}

fn buckets(plan: &Plan, grid: &Grid, id: SeriesId, samples: &Column, hours: &[HourRow]) -> Buckets {
    let (times, values) = samples;
    match (plan.hours_until_ms, plan.question.mode) {
        (None, Mode::Value) => downsample(times, values, grid),
        (None, Mode::Rate) => rate(times, values, grid),
        (Some(until), mode) => {
            let from = hours.partition_point(|row| row.id < id);
            let own = hours[from..].iter().take_while(|row| row.id == id).map(Hour::from);
            let all: Vec<Hour> = own.chain(hours::summarise(times, values, until)).collect();
            hours::bucket(&all, grid, mode)
        }
    }
}

/// What stands before the values of a series.
fn series_head(plan: &Plan, row: &SeriesRow) -> SeriesHead {
    let info = &row.info;
    let unit = plan.metrics.get(&*info.metric).map_or("", |metric| metric.unit.as_str());
    let (kind, unit) = match plan.question.mode {
        Mode::Value => (info.kind, unit.to_owned()),
        Mode::Rate => (Kind::Gauge, per_second(unit)),
    };
    let labels = all_labels(&info.labels, &info.metric, &row.host_name);
    SeriesHead { id: Some(info.id), metric: info.metric.to_string(), labels, kind: kind.as_str(), unit }
}

/// Unit of the rate of a counter: seconds per second is a ratio.
fn per_second(unit: &str) -> String {
    match unit {
        "" => "per_second".to_owned(),
        "seconds" => "ratio".to_owned(),
        unit => format!("{unit}_per_second"),
    }
}

/// Labels of a series, sorted by name, `instance` and `job` among them.
pub fn all_labels(labels: &[(String, String)], metric: &str, host_name: &str) -> Vec<(String, String)> {
    let mut all = labels.to_vec();
    all.push(("instance".to_owned(), host_name.to_owned()));
    all.push(("job".to_owned(), job_of(metric).to_owned()));
    all.sort_unstable();
    all
}
