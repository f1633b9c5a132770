//! Sensors of a GPU (Documentation/hwmon/sysfs-interface.rst; Documentation/gpu/amdgpu/thermal.rst;
//! Documentation/ABI/testing/sysfs-driver-intel-i915-hwmon and …-xe-hwmon).

use super::card::{Named, Reader, Values};

/// Full scale of `pwm1`.
const PWM_MAX: f64 = 255.0;

/// Reads the sensors, and PCIe.
pub(super) fn read(reader: &mut Reader<'_>, values: &mut Values) {
    if let Some(chip) = reader.list("hwmon").into_iter().find(|name| name.starts_with("hwmon")) {
        chip_of(reader, &format!("hwmon/{chip}"), values);
    }
    values.pcie = [
        reader.text("current_link_speed").as_deref().and_then(generation),
        reader.text("max_link_speed").as_deref().and_then(generation),
        reader.number("current_link_width"),
        reader.number("max_link_width"),
    ];
}

fn chip_of(reader: &mut Reader<'_>, folder: &str, values: &mut Values) {
    let files = reader.list(folder);
    for file in &files {
        let Some((sensor, _)) = file.split_once("_input") else { continue };
        let label = reader.text(&format!("{folder}/{sensor}_label"));
        let Some(value) = reader.number(&format!("{folder}/{file}")) else { continue };
        let name = label.clone().unwrap_or_else(|| sensor.to_owned());
        match sensor.trim_end_matches(|c: char| c.is_ascii_digit()) {
            "temp" => {
                values.temperatures.insert(name.clone(), value / 1e3);
                let critical = reader.number(&format!("{folder}/{sensor}_crit"));
                values.temperatures_critical.extend(critical.map(|limit| (name, limit / 1e3)));
            }
            "in" => {
                values.voltages.insert(name, value / 1e3);
            }
            "freq" => clock(label.as_deref(), value, &mut values.clocks),
            _ => {}
        }
    }
    let scaled = |value: Option<f64>, per: f64| value.map(|value| value / per);
    let mut number = |file: &str| reader.number(&format!("{folder}/{file}"));
    // A mean over some time where the GPU tells that, in microwatts.
    let power = number("power1_average").or_else(|| number("power1_input"));
    values.power = scaled(power, 1e6);
    values.power_limit = scaled(number("power1_cap").or_else(|| number("power1_max")), 1e6);
    values.energy = scaled(number("energy1_input"), 1e6);
    values.fan_rpm = number("fan1_input");
    values.fan_ratio = scaled(number("pwm1"), PWM_MAX);
}

/// amdgpu tells the clocks themselves here, and the levels they are at elsewhere; the former are exact.
fn clock(label: Option<&str>, hertz: f64, clocks: &mut Named) {
    let name = match label {
        Some("sclk") => "graphics",
        Some("mclk") => "memory",
        Some(other) => other,
        None => return,
    };
    clocks.insert(name.to_owned(), hertz);
}

/// `16.0 GT/s PCIe` is the fourth generation.
fn generation(speed: &str) -> Option<f64> {
    let speed: f64 = speed.split(' ').next()?.parse().ok()?;
    let speeds = [2.5, 5.0, 8.0, 16.0, 32.0, 64.0];
    speeds.into_iter().position(|known| known == speed).map(|at| at as f64 + 1.0)
}
