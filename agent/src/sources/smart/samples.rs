//! Samples of a disk.

use super::ata::attributes::State as AttributeState;
use super::ata::reading::AtaReading;
use super::examine::{Reading, Report, State};
use super::metrics::*;
use super::nvme::logs::WARNINGS;
use super::nvme::reading::NvmeReading;
use super::scsi::logs::ErrorCounters;
use super::scsi::reading::ScsiReading;
use super::scsi::sense::Power;
use super::sink::Sink;

fn truth(value: bool) -> f64 {
    f64::from(u8::from(value))
}

/// Samples of a disk; `reallocations` counts those since the agent first saw it.
pub(super) fn samples(device: &str, report: &Report, reallocations: Option<u64>, sink: &mut Sink) {
    for state in State::ALL {
        sink.add(&STATE, &[device, state.as_str()], truth(state == report.state));
    }
    if report.state == State::Unsupported {
        return;
    }
    if let Some(power) = report.power {
        for state in [Power::Active, Power::Idle, Power::Standby] {
            sink.add(&POWER, &[device, state.as_str()], truth(state == power));
        }
    }
    sink.add(&SKIPS, &[device], report.standby_skips as f64);
    let Some((at, reading)) = &report.reading else { return };
    let age = if report.state == State::Read { 0.0 } else { at.elapsed().as_secs_f64().round() };
    sink.add(&AGE, &[device], age);
    common(device, reading, sink);
    sink.maybe(&REALLOCATIONS, &[device], reallocations.map(|count| count as f64));
    match reading.as_ref() {
        Reading::Ata(reading) => ata(device, reading, sink),
        Reading::Nvme(reading) => nvme(device, reading, sink),
        Reading::Scsi(reading) => scsi(device, reading, sink),
    }
}

fn common(device: &str, reading: &Reading, sink: &mut Sink) {
    let who = reading.who();
    let labels = [
        device,
        who.interface,
        who.protocol,
        who.family,
        if who.model.is_empty() { "unknown" } else { &who.model },
        &who.serial,
        &who.additional_product_id,
        &who.firmware,
        &who.ata_version,
        who.sata_version,
        who.form_factor,
        &who.scsi_vendor,
        &who.scsi_product,
        &who.scsi_revision,
        who.scsi_version,
    ];
    sink.add(&DEVICE, &labels, 1.0);
    if let Some(capacity) = who.capacity {
        sink.add(&CAPACITY_BLOCKS, &[device], capacity.blocks as f64);
        let bytes = u128::from(capacity.blocks) * u128::from(capacity.logical_bytes);
        sink.add(&CAPACITY_BYTES, &[device], bytes as f64);
        sink.add(&BLOCK_SIZE, &[device, "logical"], capacity.logical_bytes as f64);
        sink.add(&BLOCK_SIZE, &[device, "physical"], capacity.physical_bytes as f64);
    }
    sink.maybe(&ROTATION, &[device], who.rotation_rpm.filter(|&rpm| rpm > 0).map(f64::from));
    sink.maybe(&TEMPERATURE, &[device, "current"], reading.celsius());
    sink.maybe(&POWER_ON, &[device], reading.power_on_seconds());
    sink.maybe(&POWER_CYCLES, &[device], reading.power_cycles());
    sink.maybe(&STATUS, &[device], reading.passed().map(truth));
    sink.add(&EXIT_STATUS, &[device], f64::from(exit_status(reading)));
    sink.maybe(&WEAR, &[device], reading.wear());
    sink.maybe(&REALLOCATED, &[device], reading.reallocated().map(|count| count as f64));
    sink.maybe(&ERRORS, &[device], reading.error_count());
    if let Some(testing) = reading.testing() {
        sink.add(&SELF_TEST_LOGGED, &[device], testing.count as f64);
        sink.add(&SELF_TEST_FAILED, &[device], testing.errors as f64);
        sink.maybe(&SELF_TEST_AGE, &[device], testing.age_hours.map(|hours| hours as f64 * 3600.0));
        sink.maybe(&SELF_TEST_PASSED, &[device], testing.passed.map(truth));
        sink.maybe(&SELF_TEST_PROGRESS, &[device], testing.running);
    }
}

