//! apcupsd's network information server (apcupsd manual, "NIS Server Protocol"): one question, `status`, answered with records of a
//! length in two bytes, the higher first, and a line `KEY      : value`; a length of 0 ends it. Knows bytes only.
//!
//! What apcupsd tells is given the names that NUT has for it; the pairs are those of NUT's own driver for apcupsd
//! (`drivers/apcupsd-ups.h`), and more where NUT has a name for what that leaves out.

use std::collections::BTreeMap;

use super::nut::{Problem, clean};

/// Most bytes of an answer: some 60 records of at most 128.
pub const ANSWER_BYTES_MAX: usize = 64 << 10;
/// Most bytes of a record.
pub const RECORD_BYTES_MAX: usize = 1024;

/// The question, with its length before it.
pub const STATUS: &[u8] = b"\x00\x06status";

/// Name of the answer in a capture.
pub const KEY: &str = "status";

/// Collects an answer until it is complete.
#[derive(Debug, Default)]
pub struct Collector {
    bytes: Vec<u8>,
    at: usize,
    complete: bool,
}

impl Collector {
    /// Takes what has come; whether the answer is complete.
    ///
    /// # Errors
    /// It grows beyond the limits, or goes on behind its end.
    pub fn take(&mut self, bytes: &[u8]) -> Result<bool, Problem> {
        if self.bytes.len() + bytes.len() > ANSWER_BYTES_MAX {
            return Err(Problem::Malformed("its answer is longer than any apcupsd's"));
        }
        self.bytes.extend_from_slice(bytes);
        while !self.complete
            && let Some(length) = length_at(&self.bytes, self.at)
        {
            if length > RECORD_BYTES_MAX {
                return Err(Problem::Malformed("a record of its answer is longer than any apcupsd's"));
            }
            if self.bytes.len() < self.at + 2 + length {
                break;
            }
            self.at += 2 + length;
            self.complete = length == 0;
        }
        if self.complete && self.at < self.bytes.len() {
            return Err(Problem::Malformed("it says more than it was asked"));
        }
        Ok(self.complete)
    }

    /// What was collected.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

fn length_at(bytes: &[u8], at: usize) -> Option<usize> {
    let pair: [u8; 2] = bytes.get(at..at + 2)?.try_into().ok()?;
    Some(usize::from(u16::from_be_bytes(pair)))
}

/// What apcupsd told of its UPS.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// Name that the configuration gives the UPS; empty if none.
    pub name: String,
    /// Version of apcupsd.
    pub version: String,
    /// Whether apcupsd has lost its UPS: what it tells is old then.
    pub lost: bool,
    /// Under NUT's names.
    pub variables: BTreeMap<String, String>,
    /// Times the UPS went to battery since apcupsd started.
    pub transfers: Option<f64>,
    /// Seconds on battery, this time.
    pub on_battery_seconds: Option<f64>,
    /// Seconds on battery since apcupsd started.
    pub on_battery_seconds_total: Option<f64>,
}

/// What apcupsd calls it, and NUT. A number stands before its unit there; minutes become seconds.
const NAMES: [(&str, &str, Form); 35] = [
    ("MODEL", "ups.model", Form::Text),
    ("SERIALNO", "ups.serial", Form::Text),
    ("FIRMWARE", "ups.firmware", Form::Text),
    ("MANDATE", "ups.mfr.date", Form::Text),
    ("BATTDATE", "battery.date", Form::Text),
    ("SELFTEST", "ups.test.result", Form::Text),
    ("LASTXFER", "input.transfer.reason", Form::Text),
    ("SENSE", "input.sensitivity", Form::Text),
    ("DRIVER", "driver.name", Form::Text),
    ("LOADPCT", "ups.load", Form::Number),
    ("LOADAPNT", "power.percent", Form::Number),
    ("LOAD_W", "ups.realpower", Form::Number),
    ("LOAD_VA", "ups.power", Form::Number),
    ("ITEMP", "ups.temperature", Form::Number),
    ("NOMPOWER", "ups.realpower.nominal", Form::Number),
    ("NOMAPNT", "ups.power.nominal", Form::Number),
    ("DWAKE", "ups.delay.start", Form::Seconds),
    ("DSHUTD", "ups.delay.shutdown", Form::Seconds),
    ("LINEV", "input.voltage", Form::Number),
    ("MAXLINEV", "input.voltage.maximum", Form::Number),
    ("MINLINEV", "input.voltage.minimum", Form::Number),
    ("NOMINV", "input.voltage.nominal", Form::Number),
    ("LOTRANS", "input.transfer.low", Form::Number),
    ("HITRANS", "input.transfer.high", Form::Number),
    ("LINEFREQ", "input.frequency", Form::Number),
    ("OUTPUTV", "output.voltage", Form::Number),
    ("NOMOUTV", "output.voltage.nominal", Form::Number),
    ("OUTCURNT", "output.current", Form::Number),
    ("BCHARGE", "battery.charge", Form::Number),
    ("MBATTCHG", "battery.charge.low", Form::Number),
    ("RETPCT", "battery.charge.restart", Form::Number),
    ("BATTV", "battery.voltage", Form::Number),
    ("NOMBATTV", "battery.voltage.nominal", Form::Number),
    ("TIMELEFT", "battery.runtime", Form::Seconds),
    ("MINTIMEL", "battery.runtime.low", Form::Seconds),
];

