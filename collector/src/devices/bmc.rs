//! The management controller: the fact `bmc` of the source ipmi, and ipmi_exporter's metrics
//! (`docs/metrics.md` there): value and state of each sensor, chassis, event log, DCMI.

use std::collections::BTreeMap;

use crate::doc::Doc;
use crate::latest::{Thing, Value};
use crate::moment::Time;
use crate::storage::view::{StorageFinding, StorageState};
use crate::store::StandingFact;

use super::power::DCMI;
use super::view::{Bmc, Sensor, SensorChip, SensorOrigin, SensorType};
use super::{BMC, HostDevices, worst_of, worst_sensor};

/// Metrics of values and states of sensors.
const VALUES: [(&str, SensorType, &str); 7] = [
    ("ipmi_temperature_celsius", SensorType::Temperature, "celsius"),
    ("ipmi_fan_speed_rpm", SensorType::Fan, "rpm"),
    ("ipmi_fan_speed_ratio", SensorType::Fan, "ratio"),
    ("ipmi_voltage_volts", SensorType::Voltage, "volts"),
    ("ipmi_current_amperes", SensorType::Current, "amperes"),
    ("ipmi_power_watts", SensorType::Power, "watts"),
    ("ipmi_sensor_value", SensorType::Other, ""),
];
const STATES: [(&str, SensorType); 6] = [
    ("ipmi_temperature_state", SensorType::Temperature),
    ("ipmi_fan_speed_state", SensorType::Fan),
    ("ipmi_voltage_state", SensorType::Voltage),
    ("ipmi_current_state", SensorType::Current),
    ("ipmi_power_state", SensorType::Power),
    ("ipmi_sensor_state", SensorType::Other),
];
/// Faults of the chassis in ipmi_exporter's names: 1 is well, 0 is not. `hi_ipmi_chassis_fault{fault}` has them all, the other
/// way round.
const CHASSIS: [(&str, &str); 2] = [
    ("ipmi_chassis_drive_fault_state", "drive_fault"),
    ("ipmi_chassis_cooling_fault_state", "cooling_fault"),
];
/// Free space below which the event log counts as full, in bytes: two entries (IPMI 2.0, table 32-1).
const LOG_FREE_BYTES_MIN: f64 = 32.0;

/// Every controller that there is a fact or a reading of.
pub(super) fn bmcs(host: &HostDevices<'_>) -> Vec<Bmc> {
    let known = host.known(BMC);
    let mut found: Vec<Bmc> = host.of("bmc").map(|fact| bmc(host, Some(fact), known)).collect();
    if found.is_empty() && known.last_read("ipmi_").is_some() {
        found.push(bmc(host, None, known));
    }
    found
}

fn bmc(host: &HostDevices<'_>, fact: Option<&StandingFact>, known: Thing<'_>) -> Bmc {
    let null = serde_json::Value::Null;
    let doc = Doc(fact.map_or(&null, |standing| &standing.fact.doc));
    let mut bmc = Bmc {
        id: host.id(fact.map_or("0", |standing| &standing.fact.id)),
        host: host.host.to_owned(),
        host_silent: host.silent,
        manufacturer: doc.text("manufacturer"),
        product: doc.text("product"),
        firmware: doc.text("firmware"),
        ipmi_version: doc.text("ipmi_version"),
        unreadable: doc.text("reason"),
        chassis_power_on: known.value("ipmi_chassis_power_state").map(|value| value > 0.0),
        chassis_faults: faults(known),
        power_watts: known.first(&DCMI),
        log_entries: known.first(&["ipmi_sel_entries_count", "ipmi_sel_logs_count"]),
        log_free_bytes: known.first(&["ipmi_sel_free_space_bytes"]),
        sensors: sensors(known, doc),
        facts: doc.fields(),
        last_read: known.last_read("ipmi_").map(Time),
        since: fact.map(|standing| Time(standing.fact.since)),
        ..Bmc::default()
    };
    let since = bmc.last_read.or(bmc.since).unwrap_or(Time(0));
    bmc.findings = findings(&bmc, since);
    bmc.state = worst_of(&bmc.findings, StorageState::Ok);
    bmc
}

fn faults(known: Thing<'_>) -> Vec<String> {
    let own = known.all("hi_ipmi_chassis_fault").filter(|value| value.value > 0.0);
    let mut found: Vec<String> = own.map(|value| value.label("fault").to_owned()).collect();
    if found.is_empty() {
        let told = CHASSIS.iter().filter(|(metric, _)| known.value(metric) == Some(0.0));
        found.extend(told.map(|(_, fault)| (*fault).to_owned()));
    }
    found
}

fn findings(bmc: &Bmc, since: Time) -> Vec<StorageFinding> {
    let mut found = Vec::new();
    let mut add = |state, message: String| found.push(StorageFinding { state, message, since });
    if let Some(reason) = &bmc.unreadable {
        add(StorageState::Warning, format!("cannot be read: {reason}"));
    }
    for fault in &bmc.chassis_faults {
        // An open case, or locked buttons, are no damage.
        let harmless = ["intrusion", "front_panel_lockout"].contains(&fault.as_str());
        let state = if harmless { StorageState::Info } else { StorageState::Critical };
        add(state, format!("reports {}", fault.replace('_', " ")));
    }
    for sensor in bmc.sensors.iter().filter(|sensor| sensor.state >= StorageState::Warning) {
        let message = sensor.message.as_deref().unwrap_or("is not as it should be");
        add(sensor.state, format!("sensor {} {message}", sensor.label));
    }
    if bmc.log_free_bytes.is_some_and(|free| free < LOG_FREE_BYTES_MIN) {
        add(StorageState::Info, "its event log is full".to_owned());
    }
    found.sort_by_key(|finding| std::cmp::Reverse(finding.state));
    found
}

