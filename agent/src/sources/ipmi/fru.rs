//! What a field replaceable unit says of itself: product and board (Platform Management FRU Information Storage Definition 1.0,
//! revision 1.3). Pure.

use super::bytes::text;

/// What is told of the machine; empty where it is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fru {
    pub(super) product_manufacturer: String,
    pub(super) product: String,
    pub(super) part_number: String,
    pub(super) serial: String,
    pub(super) asset_tag: String,
    pub(super) board_manufacturer: String,
    pub(super) board: String,
    pub(super) board_serial: String,
}

/// Bytes of the common header (8).
pub(super) const HEADER_BYTES: usize = 8;

/// Where areas begin, by the common header: board and product, in bytes.
pub(super) fn areas(header: &[u8]) -> Option<(Option<u16>, Option<u16>)> {
    let header = header.get(..HEADER_BYTES)?;
    let sum = header.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    if header.first()? & 0xf != 1 || sum != 0 {
        return None;
    }
    let at = |index: usize| header.get(index).filter(|at| **at != 0).map(|at| u16::from(*at) * 8);
    Some((at(3), at(4)))
}

/// Length of an area, by its first two bytes.
pub(super) fn area_bytes(start: &[u8]) -> Option<u16> {
    Some(u16::from(*start.get(1)?) * 8)
}

/// Texts of an area from an offset on, up to the mark of the end.
fn texts(area: &[u8], mut at: usize) -> Vec<String> {
    const END: u8 = 0xc1;
    let mut texts = Vec::new();
    while let Some(kind) = area.get(at).filter(|kind| **kind != END) {
        let length = usize::from(kind & 0x3f);
        let bytes = area.get(at + 1..).unwrap_or_default();
        texts.push(text(*kind, bytes.get(..length).unwrap_or(bytes)));
        at += 1 + length;
    }
    texts
}

impl Fru {
    /// Adds a product area (12): maker, name, part number, version, serial number, asset tag.
    pub(super) fn product(&mut self, area: &[u8]) {
        let mut texts = texts(area, 3).into_iter();
        let mut next = || texts.next().unwrap_or_default();
        (self.product_manufacturer, self.product, self.part_number) = (next(), next(), next());
        let _version = next();
        (self.serial, self.asset_tag) = (next(), next());
    }

    /// Adds a board area (11): maker, name, serial number.
    pub(super) fn board(&mut self, area: &[u8]) {
        let mut texts = texts(area, 6).into_iter();
        let mut next = || texts.next().unwrap_or_default();
        (self.board_manufacturer, self.board, self.board_serial) = (next(), next(), next());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn area(start: &[u8], texts: &[&str]) -> Vec<u8> {
        let mut area = start.to_vec();
        for text in texts {
            area.push(0xc0 | text.len() as u8);
            area.extend(text.as_bytes());
        }
        area.push(0xc1);
        area.resize(area.len().next_multiple_of(8), 0);
        area[1] = (area.len() / 8) as u8;
        area
    }

    #[test]
    fn product_and_board_are_read() {
        let mut fru = Fru::default();
        let product = area(&[1, 0, 0x19], &["Supermicro", "X11SSH-F", "PN-1", "1.01", "S123456X7", "rack 2"]);
        assert_eq!(area_bytes(&product), Some(product.len() as u16));
        fru.product(&product);
        fru.board(&area(&[1, 0, 0x19, 1, 2, 3], &["Supermicro", "X11SSH", "ZM17AS"]));
        assert_eq!(
            (fru.product.as_str(), fru.serial.as_str(), fru.asset_tag.as_str()),
            ("X11SSH-F", "S123456X7", "rack 2")
        );
        assert_eq!((fru.board.as_str(), fru.board_serial.as_str()), ("X11SSH", "ZM17AS"));
        assert_eq!(areas(&[1, 0, 0, 1, 9, 0, 0, 0xf5]), Some((Some(8), Some(72))));
        assert_eq!((areas(&[0; 8]), areas(&[1, 0, 0, 1, 9, 0, 0, 0xf4]), areas(&[1])), (None, None, None));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut fru = Fru::default();
            fru.product(&bytes);
            fru.board(&bytes);
            let _ = (areas(&bytes), area_bytes(&bytes));
        }
    }
}
