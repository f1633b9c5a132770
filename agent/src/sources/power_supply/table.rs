//! Attributes of power supplies (Documentation/ABI/testing/sysfs-class-power) and their metrics, in node_exporter's names.

use hi_common::metric::{MetricDef, Unit};

/// An attribute: its file, its metric, by what the number in the file is divided.
pub(super) type Row = (&'static str, &'static MetricDef, f64);

macro_rules! attributes {
    ($($divisor:literal $file:literal $metric:literal $unit:ident $help:literal;)+) => {
        /// Attributes that are numbers.
        pub(super) const ROWS: &[Row] = &[$((
            $file,
            {
                static METRIC: MetricDef = MetricDef::gauge(
                    concat!("node_power_supply_", $metric), Unit::$unit, &["power_supply"], $help,
                );
                &METRIC
            },
            $divisor,
        )),+];
    };
}

// Volts, amperes, watts and their hours are millionths in the files, temperatures tenths.
attributes! {
    1.0 "authentic" "authentic" None "Whether the battery is a genuine one.";
    1.0 "calibrate" "calibrate" None "Whether the supply is being calibrated.";
    1.0 "capacity" "capacity" None "Charge in percent.";
    1.0 "capacity_alert_max" "capacity_alert_max" None "Charge in percent above which the supply alerts.";
    1.0 "capacity_alert_min" "capacity_alert_min" None "Charge in percent below which the supply alerts.";
    1.0 "cycle_count" "cyclecount" None "Cycles of charge that the battery has gone through; 0 also where that is not counted.";
    1.0 "online" "online" None "Whether the supply gives power: 0 no, 1 yes, 2 yes with a programmable voltage.";
    1.0 "present" "present" None "Whether the battery is there.";
    1.0 "time_to_empty_now" "time_to_empty_seconds" Seconds "Time until the battery is empty.";
    1.0 "time_to_full_now" "time_to_full_seconds" Seconds "Time until the battery is full.";
    1e6 "current_boot" "current_boot" Amperes "Current at boot.";
    1e6 "current_max" "current_max" Amperes "Highest current.";
    1e6 "current_now" "current_ampere" Amperes "Current now.";
    1e6 "energy_empty" "energy_empty" None "Energy at which the battery counts as empty, in watt-hours.";
    1e6 "energy_empty_design" "energy_empty_design" None "Energy at which the battery was to count as empty, in watt-hours.";
    1e6 "energy_full" "energy_full" None "Energy of the battery when it was full last, in watt-hours.";
    1e6 "energy_full_design" "energy_full_design" None "Energy that the full battery had when new, in watt-hours.";
    1e6 "energy_now" "energy_watthour" None "Energy of the battery, in watt-hours.";
    1e6 "voltage_boot" "voltage_boot" Volts "Voltage at boot.";
    1e6 "voltage_max" "voltage_max" Volts "Highest voltage.";
    1e6 "voltage_max_design" "voltage_max_design" Volts "Highest voltage by design.";
    1e6 "voltage_min" "voltage_min" Volts "Lowest voltage.";
    1e6 "voltage_min_design" "voltage_min_design" Volts "Lowest voltage by design.";
    1e6 "voltage_now" "voltage_volt" Volts "Voltage now.";
    1e6 "voltage_ocv" "voltage_ocv" Volts "Voltage without load.";
    1e6 "charge_control_limit" "charge_control_limit" None "Limit of charging, divided by a million as node_exporter does.";
    1e6 "charge_control_limit_max" "charge_control_limit_max" None "Highest limit of charging, divided by a million as node_exporter does.";
    1e6 "charge_counter" "charge_counter" None "Charge counted, in ampere-hours.";
    1e6 "charge_empty" "charge_empty" None "Charge at which the battery counts as empty, in ampere-hours.";
    1e6 "charge_empty_design" "charge_empty_design" None "Charge at which the battery was to count as empty, in ampere-hours.";
    1e6 "charge_full" "charge_full" None "Charge of the battery when it was full last, in ampere-hours.";
    1e6 "charge_full_design" "charge_full_design" None "Charge that the full battery had when new, in ampere-hours.";
    1e6 "charge_now" "charge_ampere" None "Charge of the battery, in ampere-hours.";
    1e6 "charge_term_current" "charge_term_current" Amperes "Current at which charging ends.";
    1e6 "constant_charge_current" "constant_charge_current" Amperes "Current of charging with constant current.";
    1e6 "constant_charge_current_max" "constant_charge_current_max" Amperes "Highest current of charging with constant current.";
    1e6 "constant_charge_voltage" "constant_charge_voltage" Volts "Voltage of charging with constant voltage.";
    1e6 "constant_charge_voltage_max" "constant_charge_voltage_max" Volts "Highest voltage of charging with constant voltage.";
    1e6 "precharge_current" "precharge_current" Amperes "Current of charging an empty battery.";
    1e6 "input_current_limit" "input_current_limit" Amperes "Limit of the current taken in.";
    1e6 "power_now" "power_watt" Watts "Power that the battery gives or takes.";
    10.0 "temp" "temp_celsius" Celsius "Temperature now.";
    10.0 "temp_alert_max" "temp_alert_max_celsius" Celsius "Temperature above which the supply alerts.";
    10.0 "temp_alert_min" "temp_alert_min_celsius" Celsius "Temperature below which the supply alerts.";
    10.0 "temp_ambient" "temp_ambient_celsius" Celsius "Temperature around it.";
    10.0 "temp_ambient_max" "temp_ambient_max_celsius" Celsius "Highest temperature around it.";
    10.0 "temp_ambient_min" "temp_ambient_min_celsius" Celsius "Lowest temperature around it.";
    10.0 "temp_max" "temp_max_celsius" Celsius "Highest temperature.";
    10.0 "temp_min" "temp_min_celsius" Celsius "Lowest temperature.";
}

/// Files of the labels of [`INFO`] behind the first, in their order.
pub(super) const WORDS: [&str; 11] = [
    "capacity_level",
    "charge_type",
    "health",
    "manufacturer",
    "model_name",
    "scope",
    "serial_number",
    "status",
    "technology",
    "type",
    "usb_type",
];

/// What a supply says of itself.
pub(super) static INFO: MetricDef = MetricDef::info(
    "node_power_supply_info",
    &[
        "power_supply",
        "capacity_level",
        "charge_type",
        "health",
        "manufacturer",
        "model_name",
        "scope",
        "serial_number",
        "status",
        "technology",
        "type",
        "usb_type",
    ],
    "What a power supply says of itself in words.",
);
/// Supplies that hang.
pub(super) static STALLED: MetricDef = MetricDef::gauge(
    "hi_power_supply_stalled",
    Unit::None,
    &["power_supply"],
    "1 while a supply does not answer in time (a wireless device that sleeps), 0 otherwise.",
);

/// Every metric of this source.
pub(super) static METRICS: [&MetricDef; ROWS.len() + 2] = {
    let mut all = [&INFO; ROWS.len() + 2];
    let mut index = 0;
    while index < ROWS.len() {
        all[index] = ROWS[index].1;
        index += 1;
    }
    all[index] = &STALLED;
    all
};