/// The rest of them: sensors and packs outside of the UPS.
const OUTSIDE: [(&str, &str, Form); 4] = [
    ("AMBTEMP", "ambient.temperature", Form::Number),
    ("HUMIDITY", "ambient.humidity", Form::Number),
    ("EXTBATTS", "battery.packs.external", Form::Number),
    ("BADBATTS", "battery.packs.bad", Form::Number),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Number,
    Seconds,
}

/// Bits of `STATFLAG` (apcupsd, `include/defines.h`) and NUT's flags for them. A shutdown under way is what NUT calls forced.
const FLAGS: [(u32, &str); 9] = [
    (0x1, "CAL"),
    (0x2, "TRIM"),
    (0x4, "BOOST"),
    (0x8, "OL"),
    (0x10, "OB"),
    (0x20, "OVER"),
    (0x40, "LB"),
    (0x80, "RB"),
    (0x200, "FSD"),
];
/// apcupsd hears nothing from the UPS.
const COMMLOST: u32 = 0x100;

/// Words of `STATUS`, for an apcupsd that tells no `STATFLAG`.
const WORDS: [(&str, &str); 9] = [
    ("CAL", "CAL"),
    ("TRIM", "TRIM"),
    ("BOOST", "BOOST"),
    ("ONLINE", "OL"),
    ("ONBATT", "OB"),
    ("OVERLOAD", "OVER"),
    ("LOWBATT", "LB"),
    ("REPLACEBATT", "RB"),
    ("SHUTTING", "FSD"),
];

/// What an answer says.
///
/// # Errors
/// It is no answer of apcupsd.
pub fn status(answer: &[u8]) -> Result<Status, Problem> {
    let told = records(answer)?;
    if !told.contains_key("STATUS") && !told.contains_key("STATFLAG") {
        return Err(Problem::Malformed("it answers something else than a status"));
    }
    let get = |key: &str| told.get(key).map(String::as_str).filter(|text| !text.is_empty() && *text != "N/A");
    let mut status = Status {
        name: get("UPSNAME").unwrap_or_default().to_owned(),
        version: get("VERSION").and_then(|text| text.split(' ').next()).unwrap_or_default().to_owned(),
        transfers: get("NUMXFERS").and_then(number),
        on_battery_seconds: get("TONBATT").and_then(seconds),
        on_battery_seconds_total: get("CUMONBATT").and_then(seconds),
        ..Status::default()
    };
    status.variables.insert("ups.mfr".to_owned(), "APC".to_owned());
    for (key, name, form) in NAMES.iter().chain(&OUTSIDE) {
        let Some(text) = get(key) else { continue };
        let value = match form {
            Form::Text => Some(text.to_owned()),
            Form::Number => number(text).map(|number| number.to_string()),
            Form::Seconds => seconds(text).map(|seconds| seconds.to_string()),
        };
        status.variables.extend(value.map(|value| ((*name).to_owned(), value)));
    }
    let (flags, lost) = flags(get("STATFLAG"), get("STATUS").unwrap_or_default());
    status.lost = lost;
    status.variables.insert("ups.status".to_owned(), flags.join(" "));
    Ok(status)
}

fn flags(bits: Option<&str>, words: &str) -> (Vec<&'static str>, bool) {
    match bits.and_then(hex) {
        Some(bits) => {
            let flags = FLAGS.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, flag)| *flag);
            (flags.collect(), bits & COMMLOST != 0)
        }
        None => {
            let has = |wanted: &str| words.split(' ').any(|word| word == wanted);
            let flags = WORDS.iter().filter(|(word, _)| has(word)).map(|(_, flag)| *flag);
            (flags.collect(), has("COMMLOST") || has("NETWORK"))
        }
    }
}

/// The number of `0x05000008 Status Flag`.
fn hex(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("0x")?;
    let end = digits.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(digits.len());
    u32::from_str_radix(digits.get(..end)?, 16).ok()
}

/// The number before a unit: `120.0 Volts`.
fn number(text: &str) -> Option<f64> {
    super::table::value(text.split_whitespace().next()?)
}

/// A time in seconds: `46.5 Minutes`, `0 seconds`.
fn seconds(text: &str) -> Option<f64> {
    let unit = text.split_whitespace().nth(1).unwrap_or_default();
    let factor = match unit.get(..3).map(str::to_ascii_lowercase).as_deref() {
        Some("min") => 60.0,
        Some("hou") => 3600.0,
        _ => 1.0,
    };
    Some(number(text)? * factor)
}