/// The bits that smartctl(8) returns, section EXIT STATUS.
fn exit_status(reading: &Reading) -> u8 {
    let bit = |bit: u8, set: bool| u8::from(set) << bit;
    let failing = bit(3, reading.passed() == Some(false));
    let tests = bit(7, reading.testing().is_some_and(|testing| testing.errors > 0));
    match reading {
        Reading::Ata(reading) => {
            let attributes = &reading.data.attributes;
            let now = |attribute: &super::ata::attributes::Attribute| {
                attribute.state == AttributeState::FailedNow && attribute.is_prefailure()
            };
            let past = attributes.iter().any(|one| one.state != AttributeState::Ok && !now(one));
            let tests = reading.self_tests.as_ref().is_some_and(|log| log.current_errors() > 0);
            bit(2, !reading.problems.is_empty())
                | failing
                | bit(4, attributes.iter().any(now))
                | bit(5, past)
                | bit(6, reading.error_count().is_some_and(|count| count > 0))
                | bit(7, tests)
        }
        Reading::Nvme(reading) => failing | bit(6, !reading.errors.is_empty()) | tests,
        Reading::Scsi(_) => failing | tests,
    }
}

fn ata(device: &str, reading: &AtaReading, sink: &mut Sink) {
    let identify = &reading.identify;
    sink.maybe(&SPEED, &[device, "max"], identify.link_max_bits_per_second.map(|bits| bits as f64));
    sink.maybe(&SPEED, &[device, "current"], identify.link_bits_per_second.map(|bits| bits as f64));
    for attribute in &reading.data.attributes {
        let (short, long) = (attribute.flags_short(), attribute.flags_long());
        let id = attribute.id.to_string();
        let mut add = |kind: &str, value: f64| {
            sink.add(&ATTRIBUTE, &[device, attribute.name, &short, &long, kind, &id], value);
        };
        add("raw", attribute.raw as f64);
        for (kind, value) in
            [("value", attribute.value), ("worst", attribute.worst), ("thresh", attribute.threshold)]
        {
            if let Some(value) = value {
                add(kind, f64::from(value));
            }
        }
    }
    for (when, state) in [("now", AttributeState::FailedNow), ("past", AttributeState::FailedPast)] {
        let failed = reading.data.attributes.iter().filter(|attribute| attribute.state == state).count();
        sink.add(&FAILED_ATTRIBUTES, &[device, when], failed as f64);
    }
    sink.maybe(&PENDING, &[device], reading.pending().map(|count| count as f64));
    for statistic in &reading.statistics {
        if let Some(value) = statistic.value {
            let (short, long) = (statistic.flags_short(), statistic.flags_long());
            sink.add(&STATISTICS, &[device, statistic.table, statistic.name, &short, &long], value as f64);
        }
    }
    let logs = [("summary", &reading.errors), ("extended", &reading.extended_errors)];
    for (kind, log) in logs {
        sink.maybe(&ERROR_LOG, &[device, kind], log.as_ref().map(|log| f64::from(log.count)));
    }
    if let Some(log) = &reading.self_tests {
        sink.add(&SELF_TESTS, &[device, "standard"], log.tests.len() as f64);
        sink.add(&SELF_TEST_ERRORS, &[device, "standard"], log.errors() as f64);
    }
    if let Some(sct) = &reading.sct {
        sink.add(&SCT_STATE, &[device], f64::from(sct.device_state));
        for (kind, celsius) in [
            ("power_cycle_min", sct.power_cycle_min_celsius),
            ("power_cycle_max", sct.power_cycle_max_celsius),
            ("lifetime_min", sct.lifetime_min_celsius),
            ("lifetime_max", sct.lifetime_max_celsius),
            ("op_limit_max", sct.limit_max_celsius),
        ] {
            sink.maybe(&TEMPERATURE, &[device, kind], celsius.map(f64::from));
        }
        sink.add(&TEMPERATURE_EXCESSES, &[device, "over"], f64::from(sct.over_limit_count));
        sink.add(&TEMPERATURE_EXCESSES, &[device, "under"], f64::from(sct.under_limit_count));
    }
}

