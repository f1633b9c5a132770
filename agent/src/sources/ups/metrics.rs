//! The metrics beside the table of variables, and how all of them are told.

use std::collections::BTreeMap;

use hi_common::metric::{Kind, MetricDef, Unit as U};

use super::table;
use super::unit::{State, Unit};
use crate::source::Readings;

/// Flags that nut_exporter always tells: the default of its `nut.statuses`, and what NUT 2.8 and upsd know beyond.
pub(super) const FLAGS: [&str; 16] = [
    "OL", "OB", "LB", "HB", "RB", "CHRG", "DISCHRG", "BYPASS", "CAL", "OFF", "OVER", "TRIM", "BOOST", "FSD",
    "SD", "ALARM",
];
/// Most flags of one UPS that are none of those.
const FLAGS_OTHER_MAX: usize = 8;
/// Most variables of one UPS that have no metric of their own.
const OTHERS_MAX: usize = 256;

static STATUS: MetricDef = MetricDef::state(
    "network_ups_tools_ups_status",
    &["ups", "server", "flag"],
    "Flags of the UPS, 1 for those that are up: OL on line, OB on battery, LB battery low, RB battery to be replaced, CHRG charging, DISCHRG discharging, OVER overloaded, …; several hold at once.",
);
static INFO: MetricDef = MetricDef::info(
    "network_ups_tools_device_info",
    &[
        "ups",
        "server",
        "model",
        "mfr",
        "serial",
        "type",
        "description",
        "contact",
        "location",
        "part",
        "macaddr",
    ],
    "What the UPS is.",
);
static UP: MetricDef = MetricDef::gauge(
    "hi_ups_up",
    U::None,
    &["ups", "server"],
    "1 when the UPS was read, 0 when not; hi_ups_state says why.",
);
static STATE: MetricDef = MetricDef::state(
    "hi_ups_state",
    &["ups", "server", "state"],
    "How the UPS could be read: ok; stale: its driver hears nothing from it; no_driver: its driver does not run; server_gone; error.",
);
static SERVER_UP: MetricDef = MetricDef::gauge(
    "hi_ups_server_up",
    U::None,
    &["server", "protocol"],
    "1 when the server told its UPSes, 0 when not.",
);
static OTHER: MetricDef = MetricDef {
    name: "hi_ups_variable",
    kind: Kind::Untyped,
    unit: U::None,
    labels: &["ups", "server", "variable"],
    help: "A variable of the UPS that is a number, or on (1) or off (0), and has no metric of its own.",
};
static TRANSFERS: MetricDef = MetricDef::counter(
    "hi_ups_battery_transfers_total",
    U::None,
    &["ups", "server"],
    "Times the UPS went to battery since apcupsd started.",
);
static ON_BATTERY: MetricDef = MetricDef::gauge(
    "hi_ups_on_battery_seconds",
    U::Seconds,
    &["ups", "server"],
    "How long the UPS has been on battery, this time; by apcupsd.",
);
static ON_BATTERY_TOTAL: MetricDef = MetricDef::counter(
    "hi_ups_on_battery_seconds_total",
    U::Seconds,
    &["ups", "server"],
    "How long the UPS was on battery since apcupsd started.",
);

/// Metrics that stand in no table.
const OWN: [&MetricDef; 9] =
    [&STATUS, &INFO, &UP, &STATE, &SERVER_UP, &OTHER, &TRANSFERS, &ON_BATTERY, &ON_BATTERY_TOTAL];

/// Every metric of the source.
pub(super) const METRICS: [&MetricDef; OWN.len() + table::COUNT] = {
    let mut all = [OWN[0]; OWN.len() + table::COUNT];
    let mut index = 0;
    while index < all.len() {
        all[index] = if index < OWN.len() { OWN[index] } else { table::METRICS[index - OWN.len()] };
        index += 1;
    }
    all
};

