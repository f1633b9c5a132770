//! The chips of a host with their sensors: which there are, without asking a driver, and what was read of them.

use std::collections::HashMap;

use crate::host::{At, HostRoot, Scratch};
use crate::source::attributes::{Answer, Group};
use crate::source::{Every, SourceError};

use super::Config;
use super::names::{Origin, chip_labels, parse};
use super::sensor::{Sensor, add, inherit, key};
use super::sleep::Sleep;
use crate::source::pattern::Patterns;

const CLASS: &str = "class/hwmon";
/// Most attributes taken of one chip; the largest known (nct6796) has about 300.
const ATTRIBUTES_MAX: usize = 2048;

/// A chip.
pub(super) struct Chip {
    /// Label `chip`.
    pub(super) label: String,
    /// Name that its driver gives it; may be empty.
    pub(super) name: String,
    /// Its device below `/sys`; empty when there is none.
    pub(super) device: String,
    pub(super) sensors: Vec<Sensor>,
    pub(super) sleep: Sleep,
    /// Whether it was left alone this time.
    pub(super) asleep: bool,
    /// When limits and labels are read again.
    settled: Every,
}

impl Chip {
    /// What is to be read of it now; nothing while it sleeps.
    pub(super) fn groups(&mut self, host: &HostRoot, scratch: &mut Scratch) -> Vec<Group> {
        self.asleep = self.sleep.sleeps(host, scratch);
        if self.asleep {
            return Vec::new();
        }
        if self.settled.due() {
            self.sensors.iter_mut().for_each(Sensor::renew);
        }
        self.sensors.iter().filter_map(|sensor| sensor.group(&self.label)).collect()
    }

    /// Takes what was read.
    pub(super) fn apply(&mut self, answers: &HashMap<String, Answer>) {
        for sensor in &mut self.sensors {
            let answer = answers.get(&key(&self.label, &sensor.name));
            sensor.apply(answer);
        }
    }
}

/// Which chips there are, to notice when that changes: folders and where they lead.
pub(super) fn signature(host: &HostRoot) -> Result<Vec<(String, String)>, SourceError> {
    let names = host.list(At::Sys, CLASS)?;
    let target = |name: String| {
        let target = host.link(At::Sys, &format!("{CLASS}/{name}")).unwrap_or_default();
        (name, target)
    };
    Ok(names.into_iter().map(target).collect())
}

/// Looks which chips and sensors there are. What a chip said before stays with it.
pub(super) fn discover(
    host: &HostRoot,
    scratch: &mut Scratch,
    config: &Config,
    folders: &[(String, String)],
    mut before: Vec<Chip>,
) -> Vec<Chip> {
    let folders = folders.iter().map(|(folder, _)| folder);
    let origins: Vec<Origin> = folders
        .filter(|folder| host.is_folder(At::Sys, &format!("{CLASS}/{folder}")))
        .map(|folder| Origin {
            device: host.resolve(At::Sys, &format!("{CLASS}/{folder}/device")).unwrap_or_default(),
            name: host.attribute(scratch, &format!("{CLASS}/{folder}/name")).unwrap_or_default().to_owned(),
            folder: folder.clone(),
        })
        .collect();
    let (include, exclude) = (Patterns::new(&config.include), Patterns::new(&config.exclude));
    let exclude_sensors = Patterns::new(&config.exclude_sensors);
    let mut chips: Vec<Chip> = Vec::new();
    for (origin, label) in origins.iter().zip(chip_labels(&origins)) {
        let wanted = (config.include.is_empty() || include.matches(&label)) && !exclude.matches(&label);
        if !wanted || chips.iter().any(|chip| chip.label == label) {
            continue;
        }
        let old = before.iter_mut().find(|chip| chip.label == label && chip.device == origin.device);
        let (sleep, mut known) = match old {
            Some(old) => (std::mem::take(&mut old.sleep), std::mem::take(&mut old.sensors)),
            None => (Sleep::of(host, scratch, origin), Vec::new()),
        };
        let mut sensors = sensors(host, origin);
        sensors.retain(|sensor| !exclude_sensors.matches(&format!("{label};{}", sensor.name)));
        for sensor in &mut sensors {
            inherit(sensor, &mut known);
        }
        chips.push(Chip {
            name: origin.name.clone(),
            device: origin.device.clone(),
            label,
            sensors,
            sleep,
            asleep: false,
            settled: Every::new(Every::FACTS),
        });
    }
    chips
}

/// Sensors of a chip, by type and number. Old drivers have their attributes in the folder of the device; what both have is
/// taken from there, as in node_exporter.
fn sensors(host: &HostRoot, origin: &Origin) -> Vec<Sensor> {
    let mut sensors: Vec<Sensor> = Vec::new();
    let folder = format!("{CLASS}/{}", origin.folder);
    let mut folders = vec![folder.clone()];
    if !origin.device.is_empty() {
        folders.insert(0, format!("{folder}/device"));
    }
    let mut left = ATTRIBUTES_MAX;
    for folder in folders {
        for file in host.list(At::Sys, &folder).unwrap_or_default() {
            let Some(name) = parse(&file).filter(|_| left > 0) else { continue };
            if add(&mut sensors, &name, format!("{folder}/{file}")) {
                left -= 1;
            }
        }
    }
    let order = |sensor: &Sensor| (sensor.kind, sensor.name.len(), sensor.name.clone());
    sensors.sort_by_cached_key(order);
    sensors
}
