//! What the parsers make of raw bytes, as JSON for `hi-agent decode`. Fields that smartctl's JSON has are named as there.

use serde_json::{Value, json};

use super::ata::families::Family;
use super::ata::identify::{self, Identify};
use super::ata::smart::{self, SmartData, offline_status_text};
use super::nvme::{identify as nvme_identify, logs as nvme_logs};
use super::scsi::{logs as scsi_logs, sas};

/// Sectors of one ATA disk in records of a 4-byte tag, a 4-byte big-endian length and so many bytes: IDFY (IDENTIFY DEVICE), SMST
/// (1 when the disk judges itself good), SMDT (SMART READ DATA), SMTH (SMART READ THRESHOLDS). libatasmart writes such files.
///
/// # Errors
/// There is no record that is understood.
pub fn ata(bytes: &[u8]) -> Result<Value, String> {
    let (records, mut problems) = records(bytes);
    let of = |tag: &[u8; 4]| records.iter().find(|(own, _)| *own == tag).map(|(_, payload)| *payload);
    let mut document = json!({});
    let identify = match of(b"IDFY").map(identify::parse) {
        Some(Ok(identify)) => {
            merge(&mut document, identity(&identify));
            identify
        }
        Some(Err(problem)) => {
            problems.push(problem);
            Identify::default()
        }
        None => Identify::default(),
    };
    if let Some(&[a, b, c, d, ..]) = of(b"SMST") {
        document["smart_status"] = json!({"passed": u32::from_be_bytes([a, b, c, d]) != 0});
    }
    match of(b"SMDT").map(|data| smart::parse(data, of(b"SMTH"), &identify)) {
        Some(Ok(data)) => merge(&mut document, smart_data(&data)),
        Some(Err(problem)) => problems.push(problem),
        None => {}
    }
    let nothing = document.as_object().is_none_or(serde_json::Map::is_empty);
    match problems.is_empty() {
        _ if nothing && problems.is_empty() => Err("there is no record IDFY, SMST, SMDT or SMTH".to_owned()),
        _ if nothing => Err(problems.join("; ")),
        true => Ok(document),
        false => {
            document["problems"] = json!(problems);
            Ok(document)
        }
    }
}

/// A record: its tag and what it holds.
type Record<'b> = (&'b [u8; 4], &'b [u8]);

/// Takes the records apart; what does not fit is told.
fn records(bytes: &[u8]) -> (Vec<Record<'_>>, Vec<String>) {
    let (mut records, mut problems) = (Vec::new(), Vec::new());
    let mut rest = bytes;
    while let Some((tag, tail)) = rest.split_first_chunk::<4>() {
        let Some((length, tail)) = tail.split_first_chunk::<4>() else {
            problems.push(format!("record {} ends before its length", tag.escape_ascii()));
            break;
        };
        let length = u32::from_be_bytes(*length) as usize;
        let Some(payload) = tail.get(..length) else {
            problems.push(format!(
                "record {} says {length} bytes, {} are left",
                tag.escape_ascii(),
                tail.len()
            ));
            break;
        };
        records.push((tag, payload));
        rest = &tail[length..];
    }
    (records, problems)
}

/// The sector that an ATA disk answers to IDENTIFY DEVICE.
///
/// # Errors
/// It is none.
pub fn ata_identify(bytes: &[u8]) -> Result<Value, String> {
    identify::parse(bytes).map(|found| identity(&found))
}

