//! The native encoding: pairs as they lie in the memory of the machine that packed them (`nvpair_t` of nvpair.h). A pair
//! begins with its size, the size of its name, the number of its elements and its type; its value lies at the next multiple of
//! 8 from the pair's start. The pairs of a list within a pair follow that pair; four zero bytes end a list.

use std::borrow::Cow;

use super::numbers::{Form, Numbers, integer};
use super::{DEPTH_MAX, HEADER_BYTES, List, Malformed, Value, kind};

/// Version and flags of the outermost list.
const LIST_HEADER_BYTES: usize = 8;
/// Size, size of the name, reserve, number of elements, type.
const PAIR_HEADER_BYTES: usize = 16;
/// A pointer, meaningless when packed.
const POINTER_BYTES: usize = 8;
/// `nvlist_t` as it stands where the value of a list would.
const NVLIST_BYTES: usize = 24;

pub(super) fn decode(bytes: &[u8], big_endian: bool) -> Result<List<'_>, Malformed> {
    let mut reader = Reader { bytes, at: HEADER_BYTES, big_endian };
    let version = reader.int(HEADER_BYTES, 4)?;
    if version != 0 {
        return Err(reader.bad("unknown version of a list"));
    }
    reader.at += LIST_HEADER_BYTES;
    reader.list(0)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    big_endian: bool,
}

/// What the beginning of a pair says.
struct Pair<'a> {
    /// The value to the end of the pair.
    value: &'a [u8],
    kind: i32,
    elements: usize,
}

impl<'a> Reader<'a> {
    fn bad(&self, problem: &'static str) -> Malformed {
        Malformed { at: self.at, problem }
    }

    fn int(&self, at: usize, width: usize) -> Result<i128, Malformed> {
        let bytes = at.checked_add(width).and_then(|end| self.bytes.get(at..end));
        bytes.map(|bytes| integer(bytes, self.big_endian, true)).ok_or_else(|| self.bad("the bytes end"))
    }

    /// The pairs up to the four zero bytes.
    fn list(&mut self, depth: usize) -> Result<List<'a>, Malformed> {
        if depth > DEPTH_MAX {
            return Err(self.bad("lists nested too deep"));
        }
        let mut pairs = Vec::new();
        loop {
            let size = self.int(self.at, 4)?;
            if size == 0 {
                self.at += 4;
                return Ok(List { pairs });
            }
            let size = usize::try_from(size).map_err(|_| self.bad("a pair of negative size"))?;
            pairs.push(self.pair(size, depth)?);
        }
    }

    fn pair(&mut self, size: usize, depth: usize) -> Result<(Cow<'a, str>, Value<'a>), Malformed> {
        let end = self.at.checked_add(size).ok_or_else(|| self.bad("a pair of impossible size"))?;
        let pair = self.bytes.get(self.at..end).ok_or_else(|| self.bad("a pair longer than the bytes"))?;
        let name_bytes = usize::try_from(self.int(self.at + 4, 2)?).unwrap_or(0);
        let elements = self.int(self.at + 8, 4)?;
        let elements = usize::try_from(elements).map_err(|_| self.bad("a negative number of elements"))?;
        let kind = self.int(self.at + 12, 4)? as i32;
        let name = pair.get(PAIR_HEADER_BYTES..PAIR_HEADER_BYTES + name_bytes);
        let name = name.and_then(text).ok_or_else(|| self.bad("a name that does not end"))?;
        let value = pair.get((PAIR_HEADER_BYTES + name_bytes).next_multiple_of(8)..).unwrap_or(&[]);
        self.at = end;
        Ok((name, self.value(&Pair { value, kind, elements }, depth)?))
    }

    fn value(&mut self, pair: &Pair<'a>, depth: usize) -> Result<Value<'a>, Malformed> {
        let short = self.bad("a value that is not there");
        let fixed = |width: usize, signed: bool| {
            pair.value.get(..width).map(|bytes| integer(bytes, self.big_endian, signed)).ok_or(short)
        };
        let signed = |width| fixed(width, true).map(|number| Value::Int(number as i64));
        let plain = |width| fixed(width, false).map(|number| Value::Uint(number as u64));
        Ok(match pair.kind {
            kind::BOOLEAN => Value::Flag,
            kind::BOOLEAN_VALUE => Value::Bool(fixed(4, false)? != 0),
            kind::BYTE | kind::UINT8 => plain(1)?,
            kind::INT8 => signed(1)?,
            kind::INT16 => signed(2)?,
            kind::UINT16 => plain(2)?,
            kind::INT32 => signed(4)?,
            kind::UINT32 => plain(4)?,
            kind::INT64 | kind::HRTIME => signed(8)?,
            kind::UINT64 => plain(8)?,
            kind::DOUBLE => Value::Double(f64::from_bits(fixed(8, false)? as u64)),
            kind::STRING => Value::Text(text(pair.value).ok_or(short)?),
            kind::BYTE_ARRAY => Value::Bytes(pair.value.get(..pair.elements).ok_or(short)?),
            kind::STRING_ARRAY => Value::Texts(texts(pair).ok_or(short)?),
            kind::NVLIST => Value::List(self.list(depth + 1)?),
            kind::NVLIST_ARRAY => Value::Lists(self.lists(pair, depth)?),
            other => match array(other, self.big_endian) {
                Some(form) => {
                    let bytes = form.stride.checked_mul(pair.elements).and_then(|end| pair.value.get(..end));
                    Value::Numbers(Numbers::new(bytes.ok_or(short)?, form))
                }
                None => Value::Unknown(other),
            },
        })
    }

    fn lists(&mut self, pair: &Pair<'a>, depth: usize) -> Result<Vec<List<'a>>, Malformed> {
        let room = pair.elements.checked_mul(POINTER_BYTES + NVLIST_BYTES);
        if room.is_none_or(|room| room > pair.value.len()) {
            return Err(self.bad("more lists than the pair has room for"));
        }
        let mut lists = Vec::new();
        for _ in 0..pair.elements {
            lists.push(self.list(depth + 1)?);
        }
        Ok(lists)
    }
}

/// A text up to its NUL; `None` when there is none.
fn text(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let end = bytes.iter().position(|&byte| byte == 0)?;
    Some(String::from_utf8_lossy(&bytes[..end]))
}

/// Pointers first, then the texts one after the other.
fn texts<'a>(pair: &Pair<'a>) -> Option<Vec<Cow<'a, str>>> {
    let mut rest = pair.value.get(pair.elements.checked_mul(POINTER_BYTES)?..)?;
    let mut texts = Vec::new();
    for _ in 0..pair.elements {
        let end = rest.iter().position(|&byte| byte == 0)?;
        texts.push(String::from_utf8_lossy(&rest[..end]));
        rest = &rest[end + 1..];
    }
    Some(texts)
}

fn array(kind: i32, big_endian: bool) -> Option<Form> {
    let (width, signed) = match kind {
        kind::INT8_ARRAY => (1, true),
        kind::UINT8_ARRAY => (1, false),
        kind::INT16_ARRAY => (2, true),
        kind::UINT16_ARRAY => (2, false),
        kind::INT32_ARRAY | kind::BOOLEAN_ARRAY => (4, true),
        kind::UINT32_ARRAY => (4, false),
        kind::INT64_ARRAY => (8, true),
        kind::UINT64_ARRAY => (8, false),
        _ => return None,
    };
    Some(Form { stride: width, width, signed, big_endian, boolean: kind == kind::BOOLEAN_ARRAY })
}
