//! What moves of a GPU.

use nvml_wrapper::enum_wrappers::device::{
    Clock, EccCounter, MemoryError, PcieUtilCounter, TemperatureSensor,
};
use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::struct_wrappers::device::ProcessInfo;
use nvml_wrapper::structs::device::FieldId;
use nvml_wrapper::sys_exports::field_id as field;

use super::device::Sink;
use super::raw;
use super::reading::Process;

/// The slowest performance state; the number above means that it is unknown.
const PSTATE_MAX: u32 = 15;
/// Longest name of a process that is asked for, in bytes.
const PROCESS_NAME_BYTES: usize = 256;
/// Fields of `nvmlDeviceGetFieldValues`, by the name that nvidia-smi gives them.
const FIELD_VALUES: [(&str, u32); 9] = [
    ("power.draw.average", field::NVML_FI_DEV_POWER_AVERAGE),
    ("power.draw.instant", field::NVML_FI_DEV_POWER_INSTANT),
    ("temperature.memory", field::NVML_FI_DEV_MEMORY_TEMP),
    ("clocks_event_reasons_counters.sw_power_cap", field::NVML_FI_DEV_CLOCKS_EVENT_REASON_SW_POWER_CAP),
    ("clocks_event_reasons_counters.sync_boost", field::NVML_FI_DEV_CLOCKS_EVENT_REASON_SYNC_BOOST),
    (
        "clocks_event_reasons_counters.sw_thermal_slowdown",
        field::NVML_FI_DEV_CLOCKS_EVENT_REASON_SW_THERM_SLOWDOWN,
    ),
    (
        "clocks_event_reasons_counters.hw_thermal_slowdown",
        field::NVML_FI_DEV_CLOCKS_EVENT_REASON_HW_THERM_SLOWDOWN,
    ),
    (
        "clocks_event_reasons_counters.hw_power_brake_slowdown",
        field::NVML_FI_DEV_CLOCKS_EVENT_REASON_HW_POWER_BRAKE_SLOWDOWN,
    ),
    ("gpu_recovery_action", field::NVML_FI_DEV_GET_GPU_RECOVERY_ACTION),
];

impl Sink<'_, '_> {
    pub(super) fn load(&mut self) {
        let handle = self.handle;
        let rates = handle.utilization_rates().map(|rates| [rates.gpu, rates.memory]);
        self.numbers(["utilization.gpu", "utilization.memory"], rates);
        self.number("utilization.encoder", handle.encoder_utilization().map(|found| found.utilization));
        self.number("utilization.decoder", handle.decoder_utilization().map(|found| found.utilization));
        self.number("utilization.jpeg", raw::jpeg_utilization(handle));
        self.number("utilization.ofa", raw::ofa_utilization(handle));
        let encoder = handle.encoder_stats();
        self.numbers(
            ["encoder.stats.sessionCount", "encoder.stats.averageFps", "encoder.stats.averageLatency"],
            encoder.map(|found| [found.session_count, found.average_fps, found.average_latency]),
        );
        let memory = handle.memory_info();
        self.numbers(
            ["memory.total", "memory.reserved", "memory.used", "memory.free"],
            memory.map(|found| [found.total, found.reserved, found.used, found.free]),
        );
        self.number("temperature.gpu", handle.temperature(TemperatureSensor::Gpu));
        self.number("temperature.gpu.tlimit", raw::margin_temperature(handle));
        self.number("fan.speed", raw::fan_speed(handle));
    }

    pub(super) fn clocks(&mut self) {
        let handle = self.handle;
        self.number("clocks.current.graphics", handle.clock_info(Clock::Graphics));
        self.number("clocks.current.sm", handle.clock_info(Clock::SM));
        self.number("clocks.current.memory", handle.clock_info(Clock::Memory));
        self.number("clocks.current.video", handle.clock_info(Clock::Video));
        let pstate = self.value("pstate", handle.performance_state()).map(|state| state as u32);
        if let Some(pstate) = pstate.filter(|pstate| *pstate <= PSTATE_MAX) {
            self.number("pstate", Ok(pstate));
        }
        self.numbers(
            ["clocks_event_reasons.active", "clocks_event_reasons.supported"],
            raw::clock_reasons(handle).map(<[u64; 2]>::from),
        );
        // Generation and width both as they are now, between GPU and root.
        let generation = handle.current_pcie_link_gen();
        self.numbers(
            ["pcie.link.gen.current", "pcie.link.gen.gpucurrent"],
            generation.map(|generation| [generation; 2]),
        );
        self.number("pcie.link.width.current", handle.current_pcie_link_width());
    }

    pub(super) fn power(&mut self) {
        let handle = self.handle;
        self.number("power.draw", handle.power_usage());
        self.number("power.limit", handle.power_management_limit());
        self.number("enforced.power.limit", handle.enforced_power_limit());
        self.number("power.default_limit", handle.power_management_limit_default());
        self.numbers(
            ["power.min_limit", "power.max_limit"],
            handle.power_management_limit_constraints().map(|found| [found.min_limit, found.max_limit]),
        );
        self.number("energy", handle.total_energy_consumption());
        let fields = FIELD_VALUES.map(|(_, id)| FieldId(id));
        let Some(values) = self.value("power.draw.instant", handle.field_values_for(&fields)) else { return };
        for ((name, _), sample) in FIELD_VALUES.into_iter().zip(values) {
            self.number(name, sample.and_then(|sample| sample.value));
        }
    }

    pub(super) fn counts(&mut self) {
        let handle = self.handle;
        self.numbers(
            [
                "remapped_rows.correctable",
                "remapped_rows.uncorrectable",
                "remapped_rows.pending",
                "remapped_rows.failure",
            ],
            raw::remapped_rows(handle),
        );
        if self.device.numbers.get("ecc.mode.current") != Some(&1.0) {
            return;
        }
        for (name, kind, since) in [
            ("ecc.errors.corrected.volatile.total", MemoryError::Corrected, EccCounter::Volatile),
            ("ecc.errors.corrected.aggregate.total", MemoryError::Corrected, EccCounter::Aggregate),
            ("ecc.errors.uncorrected.volatile.total", MemoryError::Uncorrected, EccCounter::Volatile),
            ("ecc.errors.uncorrected.aggregate.total", MemoryError::Uncorrected, EccCounter::Aggregate),
        ] {
            self.number(name, handle.total_ecc_errors(kind, since));
        }
    }

    pub(super) fn throughput(&mut self) {
        self.number("pcie.throughput.tx", self.handle.pcie_throughput(PcieUtilCounter::Send));
        self.number("pcie.throughput.rx", self.handle.pcie_throughput(PcieUtilCounter::Receive));
    }

    pub(super) fn processes(&mut self) {
        let computing = self.value("compute_apps", self.handle.running_compute_processes());
        let Some(computing) = computing else { return };
        let drawing =
            self.value("graphics_apps", self.handle.running_graphics_processes()).unwrap_or_default();
        let process = |info: &ProcessInfo, compute: bool| {
            let memory_bytes = match info.used_gpu_memory {
                UsedGpuMemory::Used(bytes) => Some(bytes),
                UsedGpuMemory::Unavailable => None,
            };
            let name = self.handle.nvml().sys_process_name(info.pid, PROCESS_NAME_BYTES).unwrap_or_default();
            Process { pid: info.pid, name, memory_bytes, compute }
        };
        let mut all: Vec<Process> = computing.iter().map(|info| process(info, true)).collect();
        for info in &drawing {
            if !all.iter().any(|known| known.pid == info.pid) {
                all.push(process(info, false));
            }
        }
        self.device.processes = Some(all);
    }
}
