//! Log pages: 02h SMART / Health Information (Base Specification 2.1, figure 206), 01h Error Information (figure 205), 06h Device
//! Self-test (figure 211).

use serde::Serialize;

use super::identify::KELVIN;
use crate::sources::smart::bytes::{Wide, byte, le16, le32, le64, le128};

/// Bytes of log page 02h.
pub const HEALTH_BYTES: usize = 512;
/// Bytes of an entry of log page 01h.
pub const ERROR_BYTES: usize = 64;
/// Bytes of log page 06h.
pub const SELF_TEST_BYTES: usize = 564;

/// Bits of the critical warning, from the lowest: short word, words.
pub const WARNINGS: [(&str, &str); 6] = [
    ("available_spare", "available spare has fallen below threshold"),
    ("temperature", "temperature is above or below threshold"),
    ("reliability", "NVM subsystem reliability has been degraded"),
    ("read_only", "media has been placed in read only mode"),
    ("volatile_backup", "volatile memory backup device has failed"),
    ("persistent_memory", "persistent memory region has become read-only or unreliable"),
];

/// Health of a controller, or of a namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Bits as in [`WARNINGS`].
    pub critical_warning: u8,
    /// Temperature, in degrees Celsius; `None` when it says nothing.
    pub celsius: Option<i32>,
    /// Spare capacity left, in percent.
    pub available_spare_percent: u8,
    /// Spare capacity at which it warns, in percent; 0 when it has no such threshold.
    pub available_spare_threshold_percent: u8,
    /// Life used up by the maker's estimate, in percent; may exceed 100.
    pub percentage_used: u8,
    /// Read, in thousands of units of 512 bytes.
    pub data_units_read: Wide,
    /// Written, in thousands of units of 512 bytes.
    pub data_units_written: Wide,
    /// Read commands.
    pub host_reads: Wide,
    /// Write commands.
    pub host_writes: Wide,
    /// Time it was busy, in minutes.
    pub controller_busy_minutes: Wide,
    /// How often it was switched on.
    pub power_cycles: Wide,
    /// Time powered on, in hours.
    pub power_on_hours: Wide,
    /// How often it was switched off without being told.
    pub unsafe_shutdowns: Wide,
    /// Data that could not be read or was wrong.
    pub media_errors: Wide,
    /// Entries its error log has had.
    pub error_log_entries: Wide,
    /// Time above the warning temperature, in minutes.
    pub warning_temperature_minutes: u32,
    /// Time above the critical temperature, in minutes.
    pub critical_temperature_minutes: u32,
    /// Temperatures of its sensors 1 to 8, in degrees Celsius; those it has.
    pub sensors_celsius: Vec<(u8, i32)>,
    /// How often it slowed down for its temperature, lightly and heavily.
    pub thermal_transitions: (u32, u32),
}

impl Health {
    /// Whether no warning is set, as smartctl judges.
    pub fn passed(&self) -> bool {
        self.critical_warning == 0
    }

    /// The words of the warnings that are set.
    pub fn warnings(&self) -> impl Iterator<Item = &'static str> {
        let bits = self.critical_warning;
        WARNINGS.iter().enumerate().filter(move |(bit, _)| bits >> bit & 1 == 1).map(|(_, (_, words))| *words)
    }
}

/// Reads log page 02h.
///
/// # Errors
/// It is not whole, or empty as some controllers answer for a namespace.
pub fn parse_health(bytes: &[u8]) -> Result<Health, String> {
    if bytes.len() < HEALTH_BYTES {
        return Err(format!("SMART log has {} bytes instead of {HEALTH_BYTES}", bytes.len()));
    }
    if bytes.iter().all(|&b| b == 0xff) {
        return Err("SMART log is empty".to_owned());
    }
    let wide = |at: usize| le128(bytes, at).unwrap_or_default();
    let word = |at: usize| le32(bytes, at).unwrap_or(0);
    let celsius = |at: usize| match le16(bytes, at) {
        None | Some(0 | 0xffff) => None,
        Some(kelvin) => Some(i32::from(kelvin) - KELVIN),
    };
    Ok(Health {
        critical_warning: bytes[0],
        celsius: celsius(1),
        available_spare_percent: bytes[3],
        available_spare_threshold_percent: bytes[4],
        percentage_used: bytes[5],
        data_units_read: wide(32),
        data_units_written: wide(48),
        host_reads: wide(64),
        host_writes: wide(80),
        controller_busy_minutes: wide(96),
        power_cycles: wide(112),
        power_on_hours: wide(128),
        unsafe_shutdowns: wide(144),
        media_errors: wide(160),
        error_log_entries: wide(176),
        warning_temperature_minutes: word(192),
        critical_temperature_minutes: word(196),
        sensors_celsius: (0..8).filter_map(|n| Some((n + 1, celsius(200 + usize::from(n) * 2)?))).collect(),
        thermal_transitions: (word(216), word(220)),
    })
}

/// An entry of the error log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorEntry {
    /// Its number among all errors so far.
    pub number: u64,
    /// Queue of the command; 65535 for none.
    pub queue: u16,
    /// The command's number.
    pub command: u16,
    /// Status without its phase bit: code in the lowest eight bits, type in the next three.
    pub status: u16,
    /// Logical block it happened at.
    pub lba: u64,
    /// Namespace.
    pub namespace: u32,
}

