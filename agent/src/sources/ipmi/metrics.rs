//! What is measured. Names and labels of ipmi_exporter (job `ipmi`), of which `id` is the number of the sensor's record;
//! `hi_ipmi_*` for what it lacks.

use hi_common::metric::{MetricDef, Unit};

use super::answers::{Chassis, Power, Watchdog};
use super::sdr::{Sensor, THRESHOLDS};
use super::sel::Info;
use super::sensors::Measured;
use super::units::code;
use super::words::type_name;
use crate::source::Readings;

/// Declares metrics and the list of them.
macro_rules! metrics {
    ($($ident:ident $constructor:ident $name:literal $unit:ident [$($label:literal)*] $help:literal;)+) => {
        $(static $ident: MetricDef = MetricDef::$constructor($name, Unit::$unit, &[$($label),*], $help);)+
        /// Every metric of the source.
        pub(super) const METRICS: &[&MetricDef] = &[$(&$ident),+];
    };
}

metrics! {
    UP gauge "ipmi_up" None ["collector"]
        "Whether the BMC answered: bmc, bmc-watchdog, chassis, dcmi, ipmi (sensors), sel. Of what it does not know there is none.";
    DURATION gauge "ipmi_scrape_duration_seconds" Seconds [] "How long asking the BMC took.";
    BMC_INFO gauge "ipmi_bmc_info" None ["firmware_revision" "manufacturer_id" "system_firmware_version" "bmc_url"]
        "What the BMC is; always 1.";
    TEMPERATURE gauge "ipmi_temperature_celsius" Celsius ["id" "name"] "Temperature that a sensor reads.";
    TEMPERATURE_STATE gauge "ipmi_temperature_state" None ["id" "name"]
        "State of a temperature sensor: 0 nominal, 1 warning (beyond a non-critical threshold), 2 critical.";
    FAN gauge "ipmi_fan_speed_rpm" None ["id" "name"] "Fan speed in rotations per minute.";
    FAN_RATIO gauge "ipmi_fan_speed_ratio" Ratio ["id" "name"] "Fan speed as a part of the highest.";
    FAN_STATE gauge "ipmi_fan_speed_state" None ["id" "name"]
        "State of a fan speed sensor: 0 nominal, 1 warning, 2 critical.";
    VOLTAGE gauge "ipmi_voltage_volts" Volts ["id" "name"] "Voltage that a sensor reads.";
    VOLTAGE_STATE gauge "ipmi_voltage_state" None ["id" "name"]
        "State of a voltage sensor: 0 nominal, 1 warning, 2 critical.";
    CURRENT gauge "ipmi_current_amperes" Amperes ["id" "name"] "Current that a sensor reads.";
    CURRENT_STATE gauge "ipmi_current_state" None ["id" "name"]
        "State of a current sensor: 0 nominal, 1 warning, 2 critical.";
    POWER gauge "ipmi_power_watts" Watts ["id" "name"] "Power that a sensor reads.";
    POWER_STATE gauge "ipmi_power_state" None ["id" "name"] "State of a power sensor: 0 nominal, 1 warning, 2 critical.";
    SENSOR gauge "ipmi_sensor_value" None ["id" "name" "type"]
        "What a sensor of no kind above reads, in a unit of its own; no value where it has states only.";
    SENSOR_STATE gauge "ipmi_sensor_state" None ["id" "name" "type"]
        "State of a sensor of no kind above: 0 nominal, 1 warning, 2 critical.";
    SEL_COUNT gauge "ipmi_sel_logs_count" None [] "Entries in the system event log.";
    SEL_FREE gauge "ipmi_sel_free_space_bytes" Bytes [] "Space left in the system event log.";
    CHASSIS_POWER gauge "ipmi_chassis_power_state" None [] "Whether the machine is on.";
    DRIVE_FAULT gauge "ipmi_chassis_drive_fault_state" None [] "0 while the chassis tells a drive fault, else 1.";
    COOLING_FAULT gauge "ipmi_chassis_cooling_fault_state" None []
        "0 while the chassis tells a fault of fans or cooling, else 1.";
    DCMI_POWER gauge "ipmi_dcmi_power_consumption_watts" Watts [] "Power the machine takes now, as DCMI tells it.";
    WATCHDOG gauge "ipmi_bmc_watchdog_timer_state" None [] "Whether the BMC's watchdog runs.";
    WATCHDOG_USE gauge "ipmi_bmc_watchdog_timer_use_state" None ["name"]
        "What the watchdog watches: 1 for one of BIOS FRB2, BIOS POST, OS LOAD, SMS/OS and OEM.";
    WATCHDOG_LOGGING gauge "ipmi_bmc_watchdog_logging_state" None [] "Whether the watchdog logs that it expired.";
    WATCHDOG_ACTION gauge "ipmi_bmc_watchdog_timeout_action_state" None ["action"]
        "What the watchdog does when it expires: 1 for one of None, Hard Reset, Power Down and Power Cycle.";
    WATCHDOG_INTERRUPT gauge "ipmi_bmc_watchdog_pretimeout_interrupt_state" None ["interrupt"]
        "How the watchdog warns before: 1 for one of None, SMI, NMI / Diagnostic Interrupt and Messaging Interrupt.";
    WATCHDOG_PRETIMEOUT gauge "ipmi_bmc_watchdog_pretimeout_interval_seconds" Seconds []
        "How long before it expires the watchdog warns.";
    WATCHDOG_INITIAL gauge "ipmi_bmc_watchdog_initial_countdown_seconds" Seconds [] "What the watchdog counts down from.";
    WATCHDOG_LEFT gauge "ipmi_bmc_watchdog_current_countdown_seconds" Seconds [] "What is left of the watchdog's count.";
    THRESHOLD gauge "hi_ipmi_sensor_threshold" None ["id" "name" "type" "threshold"]
        "Threshold of a sensor, in the unit of its value: lower_ or upper_ with non_critical, critical or non_recoverable.";
    CHASSIS_FAULT gauge "hi_ipmi_chassis_fault" None ["fault"]
        "Whether the chassis tells power_overload, power_interlock, power_fault, power_control_fault, drive_fault, cooling_fault, intrusion or front_panel_lockout.";
    DCMI_STATISTIC gauge "hi_ipmi_dcmi_power_watts" Watts ["statistic"]
        "Power over the period of DCMI: minimum, maximum, average.";
    DCMI_PERIOD gauge "hi_ipmi_dcmi_power_period_seconds" Seconds [] "Period over which DCMI tells minimum, maximum and average.";
    SEL_ADDED gauge "hi_ipmi_sel_last_add_timestamp_seconds" Seconds []
        "When the last entry was logged, as Unix time of the BMC's clock.";
    SEL_OVERFLOW gauge "hi_ipmi_sel_overflow" None [] "Whether entries were lost because the log was full.";
}

