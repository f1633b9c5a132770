//! Batteries and mains adapters (`/sys/class/power_supply`, Documentation/power/power_supply_class.rst) in node_exporter's names.
//! A supply that does not answer (a wireless mouse that sleeps) costs only itself ([`crate::source::attributes`]).

mod table;

use std::collections::BTreeMap;
use std::time::Duration;

use hi_common::config::Section;
use hi_common::config_section;
use hi_common::event::Severity;
use hi_common::fact::FactValue;

use crate::host::{At, HostRoot};
use crate::source::attributes::{Answer, Group, Reader, Value};
use crate::source::pattern::Patterns;
use crate::source::{Every, Outcome, Readings, Source, SourceDef, SourceError, own_section};
use table::{INFO, METRICS, ROWS, STALLED, WORDS};

config_section! {
    /// Batteries and mains adapters.
    pub struct Config in "sources.power_supply" {
        /// Shell patterns of power supplies left out, by their names below `/sys/class/power_supply`.
        pub exclude: Vec<String> = Vec::new(),
    }
}

/// Row of the registry.
pub static DEF: SourceDef = SourceDef {
    name: "power_supply",
    summary: "Batteries and mains adapters: charge, energy, power, health, from /sys/class/power_supply.",
    interval: Duration::from_secs(15),
    timeout: Duration::from_secs(10),
    metrics: &METRICS,
    permission: "",
    keys: Config::keys,
    make: |table| {
        let config: Config = own_section(table)?;
        Ok(Box::new(PowerSupply::new(Patterns::new(&config.exclude))))
    },
};

const CLASS: &str = "class/power_supply";
/// How long all supplies together are waited for.
const ALL_TIMEOUT: Duration = Duration::from_secs(4);
/// Words that tell a fact, and their keys there.
const FACT: [(&str, &str); 6] = [
    ("type", "type"),
    ("scope", "scope"),
    ("manufacturer", "manufacturer"),
    ("model_name", "model"),
    ("serial_number", "serial"),
    ("technology", "technology"),
];

type Doc = BTreeMap<String, FactValue>;

struct PowerSupply {
    exclude: Patterns,
    reader: Reader,
    supplies: Vec<Supply>,
    discovery: Every,
    /// Whether something outside gave power at the last look, where that is known.
    powered: Option<bool>,
    told: BTreeMap<String, Doc>,
    facts: Every,
}

/// A supply and what it said.
#[derive(Debug, Default)]
struct Supply {
    name: String,
    /// Paths of the attributes it has.
    paths: Vec<String>,
    /// By place in [`ROWS`]: the number, and whether there ever was one.
    numbers: Vec<Option<Option<f64>>>,
    /// By place in [`WORDS`].
    words: [String; WORDS.len()],
    stalled: bool,
    answered: bool,
}

impl Supply {
    fn new(host: &HostRoot, name: String) -> Result<Self, SourceError> {
        let folder = format!("{CLASS}/{name}");
        let known =
            |file: &String| WORDS.contains(&file.as_str()) || ROWS.iter().any(|(own, ..)| own == file);
        let files = host.list(At::Sys, &folder)?.into_iter().filter(known);
        let paths = files.map(|file| format!("{folder}/{file}")).collect();
        Ok(Self { name, paths, numbers: vec![None; ROWS.len()], ..Self::default() })
    }

    fn apply(&mut self, answer: Option<Answer>) {
        self.stalled = answer == Some(Answer::Stalled);
        for number in self.numbers.iter_mut().flatten() {
            *number = None;
        }
        let Some(Answer::Values(values)) = answer else { return };
        self.answered = true;
        for (path, value) in values {
            let file = path.rsplit('/').next().unwrap_or_default();
            if let Some(word) =
                WORDS.iter().position(|own| *own == file).and_then(|at| self.words.get_mut(at))
            {
                match value {
                    Value::Text(text) => *word = text,
                    Value::Silent | Value::Failed(_) => word.clear(),
                }
            } else if let Some(place) = ROWS.iter().position(|(own, ..)| *own == file)
                && let (Some(slot), Some(number)) = (self.numbers.get_mut(place), value.number())
            {
                *slot = Some(Some(number));
            }
        }
    }

    fn word(&self, file: &str) -> &str {
        let place = WORDS.iter().position(|own| *own == file);
        place.and_then(|at| self.words.get(at)).map_or("", String::as_str)
    }

    fn number(&self, file: &str) -> Option<f64> {
        let place = ROWS.iter().position(|(own, ..)| *own == file)?;
        self.numbers.get(place).copied().flatten().flatten()
    }

