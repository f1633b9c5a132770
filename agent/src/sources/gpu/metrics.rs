//! Metrics of a GPU, and what node_exporter's collector `drm` yields.

use hi_common::metric::{MetricDef, Unit};

use crate::source::Readings;

use super::card::{Card, Driver, Named, Values};
use super::view::{State, View};

const GPU: &[&str] = &["card", "pci_address"];
const CARD: &[&str] = &["card"];

static INFO: MetricDef =
    MetricDef::info("hi_gpu_info", &["card", "pci_address", "vendor", "driver", "name"], "What a GPU is.");
static STATE: MetricDef = MetricDef::state(
    "hi_gpu_state",
    &["card", "pci_address", "state"],
    "How a GPU is: ok, suspended (asleep, not woken) or unreadable (its driver gets no answer).",
);
static BUSY: MetricDef = MetricDef::gauge(
    "hi_gpu_busy_ratio",
    Unit::Ratio,
    GPU,
    "Part of the time that a GPU works. Of Intel's, that its busiest part was awake since the last reading, which is more than it \
     worked.",
);
static ENGINE_BUSY: MetricDef = MetricDef::gauge(
    "hi_gpu_engine_busy_ratio",
    Unit::Ratio,
    &["card", "pci_address", "engine"],
    "Part of the time since the last reading that a part of an Intel GPU was awake: gt0 draws and computes, gt1 is for video.",
);
static MEMORY_BUSY: MetricDef = MetricDef::gauge(
    "hi_gpu_memory_busy_ratio",
    Unit::Ratio,
    GPU,
    "Part of the time that a GPU's memory is used.",
);
static VRAM_SIZE: MetricDef =
    MetricDef::gauge("hi_gpu_vram_size_bytes", Unit::Bytes, GPU, "Memory of a GPU.");
static VRAM_USED: MetricDef =
    MetricDef::gauge("hi_gpu_vram_used_bytes", Unit::Bytes, GPU, "Memory of a GPU in use.");
static GTT_SIZE: MetricDef =
    MetricDef::gauge("hi_gpu_gtt_size_bytes", Unit::Bytes, GPU, "Memory of the host that a GPU may use.");
static GTT_USED: MetricDef =
    MetricDef::gauge("hi_gpu_gtt_used_bytes", Unit::Bytes, GPU, "Memory of the host that a GPU uses.");
const CLOCK_KEYS: &[&str] = &["card", "pci_address", "clock"];
static CLOCK: MetricDef = MetricDef::gauge("hi_gpu_clock_hertz", Unit::Hertz, CLOCK_KEYS, "Clocks of a GPU.");
static CLOCK_MAX: MetricDef =
    MetricDef::gauge("hi_gpu_clock_max_hertz", Unit::Hertz, CLOCK_KEYS, "Highest clocks of a GPU.");
const SENSOR: &[&str] = &["card", "pci_address", "sensor"];
static TEMPERATURE: MetricDef = MetricDef::gauge(
    "hi_gpu_temperature_celsius",
    Unit::Celsius,
    SENSOR,
    "Temperatures of a GPU: edge, junction (the hottest place), mem, pkg, vram.",
);
static CRITICAL: MetricDef = MetricDef::gauge(
    "hi_gpu_temperature_critical_celsius",
    Unit::Celsius,
    SENSOR,
    "Temperatures that a GPU should not reach.",
);
static POWER: MetricDef = MetricDef::gauge("hi_gpu_power_watts", Unit::Watts, GPU, "Power of a GPU.");
static POWER_LIMIT: MetricDef =
    MetricDef::gauge("hi_gpu_power_limit_watts", Unit::Watts, GPU, "Power limit of a GPU.");
static ENERGY: MetricDef =
    MetricDef::counter("hi_gpu_energy_joules_total", Unit::Joules, GPU, "Energy that a GPU has taken.");
static FAN: MetricDef =
    MetricDef::gauge("hi_gpu_fan_rpm", Unit::None, GPU, "Revolutions per minute of a GPU's fan.");
static FAN_RATIO: MetricDef =
    MetricDef::gauge("hi_gpu_fan_ratio", Unit::Ratio, GPU, "Control of a GPU's fan, as part of the highest.");
