//! Metrics of the attributes that the kernel's hwmon interface names (Documentation/hwmon/sysfs-interface.rst,
//! Documentation/ABI/testing/sysfs-class-hwmon), and of those that drivers have beside (Documentation/hwmon/nct6775.rst,
//! lm85.rst, adt7475.rst, …), under the names that node_exporter's collector gives them.

use hi_common::metric::{MetricDef, Unit};

const SENSOR: &[&str] = &["chip", "sensor"];

/// An attribute of a sensor.
pub(super) struct Row {
    /// Type of the sensor.
    pub(super) kind: &'static str,
    /// Property, as in the name of its file.
    pub(super) property: &'static str,
    /// Its metric.
    pub(super) metric: &'static MetricDef,
    /// By what the number in the file is divided.
    pub(super) divisor: f64,
}

/// Declares the attributes of one type that share a unit: `=> property, name` for the measured value, then the others.
macro_rules! attributes {
    ($($table:ident $kind:literal $end:literal $constructor:ident $unit:ident $divisor:literal $help:literal
        $(=> $value:literal)? : $($property:literal)*;)+) => {
        $(const $table: &[Row] = &[
            $(Row {
                kind: $kind,
                property: $value,
                metric: {
                    static METRIC: MetricDef = MetricDef::$constructor(
                        concat!("node_hwmon_", $kind, $end), Unit::$unit, SENSOR, concat!($help, ", as measured."),
                    );
                    &METRIC
                },
                divisor: $divisor,
            },)?
            $(Row {
                kind: $kind,
                property: $property,
                metric: {
                    static METRIC: MetricDef = MetricDef::$constructor(
                        concat!("node_hwmon_", $kind, "_", $property, $end),
                        Unit::$unit,
                        SENSOR,
                        concat!($help, ": ", $property, "."),
                    );
                    &METRIC
                },
                divisor: $divisor,
            },)*
        ];)+
        /// All of them.
        const TABLES: &[&[Row]] = &[$($table),+];
    };
}

