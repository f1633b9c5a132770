//! One item on disk.
//!
//! ```text
//! offset  bytes  content (integers little-endian)
//!      0      4  "HIo1"
//!      4      2  s, length of the subject
//!      6      2  i, length of the message id
//!      8      4  p, length of the payload
//!     12      s  subject
//!   12+s      i  message id
//! 12+s+i      4  CRC-32 (IEEE) of everything above
//!      …      p  payload
//!      …      4  CRC-32 (IEEE) of the payload
//! ```
//!
//! Two checksums, so that a damaged payload still tells which message is lost. Where the first one fails, the reader
//! looks for the next "HIo1" whose checksum holds and goes on there.

use bytes::Bytes;

use super::Item;

const MAGIC: [u8; 4] = *b"HIo1";
const FIXED: usize = 12;
const CRC: usize = 4;
/// Largest record believed, in bytes: nothing larger is ever written (NATS' `max_payload` is at most 64 MiB, ours 1 MiB).
pub const RECORD_BYTES_MAX: usize = 4 << 20;

/// What stands at the beginning of some bytes.
#[derive(Debug)]
pub enum Parsed {
    /// A whole record of this many bytes.
    Record(Item, usize),
    /// A record of this many bytes whose payload is damaged; the id is that of the lost item.
    DamagedPayload(String, usize),
    /// No record; the next may begin after this many bytes, or there is none.
    Garbage(usize),
}

/// Bytes a record of this item takes.
pub fn len(item: &Item) -> usize {
    FIXED + item.subject.len() + item.id.len() + CRC + item.payload.len() + CRC
}

/// Appends the record of an item. False, and nothing appended, for an item that no record can hold.
pub fn write(item: &Item, out: &mut Vec<u8>) -> bool {
    let (Ok(subject), Ok(id), Ok(payload)) =
        (u16::try_from(item.subject.len()), u16::try_from(item.id.len()), u32::try_from(item.payload.len()))
    else {
        return false;
    };
    if len(item) > RECORD_BYTES_MAX {
        return false;
    }
    let start = out.len();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&subject.to_le_bytes());
    out.extend_from_slice(&id.to_le_bytes());
    out.extend_from_slice(&payload.to_le_bytes());
    out.extend_from_slice(item.subject.as_bytes());
    out.extend_from_slice(item.id.as_bytes());
    let crc = crc32fast::hash(&out[start..]);
    out.extend_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(&item.payload);
    out.extend_from_slice(&crc32fast::hash(&item.payload).to_le_bytes());
    true
}

/// Reads what stands at the beginning of `bytes`, which are not empty.
pub fn parse(bytes: &[u8]) -> Parsed {
    let Some((head, payload_len)) = head(bytes) else { return Parsed::Garbage(next_head(bytes)) };
    let (subject, id, start) = head;
    let Some(payload) = bytes.get(start..start + payload_len) else {
        // Cut off: what is left of it holds no other record, or one that is found by looking for it.
        return match next_head(bytes) {
            end if end == bytes.len() => Parsed::DamagedPayload(id, end),
            next => Parsed::DamagedPayload(id, next),
        };
    };
    let end = start + payload_len;
    match le_u32(bytes, end) {
        Some(crc) if crc == crc32fast::hash(payload) => {
            let payload = Bytes::copy_from_slice(payload);
            Parsed::Record(Item { subject, id, payload }, end + CRC)
        }
        Some(_) => Parsed::DamagedPayload(id, end + CRC),
        None => Parsed::DamagedPayload(id, bytes.len()),
    }
}

type Head = (String, String, usize);

/// Subject, id, offset of the payload, and its length, when the head is whole.
fn head(bytes: &[u8]) -> Option<(Head, usize)> {
    if bytes.get(..4)? != MAGIC {
        return None;
    }
    let subject_len = usize::from(u16::from_le_bytes([*bytes.get(4)?, *bytes.get(5)?]));
    let id_len = usize::from(u16::from_le_bytes([*bytes.get(6)?, *bytes.get(7)?]));
    let payload_len = le_u32(bytes, 8)? as usize;
    let end = FIXED + subject_len + id_len;
    let covered = bytes.get(..end)?;
    if le_u32(bytes, end)? != crc32fast::hash(covered) || payload_len > RECORD_BYTES_MAX {
        return None;
    }
    let subject = std::str::from_utf8(&covered[FIXED..FIXED + subject_len]).ok()?;
    let id = std::str::from_utf8(&covered[FIXED + subject_len..]).ok()?;
    Some(((subject.to_owned(), id.to_owned(), end + CRC), payload_len))
}

/// Offset of the next whole head after the first byte; the length of `bytes` when there is none.
fn next_head(bytes: &[u8]) -> usize {
    let mut at = 1;
    while let Some(rest) = bytes.get(at..) {
        let Some(found) = rest.windows(MAGIC.len()).position(|window| window == MAGIC) else { break };
        if head(&rest[found..]).is_some() {
            return at + found;
        }
        at += found + 1;
    }
    bytes.len()
}

fn le_u32(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn item(n: u8) -> Item {
        Item {
            subject: "hi.v1.metrics.nas".into(),
            id: format!("id-{n}"),
            payload: Bytes::from(vec![n; 40 + usize::from(n)]),
        }
    }

    fn read_all(mut bytes: &[u8]) -> (Vec<String>, usize) {
        let (mut ids, mut damaged) = (Vec::new(), 0);
        while !bytes.is_empty() {
            let used = match parse(bytes) {
                Parsed::Record(item, used) => {
                    ids.push(item.id);
                    used
                }
                Parsed::DamagedPayload(_, used) | Parsed::Garbage(used) => {
                    damaged += 1;
                    used
                }
            };
            assert!(used > 0 && used <= bytes.len());
            bytes = &bytes[used..];
        }
        (ids, damaged)
    }

    fn three() -> Vec<u8> {
        let mut bytes = Vec::new();
        for n in 1..=3 {
            assert!(write(&item(n), &mut bytes));
        }
        bytes
    }

    #[test]
    fn what_was_written_is_read() {
        let bytes = three();
        assert_eq!(bytes.len(), (1..=3).map(|n| len(&item(n))).sum::<usize>());
        assert_eq!(read_all(&bytes).0, ["id-1", "id-2", "id-3"]);
        let Parsed::Record(first, _) = parse(&bytes) else { panic!() };
        assert_eq!(first, item(1));
    }

    proptest! {
        #[test]
        fn one_flipped_bit_costs_one_record(at in 0usize..300, bit in 0u8..8) {
            let mut bytes = three();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            let (ids, damaged) = read_all(&bytes);
            prop_assert_eq!(ids.len(), 2, "{:?}", ids);
            prop_assert_eq!(damaged, 1);
        }

        #[test]
        fn a_cut_costs_what_was_cut(keep in 0usize..300) {
            let bytes = three();
            let keep = keep % bytes.len();
            let whole = [len(&item(1)), len(&item(1)) + len(&item(2))];
            let expected = whole.iter().filter(|end| **end <= keep).count();
            prop_assert_eq!(read_all(&bytes[..keep]).0.len(), expected);
        }

        #[test]
        fn no_bytes_bring_the_reader_down(bytes in prop::collection::vec(any::<u8>(), 1..500)) {
            read_all(&bytes);
        }
    }
}
