//! One host in memory: the two newest readings of each source, and the last hour in minutes.

use std::collections::HashMap;
use std::sync::Arc;

use hi_common::batch::is_absent;

use crate::ingest::LiveRow;
use crate::latest::Latest;
use crate::query::rate::increase;
use crate::{devices, storage};

use super::slots::{Field, Slot, compile, is_physical};

/// Steps of the history.
pub const HISTORY_MINUTES: usize = 60;
const MINUTE_MS: i64 = 60_000;
/// Readings further apart make no rate, in milliseconds.
const PAIR_MS_MAX: i64 = 15 * 60_000;

/// A source's newest readings.
#[derive(Debug)]
pub struct SourceRows {
    slots: Arc<[Slot]>,
    /// The newest.
    pub last: Arc<LiveRow>,
    before: Option<Arc<LiveRow>>,
    /// Read back from the database, not live: gives way to live readings of the same metrics.
    restored: bool,
}

impl SourceRows {
    /// Columns with a value, with their meaning.
    pub fn values(&self) -> impl Iterator<Item = (&Slot, f64)> {
        let value = |slot: &Slot| self.last.values.get(slot.column).copied().filter(|v| !is_absent(*v));
        self.slots.iter().filter_map(move |slot| Some((slot, value(slot)?)))
    }

    fn shares_with(&self, slots: &[Slot]) -> bool {
        self.slots.iter().any(|slot| slots.iter().any(|other| other.field == slot.field))
    }

    /// Growth of each counter between the two newest readings, and the seconds between them.
    pub fn growth(&self) -> Option<(f64, impl Iterator<Item = (&Slot, f64)>)> {
        let before = self.before.as_ref()?;
        let distance_ms = self.last.at - before.at;
        if !(1..=PAIR_MS_MAX).contains(&distance_ms) {
            return None;
        }
        let same_layout = Arc::ptr_eq(&before.layout, &self.last.layout);
        let grown = self.values().filter_map(move |(slot, value)| {
            let column = if same_layout { Some(slot.column) } else { before.layout.column(slot.id) };
            let old = before.values.get(column?).copied().filter(|old| old.is_finite())?;
            Some((slot, increase(old, value)))
        });
        Some((distance_ms as f64 / 1000.0, grown))
    }
}

/// Weighted averages per minute; a ring over the last hour.
#[derive(Clone, Debug)]
struct Minutes([(i64, f64, f64); HISTORY_MINUTES]);

impl Minutes {
    fn new() -> Self {
        Self([(i64::MIN, 0.0, 0.0); HISTORY_MINUTES])
    }

    fn add(&mut self, at_ms: i64, value: f64, weight: f64) {
        let minute = at_ms.div_euclid(MINUTE_MS);
        let slot = &mut self.0[minute.rem_euclid(HISTORY_MINUTES as i64) as usize];
        if slot.0 < minute {
            *slot = (minute, 0.0, 0.0);
        }
        if slot.0 == minute {
            slot.1 += value * weight;
            slot.2 += weight;
        }
    }

    /// Takes over minutes where there are none.
    fn fill(&mut self, other: &Self) {
        for (own, other) in self.0.iter_mut().zip(&other.0) {
            if own.0 < other.0 {
                *own = *other;
            }
        }
    }

    /// The minutes up to `now_ms`, oldest first.
    fn list(&self, now_ms: i64) -> Vec<Option<f64>> {
        let last = now_ms.div_euclid(MINUTE_MS);
        let value = |minute: i64| {
            let (at, sum, weight) = self.0[minute.rem_euclid(HISTORY_MINUTES as i64) as usize];
            (at == minute && weight > 0.0).then(|| sum / weight)
        };
        (last - HISTORY_MINUTES as i64 + 1..=last).map(value).collect()
    }
}

/// What is known of one host now.
#[derive(Debug)]
pub struct HostNow {
    sources: HashMap<Arc<str>, SourceRows>,
    cpu: Minutes,
    network: Minutes,
    /// Newest values that tell of storage.
    pub storage: Latest,
    /// Newest values that tell of devices and containers.
    pub devices: Latest,
}

impl Default for HostNow {
    fn default() -> Self {
        Self {
            sources: HashMap::new(),
            cpu: Minutes::new(),
            network: Minutes::new(),
            storage: Latest::new(&storage::SHAPE),
            devices: Latest::new(&devices::SHAPE),
        }
    }
}