/// Collectors of ipmi_exporter, in the order of [`push_up`].
pub(super) const COLLECTORS: [&str; 6] = ["bmc", "bmc-watchdog", "chassis", "dcmi", "ipmi", "sel"];

/// Of what kind a sensor's value is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Temperature,
    Fan,
    FanRatio,
    Voltage,
    Current,
    Power,
    Other,
}

/// Classes with a metric each for value and state, without type.
const CLASSES: [(Class, &MetricDef, &MetricDef); 6] = [
    (Class::Temperature, &TEMPERATURE, &TEMPERATURE_STATE),
    (Class::Fan, &FAN, &FAN_STATE),
    (Class::FanRatio, &FAN_RATIO, &FAN_STATE),
    (Class::Voltage, &VOLTAGE, &VOLTAGE_STATE),
    (Class::Current, &CURRENT, &CURRENT_STATE),
    (Class::Power, &POWER, &POWER_STATE),
];

impl Class {
    /// As ipmi_exporter sorts sensors: by their unit.
    fn of(sensor: &Sensor) -> Self {
        const FAN: u8 = 4;
        let units = sensor.units;
        match units.base {
            _ if sensor.formula.is_none() => Self::Other,
            _ if units.percent && sensor.kind == FAN => Self::FanRatio,
            _ if !units.is_plain() => Self::Other,
            code::CELSIUS => Self::Temperature,
            code::RPM => Self::Fan,
            code::VOLTS => Self::Voltage,
            code::AMPERES => Self::Current,
            code::WATTS => Self::Power,
            _ => Self::Other,
        }
    }

    /// From the sensor's unit to the metric's.
    fn scale(self) -> f64 {
        if self == Self::FanRatio { 0.01 } else { 1.0 }
    }
}

fn flag(yes: bool) -> f64 {
    if yes { 1.0 } else { 0.0 }
}

fn push(out: &mut Readings, metric: &'static MetricDef, labels: &[&str], value: Option<f64>) {
    match value {
        Some(value) => out.push(metric, labels, value),
        None => out.push_absent(metric, labels),
    }
}

