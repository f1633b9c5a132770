//! NUT's network protocol (RFC 9271; docs/net-protocol.txt), the client's half: what is asked, when an answer is complete, what it says.
//! Knows bytes only.

use std::fmt;

/// Most bytes of an answer.
pub const ANSWER_BYTES_MAX: usize = 256 << 10;
/// Most bytes of a line: the longest value that NUT keeps has 256, twice as many when each is escaped.
pub const LINE_BYTES_MAX: usize = 4096;
/// Most UPSes of a server that are read.
pub const UNITS_MAX: usize = 32;
/// Most variables of a UPS that are read.
pub const VARIABLES_MAX: usize = 1024;
/// Longest name of a UPS or a variable, in bytes.
const NAME_BYTES_MAX: usize = 128;
/// Most characters of a value that are kept: a label holds 1024 bytes.
const VALUE_CHARS_MAX: usize = 255;

/// What a server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question<'a> {
    /// Which program it is.
    Version,
    /// Which UPSes it has.
    Units,
    /// All variables of one.
    Variables(&'a str),
    /// How many clients hang on one.
    Logins(&'a str),
}

/// What is wrong with an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The server refuses, with this word: `DATA-STALE`.
    Refused(String),
    /// It is no answer as the protocol has it.
    Malformed(&'static str),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(word) => write!(f, "the server refuses: {word}"),
            Self::Malformed(what) => f.write_str(what),
        }
    }
}

impl Question<'_> {
    /// The line that is sent.
    pub fn command(&self) -> String {
        match self {
            Self::Version => "VER\n".to_owned(),
            Self::Units => "LIST UPS\n".to_owned(),
            Self::Variables(unit) => format!("LIST VAR {}\n", quoted(unit)),
            Self::Logins(unit) => format!("GET NUMLOGINS {}\n", quoted(unit)),
        }
    }

    /// Name of the answer in a capture.
    pub fn key(&self) -> String {
        match self {
            Self::Version => "ver".to_owned(),
            Self::Units => "list-ups".to_owned(),
            Self::Variables(unit) => format!("list-var-{}", key_part(unit)),
            Self::Logins(unit) => format!("get-numlogins-{}", key_part(unit)),
        }
    }
}

