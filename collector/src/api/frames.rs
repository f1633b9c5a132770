//! The events of one client's live stream, as text. Pure.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::sync::Arc;

use hi_common::batch::is_absent;

use crate::ingest::LiveRow;
use crate::model::{Layout, SeriesId};
use crate::query::json;
use crate::query::matching::AnyOf;
use crate::query::read::all_labels;
use crate::store::MetricRow;

/// Layouts that a client remembers; beyond that it starts anew and is told all series again.
const LAYOUTS_MAX: usize = 4096;

/// What one client asked for, and what it was told.
pub struct Frames {
    host: Option<String>,
    wanted: AnyOf,
    /// Columns that the client wants, by the address of the layout. The layout is kept, so that its address stays its own.
    layouts: HashMap<usize, (Arc<Layout>, Arc<[usize]>)>,
    told: HashSet<SeriesId>,
}

impl Frames {
    /// A client that was told nothing yet.
    pub fn new(host: Option<String>, wanted: AnyOf) -> Self {
        Self { host, wanted, layouts: HashMap::new(), told: HashSet::new() }
    }

    fn wants_host(&self, name: &str) -> bool {
        self.host.as_deref().is_none_or(|host| host == name)
    }

    fn columns(&mut self, row: &LiveRow) -> Arc<[usize]> {
        let key = Arc::as_ptr(&row.layout) as usize;
        if let Some((_, columns)) = self.layouts.get(&key) {
            return Arc::clone(columns);
        }
        if self.layouts.len() >= LAYOUTS_MAX {
            self.layouts.clear();
            self.told.clear();
        }
        let infos = row.layout.infos.iter().enumerate();
        let wanted =
            infos.filter(|(_, info)| info.as_ref().is_some_and(|i| self.wanted.is_match(i, &row.host_name)));
        let columns: Arc<[usize]> = wanted.map(|(column, _)| column).collect();
        self.layouts.insert(key, (Arc::clone(&row.layout), Arc::clone(&columns)));
        columns
    }

    /// Whether a series that the client will be told of belongs to a metric that is not in the table.
    pub fn has_unknown_metric(&mut self, row: &LiveRow, metrics: &HashMap<String, MetricRow>) -> bool {
        if !self.wants_host(&row.host_name) {
            return false;
        }
        let columns = self.columns(row);
        let mut infos = columns.iter().filter_map(|&column| row.layout.infos.get(column)?.as_ref());
        infos.any(|info| !self.told.contains(&info.id) && !metrics.contains_key(&*info.metric))
    }

    /// Writes a reading, after the series that are new to this client.
    pub fn row(&mut self, out: &mut Vec<u8>, row: &LiveRow, metrics: &HashMap<String, MetricRow>) {
        if !self.wants_host(&row.host_name) {
            return;
        }
        let columns = self.columns(row);
        self.introduce(out, row, &columns, metrics);
        let before = out.len();
        out.extend_from_slice(b"event: samples\ndata: {\"host\":");
        json::value(out, &*row.host_name);
        let _ = write!(out, ",\"at_unix_ms\":{},\"samples\":[", row.at);
        let mut any = false;
        for &column in columns.iter() {
            let (Some(&value), Some(Some(id))) = (row.values.get(column), row.layout.series.get(column))
            else {
                continue;
            };
            if is_absent(value) {
                continue;
            }
            let _ = write!(out, "{}[{id},", if any { "," } else { "" });
            json::number(out, value);
            out.push(b']');
            any = true;
        }
        out.extend_from_slice(b"]}\n\n");
        if !any {
            out.truncate(before);
        }
    }

