//! Functions of NVML that the crate binds and does not wrap.

use nvml_wrapper::Device;
use nvml_wrapper::error::{NvmlError, nvml_sym, nvml_try};
use nvml_wrapper_sys::bindings::{
    nvmlDramEncryptionInfo_t, nvmlEccSramErrorStatus_t, nvmlGpuFabricInfoV_t, nvmlMarginTemperature_t,
    nvmlMemory_t, nvmlPciInfoExt_t, nvmlPlatformInfo_t, nvmlRowRemapperHistogramValues_t,
};

/// Address of the handle of a GPU: the same as long as the library is loaded.
pub(super) fn handle(device: &Device<'_>) -> usize {
    #[expect(unsafe_code, reason = "the crate gives the handle so")]
    // SAFETY: it is compared with others only.
    let handle = unsafe { device.handle() };
    handle as usize
}

/// Calls a function of NVML about a device that fills what is given; yields an error when this version of the library does
/// not have it.
macro_rules! call {
    ($device:expr, $function:ident, $($out:expr),+) => {{
        let function = nvml_sym($device.nvml().lib().$function.as_ref())?;
        #[expect(unsafe_code, reason = "the crate binds this function and does not wrap it")]
        // SAFETY: the handle is that of a device of this library, which the device borrows; the pointers are to variables of
        // the types that the binding asks for, which outlive the call; versioned structures say their version and size.
        unsafe {
            nvml_try(function($device.handle(), $($out),+))?;
        }
    }};
}

/// A structure of NVML with all bytes zero.
macro_rules! zeroed {
    ($structure:ty) => {{
        #[expect(unsafe_code, reason = "structures of NVML have no other constructor")]
        // SAFETY: it is made of integers and arrays of them alone.
        unsafe {
            std::mem::zeroed::<$structure>()
        }
    }};
}

/// A structure that says its version and size, as `NVML_STRUCT_VERSION` of nvml.h does.
macro_rules! versioned {
    ($structure:ty, $version:literal) => {{
        let mut structure = zeroed!($structure);
        structure.version = size_of::<$structure>() as u32 | $version << 24;
        structure
    }};
}

type Result<T> = std::result::Result<T, NvmlError>;

/// Speed of the fans in percent of the highest: of the board, not of one of them.
pub(super) fn fan_speed(device: &Device<'_>) -> Result<u32> {
    let mut speed = 0;
    call!(device, nvmlDeviceGetFanSpeed, &mut speed);
    Ok(speed)
}

/// Highest generation of PCIe that the GPU itself knows.
pub(super) fn gpu_max_pcie_generation(device: &Device<'_>) -> Result<u32> {
    let mut generation = 0;
    call!(device, nvmlDeviceGetGpuMaxPcieLinkGeneration, &mut generation);
    Ok(generation)
}

/// Utilisation of the JPEG engine, in percent.
pub(super) fn jpeg_utilization(device: &Device<'_>) -> Result<u32> {
    let (mut percent, mut period) = (0, 0);
    call!(device, nvmlDeviceGetJpgUtilization, &mut percent, &mut period);
    Ok(percent)
}

/// Utilisation of the optical flow accelerator, in percent.
pub(super) fn ofa_utilization(device: &Device<'_>) -> Result<u32> {
    let (mut percent, mut period) = (0, 0);
    call!(device, nvmlDeviceGetOfaUtilization, &mut percent, &mut period);
    Ok(percent)
}

/// Bits of what slows the clocks: those active, and those the GPU knows.
pub(super) fn clock_reasons(device: &Device<'_>) -> Result<(u64, u64)> {
    let (mut active, mut supported) = (0, 0);
    // The same function under its old name in drivers before 535.
    let lib = device.nvml().lib();
    if lib.nvmlDeviceGetCurrentClocksEventReasons.is_ok() {
        call!(device, nvmlDeviceGetCurrentClocksEventReasons, &mut active);
        call!(device, nvmlDeviceGetSupportedClocksEventReasons, &mut supported);
    } else {
        call!(device, nvmlDeviceGetCurrentClocksThrottleReasons, &mut active);
        call!(device, nvmlDeviceGetSupportedClocksThrottleReasons, &mut supported);
    }
    Ok((active, supported))
}

