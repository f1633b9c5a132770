//! Uninterruptible power supplies: the fact `ups`, and nut_exporter's metrics: variables of NUT with underscores,
//! `network_ups_tools_ups_status{flag}` for the flags of `ups.status` (NUT's developer guide, "Status data").

use crate::doc::Doc;
use crate::latest::{Thing, Value};
use crate::moment::Time;
use crate::readings;
use crate::storage::view::{StorageFinding, StorageState};
use crate::store::StandingFact;

use super::view::Ups;
use super::{HostDevices, Meanings, battery, worst_of};

/// Status flags in words.
const FLAGS: [(&str, &str); 17] = [
    ("OL", "on line"),
    ("OB", "on battery"),
    ("LB", "low battery"),
    ("HB", "high battery"),
    ("RB", "replace battery"),
    ("CHRG", "charging"),
    ("DISCHRG", "discharging"),
    ("BYPASS", "on bypass"),
    ("CAL", "calibrating"),
    ("OFF", "off"),
    ("OVER", "overloaded"),
    ("TRIM", "trimming the voltage"),
    ("BOOST", "boosting the voltage"),
    ("FSD", "forced shutdown"),
    ("ALARM", "alarm"),
    ("TEST", "testing"),
    ("COMMOK", ""),
];

/// What is known of one of them; several servers may have one of the same name.
#[derive(Clone, Copy)]
struct Known<'a> {
    thing: Thing<'a>,
    server: Option<&'a str>,
}

impl<'a> Known<'a> {
    fn all(self, variable: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
        let values = self.thing.all(&format!("network_ups_tools_{variable}")).collect::<Vec<_>>();
        values.into_iter().filter(move |value| self.is_own(value))
    }

    fn is_own(self, value: &Value) -> bool {
        let server = value.label("server");
        server.is_empty() || self.server.is_none_or(|own| own == server)
    }

    fn first(self, variables: &[&str]) -> Option<f64> {
        let of = |variable: &&str| self.all(variable).next().map(|value| value.value);
        variables.iter().find_map(of).filter(|value| value.is_finite())
    }
}

/// Every supply that there is a fact or a reading of.
pub(super) fn upses(host: &HostDevices<'_>, metrics: &Meanings) -> Vec<Ups> {
    let mut found: Vec<Ups> =
        host.of("ups").map(|fact| ups(host, &fact.fact.id, Some(fact), metrics)).collect();
    for name in host.latest.subjects("network_ups_tools_") {
        if !found.iter().any(|ups| ups.name == name) {
            found.push(ups(host, name, None, metrics));
        }
    }
    found.extend(battery::upses(host, metrics));
    found.sort_by(|a, b| a.id.cmp(&b.id));
    found
}

fn ups(host: &HostDevices<'_>, key: &str, fact: Option<&StandingFact>, metrics: &Meanings) -> Ups {
    let null = serde_json::Value::Null;
    let doc = Doc(fact.map_or(&null, |standing| &standing.fact.doc));
    let (name, server) = key.rsplit_once('@').map_or((key, None), |(name, server)| (name, Some(server)));
    let known = Known { thing: host.known(name), server };
    let flags: Vec<String> = known
        .all("ups_status")
        .filter(|value| value.value > 0.0)
        .map(|v| v.label("flag").to_owned())
        .collect();
    let mut ups = Ups {
        id: host.id(key),
        host: host.host.to_owned(),
        host_silent: host.silent,
        key: key.to_owned(),
        name: name.to_owned(),
        server: server.map(str::to_owned),
        protocol: doc.text("protocol"),
        manufacturer: doc.text("manufacturer"),
        model: doc.text("model"),
        serial: doc.text("serial"),
        firmware: doc.text("firmware"),
        description: doc.text("description"),
        battery_type: doc.text("battery_type"),
        unreadable: doc.text("reason"),
        status: status(&flags),
        on_battery: has(&flags, "OB"),
        low_battery: has(&flags, "LB"),
        replace_battery: has(&flags, "RB"),
        flags,
        facts: doc.fields(),
        readings: readings::list(
            known.thing,
            metrics,
            &["network_ups_tools_", "hi_ups_"],
            &["ups", "server"],
            &[],
        ),
        last_read: known.thing.last_read("network_ups_tools_").map(Time),
        since: fact.map(|standing| Time(standing.fact.since)),
        ..Ups::default()
    };
    numbers(&mut ups, known, doc);
    judge(&mut ups);
    ups
}

