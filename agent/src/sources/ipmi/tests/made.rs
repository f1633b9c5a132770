//! What the lab has not: sensors of other kinds, whole records, product data, power.

use super::*;
use crate::sources::ipmi::sdr::tests::compact_record;

/// A full record of a made-up sensor.
struct Full {
    record: u16,
    owner: [u8; 2],
    number: u8,
    kind: u8,
    event_type: u8,
    units: [u8; 3],
    linearization: u8,
    name: &'static str,
}

impl Full {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.record.to_le_bytes().to_vec();
        bytes.extend([0x51, 1, 0]);
        bytes.extend(self.owner);
        bytes.extend([self.number, 7, 1, 0x7f, 0x40, self.kind, self.event_type]);
        bytes.extend([0; 6]);
        bytes.extend(self.units);
        bytes.extend([self.linearization, 1, 0, 0, 0, 0, 0]);
        bytes.extend([0; 17]);
        bytes.push(0xc0 | self.name.len() as u8);
        bytes.extend(self.name.as_bytes());
        bytes[4] = (bytes.len() - 5) as u8;
        bytes
    }
}

/// A machine with these records and nothing else but the lab's answers.
fn machine(records: &[Vec<u8>]) -> Machine {
    let machine = Machine::lab();
    machine.records(&records.concat(), false);
    machine
}

fn numbered(number: u16, mut record: Vec<u8>) -> Vec<u8> {
    record[..2].copy_from_slice(&number.to_le_bytes());
    record
}

#[test]
fn sensors_with_states_are_told_in_words() {
    let machine = machine(&[
        numbered(84, compact_record(0x62, 0x08, 0x6f, [1, 0], "Status")),
        numbered(83, compact_record(0x77, 0x08, 0x0b, [1, 0], "PS Redundancy")),
        numbered(87, compact_record(0x79, 0xc5, 0x70, [1, 0], "Power Optimized")),
        numbered(12, compact_record(0x30, 0x04, 0x08, [2, 1], "Fan ")),
        numbered(76, compact_record(0x10, 0x29, 0x6f, [1, 0], "CMOS Battery")),
    ]);
    machine.answer("ipmi-04-2d-62", &[0, 0xc0, 0x09, 0x80]);
    machine.answer("ipmi-04-2d-77", &[0, 0xc0, 0x02, 0x80]);
    machine.answer("ipmi-04-2d-79", &[0, 0xc0, 0x01, 0x80]);
    machine.answer("ipmi-04-2d-30", &[0, 0xc0, 0x02]);
    machine.answer("ipmi-04-2d-31", &[0, 0xc0, 0x01]);
    machine.answer("ipmi-04-2d-10", &[0, 0xc0, 0x00, 0x80]);
    let (out, result) = machine.read(&mut source());
    result.unwrap();
    let states = values(&out, "ipmi_sensor_state");
    let expected = [
        ("12|Fan1|Fan", 0.0),
        ("12|Fan2|Fan", 2.0),
        ("76|CMOS Battery|Battery", 0.0),
        ("83|PS Redundancy|Power Supply", 2.0),
        ("84|Status|Power Supply", 2.0),
    ];
    assert_eq!(states, expected.map(|(labels, state)| (labels.to_owned(), state)).into());
    assert!(values(&out, "ipmi_sensor_value").is_empty());
    let doc = fact(&out);
    let told: Vec<String> =
        maps(doc, "sensors").iter().map(|sensor| format!("{:?}", sensor.get("states"))).collect();
    assert!(
        told[0].contains("Presence detected") && told[0].contains("Power Supply input lost (AC/DC)"),
        "{told:?}"
    );
    assert!(
        told[1].contains("Redundancy Lost") && told[2].contains("OEM Event = 0001h") && told[5] == "None",
        "{told:?}"
    );
}

