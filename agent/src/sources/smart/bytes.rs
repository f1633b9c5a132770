//! Numbers and texts out of bytes that a device sent. What lies past their end is `None`, never a zero.

use serde::{Serialize, Serializer};

/// Bytes at an offset, as an array; `None` when they are not all there.
fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// One byte.
pub(super) fn byte(bytes: &[u8], at: usize) -> Option<u8> {
    bytes.get(at).copied()
}

/// A little-endian number of 2 bytes.
pub(super) fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

/// A little-endian number of 4 bytes.
pub(super) fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

/// A little-endian number of 8 bytes.
pub(super) fn le64(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_le_bytes)
}

/// A little-endian number of 16 bytes.
pub(super) fn le128(bytes: &[u8], at: usize) -> Option<Wide> {
    array(bytes, at).map(u128::from_le_bytes).map(Wide)
}

/// A big-endian number of 2 bytes.
pub(super) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_be_bytes)
}

/// A big-endian number of 4 bytes.
pub(super) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_be_bytes)
}

/// A big-endian number of 8 bytes.
pub(super) fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_be_bytes)
}

/// A big-endian number of as many bytes as there are: at most 8 that count.
pub(super) fn be_any(bytes: &[u8]) -> Option<u64> {
    let significant = &bytes[bytes.iter().position(|&b| b != 0).unwrap_or(bytes.len())..];
    if bytes.is_empty() || significant.len() > 8 {
        return None;
    }
    Some(significant.iter().fold(0, |number, &b| number << 8 | u64::from(b)))
}

/// A little-endian number of at most 8 bytes.
pub(super) fn le_any(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |number, &b| number << 8 | u64::from(b))
}

/// The printable ASCII of a field, without the space around it.
pub(super) fn ascii(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    let text: String =
        bytes[..end].iter().map(|&b| if b.is_ascii_graphic() { b as char } else { ' ' }).collect();
    text.trim().to_owned()
}

/// Whether all bytes of a structure add up to zero, as the last one makes them (ACS-4, 9.27.2.3).
pub(super) fn sums_to_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0_u8, |sum, &b| sum.wrapping_add(b)) == 0
}

/// A counter of 128 bits. In JSON a number where it fits into 64 bits, else its decimal digits as text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wide(pub u128);

impl Wide {
    /// The nearest number a sample can hold.
    pub fn as_f64(self) -> f64 {
        self.0 as f64
    }
}

impl Serialize for Wide {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match u64::try_from(self.0) {
            Ok(number) => serializer.serialize_u64(number),
            Err(_) => serializer.collect_str(&self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_have_their_order_and_end_with_the_bytes() {
        let bytes = [1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!((le16(&bytes, 0), be16(&bytes, 0)), (Some(0x0201), Some(0x0102)));
        assert_eq!((le32(&bytes, 4), be32(&bytes, 4)), (Some(0x0807_0605), Some(0x0506_0708)));
        assert_eq!((le64(&bytes, 0), be64(&bytes, 1)), (Some(0x0807_0605_0403_0201), None));
        assert_eq!((le16(&bytes, 7), le16(&bytes, usize::MAX)), (None, None));
        assert_eq!(be_any(&[0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6]), Some(0x0102_0304_0506));
        assert_eq!((be_any(&[]), be_any(&[0; 12]), be_any(&[1; 9])), (None, Some(0), None));
        assert_eq!(le_any(&[1, 2]), 0x0201);
        assert_eq!(ascii(b"  WD \x07Blue \0 junk"), "WD  Blue");
        assert_eq!(serde_json::to_string(&(Wide(7), Wide(u128::MAX))).unwrap().len(), "[7,\"\"]".len() + 39);
    }

    proptest! {
        #[test]
        fn no_offset_panics(bytes in prop::collection::vec(any::<u8>(), 0..20), at in any::<usize>()) {
            let _ = (byte(&bytes, at), le16(&bytes, at), le32(&bytes, at), le64(&bytes, at), le128(&bytes, at));
            let _ = (be16(&bytes, at), be32(&bytes, at), be64(&bytes, at), be_any(&bytes), le_any(&bytes), ascii(&bytes));
        }
    }
}
