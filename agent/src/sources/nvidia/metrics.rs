//! Metrics of the GPUs, in the names of nvidia_gpu_exporter, and what it does not have.

use hi_common::metric::{MetricDef, Unit};

use crate::source::Readings;
use crate::sys::nvml::Mig;

use super::fields::{self, ECC, EXTRA, FIELDS, Field, RARE, REASONS};
use super::view::{State, View, normalize};

static INFO: MetricDef = MetricDef::info(
    "nvidia_smi_gpu_info",
    &[
        "uuid",
        "name",
        "driver_model_current",
        "driver_model_pending",
        "vbios_version",
        "driver_version",
        "pci_bus_id",
        "serial",
        "compute_cap",
        "pci_sub_device_id",
        "index",
        "cuda_version",
    ],
    "What a GPU is.",
);
static SUCCESS: MetricDef =
    MetricDef::gauge("nvidia_smi_last_collect_success", Unit::None, &[], "Whether NVML answered.");
static FAILURES: MetricDef =
    MetricDef::counter("nvidia_smi_failed_scrapes_total", Unit::None, &[], "How often NVML did not answer.");
static RETURN_CODE: MetricDef = MetricDef::gauge(
    "nvidia_smi_nvml_return_code",
    Unit::None,
    &[],
    "What NVML returned (nvmlReturn_t of nvml.h): 0 is success, 18 that library and driver are of different versions.",
);
static STATE: MetricDef = MetricDef::state(
    "hi_nvidia_gpu_state",
    &["uuid", "state"],
    "How a GPU is: ok, suspended (asleep, not woken), lost (fallen off the bus), reset_required or unreadable.",
);
static MIG_INFO: MetricDef = MetricDef::info(
    "nvidia_smi_mig_info",
    &["uuid", "mig_uuid", "gpu_instance_id", "compute_instance_id", "profile"],
    "What a MIG instance is.",
);
const INSTANCE: &[&str] = &["uuid", "gpu_instance_id"];
static MIG_MEMORY: [MetricDef; 4] = [
    MetricDef::gauge("nvidia_smi_mig_memory_total_bytes", Unit::Bytes, INSTANCE, "Memory of a GPU instance."),
    MetricDef::gauge(
        "nvidia_smi_mig_memory_reserved_bytes",
        Unit::Bytes,
        INSTANCE,
        "Memory of a GPU instance that driver and firmware keep.",
    ),
    MetricDef::gauge(
        "nvidia_smi_mig_memory_used_bytes",
        Unit::Bytes,
        INSTANCE,
        "Memory of a GPU instance in use.",
    ),
    MetricDef::gauge(
        "nvidia_smi_mig_memory_free_bytes",
        Unit::Bytes,
        INSTANCE,
        "Memory of a GPU instance not in use.",
    ),
];
static XIDS: MetricDef = MetricDef::counter(
    "nvidia_smi_xid_errors_total",
    Unit::None,
    &["uuid", "xid"],
    "Errors that the driver reported (Xid) since the agent started.",
);
static XID_TIME: MetricDef = MetricDef::gauge(
    "nvidia_smi_xid_last_timestamp_seconds",
    Unit::Seconds,
    &["uuid", "xid"],
    "When such an error was seen last, Unix time.",
);

/// Those of this file.
const OWN: [&MetricDef; 12] = [
    &INFO,
    &SUCCESS,
    &FAILURES,
    &RETURN_CODE,
    &STATE,
    &MIG_INFO,
    &MIG_MEMORY[0],
    &MIG_MEMORY[1],
    &MIG_MEMORY[2],
    &MIG_MEMORY[3],
    &XIDS,
    &XID_TIME,
];

const COUNT: usize = OWN.len()
    + super::apps::METRICS.len()
    + FIELDS.len()
    + RARE.len()
    + ECC.as_flattened().len()
    + EXTRA.len();

/// All metrics of the source.
pub(super) static METRICS: [&MetricDef; COUNT] = {
    let mut all = [&INFO; COUNT];
    let mut at = put(&mut all, 0, &OWN);
    at = put(&mut all, at, &super::apps::METRICS);
    at = put_fields(&mut all, at, &FIELDS);
    at = put_fields(&mut all, at, &RARE);
    at = put_fields(&mut all, at, ECC.as_flattened());
    put_fields(&mut all, at, &EXTRA);
    all
};

const fn put(all: &mut [&'static MetricDef], mut at: usize, some: &[&'static MetricDef]) -> usize {
    let mut index = 0;
    while index < some.len() {
        all[at] = some[index];
        (at, index) = (at + 1, index + 1);
    }
    at
}

