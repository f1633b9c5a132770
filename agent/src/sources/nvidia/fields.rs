//! What NVML says, by the name that `nvidia-smi --help-query-gpu` gives it, and the metric that nvidia_gpu_exporter makes of it:
//! `BuildFQNameAndMultiplier` of its `internal/exporter/exporter.go` makes name and unit.

use hi_common::metric::{MetricDef, Unit};

/// Label of all metrics of a GPU.
pub(super) const UUID: &[&str] = &["uuid"];

/// How a number of NVML becomes one in base units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// As it is.
    One,
    /// Times so much: clocks are in MHz.
    Times(f64),
    /// Divided by so much: percent, milliwatts, microseconds. A division alone gives 39.32 W for 39320 mW.
    Per(f64),
}

impl Scale {
    /// In base units.
    pub(super) fn apply(self, value: f64) -> f64 {
        match self {
            Self::One => value,
            Self::Times(factor) => value * factor,
            Self::Per(divisor) => value / divisor,
        }
    }
}

/// A number of NVML and its metric.
#[derive(Debug)]
pub(super) struct Field {
    /// Name in nvidia-smi.
    pub(super) name: &'static str,
    /// The metric.
    pub(super) metric: MetricDef,
    /// How its value comes about.
    pub(super) scale: Scale,
}

/// MHz.
const MHZ: Scale = Scale::Times(1e6);
/// Percent.
const PERCENT: Scale = Scale::Per(100.0);
/// Milliwatts and millijoules.
const MILLI: Scale = Scale::Per(1e3);
/// Microseconds.
const MICRO: Scale = Scale::Per(1e6);
const ONE: Scale = Scale::One;

const fn gauge(
    name: &'static str,
    metric: &'static str,
    unit: Unit,
    scale: Scale,
    help: &'static str,
) -> Field {
    Field { name, metric: MetricDef::gauge(metric, unit, UUID, help), scale }
}

/// Rows of a name in nvidia-smi, the metric's name without its prefix, unit, scale, help.
macro_rules! fields {
    ($($name:literal $metric:literal $unit:ident $scale:ident $help:literal)*) => {
        [$(gauge($name, concat!("nvidia_smi_", $metric), Unit::$unit, $scale, $help)),*]
    };
}

/// Rows of the errors in the places of the memory, of one kind and time.
macro_rules! ecc {
    ($kind:literal $since:literal $time:literal: $($place:literal)*) => {
        [$(gauge(
            concat!("ecc.errors.", $kind, ".", $since, ".", $place),
            concat!("nvidia_smi_ecc_errors_", $kind, "_", $since, "_", $place),
            Unit::None,
            ONE,
            concat!("ECC errors, ", $kind, ", ", $time, ": ", $place, "."),
        )),*]
    };
    ($($kind:literal $since:literal $time:literal;)*) => {
        [$(ecc!($kind $since $time:
            "device_memory" "dram" "register_file" "l1_cache" "l2_cache" "texture_memory" "cbu" "sram" "total")),*]
    };
}

