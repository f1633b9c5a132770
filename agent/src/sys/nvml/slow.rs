//! What hardly ever changes of a GPU: names, limits, modes, errors by where they were, MIG.

use nvml_wrapper::enum_wrappers::device::{
    Clock, EccCounter, InfoRom, MemoryError, MemoryLocation, RetirementCause,
};
use nvml_wrapper::error::NvmlError;

use super::device::Sink;
use super::raw;
use super::reading::Mig;

/// Counts of errors in the SRAM, below `ecc.errors.uncorrected`.
const SRAM: [&str; 10] = [
    "ecc.errors.uncorrected.volatile.sram.parity",
    "ecc.errors.uncorrected.volatile.sram.secded",
    "ecc.errors.uncorrected.aggregate.sram.parity",
    "ecc.errors.uncorrected.aggregate.sram.secded",
    "ecc.errors.uncorrected.aggregate.sram.thresholdExceeded",
    "ecc.errors.uncorrected.aggregate.sram.l2",
    "ecc.errors.uncorrected.aggregate.sram.sm",
    "ecc.errors.uncorrected.aggregate.sram.mcu",
    "ecc.errors.uncorrected.aggregate.sram.pcie",
    "ecc.errors.uncorrected.aggregate.sram.other",
];
const HISTOGRAM: [&str; 5] = [
    "remapped_rows.histogram.max",
    "remapped_rows.histogram.high",
    "remapped_rows.histogram.partial",
    "remapped_rows.histogram.low",
    "remapped_rows.histogram.none",
];

impl Sink<'_, '_> {
    /// What hardly ever changes.
    pub(super) fn slow(&mut self, count: u32) {
        let handle = self.handle;
        self.device.uuid = self.value("uuid", handle.uuid()).unwrap_or_default();
        self.number("count", Ok(count));
        self.number("index", handle.index());
        self.text("name", handle.name());
        self.text("serial", handle.serial());
        self.text("vbios_version", handle.vbios_version());
        self.text("inforom.img", handle.info_rom_image_version());
        self.text("inforom.oem", handle.info_rom_version(InfoRom::OEM));
        self.text("inforom.ecc", handle.info_rom_version(InfoRom::ECC));
        self.text("inforom.pwr", handle.info_rom_version(InfoRom::Power));
        let capability = handle.cuda_compute_capability();
        self.text("compute_cap", capability.map(|found| format!("{}.{}", found.major, found.minor)));
        if let Some(pci) = self.value("pci.bus_id", handle.pci_info()) {
            self.text("pci.bus_id", Ok(pci.bus_id));
            self.number("pci.domain", Ok(pci.domain));
            self.number("pci.bus", Ok(pci.bus));
            self.number("pci.device", Ok(pci.device));
            self.number("pci.device_id", Ok(pci.pci_device_id));
            self.number("pci.sub_device_id", pci.pci_sub_system_id.ok_or(NvmlError::NotSupported));
        }
        self.numbers(["pci.baseClass", "pci.subClass"], raw::pci_class(handle).map(<[u32; 2]>::from));
        self.number("pcie.link.gen.max", handle.max_pcie_link_gen());
        self.number("pcie.link.gen.gpumax", raw::gpu_max_pcie_generation(handle));
        self.number("pcie.link.width.max", handle.max_pcie_link_width());
        self.number("clocks.max.graphics", handle.max_clock_info(Clock::Graphics));
        self.number("clocks.max.sm", handle.max_clock_info(Clock::SM));
        self.number("clocks.max.memory", handle.max_clock_info(Clock::Memory));
        self.slow_modes();
        if self.device.failure.is_none() {
            self.slow_memory();
        }
    }

    fn slow_modes(&mut self) {
        let handle = self.handle;
        self.number("display_attached", handle.is_display_connected());
        self.number("display_active", handle.is_display_active());
        self.number("persistence_mode", handle.is_in_persistent_mode());
        self.number("accounting.mode", handle.is_accounting_enabled());
        self.number("accounting.buffer_size", handle.accounting_buffer_size());
        self.number("compute_mode", handle.compute_mode().map(|mode| mode as u32));
        self.numbers(
            ["gsp.mode.current", "gsp.mode.default"],
            handle.gsp_firmware_mode().map(|mode| [mode.enabled, mode.default]),
        );
        self.numbers(
            ["dramEncryption.mode.current", "dramEncryption.mode.pending"],
            raw::dram_encryption(handle).map(<[u32; 2]>::from),
        );
        if let Some((places, guid)) = self.value("platform.slot_number", raw::platform(handle)) {
            let names =
                ["platform.slot_number", "platform.tray_index", "platform.host_id", "platform.module_id"];
            self.numbers(names, Ok(places.map(u32::from)));
            self.number("platform.gpu_fabric_guid", Ok(guid));
        }
        // State 0 is that of a GPU that joins no fabric.
        if let Some((state, clique)) =
            self.value("fabric.state", raw::fabric(handle)).filter(|(state, _)| *state != 0)
        {
            self.numbers(["fabric.state", "fabric.cliqueId"], Ok([state, clique]));
        }
    }

