//! Sensors of the kernel's hwmon class (`/sys/class/hwmon`), which `sensors` shows: temperatures, fans, voltages, currents,
//! power, energy, humidity, with limits, alarms and labels, in node_exporter's names.
//!
//! Measured values and alarms are read at each run, limits and labels every ten minutes. Each sensor is read on a thread that
//! may hang with it ([`crate::source::attributes`]); what would wake a sleeping device is left alone ([`sleep`]).

mod alarms;
mod chips;
mod names;
mod samples;
mod sensor;
mod sleep;
mod table;

use std::collections::BTreeMap;
use std::time::Duration;

use hi_common::config::Section;
use hi_common::config_section;
use hi_common::event::Severity;
use hi_common::fact::FactValue;

use crate::host::{HostRoot, Scratch};
use crate::source::attributes::Reader;
use crate::source::{EventDoc, Every, Outcome, Readings, Source, SourceDef, SourceError, own_section};
use alarms::Watch;
use chips::{Chip, discover, signature};
use samples::{push_alarms, push_chips, push_troubles, push_values};
use sensor::Sensor;

config_section! {
    /// Sensors of the kernel's hwmon class.
    pub struct Config in "sources.hwmon" {
        /// Shell patterns of chips that alone are read, by their label `chip`; all when empty.
        pub include: Vec<String> = Vec::new(),
        /// Shell patterns of chips left out, by their label `chip`.
        pub exclude: Vec<String> = Vec::new(),
        /// Shell patterns of sensors left out, as `chip;sensor`: `nct6779;in*`.
        pub exclude_sensors: Vec<String> = Vec::new(),
    }
}

/// Row of the registry.
pub static DEF: SourceDef = SourceDef {
    name: "hwmon",
    summary: "Temperatures, fans, voltages, currents, power with limits and alarms, as sensors shows them, from /sys/class/hwmon; \
              a sensor that hangs holds up no other, a disk that sleeps is not woken.",
    interval: Duration::from_secs(15),
    timeout: Duration::from_secs(10),
    metrics: &table::METRICS,
    permission: "",
    keys: Config::keys,
    make: |table| Ok(Box::new(Hwmon::new(own_section(table)?))),
};

/// How long all sensors together are waited for.
const SENSORS_TIMEOUT: Duration = Duration::from_secs(4);
/// Runs in a row that a sensor must hang before that is told: one may be the load of the machine.
const STALLED_RUNS: u32 = 2;

type Doc = BTreeMap<String, FactValue>;

struct Hwmon {
    config: Config,
    scratch: Scratch,
    reader: Reader,
    chips: Vec<Chip>,
    signature: Vec<(String, String)>,
    discovery: Every,
    watch: Watch,
    /// Facts as they were told last.
    told: BTreeMap<String, Doc>,
    facts: Every,
}

impl Hwmon {
    fn new(config: Config) -> Self {
        Self {
            config,
            scratch: Scratch::default(),
            reader: Reader::new("hwmon", SENSORS_TIMEOUT),
            chips: Vec::new(),
            signature: Vec::new(),
            discovery: Every::new(Every::FACTS),
            watch: Watch::default(),
            told: BTreeMap::new(),
            facts: Every::new(Every::FACTS),
        }
    }

    /// Looks for chips when it is time, or when there are others.
    fn look(&mut self, host: &HostRoot) -> Result<(), SourceError> {
        let signature = signature(host)?;
        if self.discovery.due() || signature != self.signature {
            let before = std::mem::take(&mut self.chips);
            self.chips = discover(host, &mut self.scratch, &self.config, &signature, before);
            self.signature = signature;
            let chips = &self.chips;
            self.watch.retain(|label| chips.iter().any(|chip| chip.label == label));
        }
        Ok(())
    }

    /// Tells the facts that changed, and all now and then.
    fn tell(&mut self, out: &mut Readings) {
        let anyway = self.facts.due();
        let before = std::mem::take(&mut self.told);
        for chip in &self.chips {
            let doc = describe(chip);
            if anyway || before.get(&chip.label) != Some(&doc) {
                out.fact("sensor_chip", chip.label.clone(), doc.clone());
            }
            self.told.insert(chip.label.clone(), doc);
        }
        for label in before.into_keys().filter(|label| !self.told.contains_key(label)) {
            out.fact_gone("sensor_chip", label);
        }
    }

    /// Tells what alarms began or ended, and what hangs or does so no more.
    fn watch(&mut self, before: &[Vec<u32>], out: &mut Readings) {
        for (chip, runs) in self.chips.iter().zip(before) {
            for (sensor, was) in chip.sensors.iter().zip(runs) {
                let events = self.watch.look((&chip.label, &chip.name), sensor);
                for event in events.into_iter().chain(stalled_event(chip, sensor, *was)) {
                    out.event(event.kind, event.severity, event.message, event.data);
                }
            }
        }
    }
}

impl Source for Hwmon {
    fn read(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        self.look(host)?;
        if self.chips.is_empty() {
            self.tell(out);
            return Ok(Outcome::Absent);
        }
        let before: Vec<Vec<u32>> = self
            .chips
            .iter()
            .map(|chip| chip.sensors.iter().map(|sensor| sensor.stalled_runs).collect())
            .collect();
        let mut groups = Vec::new();
        for chip in &mut self.chips {
            groups.append(&mut chip.groups(host, &mut self.scratch));
        }
        let answers = self.reader.read(host, groups);
        self.chips.iter_mut().for_each(|chip| chip.apply(&answers));
        push_chips(&self.chips, out);
        push_values(&self.chips, out);
        push_alarms(&self.chips, out);
        self.watch(&before, out);
        self.tell(out);
        push_troubles(&self.chips, out);
        Ok(Outcome::Read)
    }
}

/// What is known of a chip.
fn describe(chip: &Chip) -> Doc {
    let text = |text: &str| FactValue::Text(text.to_owned());
    let sensor = |sensor: &Sensor| {
        let mut doc =
            Doc::from([("sensor".to_owned(), text(&sensor.name)), ("type".to_owned(), text(sensor.kind))]);
        if let Some(label) = &sensor.label {
            doc.insert("label".to_owned(), text(label));
        }
        if sensor.stalled_runs >= STALLED_RUNS {
            doc.insert("stalled".to_owned(), FactValue::Bool(true));
        }
        FactValue::Map(doc)
    };
    let mut doc = Doc::from([(
        "sensors".to_owned(),
        FactValue::List(
            chip.sensors.iter().filter(|sensor| !sensor.attributes.is_empty()).map(sensor).collect(),
        ),
    )]);
    for (key, value) in [("name", &chip.name), ("device", &chip.device)] {
        if !value.is_empty() {
            doc.insert(key.to_owned(), text(value));
        }
    }
    doc
}

/// A sensor that begins or ceases to hang; `was` are the runs for which it had hung before.
fn stalled_event(chip: &Chip, sensor: &Sensor, was: u32) -> Option<EventDoc> {
    let (kind, severity, what) = match (was, sensor.stalled_runs) {
        (was, STALLED_RUNS) if was < STALLED_RUNS => {
            ("sensor_stalled", Severity::Warning, "does not answer; the other sensors are read")
        }
        (was, 0) if was >= STALLED_RUNS => ("sensor_answers", Severity::Info, "answers again"),
        _ => return None,
    };
    let name = if chip.name.is_empty() { &chip.label } else { &chip.name };
    Some(EventDoc {
        kind,
        severity,
        message: format!("{} of {name} {what}", sensor.title()),
        data: vec![("chip", chip.label.clone()), ("sensor", sensor.name.clone())],
    })
}

#[cfg(test)]
mod tests;