#[test]
fn values_are_sorted_by_their_units_as_ipmi_exporter_does() {
    let full = |record: u16, kind: u8, event_type: u8, units: [u8; 3], name: &'static str| {
        let number = record as u8;
        Full { record, owner: [0x20, 0], number, kind, event_type, units, linearization: 0, name }.bytes()
    };
    let machine = machine(&[
        full(1, 3, 1, [0, 5, 0], "Current 2"),
        full(2, 3, 1, [0, 6, 0], "Pwr Consumption"),
        full(3, 4, 1, [1, 0, 0], "Fan Block"),
        full(4, 8, 0x6f, [0, 6, 0], "Power Supply 1"),
        full(5, 11, 1, [0, 17, 0], "Airflow"),
        full(6, 11, 1, [1, 0, 0], "CPU Usage"),
        full(7, 8, 0x6f, [0, 0, 0], "No unit"),
        full(8, 1, 1, [0xc0, 1, 0], "No number"),
    ]);
    for number in 1..=8 {
        machine.answer(&format!("ipmi-04-2d-{number:02x}"), &[40 + number, 0xc0, 1, 0]);
    }
    let (out, result) = machine.read(&mut source());
    result.unwrap();
    assert_eq!(value(&out, "ipmi_current_amperes", "1|Current 2"), Some(41.0));
    assert_eq!(value(&out, "ipmi_power_watts", "2|Pwr Consumption"), Some(42.0));
    assert_eq!(value(&out, "ipmi_fan_speed_ratio", "3|Fan Block"), Some(0.43));
    assert_eq!(value(&out, "ipmi_power_watts", "4|Power Supply 1"), Some(44.0), "as HP has it");
    let others: Vec<String> = values(&out, "ipmi_sensor_value").into_keys().collect();
    assert_eq!(others, ["5|Airflow|Other Units Based Sensor", "6|CPU Usage|Other Units Based Sensor"]);
    assert_eq!(value(&out, "ipmi_power_state", "4|Power Supply 1"), Some(0.0), "presence detected");
    assert_eq!(value(&out, "ipmi_current_state", "1|Current 2"), Some(1.0), "below lower non-critical");
}

#[test]
fn a_controller_that_keeps_silent_takes_only_its_own_sensors_along() {
    let full = |record: u16, owner: [u8; 2], name: &'static str| {
        let number = record as u8;
        Full { record, owner, number, kind: 1, event_type: 1, units: [0, 1, 0], linearization: 0, name }
            .bytes()
    };
    let machine = machine(&[
        full(1, [0x2c, 0x60], "ME 1"),
        full(2, [0x2c, 0x60], "ME 2"),
        full(3, [0x41, 0], "Software"),
        full(4, [0x20, 1], "Other unit"),
        full(5, [0x28, 0x70], "Shelf"),
    ]);
    machine.fail("ipmi-c6-a2c-l0-04-2d-01", libc::ETIMEDOUT);
    machine.answer("ipmi-c6-a2c-l0-04-2d-02", &[50, 0xc0, 0, 0]);
    machine.answer("ipmi-l1-04-2d-04", &[51, 0xc0, 0, 0]);
    machine.answer("ipmi-c7-a28-l0-04-2d-05", &[52, 0xc0, 0, 0]);
    let (out, result) = machine.read(&mut source());
    result.unwrap();
    let found: Vec<String> = values(&out, "ipmi_temperature_celsius").into_keys().collect();
    assert_eq!(found, ["4|Other unit", "5|Shelf"]);
}

#[test]
fn factors_of_a_sensor_that_follows_no_line_are_asked_with_its_reading() {
    let record = Full {
        record: 1,
        owner: [0x20, 0],
        number: 9,
        kind: 1,
        event_type: 1,
        units: [0, 1, 0],
        linearization: 0x70,
        name: "VRM",
    };
    let machine = machine(&[record.bytes()]);
    machine.answer("ipmi-04-2d-09", &[10, 0xc0, 0, 0]);
    let (out, _) = machine.read(&mut source());
    assert!(values(&out, "ipmi_temperature_celsius").is_empty());
    machine.answer("ipmi-04-23-090a", &[11, 3, 0, 5, 0, 0, 0]);
    let (out, _) = machine.read(&mut source());
    assert_eq!(value(&out, "ipmi_temperature_celsius", "1|VRM"), Some(35.0));
}

#[test]
fn sensors_are_read_again_when_the_repository_changes_and_else_not() {
    let (machine, mut source) = (Machine::lab(), source());
    machine.read(&mut source).1.unwrap();
    machine.refuse("ipmi-0a-23-0000000000ff", 0xff);
    machine.fail("ipmi-0a-22", libc::ETIMEDOUT);
    machine.read(&mut source).1.unwrap();
    machine.records(&compact_record(0x62, 0x08, 0x6f, [1, 0], "Status"), true);
    machine.answer("ipmi-04-2d-62", &[0, 0xc0, 0x01, 0x80]);
    let (out, result) = machine.read(&mut source);
    result.unwrap();
    assert_eq!(values(&out, "ipmi_sensor_state").into_keys().collect::<Vec<_>>(), ["0|Status|Power Supply"]);
    assert!(values(&out, "ipmi_temperature_celsius").is_empty());
}

