//! LOG SENSE pages (SPC-5, 7.3; SBC-4, 6.4): 02h, 03h and 05h error counters, 0Dh temperature, 0Eh starts and stops, 10h self-test
//! results, 11h solid state media, 15h background scan, 2Fh informational exceptions. Page 18h is in [`super::sas`].

use serde::Serialize;

use crate::sources::smart::bytes::{ascii, be_any, be16, be32, be64, byte};

/// A page: its number and its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<'b> {
    /// Page code.
    pub code: u8,
    /// Subpage code.
    pub subpage: u8,
    body: &'b [u8],
}

/// A parameter of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter<'b> {
    /// Parameter code.
    pub code: u16,
    /// Its value.
    pub value: &'b [u8],
}

impl<'b> Page<'b> {
    /// Takes a page apart.
    ///
    /// # Errors
    /// It has no header.
    pub fn of(bytes: &'b [u8]) -> Result<Self, String> {
        let (Some(code), Some(subpage), Some(length)) = (byte(bytes, 0), byte(bytes, 1), be16(bytes, 2))
        else {
            return Err(format!("log page has {} bytes", bytes.len()));
        };
        let body = bytes.get(4..).unwrap_or(&[]);
        // Bit 6 says whether there are subpages at all.
        let subpage = if code >> 6 & 1 == 1 { subpage } else { 0 };
        Ok(Self { code: code & 0x3f, subpage, body: &body[..usize::from(length).min(body.len())] })
    }

    /// As [`Page::of`], for one page.
    ///
    /// # Errors
    /// It has no header, or is another page.
    pub fn expect(bytes: &'b [u8], code: u8) -> Result<Self, String> {
        let page = Self::of(bytes)?;
        if (page.code, page.subpage) != (code, 0) {
            return Err(format!(
                "log page {code:02x}h was asked, {:02x}h,{:02x}h came",
                page.code, page.subpage
            ));
        }
        Ok(page)
    }

    /// Its parameters; one that is cut off ends them.
    pub fn parameters(&self) -> impl Iterator<Item = Parameter<'b>> + use<'b> {
        let mut rest = self.body;
        std::iter::from_fn(move || {
            let (code, length) = (be16(rest, 0)?, usize::from(byte(rest, 3)?));
            let value = rest.get(4..4 + length)?;
            rest = &rest[4 + length..];
            Some(Parameter { code, value })
        })
    }

    fn number(&self, code: u16) -> Option<u64> {
        be_any(self.parameters().find(|parameter| parameter.code == code)?.value)
    }
}

/// Reads page 00h: the pages there are.
///
/// # Errors
/// It is another page.
pub fn parse_supported(bytes: &[u8]) -> Result<Vec<u8>, String> {
    Ok(Page::expect(bytes, 0)?.body.iter().map(|code| code & 0x3f).collect())
}

/// Counters of errors while reading, writing or verifying (SPC-5, table 380).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ErrorCounters {
    /// Corrected without delay.
    pub corrected_fast: Option<u64>,
    /// Corrected with delay.
    pub corrected_delayed: Option<u64>,
    /// Corrected by reading or writing again.
    pub corrected_by_retries: Option<u64>,
    /// Corrected in all.
    pub corrected: Option<u64>,
    /// How often the correction was used.
    pub corrections: Option<u64>,
    /// Bytes read, written or verified.
    pub bytes: Option<u64>,
    /// Not corrected.
    pub uncorrected: Option<u64>,
}

/// Reads page 02h, 03h or 05h.
///
/// # Errors
/// It is another page.
pub fn parse_error_counters(bytes: &[u8], page: u8) -> Result<ErrorCounters, String> {
    let page = Page::expect(bytes, page)?;
    Ok(ErrorCounters {
        corrected_fast: page.number(0),
        corrected_delayed: page.number(1),
        corrected_by_retries: page.number(2),
        corrected: page.number(3),
        corrections: page.number(4),
        bytes: page.number(5),
        uncorrected: page.number(6),
    })
}

/// Temperatures, in degrees Celsius.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Temperatures {
    /// Now.
    pub current: Option<u8>,
    /// Highest at which it runs without damage.
    pub reference: Option<u8>,
}