fn nvme(device: &str, reading: &NvmeReading, sink: &mut Sink) {
    /// A data unit of the log, in bytes: a thousand times 512.
    const UNIT_BYTES: f64 = 512_000.0;
    let (health, controller) = (&reading.health, &reading.controller);
    let one = [device];
    sink.maybe(&NVME_CAPACITY, &one, controller.size_bytes.map(|bytes| bytes.as_f64()));
    sink.add(&PERCENTAGE_USED, &one, f64::from(health.percentage_used));
    sink.add(&SPARE, &one, f64::from(health.available_spare_percent));
    sink.add(&SPARE_THRESHOLD, &one, f64::from(health.available_spare_threshold_percent));
    sink.add(&CRITICAL_WARNING, &one, f64::from(health.critical_warning));
    sink.add(&MEDIA_ERRORS, &one, health.media_errors.as_f64());
    sink.add(&ERROR_ENTRIES, &one, health.error_log_entries.as_f64());
    // 0 stands for a disk that does not count.
    for (metric, units) in
        [(&BYTES_READ, health.data_units_read), (&BYTES_WRITTEN, health.data_units_written)]
    {
        sink.maybe(metric, &one, Some(units.as_f64() * UNIT_BYTES).filter(|&bytes| bytes > 0.0));
    }
    for (bit, (word, _)) in WARNINGS.iter().enumerate() {
        sink.add(&WARNING, &[device, word], truth(health.critical_warning >> bit & 1 == 1));
    }
    for (sensor, celsius) in &health.sensors_celsius {
        sink.add(&SENSOR, &[device, &sensor.to_string()], f64::from(*celsius));
    }
    sink.maybe(&TEMPERATURE, &[device, "op_limit_max"], controller.warning_celsius.map(f64::from));
    sink.maybe(&TEMPERATURE, &[device, "critical_limit_max"], controller.critical_celsius.map(f64::from));
    sink.add(&UNSAFE_SHUTDOWNS, &one, health.unsafe_shutdowns.as_f64());
    sink.add(&BUSY, &one, health.controller_busy_minutes.as_f64() * 60.0);
    sink.add(&HOST_READS, &one, health.host_reads.as_f64());
    sink.add(&HOST_WRITES, &one, health.host_writes.as_f64());
    sink.add(&WARM, &[device, "warning"], f64::from(health.warning_temperature_minutes) * 60.0);
    sink.add(&WARM, &[device, "critical"], f64::from(health.critical_temperature_minutes) * 60.0);
    sink.add(&THROTTLED, &[device, "light"], f64::from(health.thermal_transitions.0));
    sink.add(&THROTTLED, &[device, "heavy"], f64::from(health.thermal_transitions.1));
}

fn scsi(device: &str, reading: &ScsiReading, sink: &mut Sink) {
    let one = [device];
    sink.maybe(&GROWN_DEFECTS, &one, reading.grown_defects.map(|count| count as f64));
    let [read, write, verify] = &reading.counters;
    let number = |value: Option<u64>| value.map(|value| value as f64);
    let mut counters = |counters: &Option<ErrorCounters>, metrics: [&'static _; 4], bytes: &'static _| {
        if let Some(found) = counters {
            sink.maybe(metrics[0], &one, number(found.corrected_by_retries));
            sink.maybe(metrics[1], &one, number(found.corrected_fast));
            sink.maybe(metrics[2], &one, number(found.corrected_delayed));
            sink.maybe(metrics[3], &one, number(found.uncorrected));
            sink.maybe(bytes, &one, number(found.bytes));
        }
    };
    counters(read, [&READ_RETRIED, &READ_FAST, &READ_DELAYED, &READ_UNCORRECTED], &BYTES_READ);
    counters(write, [&WRITE_RETRIED, &WRITE_FAST, &WRITE_DELAYED, &WRITE_UNCORRECTED], &BYTES_WRITTEN);
    sink.maybe(&VERIFY_UNCORRECTED, &one, verify.and_then(|found| number(found.uncorrected)));
    let trip = reading.temperatures.and_then(|temperatures| temperatures.reference);
    sink.maybe(&TEMPERATURE, &[device, "drive_trip"], trip.map(f64::from));
    sink.maybe(&LOADS, &one, reading.cycles.as_ref().and_then(|cycles| number(cycles.loads)));
    if let Some(scan) = &reading.scan {
        sink.add(&SCAN_PROGRESS, &one, f64::from(scan.progress) / 65_536.0);
        sink.add(&SCANS, &one, f64::from(scan.scans));
        sink.add(&SCAN_DEFECTS, &one, scan.defects as f64);
    }
    for phy in &reading.phys {
        let (port, number) = (phy.port.to_string(), phy.phy.to_string());
        sink.add(&PHY_SPEED, &[device, &port, &number], phy.bits_per_second.unwrap_or(0) as f64);
        for (error, count) in [
            ("invalid_word", phy.invalid_words),
            ("disparity", phy.disparity_errors),
            ("sync_loss", phy.sync_losses),
            ("reset_problem", phy.reset_problems),
        ] {
            sink.add(&PHY_ERRORS, &[device, &port, &number, error], f64::from(count));
        }
    }
}