/// A word as it is sent: in quotes if it is not plain, with backslashes before quotes and backslashes.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | ':');
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    let mut text = String::from("\"");
    for c in word.chars().filter(|c| !c.is_control()) {
        if matches!(c, '"' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
    text
}

/// A name as part of the name of a file: what is not plain becomes `_` and its number.
fn key_part(name: &str) -> String {
    let mut key = String::new();
    for c in name.chars() {
        match c {
            'a'..='z' | '0'..='9' | '-' | '.' => key.push(c),
            _ => key.push_str(&format!("_{:x}_", u32::from(c))),
        }
    }
    key
}

/// Collects an answer until it is complete: a line, or a list from `BEGIN LIST` to `END LIST`.
#[derive(Debug, Default)]
pub struct Collector {
    bytes: Vec<u8>,
    line_start: usize,
    in_list: bool,
    complete: bool,
}

impl Collector {
    /// Takes what has come; whether the answer is complete.
    ///
    /// # Errors
    /// It grows beyond the limits, or goes on behind its end.
    pub fn take(&mut self, bytes: &[u8]) -> Result<bool, Problem> {
        if self.bytes.len() + bytes.len() > ANSWER_BYTES_MAX {
            return Err(Problem::Malformed("its answer is longer than any upsd's"));
        }
        self.bytes.extend_from_slice(bytes);
        while let Some(rest) = self.bytes.get(self.line_start..) {
            let end = rest.iter().position(|byte| *byte == b'\n');
            if end.unwrap_or(rest.len()) > LINE_BYTES_MAX {
                return Err(Problem::Malformed("a line of its answer is longer than any upsd's"));
            }
            let Some(end) = end else { break };
            if self.complete {
                break;
            }
            let line = rest.get(..end).unwrap_or_default();
            let first = self.line_start == 0;
            self.in_list |= first && line.starts_with(b"BEGIN LIST");
            self.complete = !self.in_list || line.starts_with(b"END LIST");
            self.line_start += end + 1;
        }
        if self.complete && self.line_start < self.bytes.len() {
            return Err(Problem::Malformed("it says more than it was asked"));
        }
        Ok(self.complete)
    }

    /// What was collected.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Name and description of each UPS in an answer to [`Question::Units`].
///
/// # Errors
/// A refusal, or what is no such list.
pub fn units(answer: &[u8]) -> Result<Vec<(String, String)>, Problem> {
    let rows = list(answer, &["UPS"])?;
    let pair = |row: Vec<String>| match <[String; 2]>::try_from(row) {
        Ok([name, text]) => is_name(&name).then(|| (name, clean(&text))),
        Err(_) => None,
    };
    Ok(rows.into_iter().filter_map(pair).take(UNITS_MAX).collect())
}

/// Names and values in an answer to [`Question::Variables`].
///
/// # Errors
/// A refusal, or what is no such list.
pub fn variables(answer: &[u8], unit: &str) -> Result<Vec<(String, String)>, Problem> {
    let rows = list(answer, &["VAR", unit])?;
    let pair = |row: Vec<String>| match <[String; 2]>::try_from(row) {
        Ok([name, text]) => is_variable(&name).then(|| (name, clean(&text))),
        Err(_) => None,
    };
    Ok(rows.into_iter().filter_map(pair).take(VARIABLES_MAX).collect())
}

/// The number in an answer to [`Question::Logins`].
///
/// # Errors
/// A refusal, or what is no such number.
pub fn logins(answer: &[u8], unit: &str) -> Result<i64, Problem> {
    let words = words(&line(answer)?)?;
    match words.as_slice() {
        [head, name, number] if head == "NUMLOGINS" && name == unit => {
            number.parse().map_err(|_| Problem::Malformed("its number of clients is no number"))
        }
        _ => Err(Problem::Malformed("it answers something else than was asked")),
    }
}

/// The version in an answer to [`Question::Version`]: `Network UPS Tools upsd 2.8.0 - http://www.networkupstools.org/`.
///
/// # Errors
/// A refusal.
pub fn version(answer: &[u8]) -> Result<String, Problem> {
    let line = line(answer)?;
    let after = line.split_once("upsd ").map_or(line.as_str(), |(_, after)| after);
    Ok(clean(after.split_whitespace().next().unwrap_or_default()))
}

/// Whether a command (`STARTTLS`, `USERNAME`, `PASSWORD`) was accepted.
///
/// # Errors
/// It was not.
pub fn accepted(answer: &[u8]) -> Result<(), Problem> {
    match line(answer)?.starts_with("OK") {
        true => Ok(()),
        false => Err(Problem::Malformed("it answers something else than was asked")),
    }
}

/// The one line of an answer that is no refusal.
fn line(answer: &[u8]) -> Result<String, Problem> {
    let text = String::from_utf8_lossy(answer);
    let line = text.lines().next().unwrap_or_default().trim();
    match line.strip_prefix("ERR") {
        Some(words) => Err(Problem::Refused(clean(words.split_whitespace().next().unwrap_or("ERR")))),
        None => Ok(line.to_owned()),
    }
}

/// What stands behind `head` in each line of the list of that name. A line of another form is left out.
fn list(answer: &[u8], head: &[&str]) -> Result<Vec<Vec<String>>, Problem> {
    const NO_LIST: Problem = Problem::Malformed("it answers something else than the list it was asked for");
    line(answer)?;
    let text = String::from_utf8_lossy(answer);
    let mut lines = text.lines();
    let begin = words(lines.next().unwrap_or_default())?;
    match begin.strip_prefix(["BEGIN".to_owned(), "LIST".to_owned()].as_slice()) {
        Some(rest) if rest == head => {}
        _ => return Err(NO_LIST),
    }
    let mut rows = Vec::new();
    for line in lines {
        if line.starts_with("END LIST") {
            return Ok(rows);
        }
        let Ok(mut words) = words(line) else { continue };
        if words.len() > head.len() && words.iter().zip(head).all(|(word, wanted)| word == wanted) {
            rows.push(words.split_off(head.len()));
        }
    }
    Err(Problem::Malformed("its list has no end"))
}

/// The words of a line: parted by space, or in quotes; a backslash takes the next character as it is.
pub fn words(line: &str) -> Result<Vec<String>, Problem> {
    let mut words = Vec::new();
    let mut chars = line.trim_end_matches(['\r', '\n']).chars();
    let mut word: Option<String> = None;
    let mut in_quotes = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => word.get_or_insert_default().push(chars.next().ok_or(OPEN)?),
            '"' if in_quotes => {
                in_quotes = false;
                words.extend(word.take());
            }
            '"' => {
                words.extend(word.take());
                (in_quotes, word) = (true, Some(String::new()));
            }
            ' ' | '\t' if !in_quotes => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    if in_quotes {
        return Err(OPEN);
    }
    words.extend(word);
    Ok(words)
}

const OPEN: Problem = Problem::Malformed("a quote is not closed");

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.chars().any(char::is_control)
}

fn is_variable(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    is_name(name) && name.bytes().all(fits)
}

/// A text fit for labels and pages.
pub(super) fn clean(text: &str) -> String {
    text.trim().chars().take(VALUE_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIST: &[u8] = b"BEGIN LIST VAR myups\nVAR myups ups.mfr \"A \\\"P\\\" C\\\\\"\nVAR myups ups.status \"OL CHRG\"\n\
        VAR other ups.load \"1\"\nVAR myups bad name \"x\"\nVAR myups ups.load \"open\nnoise\nEND LIST VAR myups\n";

    #[test]
    fn lists_are_read_and_odd_lines_left_out() {
        let expected = [("ups.mfr", "A \"P\" C\\"), ("ups.status", "OL CHRG")];
        let found = variables(LIST, "myups").unwrap();
        let found: Vec<(&str, &str)> =
            found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, expected);
        assert!(matches!(variables(LIST, "other"), Err(Problem::Malformed(_))));
        let list =
            b"BEGIN LIST UPS\nUPS myups \"A \\\"small\\\" one\"\nUPS b \"Unavailable\"\nEND LIST UPS\n";
        let found = units(list).unwrap();
        assert_eq!(found[0], ("myups".to_owned(), "A \"small\" one".to_owned()));
        assert_eq!(found.len(), 2);
        assert_eq!(units(b"BEGIN LIST UPS\nUPS a \"b\"\n"), Err(Problem::Malformed("its list has no end")));
    }

    #[test]
    fn refusals_have_their_word() {
        let refused = |word: &str| Problem::Refused(word.to_owned());
        assert_eq!(variables(b"ERR DATA-STALE\n", "a"), Err(refused("DATA-STALE")));
        assert_eq!(logins(b"ERR DRIVER-NOT-CONNECTED extra\n", "a"), Err(refused("DRIVER-NOT-CONNECTED")));
        assert_eq!(accepted(b"ERR FEATURE-NOT-CONFIGURED\n"), Err(refused("FEATURE-NOT-CONFIGURED")));
        assert_eq!(accepted(b"OK STARTTLS\n"), Ok(()));
        assert!(accepted(b"HTTP/1.1 400 Bad Request\n").is_err());
        assert_eq!(logins(b"NUMLOGINS a 2\n", "a"), Ok(2));
        let version_line = b"Network UPS Tools upsd 2.8.0 - http://www.networkupstools.org/\n";
        assert_eq!(version(version_line), Ok("2.8.0".to_owned()));
    }

    #[test]
    fn an_answer_ends_where_it_ends() {
        let mut collector = Collector::default();
        for byte in &LIST[..LIST.len() - 1] {
            assert_eq!(collector.take(&[*byte]), Ok(false));
        }
        assert_eq!(collector.take(b"\n"), Ok(true));
        assert_eq!(collector.into_bytes(), LIST);
        assert_eq!(Collector::default().take(b"OK\n"), Ok(true));
        assert!(Collector::default().take(b"OK\nmore").is_err());
        assert!(Collector::default().take(&[b'x'; LINE_BYTES_MAX + 1]).is_err());
        let mut endless = Collector::default();
        assert_eq!(endless.take(b"BEGIN LIST VAR a\n"), Ok(false));
        let line = b"VAR a b \"c\"\n".repeat(300);
        assert!((0..100).any(|_| endless.take(&line).is_err()));
    }

    #[test]
    fn what_is_sent_is_quoted_and_named() {
        assert_eq!(Question::Variables("my ups").command(), "LIST VAR \"my ups\"\n");
        assert_eq!(quoted("a\"b\\c\nUSERNAME x"), "\"a\\\"b\\\\cUSERNAME x\"");
        assert_eq!(Question::Variables("My/UPS").key(), "list-var-_4d_y_2f__55__50__53_");
        assert_ne!(Question::Variables("a_2f_").key(), Question::Variables("a/").key());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(pieces in prop::collection::vec(
            prop_oneof![
                "(BEGIN LIST (UPS|VAR a)\n|VAR a [a-z.]{1,9} \"|\"\n|END LIST\n|ERR [A-Z-]{0,9}|\\\\|\"| |\n){0,12}".prop_map(String::into_bytes),
                prop::collection::vec(any::<u8>(), 0..40),
            ], 0..6)) {
            let mut collector = Collector::default();
            for piece in &pieces {
                if collector.take(piece) != Ok(false) {
                    break;
                }
            }
            let bytes = collector.into_bytes();
            let _ = (units(&bytes), variables(&bytes, "a"), logins(&bytes, "a"), version(&bytes), accepted(&bytes));
        }

        #[test]
        fn what_is_quoted_is_one_word_again(word in "[^\\pC]{1,20}") {
            prop_assert_eq!(words(&quoted(&word)), Ok(vec![word]));
        }
    }
}
