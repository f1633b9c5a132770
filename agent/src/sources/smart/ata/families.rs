//! Drive families whose attributes mean something else than usual: by model (and firmware), names and raw formats.
//!
//! What the vendors publish is little; these are the facts that smartmontools' users have gathered (`drivedb.h`), for the
//! families that are common at home. A disk of no family here has the usual names.

use serde::Serialize;

use super::family_rows::*;
use super::names::usual;
use super::raw::Format;
use super::raw::Format::{HalfMinutes, Minutes, Msec24Hour32, Raw16, Raw24By32, Raw48};
use crate::source::pattern::glob;

/// A family of drives.
#[derive(Debug, Serialize)]
pub struct Family {
    /// Name as smartmontools gives it.
    pub name: &'static str,
    #[serde(skip)]
    models: &'static [&'static str],
    #[serde(skip)]
    firmware: &'static [&'static str],
    #[serde(skip)]
    attributes: &'static [&'static [Row]],
}

impl Family {
    /// The first family that model and firmware belong to.
    pub fn of(model: &str, firmware: &str) -> Option<&'static Self> {
        let one_of = |patterns: &[&str], text: &str| {
            patterns.iter().any(|pattern| glob(pattern.as_bytes(), text.as_bytes()))
        };
        FAMILIES.iter().find(|family| {
            one_of(family.models, model) && (family.firmware.is_empty() || one_of(family.firmware, firmware))
        })
    }
}

/// Format and name of an attribute of a disk.
pub fn meaning(family: Option<&Family>, id: u8, rotation_rpm: Option<u16>) -> (Format, &'static str) {
    let rows = family.map_or(&[][..], |family| family.attributes);
    match rows.iter().flat_map(|rows| rows.iter()).find(|row| row.0 == id) {
        Some(&(_, format, "")) => (format, usual(id, rotation_rpm).1),
        Some(&(_, format, name)) => (format, name),
        None => usual(id, rotation_rpm),
    }
}

const fn family(
    name: &'static str,
    models: &'static [&'static str],
    attributes: &'static [&'static [Row]],
) -> Family {
    Family { name, models, firmware: &[], attributes }
}

const RATES: &[Row] = &[(1, Raw24By32, ""), (7, Raw24By32, "")];
const BARRACUDA_25: &[Row] = &[(183, Raw48, "SATA_Downshift_Count"), (195, Raw48, "ECC_On_the_Fly_Count")];
const IRONWOLF: &[Row] = &[(195, Raw24By32, "")];
const TIMEOUTS: &[Row] = &[(188, Raw16, "")];
const IN_MINUTES: &[Row] = &[(9, Minutes, "Power_On_Minutes")];
const IN_HALF_MINUTES: &[Row] = &[(9, HalfMinutes, "Power_On_Half_Minutes")];
const READ_TOTAL: &[Row] = &[(16, Raw48, "Total_LBAs_Read")];
const GAS_GAUGE: &[Row] = &[(16, Raw48, "Gas_Gauge")];
const FUJITSU: &[Row] = &[(240, Raw48, "Transfer_Error_Rate")];
const PENDING_GROWS: &[Row] = &[(197, Raw48, "Total_Pending_Sectors")];
const EXOS_X14: &[Row] =
    &[(18, Raw48, "Head_Health"), (200, Raw48, "Pressure_Limit"), (240, Msec24Hour32, "")];