/// Everything but counts of ECC errors by place.
pub(super) static FIELDS: [Field; 102] = fields! {
    "count" "count" None ONE "Number of GPUs that the driver has."
    "index" "index" None ONE "Index of the GPU, from 0."
    "pci.domain" "pci_domain" None ONE "Number of the PCI domain."
    "pci.bus" "pci_bus" None ONE "Number of the PCI bus."
    "pci.device" "pci_device" None ONE "Number of the PCI device."
    "pci.baseClass" "pci_base_class" None ONE "PCI base class."
    "pci.subClass" "pci_sub_class" None ONE "PCI sub class."
    "pci.device_id" "pci_device_id" None ONE "PCI device (upper half) and vendor."
    "pci.sub_device_id" "pci_sub_device_id" None ONE "PCI subsystem."
    "pcie.link.gen.current" "pcie_link_gen_current" None ONE "Generation of PCIe that the link runs at."
    "pcie.link.gen.gpucurrent" "pcie_link_gen_gpucurrent" None ONE "Generation of PCIe that the GPU's link runs at."
    "pcie.link.gen.max" "pcie_link_gen_max" None ONE "Highest generation of PCIe that GPU and slot have together."
    "pcie.link.gen.gpumax" "pcie_link_gen_gpumax" None ONE "Highest generation of PCIe that the GPU has."
    "pcie.link.gen.hostmax" "pcie_link_gen_hostmax" None ONE "Highest generation of PCIe that the root port has."
    "pcie.link.width.current" "pcie_link_width_current" None ONE "Lanes that the link runs with."
    "pcie.link.width.max" "pcie_link_width_max" None ONE "Most lanes that GPU and slot have together."
    "display_attached" "display_attached" None ONE "Whether a display is attached."
    "display_active" "display_active" None ONE "Whether a display is in use."
    "persistence_mode" "persistence_mode" None ONE "Whether the driver stays loaded when nobody uses the GPU."
    "accounting.mode" "accounting_mode" None ONE "Whether usage is accounted per process."
    "accounting.buffer_size" "accounting_buffer_size" None ONE "Processes that accounting keeps."
    "inforom.oem" "inforom_oem" None ONE "Version of the OEM part of the InfoROM."
    "inforom.ecc" "inforom_ecc" None ONE "Version of the ECC part of the InfoROM."
    "inforom.pwr" "inforom_pwr" None ONE "Version of the power part of the InfoROM."
    "gpu_recovery_action" "gpu_recovery_action" None ONE "What the driver advises: 0 nothing, 1 reset the GPU, 2 reboot, 3 drain peer to peer, 4 drain and reset."
    "fan.speed" "fan_speed_ratio" Ratio PERCENT "Intended speed of the fan as part of the highest; more than 1 is possible."
    "pstate" "pstate" None ONE "Performance state: 0 is the fastest, 15 the slowest."
    "clocks_event_reasons.supported" "clocks_event_reasons_supported" None ONE "Bits of the reasons that the GPU can tell."
    "clocks_event_reasons.active" "clocks_event_reasons_active" None ONE "Bits of what holds the clocks down (nvmlClocksEventReason… of nvml.h)."
    "clocks_event_reasons.gpu_idle" "clocks_event_reasons_gpu_idle" None ONE "Whether the clocks are low because nothing runs."
    "clocks_event_reasons.applications_clocks_setting" "clocks_event_reasons_applications_clocks_setting" None ONE "Whether application clocks hold the clocks down."
    "clocks_event_reasons.sw_power_cap" "clocks_event_reasons_sw_power_cap" None ONE "Whether the power limit holds the clocks down."
    "clocks_event_reasons.hw_slowdown" "clocks_event_reasons_hw_slowdown" None ONE "Whether the hardware halves the clocks or more: heat, power brake or too high a draw."
    "clocks_event_reasons.hw_thermal_slowdown" "clocks_event_reasons_hw_thermal_slowdown" None ONE "Whether the hardware slows down because it is too hot."
    "clocks_event_reasons.hw_power_brake_slowdown" "clocks_event_reasons_hw_power_brake_slowdown" None ONE "Whether the power supply makes the hardware slow down."
    "clocks_event_reasons.sw_thermal_slowdown" "clocks_event_reasons_sw_thermal_slowdown" None ONE "Whether the driver slows down because it is too hot."
    "clocks_event_reasons.sync_boost" "clocks_event_reasons_sync_boost" None ONE "Whether the clocks follow those of other GPUs."
    "clocks_event_reasons_counters.sw_power_cap" "clocks_event_reasons_counters_sw_power_cap_seconds" Seconds MICRO "Time that the power limit held the clocks down."
    "clocks_event_reasons_counters.sync_boost" "clocks_event_reasons_counters_sync_boost_seconds" Seconds MICRO "Time that the clocks followed those of other GPUs."
    "clocks_event_reasons_counters.sw_thermal_slowdown" "clocks_event_reasons_counters_sw_thermal_slowdown_seconds" Seconds MICRO "Time that the driver slowed down because of heat."
    "clocks_event_reasons_counters.hw_thermal_slowdown" "clocks_event_reasons_counters_hw_thermal_slowdown_seconds" Seconds MICRO "Time that the hardware slowed down because of heat."
    "clocks_event_reasons_counters.hw_power_brake_slowdown" "clocks_event_reasons_counters_hw_power_brake_slowdown_seconds" Seconds MICRO "Time that the power supply made the hardware slow down."
    "memory.total" "memory_total_bytes" Bytes ONE "Memory of the GPU."
    "memory.reserved" "memory_reserved_bytes" Bytes ONE "Memory that driver and firmware keep."
    "memory.used" "memory_used_bytes" Bytes ONE "Memory in use."
    "memory.free" "memory_free_bytes" Bytes ONE "Memory not in use."
    "compute_mode" "compute_mode" None ONE "Who may compute: 0 all, 1 one thread, 2 nobody, 3 one process."
    "compute_cap" "compute_cap" None ONE "CUDA compute capability."
    "utilization.gpu" "utilization_gpu_ratio" Ratio PERCENT "Part of the last time in which a kernel ran."
    "utilization.memory" "utilization_memory_ratio" Ratio PERCENT "Part of the last time in which memory was read or written."
    "utilization.encoder" "utilization_encoder_ratio" Ratio PERCENT "Use of the video encoder."
    "utilization.decoder" "utilization_decoder_ratio" Ratio PERCENT "Use of the video decoder."
    "utilization.jpeg" "utilization_jpeg_ratio" Ratio PERCENT "Use of the JPEG engine."
    "utilization.ofa" "utilization_ofa_ratio" Ratio PERCENT "Use of the optical flow accelerator."
    "encoder.stats.sessionCount" "encoder_stats_session_count" None ONE "Video encodings that run."
    "encoder.stats.averageFps" "encoder_stats_average_fps" None ONE "Frames per second of the encodings, on average."
    "encoder.stats.averageLatency" "encoder_stats_average_latency" None ONE "Latency of the encodings in microseconds, on average."
    "dramEncryption.mode.current" "dram_encryption_mode_current" None ONE "Whether memory is encrypted."
    "dramEncryption.mode.pending" "dram_encryption_mode_pending" None ONE "Whether memory is encrypted after the next reset."
    "ecc.mode.current" "ecc_mode_current" None ONE "Whether ECC is on."
    "ecc.mode.pending" "ecc_mode_pending" None ONE "Whether ECC is on after the next reboot."
    "ecc.errors.uncorrected.volatile.sram.parity" "ecc_errors_uncorrected_volatile_sram_parity" None ONE "Parity errors of the SRAM since the driver was loaded."
    "ecc.errors.uncorrected.volatile.sram.secded" "ecc_errors_uncorrected_volatile_sram_secded" None ONE "Double-bit errors of the SRAM since the driver was loaded."
    "ecc.errors.uncorrected.aggregate.sram.parity" "ecc_errors_uncorrected_aggregate_sram_parity" None ONE "Parity errors of the SRAM in its life."
    "ecc.errors.uncorrected.aggregate.sram.secded" "ecc_errors_uncorrected_aggregate_sram_secded" None ONE "Double-bit errors of the SRAM in its life."
    "ecc.errors.uncorrected.aggregate.sram.thresholdExceeded" "ecc_errors_uncorrected_aggregate_sram_threshold_exceeded" None ONE "Whether the SRAM has had more errors than it should."
    "ecc.errors.uncorrected.aggregate.sram.l2" "ecc_errors_uncorrected_aggregate_sram_l2" None ONE "Uncorrected errors of the L2 cache in its life."
    "ecc.errors.uncorrected.aggregate.sram.sm" "ecc_errors_uncorrected_aggregate_sram_sm" None ONE "Uncorrected errors of the multiprocessors in their life."
    "ecc.errors.uncorrected.aggregate.sram.mcu" "ecc_errors_uncorrected_aggregate_sram_mcu" None ONE "Uncorrected errors of the microcontrollers in their life."
    "ecc.errors.uncorrected.aggregate.sram.pcie" "ecc_errors_uncorrected_aggregate_sram_pcie" None ONE "Uncorrected errors of the PCIe part in its life."
    "ecc.errors.uncorrected.aggregate.sram.other" "ecc_errors_uncorrected_aggregate_sram_other" None ONE "Uncorrected errors of other SRAM in its life."
    "retired_pages.single_bit_ecc.count" "retired_pages_single_bit_ecc_count" None ONE "Pages of memory given up after many corrected errors."
    "retired_pages.double_bit.count" "retired_pages_double_bit_count" None ONE "Pages of memory given up after an uncorrected error."
    "retired_pages.pending" "retired_pages_pending" None ONE "Whether pages of memory are given up at the next reboot."
    "remapped_rows.correctable" "remapped_rows_correctable" None ONE "Rows of memory replaced after corrected errors."
    "remapped_rows.uncorrectable" "remapped_rows_uncorrectable" None ONE "Rows of memory replaced after uncorrected errors."
    "remapped_rows.pending" "remapped_rows_pending" None ONE "Whether rows of memory are replaced at the next reset."
    "remapped_rows.failure" "remapped_rows_failure" None ONE "Whether a row of memory could not be replaced: the GPU should be replaced."
    "remapped_rows.histogram.max" "remapped_rows_histogram_max" None ONE "Banks of memory with all rows for replacement left."
    "remapped_rows.histogram.high" "remapped_rows_histogram_high" None ONE "Banks of memory with most rows for replacement left."
    "remapped_rows.histogram.partial" "remapped_rows_histogram_partial" None ONE "Banks of memory with some rows for replacement left."
    "remapped_rows.histogram.low" "remapped_rows_histogram_low" None ONE "Banks of memory with few rows for replacement left."
    "remapped_rows.histogram.none" "remapped_rows_histogram_none" None ONE "Banks of memory with no rows for replacement left."
    "temperature.gpu" "temperature_gpu" Celsius ONE "Temperature of the GPU."
    "temperature.gpu.tlimit" "temperature_gpu_tlimit" Celsius ONE "How much hotter the GPU may get until it slows down."
    "temperature.memory" "temperature_memory" Celsius ONE "Temperature of the memory."
    "power.draw" "power_draw_watts" Watts MILLI "Power of the board; a mean of the last second where the GPU tells that."
    "power.draw.average" "power_draw_average_watts" Watts MILLI "Power of the board, mean of the last second."
    "power.draw.instant" "power_draw_instant_watts" Watts MILLI "Power of the board at this moment."
    "power.limit" "power_limit_watts" Watts MILLI "Power limit as set."
    "enforced.power.limit" "enforced_power_limit_watts" Watts MILLI "Lowest of all power limits, which holds."
    "power.default_limit" "power_default_limit_watts" Watts MILLI "Power limit as it is at power-on."
    "power.min_limit" "power_min_limit_watts" Watts MILLI "Lowest power limit that can be set."
    "power.max_limit" "power_max_limit_watts" Watts MILLI "Highest power limit that can be set."
    "clocks.current.graphics" "clocks_current_graphics_clock_hz" Hertz MHZ "Clock of the graphics part."
    "clocks.current.sm" "clocks_current_sm_clock_hz" Hertz MHZ "Clock of the multiprocessors."
    "clocks.current.memory" "clocks_current_memory_clock_hz" Hertz MHZ "Clock of the memory."
    "clocks.current.video" "clocks_current_video_clock_hz" Hertz MHZ "Clock of the video part."
    "clocks.max.graphics" "clocks_max_graphics_clock_hz" Hertz MHZ "Highest clock of the graphics part."
    "clocks.max.sm" "clocks_max_sm_clock_hz" Hertz MHZ "Highest clock of the multiprocessors."
    "clocks.max.memory" "clocks_max_memory_clock_hz" Hertz MHZ "Highest clock of the memory."
    "mig.mode.current" "mig_mode_current" None ONE "Whether the GPU can be divided into instances."
};