static VOLTAGE: MetricDef =
    MetricDef::gauge("hi_gpu_voltage_volts", Unit::Volts, SENSOR, "Voltages of a GPU.");
static THROTTLE: MetricDef = MetricDef::gauge(
    "hi_gpu_throttled",
    Unit::None,
    &["card", "pci_address", "reason"],
    "Whether an Intel GPU is slowed down, by the driver's reason; `status` is whether by any.",
);
static ERRORS: MetricDef = MetricDef::counter(
    "hi_gpu_memory_errors_total",
    Unit::None,
    &["card", "pci_address", "block", "kind"],
    "Errors in an AMD GPU's memories since its driver was loaded: ce was corrected, ue was not.",
);
static PCIE_GENERATION: MetricDef =
    MetricDef::gauge("hi_gpu_pcie_generation", Unit::None, GPU, "Generation of PCIe that the link runs at.");
static PCIE_GENERATION_MAX: MetricDef =
    MetricDef::gauge("hi_gpu_pcie_generation_max", Unit::None, GPU, "Highest generation of PCIe of a GPU.");
static PCIE_LANES: MetricDef =
    MetricDef::gauge("hi_gpu_pcie_lanes", Unit::None, GPU, "Lanes that the link runs with.");
static PCIE_LANES_MAX: MetricDef =
    MetricDef::gauge("hi_gpu_pcie_lanes_max", Unit::None, GPU, "Most lanes of a GPU.");
static REPLAYS: MetricDef = MetricDef::counter(
    "hi_gpu_pcie_replays_total",
    Unit::None,
    GPU,
    "Transfers over PCIe that were repeated after an error.",
);
static DRM_INFO: MetricDef = MetricDef::info(
    "node_drm_card_info",
    &["card", "memory_vendor", "power_performance_level", "unique_id", "vendor"],
    "Card information, of AMD's.",
);
static DRM_BUSY: MetricDef =
    MetricDef::gauge("node_drm_gpu_busy_percent", Unit::None, CARD, "How busy an AMD GPU is, in percent.");
static DRM_MEMORY: [(&str, MetricDef); 6] = [
    ("gtt_total", MetricDef::gauge("node_drm_memory_gtt_size_bytes", Unit::Bytes, CARD, "Size of the GTT.")),
    (
        "gtt_used",
        MetricDef::gauge("node_drm_memory_gtt_used_bytes", Unit::Bytes, CARD, "Used part of the GTT."),
    ),
    (
        "vram_total",
        MetricDef::gauge("node_drm_memory_vram_size_bytes", Unit::Bytes, CARD, "Size of the VRAM."),
    ),
    (
        "vram_used",
        MetricDef::gauge("node_drm_memory_vram_used_bytes", Unit::Bytes, CARD, "Used part of the VRAM."),
    ),
    (
        "vis_vram_total",
        MetricDef::gauge(
            "node_drm_memory_vis_vram_size_bytes",
            Unit::Bytes,
            CARD,
            "Size of the visible VRAM.",
        ),
    ),
    (
        "vis_vram_used",
        MetricDef::gauge(
            "node_drm_memory_vis_vram_used_bytes",
            Unit::Bytes,
            CARD,
            "Used part of the visible VRAM.",
        ),
    ),
];

/// All metrics of the source.
pub(super) static METRICS: [&MetricDef; 34] = [
    &INFO,
    &STATE,
    &BUSY,
    &ENGINE_BUSY,
    &MEMORY_BUSY,
    &VRAM_SIZE,
    &VRAM_USED,
    &GTT_SIZE,
    &GTT_USED,
    &CLOCK,
    &CLOCK_MAX,
    &TEMPERATURE,
    &CRITICAL,
    &POWER,
    &POWER_LIMIT,
    &ENERGY,
    &FAN,
    &FAN_RATIO,
    &VOLTAGE,
    &THROTTLE,
    &ERRORS,
    &PCIE_GENERATION,
    &PCIE_GENERATION_MAX,
    &PCIE_LANES,
    &PCIE_LANES_MAX,
    &REPLAYS,
    &DRM_INFO,
    &DRM_BUSY,
    &DRM_MEMORY[0].1,
    &DRM_MEMORY[1].1,
    &DRM_MEMORY[2].1,
    &DRM_MEMORY[3].1,
    &DRM_MEMORY[4].1,
    &DRM_MEMORY[5].1,
];

