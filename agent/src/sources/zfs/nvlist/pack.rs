//! Packs lists, for tests: the other half of both encodings.

use super::kind;

/// A value to pack.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::sources::zfs) enum Plain {
    Flag,
    Bool(bool),
    Byte(u8),
    Int(u8, i64),
    Uint(u8, u64),
    Time(i64),
    Double(f64),
    Text(String),
    Bytes(Vec<u8>),
    Ints(u8, Vec<i64>),
    Uints(u8, Vec<u64>),
    Bools(Vec<bool>),
    Texts(Vec<String>),
    List(Vec<(String, Plain)>),
    Lists(Vec<Vec<(String, Plain)>>),
}

impl Plain {
    /// Type and number of elements.
    fn head(&self) -> (i32, usize) {
        let width = |kinds: [i32; 4], width: u8| kinds[width.trailing_zeros() as usize];
        match self {
            Self::Flag => (kind::BOOLEAN, 0),
            Self::Bool(_) => (kind::BOOLEAN_VALUE, 1),
            Self::Byte(_) => (kind::BYTE, 1),
            Self::Int(bytes, _) => (width([kind::INT8, kind::INT16, kind::INT32, kind::INT64], *bytes), 1),
            Self::Uint(bytes, _) => {
                (width([kind::UINT8, kind::UINT16, kind::UINT32, kind::UINT64], *bytes), 1)
            }
            Self::Time(_) => (kind::HRTIME, 1),
            Self::Double(_) => (kind::DOUBLE, 1),
            Self::Text(_) => (kind::STRING, 1),
            Self::Bytes(bytes) => (kind::BYTE_ARRAY, bytes.len()),
            Self::Ints(bytes, all) => {
                let kinds = [kind::INT8_ARRAY, kind::INT16_ARRAY, kind::INT32_ARRAY, kind::INT64_ARRAY];
                (width(kinds, *bytes), all.len())
            }
            Self::Uints(bytes, all) => {
                let kinds = [kind::UINT8_ARRAY, kind::UINT16_ARRAY, kind::UINT32_ARRAY, kind::UINT64_ARRAY];
                (width(kinds, *bytes), all.len())
            }
            Self::Bools(all) => (kind::BOOLEAN_ARRAY, all.len()),
            Self::Texts(all) => (kind::STRING_ARRAY, all.len()),
            Self::List(_) => (kind::NVLIST, 1),
            Self::Lists(all) => (kind::NVLIST_ARRAY, all.len()),
        }
    }
}

/// The native encoding in either byte order.
pub(in crate::sources::zfs) fn native(list: &[(String, Plain)], big_endian: bool) -> Vec<u8> {
    let mut out = vec![0, u8::from(!big_endian), 0, 0];
    number(&mut out, 0, 4, big_endian);
    number(&mut out, 1, 4, big_endian);
    native_pairs(&mut out, list, big_endian);
    out
}

fn number(out: &mut Vec<u8>, value: u64, width: u8, big_endian: bool) {
    let bytes = value.to_le_bytes();
    let bytes = &bytes[..usize::from(width)];
    match big_endian {
        true => out.extend(bytes.iter().rev()),
        false => out.extend(bytes),
    }
}

