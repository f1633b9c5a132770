//! The newest value of each series that tells of storage, with its time: what moves by itself and is therefore no fact.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use hi_common::batch::is_absent;

use crate::ingest::LiveRow;
use crate::model::{Layout, SeriesId, SeriesInfo};

/// How the metrics of storage begin, and the label that names the thing that a series is about.
const METRICS: [(&str, &str); 7] = [
    ("smartctl_", "device"),
    ("hi_smart_", "device"),
    ("hi_zfs_", "pool"),
    ("hi_md_", "device"),
    ("node_md_", "device"),
    ("hi_btrfs_", "uuid"),
    ("node_btrfs_", "uuid"),
];

/// How the metrics of storage begin.
pub fn prefixes() -> impl Iterator<Item = &'static str> {
    METRICS.iter().map(|(prefix, _)| *prefix)
}

/// A value with what it is.
#[derive(Clone, Debug)]
pub struct Value {
    info: SeriesInfo,
    /// When it was read, Unix milliseconds.
    pub at: i64,
    /// The value.
    pub value: f64,
}

impl Value {
    /// Its labels.
    pub fn labels(&self) -> impl Iterator<Item = &(String, String)> {
        self.info.labels.iter()
    }

    /// Value of a label, empty when it is not there.
    pub fn label(&self, name: &str) -> &str {
        label(&self.info, name)
    }
}

/// A layout, and which of its columns are looked at.
type Columns = (Arc<Layout>, Arc<[usize]>);
type Series = HashMap<Arc<str>, BTreeMap<SeriesId, Value>>;

/// The newest values of a host.
#[derive(Debug, Default)]
pub struct Latest {
    things: HashMap<Box<str>, Series>,
    /// By source.
    layouts: HashMap<Arc<str>, Columns>,
}

/// The values about one device, pool or filesystem.
#[derive(Clone, Copy, Debug)]
pub struct Thing<'a>(Option<&'a Series>);

impl Latest {
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
        let Some(subject) = subject(info) else { return };
        if !self.things.contains_key(subject) {
            self.things.insert(subject.into(), Series::new());
        }
        let Some(series) = self.things.get_mut(subject) else { return };
        let values = series.entry(Arc::clone(&info.metric)).or_default();
        if is_absent(value) {
            values.remove(&info.id);
        } else {
            values.insert(info.id, Value { info: info.clone(), at, value });
        }
    }

    /// Takes over what was read back from the database, where nothing newer is known.
    pub fn restore(&mut self, stored: Self) {
        for (subject, series) in stored.things {
            let own = self.things.entry(subject).or_default();
            for (metric, values) in series {
                let own = own.entry(metric).or_default();
                for (id, value) in values {
                    own.entry(id).or_insert(value);
                }
            }
        }
    }

    /// What is known of a device, pool or filesystem, by its name in labels.
    pub fn of(&self, subject: &str) -> Thing<'_> {
        Thing(self.things.get(subject))
    }

    /// The columns of a layout that tell of storage. A layout that is new ends the series that it does not have any more.
    fn columns(&mut self, layout: &Arc<Layout>) -> Arc<[usize]> {
        if let Some((known, columns)) = self.layouts.get(&layout.source)
            && Arc::ptr_eq(known, layout)
        {
            return Arc::clone(columns);
        }
        let columns: Arc<[usize]> = (0..layout.infos.len()).filter(|&at| of_storage(layout, at)).collect();
        if !columns.is_empty() {
            self.end_others(layout, &columns);
        }
        self.layouts.insert(Arc::clone(&layout.source), (Arc::clone(layout), Arc::clone(&columns)));
        columns
    }

    fn end_others(&mut self, layout: &Layout, columns: &[usize]) {
        let infos = columns.iter().filter_map(|&column| layout.infos.get(column)?.as_ref());
        let metrics: HashSet<&str> = infos.map(|info| &*info.metric).collect();
        for series in self.things.values_mut() {
            for (_, values) in series.iter_mut().filter(|(metric, _)| metrics.contains(&***metric)) {
                values.retain(|id, _| layout.column(*id).is_some());
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

    /// Value of the series of a metric that has a label with this value.
    pub fn labelled(self, metric: &str, name: &str, wanted: &str) -> Option<f64> {
        self.all(metric).find(|value| value.label(name) == wanted).map(|value| value.value)
    }

    /// All series of a metric.
    pub fn all(self, metric: &str) -> impl Iterator<Item = &'a Value> {
        self.0.and_then(|series| series.get(metric)).into_iter().flat_map(BTreeMap::values)
    }

    /// Everything, with the name of its metric.
    pub fn metrics(self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let series = self.0.into_iter().flatten();
        series.flat_map(|(metric, values)| values.values().map(move |value| (&**metric, value)))
    }

    /// When the newest value of the metrics that begin so was read, Unix milliseconds.
    pub fn last_read(self, prefix: &str) -> Option<i64> {
        let of = self.0?.iter().filter(|(metric, _)| metric.starts_with(prefix));
        of.flat_map(|(_, values)| values.values()).map(|value| value.at).max()
    }
}

fn of_storage(layout: &Layout, column: usize) -> bool {
    layout.infos.get(column).and_then(Option::as_ref).is_some_and(|info| subject(info).is_some())
}

fn label<'a>(info: &'a SeriesInfo, name: &str) -> &'a str {
    info.labels.iter().find(|(label, _)| label == name).map_or("", |(_, value)| value.as_str())
}

fn subject(info: &SeriesInfo) -> Option<&str> {
    let (_, name) = METRICS.iter().find(|(prefix, _)| info.metric.starts_with(prefix))?;
    Some(label(info, name)).filter(|subject| !subject.is_empty())
}

#[cfg(test)]
mod tests {
    use hi_common::batch::ABSENT;

    use super::*;
    use crate::overview::host::tests::{layout, row};

    #[test]
    fn the_newest_values_are_known_by_the_thing_they_are_about() {
        let sda = [("device", "sda"), ("temperature_type", "current")];
        let smart = layout("smart", &[("smartctl_device_temperature", &sda)]);
        let md = layout("md", &[("hi_md_sync_ratio", &[("device", "md0")])]);
        let mut latest = Latest::default();
        latest.apply(&row(&smart, 1_000, &[31.0]));
        latest.apply(&row(&md, 1_000, &[0.5]));
        let disk = latest.of("sda");
        assert_eq!(disk.labelled("smartctl_device_temperature", "temperature_type", "current"), Some(31.0));
        assert_eq!(disk.last_read("smartctl_"), Some(1_000));
        assert_eq!(latest.of("md0").value("hi_md_sync_ratio"), Some(0.5));
        latest.apply(&row(&md, 2_000, &[ABSENT]));
        assert_eq!(latest.of("md0").value("hi_md_sync_ratio"), None);
    }

    #[test]
    fn a_new_layout_ends_the_series_it_lacks() {
        let of = |device| [("device", device)];
        let metric = "smartctl_device_power_on_seconds";
        let both = layout("smart", &[(metric, &of("sda")), (metric, &of("sdb"))]);
        let one = layout("smart", &[(metric, &of("sda"))]);
        let mut latest = Latest::default();
        latest.apply(&row(&both, 1, &[1.0, 2.0]));
        latest.apply(&row(&one, 2, &[3.0]));
        assert_eq!(latest.of("sda").value(metric), Some(3.0));
        assert_eq!(latest.of("sdb").value(metric), None);
    }
}
