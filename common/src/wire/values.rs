//! Values of a reading: the shortest form that gives the same `f64`, nil for [`crate::batch::ABSENT`].
//!
//! Whole numbers are MessagePack integers. What has few decimals, as most counters of seconds do, and large multiples of
//! 1,024, as sizes are, is an extension: its type is how to scale, its data a big-endian two's complement integer of one,
//! two or four bytes. The rest is float 32 where that is exact, else float 64.

use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserializer, Serialize, Serializer};

use crate::batch::{ABSENT, is_absent};

/// Whole numbers up to here are exact in an `f64` (2^53).
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
/// Types 1 to 9: the integer counts units of 10 to the power of minus the type.
const POWERS: [f64; 9] = [1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
/// Type 10: the integer counts units of 1,024.
const KIBI: i8 = 10;

/// How a value is written.
#[derive(Debug, PartialEq)]
enum Form {
    Absent,
    Whole(i64),
    Scaled(i8, i32),
    Single(f32),
    Double(f64),
}

impl Form {
    fn of(value: f64) -> Self {
        if is_absent(value) {
            return Self::Absent;
        }
        if value.fract() == 0.0 && value.abs() <= WHOLE_MAX && (value != 0.0 || value.is_sign_positive()) {
            return Self::of_whole(value as i64);
        }
        let single = f64::from(value as f32) == value;
        match decimal(value) {
            // Five bytes either way above two bytes of data: the plain form then.
            Some((kind, number)) if !single || i16::try_from(number).is_ok() => Self::Scaled(kind, number),
            _ if single => Self::Single(value as f32),
            _ => Self::Double(value),
        }
    }

    fn of_whole(whole: i64) -> Self {
        let nine_bytes = whole > i64::from(u32::MAX) || whole < i64::from(i32::MIN);
        match i32::try_from(whole / 1024) {
            Ok(kibi) if nine_bytes && whole % 1024 == 0 => Self::Scaled(KIBI, kibi),
            _ => Self::Whole(whole),
        }
    }
}

/// Type and integer of a value with few decimals.
fn decimal(value: f64) -> Option<(i8, i32)> {
    for (kind, power) in (1..).zip(POWERS) {
        let number = (value * power).round();
        if number.abs() > f64::from(i32::MAX) {
            return None;
        }
        // The quotient of two exact numbers is the double nearest to the decimal: what parsing it gives.
        if number / power == value && number != 0.0 {
            return Some((kind, number as i32));
        }
    }
    None
}

impl Serialize for Form {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Absent => serializer.serialize_unit(),
            Self::Whole(value) => serializer.serialize_i64(value),
            Self::Single(value) => serializer.serialize_f32(value),
            Self::Double(value) => serializer.serialize_f64(value),
            Self::Scaled(kind, number) => {
                let bytes = number.to_be_bytes();
                let from = if i8::try_from(number).is_ok() {
                    3
                } else if i16::try_from(number).is_ok() {
                    2
                } else {
                    0
                };
                let data = serde_bytes::Bytes::new(bytes.get(from..).unwrap_or(&bytes));
                serializer.serialize_newtype_struct(rmp_serde::MSGPACK_EXT_STRUCT_NAME, &(kind, data))
            }
        }
    }
}

/// Writes the values.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
    let mut seq = serializer.serialize_seq(Some(values.len()))?;
    for &value in values {
        seq.serialize_element(&Form::of(value))?;
    }
    seq.end()
}

/// Reads the values.
///
/// # Errors
/// What is not an array of numbers, nil and the extensions above.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
    deserializer.deserialize_seq(Values)
}

struct Values;

impl<'de> Visitor<'de> for Values {
    type Value = Vec<f64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of numbers and nil")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<f64>, A::Error> {
        let mut values = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(4096));
        while let Some(Number(value)) = seq.next_element()? {
            values.push(value);
        }
        Ok(values)
    }
}

struct Number(f64);

