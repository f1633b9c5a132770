//! Makes a recorded reading of NVML of what nvidia-smi printed: the same numbers, in NVML's units again.

use std::borrow::Cow;

use crate::sys::nvml::{Device, Process, Reading};

/// Texts of NVML; the rest are numbers.
const TEXTS: [&str; 9] = [
    "name",
    "serial",
    "vbios_version",
    "pci.bus_id",
    "compute_cap",
    "inforom.img",
    "inforom.oem",
    "inforom.ecc",
    "inforom.pwr",
];

/// A part of a capture of nvidia_gpu_exporter: the lines below the title that begins so.
pub(super) fn section<'a>(capture: &'a str, title: &str) -> &'a str {
    let at = capture.find(&format!("\n# {title}")).unwrap_or_else(|| panic!("no section {title}"));
    let body = &capture[at + 1..];
    let start = body.find("####\n").unwrap() + 5;
    let end = body[start..].find("\n####").map_or(body.len(), |end| start + end);
    &body[start..end]
}

/// The reading behind `nvidia-smi --query-gpu=… --format=csv`, and the generation of the root port, which NVML does not tell.
pub(super) fn reading(csv: &str) -> (Reading, String) {
    let mut lines = csv.lines().filter(|line| !line.is_empty());
    let names: Vec<&str> = lines.next().unwrap().split(", ").collect();
    let (mut reading, mut host_generation) = (Reading::default(), String::new());
    for line in lines {
        let values: Vec<&str> = line.split(", ").collect();
        assert_eq!(names.len(), values.len());
        let mut device = Device { processes: Some(Vec::new()), ..Device::default() };
        for (name, value) in names.iter().zip(values) {
            let name = name.split(" [").next().unwrap();
            match name {
                "driver_version" => reading.driver_version = value.to_owned(),
                "uuid" => device.uuid = value.to_owned(),
                "pcie.link.gen.hostmax" => host_generation = value.to_owned(),
                _ => put(&mut device, name, value),
            }
        }
        device.pci_address = device.texts["pci.bus_id"].replacen("0000", "", 1).to_lowercase();
        reading.devices.push(device);
    }
    (reading, host_generation)
}

/// A value as nvidia-smi prints it.
pub(super) fn put(device: &mut Device, name: &str, printed: &str) {
    let known = super::fields::all().any(|field| field.name == name);
    if printed.is_empty() || printed.contains("N/A") || printed.contains("deprecated") {
        return;
    }
    if TEXTS.contains(&name) {
        device.texts.insert(Cow::Owned(name.to_owned()), printed.to_owned());
    } else if known && super::fields::REASONS.iter().all(|(reason, _)| *reason != name) {
        let value = number(printed).unwrap_or_else(|| panic!("{name} {printed}"));
        device.numbers.insert(Cow::Owned(name.to_owned()), value);
    }
}

/// In NVML's unit: bytes, milliwatts, MHz, microseconds, percent.
pub(super) fn number(printed: &str) -> Option<f64> {
    match printed {
        "Enabled" | "Yes" | "Active" => return Some(1.0),
        "Disabled" | "No" | "Not Active" | "Default" | "None" => return Some(0.0),
        _ => {}
    }
    if let Some(digits) = printed.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).ok().map(|value| value as f64);
    }
    let (value, unit) = printed.split_once(' ').unwrap_or((printed.trim_start_matches('P'), ""));
    let value: f64 = value.parse().ok()?;
    Some(match unit {
        "MiB" => value * 1_048_576.0,
        "W" => (value * 1000.0).round(),
        _ => value,
    })
}