/// Reads page 0Dh. FFh stands for no temperature, and so does 0, which disks say that have no sensor.
///
/// # Errors
/// It is another page.
pub fn parse_temperatures(bytes: &[u8]) -> Result<Temperatures, String> {
    let page = Page::expect(bytes, 0x0d)?;
    let of = |code: u16| {
        let value = page.parameters().find(|parameter| parameter.code == code)?.value;
        byte(value, 1).filter(|&celsius| celsius != 0xff && celsius != 0)
    };
    Ok(Temperatures { current: of(0), reference: of(1) })
}

/// How often it was started and its heads loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cycles {
    /// Year and week it was made, as digits: `2019`, `51`.
    pub made: Option<(String, String)>,
    /// Starts it is made for.
    pub specified_starts: Option<u64>,
    /// Starts so far.
    pub starts: Option<u64>,
    /// Loads of the heads it is made for.
    pub specified_loads: Option<u64>,
    /// Loads so far.
    pub loads: Option<u64>,
}

/// Reads page 0Eh.
///
/// # Errors
/// It is another page.
pub fn parse_cycles(bytes: &[u8]) -> Result<Cycles, String> {
    let page = Page::expect(bytes, 0x0e)?;
    let number = |code: u16| page.number(code).filter(|&number| number != u64::from(u32::MAX));
    let made = page.parameters().find(|parameter| parameter.code == 1).map(|parameter| parameter.value);
    Ok(Cycles {
        made: made
            .filter(|value| value.len() >= 6 && value[..6].iter().all(u8::is_ascii_digit))
            .map(|value| (ascii(&value[..4]), ascii(&value[4..6]))),
        specified_starts: number(3),
        starts: number(4),
        specified_loads: number(5),
        loads: number(6),
    })
}

/// A self-test that was started (SPC-5, table 445).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SelfTest {
    /// Self-test code: 1 background short, 2 background extended, 5 and 6 the same in the foreground; 0 the default one.
    pub kind: u8,
    /// 0 without error, 1 and 2 aborted, 3 unknown error, 4 to 7 failed, 15 runs.
    pub result: u8,
    /// Segment that failed; 0 for none.
    pub segment: u8,
    /// Time powered on, in hours; stays at 65535.
    pub at_hours: u16,
    /// First block that failed.
    pub failing_lba: Option<u64>,
    /// Sense key, code and qualifier.
    pub sense: (u8, u8, u8),
}

impl SelfTest {
    /// Its kind in words.
    pub fn kind_text(&self) -> &'static str {
        match self.kind {
            0 => "Default",
            1 => "Background short",
            2 => "Background long",
            4 => "Abort background",
            5 => "Foreground short",
            6 => "Foreground long",
            _ => "Reserved",
        }
    }

    /// Its result in words.
    pub fn result_text(&self) -> &'static str {
        match self.result {
            0 => "Completed",
            1 => "Aborted (by user command)",
            2 => "Aborted (device reset ?)",
            3 => "Unknown error, incomplete",
            4 => "Completed, segment failed",
            5 => "Failed in first segment",
            6 => "Failed in second segment",
            7 => "Failed in segment",
            15 => "Self test in progress ...",
            _ => "Reserved",
        }
    }

    /// Whether it found the disk in order; `None` when it was not brought to an end.
    pub fn passed(&self) -> Option<bool> {
        match self.result {
            0 => Some(true),
            3..=7 => Some(false),
            _ => None,
        }
    }

    /// Whether it runs.
    pub fn in_progress(&self) -> bool {
        self.result == 15
    }
}

/// Reads page 10h: tests, the newest first. A test that never was has neither kind nor result nor time; its other bytes should be
/// zero, and are not with all disks.
///
/// # Errors
/// It is another page.
pub fn parse_self_tests(bytes: &[u8]) -> Result<Vec<SelfTest>, String> {
    let page = Page::expect(bytes, 0x10)?;
    let test = |parameter: Parameter<'_>| {
        let value = parameter.value;
        let used = value.len() >= 16 && (value[0] != 0 || value[2] != 0 || value[3] != 0);
        used.then(|| SelfTest {
            kind: value[0] >> 5,
            result: value[0] & 0xf,
            segment: value[1],
            at_hours: be16(value, 2).unwrap_or(0),
            failing_lba: be64(value, 4).filter(|&lba| lba != u64::MAX && lba != 0),
            sense: (value[12] & 0xf, value[13], value[14]),
        })
    };
    Ok(page.parameters().take(20).filter_map(test).collect())
}