/// Rows of memory that were replaced: after corrected errors, after uncorrected ones, whether some wait for a reset, whether it
/// failed.
pub(super) fn remapped_rows(device: &Device<'_>) -> Result<[u32; 4]> {
    let mut rows = [0; 4];
    let [corrected, uncorrected, pending, failed] = &mut rows;
    call!(device, nvmlDeviceGetRemappedRows, corrected, uncorrected, pending, failed);
    Ok(rows)
}

/// Banks of memory by how many rows they have left for replacement: all, many, some, few, none.
pub(super) fn remap_histogram(device: &Device<'_>) -> Result<[u32; 5]> {
    let mut banks = zeroed!(nvmlRowRemapperHistogramValues_t);
    call!(device, nvmlDeviceGetRowRemapperHistogram, &mut banks);
    Ok([banks.max, banks.high, banks.partial, banks.low, banks.none])
}

/// Memory for confidential computing in bytes: total, used, free.
pub(super) fn protected_memory(device: &Device<'_>) -> Result<[u64; 3]> {
    let mut memory = zeroed!(nvmlMemory_t);
    call!(device, nvmlDeviceGetConfComputeProtectedMemoryUsage, &mut memory);
    Ok([memory.total, memory.used, memory.free])
}

/// How many degrees are left until the GPU slows down.
pub(super) fn margin_temperature(device: &Device<'_>) -> Result<i32> {
    let mut margin = versioned!(nvmlMarginTemperature_t, 1);
    call!(device, nvmlDeviceGetMarginTemperature, &mut margin);
    Ok(margin.marginTemperature)
}

/// Whether memory is encrypted, and will be after the next start: 0 or 1.
pub(super) fn dram_encryption(device: &Device<'_>) -> Result<(u32, u32)> {
    let mut current = versioned!(nvmlDramEncryptionInfo_t, 1);
    let mut pending = versioned!(nvmlDramEncryptionInfo_t, 1);
    call!(device, nvmlDeviceGetDramEncryptionMode, &mut current, &mut pending);
    Ok((current.encryptionState, pending.encryptionState))
}

/// Uncorrected errors of the SRAM, in the order of `device::SRAM`.
pub(super) fn sram_errors(device: &Device<'_>) -> Result<[u64; 10]> {
    let mut errors = versioned!(nvmlEccSramErrorStatus_t, 1);
    call!(device, nvmlDeviceGetSramEccErrorStatus, &mut errors);
    Ok([
        errors.volatileUncParity,
        errors.volatileUncSecDed,
        errors.aggregateUncParity,
        errors.aggregateUncSecDed,
        u64::from(errors.bThresholdExceeded != 0),
        errors.aggregateUncBucketL2,
        errors.aggregateUncBucketSm,
        errors.aggregateUncBucketMcu,
        errors.aggregateUncBucketPcie,
        errors.aggregateUncBucketOther,
    ])
}

/// Where a GPU sits: slot, tray, host, module, and the first half of the identity on the fabric.
pub(super) fn platform(device: &Device<'_>) -> Result<([u8; 4], u64)> {
    let mut place = versioned!(nvmlPlatformInfo_t, 2);
    call!(device, nvmlDeviceGetPlatformInfo, &mut place);
    let [a, b, c, d, e, f, g, h, ..] = place.ibGuid;
    let guid = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    Ok(([place.slotNumber, place.trayIndex, place.hostId, place.moduleId], guid))
}

/// State of the registration with the NVLink fabric, and the clique.
pub(super) fn fabric(device: &Device<'_>) -> Result<(u32, u32)> {
    let mut fabric = versioned!(nvmlGpuFabricInfoV_t, 3);
    call!(device, nvmlDeviceGetGpuFabricInfoV, &mut fabric);
    Ok((u32::from(fabric.state), fabric.cliqueId))
}

/// Base and sub class on PCI.
pub(super) fn pci_class(device: &Device<'_>) -> Result<(u32, u32)> {
    let mut info = versioned!(nvmlPciInfoExt_t, 1);
    call!(device, nvmlDeviceGetPciInfoExt, &mut info);
    Ok((info.baseClass, info.subClass))
}

/// Numbers of the GPU instance and the compute instance of a MIG device.
pub(super) fn mig_instances(device: &Device<'_>) -> Result<(u32, u32)> {
    let (mut gpu, mut compute) = (0, 0);
    call!(device, nvmlDeviceGetGpuInstanceId, &mut gpu);
    call!(device, nvmlDeviceGetComputeInstanceId, &mut compute);
    Ok((gpu, compute))
}