/// Processes of a GPU out of `nvidia-smi --query-compute-apps=timestamp,gpu_name,…,pid,process_name,used_gpu_memory`.
pub(super) fn processes(csv: &str) -> Vec<Process> {
    csv.lines()
        .skip(1)
        .filter(|line| !line.is_empty())
        .map(|line| {
            let cells: Vec<&str> = line.split(", ").collect();
            Process {
                pid: cells[5].parse().unwrap(),
                name: cells[6].to_owned(),
                memory_bytes: number(cells[7]).map(|bytes| bytes as u64),
                compute: true,
            }
        })
        .collect()
}

/// Values of tags of `nvidia-smi -q -x` by the field that NVML tells them as: tag around, tag, field.
const TAGS: [(&str, &str, &str); 30] = [
    ("gpu", "product_name", "name"),
    ("gpu", "vbios_version", "vbios_version"),
    ("gpu", "serial", "serial"),
    ("gpu", "display_active", "display_active"),
    ("gpu", "persistence_mode", "persistence_mode"),
    ("gpu", "fan_speed", "fan.speed"),
    ("gpu", "performance_state", "pstate"),
    ("gpu", "compute_mode", "compute_mode"),
    ("pci", "pci_bus_id", "pci.bus_id"),
    ("pcie_gen", "current_link_gen", "pcie.link.gen.current"),
    ("pcie_gen", "max_link_gen", "pcie.link.gen.max"),
    ("fb_memory_usage", "total", "memory.total"),
    ("fb_memory_usage", "reserved", "memory.reserved"),
    ("fb_memory_usage", "used", "memory.used"),
    ("fb_memory_usage", "free", "memory.free"),
    ("utilization", "gpu_util", "utilization.gpu"),
    ("utilization", "memory_util", "utilization.memory"),
    ("utilization", "encoder_util", "utilization.encoder"),
    ("utilization", "decoder_util", "utilization.decoder"),
    ("encoder_stats", "session_count", "encoder.stats.sessionCount"),
    ("ecc_mode", "current_ecc", "ecc.mode.current"),
    ("remapped_rows", "remapped_row_unc", "remapped_rows.uncorrectable"),
    ("remapped_rows", "remapped_row_failure", "remapped_rows.failure"),
    ("temperature", "gpu_temp", "temperature.gpu"),
    ("temperature", "memory_temp", "temperature.memory"),
    ("power_readings", "power_draw", "power.draw"),
    ("gpu_power_readings", "instant_power_draw", "power.draw.instant"),
    ("clocks", "graphics_clock", "clocks.current.graphics"),
    ("clocks", "mem_clock", "clocks.current.memory"),
    ("max_clocks", "sm_clock", "clocks.max.sm"),
];

/// The reading behind `nvidia-smi -q -x`, with the tags that were found, each with what stood there.
pub(super) fn of_xml(xml: &str) -> (Reading, Vec<(&'static str, String)>) {
    let inner = |text: &str, tag: &str| {
        let start = [format!("<{tag}>"), format!("<{tag} ")]
            .iter()
            .filter_map(|open| text.find(open.as_str()))
            .min()?;
        let start = start + text[start..].find('>')? + 1;
        let end = start + text[start..].find(&format!("</{tag}>"))?;
        Some(text[start..end].trim().to_owned())
    };
    let gpu = inner(xml, "gpu").unwrap();
    let mut device = Device { processes: Some(Vec::new()), ..Device::default() };
    let mut found = Vec::new();
    for (around, tag, field) in TAGS {
        let around = if around == "gpu" { Some(gpu.clone()) } else { inner(&gpu, around) };
        if let Some(value) = around.and_then(|text| inner(&text, tag)) {
            put(&mut device, field, &value);
            found.push((field, value));
        }
    }
    device.uuid = inner(&gpu, "uuid").unwrap();
    device.pci_address = device.texts["pci.bus_id"].replacen("0000", "", 1).to_lowercase();
    let driver_version = inner(xml, "driver_version").unwrap();
    let cuda_version = inner(xml, "cuda_version").unwrap_or_default();
    (Reading { driver_version, cuda_version, devices: vec![device], ..Reading::default() }, found)
}