/// Reads page 11h: life used up by the maker's estimate, in percent.
///
/// # Errors
/// It is another page.
pub fn parse_endurance(bytes: &[u8]) -> Result<Option<u8>, String> {
    let page = Page::expect(bytes, 0x11)?;
    let parameter = page.parameters().find(|parameter| parameter.code == 1);
    Ok(parameter.and_then(|parameter| byte(parameter.value, 3)))
}

/// State of the scan in the background (SBC-4, table 180).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BackgroundScan {
    /// Time powered on, in minutes.
    pub power_on_minutes: u32,
    /// 0 none active, 1 and 8 running, others why it does not.
    pub status: u8,
    /// Scans so far.
    pub scans: u16,
    /// How much of this one is done, in 1/65536.
    pub progress: u16,
    /// Places it found bad so far.
    pub defects: usize,
}

/// Reads page 15h.
///
/// # Errors
/// It is another page, or has no status.
pub fn parse_background_scan(bytes: &[u8]) -> Result<BackgroundScan, String> {
    let page = Page::expect(bytes, 0x15)?;
    let status = page.parameters().find(|parameter| parameter.code == 0);
    let value = status.map(|parameter| parameter.value).unwrap_or_default();
    let (Some(minutes), Some(status), Some(scans), Some(progress)) =
        (be32(value, 0), byte(value, 5), be16(value, 6), be16(value, 8))
    else {
        return Err("background scan has no status".to_owned());
    };
    let defects = page.parameters().filter(|parameter| (1..=0x800).contains(&parameter.code)).count();
    Ok(BackgroundScan { power_on_minutes: minutes, status, scans, progress, defects })
}

/// What the disk says of its own health (SPC-5, 7.3.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Exceptions {
    /// Additional sense code: 0 nothing, 0Bh a warning, 5Dh failure is predicted.
    pub asc: u8,
    /// Its qualifier.
    pub ascq: u8,
    /// Temperature, in degrees Celsius.
    pub celsius: Option<u8>,
}

impl Exceptions {
    /// Whether it does not predict its failure.
    pub fn passed(&self) -> bool {
        self.asc != 0x5d
    }

    /// What it says, in the words of SPC-5, annex F; empty for nothing.
    pub fn text(&self) -> String {
        let warning = |words: &str| format!("warning: {words}");
        match (self.asc, self.ascq) {
            (0, 0) => String::new(),
            (0x0b, 0x01) => warning("specified temperature exceeded"),
            (0x0b, 0x02) => warning("enclosure degraded"),
            (0x0b, 0x03) => warning("background self-test failed"),
            (0x0b, 0x04) => warning("background pre-scan detected medium error"),
            (0x0b, 0x05) => warning("background medium scan detected medium error"),
            (0x5d, 0x00) => "failure prediction threshold exceeded".to_owned(),
            (0x5d, 0xff) => "failure prediction threshold exceeded (false)".to_owned(),
            (0x5d, ascq @ 0x10..=0x1f) => format!("hardware impending failure ({ascq:02x}h)"),
            (0x5d, ascq @ 0x20..=0x2f) => format!("controller impending failure ({ascq:02x}h)"),
            (0x5d, ascq @ 0x30..=0x3f) => format!("data channel impending failure ({ascq:02x}h)"),
            (0x5d, ascq @ 0x40..=0x4f) => format!("servo impending failure ({ascq:02x}h)"),
            (0x5d, ascq @ 0x50..=0x5f) => format!("spindle impending failure ({ascq:02x}h)"),
            (0x5d, ascq @ 0x60..=0x6f) => format!("firmware impending failure ({ascq:02x}h)"),
            (0x5d, 0x73) => "media impending failure, endurance limit met".to_owned(),
            (0x5d, ascq) => format!("failure predicted ({ascq:02x}h)"),
            (asc, ascq) => format!("sense code {asc:02x}h,{ascq:02x}h"),
        }
    }
}

/// Reads page 2Fh.
///
/// # Errors
/// It is another page, or has no such parameter.
pub fn parse_exceptions(bytes: &[u8]) -> Result<Exceptions, String> {
    let page = Page::expect(bytes, 0x2f)?;
    let value = page.parameters().find(|parameter| parameter.code == 0).map(|parameter| parameter.value);
    match value {
        Some([asc, ascq, rest @ ..]) => Ok(Exceptions {
            asc: *asc,
            ascq: *ascq,
            celsius: byte(rest, 0).filter(|&celsius| celsius != 0xff && celsius != 0),
        }),
        _ => Err("informational exceptions are not there".to_owned()),
    }
}

#[cfg(test)]
mod tests;