    fn introduce(
        &mut self,
        out: &mut Vec<u8>,
        row: &LiveRow,
        columns: &[usize],
        metrics: &HashMap<String, MetricRow>,
    ) {
        let mut any = false;
        for &column in columns {
            let Some(Some(info)) = row.layout.infos.get(column) else { continue };
            if !self.told.insert(info.id) {
                continue;
            }
            out.extend_from_slice(if any { b"," } else { b"event: series\ndata: {\"series\":[" });
            any = true;
            let _ = write!(out, "{{\"id\":{},\"metric\":", info.id);
            json::value(out, &*info.metric);
            out.extend_from_slice(b",\"labels\":");
            let labels = all_labels(&info.labels, &info.metric, &row.host_name);
            json::labels(out, labels.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            out.extend_from_slice(b",\"kind\":");
            json::value(out, info.kind.as_str());
            out.extend_from_slice(b",\"unit\":");
            json::value(out, metrics.get(&*info.metric).map_or("", |metric| metric.unit.as_str()));
            out.push(b'}');
        }
        if any {
            out.extend_from_slice(b"]}\n\n");
        }
    }

    /// Writes the row of a host whose state changed.
    pub fn host_change(&self, out: &mut Vec<u8>, host: &str, json: &[u8]) {
        if self.wants_host(host) {
            out.extend_from_slice(b"event: host\ndata: ");
            out.extend_from_slice(json);
            out.extend_from_slice(b"\n\n");
        }
    }
}

/// Writes that readings were left out.
pub fn lagged(out: &mut Vec<u8>, dropped: u64) {
    let _ = write!(out, "event: lagged\ndata: {{\"dropped\":{dropped}}}\n\n");
}

#[cfg(test)]
mod tests {
    use hi_common::batch::ABSENT;
    use hi_common::metric::Kind;
    use serde_json::{Value, json};

    use super::*;
    use crate::model::SeriesInfo;
    use crate::query::selector::parse;

    fn row(host_name: &str, values: &[f64]) -> LiveRow {
        let info = |id: i32, metric: &str| {
            let labels = Arc::from([("a".to_owned(), "\"\n".to_owned())]);
            Some(SeriesInfo { id, host: 1, metric: Arc::from(metric), kind: Kind::Gauge, labels })
        };
        let layout = Layout::new(1, Arc::from("x"), 1, vec![info(7, "node_x"), None, info(8, "node_y")]);
        LiveRow {
            host: 1,
            host_name: Arc::from(host_name),
            at: 5_000,
            layout: Arc::new(layout),
            values: Arc::from(values),
        }
    }

    fn events(out: &[u8]) -> Vec<(String, Value)> {
        let text = std::str::from_utf8(out).unwrap();
        text.split_terminator("\n\n")
            .map(|event| {
                let (name, data) = event.split_once('\n').unwrap();
                let data = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
                (name.strip_prefix("event: ").unwrap().to_owned(), data)
            })
            .collect()
    }

    #[test]
    fn series_come_once_before_their_samples() {
        let mut frames = Frames::new(None, AnyOf::default());
        let (reading, metrics) = (row("nas", &[1.5, 9.0, f64::INFINITY]), HashMap::new());
        let mut out = Vec::new();
        frames.row(&mut out, &reading, &metrics);
        frames.row(&mut out, &reading, &metrics);
        let events = events(&out);
        let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["series", "samples", "samples"]);
        assert_eq!(
            events[0].1["series"][0],
            json!({"id": 7, "metric": "node_x", "kind": "gauge", "unit": "",
                "labels": {"a": "\"\n", "instance": "nas", "job": "node"}})
        );
        assert_eq!(
            events[1].1,
            json!({"host": "nas", "at_unix_ms": 5_000, "samples": [[7, 1.5], [8, null]]})
        );
    }

    #[test]
    fn only_what_was_asked_for_is_sent() {
        let wanted = AnyOf::new(&[parse("node_y").unwrap()]).unwrap();
        let mut frames = Frames::new(Some("nas".to_owned()), wanted);
        let (mut out, metrics) = (Vec::new(), HashMap::new());
        frames.row(&mut out, &row("other", &[1.0, 2.0, 3.0]), &metrics);
        frames.host_change(&mut out, "other", b"{}");
        assert!(out.is_empty());
        frames.row(&mut out, &row("nas", &[1.0, 2.0, ABSENT]), &metrics);
        let told = events(&out);
        assert_eq!((told.len(), told[0].0.as_str()), (1, "series"), "a reading without a value is not sent");
        frames.host_change(&mut out, "nas", b"{\"host\":\"nas\"}");
        lagged(&mut out, 3);
        assert_eq!(events(&out)[2], ("lagged".to_owned(), json!({"dropped": 3})));
    }
}
