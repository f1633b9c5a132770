//! The newest value of each series about things (disks, pools, sensors, containers), with its time: what moves by itself and
//! is therefore no fact. Bounded by what the hosts tell now: a series that is not told any more goes.

mod day;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use hi_common::batch::is_absent;
use hi_common::metric::Kind;

use crate::ingest::LiveRow;
use crate::model::{Layout, SeriesId, SeriesInfo};
use crate::query::rate::increase;

pub use day::{Day, DaySum};

/// Readings further apart make no rate, in milliseconds.
const PAIR_MS_MAX: i64 = 15 * 60_000;

/// What a series is about.
#[derive(Clone, Copy, Debug)]
pub enum Subject {
    /// The thing that this label names.
    Label(&'static str),
    /// The only one of its kind on a host.
    Only(&'static str),
}

/// Which metrics are looked at.
#[derive(Debug)]
pub struct Shape {
    /// How they begin, and what each is about; the first that fits counts.
    pub metrics: &'static [(&'static str, Subject)],
    /// Whether a metric is added up over the last day as well.
    pub is_integrated: fn(&str) -> bool,
}

impl Shape {
    /// Whether a series is looked at.
    pub fn takes(&self, info: &SeriesInfo) -> bool {
        self.subject(info).is_some()
    }

    fn subject<'a>(&self, info: &'a SeriesInfo) -> Option<&'a str> {
        let (_, subject) = self.metrics.iter().find(|(prefix, _)| info.metric.starts_with(prefix))?;
        match subject {
            Subject::Only(name) => Some(name),
            Subject::Label(name) => Some(label(info, name)).filter(|subject| !subject.is_empty()),
        }
    }
}

/// A value with what it is.
#[derive(Clone, Debug)]
pub struct Value {
    info: SeriesInfo,
    /// When it was read, Unix milliseconds.
    pub at: i64,
    /// The value.
    pub value: f64,
    /// The one before, with its time.
    before: Option<(i64, f64)>,
    day: Option<Box<Day>>,
}

impl Value {
    /// Name of its metric.
    pub fn metric(&self) -> &str {
        &self.info.metric
    }

    /// Its labels.
    pub fn labels(&self) -> impl Iterator<Item = &(String, String)> {
        self.info.labels.iter()
    }

    /// Value of a label, empty when it is not there.
    pub fn label(&self, name: &str) -> &str {
        label(&self.info, name)
    }

    /// Whether it only grows.
    pub fn is_counter(&self) -> bool {
        self.info.kind == Kind::Counter
    }

    /// Growth per second of a counter between its two newest readings.
    pub fn rate(&self) -> Option<f64> {
        let (at, before) = self.before?;
        let distance_ms = self.at - at;
        (1..=PAIR_MS_MAX)
            .contains(&distance_ms)
            .then(|| increase(before, self.value) * 1000.0 / distance_ms as f64)
    }

    /// What it came to over the last day, where its metric is added up.
    pub fn day(&self) -> Option<&Day> {
        self.day.as_deref()
    }

    fn next(&mut self, at: i64, value: f64) {
        if let Some(day) = &mut self.day {
            let is_counter = self.info.kind == Kind::Counter;
            day.add((self.at, self.value), (at, value), is_counter);
        }
        self.before = Some((self.at, self.value));
        (self.at, self.value) = (at, value);
    }
}

/// A layout, and which of its columns are looked at.
type Columns = (Arc<Layout>, Arc<[usize]>);
type Series = HashMap<Arc<str>, BTreeMap<SeriesId, Value>>;

/// The newest values of a host.
#[derive(Debug)]
pub struct Latest {
    shape: &'static Shape,
    things: HashMap<Box<str>, Series>,
    /// By source.
    layouts: HashMap<Arc<str>, Columns>,
}

/// The values about one thing.
#[derive(Clone, Copy, Debug)]
pub struct Thing<'a> {
    series: Option<&'a Series>,
    /// What was read before is passed over, Unix milliseconds.
    from: i64,
}

impl Latest {
    /// Nothing yet of what a shape describes.
    pub fn new(shape: &'static Shape) -> Self {
        Self { shape, things: HashMap::new(), layouts: HashMap::new() }
    }

    /// Takes a reading.
    pub fn apply(&mut self, row: &LiveRow) {
        let columns = self.columns(&row.layout);
        for &column in columns.iter() {
            let info = row.layout.infos.get(column).and_then(Option::as_ref);
            if let (Some(info), Some(&value)) = (info, row.values.get(column)) {
                self.take(info, row.at, value);
            }
        }
    }

