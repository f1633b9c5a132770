//! The event log, followed.

use super::*;

/// An entry about CPU Temp, with a number of its own.
fn entry(number: u16, seconds: u32, offset: u8) -> Vec<u8> {
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.push(2);
    bytes.extend(seconds.to_le_bytes());
    bytes.extend([0x20, 0, 4, 1, 1, 1, 0x50 | offset, 97, 95]);
    bytes
}

/// Makes the log of the machine these entries.
fn fill(machine: &Machine, entries: &[Vec<u8>], erased: u32) {
    let number = |at: usize| entries.get(at).map_or(0xffff, |entry| u16::from_le_bytes([entry[0], entry[1]]));
    let seconds: [u8; 4] = entries.last().map_or([0; 4], |entry| entry[3..7].try_into().unwrap());
    let mut info = vec![0x51, entries.len() as u8, 0, 0x80, 0x3e];
    info.extend(seconds);
    info.extend(erased.to_le_bytes());
    info.push(2);
    machine.answer("ipmi-0a-40", &info);
    for file in fs::read_dir(machine.place(".")).unwrap() {
        let path = file.unwrap().path();
        if path.to_string_lossy().contains("ipmi-0a-43") {
            fs::remove_file(path).unwrap();
        }
    }
    let put = |number: u16, at: usize, next: u16| {
        let key = format!("ipmi-0a-43-0000{:04x}00ff", number.swap_bytes());
        machine.answer(&key, &[&next.to_le_bytes()[..], &entries[at]].concat());
    };
    for at in 0..entries.len() {
        put(number(at), at, number(at + 1));
    }
    if !entries.is_empty() {
        put(0, 0, number(1));
        put(0xffff, entries.len() - 1, 0xffff);
    }
}

const AT: u32 = 1_795_161_977;

fn told(out: &Readings) -> Vec<(&'static str, String)> {
    let log = out.events().iter().filter(|event| event.kind.starts_with("bmc_log"));
    log.map(|event| (event.kind, event.data.first().map_or(String::new(), |(_, number)| number.clone())))
        .collect()
}

#[test]
fn the_first_look_tells_nothing_and_later_ones_what_is_new() {
    let (machine, mut source) = (Machine::lab(), source());
    let mut entries = vec![entry(7, AT, 7), entry(8, AT, 9)];
    fill(&machine, &entries, 0);
    let (out, _) = machine.read(&mut source);
    assert!(out.events().is_empty());
    let log: Vec<&str> = maps(fact(&out), "log").iter().map(|entry| text(entry, "text")).collect();
    assert_eq!(
        log,
        [
            "CPU Temp: Upper Critical going high asserted, reading 97 > threshold 95 degrees C",
            "CPU Temp: Upper Non-critical going high asserted, reading 97 > threshold 95 degrees C"
        ]
    );
    assert_eq!(value(&out, "hi_ipmi_sel_last_add_timestamp_seconds", ""), Some(f64::from(AT)));
    let (out, _) = machine.read(&mut source);
    assert!(out.events().is_empty() && out.facts().is_empty());
    entries.extend([entry(9, AT + 5, 9), entry(12, AT + 6, 7)]);
    fill(&machine, &entries, 0);
    let (out, _) = machine.read(&mut source);
    assert_eq!(told(&out), [("bmc_log", "9".to_owned()), ("bmc_log", "12".to_owned())]);
    let event = &out.events()[0];
    assert_eq!(event.severity, Severity::Critical);
    assert!(event.data.contains(&("logged_at", "2026-11-20T08:06:22Z".to_owned())), "{:?}", event.data);
    assert!(event.data.contains(&("sensor", "CPU Temp".to_owned())));
    assert_eq!(maps(fact(&out), "log").len(), 4);
}

#[test]
fn a_log_that_begins_empty_or_is_cleared_tells_all_that_comes_then() {
    let (machine, mut source) = (Machine::lab(), source());
    machine.read(&mut source).1.unwrap();
    fill(&machine, &[entry(1, AT, 9)], 0);
    assert_eq!(told(&machine.read(&mut source).0), [("bmc_log", "1".to_owned())]);
    // Cleared, and filled with as many as before.
    fill(&machine, &[entry(1, AT + 60, 7)], AT + 30);
    let cleared = ("bmc_log_cleared", String::new());
    assert_eq!(told(&machine.read(&mut source).0), [cleared.clone(), ("bmc_log", "1".to_owned())]);
    // Cleared by somebody who logged that.
    fill(&machine, &[], AT + 90);
    let (out, _) = machine.read(&mut source);
    assert_eq!(told(&out), [cleared]);
    assert!(maps(fact(&out), "log").is_empty());
    assert_eq!(told(&machine.read(&mut source).0), []);
}

#[test]
fn a_flood_is_told_in_parts() {
    let (machine, mut source) = (Machine::lab(), source());
    machine.read(&mut source).1.unwrap();
    let entries: Vec<Vec<u8>> = (1..=250).map(|number| entry(number, AT + u32::from(number), 9)).collect();
    fill(&machine, &entries, 0);
    let mut numbers = Vec::new();
    for count in [100, 100, 50, 0] {
        let told = told(&machine.read(&mut source).0);
        assert_eq!(told.len(), count);
        numbers.extend(told.into_iter().map(|(_, number)| number.parse::<u16>().unwrap()));
    }
    assert!(numbers.into_iter().eq(1..=250));
}

#[test]
fn a_log_that_cannot_be_read_to_its_end_goes_on_where_it_broke_off() {
    let (machine, mut source) = (Machine::lab(), source());
    machine.read(&mut source).1.unwrap();
    let entries = [entry(1, AT, 7), entry(2, AT, 9), entry(3, AT, 11)];
    fill(&machine, &entries, 0);
    machine.fail("ipmi-0a-43-0000020000ff", libc::ETIMEDOUT);
    let (out, result) = machine.read(&mut source);
    assert_eq!((told(&out), result.unwrap_err().reason()), (vec![("bmc_log", "1".to_owned())], "timeout"));
    fill(&machine, &entries, 0);
    let (out, result) = machine.read(&mut source);
    result.unwrap();
    assert_eq!(told(&out), [("bmc_log", "2".to_owned()), ("bmc_log", "3".to_owned())]);
}
