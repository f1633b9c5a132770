//! Graphics processors: the fact `gpu`, nvidia_gpu_exporter's metrics (`nvidia_smi_*`), and `hi_gpu_*` for those of others.

use crate::doc::Doc;
use crate::latest::Thing;
use crate::moment::Time;
use crate::readings;
use crate::storage::view::{StorageFinding, StorageState};
use crate::store::StandingFact;

use super::view::{Gpu, GpuProcess};
use super::{HostDevices, Meanings, worst_of};

/// How its metrics begin.
const PREFIXES: [&str; 2] = ["nvidia_smi_", "hi_gpu_"];
/// Labels that name it, not a reading of it.
const NAMING: [&str; 4] = ["uuid", "pci_address", "card", "gpu"];
/// How metrics of what slows it down begin; since driver 535 the first, before it the second.
const REASONS: [&str; 2] = ["nvidia_smi_clocks_event_reasons_", "nvidia_smi_clocks_throttle_reasons_"];
/// What stands behind that and is no reason.
const NO_REASONS: [&str; 5] =
    ["supported", "active", "gpu_idle", "applications_clocks_setting", "sync_boost"];
/// Reasons that something is wrong with it, or its cooling or power.
const BAD_REASONS: [&str; 9] = [
    "hw_slowdown",
    "hw_thermal_slowdown",
    "hw_power_brake_slowdown",
    "sw_thermal_slowdown",
    "thermal",
    "prochot",
    "vr_thermalert",
    "vr_tdc",
    "ratl",
];
/// Programs that are shown.
const PROCESSES_MAX: usize = 200;

/// The names that series may know a processor by.
pub(super) struct Names<'a> {
    things: Vec<Thing<'a>>,
}

impl<'a> Names<'a> {
    pub(super) fn new(host: &HostDevices<'a>, names: &[Option<&str>]) -> Self {
        let mut names: Vec<&str> = names.iter().copied().flatten().collect();
        names.dedup();
        Self { things: names.into_iter().map(|name| host.known(name)).collect() }
    }

    /// Value of the first of these metrics that there is.
    fn first(&self, metrics: &[&str]) -> Option<f64> {
        metrics.iter().find_map(|metric| self.things.iter().find_map(|thing| thing.first(&[metric])))
    }

    fn all<'b>(&'b self, metric: &'b str) -> impl Iterator<Item = &'a crate::latest::Value> + use<'a, 'b> {
        self.things.iter().flat_map(move |thing| thing.all(metric))
    }
}

/// Every processor that there is a fact or a reading of.
pub(super) fn gpus(host: &HostDevices<'_>, metrics: &Meanings) -> Vec<Gpu> {
    let mut found: Vec<Gpu> =
        host.of("gpu").map(|fact| gpu(host, &fact.fact.id, Some(fact), metrics)).collect();
    for prefix in ["nvidia_smi_utilization", "nvidia_smi_gpu_info", "hi_gpu_"] {
        for key in host.latest.subjects(prefix) {
            let is = |gpu: &Gpu| {
                gpu.key == key || gpu.uuid.as_deref() == Some(key) || gpu.pci_address.as_deref() == Some(key)
            };
            if !found.iter().any(is) {
                found.push(gpu(host, key, None, metrics));
            }
        }
    }
    found.sort_by(|a, b| a.id.cmp(&b.id));
    found
}

fn gpu(host: &HostDevices<'_>, key: &str, fact: Option<&StandingFact>, metrics: &Meanings) -> Gpu {
    let null = serde_json::Value::Null;
    let doc = Doc(fact.map_or(&null, |standing| &standing.fact.doc));
    let (uuid, pci_address) = (doc.text("uuid"), doc.text("pci_address"));
    let known = Names::new(host, &[Some(key), uuid.as_deref(), pci_address.as_deref()]);
    let told = |label: &str| {
        let of = |metric| known.all(metric).map(|value| value.label(label).to_owned()).next();
        of("nvidia_smi_gpu_info").or_else(|| of("hi_gpu_info")).filter(|text| !text.is_empty())
    };
    let mut gpu = Gpu {
        id: host.id(key),
        host: host.host.to_owned(),
        host_silent: host.silent,
        key: key.to_owned(),
        vendor: doc.text("vendor").or_else(|| told("vendor")),
        name: doc.text("name").or_else(|| told("name")),
        driver_version: doc.text("driver_version").or_else(|| told("driver_version")),
        vbios_version: doc.text("vbios_version").or_else(|| told("vbios_version")),
        unreadable: doc.text("reason"),
        processes: processes(&known),
        throttle_reasons: reasons(&known),
        facts: doc.fields(),
        readings: known
            .things
            .iter()
            .flat_map(|thing| readings::list(*thing, metrics, &PREFIXES, &NAMING, &[]))
            .collect(),
        last_read: last_read(&known),
        since: fact.map(|standing| Time(standing.fact.since)),
        uuid,
        pci_address,
        ..Gpu::default()
    };
    numbers(&mut gpu, &known, doc);
    gpu.findings = findings(&gpu, fact, &known, doc);
    let unknown = gpu.last_read.is_none() && gpu.unreadable.is_none();
    gpu.state = worst_of(&gpu.findings, if unknown { StorageState::Unknown } else { StorageState::Ok });
    gpu
}

