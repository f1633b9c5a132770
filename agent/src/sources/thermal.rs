//! Thermal zones and cooling devices (`/sys/class/thermal`, Documentation/ABI/testing/sysfs-class-thermal), in node_exporter's
//! names. A zone whose firmware does not answer costs only itself ([`crate::source::attributes`]).

use std::time::Duration;

use hi_common::config::Section;
use hi_common::config_section;
use hi_common::metric::{MetricDef, Unit};

use crate::host::{At, HostRoot};
use crate::source::attributes::{Answer, Group, Reader, Value};
use crate::source::pattern::Patterns;
use crate::source::{Outcome, Readings, Source, SourceDef, SourceError, own_section};

config_section! {
    /// Thermal zones and cooling devices.
    pub struct Config in "sources.thermal" {
        /// Shell patterns of zones and cooling devices left out, by their type: `iwlwifi*`.
        pub exclude: Vec<String> = Vec::new(),
    }
}

static ZONE: MetricDef = MetricDef::gauge(
    "node_thermal_zone_temp",
    Unit::Celsius,
    &["zone", "type"],
    "Temperature of a thermal zone.",
);
static CURRENT: MetricDef = MetricDef::gauge(
    "node_cooling_device_cur_state",
    Unit::None,
    &["name", "type"],
    "How much a cooling device (a fan, a processor's clock) does: 0 is nothing.",
);
static MAX: MetricDef = MetricDef::gauge(
    "node_cooling_device_max_state",
    Unit::None,
    &["name", "type"],
    "The most that a cooling device can do.",
);
static STALLED: MetricDef = MetricDef::gauge(
    "hi_thermal_stalled",
    Unit::None,
    &[],
    "Thermal zones and cooling devices that did not answer in time.",
);

/// Row of the registry.
pub static DEF: SourceDef = SourceDef {
    name: "thermal",
    summary: "Temperature of thermal zones and state of cooling devices, from /sys/class/thermal.",
    interval: Duration::from_secs(15),
    timeout: Duration::from_secs(10),
    metrics: &[&ZONE, &CURRENT, &MAX, &STALLED],
    permission: "",
    keys: Config::keys,
    make: |table| {
        let config: Config = own_section(table)?;
        let exclude = Patterns::new(&config.exclude);
        Ok(Box::new(Thermal { exclude, reader: Reader::new("thermal", ALL_TIMEOUT), things: Vec::new() }))
    },
};

const CLASS: &str = "class/thermal";
/// How long all zones together are waited for.
const ALL_TIMEOUT: Duration = Duration::from_secs(4);

struct Thermal {
    exclude: Patterns,
    reader: Reader,
    /// As they were found last, in the order of their numbers.
    things: Vec<Thing>,
}

/// A zone or a cooling device.
struct Thing {
    folder: String,
    is_zone: bool,
    /// What follows the class in the name of its folder: a number.
    number: String,
    kind: String,
    /// Temperature in thousandths of a degree, or state and highest state.
    numbers: [Option<f64>; 2],
    /// Whether it ever had a number.
    known: bool,
}

impl Thing {
    fn new(folder: &str) -> Option<Self> {
        let (is_zone, number) = match folder.strip_prefix("thermal_zone") {
            Some(number) => (true, number),
            None => (false, folder.strip_prefix("cooling_device")?),
        };
        let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| Self {
            folder: folder.to_owned(),
            is_zone,
            number: number.to_owned(),
            kind: String::new(),
            numbers: [None; 2],
            known: false,
        })
    }

    fn files(&self) -> &'static [&'static str] {
        if self.is_zone { &["type", "temp"] } else { &["type", "cur_state", "max_state"] }
    }

    fn apply(&mut self, answer: Option<Answer>) {
        self.numbers = [None; 2];
        let Some(Answer::Values(values)) = answer else { return };
        let mut values = values.into_iter().map(|(_, value)| value);
        if let Some(Value::Text(kind)) = values.next() {
            self.kind = kind;
        }
        for (number, value) in self.numbers.iter_mut().zip(values) {
            *number = value.number();
        }
        self.known |= self.numbers.iter().any(Option::is_some);
    }
}

