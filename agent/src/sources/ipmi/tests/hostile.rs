//! A BMC that hangs, refuses, or answers anything.

use super::*;
use proptest::prelude::*;

#[test]
fn a_bmc_that_hangs_is_an_error_and_its_sensors_have_no_values() {
    let (machine, mut source) = (Machine::lab(), source());
    machine.read(&mut source).1.unwrap();
    machine.fail("ipmi-06-01", libc::ETIMEDOUT);
    let (out, result) = machine.read(&mut source);
    assert_eq!(result.unwrap_err().to_string(), "the BMC did not answer within 6s");
    assert!(values(&out, "ipmi_temperature_celsius").is_empty());
    assert_eq!(values(&out, "ipmi_up"), BTreeMap::from([("bmc".to_owned(), 0.0)]));
    // How the kernel says it.
    let hung = Machine::lab();
    hung.refuse("ipmi-06-01", 0xc3);
    assert_eq!(hung.read(&mut super::source()).1.unwrap_err().reason(), "timeout");
    machine.raw(&words("raw.txt"));
    let (out, result) = machine.read(&mut source);
    result.unwrap();
    assert_eq!(values(&out, "ipmi_temperature_celsius").len(), 2);
    assert!(out.events().is_empty());
}

#[test]
fn a_sensor_at_which_it_hangs_costs_those_after_it_only_until_the_next_run() {
    let (machine, mut source) = (Machine::lab(), source());
    machine.fail("ipmi-04-2d-02", libc::ETIMEDOUT);
    let (out, result) = machine.read(&mut source);
    assert_eq!(result.unwrap_err().reason(), "timeout");
    assert_eq!(value(&out, "ipmi_temperature_celsius", "1|CPU Temp"), Some(41.0));
    assert_eq!((values(&out, "ipmi_up")["ipmi"], values(&out, "ipmi_up")["sel"]), (0.0, 1.0));
    assert_eq!(
        value(&out, "hi_ipmi_sensor_threshold", "3|FAN1|Fan|lower_critical"),
        Some(300.0),
        "of the record"
    );
    machine.raw(&words("raw.txt"));
    let (out, result) = machine.read(&mut source);
    result.unwrap();
    assert_eq!(compare(&out, &words("sensor.txt")), 24);
}

#[test]
fn a_sensor_that_is_refused_or_not_there_costs_itself_only() {
    let machine = Machine::lab();
    machine.refuse("ipmi-04-2d-01", 0xcb);
    machine.answer("ipmi-04-2d-02", &[30, 0xe0, 0, 0]);
    machine.answer("ipmi-04-2d-03", &[1]);
    let (out, result) = machine.read(&mut source());
    result.unwrap();
    assert!(
        values(&out, "ipmi_temperature_celsius").is_empty() && values(&out, "ipmi_fan_speed_rpm").is_empty()
    );
    assert_eq!(value(&out, "ipmi_voltage_volts", "4|12V"), Some(12.12));
    assert!(values(&out, "ipmi_temperature_state").is_empty(), "unknown is not nominal");
    let series = out.samples().filter(|(metric, ..)| metric.name == "ipmi_temperature_celsius").count();
    assert_eq!(series, 2, "the series stay");
}

#[test]
fn what_it_does_not_know_is_not_asked_again_and_is_no_error() {
    let (machine, mut source) = (Machine::lab(), source());
    machine.refuse("ipmi-00-01", 0xc1);
    machine.refuse("ipmi-0a-40", 0xc1);
    for _ in 0..2 {
        let (out, result) = machine.read(&mut source);
        result.unwrap();
        let up: Vec<String> = values(&out, "ipmi_up").into_keys().collect();
        assert_eq!(up, ["bmc", "ipmi"]);
        machine.fail("ipmi-00-01", libc::ETIMEDOUT);
        machine.fail("ipmi-0a-40", libc::ETIMEDOUT);
    }
}

#[test]
fn records_that_never_come_are_a_bounded_error() {
    let machine = Machine::lab();
    for code in [0xc5, 0xca, 0xff] {
        for count in ["ff", "10", "08"] {
            machine.refuse(&format!("ipmi-0a-23-0000000000{count}"), code);
        }
        let (out, result) = machine.read(&mut source());
        assert_eq!(result.unwrap_err().reason(), "io");
        assert_eq!((values(&out, "ipmi_up")["ipmi"], values(&out, "ipmi_up")["chassis"]), (0.0, 1.0));
    }
    // A record whose next one is itself, and one that is cut and never goes on.
    let machine = Machine::lab();
    machine.answer("ipmi-0a-23-0000000000ff", &[0, 0, 1, 0, 0x51, 0xc0, 7, 7]);
    machine.answer("ipmi-0a-23-000000000608", &[0, 0]);
    machine.answer("ipmi-0a-23-000000000606", &[0, 0]);
    let (out, result) = machine.read(&mut source());
    result.unwrap();
    assert_eq!(out.notes(), ["1 sensor records are not understood"]);
}

#[test]
fn a_bmc_that_starts_is_asked_nothing_else() {
    let machine = Machine::lab();
    machine.answer("ipmi-06-01", &[0, 3, 0x89, 8, 2, 0x9f, 0x91, 0x12, 0, 2, 0x0f]);
    let (out, result) = machine.read(&mut source());
    result.unwrap();
    assert!(out.notes()[0].starts_with("the BMC starts"), "{:?}", out.notes());
    assert!(values(&out, "ipmi_chassis_power_state").is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_it_answers_the_source_comes_back(
        answers in prop::collection::vec((any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 0..40), any::<bool>()), 1..6),
    ) {
        let machine = Machine::lab();
        machine.answer("ipmi-0a-43-0000ffff00ff", &[]);
        let mut keys: Vec<String> = fs::read_dir(machine.place("."))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.contains('.'))
            .collect();
        keys.sort();
        let mut source = source();
        for (key, bytes, refused) in &answers {
            let key: &String = key.get(&keys);
            match (refused, bytes.first()) {
                (true, Some(code)) => machine.refuse(key, *code),
                _ => machine.answer(key, bytes),
            }
            let (out, _) = machine.read(&mut source);
            prop_assert!(out.samples().all(|(_, _, value)| hi_common::batch::is_absent(value) || value.is_finite()));
        }
    }
}