fn last_read(known: &Names<'_>) -> Option<Time> {
    let of = |thing: &Thing<'_>| PREFIXES.iter().filter_map(|prefix| thing.last_read(prefix)).max();
    known.things.iter().filter_map(of).max().map(Time)
}

fn numbers(gpu: &mut Gpu, known: &Names<'_>, doc: Doc<'_>) {
    let first = |metrics: &[&str]| known.first(metrics);
    gpu.busy_ratio = first(&["nvidia_smi_utilization_gpu_ratio", "hi_gpu_busy_ratio"]);
    gpu.memory_busy_ratio = first(&["nvidia_smi_utilization_memory_ratio", "hi_gpu_memory_busy_ratio"]);
    gpu.encoder_ratio = first(&["nvidia_smi_utilization_encoder_ratio"]);
    gpu.decoder_ratio = first(&["nvidia_smi_utilization_decoder_ratio"]);
    gpu.memory_total_bytes = first(&["nvidia_smi_memory_total_bytes", "hi_gpu_vram_size_bytes"])
        .or(doc.number("memory_total_bytes"));
    gpu.memory_used_bytes = first(&["nvidia_smi_memory_used_bytes", "hi_gpu_vram_used_bytes"]);
    gpu.memory_used_ratio = gpu
        .memory_used_bytes
        .zip(gpu.memory_total_bytes)
        .filter(|(_, total)| *total > 0.0)
        .map(|(used, total)| used / total);
    gpu.fan_ratio = first(&["nvidia_smi_fan_speed_ratio", "hi_gpu_fan_ratio"]);
    gpu.fan_rpm = first(&["hi_gpu_fan_rpm"]);
    gpu.power_watts = first(&["nvidia_smi_power_draw_watts", "hi_gpu_power_watts"]);
    gpu.power_limit_watts = first(&[
        "nvidia_smi_enforced_power_limit_watts",
        "nvidia_smi_power_limit_watts",
        "hi_gpu_power_limit_watts",
    ])
    .or(doc.number("power_limit_watts"));
    gpu.performance_state = first(&["nvidia_smi_pstate"]);
    gpu.pcie_generation = first(&[
        "nvidia_smi_pcie_link_gen_current",
        "nvidia_smi_pcie_link_gen_gpucurrent",
        "hi_gpu_pcie_generation",
    ]);
    gpu.pcie_generation_max = first(&["nvidia_smi_pcie_link_gen_max", "hi_gpu_pcie_generation_max"]);
    gpu.pcie_width = first(&["nvidia_smi_pcie_link_width_current", "hi_gpu_pcie_lanes"]);
    gpu.pcie_width_max = first(&["nvidia_smi_pcie_link_width_max", "hi_gpu_pcie_lanes_max"]);
    temperatures_and_clocks(gpu, known);
    memory_errors(gpu, known);
}

fn temperatures_and_clocks(gpu: &mut Gpu, known: &Names<'_>) {
    let first = |metrics: &[&str]| known.first(metrics);
    let named = |metric: &str, label: &str, names: &[&str]| {
        let of = |name: &&str| known.all(metric).find(|value| value.label(label) == *name);
        names.iter().find_map(of).map(|value| value.value).filter(|value| value.is_finite())
    };
    let celsius = |sensors: &[&str]| named("hi_gpu_temperature_celsius", "sensor", sensors);
    gpu.temperature_celsius = first(&["nvidia_smi_temperature_gpu"])
        .or_else(|| celsius(&["edge", "junction", "pkg"]))
        .or_else(|| first(&["hi_gpu_temperature_celsius"]));
    gpu.memory_temperature_celsius =
        first(&["nvidia_smi_temperature_memory"]).or_else(|| celsius(&["mem", "vram"]));
    // Clocks by their names at AMD and Intel.
    let graphics = ["sclk", "graphics", "gt0", "gt", "gfx"];
    gpu.clock_hertz = first(&["nvidia_smi_clocks_current_graphics_clock_hz"])
        .or_else(|| named("hi_gpu_clock_hertz", "clock", &graphics))
        .or_else(|| first(&["hi_gpu_clock_hertz"]));
    gpu.clock_max_hertz = first(&["nvidia_smi_clocks_max_graphics_clock_hz"])
        .or_else(|| named("hi_gpu_clock_max_hertz", "clock", &graphics))
        .or_else(|| first(&["hi_gpu_clock_max_hertz"]));
    gpu.memory_clock_hertz = first(&["nvidia_smi_clocks_current_memory_clock_hz"])
        .or_else(|| named("hi_gpu_clock_hertz", "clock", &["mclk", "memory"]));
}

