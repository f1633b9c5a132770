//! Chips of the kernel's hwmon, from node_exporter's metrics: `node_hwmon_<type>[_<element>][_<unit>]{chip,sensor}`, with the
//! elements of the kernel's `Documentation/hwmon/sysfs-interface.rst`.

use std::collections::BTreeMap;

use crate::doc::Doc;
use crate::latest::{Thing, Value};
use crate::moment::Time;
use crate::storage::view::StorageState;
use crate::store::StandingFact;

use super::view::{Sensor, SensorChip, SensorOrigin, SensorType};
use super::{HostDevices, worst_sensor};

/// Types of sensors, longest first: what stands between `node_hwmon_` and the element.
const TYPES: [(&str, SensorType, &str); 11] = [
    ("intrusion", SensorType::Intrusion, ""),
    ("humidity", SensorType::Humidity, "ratio"),
    ("energy", SensorType::Energy, "joules"),
    ("power", SensorType::Power, "watts"),
    ("temp", SensorType::Temperature, "celsius"),
    ("freq", SensorType::Frequency, "hertz"),
    ("curr", SensorType::Current, "amperes"),
    ("fan", SensorType::Fan, "rpm"),
    ("pwm", SensorType::Pwm, "ratio"),
    ("cpu", SensorType::Voltage, "volts"),
    ("in", SensorType::Voltage, "volts"),
];
/// Units that node_exporter puts behind the element.
const UNITS: [&str; 8] =
    ["_celsius", "_volts", "_amps", "_watt", "_rpm", "_joule_total", "_joules_total", "_mhz"];
/// Limits and records that are shown beside the four usual limits.
const LIMITS: [&str; 14] = [
    "emergency",
    "max_hyst",
    "min_hyst",
    "crit_hyst",
    "emergency_hyst",
    "lcrit_hyst",
    "highest",
    "lowest",
    "cap",
    "cap_max",
    "cap_min",
    "target",
    "rated_max",
    "rated_min",
];
/// Temperatures beyond these are a chip's way to say that there is no limit.
const CELSIUS: std::ops::Range<f64> = -200.0..1000.0;
/// PWM 255 is full speed.
const PWM_FULL: f64 = 255.0;

/// What the alarms of a sensor say.
#[derive(Clone, Copy, Default)]
struct Alarms {
    usual: bool,
    critical: bool,
    /// The sensor is switched off: its alarms say nothing.
    off: bool,
}

/// Every chip that something is read of.
pub(super) fn chips(host: &HostDevices<'_>) -> Vec<SensorChip> {
    let chips = host.latest.subjects("node_hwmon_").into_iter().map(|chip| one(host, chip));
    chips.filter(|chip| !chip.sensors.is_empty()).collect()
}

fn one(host: &HostDevices<'_>, chip: &str) -> SensorChip {
    let known = host.known(chip);
    let fact = host.of("sensor_chip").find(|standing| standing.fact.id == chip);
    let doc = fact.map(|standing: &StandingFact| Doc(&standing.fact.doc));
    let told = known.all("node_hwmon_chip_names").map(|value| value.label("chip_name").to_owned()).next();
    let sensors = sensors(known);
    SensorChip {
        id: host.id(&format!("hwmon:{chip}")),
        host: host.host.to_owned(),
        host_silent: host.silent,
        origin: SensorOrigin::Hwmon,
        name: doc.and_then(|doc| doc.text("name")).or(told).unwrap_or_else(|| chip.to_owned()),
        device: doc.and_then(|doc| doc.text("device")),
        chip: chip.to_owned(),
        state: worst_sensor(&sensors),
        sensors,
    }
}

fn sensors(known: Thing<'_>) -> Vec<Sensor> {
    let mut table: BTreeMap<(SensorType, usize, String), (Sensor, Alarms)> = BTreeMap::new();
    for (metric, value) in known.metrics() {
        let Some(((kind, unit), element)) = parse(metric) else { continue };
        let name = value.label("sensor");
        let key = (kind, name.len(), name.to_owned());
        let (sensor, alarms) =
            table.entry(key).or_insert_with(|| (blank(name, kind, unit), Alarms::default()));
        put(sensor, alarms, element, value);
    }
    for value in known.all("node_hwmon_sensor_label") {
        let label = value.label("label").trim();
        let of = |sensor: &&mut (Sensor, Alarms)| sensor.0.sensor == value.label("sensor");
        if let Some((sensor, _)) = table.values_mut().find(of).filter(|_| !label.is_empty()) {
            label.clone_into(&mut sensor.label);
        }
    }
    let judged = table.into_values().map(|(sensor, alarms)| judge(sensor, alarms));
    // What has neither value nor alarm is a setting.
    judged
        .filter(|sensor| sensor.value.is_some() || sensor.alarm.is_some() || sensor.fault.is_some())
        .collect()
}

