//! Attributes of the drive families in [`super::families`]: number, raw format, name. An empty name stands for the usual one.

use super::raw::Format;
use super::raw::Format::{
    ByteBy32, Hex48, Msec24Hour32, Raw16, Raw16Opt16, Raw16OptAverage, Raw24By24, Raw24By32, Raw48,
    Temperature,
};

/// Attribute, format, name.
pub(super) type Row = (u8, Format, &'static str);

/// Seagate since about 2016: rates hold errors above operations, head flying time has milliseconds.
pub(super) const SEAGATE: &[Row] = &[
    (1, Raw24By32, ""),
    (7, Raw24By32, ""),
    (18, Raw48, "Head_Health"),
    (188, Raw16, ""),
    (200, Raw48, "Pressure_Limit"),
    (240, Msec24Hour32, ""),
];
/// Seagate where rates are one number.
pub(super) const SEAGATE_PLAIN: &[Row] =
    &[(18, Raw48, "Head_Health"), (188, Raw16, ""), (200, Raw48, "Pressure_Limit"), (240, Msec24Hour32, "")];
pub(super) const SEAGATE_OLD: &[Row] = &[(188, Raw16, ""), (240, Msec24Hour32, "")];
pub(super) const SEAGATE_ECC: &[Row] = &[(195, Raw24By32, "ECC_On_the_Fly_Count")];
pub(super) const HOURS_WITH_MSEC: &[Row] = &[(9, Msec24Hour32, "")];

pub(super) const WD_ACTUATOR: &[Row] =
    &[(71, Raw16, "Milli_Micro_Actuator"), (82, Raw16, "Head_Health_Score"), (90, Hex48, "NAND_Master")];
pub(super) const TOSHIBA_MAMR: &[Row] = &[(27, Raw48, "MAMR_Health_Monitor")];

pub(super) const SAMSUNG_SSD: &[Row] = &[
    (170, Raw48, "Unused_Rsvd_Blk_Ct_Chip"),
    (171, Raw48, "Program_Fail_Count_Chip"),
    (172, Raw48, "Erase_Fail_Count_Chip"),
    (173, Raw48, "Wear_Leveling_Count"),
    (174, Raw48, "Unexpect_Power_Loss_Ct"),
    (187, Raw48, "Uncorrectable_Error_Cnt"),
    (191, Raw48, "Unknown_Samsung_Attr"),
    (195, Raw48, "ECC_Error_Rate"),
    (199, Raw48, "CRC_Error_Count"),
    (201, Raw48, "Supercap_Status"),
    (202, Raw48, "Exception_Mode_Status"),
    (234, Raw48, "Unknown_Samsung_Attr"),
    (235, Raw48, "POR_Recovery_Count"),
    (236, Raw48, "Unknown_Samsung_Attr"),
    (237, Raw48, "Unknown_Samsung_Attr"),
    (238, Raw48, "Unknown_Samsung_Attr"),
    (243, Raw48, "SATA_Downshift_Ct"),
    (244, Raw48, "Thermal_Throttle_St"),
    (245, Raw48, "Timed_Workld_Media_Wear"),
    (246, Raw48, "Timed_Workld_RdWr_Ratio"),
    (247, Raw48, "Timed_Workld_Timer"),
    (249, Raw48, "NAND_Writes_1GiB"),
    (250, Raw48, "SATA_Iface_Downshift"),
    (251, Raw48, "NAND_Writes"),
    (252, Raw48, "Added_Bad_Flash_Blk_Ct"),
];

pub(super) const FAIL_COUNTS: &[Row] =
    &[(171, Raw48, "Program_Fail_Count"), (172, Raw48, "Erase_Fail_Count")];
pub(super) const POWER_LOSS: &[Row] = &[(174, Raw48, "Unexpect_Power_Loss_Ct")];

pub(super) const CRUCIAL: &[Row] = &[
    (5, Raw48, "Reallocate_NAND_Blk_Cnt"),
    (170, Raw48, "Reserved_Block_Count"),
    (173, Raw48, "Ave_Block-Erase_Count"),
    (180, Raw48, "Unused_Reserve_NAND_Blk"),
    (183, Raw48, "SATA_Interfac_Downshift"),
    (184, Raw48, "Error_Correction_Count"),
    (195, Raw48, "Cumulativ_Corrected_ECC"),
    (197, Raw48, "Current_Pending_ECC_Cnt"),
    (202, Raw48, "Percent_Lifetime_Remain"),
    (206, Raw48, "Write_Error_Rate"),
    (210, Raw48, "Success_RAIN_Recov_Cnt"),
    (223, Raw48, "Tot_Bg_Scan_ECC_Fail_Ct"),
    (246, Raw48, "Total_LBAs_Written"),
    (247, Raw48, "Host_Program_Page_Count"),
    (248, Raw48, "FTL_Program_Page_Count"),
    (249, Raw48, "Total_Refresh_ISP_Count"),
    (250, Raw48, "Total_Do_RefCal_Count"),
    (251, Hex48, "Tot_NAND_Rd_Plane_Cnt_L"),
    (252, Hex48, "Tot_NAND_Rd_Plane_Cnt_H"),
    (253, Raw48, "Tot_Blk_Remap_Pass_Cnt"),
    (254, Raw48, "Tot_Bg_Scan_Over_Limit"),
];

pub(super) const MICRON: &[Row] = &[
    (170, Raw48, "Reserved_Block_Pct"),
    (173, Raw48, "Avg_Block-Erase_Count"),
    (183, Raw48, "SATA_Int_Downshift_Ct"),
    (202, Raw48, "Percent_Lifetime_Remain"),
    (206, Raw48, "Write_Error_Rate"),
    (210, Raw48, "RAIN_Success_Recovered"),
    (211, Raw48, "Integ_Scan_Complete_Cnt"),
    (212, Raw48, "Integ_Scan_Folding_Cnt"),
    (213, Raw48, "Integ_Scan_Progress"),
    (246, Raw48, "Total_LBAs_Written"),
    (247, Raw48, "Host_Program_Page_Count"),
    (248, Raw48, "Bckgnd_Program_Page_Cnt"),
];

pub(super) const PHISON: &[Row] = &[
    (2, Raw48, "Not_In_Use"),
    (3, Raw48, "Not_In_Use"),
    (5, Raw48, "Retired_Block_Count"),
    (7, Raw48, "Not_In_Use"),
    (8, Raw48, "Not_In_Use"),
    (10, Raw48, "Not_In_Use"),
    (168, Raw48, "SATA_Phy_Error_Count"),
    (170, Raw24By24, "Bad_Blk_Ct_Erl/Lat"),
    (173, Raw16OptAverage, "MaxAvgErase_Ct"),
    (175, Raw48, "Not_In_Use"),
    (192, Raw48, "Unsafe_Shutdown_Count"),
    (218, Raw48, "CRC_Error_Count"),
    (231, Raw48, "SSD_Life_Left"),
    (233, Raw48, "Flash_Writes_GiB"),
    (240, Raw48, "Not_In_Use"),
    (241, Raw48, "Lifetime_Writes_GiB"),
    (242, Raw48, "Lifetime_Reads_GiB"),
    (244, Raw48, "Average_Erase_Count"),
    (245, Raw48, "Max_Erase_Count"),
    (246, Raw48, "Total_Erase_Count"),
];
pub(super) const PHISON_RETAIL: &[Row] = &[
    (167, Raw48, "Write_Protect_Mode"),
    (169, Raw48, "Bad_Block_Rate"),
    (172, Raw48, "Erase_Fail_Count"),
    (181, Raw48, "Program_Fail_Count"),
    (182, Raw48, "Erase_Fail_Count"),
    (183, Raw48, "Unknown_Phison_Attr"),
    (193, Raw48, "Power_Fail_Uncompl_Cnt"),
    (195, Raw48, "Power_Fail_Health"),
    (197, Raw48, "Not_In_Use"),
    (199, Raw48, "SATA_CRC_Error_Count"),
    (207, Raw48, "Thermal_Throttling_Cnt"),
    (232, Raw48, "Read_Fail_Count"),
];
pub(super) const PHISON_OEM: &[Row] =
    &[(196, Raw48, "Not_In_Use"), (197, Raw48, "Not_In_Use"), (199, Raw48, "CRC_Error_Count")];

pub(super) const SILICON_MOTION: &[Row] = &[
    (148, Raw48, "Total_SLC_Erase_Ct"),
    (149, Raw48, "Max_SLC_Erase_Ct"),
    (150, Raw48, "Min_SLC_Erase_Ct"),
    (151, Raw48, "Average_SLC_Erase_Ct"),
    (159, Raw48, "DRAM_1_Bit_Error_Count"),
    (160, Raw48, "Uncorrectable_Error_Cnt"),
    (161, Raw48, "Valid_Spare_Block_Cnt"),
    (162, Raw48, "Cache_Block_Count"),
    (163, Raw48, "Initial_Bad_Block_Count"),
    (164, Raw48, "Total_Erase_Count"),
    (165, Raw48, "Max_Erase_Count"),
    (166, Raw48, "Min_Erase_Count"),
    (167, Raw48, "Average_Erase_Count"),
    (168, Raw48, "Max_Erase_Count_of_Spec"),
    (169, Raw48, "Remaining_Lifetime_Perc"),
    (178, Raw48, "Runtime_Invalid_Blk_Cnt"),
    (225, Raw48, "Host_Writes_32MiB"),
    (231, Raw48, "SSD_Life_Left"),
    (241, Raw48, "Host_Writes_32MiB"),
    (242, Raw48, "Host_Reads_32MiB"),
    (245, Raw48, "TLC_Writes_32MiB"),
    (246, Raw48, "SLC_Writes_32MiB"),
    (247, Raw48, "Raid_Recoverty_Ct"),
];

pub(super) const MAXIO: &[Row] = &[
    (5, Raw16Opt16, "New_Bad_Block_Count"),
    (167, Raw48, "SSD_Protect_Mode"),
    (168, Raw48, "SATA_PHY_Error_Count"),
    (169, Raw16Opt16, "Bad_Block_Count"),
    (170, Raw48, "Max_Bad_Block_Count"),
    (173, Raw16, "Erase_Count"),
    (175, Raw48, "Bad_Cluster_Count"),
    (180, Raw48, "Spare_Blk_Count_Left"),
    (183, Raw48, "SATA_Downshift_Count"),
    (190, Temperature, "Temperature_Celsius"),
    (192, Raw48, "Unexpect_Power_Loss_Ct"),
    (196, Raw48, "Reallocated_Event_Count"),
    (206, Raw48, "Min_Erase_Count"),
    (207, Raw48, "Max_Erase_Count"),
    (208, Raw48, "Avg_Erase_Count"),
    (209, Raw48, "SLC_Min_Erase_Count"),
    (210, Raw48, "SLC_Max_Erase_Count"),
    (211, Raw48, "SLC_Avg_Erase_Count"),
    (231, Raw48, "SSD_Life_Left"),
    (233, Raw48, "NAND_Write_Sector_Cnt"),
    (234, Raw48, "NAND_Read_Sector_Cnt"),
    (243, Raw48, "NAND_Temperature"),
    (245, Raw16Opt16, "Bit_Error_Count"),
];

pub(super) const SANDFORCE: &[Row] = &[
    (1, Raw24By32, ""),
    (5, Raw48, "Retired_Block_Count"),
    (9, Msec24Hour32, "Power_On_Hours_and_Msec"),
    (13, Raw24By32, "Soft_Read_Error_Rate"),
    (100, Raw48, "Gigabytes_Erased"),
    (162, Raw48, "Unknown_SandForce_Attr"),
    (170, Raw48, "Reserve_Block_Count"),
    (173, Raw48, "Unknown_SandForce_Attr"),
    (177, Raw48, "Wear_Range_Delta"),
    (181, Raw48, "Program_Fail_Count"),
    (182, Raw48, "Erase_Fail_Count"),
    (184, Raw48, "IO_Error_Detect_Code_Ct"),
    (189, Temperature, "Airflow_Temperature_Cel"),
    (195, Raw24By32, "ECC_Uncorr_Error_Count"),
    (199, Raw48, "SATA_CRC_Error_Count"),
    (201, Raw24By32, "Unc_Soft_Read_Err_Rate"),
    (204, Raw24By32, "Soft_ECC_Correct_Rate"),
    (218, Raw48, "Unknown_SandForce_Attr"),
    (230, Raw48, "Life_Curve_Status"),
    (231, Raw48, "SSD_Life_Left"),
    (233, Raw48, "SandForce_Internal"),
    (234, Raw48, "SandForce_Internal"),
    (235, Raw48, "SuperCap_Health"),
    (241, Raw48, "Lifetime_Writes_GiB"),
    (242, Raw48, "Lifetime_Reads_GiB"),
];

pub(super) const WD_SSD: &[Row] = &[
    (165, Raw16, "Block_Erase_Count"),
    (166, Raw48, "Minimum_PE_Cycles_TLC"),
    (167, Raw48, "Max_Bad_Blocks_per_Die"),
    (168, Raw48, "Maximum_PE_Cycles_TLC"),
    (169, Raw48, "Total_Bad_Blocks"),
    (170, Raw48, "Grown_Bad_Blocks"),
    (173, Raw48, "Average_PE_Cycles_TLC"),
    (174, Raw48, "Unexpected_Power_Loss"),
    (230, Raw16, "Media_Wearout_Indicator"),
    (233, Raw48, "NAND_GB_Written_TLC"),
    (234, Raw48, "NAND_GB_Written_SLC"),
    (241, Raw48, "Host_Writes_GiB"),
    (242, Raw48, "Host_Reads_GiB"),
    (244, Raw48, "Temp_Throttle_Status"),
];

pub(super) const SANDISK: &[Row] = &[
    (165, Raw48, "Total_Write/Erase_Count"),
    (166, Raw48, "Min_W/E_Cycle"),
    (167, Raw48, "Min_Bad_Block/Die"),
    (168, Raw48, "Maximum_Erase_Cycle"),
    (169, Raw48, "Total_Bad_Block"),
    (173, Raw48, "Avg_Write/Erase_Count"),
    (199, Raw48, "SATA_CRC_Error"),
    (201, Raw48, "Lifetime_Remaining%"),
    (212, Raw48, "SATA_PHY_Error"),
    (230, Raw16, "Perc_Write/Erase_Count"),
    (232, Raw48, "Perc_Avail_Resrvd_Space"),
    (233, Raw48, "Total_NAND_Writes_GiB"),
    (234, Raw48, "Perc_Write/Erase_Ct_BC"),
    (241, Raw48, "Total_Writes_GiB"),
    (242, Raw48, "Total_Reads_GiB"),
    (244, Raw48, "Thermal_Throttle"),
    (249, Raw48, "TLC_NAND_GB_Writes"),
];
pub(super) const SANDISK_OLD: &[Row] = &[
    (165, Raw48, "Total_Write/Erase_Count"),
    (173, Raw48, "Avg_Write/Erase_Count"),
    (212, Raw48, "SATA_PHY_Error"),
    (230, Raw48, "Perc_Write/Erase_Count"),
    (232, Raw48, "Perc_Avail_Resrvd_Space"),
    (234, Raw48, "Perc_Write/Erase_Ct_BC"),
    (244, Raw48, "Thermal_Throttle"),
];

/// What all SATA disks of Intel without platters share.
pub(super) const INTEL: &[Row] = &[(192, Raw48, "Unsafe_Shutdown_Count"), (225, Raw48, "Host_Writes_32MiB")];
pub(super) const INTEL_G1: &[Row] =
    &[(226, Raw48, "Intel_Internal"), (227, Raw48, "Intel_Internal"), (228, Raw48, "Intel_Internal")];
pub(super) const INTEL_WORKLOAD: &[Row] = &[
    (183, Raw48, "SATA_Downshift_Count"),
    (199, Raw48, "CRC_Error_Count"),
    (226, Raw48, "Workld_Media_Wear_Indic"),
    (227, Raw48, "Workld_Host_Reads_Perc"),
    (228, Raw48, "Workload_Minutes"),
    (241, Raw48, "Host_Writes_32MiB"),
    (242, Raw48, "Host_Reads_32MiB"),
];
pub(super) const INTEL_RESERVE: &[Row] = &[(170, Raw48, "Reserve_Block_Count")];
pub(super) const INTEL_DC: &[Row] = &[
    (11, Raw48, "Unknown_Intel_Attribute"),
    (170, Raw48, "Available_Reservd_Space"),
    (173, Raw48, "Unknown_Intel_Attribute"),
    (174, Raw48, "Unsafe_Shutdown_Count"),
    (175, Raw16Opt16, "Power_Loss_Cap_Test"),
    (243, Raw48, "NAND_Writes_32MiB"),
];
/// Intel 730 to DC S3700.
pub(super) const INTEL_DC_FIRST: &[Row] = &[
    (190, Temperature, "Temperature_Case"),
    (194, Temperature, "Temperature_Internal"),
    (234, ByteBy32, "Thermal_Throttle"),
];
/// Intel from S3520 on.
pub(super) const INTEL_DC_LATER: &[Row] = &[
    (184, Raw48, "End-to-End_Error_Count"),
    (187, Raw48, "Uncorrectable_Error_Cnt"),
    (197, Raw48, "Pending_Sector_Count"),
    (234, ByteBy32, "Thermal_Throttle_Status"),
    (235, Raw16Opt16, "Power_Loss_Cap_Test"),
];
pub(super) const INTEL_S3520: &[Row] =
    &[(190, Temperature, "Case_Temperature"), (194, Temperature, "Drive_Temperature")];
pub(super) const INTEL_S4500: &[Row] = &[(190, Temperature, "Drive_Temperature")];