impl HostNow {
    /// Takes a reading; one that is older than the source's newest changes nothing.
    pub fn apply(&mut self, row: &Arc<LiveRow>) {
        let source = &row.layout.source;
        match self.sources.get_mut(source) {
            Some(rows) if rows.last.at >= row.at => return,
            Some(rows) => {
                if !Arc::ptr_eq(&rows.last.layout, &row.layout) {
                    rows.slots = compile(&row.layout).into();
                }
                rows.before = Some(std::mem::replace(&mut rows.last, Arc::clone(row)));
            }
            None => {
                let slots: Arc<[Slot]> = compile(&row.layout).into();
                self.sources.retain(|_, rows| !rows.restored || !rows.shares_with(&slots));
                let rows = SourceRows { slots, last: Arc::clone(row), before: None, restored: false };
                self.sources.insert(Arc::clone(source), rows);
            }
        }
        self.storage.apply(row);
        self.devices.apply(row);
        if let Some(ratio) = self.cpu_busy_of(source) {
            let distance = self.distance_of(source);
            self.cpu.add(row.at - 1, ratio, distance);
        }
        if let Some((receive, transmit)) = self.network_of(source) {
            let distance = self.distance_of(source);
            self.network.add(row.at - 1, receive + transmit, distance);
        }
    }

    /// Takes over what was read back from the database, where nothing live is known.
    pub fn restore(&mut self, stored: Self) {
        self.cpu.fill(&stored.cpu);
        self.network.fill(&stored.network);
        self.storage.restore(stored.storage);
        self.devices.restore(stored.devices);
        for (name, mut rows) in stored.sources {
            if !self.sources.values().any(|live| live.shares_with(&rows.slots)) {
                rows.restored = true;
                self.sources.insert(name, rows);
            }
        }
    }

    fn distance_of(&self, source: &str) -> f64 {
        self.sources.get(source).and_then(SourceRows::growth).map_or(0.0, |(seconds, _)| seconds)
    }

    fn cpu_busy_of(&self, source: &str) -> Option<f64> {
        let (_, grown) = self.sources.get(source)?.growth()?;
        let (mut idle, mut busy) = (0.0, 0.0);
        for (slot, grown) in grown {
            match slot.field {
                Field::CpuIdle => idle += grown,
                Field::CpuBusy => busy += grown,
                _ => {}
            }
        }
        (idle + busy > 0.0).then(|| busy / (idle + busy))
    }

    /// Bytes received and sent per second over the physical interfaces; over all but the loopback when there are none.
    fn network_of(&self, source: &str) -> Option<(f64, f64)> {
        let (seconds, grown) = self.sources.get(source)?.growth()?;
        let (mut physical, mut others) = (None, None);
        for (slot, grown) in grown {
            let device = slot.label("device");
            if device == "lo" {
                continue;
            }
            let into = if is_physical(device) { &mut physical } else { &mut others };
            match slot.field {
                Field::NetworkReceive => into.get_or_insert((0.0, 0.0)).0 += grown / seconds,
                Field::NetworkTransmit => into.get_or_insert((0.0, 0.0)).1 += grown / seconds,
                _ => {}
            }
        }
        physical.or(others)
    }

    /// Share of processor time not idle between the two newest readings.
    pub fn cpu_busy(&self) -> Option<f64> {
        self.sources.keys().find_map(|source| self.cpu_busy_of(source))
    }

    /// Bytes received and sent per second between the two newest readings.
    pub fn network(&self) -> Option<(f64, f64)> {
        self.sources.keys().find_map(|source| self.network_of(source))
    }

    /// Share of processor time not idle, by minute.
    pub fn cpu_history(&self, now_ms: i64) -> Vec<Option<f64>> {
        self.cpu.list(now_ms)
    }

    /// Bytes received and sent per second, by minute.
    pub fn network_history(&self, now_ms: i64) -> Vec<Option<f64>> {
        self.network.list(now_ms)
    }

    /// The newest readings of every source.
    pub fn sources(&self) -> impl Iterator<Item = (&str, &SourceRows)> {
        self.sources.iter().map(|(name, rows)| (&**name, rows))
    }

    /// When a source was last read.
    pub fn last_read(&self, source: &str) -> Option<i64> {
        self.sources.get(source).filter(|rows| !rows.restored).map(|rows| rows.last.at)
    }

    /// Value of the first column with this meaning.
    pub fn first(&self, field: Field) -> Option<f64> {
        self.all(field).map(|(_, value)| value).next()
    }

