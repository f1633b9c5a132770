//! The fact `gpu` of an NVIDIA GPU.

use std::collections::BTreeMap;

use hi_common::fact::FactValue;

use crate::sys::nvml::Mig;

use super::metrics::profile;
use super::view::View;

/// A fact's document.
pub(super) type Doc = BTreeMap<String, FactValue>;

/// What NVML advises, by its number (`nvmlDeviceGpuRecoveryAction_t` of nvml.h).
const ACTIONS: [&str; 5] = ["none", "reset", "reboot", "drain_p2p", "drain_and_reset"];
/// Who may compute, by its number (`nvmlComputeMode_t`).
const MODES: [&str; 4] = ["default", "exclusive_thread", "prohibited", "exclusive_process"];

/// What is known of a GPU and changes only when something happens.
pub(super) fn describe(view: &View, driver: &str, cuda: &str) -> Doc {
    let mut doc = Doc::new();
    let mut text = |key: &str, value: &str| {
        if !value.is_empty() {
            doc.insert(key.to_owned(), FactValue::Text(value.to_owned()));
        }
    };
    text("vendor", "nvidia");
    text("name", view.name());
    text("pci_address", &view.listed.address);
    text("uuid", &view.listed.uuid);
    text("driver", "nvidia");
    text("driver_version", driver);
    text("cuda_version", cuda);
    text("vbios_version", view.text("vbios_version").unwrap_or(&view.listed.vbios));
    text("serial", view.text("serial").unwrap_or(""));
    text("compute_capability", view.text("compute_cap").unwrap_or(""));
    text("state", view.state.word());
    text("reason", &view.reason);
    let word = |words: &[&'static str], number: Option<f64>| {
        number.and_then(|number| words.get(number as usize).copied()).unwrap_or("")
    };
    text(
        "recovery_action",
        word(&ACTIONS, view.number("gpu_recovery_action").filter(|action| *action > 0.0)),
    );
    text("compute_mode", word(&MODES, view.number("compute_mode")));
    let mut int = |key: &str, name: &str| {
        if let Some(value) = view.number(name) {
            doc.insert(key.to_owned(), FactValue::Int(value as i64));
        }
    };
    int("memory_total_bytes", "memory.total");
    int("pcie_generation_max", "pcie.link.gen.max");
    int("pcie_lanes_max", "pcie.link.width.max");
    for (key, name) in
        [("power_limit_watts", "power.limit"), ("power_default_limit_watts", "power.default_limit")]
    {
        if let Some(milliwatts) = view.number(name) {
            doc.insert(key.to_owned(), FactValue::Float(milliwatts / 1e3));
        }
    }
    for (key, name) in [
        ("persistence_mode", "persistence_mode"),
        ("ecc_enabled", "ecc.mode.current"),
        ("mig_enabled", "mig.mode.current"),
        ("row_remap_failed", "remapped_rows.failure"),
        ("row_remap_pending", "remapped_rows.pending"),
        ("pages_pending_retirement", "retired_pages.pending"),
    ] {
        if let Some(value) = view.number(name) {
            doc.insert(key.to_owned(), FactValue::Bool(value != 0.0));
        }
    }
    if !view.device.mig.is_empty() {
        doc.insert("mig".to_owned(), FactValue::List(view.device.mig.iter().map(instance).collect()));
    }
    doc
}

fn instance(mig: &Mig) -> FactValue {
    let mut doc = Doc::from([
        ("uuid".to_owned(), FactValue::Text(mig.uuid.clone())),
        ("profile".to_owned(), FactValue::Text(profile(&mig.name).to_owned())),
        ("gpu_instance_id".to_owned(), FactValue::Int(i64::from(mig.gpu_instance))),
        ("compute_instance_id".to_owned(), FactValue::Int(i64::from(mig.compute_instance))),
    ]);
    if let Some([total, ..]) = mig.memory_bytes {
        doc.insert("memory_total_bytes".to_owned(), FactValue::Int(i64::try_from(total).unwrap_or(i64::MAX)));
    }
    FactValue::Map(doc)
}
