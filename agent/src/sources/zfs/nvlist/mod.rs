//! Name-value lists as OpenZFS packs them (include/sys/nvpair.h, module/nvpair/nvpair.c): what its ioctls answer and its
//! labels hold. Two encodings, native in either byte order and XDR (RFC 4506). Strings and arrays are borrowed from the
//! bytes; nothing is allocated for what the bytes merely claim.

pub mod json;
mod native;
mod numbers;
mod xdr;

use std::borrow::Cow;
use std::fmt;

pub use numbers::Numbers;

/// Deepest nesting that is followed; OpenZFS itself stops at 20 in user space. Pool configurations need about 6.
pub const DEPTH_MAX: usize = 24;
/// Longest input, in bytes: a pool of a thousand disks has about 10 MiB.
pub const BYTES_MAX: usize = 16 << 20;
/// The header: encoding, byte order, two reserved bytes.
const HEADER_BYTES: usize = 4;

/// A list of named values, in the order in which they were packed.
#[derive(Debug, Default, PartialEq)]
pub struct List<'a> {
    pairs: Vec<(Cow<'a, str>, Value<'a>)>,
}

/// A value: `data_type_t` of nvpair.h, integers of all widths as 64 bits.
#[derive(Debug, PartialEq)]
pub enum Value<'a> {
    /// Only the name counts.
    Flag,
    /// Yes or no.
    Bool(bool),
    /// A signed integer, also a time in nanoseconds.
    Int(i64),
    /// An unsigned integer, also a byte.
    Uint(u64),
    /// A floating point number.
    Double(f64),
    /// A text; U+FFFD for what is not UTF-8.
    Text(Cow<'a, str>),
    /// Bytes without meaning.
    Bytes(&'a [u8]),
    /// An array of integers or of booleans.
    Numbers(Numbers<'a>),
    /// An array of texts.
    Texts(Vec<Cow<'a, str>>),
    /// A list.
    List(List<'a>),
    /// An array of lists.
    Lists(Vec<List<'a>>),
    /// A type that is newer than this decoder; its number.
    Unknown(i32),
}

/// The numbers of `data_type_t`.
mod kind {
    pub(super) const BOOLEAN: i32 = 1;
    pub(super) const BYTE: i32 = 2;
    pub(super) const INT16: i32 = 3;
    pub(super) const UINT16: i32 = 4;
    pub(super) const INT32: i32 = 5;
    pub(super) const UINT32: i32 = 6;
    pub(super) const INT64: i32 = 7;
    pub(super) const UINT64: i32 = 8;
    pub(super) const STRING: i32 = 9;
    pub(super) const BYTE_ARRAY: i32 = 10;
    pub(super) const INT16_ARRAY: i32 = 11;
    pub(super) const UINT16_ARRAY: i32 = 12;
    pub(super) const INT32_ARRAY: i32 = 13;
    pub(super) const UINT32_ARRAY: i32 = 14;
    pub(super) const INT64_ARRAY: i32 = 15;
    pub(super) const UINT64_ARRAY: i32 = 16;
    pub(super) const STRING_ARRAY: i32 = 17;
    pub(super) const HRTIME: i32 = 18;
    pub(super) const NVLIST: i32 = 19;
    pub(super) const NVLIST_ARRAY: i32 = 20;
    pub(super) const BOOLEAN_VALUE: i32 = 21;
    pub(super) const INT8: i32 = 22;
    pub(super) const UINT8: i32 = 23;
    pub(super) const BOOLEAN_ARRAY: i32 = 24;
    pub(super) const INT8_ARRAY: i32 = 25;
    pub(super) const UINT8_ARRAY: i32 = 26;
    pub(super) const DOUBLE: i32 = 27;
}

/// Why bytes are no packed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Where, in bytes from the start.
    pub at: usize,
    /// What is wrong there.
    pub problem: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} at byte {}", self.problem, self.at)
    }
}

impl std::error::Error for Malformed {}

/// Decodes a packed list, whichever way it is encoded.
///
/// # Errors
/// Where the bytes stop being one: a list is taken whole or not at all.
pub fn decode(bytes: &[u8]) -> Result<List<'_>, Malformed> {
    let bad = |at, problem| Err(Malformed { at, problem });
    if bytes.len() > BYTES_MAX {
        return bad(BYTES_MAX, "more bytes than a list may have");
    }
    match bytes {
        [0, order @ (0 | 1), _, _, ..] => native::decode(bytes, *order == 0),
        [1, _, _, _, ..] => xdr::decode(bytes),
        [0, _, _, _, ..] => bad(1, "unknown byte order"),
        [_, _, _, _, ..] => bad(0, "unknown encoding"),
        _ => bad(bytes.len(), "too short for a header"),
    }
}

impl<'a> List<'a> {
    /// Names and values in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.pairs.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// A value by its name; the last one where a name stands twice.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.pairs.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// Whether there is a value of this name.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// An integer that is not negative.
    pub fn uint(&self, name: &str) -> Option<u64> {
        match self.get(name)? {
            Value::Uint(number) => Some(*number),
            Value::Int(number) => u64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// A text.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// An array of integers.
    pub fn numbers(&self, name: &str) -> Option<&Numbers<'a>> {
        match self.get(name)? {
            Value::Numbers(numbers) => Some(numbers),
            _ => None,
        }
    }

    /// A list in this one.
    pub fn list(&self, name: &str) -> Option<&List<'a>> {
        match self.get(name)? {
            Value::List(list) => Some(list),
            _ => None,
        }
    }

    /// An array of lists; empty when there is none.
    pub fn lists(&self, name: &str) -> &[List<'a>] {
        match self.get(name) {
            Some(Value::Lists(lists)) => lists,
            _ => &[],
        }
    }
}

#[cfg(test)]
pub(super) mod pack;
#[cfg(test)]
mod tests;