/// Modes, places and counts that only few GPUs have.
pub(super) static RARE: [Field; 13] = fields! {
    "mig.mode.pending" "mig_mode_pending" None ONE "Whether the GPU can be divided after the next reset."
    "gsp.mode.current" "gsp_mode_current" None ONE "Whether the driver's firmware runs on the GPU."
    "gsp.mode.default" "gsp_mode_default" None ONE "Whether the driver's firmware runs on the GPU by default."
    "protected_memory.total" "protected_memory_total_bytes" Bytes ONE "Memory for confidential computing."
    "protected_memory.used" "protected_memory_used_bytes" Bytes ONE "Memory for confidential computing in use."
    "protected_memory.free" "protected_memory_free_bytes" Bytes ONE "Memory for confidential computing not in use."
    "fabric.state" "fabric_state" None ONE "Registration with the NVLink fabric: 1 not started, 2 in progress, 3 completed."
    "fabric.cliqueId" "fabric_clique_id" None ONE "Clique in the NVLink fabric."
    "platform.slot_number" "platform_slot_number" None ONE "Slot in the chassis."
    "platform.tray_index" "platform_tray_index" None ONE "Tray in the chassis."
    "platform.host_id" "platform_host_id" None ONE "Host in the chassis."
    "platform.module_id" "platform_module_id" None ONE "Module in the host."
    "platform.gpu_fabric_guid" "platform_gpu_fabric_guid" None ONE "First half of the identity on the fabric."
};