impl<'de> serde::Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl<'de> Visitor<'de> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or nil")
    }

    fn visit_unit<E>(self) -> Result<Number, E> {
        Ok(Number(ABSENT))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Number, E> {
        Ok(Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Number, E> {
        Ok(Number(value as f64))
    }

    fn visit_f32<E>(self, value: f32) -> Result<Number, E> {
        Ok(Number(f64::from(value)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Number, E> {
        // A stale marker sent as a float means the same as nil; any other NaN is an ordinary NaN.
        Ok(Number(value))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, extension: D) -> Result<Number, D::Error> {
        extension.deserialize_any(Extension)
    }
}

/// An extension, which comes as a sequence of its type and its data.
struct Extension;

impl<'de> Visitor<'de> for Extension {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an extension of type 1 to 10 with 1, 2 or 4 bytes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Number, A::Error> {
        use serde::de::Error;
        let kind: i8 = seq.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
        let Integer(number) = seq.next_element()?.ok_or_else(|| A::Error::invalid_length(1, &self))?;
        if kind == KIBI {
            return Ok(Number(f64::from(number) * 1024.0));
        }
        let power = usize::try_from(kind).ok().and_then(|kind| POWERS.get(kind.wrapping_sub(1)));
        power
            .map(|power| Number(f64::from(number) / power))
            .ok_or_else(|| A::Error::custom(format!("a value is an extension of the unknown type {kind}")))
    }
}

struct Integer(i32);

impl<'de> serde::Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(IntegerVisitor)
    }
}

struct IntegerVisitor;

impl Visitor<'_> for IntegerVisitor {
    type Value = Integer;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("1, 2 or 4 bytes")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Integer, E> {
        match *bytes {
            [a] => Ok(Integer(i32::from(a.cast_signed()))),
            [a, b] => Ok(Integer(i32::from(i16::from_be_bytes([a, b])))),
            [a, b, c, d] => Ok(Integer(i32::from_be_bytes([a, b, c, d]))),
            _ => Err(E::invalid_length(bytes.len(), &self)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_value_takes_its_shortest_form() {
        let cases = [
            (ABSENT, Form::Absent),
            (0.0, Form::Whole(0)),
            (-0.0, Form::Single(-0.0)),
            (46_231.57, Form::Scaled(2, 4_623_157)),
            (-0.1, Form::Scaled(1, -1)),
            (0.25, Form::Scaled(2, 25)),
            (1234.5, Form::Scaled(1, 12_345)),
            (16_777_215.5, Form::Scaled(1, 167_772_155)),
            (0.000_123, Form::Scaled(6, 123)),
            (4_294_967_296.0, Form::Scaled(KIBI, 4_194_304)),
            (4_294_967_297.0, Form::Whole(4_294_967_297)),
            (1024.0, Form::Whole(1024)),
            (1.0 / 3.0, Form::Double(1.0 / 3.0)),
            (f64::INFINITY, Form::Single(f32::INFINITY)),
            (2f64.powi(-20), Form::Single(2f32.powi(-20))),
        ];
        for (value, form) in cases {
            assert_eq!(Form::of(value), form, "{value}");
        }
    }

    fn round(values: &[f64]) -> Result<Vec<f64>, Box<dyn std::error::Error>> {
        let mut bytes = Vec::new();
        serialize(values, &mut rmp_serde::Serializer::new(&mut bytes))?;
        Ok(deserialize(&mut rmp_serde::Deserializer::new(bytes.as_slice()))?)
    }

    proptest! {
        #[test]
        fn every_value_survives(any in any::<f64>(), number in any::<i32>(), power in 0..10i32, kibi in any::<i32>()) {
            let decimal = f64::from(number) / 10f64.powi(power);
            let values = [any, decimal, f64::from(kibi) * 1024.0, f64::from(number), ABSENT, -0.0];
            let read = round(&values).map_err(|error| TestCaseError::fail(error.to_string()))?;
            let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&read), bits(&values));
        }
    }
}