    /// Takes one value.
    pub fn take(&mut self, info: &SeriesInfo, at: i64, value: f64) {
        let Some(subject) = self.shape.subject(info) else { return };
        if !self.things.contains_key(subject) {
            self.things.insert(subject.into(), Series::new());
        }
        let Some(series) = self.things.get_mut(subject) else { return };
        let values = series.entry(Arc::clone(&info.metric)).or_default();
        if is_absent(value) {
            values.remove(&info.id);
        } else if let Some(known) = values.get_mut(&info.id) {
            known.next(at, value);
        } else {
            let day = (self.shape.is_integrated)(&info.metric).then(|| Box::new(Day::begin(at)));
            values.insert(info.id, Value { info: info.clone(), at, value, before: None, day });
        }
    }

    /// Takes over what was read back from the database, where nothing newer is known.
    pub fn restore(&mut self, stored: Self) {
        for (subject, series) in stored.things {
            let own = self.things.entry(subject).or_default();
            for (metric, values) in series {
                let own = own.entry(metric).or_default();
                for (id, value) in values {
                    match own.get_mut(&id) {
                        None => drop(own.insert(id, value)),
                        Some(live) => {
                            if let (Some(live), Some(stored)) = (&mut live.day, &value.day) {
                                live.fill(stored);
                            }
                        }
                    }
                }
            }
        }
    }

    /// What is known of a thing, by its name in labels.
    pub fn of(&self, subject: &str) -> Thing<'_> {
        self.of_since(subject, i64::MIN)
    }

    /// What of it was read at this time or later, Unix milliseconds: what a source tells no more is no news.
    pub fn of_since(&self, subject: &str, from: i64) -> Thing<'_> {
        Thing { series: self.things.get(subject), from }
    }

    /// The things that something of a metric that begins so is known of, by name.
    pub fn subjects(&self, prefix: &str) -> Vec<&str> {
        let has = |series: &Series| {
            series.iter().any(|(metric, values)| metric.starts_with(prefix) && !values.is_empty())
        };
        let mut found: Vec<&str> =
            self.things.iter().filter(|(_, series)| has(series)).map(|(name, _)| &**name).collect();
        found.sort_unstable();
        found
    }

    /// Number of series.
    pub fn len(&self) -> usize {
        self.things.values().flat_map(HashMap::values).map(BTreeMap::len).sum()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The columns of a layout that are looked at. A layout that is new ends the series that it does not have any more.
    fn columns(&mut self, layout: &Arc<Layout>) -> Arc<[usize]> {
        let known = self.layouts.get(&layout.source).cloned();
        if let Some((known, columns)) = &known
            && Arc::ptr_eq(known, layout)
        {
            return Arc::clone(columns);
        }
        let taken = |&at: &usize| {
            layout.infos.get(at).and_then(Option::as_ref).is_some_and(|info| self.shape.takes(info))
        };
        let columns: Arc<[usize]> = (0..layout.infos.len()).filter(taken).collect();
        match &known {
            Some((before, columns)) => self.end_gone(before, columns, layout),
            None if !columns.is_empty() => self.end_others(layout, &columns),
            None => {}
        }
        self.layouts.insert(Arc::clone(&layout.source), (Arc::clone(layout), Arc::clone(&columns)));
        columns
    }

    /// Ends the series of a source's layout that its next one lacks.
    fn end_gone(&mut self, before: &Layout, columns: &[usize], layout: &Layout) {
        for info in columns.iter().filter_map(|&column| before.infos.get(column)?.as_ref()) {
            if layout.column(info.id).is_some() {
                continue;
            }
            let Some(subject) = self.shape.subject(info) else { continue };
            let Some(series) = self.things.get_mut(subject) else { continue };
            if let Some(values) = series.get_mut(&info.metric) {
                values.remove(&info.id);
                if values.is_empty() {
                    series.remove(&info.metric);
                }
            }
            if series.is_empty() {
                self.things.remove(subject);
            }
        }
    }

    /// Ends what was read back from the database of the metrics that a source tells, and that it does not tell any more.
    fn end_others(&mut self, layout: &Layout, columns: &[usize]) {
        let infos = columns.iter().filter_map(|&column| layout.infos.get(column)?.as_ref());
        let metrics: HashSet<&str> = infos.map(|info| &*info.metric).collect();
        for series in self.things.values_mut() {
            for (_, values) in series.iter_mut().filter(|(metric, _)| metrics.contains(&***metric)) {
                values.retain(|id, _| {
                    layout.column(*id).is_some()
                        || self.layouts.values().any(|(other, _)| other.column(*id).is_some())
                });
            }
        }
        self.things.retain(|_, series| series.values().any(|values| !values.is_empty()));
    }
}

impl<'a> Thing<'a> {
    /// Value of the only series of a metric, or the first of several.
    pub fn value(self, metric: &str) -> Option<f64> {
        self.all(metric).next().map(|value| value.value)
    }

    /// Value of the first of these metrics that there is.
    pub fn first(self, metrics: &[&str]) -> Option<f64> {
        metrics.iter().find_map(|metric| self.value(metric)).filter(|value| value.is_finite())
    }

