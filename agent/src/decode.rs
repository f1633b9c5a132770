//! `hi-agent decode`: what a parser makes of raw bytes, as JSON. A format is one row.

use serde_json::Value;

use crate::sources::ipmi::decode as ipmi;
use crate::sources::md::mdstat;
use crate::sources::smart::decode as smart;
use crate::sources::zfs::nvlist;

/// A format that can be decoded.
pub struct Format {
    /// Name: `nvme-smart`.
    pub name: &'static str,
    /// One sentence: what bytes these are.
    pub summary: &'static str,
    /// Decodes them; the error is for the one who asked.
    pub decode: fn(&[u8]) -> Result<Value, String>,
}

/// All formats, in the order in which they are listed.
pub const FORMATS: &[Format] = &[
    Format {
        name: "ata",
        summary: "Sectors of an ATA disk in records IDFY, SMST, SMDT and SMTH.",
        decode: smart::ata,
    },
    Format {
        name: "ata-identify",
        summary: "The sector that an ATA disk answers to IDENTIFY DEVICE.",
        decode: smart::ata_identify,
    },
    Format { name: "nvme-smart", summary: "NVMe log page 02h.", decode: smart::nvme_smart },
    Format {
        name: "nvme-identify",
        summary: "What NVMe Identify controller returns.",
        decode: smart::nvme_identify,
    },
    Format { name: "scsi-log", summary: "A page that SCSI LOG SENSE returned.", decode: smart::scsi_log },
    Format {
        name: "nvlist",
        summary: "A packed list of OpenZFS, native or XDR: an answer of /dev/zfs, a label.",
        decode: nvlist::json::from_bytes,
    },
    Format {
        name: "ipmi-sdr",
        summary: "Sensor records of a BMC back to back, as `ipmitool sdr dump` writes them.",
        decode: ipmi::records,
    },
    Format {
        name: "ipmi-sel",
        summary: "Entries of a BMC's event log, as `ipmitool sel writeraw` writes them.",
        decode: ipmi::log,
    },
    Format { name: "mdstat", summary: "The file /proc/mdstat.", decode: mdstat::decode },
];

/// Decodes bytes as the format of that name.
///
/// # Errors
/// There is no such format, or the bytes are not of it.
pub fn decode(format: &str, bytes: &[u8]) -> Result<Value, String> {
    let Some(format) = FORMATS.iter().find(|row| row.name == format) else {
        return Err(format!("there is no format `{format}`; there are {}", names()));
    };
    (format.decode)(bytes).map_err(|problem| format!("this is no {}: {problem}", format.name))
}

/// Names of all formats.
pub fn names() -> String {
    FORMATS.iter().map(|format| format.name).collect::<Vec<_>>().join(", ")
}

/// The table of formats, for the help of the command.
pub fn help() -> String {
    let rows = FORMATS.iter().map(|format| format!("  {:14} {}\n", format.name, format.summary));
    format!("Formats:\n{}", rows.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_named_and_an_unknown_one_too() {
        assert!(decode("nvme", &[]).unwrap_err().contains("nvme-smart, nvme-identify"));
        assert_eq!(
            decode("nvme-smart", &[]).unwrap_err(),
            "this is no nvme-smart: SMART log has 0 bytes instead of 512"
        );
        let mut names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
