//! The table of variables that have a metric of their own, and how the text of a variable becomes its value.

use std::collections::HashMap;
use std::sync::OnceLock;

use hi_common::metric::MetricDef;

use super::names::UNIT;
use super::names_parts::PARTS;
use super::names_phases::PHASES;

/// A variable's name with underscores, and its metric.
pub(super) type Row = (&'static str, &'static MetricDef);

/// Declares variables: name with underscores as nut_exporter writes it, unit, help.
macro_rules! rows {
    ($table:ident: $($name:literal $unit:ident $help:literal;)+) => {
        pub(super) const $table: &[Row] = &[$(($name, {
            static METRIC: MetricDef = MetricDef::gauge(
                concat!("network_ups_tools_", $name),
                Unit::$unit,
                &["ups", "server"],
                $help,
            );
            &METRIC
        })),+];
    };
}
pub(super) use rows;

/// Number of metrics in the table.
pub(super) const COUNT: usize = UNIT.len() + PHASES.len() + PARTS.len();

/// Every metric of the table.
pub(super) const METRICS: [&MetricDef; COUNT] = {
    let mut all = [UNIT[0].1; COUNT];
    let (mut index, mut tables) = (0, [UNIT, PARTS, PHASES].as_slice());
    while let [table, others @ ..] = tables {
        let mut row = 0;
        while row < table.len() {
            all[index] = table[row].1;
            index += 1;
            row += 1;
        }
        tables = others;
    }
    all
};

/// Place of a variable in [`METRICS`]: `battery.charge`, `output.L1-N.voltage`.
pub(super) fn place(variable: &str) -> Option<usize> {
    static PLACES: OnceLock<HashMap<&'static str, usize>> = OnceLock::new();
    let places = PLACES.get_or_init(|| {
        let names = [UNIT, PARTS, PHASES].into_iter().flatten().map(|(name, _)| *name);
        names.enumerate().map(|(place, name)| (name, place)).collect()
    });
    places.get(variable.replace(['.', '-'], "_").as_str()).copied()
}

/// Longest text that is taken for a number.
const NUMBER_BYTES_MAX: usize = 32;

/// The value of a variable: a number as NUT writes it (a dot, no exponent: "Numeric format" in docs/nut-names.txt), or 1 or 0 for
/// a word that nut_exporter takes for on or off.
pub(super) fn value(text: &str) -> Option<f64> {
    /// Default of nut_exporter's `nut.on_regex`.
    const ON: [&str; 6] = ["enable", "enabled", "on", "true", "active", "activated"];
    /// Default of nut_exporter's `nut.off_regex`.
    const OFF: [&str; 6] = ["disable", "disabled", "off", "false", "inactive", "deactivated"];
    let text = text.trim();
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(&ON) {
        return Some(1.0);
    }
    if is(&OFF) {
        return Some(0.0);
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && digits.bytes().any(|byte| byte.is_ascii_digit());
    if !plain || text.len() > NUMBER_BYTES_MAX {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Whether a variable is a name, a date, a version or a setting of a driver, whatever digits it is made of: told as a fact, if at
/// all.
pub(super) fn is_opaque(variable: &str) -> bool {
    const FIRST: [&str; 4] = ["driver", "server", "device", "experimental"];
    const ANYWHERE: [&str; 21] = [
        "serial",
        "productid",
        "vendorid",
        "firmware",
        "id",
        "groupid",
        "version",
        "date",
        "time",
        "macaddr",
        "part",
        "model",
        "mfr",
        "name",
        "desc",
        "contact",
        "contacts",
        "address",
        "language",
        "quality",
        "designator",
    ];
    let mut parts = variable.split('.');
    parts.next().is_some_and(|first| FIRST.contains(&first)) || parts.any(|part| ANYWHERE.contains(&part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_the_metrics() {
        for (variable, metric) in [
            ("battery.charge", "network_ups_tools_battery_charge"),
            ("output.L1-N.voltage", "network_ups_tools_output_L1_N_voltage"),
            ("ups.load", "network_ups_tools_ups_load"),
            ("outlet.4.delay.start", "network_ups_tools_outlet_4_delay_start"),
        ] {
            assert_eq!(place(variable).map(|place| METRICS[place].name), Some(metric));
        }
        assert_eq!(place("ups.status"), None);
    }

    #[test]
    fn numbers_are_those_of_nut_and_words_those_of_nut_exporter() {
        for (text, expected) in [
            ("100", Some(100.0)),
            ("01200.2", Some(1200.2)),
            ("-60", Some(-60.0)),
            (" 024 ", Some(24.0)),
            ("enabled", Some(1.0)),
            ("OFF", Some(0.0)),
            ("1.2e4", None),
            ("1,200.20", None),
            ("21,52", None),
            ("1.2.3", None),
            (".", None),
            ("-", None),
            ("", None),
            ("inf", None),
            ("NaN", None),
            ("<85", None),
            ("yes", None),
            ("1000000000000000000000000000000000000000", None),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_number_is_left_to_the_facts() {
        for name in [
            "ups.productid",
            "device.serial",
            "driver.parameter.pollfreq",
            "battery.mfr.date",
            "ambient.1.id",
        ] {
            assert!(is_opaque(name), "{name}");
        }
        for name in
            ["outlet.7.current", "input.L1.voltage.maximum", "battery.packs.unknown", "ups.test.count"]
        {
            assert!(!is_opaque(name), "{name}");
        }
    }
}