/// A UPS with its label of a server: empty where there is no other server to be told from.
#[derive(Clone, Copy)]
pub(super) struct Labelled<'a> {
    pub(super) unit: &'a Unit,
    pub(super) server: &'a str,
}

/// Tells of a server.
pub(super) fn push_server(server: &str, protocol: &str, up: bool, out: &mut Readings) {
    out.push(&SERVER_UP, &[server, protocol], f64::from(u8::from(up)));
}

/// Tells of all UPSes, metric by metric.
pub(super) fn push(units: &[Labelled<'_>], out: &mut Readings) {
    let flag = |yes: bool| f64::from(u8::from(yes));
    for Labelled { unit, server } in units {
        out.push(&UP, &[&unit.name, server], flag(unit.state == State::Ok));
    }
    for Labelled { unit, server } in units {
        for state in State::ALL {
            out.push(&STATE, &[&unit.name, server, state.word()], flag(unit.state == state));
        }
    }
    let read: Vec<Labelled<'_>> =
        units.iter().copied().filter(|known| known.unit.state == State::Ok).collect();
    for Labelled { unit, server } in &read {
        push_info(unit, server, out);
    }
    for Labelled { unit, server } in &read {
        push_flags(unit, server, out);
    }
    for (metric, place) in [(&TRANSFERS, 0), (&ON_BATTERY, 1), (&ON_BATTERY_TOTAL, 2)] {
        for Labelled { unit, server } in &read {
            if let Some(count) = unit.counts.get(place).copied().flatten() {
                out.push(metric, &[&unit.name, server], count);
            }
        }
    }
    push_variables(&read, out);
}

fn push_info(unit: &Unit, server: &str, out: &mut Readings) {
    let text = |part: &str| {
        let text = unit.text(&format!("device.{part}")).or_else(|| unit.text(&format!("ups.{part}")));
        text.unwrap_or_default()
    };
    let labels = [
        unit.name.as_str(),
        server,
        text("model"),
        text("mfr"),
        text("serial"),
        unit.text("device.type").unwrap_or_default(),
        unit.text("device.description").unwrap_or_default(),
        unit.text("device.contact").unwrap_or_default(),
        unit.text("device.location").unwrap_or_default(),
        unit.text("device.part").unwrap_or_default(),
        unit.text("device.macaddr").unwrap_or_default(),
    ];
    out.push(&INFO, &labels, 1.0);
}

fn push_flags(unit: &Unit, server: &str, out: &mut Readings) {
    for known in FLAGS {
        out.push(&STATUS, &[&unit.name, server, known], f64::from(u8::from(unit.has(known))));
    }
    let mut others: Vec<&str> = unit.flags().filter(|other| !FLAGS.contains(other)).collect();
    others.sort_unstable();
    others.dedup();
    for other in others.into_iter().take(FLAGS_OTHER_MAX) {
        out.push(&STATUS, &[&unit.name, server, other], 1.0);
    }
}

/// Values of the table's metrics first, then the variables that it lacks.
fn push_variables(units: &[Labelled<'_>], out: &mut Readings) {
    let mut known: BTreeMap<(usize, usize), f64> = BTreeMap::new();
    let mut others: Vec<(usize, &str, f64)> = Vec::new();
    for (index, Labelled { unit, .. }) in units.iter().enumerate() {
        let first_other = others.len();
        for (name, text) in &unit.variables {
            let Some(value) = table::value(text) else { continue };
            match table::place(name) {
                Some(place) => {
                    known.insert((place, index), value);
                }
                None if table::is_opaque(name) || others.len() - first_other >= OTHERS_MAX => {}
                None => others.push((index, name, value)),
            }
        }
    }
    for ((place, index), value) in known {
        if let (Some(metric), Some(of)) = (table::METRICS.get(place), units.get(index)) {
            out.push(metric, &[&of.unit.name, of.server], value);
        }
    }
    for (index, name, value) in others {
        if let Some(of) = units.get(index) {
            out.push(&OTHER, &[&of.unit.name, of.server, name], value);
        }
    }
}
