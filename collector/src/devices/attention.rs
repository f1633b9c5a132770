//! What of devices needs attention.

use crate::attention::{AttentionKind, AttentionSeverity};
use crate::moment::Time;
use crate::storage::StorageAttention;
use crate::storage::view::{StorageDisk, StorageFinding, StorageState};

use super::Devices;
use super::battery::PROTOCOL;
use super::view::{SensorOrigin, SensorType};

/// Temperatures above this are no readings: inputs that nothing is connected to.
const CELSIUS_MAX: f64 = 125.0;

impl Devices {
    /// What of it needs attention. What a silent host said last is old.
    pub fn attention(&self) -> Vec<StorageAttention> {
        let mut found = Vec::new();
        // Sensors of the management controller are told by the controller.
        for chip in self.chips.iter().filter(|c| c.origin != SensorOrigin::Ipmi && !c.host_silent) {
            for sensor in &chip.sensors {
                let finding = StorageFinding {
                    state: sensor.state,
                    message: sensor.message.clone().unwrap_or_default(),
                    since: sensor.at.unwrap_or(Time(0)),
                };
                let subject = format!("sensor {} {}", chip.name, sensor.label);
                found.extend(item(
                    AttentionKind::SensorAlarm,
                    &subject,
                    &format!("sensor:{}", chip.id),
                    &finding,
                ));
            }
        }
        for gpu in &self.gpus {
            let name = gpu.name.as_deref().unwrap_or(&gpu.key);
            let (subject, target) = (format!("GPU {name}"), format!("gpu:{}", gpu.id));
            found.extend(merged(AttentionKind::GpuFailing, &subject, &target, &gpu.findings));
        }
        for bmc in &self.bmcs {
            let target = format!("bmc:{}", bmc.id);
            found.extend(merged(AttentionKind::BmcAlarm, "management controller", &target, &bmc.findings));
        }
        for ups in self.upses.iter().filter(|ups| !ups.host_silent) {
            let kind = match ups.on_battery {
                Some(true) => AttentionKind::UpsOnBattery,
                _ => AttentionKind::UpsFailing,
            };
            let noun = if ups.protocol.as_deref() == Some(PROTOCOL) { "battery" } else { "UPS" };
            let (subject, target) = (format!("{noun} {}", ups.name), format!("ups:{}", ups.id));
            found.extend(merged(kind, &subject, &target, &ups.findings));
        }
        if let Some(errors) = self.memory_errors.filter(|errors| *errors > 0.0 && !self.silent) {
            let noun = if errors == 1.0 { "error" } else { "errors" };
            found.push(StorageAttention {
                severity: AttentionSeverity::Critical,
                kind: AttentionKind::MemoryErrors,
                subject: "memory".to_owned(),
                target: None,
                message: format!("{errors} {noun} could not be corrected since the machine was started"),
                since: self.memory_errors_at,
            });
        }
        found
    }
}

/// A thing is one entry, however much is wrong with it.
fn merged(
    kind: AttentionKind,
    subject: &str,
    target: &str,
    findings: &[StorageFinding],
) -> Option<StorageAttention> {
    let told = |finding: &&StorageFinding| finding.state >= StorageState::Warning;
    let messages: Vec<&str> = findings.iter().filter(told).map(|f| f.message.as_str()).collect();
    let mut item = item(kind, subject, target, findings.first()?)?;
    item.message = messages.join("; ");
    Some(item)
}

fn item(
    kind: AttentionKind,
    subject: &str,
    target: &str,
    finding: &StorageFinding,
) -> Option<StorageAttention> {
    let severity = match finding.state {
        StorageState::Critical => AttentionSeverity::Critical,
        StorageState::Warning => AttentionSeverity::Warning,
        _ => return None,
    };
    Some(StorageAttention {
        severity,
        kind,
        subject: subject.to_owned(),
        target: Some(target.to_owned()),
        message: finding.message.clone(),
        since: finding.since,
    })
}

/// The hottest of all: its name and temperature.
pub fn hottest(devices: &Devices, disks: &[StorageDisk]) -> Option<(String, f64)> {
    let sensors = devices.chips.iter().flat_map(|chip| {
        let hot = chip.sensors.iter().filter(|s| s.kind == SensorType::Temperature && s.fault != Some(true));
        hot.filter_map(move |sensor| Some((format!("{} {}", chip.name, sensor.label), sensor.value?)))
    });
    let disks =
        disks.iter().filter_map(|disk| Some((format!("disk {}", disk.device), disk.temperature_celsius?)));
    let gpus = devices.gpus.iter().filter_map(|gpu| {
        Some((format!("GPU {}", gpu.name.as_deref().unwrap_or(&gpu.key)), gpu.temperature_celsius?))
    });
    let all = sensors.chain(disks).chain(gpus).filter(|(_, celsius)| *celsius < CELSIUS_MAX);
    all.max_by(|a, b| a.1.total_cmp(&b.1))
}