fn native_pairs(out: &mut Vec<u8>, list: &[(String, Plain)], big: bool) {
    for (name, value) in list {
        let (kind, elements) = value.head();
        let mut pair = Vec::new();
        number(&mut pair, 0, 4, big);
        number(&mut pair, name.len() as u64 + 1, 2, big);
        number(&mut pair, 0, 2, big);
        number(&mut pair, elements as u64, 4, big);
        number(&mut pair, kind as u64, 4, big);
        pair.extend(name.as_bytes());
        pair.push(0);
        pair.resize(pair.len().next_multiple_of(8), 0);
        let mut add = |value: u64, width: u8| number(&mut pair, value, width, big);
        match value {
            Plain::Flag => {}
            Plain::Bool(yes) => add(u64::from(*yes), 4),
            Plain::Byte(byte) => add(u64::from(*byte), 1),
            Plain::Int(width, value) => add(*value as u64, *width),
            Plain::Uint(width, value) => add(*value, *width),
            Plain::Time(value) => add(*value as u64, 8),
            Plain::Double(value) => add(value.to_bits(), 8),
            Plain::Ints(width, all) => all.iter().for_each(|value| add(*value as u64, *width)),
            Plain::Uints(width, all) => all.iter().for_each(|value| add(*value, *width)),
            Plain::Bools(all) => all.iter().for_each(|yes| add(u64::from(*yes), 4)),
            Plain::Text(text) => pair.extend(text.bytes().chain([0])),
            Plain::Bytes(bytes) => pair.extend(bytes),
            Plain::Texts(all) => {
                pair.resize(pair.len() + 8 * all.len(), 0);
                all.iter().for_each(|text| pair.extend(text.bytes().chain([0])));
            }
            Plain::List(_) => pair.resize(pair.len() + 24, 0),
            Plain::Lists(all) => pair.resize(pair.len() + (8 + 24) * all.len(), 0),
        }
        pair.resize(pair.len().next_multiple_of(8), 0);
        let mut size = Vec::new();
        number(&mut size, pair.len() as u64, 4, big);
        pair[..4].copy_from_slice(&size);
        out.extend(pair);
        match value {
            Plain::List(list) => native_pairs(out, list, big),
            Plain::Lists(lists) => lists.iter().for_each(|list| native_pairs(out, list, big)),
            _ => {}
        }
    }
    out.extend([0; 4]);
}

/// The XDR encoding.
pub(in crate::sources::zfs) fn xdr(list: &[(String, Plain)]) -> Vec<u8> {
    let mut out = vec![1, 1, 0, 0];
    xdr_list(&mut out, list);
    out
}

fn opaque(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(bytes);
    out.resize(out.len().next_multiple_of(4), 0);
}

fn text(out: &mut Vec<u8>, text: &str) {
    number(out, text.len() as u64, 4, true);
    opaque(out, text.as_bytes());
}

fn xdr_list(out: &mut Vec<u8>, list: &[(String, Plain)]) {
    number(out, 0, 4, true);
    number(out, 1, 4, true);
    for (name, value) in list {
        let (kind, elements) = value.head();
        let mut pair = Vec::new();
        text(&mut pair, name);
        number(&mut pair, kind as u64, 4, true);
        number(&mut pair, elements as u64, 4, true);
        if elements > 0 {
            xdr_value(&mut pair, value, elements);
        }
        number(out, pair.len() as u64 + 8, 4, true);
        number(out, 64, 4, true);
        out.extend(pair);
    }
    out.extend([0; 8]);
}

fn xdr_value(pair: &mut Vec<u8>, value: &Plain, elements: usize) {
    if matches!(value, Plain::Ints(..) | Plain::Uints(..) | Plain::Bools(..)) {
        number(pair, elements as u64, 4, true);
    }
    let unit = |width: u8| width.max(4);
    match value {
        Plain::Flag => {}
        Plain::Bool(yes) => number(pair, u64::from(*yes), 4, true),
        Plain::Byte(byte) => number(pair, u64::from(*byte), 4, true),
        Plain::Int(width, value) => number(pair, *value as u64, unit(*width), true),
        Plain::Uint(width, value) => number(pair, *value, unit(*width), true),
        Plain::Time(value) => number(pair, *value as u64, 8, true),
        Plain::Double(value) => number(pair, value.to_bits(), 8, true),
        Plain::Ints(width, all) => {
            all.iter().for_each(|value| number(pair, *value as u64, unit(*width), true));
        }
        Plain::Uints(width, all) => all.iter().for_each(|value| number(pair, *value, unit(*width), true)),
        Plain::Bools(all) => all.iter().for_each(|yes| number(pair, u64::from(*yes), 4, true)),
        Plain::Text(value) => text(pair, value),
        Plain::Bytes(bytes) => opaque(pair, bytes),
        Plain::Texts(all) => all.iter().for_each(|value| text(pair, value)),
        Plain::List(list) => xdr_list(pair, list),
        Plain::Lists(lists) => lists.iter().for_each(|list| xdr_list(pair, list)),
    }
}