// Alarms of a limit have the limit's unit and divisor in node_exporter (`node_hwmon_temp_crit_alarm_celsius` is 0 or 0.001).
attributes! {
    TEMP "temp" "_celsius" gauge Celsius 1000.0 "Temperature" => "input": "max" "min" "max_hyst" "min_hyst" "crit" "crit_hyst"
        "emergency" "emergency_hyst" "lcrit" "lcrit_hyst" "offset" "average" "lowest" "highest" "rated_min" "rated_max" "enable"
        "max_alarm" "min_alarm" "crit_alarm" "emergency_alarm" "lcrit_alarm" "tolerance"
        "auto_point1_temp" "auto_point2_temp" "auto_point3_temp" "auto_point4_temp" "auto_point5_temp"
        "auto_point1_temp_hyst" "auto_point2_temp_hyst" "auto_point3_temp_hyst" "auto_point1_pwm" "auto_point2_pwm" "auto_point3_pwm"
        "smoothing" "auto_temp_off" "auto_temp_min" "auto_temp_max" "auto_temp_crit";
    TEMP_TYPE "temp" "" gauge None 1.0 "Temperature sensor" : "type" "fault" "alarm";
    IN "in" "_volts" gauge Volts 1000.0 "Voltage" => "input": "min" "max" "lcrit" "crit" "average" "lowest" "highest" "rated_min"
        "rated_max" "enable" "min_alarm" "max_alarm" "lcrit_alarm" "crit_alarm";
    IN_STATE "in" "" gauge None 1.0 "Voltage sensor" : "fault" "alarm";
    CPU "cpu" "_volts" gauge Volts 1000.0 "Core voltage that the processor asks for" : "vid";
    CURR "curr" "_amps" gauge Amperes 1000.0 "Current" => "input": "min" "max" "lcrit" "crit" "average" "lowest" "highest"
        "rated_min" "rated_max" "enable" "min_alarm" "max_alarm" "lcrit_alarm" "crit_alarm";
    CURR_STATE "curr" "" gauge None 1.0 "Current sensor" : "fault" "alarm";
    POWER "power" "_watt" gauge Watts 1e6 "Power" => "input": "average" "average_highest" "average_lowest" "average_max"
        "average_min" "input_highest" "input_lowest" "cap" "cap_hyst" "cap_max" "cap_min" "cap_default" "min" "max" "lcrit" "crit"
        "rated_min" "rated_max" "enable" "cap_alarm" "min_alarm" "max_alarm" "lcrit_alarm" "crit_alarm";
    POWER_STATE "power" "" gauge None 1.0 "Power sensor" : "fault" "alarm";
    POWER_ACCURACY "power" "" gauge Ratio 1e6 "Power meter" : "accuracy";
    POWER_INTERVAL "power" "_seconds" gauge Seconds 1000.0 "Power meter" : "average_interval" "average_interval_min"
        "average_interval_max";
    ENERGY "energy" "_joule_total" counter Joules 1e6 "Energy used so far" => "input": ;
    HUMIDITY "humidity" "" gauge Ratio 1e5 "Relative humidity" => "input": "min" "max" "min_hyst" "max_hyst" "rated_min" "rated_max"
        "lowest" "highest";
    HUMIDITY_STATE "humidity" "" gauge None 1.0 "Humidity sensor" : "fault" "alarm" "min_alarm" "max_alarm" "enable";
    FAN "fan" "_rpm" gauge None 1.0 "Fan speed in revolutions per minute" => "input": "min" "max" "target";
    FAN_STATE "fan" "" gauge None 1.0 "Fan" : "fault" "alarm" "min_alarm" "max_alarm" "div" "pulses" "tolerance" "enable" "manual"
        "output" "safe";
    PWM "pwm" "" gauge None 1.0 "Fan control from 0 to 255" => "": ;
    PWM_STATE "pwm" "" gauge None 1.0 "Fan control" : "enable" "mode" "freq" "min" "max" "target" "tolerance" "auto_channels_temp"
        "auto_start" "auto_pwm_min" "auto_pwm_minctl" "auto_pwm_freq" "crit_temp_tolerance" "floor" "start" "stall_disable"
        "step_down_time" "step_up_time" "stop_time" "target_temp" "temp_sel" "temp_tolerance" "weight_duty_base" "weight_duty_step"
        "weight_temp_sel" "weight_temp_step" "weight_temp_step_base" "weight_temp_step_tol"
        "auto_point1_pwm" "auto_point2_pwm" "auto_point3_pwm" "auto_point4_pwm" "auto_point5_pwm" "auto_point6_pwm" "auto_point7_pwm"
        "auto_point1_temp" "auto_point2_temp" "auto_point3_temp" "auto_point4_temp" "auto_point5_temp" "auto_point6_temp"
        "auto_point7_temp" "auto_point1_temp_hyst" "auto_point2_temp_hyst" "auto_point3_temp_hyst" "auto_point4_temp_hyst"
        "auto_point5_temp_hyst" "auto_point6_temp_hyst" "auto_point7_temp_hyst";
    INTRUSION "intrusion" "" gauge None 1.0 "Case" : "alarm";
    FREQ "freq" "_freq_mhz" gauge None 1e6 "Clock of a graphics processor, in MHz" => "input": ;
}

/// Declares what does not follow the pattern.
macro_rules! others {
    ($($kind:literal $property:literal $metric:literal $unit:ident $divisor:literal $help:literal;)+) => {
        const OTHERS: &[Row] = &[$(Row {
            kind: $kind,
            property: $property,
            metric: {
                static METRIC: MetricDef = MetricDef::gauge(concat!("node_hwmon_", $metric), Unit::$unit, SENSOR, $help);
                &METRIC
            },
            divisor: $divisor,
        }),+];
    };
}

others! {
    "beep_enable" "" "beep_enabled" None 1.0 "Whether the chip may beep.";
    "vrm" "" "voltage_regulator_version" None 1.0 "Version of the voltage regulator module's standard.";
    "update_interval" "" "update_interval_seconds" Seconds 1000.0 "How often the chip measures.";
    "temp" "beep" "temp_beep_enabled" None 1.0 "Whether the chip beeps at this sensor's alarm.";
    "in" "beep" "in_beep_enabled" None 1.0 "Whether the chip beeps at this sensor's alarm.";
    "curr" "beep" "curr_beep_enabled" None 1.0 "Whether the chip beeps at this sensor's alarm.";
    "power" "beep" "power_beep_enabled" None 1.0 "Whether the chip beeps at this sensor's alarm.";
    "fan" "beep" "fan_beep_enabled" None 1.0 "Whether the chip beeps at this sensor's alarm.";
    "intrusion" "beep" "intrusion_beep_enabled" None 1.0 "Whether the chip beeps when the case was opened.";
}