/// Its sensors as a chip.
pub(super) fn chip(host: &HostDevices<'_>) -> Option<SensorChip> {
    let null = serde_json::Value::Null;
    let doc = Doc(host.of("bmc").next().map_or(&null, |standing| &standing.fact.doc));
    let sensors = sensors(host.known(BMC), doc);
    (!sensors.is_empty()).then(|| SensorChip {
        id: host.id("ipmi"),
        host: host.host.to_owned(),
        host_silent: host.silent,
        origin: SensorOrigin::Ipmi,
        chip: "ipmi".to_owned(),
        name: "management controller".to_owned(),
        device: None,
        state: worst_sensor(&sensors),
        sensors,
    })
}

fn sensors(known: Thing<'_>, doc: Doc<'_>) -> Vec<Sensor> {
    let mut table: BTreeMap<(SensorType, String, String), Sensor> = BTreeMap::new();
    for (metric, kind, unit) in VALUES {
        for value in known.all(metric) {
            entry(&mut table, kind, unit, value).reads(value, value.value);
        }
    }
    for (metric, kind) in STATES {
        for value in known.all(metric) {
            let sensor = entry(&mut table, kind, "", value);
            if sensor.metric.is_empty() {
                sensor.reads(value, f64::NAN);
            }
            judge(sensor, value.value);
        }
    }
    for value in known.all("hi_ipmi_sensor_threshold") {
        let of = |sensor: &&mut Sensor| sensor.sensor == value.label("id");
        if let Some(sensor) = table.values_mut().find(of).filter(|_| value.value.is_finite()) {
            limit(sensor, value.label("threshold"), value.value);
        }
    }
    for told in doc.list("sensors") {
        let id = told.number("id").map(|id| id.to_string());
        let of = |sensor: &&mut Sensor| Some(&sensor.sensor) == id.as_ref();
        if let Some(sensor) = table.values_mut().find(of) {
            say(sensor, told);
        }
    }
    table.into_values().collect()
}

fn entry<'a>(
    table: &'a mut BTreeMap<(SensorType, String, String), Sensor>,
    kind: SensorType,
    unit: &str,
    value: &Value,
) -> &'a mut Sensor {
    let (id, name) = (value.label("id"), value.label("name"));
    table.entry((kind, name.to_owned(), id.to_owned())).or_insert_with(|| Sensor {
        sensor: id.to_owned(),
        label: name.to_owned(),
        kind,
        unit: unit.to_owned(),
        value: None,
        min: None,
        max: None,
        critical_min: None,
        critical_max: None,
        limits: BTreeMap::new(),
        alarm: None,
        fault: None,
        states: Vec::new(),
        state: StorageState::Unknown,
        message: None,
        at: None,
        metric: String::new(),
        labels: BTreeMap::new(),
    })
}

/// What the fact says of a sensor: its unit where its metric has none, and its states in words.
fn say(sensor: &mut Sensor, told: Doc<'_>) {
    if sensor.unit.is_empty() {
        sensor.unit = told.text("unit").unwrap_or_default();
    }
    sensor.states = told.texts("states").map(str::to_owned).collect();
    if sensor.message.is_some() && !sensor.states.is_empty() {
        let value = sensor.value.map(|value| format!(" ({value} {})", sensor.unit)).unwrap_or_default();
        sensor.message = Some(format!("says {}{value}", sensor.states.join(", ")));
    }
}

/// 0 is nominal, 1 warning, 2 critical, NaN unknown (ipmi_exporter).
fn judge(sensor: &mut Sensor, state: f64) {
    let (state, message) = match state {
        0.0 => (StorageState::Ok, None),
        1.0 => (StorageState::Warning, Some("is in a warning state")),
        2.0 => (StorageState::Critical, Some("is in a critical state")),
        _ => (StorageState::Unknown, None),
    };
    sensor.alarm = (state != StorageState::Unknown).then_some(state > StorageState::Info);
    sensor.state = state;
    sensor.message = message.map(|message| match sensor.value {
        Some(value) if !sensor.unit.is_empty() => format!("{message} at {value} {}", sensor.unit),
        _ => message.to_owned(),
    });
}

/// Thresholds by their names in IPMI (2.0, §35.8), or short as ipmitool has them.
fn limit(sensor: &mut Sensor, name: &str, value: f64) {
    let name = name.to_ascii_lowercase().replace([' ', '-'], "_");
    match name.as_str() {
        "lower_non_critical" | "lower_noncritical" | "lnc" => sensor.min = Some(value),
        "upper_non_critical" | "upper_noncritical" | "unc" => sensor.max = Some(value),
        "lower_critical" | "lcr" | "lc" => sensor.critical_min = Some(value),
        "upper_critical" | "ucr" | "uc" => sensor.critical_max = Some(value),
        _ => drop(sensor.limits.insert(name, value)),
    }
}
