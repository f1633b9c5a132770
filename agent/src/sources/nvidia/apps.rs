//! Processes that use a GPU, and their containers.

use std::collections::BTreeMap;

use hi_common::metric::{MetricDef, Unit};

use crate::host::{At, HostRoot, Scratch};
use crate::source::Readings;
use crate::source::cgroup::container_of;
use crate::sys::nvml::Process;

use super::fields::UUID;
use super::view::View;

const APP: &[&str] = &["uuid", "pid", "process_name"];
static COUNT: MetricDef = MetricDef::gauge(
    "nvidia_smi_compute_apps",
    Unit::None,
    UUID,
    "Number of processes that compute on a GPU.",
);
static INFO: MetricDef = MetricDef::info(
    "nvidia_smi_compute_app_info",
    APP,
    "A process that computes on a GPU; only if configured.",
);
static MEMORY: MetricDef = MetricDef::gauge(
    "nvidia_smi_compute_app_used_memory_bytes",
    Unit::Bytes,
    APP,
    "Memory of the GPU that a process uses; only if configured.",
);
static READABLE: MetricDef = MetricDef::gauge(
    "nvidia_smi_compute_apps_last_collect_success",
    Unit::None,
    &[],
    "Whether the processes of all GPUs that were asked could be listed.",
);
static USAGE: MetricDef = MetricDef::gauge(
    "hi_gpu_process_memory_bytes",
    Unit::Bytes,
    &["gpu", "process", "container"],
    "Memory of a GPU that processes of one name in one container use, computing or drawing; the container's id is empty outside \
     of containers.",
);

/// All of them.
pub(super) const METRICS: [&MetricDef; 5] = [&COUNT, &INFO, &MEMORY, &READABLE, &USAGE];

/// Most names of processes of a GPU that are told; what is beyond comes under `other`.
const NAMES_MAX: usize = 32;
/// Where those beyond are summed up.
const OTHER: &str = "other";

/// Tells the processes of all GPUs that listed them; each by its number only if that is wanted.
pub(super) fn push(host: &HostRoot, scratch: &mut Scratch, views: &[View], each: bool, out: &mut Readings) {
    let asked = || views.iter().filter(|view| !view.device.numbers.is_empty());
    if asked().next().is_none() {
        return;
    }
    let listed: Vec<(String, &[Process])> =
        asked().filter_map(|view| Some((view.id(), view.device.processes.as_deref()?))).collect();
    out.push(&READABLE, &[], f64::from(u8::from(listed.len() == asked().count())));
    for (id, processes) in &listed {
        let computing = processes.iter().filter(|process| process.compute).count();
        out.push(&COUNT, &[id], computing as f64);
    }
    if each {
        push_each(&listed, out);
    }
    for (id, processes) in &listed {
        for ((name, container), bytes) in usage(host, scratch, processes) {
            out.push(&USAGE, &[id, &name, &container], bytes as f64);
        }
    }
}

fn push_each(listed: &[(String, &[Process])], out: &mut Readings) {
    let computing = || {
        listed.iter().flat_map(|(id, processes)| {
            processes.iter().filter(|process| process.compute).map(move |process| (id, process))
        })
    };
    for (id, process) in computing() {
        out.push(&INFO, &[id, &process.pid.to_string(), &process.name], 1.0);
    }
    for (id, process) in computing() {
        if let Some(bytes) = process.memory_bytes {
            out.push(&MEMORY, &[id, &process.pid.to_string(), &process.name], bytes as f64);
        }
    }
}

/// Memory by name and container.
fn usage(host: &HostRoot, scratch: &mut Scratch, processes: &[Process]) -> BTreeMap<(String, String), u64> {
    let mut usage: BTreeMap<(String, String), u64> = BTreeMap::new();
    for process in processes {
        let Some(bytes) = process.memory_bytes else { continue };
        let cgroup = host.text(scratch, At::Proc, &format!("{}/cgroup", process.pid));
        let container = cgroup.ok().and_then(container_of).unwrap_or_default();
        let mut key = (short(&process.name).to_owned(), container.to_owned());
        if usage.len() >= NAMES_MAX && !usage.contains_key(&key) {
            key = (OTHER.to_owned(), String::new());
        }
        let sum = usage.entry(key).or_default();
        *sum = sum.saturating_add(bytes);
    }
    usage
}

/// The name without folders and arguments: `/usr/bin/ffmpeg -i x` is `ffmpeg`.
fn short(name: &str) -> &str {
    let program = name.split(' ').next().unwrap_or(name);
    program.rsplit('/').next().filter(|last| !last.is_empty()).unwrap_or(name)
}