/// Names of chips, as node_exporter gives them.
pub(super) static CHIP_NAMES: MetricDef = MetricDef::gauge(
    "node_hwmon_chip_names",
    Unit::None,
    &["chip", "chip_name"],
    "Always 1: the name that a chip's driver gives it.",
);
/// Labels of sensors, as node_exporter gives them.
pub(super) static SENSOR_LABEL: MetricDef = MetricDef::gauge(
    "node_hwmon_sensor_label",
    Unit::None,
    &["chip", "sensor", "label"],
    "Always 1: what a sensor measures, in its driver's words.",
);
/// Whether something is wrong.
pub(super) static ALARM: MetricDef = MetricDef::gauge(
    "hi_hwmon_alarm",
    Unit::None,
    SENSOR,
    "1 while one of a sensor's alarms or faults holds, or, where its chip has no alarm for that limit, while a temperature is at or \
     above its limit or a fan slower than its own.",
);
/// Sensors that do not answer in time.
pub(super) static STALLED: MetricDef = MetricDef::gauge(
    "hi_hwmon_stalled_sensors",
    Unit::None,
    &["chip"],
    "Sensors of a chip whose driver did not answer in time; they are left out, and hold up no others.",
);
/// Sensors that answer with an error.
pub(super) static FAILED: MetricDef = MetricDef::gauge(
    "hi_hwmon_failed_sensors",
    Unit::None,
    &["chip"],
    "Sensors of a chip whose driver answered with an error this time; that it has no reading just now is none.",
);
/// Chips that are not asked.
pub(super) static ASLEEP: MetricDef = MetricDef::gauge(
    "hi_hwmon_chip_asleep",
    Unit::None,
    &["chip"],
    "1 while a chip is not asked, because that would wake its device or keep it awake; only of those that may sleep.",
);

/// Every attribute, in the order in which they are told.
pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    TABLES.iter().flat_map(|table| table.iter()).chain(OTHERS)
}

/// Place of an attribute among [`rows`].
pub(super) fn find(kind: &str, property: &str) -> Option<(usize, &'static Row)> {
    rows().enumerate().find(|(_, row)| row.kind == kind && row.property == property)
}

const COUNT: usize = {
    let (mut count, mut index) = (OTHERS.len(), 0);
    while index < TABLES.len() {
        count += TABLES[index].len();
        index += 1;
    }
    count
};

const OWN: [&MetricDef; 6] = [&CHIP_NAMES, &SENSOR_LABEL, &ALARM, &STALLED, &FAILED, &ASLEEP];

/// Every metric of this source.
pub(super) static METRICS: [&MetricDef; COUNT + OWN.len()] = {
    let mut all = [&CHIP_NAMES; COUNT + OWN.len()];
    let mut at = 0;
    while at < OWN.len() {
        all[at] = OWN[at];
        at += 1;
    }
    let mut table = 0;
    while table <= TABLES.len() {
        let rows = if table < TABLES.len() { TABLES[table] } else { OTHERS };
        let mut row = 0;
        while row < rows.len() {
            all[at] = rows[row].metric;
            (at, row) = (at + 1, row + 1);
        }
        table += 1;
    }
    all
};

/// What moves by itself. The others (limits, settings, history) are looked up again every ten minutes.
pub(super) fn moves(kind: &str, property: &str) -> bool {
    matches!(property, "" | "input" | "average" | "vid" | "fault" | "target" | "output")
        || property.ends_with("alarm")
        || (kind == "pwm" && property == "enable")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_node_exporter() {
        for (kind, property, name) in [
            ("temp", "input", "node_hwmon_temp_celsius"),
            ("temp", "crit_alarm", "node_hwmon_temp_crit_alarm_celsius"),
            ("temp", "alarm", "node_hwmon_temp_alarm"),
            ("in", "input", "node_hwmon_in_volts"),
            ("cpu", "vid", "node_hwmon_cpu_vid_volts"),
            ("power", "average", "node_hwmon_power_average_watt"),
            ("energy", "input", "node_hwmon_energy_joule_total"),
            ("humidity", "input", "node_hwmon_humidity"),
            ("pwm", "", "node_hwmon_pwm"),
            ("fan", "target", "node_hwmon_fan_target_rpm"),
            ("fan", "beep", "node_hwmon_fan_beep_enabled"),
            ("update_interval", "", "node_hwmon_update_interval_seconds"),
        ] {
            assert_eq!(find(kind, property).map(|(_, row)| row.metric.name), Some(name), "{kind} {property}");
        }
        assert!(METRICS.iter().skip(1).all(|metric| metric.name != CHIP_NAMES.name), "every place is filled");
        assert!(moves("temp", "crit_alarm") && moves("pwm", "") && !moves("temp", "max"));
    }
}