impl Source for Thermal {
    fn read(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        let folders = host.list(At::Sys, CLASS)?;
        let mut before = std::mem::take(&mut self.things);
        for folder in &folders {
            let old = before.iter().position(|thing| thing.folder == *folder);
            let thing = old.map(|index| before.swap_remove(index)).or_else(|| Thing::new(folder));
            self.things.extend(thing);
        }
        if self.things.is_empty() {
            return Ok(Outcome::Absent);
        }
        self.things.sort_by_cached_key(|thing| (thing.number.len(), thing.number.clone()));
        let group = |thing: &Thing| Group {
            key: thing.folder.clone(),
            paths: thing.files().iter().map(|file| format!("{CLASS}/{}/{file}", thing.folder)).collect(),
        };
        let mut answers = self.reader.read(host, self.things.iter().map(group).collect());
        let stalled: Vec<String> = answers
            .iter()
            .filter(|(_, answer)| **answer == Answer::Stalled)
            .map(|(folder, _)| folder.clone())
            .collect();
        for thing in &mut self.things {
            thing.apply(answers.remove(&thing.folder));
        }
        self.push(out);
        out.push(&STALLED, &[], stalled.len() as f64);
        stalled.iter().for_each(|folder| out.note(format!("{folder}: does not answer")));
        Ok(Outcome::Read)
    }
}

impl Thermal {
    fn push(&self, out: &mut Readings) {
        let wanted = |thing: &&Thing| thing.known && !self.exclude.matches(&thing.kind);
        let mut push = |metric: &'static MetricDef, is_zone: bool, index: usize, divisor: f64| {
            for thing in self.things.iter().filter(wanted).filter(|thing| thing.is_zone == is_zone) {
                let labels = [thing.number.as_str(), thing.kind.as_str()];
                match thing.numbers.get(index).copied().flatten() {
                    Some(number) => out.push(metric, &labels, number / divisor),
                    None => out.push_absent(metric, &labels),
                }
            }
        };
        push(&ZONE, true, 0, 1000.0);
        push(&CURRENT, false, 0, 1.0);
        push(&MAX, false, 1, 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn zones_and_devices_are_told_and_bad_ones_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let put = |thing: &str, files: &[(&str, &str)]| {
            let place = folder.path().join("sys/class/thermal").join(thing);
            fs::create_dir_all(&place).unwrap();
            files.iter().for_each(|(file, text)| fs::write(place.join(file), text).unwrap());
        };
        put("thermal_zone0", &[("type", "acpitz\n"), ("temp", "27800\n")]);
        put("thermal_zone10", &[("type", "x86_pkg_temp\n"), ("temp", "-1500\n")]);
        put("thermal_zone2", &[("type", "iwlwifi_1\n"), ("temp", "garbage\n")]);
        put("thermal_zonex", &[("type", "no\n"), ("temp", "1\n")]);
        put(
            "cooling_device0",
            &[("type", "intel_powerclamp\n"), ("cur_state", "-1\n"), ("max_state", "50\n")],
        );
        let host = HostRoot::captured(folder.path());
        let mut source = (DEF.make)(&toml::Table::new()).unwrap();
        let mut out = Readings::default();
        assert_eq!(source.read(&host, &mut out).unwrap(), Outcome::Read);
        let found: Vec<(String, f64)> = out
            .samples()
            .map(|(metric, labels, value)| (format!("{} {}", metric.name, labels.join(" ")), value))
            .collect();
        let found: Vec<(&str, f64)> = found.iter().map(|(series, value)| (series.as_str(), *value)).collect();
        assert_eq!(
            found,
            [
                ("node_thermal_zone_temp 0 acpitz", 27.8),
                ("node_thermal_zone_temp 10 x86_pkg_temp", -1.5),
                ("node_cooling_device_cur_state 0 intel_powerclamp", -1.0),
                ("node_cooling_device_max_state 0 intel_powerclamp", 50.0),
                ("hi_thermal_stalled ", 0.0),
            ]
        );
        fs::write(folder.path().join("sys/class/thermal/thermal_zone0/temp"), "").unwrap();
        out.clear();
        assert_eq!(source.read(&host, &mut out).unwrap(), Outcome::Read);
        assert!(out.values()[0].is_nan(), "it keeps its place");
        let empty = tempfile::tempdir().unwrap();
        out.clear();
        let outcome =
            (DEF.make)(&toml::Table::new()).unwrap().read(&HostRoot::captured(empty.path()), &mut out);
        assert_eq!((outcome.unwrap(), out.len()), (Outcome::Absent, 0));
    }
}