    /// Value of the series of a metric that has a label with this value.
    pub fn labelled(self, metric: &str, name: &str, wanted: &str) -> Option<f64> {
        self.all(metric).find(|value| value.label(name) == wanted).map(|value| value.value)
    }

    /// All series of a metric.
    pub fn all(self, metric: &str) -> impl Iterator<Item = &'a Value> {
        let values = self.series.and_then(|series| series.get(metric)).into_iter().flat_map(BTreeMap::values);
        values.filter(move |value| value.at >= self.from)
    }

    /// Everything, with the name of its metric.
    pub fn metrics(self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let series = self.series.into_iter().flatten();
        let all = series.flat_map(|(metric, values)| values.values().map(move |value| (&**metric, value)));
        all.filter(move |(_, value)| value.at >= self.from)
    }

    /// When the newest value of the metrics that begin so was read, Unix milliseconds.
    pub fn last_read(self, prefix: &str) -> Option<i64> {
        let of = self.metrics().filter(|(metric, _)| metric.starts_with(prefix));
        of.map(|(_, value)| value.at).max()
    }
}

fn label<'a>(info: &'a SeriesInfo, name: &str) -> &'a str {
    info.labels.iter().find(|(label, _)| label == name).map_or("", |(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use hi_common::batch::ABSENT;

    use super::*;
    use crate::overview::host::tests::{layout, row};
    use crate::storage::SHAPE;

    #[test]
    fn the_newest_values_are_known_by_the_thing_they_are_about() {
        let sda = [("device", "sda"), ("temperature_type", "current")];
        let smart = layout("smart", &[("smartctl_device_temperature", &sda)]);
        let md = layout("md", &[("hi_md_sync_ratio", &[("device", "md0")])]);
        let mut latest = Latest::new(&SHAPE);
        latest.apply(&row(&smart, 1_000, &[31.0]));
        latest.apply(&row(&md, 1_000, &[0.5]));
        let disk = latest.of("sda");
        assert_eq!(disk.labelled("smartctl_device_temperature", "temperature_type", "current"), Some(31.0));
        assert_eq!(disk.last_read("smartctl_"), Some(1_000));
        assert_eq!(latest.of("md0").value("hi_md_sync_ratio"), Some(0.5));
        assert_eq!(latest.subjects("hi_md_"), ["md0"]);
        latest.apply(&row(&md, 2_000, &[ABSENT]));
        assert_eq!(latest.of("md0").value("hi_md_sync_ratio"), None);
    }

    #[test]
    fn a_new_layout_ends_the_series_it_lacks() {
        let of = |device| [("device", device)];
        let metric = "smartctl_device_power_on_seconds";
        let both = layout("smart", &[(metric, &of("sda")), (metric, &of("sdb"))]);
        let one = layout("smart", &[(metric, &of("sda"))]);
        let none = layout("smart", &[]);
        let mut latest = Latest::new(&SHAPE);
        latest.apply(&row(&both, 1, &[1.0, 2.0]));
        latest.apply(&row(&one, 2, &[3.0]));
        assert_eq!(latest.of("sda").value(metric), Some(3.0));
        assert_eq!(latest.of("sdb").value(metric), None);
        latest.apply(&row(&none, 3, &[]));
        assert!(latest.is_empty() && latest.things.is_empty());
    }

    #[test]
    fn what_was_read_back_ends_as_well() {
        let of = |device| [("device", device)];
        let metric = "smartctl_device_power_on_seconds";
        let both = layout("smart", &[(metric, &of("sda")), (metric, &of("sdb"))]);
        let mut stored = Latest::new(&SHAPE);
        for info in both.infos.iter().flatten() {
            stored.take(info, 1, 1.0);
        }
        let mut latest = Latest::new(&SHAPE);
        latest.restore(stored);
        assert_eq!(latest.len(), 2);
        latest.apply(&row(&layout("smart", &[(metric, &of("sda"))]), 2, &[3.0]));
        assert_eq!(latest.len(), 1);
    }

    #[test]
    fn counters_have_a_rate_unless_the_readings_lie_too_far_apart() {
        let metric = "smartctl_device_bytes_read_total";
        let smart = layout("smart", &[(metric, &[("device", "sda")])]);
        let mut latest = Latest::new(&SHAPE);
        let rate = |latest: &Latest| latest.of("sda").all(metric).next().and_then(Value::rate);
        latest.apply(&row(&smart, 0, &[100.0]));
        assert_eq!(rate(&latest), None);
        latest.apply(&row(&smart, 10_000, &[150.0]));
        assert_eq!(rate(&latest), Some(5.0));
        latest.apply(&row(&smart, 20_000, &[20.0]));
        assert_eq!(rate(&latest), Some(2.0), "it began anew");
        latest.apply(&row(&smart, 10_000_000, &[30.0]));
        assert_eq!(rate(&latest), None);
    }
}
