//! What is measured of disks. Names and labels of smartctl_exporter's where it has them (job `smartctl`), `hi_smart_*` for what it
//! lacks.

use hi_common::metric::{MetricDef, Unit};

/// Declares metrics and the list of them, in the order in which they are sent.
macro_rules! metrics {
    ($($ident:ident $constructor:ident $name:literal $unit:ident [$($label:literal)*] $help:literal;)+) => {
        $(pub(super) static $ident: MetricDef =
            MetricDef::$constructor($name, Unit::$unit, &[$($label),*], $help);)+
        /// All but the state sets.
        const COUNTED: &[&MetricDef] = &[$(&$ident),+];
    };
}

metrics! {
    DEVICES gauge "smartctl_devices" None [] "Disks that were looked at.";
    DEVICE gauge "smartctl_device" None ["device" "interface" "protocol" "model_family" "model_name" "serial_number"
        "ata_additional_product_id" "firmware_version" "ata_version" "sata_version" "form_factor" "scsi_vendor"
        "scsi_product" "scsi_revision" "scsi_version"] "What a disk is; always 1.";
    CAPACITY_BLOCKS gauge "smartctl_device_capacity_blocks" None ["device"] "Capacity, in logical blocks.";
    CAPACITY_BYTES gauge "smartctl_device_capacity_bytes" Bytes ["device"] "Capacity.";
    NVME_CAPACITY gauge "smartctl_device_nvme_capacity_bytes" Bytes ["device"] "Capacity of an NVMe controller.";
    BLOCK_SIZE gauge "smartctl_device_block_size" Bytes ["device" "blocks_type"] "Size of a block, logical and physical.";
    SPEED gauge "smartctl_device_interface_speed" None ["device" "speed_type"]
        "Speed of its link in bits per second, highest and now.";
    ATTRIBUTE gauge "smartctl_device_attribute" None ["device" "attribute_name" "attribute_flags_short"
        "attribute_flags_long" "attribute_value_type" "attribute_id"]
        "SMART attribute: value, worst, thresh and raw.";
    POWER_ON counter "smartctl_device_power_on_seconds" Seconds ["device"] "Time powered on.";
    ROTATION gauge "smartctl_device_rotation_rate" None ["device"] "Rotations per minute of a disk with platters.";
    TEMPERATURE gauge "smartctl_device_temperature" Celsius ["device" "temperature_type"]
        "Temperature now, its extremes and its limits.";
    POWER_CYCLES counter "smartctl_device_power_cycle_count" None ["device"] "How often it was switched on.";
    PERCENTAGE_USED gauge "smartctl_device_percentage_used" None ["device"]
        "Life of an NVMe disk used up by its maker's estimate, in percent.";
    SPARE gauge "smartctl_device_available_spare" None ["device"] "Spare capacity of an NVMe disk left, in percent.";
    SPARE_THRESHOLD gauge "smartctl_device_available_spare_threshold" None ["device"]
        "Spare capacity at which an NVMe disk warns, in percent.";
    CRITICAL_WARNING gauge "smartctl_device_critical_warning" None ["device"] "Critical warnings of an NVMe disk, as bits.";
    MEDIA_ERRORS counter "smartctl_device_media_errors" None ["device"] "Data that an NVMe disk could not read or found wrong.";
    ERROR_ENTRIES counter "smartctl_device_num_err_log_entries" None ["device"]
        "Entries that the error log of an NVMe disk has had.";
    BYTES_READ counter "smartctl_device_bytes_read" Bytes ["device"] "Read from an NVMe or SCSI disk in its life.";
    BYTES_WRITTEN counter "smartctl_device_bytes_written" Bytes ["device"] "Written to an NVMe or SCSI disk in its life.";
    STATUS gauge "smartctl_device_smart_status" None ["device"] "Whether the disk judges itself in order.";
    EXIT_STATUS gauge "smartctl_device_smartctl_exit_status" None ["device"]
        "What smartctl would return: bits 2 part not read or checksum wrong, 3 failing, 4 attribute failed, 5 it did once, \
         6 errors logged, 7 self-test failed.";
    SCT_STATE gauge "smartctl_device_state" None ["device"]
        "What an ATA disk does (0=active, 1=standby, 2=sleep, 3=dst, 4=offline, 5=sct).";
    STATISTICS gauge "smartctl_device_statistics" None ["device" "statistic_table" "statistic_name"
        "statistic_flags_short" "statistic_flags_long"] "Statistics of an ATA disk that have a value.";
    ERROR_LOG gauge "smartctl_device_error_log_count" None ["device" "error_log_type"] "Errors an ATA disk has logged.";
    SELF_TESTS gauge "smartctl_device_self_test_log_count" None ["device" "self_test_log_type"]
        "Self-tests in the log of an ATA disk.";
    SELF_TEST_ERRORS gauge "smartctl_device_self_test_log_error_count" None ["device" "self_test_log_type"]
        "Self-tests in the log of an ATA disk that found an error.";
    GROWN_DEFECTS gauge "smartctl_scsi_grown_defect_list" None ["device"] "Places of a SCSI disk that went bad.";
    READ_RETRIED gauge "smartctl_read_errors_corrected_by_rereads_rewrites" None ["device"]
        "Errors of a SCSI disk that reading again corrected.";
    READ_FAST gauge "smartctl_read_errors_corrected_by_eccfast" None ["device"]
        "Read errors of a SCSI disk corrected without delay.";
    READ_DELAYED gauge "smartctl_read_errors_corrected_by_eccdelayed" None ["device"]
        "Read errors of a SCSI disk corrected with delay.";
    READ_UNCORRECTED gauge "smartctl_read_total_uncorrected_errors" None ["device"]
        "Read errors of a SCSI disk that were not corrected.";
    WRITE_RETRIED gauge "smartctl_write_errors_corrected_by_rereads_rewrites" None ["device"]
        "Errors of a SCSI disk that writing again corrected.";
    WRITE_FAST gauge "smartctl_write_errors_corrected_by_eccfast" None ["device"]
        "Write errors of a SCSI disk corrected without delay.";
    WRITE_DELAYED gauge "smartctl_write_errors_corrected_by_eccdelayed" None ["device"]
        "Write errors of a SCSI disk corrected with delay.";
    WRITE_UNCORRECTED gauge "smartctl_write_total_uncorrected_errors" None ["device"]
        "Write errors of a SCSI disk that were not corrected.";
    VERIFY_UNCORRECTED gauge "hi_smart_verify_uncorrected_errors" None ["device"]
        "Errors of a SCSI disk while verifying that were not corrected.";
    AGE gauge "hi_smart_reading_age_seconds" Seconds ["device"]
        "How old the values of a disk are: 0 unless it sleeps, hangs or fails.";
    SKIPS counter "hi_smart_standby_skips_total" None ["device"] "How often a disk was not read because it slept.";
    WEAR gauge "hi_smart_wear_ratio" Ratio ["device"] "Life used up by the maker's estimate; may exceed 1.";
    REALLOCATED gauge "hi_smart_reallocated_sectors" None ["device"] "Sectors that were replaced because they went bad.";
    REALLOCATIONS counter "hi_smart_reallocations_total" None ["device"]
        "Sectors that were replaced since the agent first saw the disk.";
    PENDING gauge "hi_smart_pending_sectors" None ["device"]
        "Sectors that could not be read and wait to be written again.";
    ERRORS counter "hi_smart_errors_logged_total" None ["device"] "Errors that the disk has logged in its life.";
    FAILED_ATTRIBUTES gauge "hi_smart_failed_attributes" None ["device" "when"]
        "Attributes at or below their threshold now, or once.";
    SELF_TEST_AGE gauge "hi_smart_self_test_age_seconds" Seconds ["device"]
        "Time powered on since the newest self-test ended.";
    SELF_TEST_PASSED gauge "hi_smart_self_test_passed" None ["device"] "Whether that self-test found the disk in order.";
    SELF_TEST_LOGGED gauge "hi_smart_self_tests_logged" None ["device"] "Self-tests in the disk's log.";
    SELF_TEST_FAILED gauge "hi_smart_self_tests_failed" None ["device"] "Those of them that found an error.";
    SELF_TEST_PROGRESS gauge "hi_smart_self_test_progress_ratio" Ratio ["device"] "How much of a running self-test is done.";
    WARNING gauge "hi_smart_critical_warning" None ["device" "warning"] "Each critical warning of an NVMe disk by itself.";
    SENSOR gauge "hi_smart_sensor_celsius" Celsius ["device" "sensor"] "Temperature at a sensor of an NVMe disk.";
    UNSAFE_SHUTDOWNS counter "hi_smart_unsafe_shutdowns_total" None ["device"]
        "How often an NVMe disk was switched off without being told.";
    BUSY counter "hi_smart_controller_busy_seconds_total" Seconds ["device"] "Time an NVMe controller was busy.";
    HOST_READS counter "hi_smart_host_reads_total" None ["device"] "Read commands to an NVMe disk in its life.";
    HOST_WRITES counter "hi_smart_host_writes_total" None ["device"] "Write commands to an NVMe disk in its life.";
    WARM counter "hi_smart_temperature_excess_seconds_total" Seconds ["device" "limit"]
        "Time an NVMe disk was above its warning or critical temperature.";
    THROTTLED counter "hi_smart_thermal_transitions_total" None ["device" "level"]
        "How often an NVMe disk slowed down for its temperature.";
    TEMPERATURE_EXCESSES counter "hi_smart_temperature_limit_excesses_total" None ["device" "limit"]
        "How often an ATA disk left its range of temperatures.";
    SCAN_PROGRESS gauge "hi_smart_background_scan_progress_ratio" Ratio ["device"]
        "How much of a SCSI disk's scan in the background is done.";
    SCANS counter "hi_smart_background_scans_total" None ["device"] "Scans in the background of a SCSI disk so far.";
    SCAN_DEFECTS gauge "hi_smart_background_scan_defects" None ["device"]
        "Places that a SCSI disk's scan in the background found bad.";
    LOADS counter "hi_smart_load_cycles_total" None ["device"] "How often the heads of a SCSI disk were loaded.";
    PHY_ERRORS counter "hi_smart_sas_phy_errors_total" None ["device" "port" "phy" "error"]
        "Errors on the links of a SAS disk.";
    PHY_SPEED gauge "hi_smart_sas_phy_bits_per_second" None ["device" "port" "phy"]
        "Speed of a link of a SAS disk; 0 when it is down.";
}

pub(super) static STATE: MetricDef =
    MetricDef::state("hi_smart_state", &["device", "state"], "What came of the last look at a disk.");
pub(super) static POWER: MetricDef = MetricDef::state(
    "hi_smart_power_state",
    &["device", "state"],
    "Power a disk has: active, idle, standby.",
);

/// All.
pub(super) const METRICS: [&MetricDef; COUNTED.len() + 2] = {
    let mut all = [&STATE; COUNTED.len() + 2];
    let mut index = 0;
    while index < COUNTED.len() {
        all[index] = COUNTED[index];
        index += 1;
    }
    all[index] = &POWER;
    all
};