/// Value of a GPU that it may have.
type One = fn(&Values) -> Option<f64>;
/// Values of a GPU by a name.
type Many = fn(&Values) -> &Named;

/// Metrics of one value.
const ONES: [(&MetricDef, One); 16] = [
    (&BUSY, |values| values.busy),
    (&MEMORY_BUSY, |values| values.memory_busy),
    (&VRAM_SIZE, |values| values.memory.get("vram_total").copied()),
    (&VRAM_USED, |values| values.memory.get("vram_used").copied()),
    (&GTT_SIZE, |values| values.memory.get("gtt_total").copied()),
    (&GTT_USED, |values| values.memory.get("gtt_used").copied()),
    (&POWER, |values| values.power),
    (&POWER_LIMIT, |values| values.power_limit),
    (&ENERGY, |values| values.energy),
    (&FAN, |values| values.fan_rpm),
    (&FAN_RATIO, |values| values.fan_ratio),
    (&PCIE_GENERATION, |values| values.pcie[0]),
    (&PCIE_GENERATION_MAX, |values| values.pcie[1]),
    (&PCIE_LANES, |values| values.pcie[2]),
    (&PCIE_LANES_MAX, |values| values.pcie[3]),
    (&REPLAYS, |values| values.replays),
];
/// Metrics of several.
const MANY: [(&MetricDef, Many); 5] = [
    (&CLOCK, |values| &values.clocks),
    (&CLOCK_MAX, |values| &values.clocks_max),
    (&TEMPERATURE, |values| &values.temperatures),
    (&CRITICAL, |values| &values.temperatures_critical),
    (&VOLTAGE, |values| &values.voltages),
];

/// Tells all GPUs.
pub(super) fn push(views: &[View], out: &mut Readings) {
    for View { card, .. } in views {
        let labels = [&card.name, &card.address, &card.vendor, &card.driver_name, &card.model];
        out.push(&INFO, &labels.map(String::as_str), 1.0);
    }
    for View { card, state, .. } in views {
        for word in State::WORDS {
            out.push(&STATE, &[&card.name, &card.address, word], flag(word == state.word()));
        }
    }
    for (metric, value) in ONES {
        for View { card, values, .. } in views {
            if let Some(value) = value(values) {
                out.push(metric, &[&card.name, &card.address], value);
            }
        }
    }
    for View { card, engines, .. } in views {
        for (engine, busy) in engines {
            out.push(&ENGINE_BUSY, &[&card.name, &card.address, engine], *busy);
        }
    }
    for (metric, named) in MANY {
        for View { card, values, .. } in views {
            for (name, value) in named(values) {
                out.push(metric, &[&card.name, &card.address, name], *value);
            }
        }
    }
    for View { card, values, .. } in views {
        for (reason, holds) in &values.throttle {
            out.push(&THROTTLE, &[&card.name, &card.address, reason], flag(*holds));
        }
    }
    for View { card, values, .. } in views {
        for ((block, kind), count) in &values.errors {
            out.push(&ERRORS, &[&card.name, &card.address, block, kind], *count);
        }
    }
    push_drm(views, out);
}

fn push_drm(views: &[View], out: &mut Readings) {
    let awake = |view: &&View| view.card.driver == Driver::Amdgpu && view.state == State::Ok;
    let cards = || views.iter().filter(awake).map(|View { card, values, .. }| (card, values));
    let text = |(card, values): (&Card, &Values)| {
        let text = |key| values.texts.get(key).cloned().unwrap_or_default();
        [
            card.name.clone(),
            text("memory_vendor"),
            text("performance_level"),
            text("unique_id"),
            "amd".to_owned(),
        ]
    };
    for labels in cards().map(text) {
        out.push(&DRM_INFO, &labels.each_ref().map(String::as_str), 1.0);
    }
    for (card, values) in cards() {
        if let Some(busy) = values.busy {
            out.push(&DRM_BUSY, &[&card.name], (busy * 100.0).round());
        }
    }
    for (memory, metric) in &DRM_MEMORY {
        for (card, values) in cards() {
            if let Some(bytes) = values.memory.get(*memory) {
                out.push(metric, &[&card.name], *bytes);
            }
        }
    }
}

fn flag(yes: bool) -> f64 {
    f64::from(u8::from(yes))
}