/// What is wrong with it, and how it is.
pub(super) fn judge(ups: &mut Ups) {
    ups.findings = findings(ups);
    let unknown = ups.flags.is_empty() && ups.unreadable.is_none();
    ups.state = worst_of(&ups.findings, if unknown { StorageState::Unknown } else { StorageState::Ok });
}

fn numbers(ups: &mut Ups, known: Known<'_>, doc: Doc<'_>) {
    let percent = |variables: &[&str]| known.first(variables).map(|percent| percent / 100.0);
    ups.battery_charge_ratio = percent(&["battery_charge"]);
    ups.battery_charge_low_ratio = percent(&["battery_charge_low"]);
    ups.battery_runtime_seconds = known.first(&["battery_runtime"]);
    ups.battery_voltage_volts = known.first(&["battery_voltage"]);
    ups.temperature_celsius = known.first(&["battery_temperature", "ups_temperature", "ambient_temperature"]);
    ups.load_ratio = percent(&["ups_load"]);
    ups.nominal_power_watts = known
        .first(&["ups_realpower_nominal"])
        .or(doc.number("nominal_power_watts"))
        .filter(|watts| *watts > 0.0);
    let of_load = ups.load_ratio.zip(ups.nominal_power_watts).map(|(load, watts)| load * watts);
    ups.power_watts = known.first(&["ups_realpower"]).or(of_load);
    ups.input_voltage_volts = known.first(&["input_voltage"]);
    ups.input_frequency_hertz = known.first(&["input_frequency"]);
    ups.output_voltage_volts = known.first(&["output_voltage"]);
}

fn has(flags: &[String], flag: &str) -> Option<bool> {
    (!flags.is_empty()).then(|| flags.iter().any(|own| own == flag))
}

/// The flags in words.
pub(super) fn status(flags: &[String]) -> Option<String> {
    let word = |flag: &String| {
        let known = FLAGS.iter().find(|(known, _)| known == flag);
        known.map_or_else(|| flag.to_lowercase(), |(_, word)| (*word).to_owned())
    };
    let mut words: Vec<(usize, String)> = flags
        .iter()
        .map(|flag| (FLAGS.iter().position(|(known, _)| known == flag).unwrap_or(FLAGS.len()), word(flag)))
        .filter(|(_, word)| !word.is_empty())
        .collect();
    words.sort();
    let words: Vec<String> = words.into_iter().map(|(_, word)| word).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

fn findings(ups: &Ups) -> Vec<StorageFinding> {
    let mut found = Vec::new();
    let since = ups.last_read.or(ups.since).unwrap_or(Time(0));
    let mut add = |state, message: String| found.push(StorageFinding { state, message, since });
    let is = |flag: &str| ups.flags.iter().any(|own| own == flag);
    if let Some(reason) = &ups.unreadable {
        add(StorageState::Warning, format!("cannot be read: {reason}"));
    }
    let left = match (ups.battery_charge_ratio, ups.battery_runtime_seconds) {
        (Some(charge), Some(seconds)) => {
            format!(", {} % left for {} min", (charge * 100.0).floor(), (seconds / 60.0).floor())
        }
        (Some(charge), None) => format!(", {} % left", (charge * 100.0).floor()),
        (None, Some(seconds)) => format!(", for {} min", (seconds / 60.0).floor()),
        (None, None) => String::new(),
    };
    match (is("OB"), is("LB")) {
        (true, true) => add(StorageState::Critical, format!("on battery, which is nearly empty{left}")),
        (true, false) => add(StorageState::Warning, format!("on battery{left}")),
        (false, true) => add(StorageState::Warning, format!("its battery is nearly empty{left}")),
        (false, false) => {}
    }
    if is("FSD") {
        add(StorageState::Critical, "shuts down what hangs on it".to_owned());
    }
    if is("OFF") {
        add(StorageState::Critical, "is off".to_owned());
    }
    if is("OVER") {
        add(StorageState::Critical, "is overloaded".to_owned());
    }
    if is("RB") {
        add(StorageState::Warning, "its battery needs to be replaced".to_owned());
    }
    if is("BYPASS") {
        add(StorageState::Warning, "is on bypass: its battery does not help".to_owned());
    }
    if is("ALARM") {
        add(StorageState::Warning, "raises an alarm".to_owned());
    }
    found.sort_by_key(|finding| std::cmp::Reverse(finding.state));
    found
}
