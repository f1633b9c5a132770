//! Numbers and texts out of bytes that a controller sent. What lies past their end is `None`, never a zero.

/// Bytes at an offset, as an array; `None` when they are not all there.
pub(super) fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// A little-endian number of 2 bytes.
pub(super) fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

/// A little-endian number of 3 bytes.
pub(super) fn le24(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(|[low, middle, high]| u32::from_le_bytes([low, middle, high, 0]))
}

/// A little-endian number of 4 bytes.
pub(super) fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

/// Hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A text behind its type and length byte (IPMI 2.0, 43.15; FRU Information Storage Definition 1.0, 13): BCD plus, packed
/// 6-bit ASCII, or Latin-1. Controls become spaces, the space around it goes.
pub(super) fn text(kind_and_length: u8, bytes: &[u8]) -> String {
    let bytes = bytes.get(..usize::from(kind_and_length & 0x3f)).unwrap_or(bytes);
    let text: String = match kind_and_length >> 6 {
        1 => bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]).map(bcd_plus).collect(),
        2 => six_bit(bytes),
        _ => bytes.iter().take_while(|byte| **byte != 0).map(|byte| char::from(*byte)).collect(),
    };
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.trim().to_owned()
}

fn bcd_plus(digit: u8) -> char {
    match digit {
        0..=9 => char::from(b'0' + digit),
        10 => ' ',
        11 => '-',
        12 => '.',
        13 => ':',
        14 => ',',
        _ => '_',
    }
}

/// Four characters from 20h on in each three bytes, the first in the lowest bits.
fn six_bit(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().rev().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let characters = chunk.len() * 8 / 6;
        text.extend((0..characters).map(|at| char::from(0x20 + (bits >> (6 * at) & 0x3f) as u8)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_of_each_kind_are_read() {
        assert_eq!(text(0xc8, b"CPU Temp"), "CPU Temp");
        assert_eq!(text(0xc8, b"FAN1"), "FAN1", "shorter than it says");
        assert_eq!(text(0xc3, b"\xb5V\x07"), "µV");
        // The example of the FRU definition, 13.
        assert_eq!(text(0x83, &[0x29, 0xdc, 0xa6]), "IPMI");
        assert_eq!(text(0x42, &[0x12, 0xb3]), "12-3");
        assert_eq!((le24(&[1, 2, 3], 0), le24(&[1, 2], 0), le16(&[1, 2], 1)), (Some(0x03_0201), None, None));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(kind in any::<u8>(), bytes in prop::collection::vec(any::<u8>(), 0..80), at in any::<usize>()) {
            prop_assert!(text(kind, &bytes).chars().count() <= 126);
            let _ = (le16(&bytes, at), le24(&bytes, at), le32(&bytes, at), hex(&bytes));
        }
    }
}
