//! Names and raw formats that SMART attributes usually have. No standard says so: these are the ones that vendors share, named
//! as smartmontools does, because dashboards and rules know them so.

use super::raw::Format;
use super::raw::Format::{Raw16Opt16, Raw16OptAverage, Raw24Opt8, Raw48, Temperature};

/// Which disks an attribute is usual for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    /// All.
    All,
    /// Those with platters.
    Platters,
    /// Those without.
    Flash,
}

use For::{All, Flash, Platters};

/// Attributes by number, sorted.
const USUAL: &[(u8, Format, &str, For)] = &[
    (1, Raw48, "Raw_Read_Error_Rate", All),
    (2, Raw48, "Throughput_Performance", All),
    (3, Raw16OptAverage, "Spin_Up_Time", All),
    (4, Raw48, "Start_Stop_Count", All),
    (5, Raw16Opt16, "Reallocated_Sector_Ct", All),
    (6, Raw48, "Read_Channel_Margin", Platters),
    (7, Raw48, "Seek_Error_Rate", Platters),
    (8, Raw48, "Seek_Time_Performance", Platters),
    (9, Raw24Opt8, "Power_On_Hours", All),
    (10, Raw48, "Spin_Retry_Count", Platters),
    (11, Raw48, "Calibration_Retry_Count", Platters),
    (12, Raw48, "Power_Cycle_Count", All),
    (13, Raw48, "Read_Soft_Error_Rate", All),
    (22, Raw16Opt16, "Helium_Level", Platters),
    (23, Raw48, "Helium_Condition_Lower", Platters),
    (24, Raw48, "Helium_Condition_Upper", Platters),
    (175, Raw48, "Program_Fail_Count_Chip", Flash),
    (176, Raw48, "Erase_Fail_Count_Chip", Flash),
    (177, Raw48, "Wear_Leveling_Count", Flash),
    (178, Raw48, "Used_Rsvd_Blk_Cnt_Chip", Flash),
    (179, Raw48, "Used_Rsvd_Blk_Cnt_Tot", Flash),
    (180, Raw48, "Unused_Rsvd_Blk_Cnt_Tot", Flash),
    (181, Raw48, "Program_Fail_Cnt_Total", All),
    (182, Raw48, "Erase_Fail_Count_Total", Flash),
    (183, Raw48, "Runtime_Bad_Block", All),
    (184, Raw48, "End-to-End_Error", All),
    (187, Raw48, "Reported_Uncorrect", All),
    (188, Raw48, "Command_Timeout", All),
    (189, Raw48, "High_Fly_Writes", Platters),
    (190, Temperature, "Airflow_Temperature_Cel", All),
    (191, Raw48, "G-Sense_Error_Rate", Platters),
    (192, Raw48, "Power-Off_Retract_Count", All),
    (193, Raw48, "Load_Cycle_Count", Platters),
    (194, Temperature, "Temperature_Celsius", All),
    (195, Raw48, "Hardware_ECC_Recovered", All),
    (196, Raw16Opt16, "Reallocated_Event_Count", All),
    (197, Raw48, "Current_Pending_Sector", All),
    (198, Raw48, "Offline_Uncorrectable", All),
    (199, Raw48, "UDMA_CRC_Error_Count", All),
    (200, Raw48, "Multi_Zone_Error_Rate", Platters),
    (201, Raw48, "Soft_Read_Error_Rate", Platters),
    (202, Raw48, "Data_Address_Mark_Errs", Platters),
    (203, Raw48, "Run_Out_Cancel", All),
    (204, Raw48, "Soft_ECC_Correction", All),
    (205, Raw48, "Thermal_Asperity_Rate", All),
    (206, Raw48, "Flying_Height", Platters),
    (207, Raw48, "Spin_High_Current", Platters),
    (208, Raw48, "Spin_Buzz", Platters),
    (209, Raw48, "Offline_Seek_Performnce", Platters),
    (220, Raw48, "Disk_Shift", Platters),
    (221, Raw48, "G-Sense_Error_Rate", Platters),
    (222, Raw48, "Loaded_Hours", Platters),
    (223, Raw48, "Load_Retry_Count", Platters),
    (224, Raw48, "Load_Friction", Platters),
    (225, Raw48, "Load_Cycle_Count", Platters),
    (226, Raw48, "Load-in_Time", Platters),
    (227, Raw48, "Torq-amp_Count", Platters),
    (228, Raw48, "Power-off_Retract_Count", All),
    (230, Raw48, "Head_Amplitude", Platters),
    (231, Raw48, "Temperature_Celsius", Platters),
    (232, Raw48, "Available_Reservd_Space", All),
    (233, Raw48, "Media_Wearout_Indicator", Flash),
    (240, Raw24Opt8, "Head_Flying_Hours", Platters),
    (241, Raw48, "Total_LBAs_Written", All),
    (242, Raw48, "Total_LBAs_Read", All),
    (250, Raw48, "Read_Error_Retry_Rate", All),
    (254, Raw48, "Free_Fall_Sensor", Platters),
];

/// Name of an attribute that is not known.
pub const UNKNOWN: &str = "Unknown_Attribute";

/// Usual name and format of an attribute. `rotation_rpm` is 0 for a disk without platters, `None` when it does not say.
pub(super) fn usual(id: u8, rotation_rpm: Option<u16>) -> (Format, &'static str) {
    let Ok(index) = USUAL.binary_search_by_key(&id, |row| row.0) else { return (Raw48, UNKNOWN) };
    let (_, format, name, disks) = USUAL[index];
    match (disks, rotation_rpm) {
        (Platters, Some(0)) => (format, "Unknown_SSD_Attribute"),
        (Flash, Some(1..)) => (format, "Unknown_HDD_Attribute"),
        _ => (format, name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_has_the_name_that_fits_the_disk() {
        assert!(USUAL.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(usual(5, Some(7200)), (Raw16Opt16, "Reallocated_Sector_Ct"));
        assert_eq!(usual(7, Some(0)).1, "Unknown_SSD_Attribute");
        assert_eq!(usual(7, None).1, "Seek_Error_Rate");
        assert_eq!(usual(177, Some(7200)).1, "Unknown_HDD_Attribute");
        assert_eq!(usual(170, None), (Raw48, UNKNOWN));
    }
}