/// Keys and values. A record without a colon is left out.
fn records(answer: &[u8]) -> Result<BTreeMap<String, String>, Problem> {
    let mut records = BTreeMap::new();
    let mut at = 0;
    while let Some(length) = length_at(answer, at) {
        if length == 0 {
            return Ok(records);
        }
        let record = answer.get(at + 2..at + 2 + length);
        let record = record.ok_or(Problem::Malformed("its last record is cut off"))?;
        let text = String::from_utf8_lossy(record);
        if let Some((key, value)) = text.split_once(':') {
            records.insert(clean(key), clean(value));
        }
        at += 2 + length;
    }
    Err(Problem::Malformed("its answer has no end"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Records as apcupsd sends them.
    fn answer(lines: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for line in lines {
            bytes.extend(u16::try_from(line.len() + 1).unwrap().to_be_bytes());
            bytes.extend(line.bytes().chain([b'\n']));
        }
        bytes.extend([0, 0]);
        bytes
    }

    #[test]
    fn a_status_has_the_names_of_nut() {
        let bytes = answer(&[
            "APC      : 001,018,0441",
            "HOSTNAME : example",
            "VERSION  : 3.14.14 (31 May 2016) debian",
            "UPSNAME  : rack",
            "MODEL    : Back-UPS XS 1400U  ",
            "STATUS   : ONLINE ",
            "STATFLAG : 0x05000008",
            "SERIALNO : ABC123",
            "LOADPCT  :  13.0 Percent Load Capacity",
            "TIMELEFT :  46.5 Minutes",
            "MINTIMEL : 3 Minutes",
            "TONBATT  : 12 Seconds",
            "CUMONBATT: 34 Seconds",
            "NUMXFERS : 2",
            "XOFFBATT : N/A",
            "NOMINV   : 230 Volts",
            "NOMPOWER : 865 Watts",
            "LASTXFER : No transfers since turnon",
            "END APC  : 2016-09-06 22:13:28 -0400",
        ]);
        let mut collector = Collector::default();
        let (last, rest) = bytes.split_last().unwrap();
        for byte in rest {
            assert_eq!(collector.take(&[*byte]), Ok(false));
        }
        assert_eq!(collector.take(&[*last]), Ok(true));
        let status = status(&collector.into_bytes()).unwrap();
        for (name, value) in [
            ("ups.status", "OL"),
            ("ups.load", "13"),
            ("battery.runtime", "2790"),
            ("battery.runtime.low", "180"),
            ("input.voltage.nominal", "230"),
            ("ups.realpower.nominal", "865"),
            ("ups.serial", "ABC123"),
            ("ups.model", "Back-UPS XS 1400U"),
        ] {
            assert_eq!(status.variables.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert_eq!((status.name.as_str(), status.version.as_str()), ("rack", "3.14.14"));
        assert_eq!((status.transfers, status.on_battery_seconds), (Some(2.0), Some(12.0)));
        assert_eq!((status.on_battery_seconds_total, status.lost), (Some(34.0), false));
    }

    #[test]
    fn the_page_has_every_pair() {
        let page = include_str!("../../../../docs/ups.md");
        for (key, name, _) in NAMES.iter().chain(&OUTSIDE) {
            assert!(page.contains(&format!("| {key} | {name} |")), "{key} {name}");
        }
        for (bit, flag) in FLAGS {
            assert!(page.contains(&format!("{bit:#x} {flag}")), "{flag}");
        }
    }

    #[test]
    fn flags_are_told_by_bits_or_words() {
        let of = |lines: &[&str]| {
            let status = status(&answer(lines)).unwrap();
            (status.variables["ups.status"].clone(), status.lost)
        };
        let told = |text: &str| (text.to_owned(), false);
        assert_eq!(of(&["STATFLAG : 0x05000010 Status Flag", "STATUS : ONBATT"]), told("OB"));
        assert_eq!(of(&["STATFLAG : 0x050000D4"]), told("BOOST OB LB RB"));
        assert_eq!(of(&["STATUS   : ONBATT LOWBATT "]), told("OB LB"));
        assert_eq!(of(&["STATUS   : TRIM ONLINE REPLACEBATT"]), told("TRIM OL RB"));
        assert_eq!(of(&["STATFLAG : 0x05000108"]), ("OL".to_owned(), true));
        assert!(of(&["STATUS   : COMMLOST"]).1);
        assert_eq!(of(&["STATFLAG : 0x08Status Flag"]), told("OL"));
    }

    #[test]
    fn what_is_no_status_is_refused() {
        assert!(status(&answer(&["Invalid command"])).is_err());
        assert!(status(b"").is_err());
        assert!(status(b"\x00\x09STATUS").is_err());
        assert!(Collector::default().take(b"HTTP/1.1 400 Bad Request\r\n").is_err());
        assert!(Collector::default().take(b"\0\0more").is_err());
        let mut endless = Collector::default();
        let line = answer(&["KEY : value"]);
        let line = &line[..line.len() - 2];
        assert!((0..10_000).any(|_| endless.take(line).is_err()));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(
            lines in prop::collection::vec("(STATFLAG|STATUS|TIMELEFT|LINEV|UPSNAME)? *:? *(0x[0-9A-F]{0,9}|[0-9.]{0,40}|N/A|.{0,9}) ?(Minutes|é)?", 0..8),
            noise in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let _ = status(&answer(&lines));
            let _ = status(&noise);
            let mut collector = Collector::default();
            let _ = collector.take(&noise);
        }
    }
}