/// Reads log page 01h: as many entries as there are, the newest first. Places without an entry have number 0.
pub fn parse_errors(bytes: &[u8]) -> Vec<ErrorEntry> {
    let entry = |bytes: &[u8]| {
        let number = le64(bytes, 0).filter(|&number| number != 0)?;
        Some(ErrorEntry {
            number,
            queue: le16(bytes, 8)?,
            command: le16(bytes, 10)?,
            status: le16(bytes, 12)? >> 1,
            lba: le64(bytes, 16)?,
            namespace: le32(bytes, 24)?,
        })
    };
    bytes.chunks_exact(ERROR_BYTES).filter_map(entry).collect()
}

/// A self-test that was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SelfTest {
    /// 1 short, 2 extended, 14 vendor's own.
    pub kind: u8,
    /// How it went: 0 without error, 1 to 4 and 8 and 9 aborted, 5 fatal error, 6 and 7 failed.
    pub result: u8,
    /// Time powered on when it ended, in hours.
    pub at_hours: u64,
    /// First block that failed, where it names one.
    pub failing_lba: Option<u64>,
}

impl SelfTest {
    /// Its kind in words.
    pub fn kind_text(&self) -> &'static str {
        match self.kind {
            1 => "Short",
            2 => "Extended",
            3 => "Host initiated refresh",
            14 => "Vendor specific",
            _ => "Reserved",
        }
    }

    /// Its result in words.
    pub fn result_text(&self) -> &'static str {
        match self.result {
            0 => "Completed without error",
            1 => "Aborted: Self-test command",
            2 => "Aborted: Controller Reset",
            3 => "Aborted: Namespace removed",
            4 => "Aborted: Format NVM command",
            5 => "Fatal or unknown test error",
            6 => "Completed: unknown failed segment",
            7 => "Completed: failed segments",
            8 => "Aborted: unknown reason",
            9 => "Aborted: sanitize operation",
            _ => "Unknown result",
        }
    }

    /// Whether it found the disk in order; `None` when it was not brought to an end.
    pub fn passed(&self) -> Option<bool> {
        match self.result {
            0 => Some(true),
            5..=7 => Some(false),
            _ => None,
        }
    }
}

/// The log of self-tests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SelfTestLog {
    /// The test that runs, as [`SelfTest::kind`]; 0 for none.
    pub running: u8,
    /// How much of that is done, in percent.
    pub done_percent: u8,
    /// Tests, the newest first.
    pub tests: Vec<SelfTest>,
}

/// Reads log page 06h.
///
/// # Errors
/// It is not whole.
pub fn parse_self_tests(bytes: &[u8]) -> Result<SelfTestLog, String> {
    const ENTRY_BYTES: usize = 28;
    /// Result of a place without an entry.
    const UNUSED: u8 = 0xf;
    if bytes.len() < SELF_TEST_BYTES {
        return Err(format!("self-test log has {} bytes instead of {SELF_TEST_BYTES}", bytes.len()));
    }
    let entry = |bytes: &[u8]| {
        let status = byte(bytes, 0)?;
        let names_block = byte(bytes, 2)? & 2 != 0;
        (status & 0xf != UNUSED && status >> 4 != 0).then(|| SelfTest {
            kind: status >> 4,
            result: status & 0xf,
            at_hours: le64(bytes, 4).unwrap_or(0),
            failing_lba: le64(bytes, 16).filter(|_| names_block),
        })
    };
    Ok(SelfTestLog {
        running: bytes[0] & 0xf,
        done_percent: (bytes[1] & 0x7f).min(100),
        tests: bytes[4..SELF_TEST_BYTES].chunks_exact(ENTRY_BYTES).filter_map(entry).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn health_is_in_celsius_and_words() {
        let mut bytes = vec![0; HEALTH_BYTES];
        bytes[0] = 0b10_0100;
        bytes[1..3].copy_from_slice(&310_u16.to_le_bytes());
        bytes[32..48].copy_from_slice(&u128::MAX.to_le_bytes());
        bytes[202..204].copy_from_slice(&263_u16.to_le_bytes());
        let found = parse_health(&bytes).unwrap();
        assert_eq!((found.celsius, found.sensors_celsius.as_slice()), (Some(37), &[(2, -10)][..]));
        assert_eq!(found.warnings().collect::<Vec<_>>(), [WARNINGS[2].1, WARNINGS[5].1]);
        assert_eq!((found.data_units_read, found.passed()), (Wide(u128::MAX), false));
        assert!(parse_health(&[0xff; HEALTH_BYTES]).is_err() && parse_health(&bytes[1..]).is_err());
    }

    #[test]
    fn logs_leave_out_empty_places() {
        let mut bytes = vec![0; 2 * ERROR_BYTES];
        bytes[0] = 9;
        bytes[12..14].copy_from_slice(&0x4005_u16.to_le_bytes());
        let errors = parse_errors(&bytes);
        assert_eq!((errors.len(), errors[0].number, errors[0].status), (1, 9, 0x2002));

        let mut bytes = vec![0; SELF_TEST_BYTES];
        (bytes[0], bytes[1]) = (2, 40);
        bytes[4] = 0x27;
        bytes[6] = 2;
        bytes[8] = 100;
        bytes[20] = 77;
        bytes[32] = 0x1f;
        let log = parse_self_tests(&bytes).unwrap();
        assert_eq!((log.running, log.done_percent, log.tests.len()), (2, 40, 1));
        assert_eq!(
            (log.tests[0].failing_lba, log.tests[0].at_hours, log.tests[0].passed()),
            (Some(77), 100, Some(false))
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..700)) {
            let _ = (parse_health(&bytes).map(|found| found.warnings().count()), parse_errors(&bytes));
            let _ = parse_self_tests(&bytes);
        }
    }
}