    fn slow_memory(&mut self) {
        let handle = self.handle;
        self.numbers(
            ["protected_memory.total", "protected_memory.used", "protected_memory.free"],
            raw::protected_memory(handle),
        );
        self.numbers(HISTOGRAM, raw::remap_histogram(handle));
        let pages = |cause| handle.retired_pages(cause).map(|pages| pages.len() as u64);
        self.number("retired_pages.single_bit_ecc.count", pages(RetirementCause::MultipleSingleBitEccErrors));
        self.number("retired_pages.double_bit.count", pages(RetirementCause::DoubleBitEccError));
        self.number("retired_pages.pending", handle.are_pages_pending_retired());
        let modes = handle.is_ecc_enabled();
        let enabled = modes.as_ref().is_ok_and(|modes| modes.currently_enabled);
        self.numbers(
            ["ecc.mode.current", "ecc.mode.pending"],
            modes.map(|modes| [modes.currently_enabled, modes.pending_enabled]),
        );
        if enabled {
            self.ecc_places();
            self.numbers(SRAM, raw::sram_errors(handle));
        }
        self.mig();
    }

    /// Errors by where they were. `dram` and `device_memory` are one place with two names.
    fn ecc_places(&mut self) {
        macro_rules! places {
            ($kind:literal, $error:expr, $since:literal, $counter:expr) => {
                for (name, place) in [
                    (concat!("ecc.errors.", $kind, ".", $since, ".device_memory"), MemoryLocation::Device),
                    (concat!("ecc.errors.", $kind, ".", $since, ".dram"), MemoryLocation::Device),
                    (
                        concat!("ecc.errors.", $kind, ".", $since, ".register_file"),
                        MemoryLocation::RegisterFile,
                    ),
                    (concat!("ecc.errors.", $kind, ".", $since, ".l1_cache"), MemoryLocation::L1Cache),
                    (concat!("ecc.errors.", $kind, ".", $since, ".l2_cache"), MemoryLocation::L2Cache),
                    (concat!("ecc.errors.", $kind, ".", $since, ".texture_memory"), MemoryLocation::Texture),
                    (concat!("ecc.errors.", $kind, ".", $since, ".cbu"), MemoryLocation::Cbu),
                    (concat!("ecc.errors.", $kind, ".", $since, ".sram"), MemoryLocation::SRAM),
                ] {
                    self.number(name, self.handle.memory_error_counter($error, $counter, place));
                }
            };
        }
        places!("corrected", MemoryError::Corrected, "volatile", EccCounter::Volatile);
        places!("corrected", MemoryError::Corrected, "aggregate", EccCounter::Aggregate);
        places!("uncorrected", MemoryError::Uncorrected, "volatile", EccCounter::Volatile);
        places!("uncorrected", MemoryError::Uncorrected, "aggregate", EccCounter::Aggregate);
    }

    fn mig(&mut self) {
        let Some(mode) = self.value("mig.mode.current", self.handle.mig_mode()) else { return };
        self.numbers(["mig.mode.current", "mig.mode.pending"], Ok([mode.current, mode.pending]));
        if mode.current != 1 {
            return;
        }
        // Slots may be empty.
        for slot in 0..self.handle.mig_device_count().unwrap_or(0) {
            let Ok(handle) = self.handle.mig_device_by_index(slot) else { continue };
            let (Ok(uuid), Ok((gpu_instance, compute_instance))) =
                (handle.uuid(), raw::mig_instances(&handle))
            else {
                continue;
            };
            let memory = handle.memory_info().ok();
            let memory_bytes = memory.map(|found| [found.total, found.reserved, found.used, found.free]);
            let name = handle.name().unwrap_or_default();
            self.device.mig.push(Mig { uuid, gpu_instance, compute_instance, name, memory_bytes });
        }
    }
}
