//! A sensor of a chip: its attributes, and what was read of them.

use super::alarms::{Alarm, judge};
use super::names::FileName;
use super::table::{Row, find, moves};
use crate::source::attributes::{Answer, Group, Value};

/// A sensor.
pub(super) struct Sensor {
    /// Type: `temp`.
    pub(super) kind: &'static str,
    /// Label `sensor`: `temp1`.
    pub(super) name: String,
    /// What it measures, in its driver's words.
    pub(super) label: Option<String>,
    label_path: Option<String>,
    pub(super) attributes: Vec<Attribute>,
    /// Whether its limits and label have to be read.
    whole: bool,
    /// Runs in a row that it has not answered.
    pub(super) stalled_runs: u32,
    /// The error it answered with, if any.
    pub(super) failure: Option<String>,
    /// Its alarms, as far as they are known now.
    pub(super) alarms: Vec<Alarm>,
    /// Whether any was ever known: then it keeps its place among the series.
    pub(super) has_alarms: bool,
}

/// An attribute with a metric.
pub(super) struct Attribute {
    pub(super) property: String,
    path: String,
    /// Place of the metric in the table.
    pub(super) order: usize,
    pub(super) row: &'static Row,
    moves: bool,
    /// The number as the driver gives it.
    pub(super) value: Option<f64>,
    /// Whether it ever had one: then it keeps its place among the series.
    pub(super) known: bool,
}

impl Sensor {
    /// A number as the driver gives it.
    pub(super) fn number(&self, property: &str) -> Option<f64> {
        self.attributes.iter().find(|attribute| attribute.property == property)?.value
    }

    /// What to call it.
    pub(super) fn title(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.name)
    }

    /// Has its limits and label read again.
    pub(super) fn renew(&mut self) {
        self.whole = true;
    }

    /// What is to be read of it now.
    pub(super) fn group(&self, chip: &str) -> Option<Group> {
        let wanted = |attribute: &&Attribute| self.whole || attribute.moves;
        let paths = self.attributes.iter().filter(wanted).map(|attribute| attribute.path.clone());
        let label = self.label_path.iter().filter(|_| self.whole).cloned();
        let paths: Vec<String> = label.chain(paths).collect();
        (!paths.is_empty()).then(|| Group { key: key(chip, &self.name), paths })
    }

    pub(super) fn apply(&mut self, answer: Option<&Answer>) {
        self.failure = None;
        for attribute in self.attributes.iter_mut().filter(|attribute| attribute.moves) {
            attribute.value = None;
        }
        match answer {
            Some(Answer::Stalled) => self.stalled_runs = self.stalled_runs.saturating_add(1),
            Some(Answer::Values(values)) => {
                self.stalled_runs = 0;
                self.whole &= values.len() < self.attributes.len() + usize::from(self.label_path.is_some());
                values.iter().for_each(|(path, value)| self.set(path, value));
            }
            // The chip sleeps, the sensor is slow, or there is nothing to ask.
            Some(Answer::Waiting) | None => {}
        }
        self.alarms = judge(self);
        self.has_alarms |= !self.alarms.is_empty();
    }

    fn set(&mut self, path: &str, value: &Value) {
        if self.label_path.as_deref() == Some(path) {
            self.label = match value {
                Value::Text(text) => Some(text.clone()),
                Value::Silent | Value::Failed(_) => self.label.take(),
            };
            return;
        }
        let Some(attribute) = self.attributes.iter_mut().find(|attribute| attribute.path == path) else {
            return;
        };
        match (value, value.number()) {
            (_, Some(number)) => (attribute.value, attribute.known) = (Some(number), true),
            (Value::Failed(error), _) if attribute.moves => self.failure = Some(error.clone()),
            // A limit that cannot be read just now stays as it was.
            _ => {}
        }
    }
}

/// Which sensor it is, for its [`Group`].
pub(super) fn key(chip: &str, sensor: &str) -> String {
    format!("{chip}/{sensor}")
}

/// Takes over what the same sensor said before.
pub(super) fn inherit(sensor: &mut Sensor, known: &mut Vec<Sensor>) {
    let Some(index) = known.iter().position(|old| old.name == sensor.name) else { return };
    let old = known.swap_remove(index);
    (sensor.label, sensor.stalled_runs, sensor.has_alarms) = (old.label, old.stalled_runs, old.has_alarms);
    for attribute in &mut sensor.attributes {
        if let Some(old) = old.attributes.iter().find(|old| old.path == attribute.path) {
            (attribute.value, attribute.known) = (old.value, old.known);
        }
    }
}

/// Adds an attribute to its sensor; whether it is one that is told.
pub(super) fn add(sensors: &mut Vec<Sensor>, name: &FileName<'_>, path: String) -> bool {
    let row = find(name.kind, name.property);
    if row.is_none() && name.property != "label" {
        return false;
    }
    let index = sensors.iter().position(|sensor| sensor.name == name.sensor).unwrap_or_else(|| {
        sensors.push(Sensor {
            kind: name.kind,
            name: name.sensor.clone(),
            label: None,
            label_path: None,
            attributes: Vec::new(),
            whole: true,
            stalled_runs: 0,
            failure: None,
            alarms: Vec::new(),
            has_alarms: false,
        });
        sensors.len() - 1
    });
    let Some(sensor) = sensors.get_mut(index) else { return false };
    match row {
        None => drop(sensor.label_path.get_or_insert(path)),
        Some(_) if sensor.attributes.iter().any(|known| known.property == name.property) => return false,
        Some((order, row)) => sensor.attributes.push(Attribute {
            property: name.property.to_owned(),
            path,
            order,
            row,
            moves: moves(name.kind, name.property),
            value: None,
            known: false,
        }),
    }
    true
}