    /// Whether it brings power from outside, and does so now; `None` for batteries and what is no part of the machine.
    fn brings_power(&self) -> Option<bool> {
        let outside = !matches!(self.word("type"), "Battery" | "") && self.word("scope") != "Device";
        self.number("online").filter(|_| outside).map(|online| online > 0.0)
    }

    fn describe(&self) -> Doc {
        let row = |(file, key): &(&str, &str)| {
            let text = self.word(file);
            (!text.is_empty()).then(|| ((*key).to_owned(), FactValue::Text(text.to_owned())))
        };
        FACT.iter().filter_map(row).collect()
    }
}

impl PowerSupply {
    fn new(exclude: Patterns) -> Self {
        Self {
            exclude,
            reader: Reader::new("power_supply", ALL_TIMEOUT),
            supplies: Vec::new(),
            discovery: Every::new(Every::FACTS),
            powered: None,
            told: BTreeMap::new(),
            facts: Every::new(Every::FACTS),
        }
    }

    /// Looks which supplies there are, and now and then which attributes they have.
    fn look(&mut self, host: &HostRoot) -> Result<(), SourceError> {
        let mut names = host.list(At::Sys, CLASS)?;
        names.retain(|name| !self.exclude.matches(name));
        let anew = self.discovery.due();
        if !anew && names.iter().eq(self.supplies.iter().map(|supply| &supply.name)) {
            return Ok(());
        }
        let mut before = std::mem::take(&mut self.supplies);
        for name in names {
            let old = before.iter().position(|supply| supply.name == name);
            let mut supply = Supply::new(host, name)?;
            if let Some(old) = old.map(|index| before.swap_remove(index)) {
                (supply.numbers, supply.words, supply.answered) = (old.numbers, old.words, old.answered);
            }
            self.supplies.push(supply);
        }
        Ok(())
    }

    /// Tells when the last supply from outside goes, and when one is back.
    fn watch(&mut self, out: &mut Readings) {
        let states = || self.supplies.iter().filter_map(|supply| Some((supply, supply.brings_power()?)));
        let Some(now) = states().map(|(_, brings)| brings).reduce(|a, b| a || b) else { return };
        let before = self.powered.replace(now);
        let charge = self.supplies.iter().find_map(|supply| supply.number("capacity"));
        let charge = charge.map(|percent| format!(", battery at {percent:.0} %")).unwrap_or_default();
        let (kind, severity, what) = match (before, now) {
            (Some(true), false) => ("power_supply_offline", Severity::Warning, "on battery: no power from"),
            (Some(false), true) => ("power_supply_online", Severity::Info, "power is back from"),
            _ => return,
        };
        let names = states().filter(|(_, brings)| *brings == now).map(|(supply, _)| supply.name.as_str());
        let names = names.collect::<Vec<_>>().join(", ");
        let message = format!("{what} {names}{charge}");
        out.event(kind, severity, message, vec![("power_supply", names)]);
    }

    fn push(&self, out: &mut Readings) {
        for (place, (_, metric, divisor)) in ROWS.iter().enumerate() {
            for supply in &self.supplies {
                match supply.numbers.get(place).copied().flatten() {
                    Some(Some(number)) => out.push(metric, &[&supply.name], number / divisor),
                    Some(None) => out.push_absent(metric, &[&supply.name]),
                    None => {}
                }
            }
        }
        for supply in self.supplies.iter().filter(|supply| supply.answered) {
            let mut labels = vec![supply.name.as_str()];
            labels.extend(supply.words.iter().map(String::as_str));
            out.push(&INFO, &labels, 1.0);
        }
        for supply in &self.supplies {
            out.push(&STALLED, &[&supply.name], if supply.stalled { 1.0 } else { 0.0 });
            if supply.stalled {
                out.note(format!("{}: does not answer", supply.name));
            }
        }
    }

    /// Tells the facts that changed, and all now and then.
    fn tell(&mut self, out: &mut Readings) {
        let anyway = self.facts.due();
        let before = std::mem::take(&mut self.told);
        for supply in &self.supplies {
            let doc = match before.get(&supply.name) {
                Some(old) if !supply.answered || supply.stalled => old.clone(),
                _ => supply.describe(),
            };
            if anyway || before.get(&supply.name) != Some(&doc) {
                out.fact("power_supply", supply.name.clone(), doc.clone());
            }
            self.told.insert(supply.name.clone(), doc);
        }
        for name in before.into_keys().filter(|name| !self.told.contains_key(name)) {
            out.fact_gone("power_supply", name);
        }
    }
}