fn identity(found: &Identify) -> Value {
    let speed = |speed: Option<u64>| speed.map(|speed| json!({"bits_per_second": speed}));
    let mut document = json!({
        "model_name": found.model,
        "serial_number": found.serial,
        "firmware_version": found.firmware,
        "logical_block_size": found.logical_sector_bytes,
        "physical_block_size": found.physical_sector_bytes,
        "trim": {"supported": found.trim},
        "smart_support": {"available": found.smart_supported, "enabled": found.smart_enabled},
    });
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            document[key] = value;
        }
    };
    set("model_family", Family::of(&found.model, &found.firmware).map(|family| json!(family.name)));
    set(
        "wwn",
        found
            .wwn
            .map(|wwn| json!({"naa": wwn >> 60, "oui": wwn >> 36 & 0xff_ffff, "id": wwn & 0xf_ffff_ffff})),
    );
    set("ata_additional_product_id", found.additional_product_id.as_ref().map(|id| json!(id)));
    set("user_capacity", found.sectors.map(|blocks| json!({"blocks": blocks, "bytes": found.size_bytes()})));
    set("rotation_rate", found.rotation_rpm.map(|rpm| json!(rpm)));
    set("form_factor", found.form_factor.map(|name| json!({"name": name})));
    set("ata_version", found.ata_version.as_ref().map(|text| json!({"string": text})));
    set("sata_version", found.sata_version.map(|text| json!({"string": text})));
    let speeds = (speed(found.link_max_bits_per_second), speed(found.link_bits_per_second));
    if speeds != (None, None) {
        set("interface_speed", Some(json!({"max": speeds.0, "current": speeds.1})));
    }
    set("ata_sct_capabilities", (found.sct != 0).then(|| json!({"value": found.sct})));
    set("checksum_ok", found.checksum_ok.map(|ok| json!(ok)));
    document
}

fn smart_data(data: &SmartData) -> Value {
    let row = |attribute: &super::ata::attributes::Attribute| {
        let mut row = json!({
            "id": attribute.id,
            "name": attribute.name,
            "when_failed": attribute.state.when_failed(),
            "flags": {
                "value": attribute.flags,
                "string": attribute.flags_short(),
                "prefailure": attribute.is_prefailure(),
            },
            "raw": {"value": attribute.raw, "string": attribute.raw_text},
        });
        for (key, number) in
            [("value", attribute.value), ("worst", attribute.worst), ("thresh", attribute.threshold)]
        {
            if let Some(number) = number {
                row[key] = json!(number);
            }
        }
        row
    };
    let mut document = json!({
        "ata_smart_attributes": {
            "revision": data.revision,
            "table": data.attributes.iter().map(row).collect::<Vec<_>>(),
        },
        "ata_smart_data": {
            "offline_data_collection": {
                "status": {"value": data.offline_status, "string": offline_status_text(data.offline_status)},
                "completion_seconds": data.offline_seconds,
            },
            "self_test": {
                "status": data.self_test_status,
                "polling_minutes": {
                    "short": data.short_test_minutes,
                    "extended": data.extended_test_minutes,
                    "conveyance": data.conveyance_test_minutes,
                },
            },
            "capabilities": {
                "values": [data.offline_capability, data.smart_capability],
                "error_logging_supported": data.error_log_capability & 1 == 1,
            },
            "checksum_ok": data.checksum_ok,
            "thresholds_checksum_ok": data.thresholds_checksum_ok,
        },
    });
    if let Some(celsius) = data.celsius() {
        document["temperature"] = json!({"current": celsius});
    }
    if let Some(seconds) = data.power_on_seconds() {
        document["power_on_time"] = json!({"hours": seconds / 3600, "minutes": seconds / 60 % 60});
    }
    if let Some(cycles) = data.power_cycles() {
        document["power_cycle_count"] = json!(cycles);
    }
    document
}

/// NVMe log page 02h.
///
/// # Errors
/// It is none.
pub fn nvme_smart(bytes: &[u8]) -> Result<Value, String> {
    let found = nvme_logs::parse_health(bytes)?;
    let mut log = json!({
        "critical_warning": found.critical_warning,
        "critical_warning_text": found.warnings().collect::<Vec<_>>(),
        "available_spare": found.available_spare_percent,
        "available_spare_threshold": found.available_spare_threshold_percent,
        "percentage_used": found.percentage_used,
        "data_units_read": found.data_units_read,
        "data_units_written": found.data_units_written,
        "host_reads": found.host_reads,
        "host_writes": found.host_writes,
        "controller_busy_time": found.controller_busy_minutes,
        "power_cycles": found.power_cycles,
        "power_on_hours": found.power_on_hours,
        "unsafe_shutdowns": found.unsafe_shutdowns,
        "media_errors": found.media_errors,
        "num_err_log_entries": found.error_log_entries,
        "warning_temp_time": found.warning_temperature_minutes,
        "critical_comp_time": found.critical_temperature_minutes,
        "temperature_sensors": found.sensors_celsius.iter().map(|(_, celsius)| celsius).collect::<Vec<_>>(),
    });
    if let Some(celsius) = found.celsius {
        log["temperature"] = json!(celsius);
    }
    Ok(json!({"smart_status": {"passed": found.passed()}, "nvme_smart_health_information_log": log}))
}