#[test]
fn a_bmc_without_a_repository_has_the_records_of_its_own_sensors() {
    let machine = Machine::lab();
    machine.answer("ipmi-06-01", &[0, 0x83, 9, 8, 2, 0x01, 0x91, 0x12, 0, 2, 0x0f]);
    machine.refuse("ipmi-0a-20", 0xc1);
    machine.answer("ipmi-04-20", &[1, 1]);
    machine.answer("ipmi-04-22", &[1, 0]);
    let record = compact_record(0x62, 0x08, 0x6f, [1, 0], "Status");
    machine.answer("ipmi-04-21-0000000000ff", &[&[0xff, 0xff][..], &record].concat());
    machine.answer("ipmi-04-2d-62", &[0, 0xc0, 0x01, 0x80]);
    let (out, result) = machine.read(&mut source());
    result.unwrap();
    assert_eq!(values(&out, "ipmi_sensor_state").len(), 1);
}

#[test]
fn power_watchdog_and_what_the_machine_is_are_told() {
    let machine = Machine::lab();
    let mut power = vec![0xdc, 0x85, 0x01, 0x7b, 0, 0x7d, 2, 0x76, 1, 0, 0, 0, 0];
    power.extend(26_351_204_u32.to_le_bytes());
    power.push(0x40);
    machine.answer("ipmi-2c-02-dc010000", &power);
    machine.answer("ipmi-06-25", &[0x44, 0x01, 30, 0, 0x58, 2, 0x2c, 1]);
    machine.answer("ipmi-06-59-00010000", b"\x11\x00\x00\x052.6.1");
    let mut product = vec![1, 0, 0x19];
    for text in ["Dell Inc.", "PowerEdge R720xd", "PN", "01", "ABC1234", "rack"] {
        product.push(0xc0 | text.len() as u8);
        product.extend(text.as_bytes());
    }
    product.push(0xc1);
    product.resize(product.len().next_multiple_of(8), 0);
    product[1] = (product.len() / 8) as u8;
    let bytes = [&[1, 0, 0, 0, 1, 0, 0, 0xfe][..], &product].concat();
    machine.answer("ipmi-0a-10-00", &[bytes.len() as u8, 0, 0]);
    for (from, count) in [(0_usize, 8_usize), (8, 8), (8, 32), (40, bytes.len() - 40)] {
        let piece = &bytes[from..from + count];
        machine
            .answer(&format!("ipmi-0a-11-00{from:02x}00{count:02x}"), &[&[count as u8][..], piece].concat());
    }
    let (out, result) = machine.read(&mut source());
    result.unwrap();
    assert_eq!(value(&out, "ipmi_dcmi_power_consumption_watts", ""), Some(389.0));
    assert_eq!(value(&out, "hi_ipmi_dcmi_power_watts", "average"), Some(374.0));
    assert_eq!(value(&out, "hi_ipmi_dcmi_power_period_seconds", ""), Some(26_351.204));
    assert_eq!(value(&out, "ipmi_bmc_watchdog_timer_use_state", "SMS/OS"), Some(1.0));
    assert_eq!(value(&out, "ipmi_bmc_watchdog_timeout_action_state", "Hard Reset"), Some(1.0));
    assert_eq!(value(&out, "ipmi_bmc_watchdog_current_countdown_seconds", ""), Some(30.0));
    assert_eq!(value(&out, "ipmi_bmc_info", "9.08|MontaVista Software, Inc. (4753)|2.6.1|N/A"), Some(1.0));
    let doc = fact(&out);
    assert_eq!(
        (text(doc, "product"), text(doc, "serial"), text(doc, "asset_tag")),
        ("PowerEdge R720xd", "ABC1234", "rack")
    );
    assert_eq!(text(doc, "system_firmware"), "2.6.1");
}

#[test]
fn faults_of_the_chassis_are_events_when_they_come_and_go() {
    let (machine, mut source) = (Machine::lab(), source());
    machine.read(&mut source).1.unwrap();
    machine.answer("ipmi-00-01", &[0x21, 0x10, 0x0d]);
    let (out, _) = machine.read(&mut source);
    let told: Vec<&str> = out.events().iter().map(|event| event.message.as_str()).collect();
    assert_eq!(
        told,
        [
            "the chassis tells: drive fault",
            "the chassis tells: cooling fault",
            "the chassis tells: intrusion"
        ]
    );
    assert_eq!(value(&out, "ipmi_chassis_drive_fault_state", ""), Some(0.0));
    assert_eq!(value(&out, "hi_ipmi_chassis_fault", "intrusion"), Some(1.0));
    let doc = fact(&out);
    assert_eq!((text(doc, "power_restore_policy"), text(doc, "last_power_event")), ("previous", "command"));
}