/// Type and element of a metric; none for those that are no sensors.
fn parse(metric: &str) -> Option<((SensorType, &'static str), &str)> {
    let rest = metric.strip_prefix("node_hwmon_")?;
    let (rest, kind, unit) =
        TYPES.iter().find_map(|(name, kind, unit)| Some((rest.strip_prefix(name)?, *kind, *unit)))?;
    let element = UNITS.iter().find_map(|unit| rest.strip_suffix(unit)).unwrap_or(rest);
    match element.strip_prefix('_') {
        Some(element) => Some(((kind, unit), element)),
        None if element.is_empty() => Some(((kind, unit), "")),
        // `node_hwmon_input…` is of no type that begins with `in`.
        None => None,
    }
}

fn blank(name: &str, kind: SensorType, unit: &str) -> Sensor {
    Sensor {
        sensor: name.to_owned(),
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
        state: StorageState::Ok,
        message: None,
        at: None,
        metric: String::new(),
        labels: BTreeMap::new(),
    }
}

fn put(sensor: &mut Sensor, alarms: &mut Alarms, element: &str, value: &Value) {
    let number = match sensor.kind {
        SensorType::Frequency => value.value * 1e6,
        SensorType::Pwm => value.value / PWM_FULL,
        _ => value.value,
    };
    let is_limit = |number: f64| {
        number.is_finite() && (sensor.kind != SensorType::Temperature || CELSIUS.contains(&number))
    };
    let limit = is_limit(number).then_some(number);
    match element {
        "" | "input" | "freq" => sensor.reads(value, number),
        // The average of a power meter, where it has no other value.
        "average" if sensor.metric.is_empty() => sensor.reads(value, number),
        "min" => sensor.min = limit,
        "max" => sensor.max = limit,
        "crit" => sensor.critical_max = limit,
        "lcrit" => sensor.critical_min = limit,
        "enable" if sensor.kind != SensorType::Pwm => alarms.off = value.value == 0.0,
        "fault" => sensor.fault = Some(value.value > 0.0),
        "alarm" | "min_alarm" | "max_alarm" | "cap_alarm" => {
            alarms.usual |= value.value > 0.0;
            sensor.alarm = Some(alarms.usual || alarms.critical);
        }
        "crit_alarm" | "lcrit_alarm" | "emergency_alarm" => {
            alarms.critical |= value.value > 0.0;
            sensor.alarm = Some(alarms.usual || alarms.critical);
        }
        element if LIMITS.contains(&element) && sensor.kind != SensorType::Pwm => {
            sensor.limits.extend(limit.map(|limit| (element.to_owned(), limit)));
        }
        _ => {}
    }
    if sensor.kind == SensorType::Intrusion && element == "alarm" {
        sensor.reads(value, f64::NAN);
    }
}

impl Sensor {
    /// Takes over what a series says.
    pub(super) fn reads(&mut self, value: &Value, number: f64) {
        self.value = Some(number).filter(|number| number.is_finite());
        self.at = Some(Time(value.at));
        value.metric().clone_into(&mut self.metric);
        self.labels = value.labels().cloned().collect();
    }
}

/// How a sensor is. Boards report alarms of voltages whose limits nobody has set, and of cases that are open: these are told,
/// not complained of.
fn judge(mut sensor: Sensor, alarms: Alarms) -> Sensor {
    if alarms.off {
        sensor.message = Some("is switched off".to_owned());
        return sensor;
    }
    use SensorType::{Current, Fan, Power, Temperature};
    let hot = sensor.kind == Temperature;
    let above =
        |limit: Option<f64>| sensor.value.zip(limit).filter(|(value, limit)| *limit > 0.0 && value >= limit);
    let below = sensor.value.zip(sensor.min).filter(|(value, limit)| value < limit);
    let matters = matches!(sensor.kind, Temperature | Fan | Power | Current);
    let (state, message) = if sensor.fault == Some(true) {
        (StorageState::Info, Some("broken or not connected".to_owned()))
    } else if let Some((value, limit)) = above(sensor.critical_max).filter(|_| hot) {
        (StorageState::Critical, Some(format!("{value} °C, critical from {limit} °C")))
    } else if alarms.critical && matters {
        (StorageState::Critical, Some("raises a critical alarm".to_owned()))
    } else if let Some((value, limit)) = above(sensor.max).filter(|_| hot) {
        (StorageState::Warning, Some(format!("{value} °C, high from {limit} °C")))
    } else if let Some((value, limit)) = below.filter(|_| sensor.kind == Fan && sensor.alarm.is_none()) {
        (StorageState::Warning, Some(format!("{value} rpm, slow below {limit} rpm")))
    } else if alarms.usual && matters {
        (StorageState::Warning, Some("raises an alarm".to_owned()))
    } else if alarms.usual || alarms.critical {
        (StorageState::Info, Some("raises an alarm".to_owned()))
    } else {
        (StorageState::Ok, None)
    };
    (sensor.state, sensor.message) = (state, message);
    sensor
}