/// Families; the first whose patterns match counts.
const FAMILIES: &[Family] = &[
    family(
        "Seagate Barracuda 7200.10",
        &["ST3*0[48]0AS", "ST3*[26]20AS", "ST3250[34]10AS", "ST3200820AS", "ST3*[28]15AS"],
        &[RATES, SEAGATE_ECC],
    ),
    family(
        "Seagate Barracuda 7200.12",
        &[
            "ST3160318AS",
            "ST325031[128]AS",
            "ST3320418AS",
            "ST350041[038]AS",
            "ST3750[57]28AS",
            "ST3750523AS",
            "ST3100052[348]AS",
            "ST3320413AS",
            "ST3160316AS",
        ],
        &[SEAGATE_OLD],
    ),
    family(
        "Seagate Barracuda 7200.14 (AF)",
        &["ST[123][05]00DM00[0-3]-*", "ST[12345]000DM00[0-3]-*", "ST[2357][05]0DM00[0-3]-*"],
        &[SEAGATE, SEAGATE_ECC],
    ),
    family(
        "Seagate BarraCuda 3.5 (SMR)",
        &["ST2000DM00[58]-*", "ST3000DM007-*", "ST4000DM004-*", "ST8000DM004-*", "ST6000DM003-*"],
        &[HOURS_WITH_MSEC, SEAGATE, SEAGATE_ECC],
    ),
    family(
        "Seagate BarraCuda 3.5 (CMR)",
        &["ST500DM009-*", "ST1000DM010-*", "ST2000DM00[67]-*", "ST3000DM00[89]-*", "ST4000DM005-*"],
        &[SEAGATE, SEAGATE_ECC],
    ),
    family(
        "Seagate BarraCuda Pro",
        &[
            "ST2000DM009-*",
            "ST4000DM006-*",
            "ST6000DM004-*",
            "ST8000DM00[05]*",
            "ST10000DM0004-*",
            "ST12000DM0007-*",
        ],
        &[HOURS_WITH_MSEC, SEAGATE_PLAIN],
    ),
    family(
        "Seagate BarraCuda 3.5 (CMR+HAMR)",
        &["ST1[6]000DM00[01]-3Y?103", "ST2[02468]000DM00[01]-3Y?103"],
        &[SEAGATE],
    ),
    family(
        "Seagate BarraCuda 2.5",
        &["ST500LM03[04]-*", "ST1000LM04[89]-*", "ST2000LM015-*", "ST[34]000LM024-*", "ST5000LM000-*"],
        &[HOURS_WITH_MSEC, BARRACUDA_25, SEAGATE],
    ),
    family("Seagate Desktop HDD.15", &["ST[4568]000DM00[012]-*"], &[SEAGATE_PLAIN]),
    family("Seagate Exos X16", &["ST1[0246]000NM00[13]G-*"], &[SEAGATE]),
    family("Seagate Exos X18", &["ST10000NM0[12][80]G-*", "ST1[2468]000NM00[012]J-*"], &[SEAGATE]),
    family(
        "Seagate Exos X20/X22",
        &["ST1[68]000NM00[0347]D-*", "ST20000NM00[0347]D-*", "ST16000NM00[014]E-*", "ST2[02]000NM00[014]E-*"],
        &[SEAGATE],
    ),
    family("Seagate Exos X24", &["ST1[26]000NM00[12]H-*", "ST2[04]000NM00[12]H-*"], &[SEAGATE]),
    family(
        "Seagate Exos X14",
        &["ST14000NM0*8-*", "ST12000NM0[025][0-9]8-*", "ST10000NM0[45]*8-*"],
        &[EXOS_X14],
    ),
    family("Seagate Exos X12", &["ST12000NM00[01]7-*"], &[EXOS_X14]),
    family("Seagate Exos 7E10", &["ST[2468]000NM0[012]*B-*", "ST10000NM0[012]*B-*"], &[SEAGATE]),
    family("Seagate Exos 7E8", &["ST[123468]000NM0[012]*A-*"], &[SEAGATE_PLAIN]),
    family("Seagate Exos 5E8", &["ST8000AS0003-*"], &[HOURS_WITH_MSEC, SEAGATE_OLD]),
    family("Seagate Enterprise Capacity 3.5 HDD", &["ST[12]000NM0008-*"], &[HOURS_WITH_MSEC, SEAGATE_PLAIN]),
    family(
        "Seagate Enterprise Capacity 3.5 HDD",
        &["ST[1234568]000NM0[012][0-68][456]-*", "ST10000NM0[012][0-68][456]-*"],
        &[SEAGATE_PLAIN],
    ),
    family("Seagate IronWolf", &["ST[123468]000VN00*-*", "ST1[0246]000VN00*-*"], &[IRONWOLF, SEAGATE]),
    family(
        "Seagate IronWolf Pro",
        &[
            "ST[2468]000NE0*-*",
            "ST1[02468]000NE0*-*",
            "ST2[02]000NE0*-*",
            "ST[2468]000NT00[12]-*",
            "ST1[02468]000NT00[12]-*",
            "ST2[024]000NT00[12]-*",
        ],
        &[SEAGATE],
    ),
    family(
        "Seagate IronWolf Pro (HAMR)",
        &["ST24000NT031-*", "ST28000NT000-*", "ST30000NT011-*", "ST32000NT000-*"],
        &[SEAGATE],
    ),
    family(
        "Seagate SkyHawk",
        &["ST[123468]000VX0*-*", "ST10000VX0004-*"],
        &[HOURS_WITH_MSEC, SEAGATE, SEAGATE_ECC],
    ),
    family("Seagate SkyHawk AI", &["ST8000VE00*-*", "ST1[0246]000VE00*-*"], &[SEAGATE]),
    family("Seagate Constellation ES (SATA 6Gb/s)", &["ST[125]*00NM0011*"], &[SEAGATE_OLD]),
    family("Seagate Constellation ES.3", &["ST[1234]000NM0033-*"], &[]),
    family("Western Digital Ultrastar DC HC530", &["WDC WUH721414ALE6*", "WDC  WUH721414ALE6*"], &[TIMEOUTS]),
    family("Western Digital Ultrastar DC HC550", &["*WUH72181[68]AL[EN]6*"], &[]),
    family(
        "Western Digital Ultrastar DC HC560",
        &["*WUH722020[AB]L[EN]6*", "WDC WD200EDGZ-*"],
        &[WD_ACTUATOR],
    ),
    family("Western Digital Ultrastar DC HC570", &["*WUH722222[AB]L[EN]6*"], &[WD_ACTUATOR]),
    family("Western Digital Ultrastar DC HC580", &["*WUH72242[24]ALE6*"], &[WD_ACTUATOR]),
    family("Western Digital Ultrastar (He10/12)", &["WDC WD8*E[MD]*Z-*", "WDC WD1[0246]0E[MD]*Z-*"], &[]),
    family(
        "Western Digital Red Pro",
        &["WDC WD[2-8]00[1235]FF[BSW]X-*", "WDC WD*KFBX-*", "WDC WD*KFGX-*"],
        &[WD_ACTUATOR],
    ),
    family(
        "Western Digital Red",
        &["WDC WD[1-6]0EFAX-*", "WDC WD[1-6]0EFRX-*", "WDC WD10JFCX-*", "WDC WD7500BFCX-*"],
        &[],
    ),
    family(
        "Western Digital Red Plus",
        &["WDC WD*EF[BGPZ]X-*", "WDC WD*EFZZ-*", "WDC WD[18]*0EF[AR]X-*"],
        &[],
    ),
    family("Western Digital Gold", &["WDC WD*[BFK][FRV]YZ-*"], &[]),
    family("Western Digital Re", &["WDC WD*F[BY]YZ-*"], &[READ_TOTAL]),
    family("Western Digital RE4", &["WDC WD*F[BY]YX-*"], &[]),
    family("Western Digital RE3 Serial ATA", &["WDC WD*[AB]BYS-*", "WDC WD1002FBYS-*"], &[]),
    family("Western Digital Caviar Green (AF)", &["WDC WD*EARS-*", "WDC WD*EZRS-*", "WDC WD20EACS-*"], &[]),
    family("Western Digital Caviar Blue (SATA)", &["WDC WD*AAKS-*"], &[]),
    family("Western Digital Caviar SE Serial ATA", &["WDC WD*00J[SD]-*"], &[]),
    family(
        "WD Blue / Red / Green SSDs",
        &["WDC WDS*", "WDC  WDS*", "WDC WDBNCE*", "WD Blue SA510 *", "WD Red SA500 *", "WD Green *"],
        &[WD_SSD, FAIL_COUNTS],
    ),
    family("HGST Ultrastar 7K6000", &["HGST HUS7260[2-6]0AL[AE]6*"], &[]),
    family("HGST Ultrastar HC310/320", &["HGST HUS72[68]T[468]TAL[AE]6*"], &[]),
    family("HGST Ultrastar He6", &["HGST HUS726060ALA64*"], &[]),
    family("HGST Ultrastar He8", &["HGST HUH7280[68]0AL[EN]60*"], &[]),
    family("HGST Ultrastar He10", &["HGST HUH7210*AL[EN]60*"], &[]),
    family("Hitachi/HGST Ultrastar 7K2", &["HGST HUS722T[12]TALA604"], &[GAS_GAUGE]),
    family("Hitachi/HGST Ultrastar 7K4000", &["*HUS7240[234]0ALA64*"], &[]),
    family("Hitachi Deskstar 7K1000.C", &["*HDS7210*CLA[36]*"], &[]),
    family("Hitachi Deskstar 5K3000", &["*HDS5C30[123]0ALA63*"], &[]),
    family("Hitachi Ultrastar A7K2000", &["*HUA7220*[AC]LA33*"], &[]),
    family(
        "Toshiba N300/MN NAS HDD",
        &["TOSHIBA HDW[GNQ]*", "TOSHIBA MN0*", "TOSHIBA MN1*"],
        &[TOSHIBA_MAMR],
    ),
    family("Toshiba MG09ACA... Enterprise Capacity HDD", &["*MG09ACA1*"], &[TOSHIBA_MAMR]),
    family("Toshiba MG08ACA... Enterprise Capacity HDD", &["TOSHIBA MG08ACA1*"], &[]),
    family("Toshiba MG07ACA... Enterprise Capacity HDD", &["TOSHIBA MG07ACA1*"], &[]),
    family("Toshiba MG06ACA... Enterprise Capacity HDD", &["TOSHIBA MG06ACA*"], &[]),
    family("Toshiba 3.5\" MG03ACAxxx(Y) Enterprise HDD", &["TOSHIBA MG03ACA*"], &[]),
    family("Toshiba X300", &["TOSHIBA HDWE*", "TOSHIBA HDWR*"], &[]),
    family("Toshiba 2.5\" HDD MK..51GSY", &["TOSHIBA MK*51GSY"], &[IN_MINUTES]),
    family("Toshiba 3.5\" HDD MK.002TSKB", &["TOSHIBA MK?002TSKB"], &[]),
    family("Fujitsu MJA BH", &["FUJITSU MJA2*BH*"], &[]),
    family("Western Digital Caviar Blue Serial ATA", &["WDC WD*AAJS-*"], &[]),
    family("Fujitsu MHY BH", &["FUJITSU MHY2*0BH*"], &[FUJITSU]),
    family("SAMSUNG SpinPoint T166", &["SAMSUNG HD*J"], &[PENDING_GROWS]),
    family("SAMSUNG SpinPoint M", &["SAMSUNG MP0*H"], &[IN_HALF_MINUTES]),
    family("Seagate Momentus 7200.2", &["ST9*823AS*", "ST980813AS*", "ST9100821AS*", "ST9200420AS*"], &[]),
    family("Seagate Momentus 5400.3", &["ST9*081[1345]A*", "ST9100828A*", "ST9120822A*", "ST9160821A*"], &[]),
    family(
        "Samsung based SSDs",
        &["Samsung SSD [478]*", "SAMSUNG SSD *", "SAMSUNG MZ7*", "SAMSUNG MZ[MNH]*", "Samsung SSD 8*"],
        &[SAMSUNG_SSD],
    ),
    family(
        "Crucial/Micron Client SSDs",
        &[
            "Crucial_CT*M[5X]*SSD*",
            "Crucial_CT*M550SSD*",
            "CT*[BM]X[35]00SSD1*",
            "Micron_M[56]*_MTFDDA*",
            "Micron_1[13]00_*",
            "Micron 1100 SATA *",
            "MTFDDA[KV]*T[BD][NL]*",
        ],
        &[CRUCIAL, FAIL_COUNTS, POWER_LOSS],
    ),
    family(
        "Micron 5100 Pro / 52x0 / 5300 SSDs",
        &["Micron_5[1234]?0*_MTFDDA*"],
        &[MICRON, FAIL_COUNTS, POWER_LOSS],
    ),
    family(
        "Silicon Motion based SSDs",
        &[
            "ADATA SP550",
            "ADATA SU6[35]*",
            "ADATA SU[89]00",
            "CT*BX100SSD1",
            "CT*BX200SSD1",
            "HP SSD S700*",
            "KINGSTON SKC600*",
            "Patriot P2[01]0 *",
            "TS*GSSD[234]*",
            "TS*TSSD[234]*",
            "TS*GMTS[48]*",
            "TEAM T253*",
        ],
        &[SILICON_MOTION],
    ),
    Family {
        name: "Phison Driven OEM SSDs",
        models: &[
            "SPCC Solid State Disk",
            "INTENSO*",
            "GOODRAM",
            "Gigastone SSD",
            "SATA SSD",
            "SSDPR-CX400-*-G2",
        ],
        firmware: &["S[89ABH]F[DM]*"],
        attributes: &[PHISON, PHISON_OEM],
    },
    family(
        "Phison Driven SSDs",
        &[
            "GIGABYTE GP-GSTFS31*",
            "KINGSTON*SA400*",
            "KINGSTON SEDC*",
            "KINGSTON SUV300S37A*",
            "KINGSTON SKC400S37*",
            "KINGSTON SKC310S3*",
            "KINGSTON SHSS3*",
            "KINGSTON SM2280S3*",
            "KINGSTON RBUSNS*",
            "KIOXIA-EXCERIA SATA SSD",
            "MSI S270 *",
            "Patriot Bla[sz]*",
            "Patriot Flare",
            "Patriot Ignite",
            "Patriot Burst",
            "Patriot Burst ???GB",
            "PNY CS*SSD",
            "PNY ELITE PSSD",
            "SSD Smartbuy *",
            "SSDPR-CX400-*",
            "TEAM L3 EVO SSD *",
            "GOODRAM IRIDIUM PRO",
            "Hoodisk SSD",
            "Corsair Force LE*",
        ],
        &[PHISON, PHISON_RETAIL],
    ),
    family(
        "Maxio based SSDs (variant 1)",
        &["P3-*", "NT-*", "ZHITAI SC001 *", "ADATA_IM2S316*"],
        &[MAXIO, FAIL_COUNTS],
    ),
    family(
        "SandForce Driven SSDs",
        &[
            "KINGSTON SV300S3*",
            "KINGSTON SKC[13]00*",
            "KINGSTON SH10[03]S3*",
            "KINGSTON SHFS37A*",
            "KINGSTON SE*S3*",
            "OCZ-AGILITY3",
            "OCZ-VERTEX[23]*",
            "OCZ AGILITY2*",
            "OCZ VERTEX2*",
            "ADATA SP[389]00",
            "ADATA SX900*",
            "Corsair Force 3 SSD",
            "Corsair Force GT",
            "Corsair CSSD-F*",
        ],
        &[SANDFORCE, FAIL_COUNTS, POWER_LOSS],
    ),
    family(
        "Marvell based SanDisk SSDs",
        &[
            "SanDisk SD[6789]S*",
            "SanDisk SDSSDA-*",
            "SanDisk SDSSDH*",
            "SanDisk SDSSDX*",
            "SanDisk Ultra II *",
            "SanDisk SSD PLUS *",
        ],
        &[SANDISK, FAIL_COUNTS, POWER_LOSS],
    ),
    family(
        "SanDisk based SSDs",
        &["SanDisk iSSD *", "SanDisk pSSD", "SanDisk SDSSDP*", "SanDisk SSD [iU]*"],
        &[SANDISK_OLD, FAIL_COUNTS, POWER_LOSS],
    ),
    family("Intel X18-M/X25-M G1 SSDs", &["INTEL SSDSA[12]MH*G1*"], &[INTEL, INTEL_G1]),
    family(
        "Intel 320 Series SSDs",
        &["INTEL SSDSA[12][BCN][WT]*G3*"],
        &[INTEL, INTEL_WORKLOAD, INTEL_RESERVE, FAIL_COUNTS],
    ),
    family(
        "Intel S3520 Series SSDs",
        &["INTEL SSDSC2BB*[GT]7*", "INTEL SSDSCKJB*G7*"],
        &[INTEL_DC, INTEL_DC_LATER, INTEL_S3520, INTEL, INTEL_WORKLOAD, FAIL_COUNTS],
    ),
    family(
        "Intel S4510/S4610/S4500/S4600 Series SSDs",
        &["INTEL SSDSC2K[BG]*"],
        &[INTEL_DC, INTEL_DC_LATER, INTEL_S4500, INTEL, INTEL_WORKLOAD, FAIL_COUNTS],
    ),
    family(
        "Intel 730 and DC S35x0/3610/3700 Series SSDs",
        &["INTEL SSDSC[12][BN][ABGPX]*"],
        &[INTEL_DC, INTEL_DC_FIRST, INTEL, INTEL_WORKLOAD, FAIL_COUNTS],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn name(model: &str, firmware: &str) -> Option<&'static str> {
        Family::of(model, firmware).map(|family| family.name)
    }

    #[test]
    fn a_disk_belongs_to_its_family() {
        for (model, firmware, family) in [
            ("KINGSTON SA400S37240G", "SBFK71B1", "Phison Driven SSDs"),
            ("SPCC Solid State Disk", "SBFM61.3", "Phison Driven OEM SSDs"),
            ("ST4000VN008-2DR166", "SC60", "Seagate IronWolf"),
            ("ST8000DM004-2CX188", "0001", "Seagate BarraCuda 3.5 (SMR)"),
            ("Samsung SSD 870 EVO 1TB", "SVT02B6Q", "Samsung based SSDs"),
            ("CT1000MX500SSD1", "M3CR023", "Crucial/Micron Client SSDs"),
            ("WDC  WDS500G1R0A-68A4W0", "411000WR", "WD Blue / Red / Green SSDs"),
        ] {
            assert_eq!(name(model, firmware), Some(family), "{model}");
        }
        assert_eq!(name("SPCC Solid State Disk", "T0910A0"), None);
        assert_eq!(name("TOSHIBA THNSNH128GBST", "HTRAN101"), None);
    }

    #[test]
    fn an_attribute_of_a_family_goes_before_the_usual_one() {
        let family = Family::of("ST4000VN008-2DR166", "");
        assert_eq!(meaning(family, 1, Some(5980)), (Raw24By32, "Raw_Read_Error_Rate"));
        assert_eq!(meaning(family, 5, Some(5980)).1, "Reallocated_Sector_Ct");
        assert_eq!(meaning(None, 1, Some(5980)).0, Raw48);
        for family in FAMILIES {
            let mut seen: Vec<u8> =
                family.attributes.iter().flat_map(|rows| rows.iter()).map(|row| row.0).collect();
            seen.sort_unstable();
            assert!(seen.windows(2).all(|pair| pair[0] != pair[1]), "{} has an attribute twice", family.name);
        }
    }
}