const fn put_fields(all: &mut [&'static MetricDef], mut at: usize, some: &'static [Field]) -> usize {
    let mut index = 0;
    while index < some.len() {
        all[at] = &some[index].metric;
        (at, index) = (at + 1, index + 1);
    }
    at
}

/// What nvidia-smi prints where there is nothing.
const NONE: &str = "[N/A]";

/// How asking NVML went: its code, and how often it failed.
pub(super) fn push_outcome(code: u32, failures: u64, out: &mut Readings) {
    out.push(&SUCCESS, &[], f64::from(u8::from(code == 0)));
    out.push(&FAILURES, &[], failures as f64);
    out.push(&RETURN_CODE, &[], f64::from(code));
}

/// How the GPUs are.
pub(super) fn push_states(views: &[View], out: &mut Readings) {
    for view in views {
        let id = view.id();
        for word in State::WORDS {
            out.push(&STATE, &[&id, word], f64::from(u8::from(word == view.state.word())));
        }
    }
}

/// What NVML says of the GPUs that answered.
pub(super) fn push_devices(views: &[View], driver: &str, cuda: &str, out: &mut Readings) {
    let ids: Vec<String> = views.iter().map(View::id).collect();
    let views = || views.iter().zip(&ids).filter(|(view, _)| !view.device.numbers.is_empty());
    for (view, id) in views() {
        push_info(view, id, driver, cuda, out);
    }
    for field in fields::all() {
        for (view, id) in views() {
            if let Some(value) = value(view, field.name) {
                out.push(&field.metric, &[id], field.scale.apply(value));
            }
        }
    }
    for (view, id) in views() {
        push_mig(id, &view.device.mig, out);
    }
}

fn push_info(view: &View, id: &str, driver: &str, cuda: &str, out: &mut Readings) {
    let text = |name| view.text(name).unwrap_or(NONE);
    let subsystem =
        view.number("pci.sub_device_id").map_or(NONE.to_owned(), |id| format!("0x{:08X}", id as u32));
    let index = view.number("index").map_or(NONE.to_owned(), |index| index.to_string());
    let labels = [
        id,
        text("name"),
        text("driver_model.current"),
        text("driver_model.pending"),
        text("vbios_version"),
        driver,
        text("pci.bus_id"),
        text("serial"),
        text("compute_cap"),
        &subsystem,
        &index,
        cuda,
    ];
    out.push(&INFO, &labels, 1.0);
}

/// Value of a field: as NVML says it, a bit of another one, or a number that NVML gives as text.
pub(super) fn value(view: &View, name: &str) -> Option<f64> {
    if let Some((_, bit)) = REASONS.iter().find(|(reason, _)| *reason == name) {
        let active = view.number("clocks_event_reasons.active")? as u64;
        return Some(f64::from(u8::from(active & bit != 0)));
    }
    match name {
        "pcie.link.gen.hostmax" => view.listed.host_generation.map(f64::from),
        "compute_cap" | "inforom.oem" | "inforom.ecc" | "inforom.pwr" => {
            view.text(name)?.parse().ok().filter(|value: &f64| value.is_finite())
        }
        _ => view.number(name),
    }
}

fn push_mig(id: &str, instances: &[Mig], out: &mut Readings) {
    for mig in instances {
        let (gpu, compute) = (mig.gpu_instance.to_string(), mig.compute_instance.to_string());
        out.push(&MIG_INFO, &[id, &normalize(&mig.uuid), &gpu, &compute, profile(&mig.name)], 1.0);
    }
    // Compute instances share the memory of their GPU instance.
    let first =
        |at: usize, mig: &Mig| !instances[..at].iter().any(|other| other.gpu_instance == mig.gpu_instance);
    for (index, metric) in MIG_MEMORY.iter().enumerate() {
        for (_, mig) in instances.iter().enumerate().filter(|(at, mig)| first(*at, mig)) {
            if let Some(memory) = mig.memory_bytes {
                out.push(metric, &[id, &mig.gpu_instance.to_string()], memory[index] as f64);
            }
        }
    }
}

/// `NVIDIA A100-SXM4-40GB MIG 1g.5gb` has the profile `1g.5gb`.
pub(super) fn profile(name: &str) -> &str {
    name.rsplit_once(" MIG ").map_or(name, |(_, profile)| profile)
}

/// Errors that the driver reported, by GPU and code: how often, when last.
pub(super) fn push_xids(counts: &std::collections::BTreeMap<(String, u64), (u64, f64)>, out: &mut Readings) {
    for ((uuid, xid), (count, _)) in counts {
        out.push(&XIDS, &[uuid, &xid.to_string()], *count as f64);
    }
    for ((uuid, xid), (_, at)) in counts {
        out.push(&XID_TIME, &[uuid, &xid.to_string()], *at);
    }
}
