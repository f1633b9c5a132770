//! Batteries of the machine itself, shown as the power supplies that they are: the fact `power_supply`, and node_exporter's
//! `node_power_supply_*{power_supply}` (Documentation/ABI/testing/sysfs-class-power).

use crate::doc::Doc;
use crate::latest::{Thing, Value};
use crate::moment::Time;
use crate::readings;
use crate::store::StandingFact;

use super::view::Ups;
use super::{HostDevices, Meanings, ups};

/// How batteries are asked, as the supply says.
pub(super) const PROTOCOL: &str = "battery";

/// Every battery that carries the machine; those of mice and headsets have the scope `Device`.
pub(super) fn upses(host: &HostDevices<'_>, metrics: &Meanings) -> Vec<Ups> {
    let mains = host.latest.subjects("node_power_supply_online");
    let powered = mains
        .iter()
        .filter_map(|name| host.known(name).value("node_power_supply_online"))
        .map(|value| value > 0.0)
        .reduce(|a, b| a || b);
    let carries = |fact: &&StandingFact| {
        let doc = Doc(&fact.fact.doc);
        doc.text("type").is_some_and(|kind| ["Battery", "UPS"].contains(&kind.as_str()))
            && doc.text("scope").is_none_or(|scope| scope != "Device")
    };
    host.of("power_supply").filter(carries).map(|fact| battery(host, fact, powered, metrics)).collect()
}

fn battery(host: &HostDevices<'_>, fact: &StandingFact, powered: Option<bool>, metrics: &Meanings) -> Ups {
    let doc = Doc(&fact.fact.doc);
    let name = fact.fact.id.as_str();
    let known = host.known(name);
    let info = known.all("node_power_supply_info").next();
    let flags = flags(info, powered);
    let is = |flag: &str| (!flags.is_empty()).then(|| flags.iter().any(|own| own == flag));
    let watts = known.first(&["node_power_supply_power_watt"]).map(f64::abs);
    let on_battery = is("OB");
    let mut ups = Ups {
        id: host.id(name),
        host: host.host.to_owned(),
        host_silent: host.silent,
        key: name.to_owned(),
        name: name.to_owned(),
        protocol: Some(PROTOCOL.to_owned()),
        manufacturer: doc.text("manufacturer"),
        model: doc.text("model"),
        serial: doc.text("serial"),
        battery_type: doc.text("technology"),
        status: ups::status(&flags),
        low_battery: is("LB"),
        replace_battery: is("RB"),
        battery_charge_ratio: known.first(&["node_power_supply_capacity"]).map(|percent| percent / 100.0),
        battery_runtime_seconds: runtime(known, watts).filter(|_| on_battery == Some(true)),
        battery_voltage_volts: known.first(&["node_power_supply_voltage_volt"]),
        temperature_celsius: known.first(&["node_power_supply_temp_celsius"]),
        power_watts: watts.filter(|_| on_battery == Some(true)),
        on_battery,
        facts: doc.fields(),
        readings: readings::list(known, metrics, &["node_power_supply_"], &["power_supply"], &[]),
        last_read: known.last_read("node_power_supply_").map(Time),
        since: Some(Time(fact.fact.since)),
        flags,
        ..Ups::default()
    };
    ups::judge(&mut ups);
    ups
}

/// What its words come to, in the flags of NUT.
fn flags(info: Option<&Value>, powered: Option<bool>) -> Vec<String> {
    let Some(info) = info else { return Vec::new() };
    let mut flags = match (info.label("status"), powered) {
        ("Discharging", Some(true)) => vec!["OL", "DISCHRG"],
        ("Discharging", _) => vec!["OB", "DISCHRG"],
        ("Charging", _) => vec!["OL", "CHRG"],
        ("Full" | "Not charging", _) => vec!["OL"],
        (_, Some(true)) => vec!["OL"],
        (_, Some(false)) => vec!["OB"],
        (_, None) => return Vec::new(),
    };
    if info.label("capacity_level") == "Critical" {
        flags.push("LB");
    }
    if info.label("health") == "Dead" {
        flags.push("RB");
    }
    flags.into_iter().map(str::to_owned).collect()
}

/// How long it lasts: as it says itself, or what is in it at this power.
fn runtime(known: Thing<'_>, watts: Option<f64>) -> Option<f64> {
    let told = known.first(&["node_power_supply_time_to_empty_seconds"]).filter(|seconds| *seconds > 0.0);
    let energy = known.first(&["node_power_supply_energy_watthour"]);
    told.or_else(|| Some(energy? * 3600.0 / watts.filter(|watts| *watts > 0.0)?))
}