/// Values and states of all sensors, also of those that have none now.
pub(super) fn push_sensors(sensors: &[(Sensor, Measured)], out: &mut Readings) {
    let ids: Vec<String> = sensors.iter().map(|(sensor, _)| sensor.record.to_string()).collect();
    let of = |class: Class| {
        let all = sensors.iter().zip(&ids).filter(move |((sensor, _), _)| Class::of(sensor) == class);
        all.map(|((sensor, measured), id)| (sensor, measured, id.as_str()))
    };
    for (class, value, state) in CLASSES {
        for (sensor, measured, id) in of(class) {
            push(out, value, &[id, &sensor.name], measured.value.map(|value| value * class.scale()));
        }
        for (sensor, measured, id) in of(class) {
            push(out, state, &[id, &sensor.name], measured.level().map(|level| level.value()));
        }
    }
    for (sensor, measured, id) in of(Class::Other) {
        push(out, &SENSOR, &[id, &sensor.name, type_name(sensor.kind)], measured.value);
    }
    for (sensor, measured, id) in of(Class::Other) {
        let level = measured.level().map(|level| level.value());
        push(out, &SENSOR_STATE, &[id, &sensor.name, type_name(sensor.kind)], level);
    }
    for ((sensor, measured), id) in sensors.iter().zip(&ids) {
        for (threshold, word) in measured.thresholds.iter().zip(THRESHOLDS) {
            if let Some(value) = threshold {
                let labels = [id, sensor.name.as_str(), type_name(sensor.kind), word];
                out.push(&THRESHOLD, &labels, value * Class::of(sensor).scale());
            }
        }
    }
}

pub(super) fn push_chassis(chassis: &Chassis, out: &mut Readings) {
    out.push(&CHASSIS_POWER, &[], flag(chassis.power_on));
    out.push(&DRIVE_FAULT, &[], flag(!chassis.drive_fault));
    out.push(&COOLING_FAULT, &[], flag(!chassis.cooling_fault));
    for (fault, is_there) in chassis.faults() {
        out.push(&CHASSIS_FAULT, &[fault], flag(is_there));
    }
}

pub(super) fn push_log(info: &Info, out: &mut Readings) {
    out.push(&SEL_COUNT, &[], f64::from(info.entries));
    push(out, &SEL_FREE, &[], info.free_bytes.map(f64::from));
    push(out, &SEL_ADDED, &[], info.added.map(f64::from));
    out.push(&SEL_OVERFLOW, &[], flag(info.overflow));
}

/// While power is not measured there is none.
pub(super) fn push_power(power: &Power, out: &mut Readings) {
    let told = |watts: u16| power.active.then(|| f64::from(watts));
    push(out, &DCMI_POWER, &[], told(power.current));
    for (word, watts) in [("minimum", power.minimum), ("maximum", power.maximum), ("average", power.average)]
    {
        push(out, &DCMI_STATISTIC, &[word], told(watts));
    }
    push(out, &DCMI_PERIOD, &[], power.active.then(|| f64::from(power.period_ms) / 1000.0));
}

pub(super) fn push_watchdog(watchdog: &Watchdog, out: &mut Readings) {
    const USES: [&str; 5] = ["BIOS FRB2", "BIOS POST", "OS LOAD", "SMS/OS", "OEM"];
    const ACTIONS: [&str; 4] = ["None", "Hard Reset", "Power Down", "Power Cycle"];
    const INTERRUPTS: [&str; 4] = ["None", "SMI", "NMI / Diagnostic Interrupt", "Messaging Interrupt"];
    const TENTHS: f64 = 10.0;
    out.push(&WATCHDOG, &[], flag(watchdog.running));
    for (number, name) in (1_u8..).zip(USES) {
        out.push(&WATCHDOG_USE, &[name], flag(watchdog.timer_use == number));
    }
    out.push(&WATCHDOG_LOGGING, &[], flag(watchdog.logs));
    for (number, action) in (0_u8..).zip(ACTIONS) {
        out.push(&WATCHDOG_ACTION, &[action], flag(watchdog.action == number));
    }
    for (number, interrupt) in (0_u8..).zip(INTERRUPTS) {
        out.push(&WATCHDOG_INTERRUPT, &[interrupt], flag(watchdog.interrupt == number));
    }
    out.push(&WATCHDOG_PRETIMEOUT, &[], f64::from(watchdog.pretimeout_seconds));
    out.push(&WATCHDOG_INITIAL, &[], f64::from(watchdog.initial) / TENTHS);
    push(out, &WATCHDOG_LEFT, &[], watchdog.left.map(|left| f64::from(left) / TENTHS));
}

/// Firmware of the BMC, maker, firmware of the machine, address of the BMC's page. What is not known is `N/A`.
pub(super) fn push_bmc(labels: [&str; 4], out: &mut Readings) {
    out.push(&BMC_INFO, &labels.map(|label| if label.is_empty() { "N/A" } else { label }), 1.0);
}

/// What came of each collector; `None` for what the BMC does not know.
pub(super) fn push_up(up: [Option<bool>; COLLECTORS.len()], seconds: Option<f64>, out: &mut Readings) {
    for (collector, up) in COLLECTORS.iter().zip(up) {
        if let Some(up) = up {
            out.push(&UP, &[collector], flag(up));
        }
    }
    push(out, &DURATION, &[], seconds);
}