/// What Identify controller returns.
///
/// # Errors
/// It is none.
pub fn nvme_identify(bytes: &[u8]) -> Result<Value, String> {
    let found = nvme_identify::parse_controller(bytes)?;
    let (major, minor, tertiary) = found.version;
    let version = match tertiary {
        0 => format!("{major}.{minor}"),
        tertiary => format!("{major}.{minor}.{tertiary}"),
    };
    Ok(json!({
        "model_name": found.model,
        "serial_number": found.serial,
        "firmware_version": found.firmware,
        "nvme_pci_vendor": {"id": found.pci_vendor},
        "nvme_version": {"string": version},
        "nvme_number_of_namespaces": found.namespaces,
        "nvme_total_capacity": found.size_bytes,
        "nvme_unallocated_capacity": found.unallocated_bytes,
        "self_test_supported": found.self_test,
        "extended_test_minutes": found.extended_test_minutes,
        "error_log_entries": found.error_log_entries,
        "warning_temperature_celsius": found.warning_celsius,
        "critical_temperature_celsius": found.critical_celsius,
        "subsystem_nqn": found.subsystem_nqn,
    }))
}

/// A page that LOG SENSE returned, with what is known of it, else its parameters in hexadecimal.
///
/// # Errors
/// It is no page, or not what it says it is.
pub fn scsi_log(bytes: &[u8]) -> Result<Value, String> {
    let page = scsi_logs::Page::of(bytes)?;
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let decoded = match (page.code, page.subpage) {
        (0x00, 0) => json!({"supported": scsi_logs::parse_supported(bytes)?}),
        (code @ (0x02 | 0x03 | 0x05), 0) => {
            json!({"error_counters": scsi_logs::parse_error_counters(bytes, code)?})
        }
        (0x0d, 0) => json!({"temperature": scsi_logs::parse_temperatures(bytes)?}),
        (0x0e, 0) => json!({"start_stop_cycles": scsi_logs::parse_cycles(bytes)?}),
        (0x10, 0) => json!({"self_tests": scsi_logs::parse_self_tests(bytes)?}),
        (0x11, 0) => json!({"percentage_used": scsi_logs::parse_endurance(bytes)?}),
        (0x15, 0) => json!({"background_scan": scsi_logs::parse_background_scan(bytes)?}),
        (0x18, 0) => json!({"phys": sas::parse(bytes)?}),
        (0x2f, 0) => {
            let found = scsi_logs::parse_exceptions(bytes)?;
            json!({"informational_exceptions": found, "passed": found.passed(), "text": found.text()})
        }
        _ => {
            let parameters = page.parameters().map(|one| json!({"code": one.code, "value": hex(one.value)}));
            json!({"parameters": parameters.collect::<Vec<_>>()})
        }
    };
    let mut document = json!({"page": page.code, "subpage": page.subpage});
    merge(&mut document, decoded);
    Ok(document)
}

/// Adds the members of an object to another.
fn merge(document: &mut Value, more: Value) {
    if let (Value::Object(document), Value::Object(more)) = (document, more) {
        document.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn records_that_lie_are_told_and_the_others_used() {
        let mut bytes = b"SMST\0\0\0\x04\0\0\0\x01".to_vec();
        assert_eq!(ata(&bytes).unwrap(), json!({"smart_status": {"passed": true}}));
        bytes.extend(b"SMDT\xff\xff\xff\xff123");
        let found = ata(&bytes).unwrap();
        assert_eq!(found["problems"][0], "record SMDT says 4294967295 bytes, 3 are left");
        assert!(ata(b"").unwrap_err().contains("no record"));
        assert!(ata(b"SMDT\0\0\0\x09").unwrap_err().contains("says 9 bytes"));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), tag in "(IDFY|SMDT|SMTH|SMST)") {
            let mut record = tag.into_bytes();
            record.extend((bytes.len() as u32).to_be_bytes());
            record.extend(&bytes);
            let _ = (ata(&record), ata(&bytes), ata_identify(&bytes), nvme_smart(&bytes), nvme_identify(&bytes));
            let _ = scsi_log(&bytes);
        }
    }
}