impl Source for PowerSupply {
    fn read(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        self.look(host)?;
        let group = |supply: &Supply| Group { key: supply.name.clone(), paths: supply.paths.clone() };
        let mut answers = match self.supplies.is_empty() {
            true => Default::default(),
            false => self.reader.read(host, self.supplies.iter().map(group).collect()),
        };
        for supply in &mut self.supplies {
            supply.apply(answers.remove(&supply.name));
        }
        self.push(out);
        self.watch(out);
        self.tell(out);
        Ok(if self.supplies.is_empty() { Outcome::Absent } else { Outcome::Read })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    fn put(root: &Path, supply: &str, files: &[(&str, &str)]) {
        let place = root.join("sys/class/power_supply").join(supply);
        fs::create_dir_all(&place).unwrap();
        files.iter().for_each(|(file, text)| fs::write(place.join(file), text).unwrap());
    }

    fn read(source: &mut PowerSupply, root: &Path) -> Readings {
        let mut out = Readings::default();
        assert!(source.read(&HostRoot::captured(root), &mut out).is_ok());
        out
    }

    fn value(out: &Readings, name: &str, supply: &str) -> Option<f64> {
        let mut samples = out.samples();
        samples
            .find(|(metric, labels, _)| metric.name == name && labels[0] == supply)
            .map(|(_, _, value)| value)
    }

    fn told(out: &Readings) -> Vec<&str> {
        out.events().iter().map(|event| event.message.as_str()).collect()
    }

    #[test]
    fn a_laptop_that_loses_its_power_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        put(root, "AC", &[("type", "Mains\n"), ("online", "1\n")]);
        put(root, "ucsi-source-psy-1", &[("type", "USB\n"), ("online", "0\n"), ("usb_type", "[C] PD\n")]);
        let battery = [
            ("type", "Battery\n"),
            ("capacity", "81\n"),
            ("temp", "305\n"),
            ("voltage_now", "11660000\n"),
            ("energy_now", "garbage\n"),
            ("model_name", "X \n"),
            ("uevent", "POWER_SUPPLY_NAME=x\n"),
        ];
        put(root, "BAT0", &battery);
        put(root, "hidpp_battery_0", &[("type", "Battery\n"), ("scope", "Device\n"), ("online", "1\n")]);
        let mut source = PowerSupply::new(Patterns::default());
        let out = read(&mut source, root);
        assert_eq!(value(&out, "node_power_supply_temp_celsius", "BAT0"), Some(30.5));
        assert_eq!(value(&out, "node_power_supply_voltage_volt", "BAT0"), Some(11.66));
        assert_eq!(value(&out, "node_power_supply_energy_watthour", "BAT0"), None);
        assert_eq!((out.facts().len(), told(&out).len()), (4, 0));
        assert_eq!(out.facts()[1].doc["model"], FactValue::Text("X".to_owned()));

        put(root, "AC", &[("online", "0\n")]);
        put(root, "ucsi-source-psy-1", &[("online", "1\n")]);
        assert_eq!(told(&read(&mut source, root)), [""; 0], "power comes from elsewhere");
        put(root, "ucsi-source-psy-1", &[("online", "0\n")]);
        let out = read(&mut source, root);
        assert_eq!(told(&out), ["on battery: no power from AC, ucsi-source-psy-1, battery at 81 %"]);
        assert_eq!(
            (out.events()[0].kind, out.events()[0].severity),
            ("power_supply_offline", Severity::Warning)
        );
        assert_eq!(told(&read(&mut source, root)), [""; 0]);
        put(root, "AC", &[("online", "1\n")]);
        assert_eq!(told(&read(&mut source, root)), ["power is back from AC, battery at 81 %"]);

        put(root, "BAT0", &[("capacity", "\n")]);
        assert!(value(&read(&mut source, root), "node_power_supply_capacity", "BAT0").unwrap().is_nan());
        fs::remove_dir_all(root.join("sys/class/power_supply/BAT0")).unwrap();
        let out = read(&mut source, root);
        assert_eq!(out.gone(), [("power_supply", "BAT0".to_owned())]);
        assert_eq!(value(&out, "node_power_supply_capacity", "BAT0"), None);
    }

    #[test]
    fn without_supplies_there_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut out = Readings::default();
        let mut source = PowerSupply::new(Patterns::default());
        let outcome = source.read(&HostRoot::captured(folder.path()), &mut out);
        assert_eq!((outcome.unwrap(), out.len()), (Outcome::Absent, 0));
    }
}