/// ECC errors by kind, time and place.
pub(super) static ECC: [[Field; 9]; 4] = ecc! {
    "corrected" "volatile" "since the driver was loaded";
    "corrected" "aggregate" "in the life of the GPU";
    "uncorrected" "volatile" "since the driver was loaded";
    "uncorrected" "aggregate" "in the life of the GPU";
};

/// Traffic and energy, which nvidia-smi does not tell and nvidia_gpu_exporter reads from NVML as well.
pub(super) static EXTRA: [Field; 3] = [
    gauge(
        "pcie.throughput.tx",
        "nvidia_smi_pcie_throughput_tx_bytes_per_second",
        Unit::BytesPerSecond,
        Scale::Times(1e3),
        "Traffic over PCIe from the GPU, measured for 20 ms; only if configured.",
    ),
    gauge(
        "pcie.throughput.rx",
        "nvidia_smi_pcie_throughput_rx_bytes_per_second",
        Unit::BytesPerSecond,
        Scale::Times(1e3),
        "Traffic over PCIe to the GPU, measured for 20 ms; only if configured.",
    ),
    Field {
        name: "energy",
        metric: MetricDef::counter(
            "nvidia_smi_energy_joules_total",
            Unit::Joules,
            UUID,
            "Energy that the GPU has taken since the driver was loaded.",
        ),
        scale: MILLI,
    },
];

/// All of them, in the order in which they are told.
pub(super) fn all() -> impl Iterator<Item = &'static Field> {
    FIELDS.iter().chain(&RARE).chain(ECC.as_flattened()).chain(&EXTRA)
}

/// The bits of `clocks_event_reasons.active` (nvml.h, `nvmlClocksEventReason…`) by the name of the field.
pub(super) const REASONS: [(&str, u64); 8] = [
    ("clocks_event_reasons.gpu_idle", 0x1),
    ("clocks_event_reasons.applications_clocks_setting", 0x2),
    ("clocks_event_reasons.sw_power_cap", 0x4),
    ("clocks_event_reasons.hw_slowdown", 0x8),
    ("clocks_event_reasons.sync_boost", 0x10),
    ("clocks_event_reasons.sw_thermal_slowdown", 0x20),
    ("clocks_event_reasons.hw_thermal_slowdown", 0x40),
    ("clocks_event_reasons.hw_power_brake_slowdown", 0x80),
];