fn memory_errors(gpu: &mut Gpu, known: &Names<'_>) {
    let counted = |kind: &str| {
        let of_kind = known.all("hi_gpu_memory_errors_total").filter(|value| value.label("kind") == kind);
        of_kind.map(|value| value.value).reduce(|a, b| a + b)
    };
    let corrected =
        ["nvidia_smi_ecc_errors_corrected_aggregate_total", "nvidia_smi_ecc_errors_corrected_volatile_total"];
    let uncorrected = [
        "nvidia_smi_ecc_errors_uncorrected_aggregate_total",
        "nvidia_smi_ecc_errors_uncorrected_volatile_total",
    ];
    gpu.ecc_corrected_errors = known.first(&corrected).or_else(|| counted("ce"));
    gpu.ecc_uncorrected_errors = known.first(&uncorrected).or_else(|| counted("ue"));
}

fn processes(known: &Names<'_>) -> Vec<GpuProcess> {
    let own = known.all("hi_gpu_process_memory_bytes").map(|value| GpuProcess {
        process: value.label("process").to_owned(),
        container: Some(value.label("container").to_owned()).filter(|name| !name.is_empty()),
        memory_bytes: Some(value.value).filter(|value| value.is_finite()),
    });
    let mut found: Vec<GpuProcess> = own.collect();
    if found.is_empty() {
        let smi = known.all("nvidia_smi_compute_app_used_memory_bytes").map(|value| GpuProcess {
            process: [value.label("process_name"), value.label("pid")].join(" ").trim().to_owned(),
            container: Some(value.label("container").to_owned()).filter(|name| !name.is_empty()),
            memory_bytes: Some(value.value).filter(|value| value.is_finite()),
        });
        found.extend(smi);
    }
    let memory = |process: &GpuProcess| process.memory_bytes.unwrap_or(0.0);
    found.sort_by(|a, b| memory(b).total_cmp(&memory(a)).then_with(|| a.process.cmp(&b.process)));
    found.truncate(PROCESSES_MAX);
    found
}

fn reasons(known: &Names<'_>) -> Vec<String> {
    let all = known.things.iter().flat_map(|thing| thing.metrics()).filter(|(_, value)| value.value == 1.0);
    let reason = |metric: &str| {
        let word = REASONS.iter().find_map(|prefix| metric.strip_prefix(prefix))?;
        let is_reason = !NO_REASONS.contains(&word) && !word.starts_with("counters_");
        is_reason.then(|| word.to_owned())
    };
    let mut found: Vec<String> = all.filter_map(|(metric, _)| reason(metric)).collect();
    let intel = known.all("hi_gpu_throttled").filter(|value| value.value == 1.0);
    found.extend(intel.map(|value| value.label("reason").to_owned()).filter(|reason| reason != "status"));
    found.sort_unstable();
    found.dedup();
    found
}

fn findings(gpu: &Gpu, fact: Option<&StandingFact>, known: &Names<'_>, doc: Doc<'_>) -> Vec<StorageFinding> {
    let mut found = Vec::new();
    let since = fact.map(|standing| Time(standing.state_since)).or(gpu.last_read).unwrap_or(Time(0));
    let mut add = |state, message: String| found.push(StorageFinding { state, message, since });
    if let Some(reason) = &gpu.unreadable {
        let lost =
            doc.text("state").is_some_and(|state| ["lost", "reset_required"].contains(&state.as_str()));
        let state = if lost { StorageState::Critical } else { StorageState::Warning };
        add(state, format!("cannot be read: {reason}"));
    }
    if gpu.ecc_uncorrected_errors.is_some_and(|errors| errors > 0.0) {
        let count = gpu.ecc_uncorrected_errors.unwrap_or(0.0);
        add(StorageState::Warning, format!("{count} memory errors could not be mended"));
    }
    if known.first(&["nvidia_smi_gpu_recovery_action"]).is_some_and(|action| action > 0.0) {
        add(StorageState::Warning, "its driver asks for a reset".to_owned());
    }
    for reason in gpu.throttle_reasons.iter().filter(|reason| BAD_REASONS.contains(&reason.as_str())) {
        add(StorageState::Warning, format!("is slowed down: {}", reason.replace('_', " ")));
    }
    found.sort_by_key(|finding| std::cmp::Reverse(finding.state));
    found
}