    /// Values of all columns with this meaning.
    pub fn all(&self, field: Field) -> impl Iterator<Item = (&Slot, f64)> {
        self.sources.values().flat_map(SourceRows::values).filter(move |(slot, _)| slot.field == field)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use hi_common::metric::Kind;

    use super::*;
    use crate::model::{Layout, SeriesInfo};

    /// A layout of `(metric, labels)`, numbered from 1.
    pub(crate) fn layout(source: &str, series: &[(&str, &[(&str, &str)])]) -> Arc<Layout> {
        let infos = series.iter().enumerate().map(|(index, (metric, labels))| {
            let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            let kind = if metric.ends_with("_total") { Kind::Counter } else { Kind::Gauge };
            Some(SeriesInfo { id: index as i32 + 1, host: 1, metric: Arc::from(*metric), kind, labels })
        });
        Arc::new(Layout::new(1, Arc::from(source), 1, infos.collect()))
    }

    /// A reading of that layout.
    pub(crate) fn row(layout: &Arc<Layout>, at: i64, values: &[f64]) -> Arc<LiveRow> {
        Arc::new(LiveRow {
            host: 1,
            host_name: Arc::from("nas"),
            at,
            layout: Arc::clone(layout),
            values: Arc::from(values),
        })
    }

    const CPU: [(&str, &[(&str, &str)]); 3] = [
        ("node_cpu_seconds_total", &[("cpu", "0"), ("mode", "idle")]),
        ("node_cpu_seconds_total", &[("cpu", "0"), ("mode", "iowait")]),
        ("node_cpu_seconds_total", &[("cpu", "0"), ("mode", "user")]),
    ];

    #[test]
    fn processors_are_busy_by_what_grew() {
        let cpu = layout("cpu", &CPU);
        let mut host = HostNow::default();
        host.apply(&row(&cpu, 60_000, &[100.0, 5.0, 10.0]));
        assert_eq!(host.cpu_busy(), None);
        host.apply(&row(&cpu, 70_000, &[106.0, 6.0, 13.0]));
        assert_eq!(host.cpu_busy(), Some(0.3));
        host.apply(&row(&cpu, 65_000, &[0.0, 0.0, 99.0]));
        assert_eq!(host.cpu_busy(), Some(0.3), "an older reading changes nothing");
        let history = host.cpu_history(125_000);
        assert_eq!((history.len(), history[58], history[59]), (60, Some(0.3), None));
    }

    #[test]
    fn a_changed_layout_keeps_what_it_shares_with_the_old_one() {
        let mut host = HostNow::default();
        host.apply(&row(&layout("cpu", &CPU[..2]), 0, &[100.0, 5.0]));
        let more = layout("cpu", &CPU);
        host.apply(&row(&more, 10_000, &[110.0, 5.0, 77.0]));
        assert_eq!(host.cpu_busy(), Some(0.0), "the new series has no growth yet");
    }

    #[test]
    fn traffic_counts_once() {
        let device = |name: &'static str| [("device", name)];
        let (eth, veth, lo) = (device("eth0"), device("veth1"), device("lo"));
        let net = layout(
            "network",
            &[
                ("node_network_receive_bytes_total", &eth),
                ("node_network_receive_bytes_total", &veth),
                ("node_network_receive_bytes_total", &lo),
                ("node_network_transmit_bytes_total", &eth),
            ],
        );
        let mut host = HostNow::default();
        host.apply(&row(&net, 0, &[0.0, 0.0, 0.0, 0.0]));
        host.apply(&row(&net, 10_000, &[1000.0, 900.0, 500.0, 50.0]));
        assert_eq!(host.network(), Some((100.0, 5.0)));
        assert_eq!(host.network_history(10_000)[59], Some(105.0));
    }

    #[test]
    fn restored_readings_give_way_to_live_ones() {
        let mut stored = HostNow::default();
        stored.apply(&row(
            &layout("restored", &[("node_load1", &[]), ("node_load15", &[])]),
            5_000,
            &[3.0, 1.0],
        ));
        stored.apply(&row(&layout("restored cpu", &CPU), 60_000, &[100.0, 5.0, 10.0]));
        stored.apply(&row(&layout("restored cpu", &CPU), 70_000, &[105.0, 5.0, 15.0]));
        let mut host = HostNow::default();
        host.restore(stored);
        assert_eq!((host.first(Field::Load1), host.cpu_busy()), (Some(3.0), Some(0.5)));
        assert_eq!(host.cpu_history(70_000)[59], Some(0.5));
        host.apply(&row(&layout("load", &[("node_load1", &[])]), 4_000, &[2.0]));
        assert_eq!((host.first(Field::Load1), host.cpu_busy()), (Some(2.0), Some(0.5)));
    }
}
