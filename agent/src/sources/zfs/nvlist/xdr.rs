//! The XDR encoding (RFC 4506: big-endian units of four bytes). A pair is its size here, its size when unpacked, its name,
//! type, number of elements and value; two zero units end a list, and each list begins with version and flags.

use std::borrow::Cow;

use super::numbers::{Form, Numbers, integer};
use super::{DEPTH_MAX, HEADER_BYTES, List, Malformed, Value, kind};

/// The unit of XDR, in bytes.
const UNIT_BYTES: usize = 4;

pub(super) fn decode(bytes: &[u8]) -> Result<List<'_>, Malformed> {
    Reader { bytes, at: HEADER_BYTES }.list(0)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn bad(&self, problem: &'static str) -> Malformed {
        Malformed { at: self.at, problem }
    }

    /// The next so many bytes, and what fills them up to a whole unit.
    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let padded = length.checked_next_multiple_of(UNIT_BYTES);
        let end =
            padded.and_then(|length| self.at.checked_add(length)).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| self.bad("the bytes end"))?;
        let taken = &self.bytes[self.at..self.at + length];
        self.at = end;
        Ok(taken)
    }

    fn int(&mut self, width: usize, signed: bool) -> Result<i128, Malformed> {
        Ok(integer(self.take(width)?, true, signed))
    }

    fn count(&mut self) -> Result<usize, Malformed> {
        Ok(self.int(UNIT_BYTES, false)? as usize)
    }

    fn text(&mut self) -> Result<Cow<'a, str>, Malformed> {
        let length = self.count()?;
        Ok(String::from_utf8_lossy(self.take(length)?))
    }

    fn list(&mut self, depth: usize) -> Result<List<'a>, Malformed> {
        if depth > DEPTH_MAX {
            return Err(self.bad("lists nested too deep"));
        }
        if self.int(4, true)? != 0 {
            return Err(self.bad("unknown version of a list"));
        }
        self.count()?;
        let mut pairs = Vec::new();
        loop {
            let start = self.at;
            let (packed, unpacked) = (self.count()?, self.count()?);
            if unpacked == 0 {
                return Ok(List { pairs });
            }
            let name = self.text()?;
            let kind = self.int(4, true)? as i32;
            let elements = self.count()?;
            let value = match self.value(kind, elements, depth)? {
                // Only the size tells where it ends.
                Value::Unknown(kind) => {
                    self.at = start;
                    self.take(packed.max(UNIT_BYTES))?;
                    Value::Unknown(kind)
                }
                value => value,
            };
            pairs.push((name, value));
        }
    }

    fn value(&mut self, kind: i32, elements: usize, depth: usize) -> Result<Value<'a>, Malformed> {
        let form = array(kind);
        if elements == 0 {
            // An array without elements has no count either.
            return Ok(match (kind, form) {
                (kind::BOOLEAN, _) => Value::Flag,
                (kind::BYTE_ARRAY, _) => Value::Bytes(&[]),
                (kind::STRING_ARRAY, _) => Value::Texts(Vec::new()),
                (kind::NVLIST_ARRAY, _) => Value::Lists(Vec::new()),
                (_, Some(form)) => Value::Numbers(Numbers::new(&[], form)),
                _ => Value::Unknown(kind),
            });
        }
        Ok(match kind {
            kind::BOOLEAN => Value::Flag,
            kind::BOOLEAN_VALUE => Value::Bool(self.int(4, true)? != 0),
            // A unit each, of which the lowest byte or two count.
            kind::BYTE | kind::UINT8 => Value::Uint(u64::from(self.int(4, false)? as u8)),
            kind::INT8 => Value::Int(i64::from(self.int(4, true)? as i8)),
            kind::INT16 => Value::Int(i64::from(self.int(4, true)? as i16)),
            kind::UINT16 => Value::Uint(u64::from(self.int(4, false)? as u16)),
            kind::INT32 => Value::Int(self.int(4, true)? as i64),
            kind::UINT32 => Value::Uint(self.int(4, false)? as u64),
            kind::INT64 | kind::HRTIME => Value::Int(self.int(8, true)? as i64),
            kind::UINT64 => Value::Uint(self.int(8, false)? as u64),
            kind::DOUBLE => Value::Double(f64::from_bits(self.int(8, false)? as u64)),
            kind::STRING => Value::Text(self.text()?),
            kind::BYTE_ARRAY => Value::Bytes(self.take(elements)?),
            kind::STRING_ARRAY => {
                let mut texts = Vec::new();
                for _ in 0..elements {
                    texts.push(self.text()?);
                }
                Value::Texts(texts)
            }
            kind::NVLIST => Value::List(self.list(depth + 1)?),
            kind::NVLIST_ARRAY => {
                let mut lists = Vec::new();
                for _ in 0..elements {
                    lists.push(self.list(depth + 1)?);
                }
                Value::Lists(lists)
            }
            other => match form {
                Some(form) => self.array(form, elements)?,
                None => Value::Unknown(other),
            },
        })
    }

    fn array(&mut self, form: Form, elements: usize) -> Result<Value<'a>, Malformed> {
        if self.count()? != elements {
            return Err(self.bad("an array with two lengths"));
        }
        let length =
            form.stride.checked_mul(elements).ok_or_else(|| self.bad("an array of impossible size"))?;
        Ok(Value::Numbers(Numbers::new(self.take(length)?, form)))
    }
}

fn array(kind: i32) -> Option<Form> {
    let (width, signed): (usize, bool) = match kind {
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
    let stride = width.next_multiple_of(UNIT_BYTES);
    Some(Form { stride, width, signed, big_endian: true, boolean: kind == kind::BOOLEAN_ARRAY })
}
