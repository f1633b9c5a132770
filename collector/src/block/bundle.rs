//! Bundles: blocks of neighbouring series in one row, so that a flush writes a row for many series and not for each.
//!
//! Layout (`docs/reference/block.md`): one byte version, then for each block one byte `series − first series of the bundle`,
//! plus 32 when the block has the times of the one before, a varint with the length of what follows, and the block; in the
//! second case without its number of samples and its times. A series may be there several times. Pure; knows no database.

use super::varint::{Reader, put};
use super::{BlockError, times};
use crate::model::SeriesId;

const VERSION: u8 = 1;
/// Series of a bundle: enough that the row around them costs little, few enough that a reader of one fetches little that
/// it does not want.
pub const SERIES_PER_BUNDLE: i32 = 16;
/// Added to the series: the times are those of the block before.
const SAME_TIMES: u8 = 32;

/// The bundle that a series belongs to.
pub fn bundle_of(id: SeriesId) -> i32 {
    id.div_euclid(SERIES_PER_BUNDLE)
}

/// A bundle that is being made.
#[derive(Default)]
pub struct Bundle {
    bytes: Vec<u8>,
    /// Number of samples and times of the last block, as encoded.
    times: Vec<u8>,
}

impl Bundle {
    /// Appends an encoded block of a series.
    pub fn push(&mut self, id: SeriesId, block: &[u8]) {
        if self.bytes.is_empty() {
            self.bytes.push(VERSION);
        }
        let offset = id.rem_euclid(SERIES_PER_BUNDLE) as u8;
        let (head, rest) = block.split_at(block.len().min(1));
        let (block_times, values) = rest.split_at(times::length(rest).unwrap_or(0));
        if !block_times.is_empty() && *block_times == *self.times {
            self.bytes.push(offset | SAME_TIMES);
            put(&mut self.bytes, (head.len() + values.len()) as u64);
            self.bytes.extend_from_slice(head);
            self.bytes.extend_from_slice(values);
            return;
        }
        self.bytes.push(offset);
        put(&mut self.bytes, block.len() as u64);
        self.bytes.extend_from_slice(block);
        self.times.clear();
        self.times.extend_from_slice(block_times);
    }

    /// The bytes so far.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A block in a bundle.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Its series.
    pub id: SeriesId,
    head: &'a [u8],
    /// Number of samples and times, as encoded, when they stand with another block.
    times: &'a [u8],
    rest: &'a [u8],
}

impl Entry<'_> {
    /// The bytes of the block.
    pub fn block(&self) -> Vec<u8> {
        [self.head, self.times, self.rest].concat()
    }
}

/// The blocks of a bundle with their series, in the order they were appended. Ends at the first error.
pub struct Blocks<'a> {
    reader: Reader<'a>,
    /// First series of the bundle.
    first: SeriesId,
    /// Number of samples and times of the block before, as encoded.
    times: &'a [u8],
}

/// The blocks of a bundle.
///
/// # Errors
/// The bytes are no bundle.
pub fn blocks(bundle: i32, bytes: &[u8]) -> Result<Blocks<'_>, BlockError> {
    let mut reader = Reader(bytes);
    let version = reader.byte()?;
    if version != VERSION {
        return Err(BlockError::Version(version));
    }
    let first = bundle.checked_mul(SERIES_PER_BUNDLE);
    let first = first.ok_or(BlockError::Invalid("is of a bundle that cannot be"))?;
    Ok(Blocks { reader, first, times: &[] })
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Result<Entry<'a>, BlockError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.reader.0.is_empty() {
            return None;
        }
        let entry = self.entry();
        if entry.is_err() {
            self.reader.0 = &[];
        }
        Some(entry)
    }
}

impl<'a> Blocks<'a> {
    fn entry(&mut self) -> Result<Entry<'a>, BlockError> {
        let byte = self.reader.byte()?;
        let (offset, same_times) = (byte & (SAME_TIMES - 1), byte & SAME_TIMES != 0);
        let is_outside = byte >= 2 * SAME_TIMES || i32::from(offset) >= SERIES_PER_BUNDLE;
        if is_outside || (same_times && self.times.is_empty()) {
            return Err(BlockError::Invalid(
                "is of a series outside its bundle, or of times that are not there",
            ));
        }
        let length = usize::try_from(self.reader.unsigned()?).unwrap_or(usize::MAX);
        let (block, rest) = self.reader.0.split_at_checked(length).ok_or(BlockError::Short)?;
        self.reader.0 = rest;
        let id = self.first.saturating_add(i32::from(offset));
        let (head, rest) = block.split_at_checked(1).ok_or(BlockError::Short)?;
        if same_times {
            return Ok(Entry { id, head, times: self.times, rest });
        }
        self.times = rest.get(..times::length(rest).unwrap_or(0)).unwrap_or_default();
        Ok(Entry { id, head, times: &[], rest })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;
    use crate::block;
    use proptest::prelude::*;

    fn encoded(times: &[i64], value: f64) -> Vec<u8> {
        let mut bytes = Vec::new();
        block::encode(times, &vec![value; times.len()], &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn golden_bundle_of_version_1() {
        let (regular, late) = ([1000, 2000, 3000, 4000, 5000, 6000], [1000, 2000]);
        let irregular = [1000, 2500, 2600, 9000, 9001];
        let mut bundle = Bundle::default();
        for (id, times, value) in [
            (64, &regular[..], 7.0),
            (65, &regular, 3.0),
            (79, &late, 3.0),
            (66, &irregular, 1.0),
            (66, &irregular, 2.0),
        ] {
            bundle.push(id, &encoded(times, value));
        }
        let bytes = bundle.bytes();
        // Constant whole: head 10, 6 samples from 1000 in steps of 1000 without exceptions, value 7; then head and value 3.
        let golden = [1, 0, 8, 0x10, 6, 0xd0, 0x0f, 0xd0, 0x0f, 0, 14, 33, 2, 0x10, 6, 15, 8, 0x10, 2];
        assert_eq!(bytes[..golden.len()], golden);
        assert_eq!((bundle_of(64), bundle_of(79), bundle_of(80)), (4, 4, 5));
        let read: Vec<_> = blocks(4, bytes).unwrap().map(Result::unwrap).collect();
        let ids: Vec<SeriesId> = read.iter().map(|entry| entry.id).collect();
        assert_eq!(ids, [64, 65, 79, 66, 66]);
        assert_eq!(read[1].block(), encoded(&regular, 3.0));
        assert_eq!(read[4].block(), encoded(&irregular, 2.0));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert_eq!(blocks(0, &[]).err(), Some(BlockError::Short));
        assert_eq!(blocks(0, &[9]).err(), Some(BlockError::Version(9)));
        let ends = |bytes: &[u8]| blocks(0, bytes).unwrap().last().unwrap().err().unwrap();
        assert_eq!(ends(&[1, 3, 2, 0]), BlockError::Short);
        assert_eq!(ends(&[1, 3, 0]), BlockError::Short);
        assert!(matches!(ends(&[1, 64, 1, 0]), BlockError::Invalid(_)));
        assert!(matches!(ends(&[1, 16, 1, 0]), BlockError::Invalid(_)));
        assert!(matches!(ends(&[1, 33, 1, 0]), BlockError::Invalid(_)));
        assert!(blocks(i32::MAX, &[1]).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bundle in any::<i32>(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(blocks) = blocks(bundle, &bytes) {
                prop_assert!(blocks.count() <= bytes.len());
            }
        }

        #[test]
        fn what_was_pushed_is_read(series in prop::collection::vec((0..16i32, 1..9usize, 0..3i64, any::<bool>()), 1..40)) {
            let mut bundle = Bundle::default();
            let pushed: Vec<_> = series
                .iter()
                .map(|(offset, count, start, irregular)| {
                    let time = |i: usize| start + 1000 * i as i64 + if *irregular { (i * i * i % 7) as i64 } else { 0 };
                    let times: Vec<i64> = (0..*count).map(time).collect();
                    (48 + offset, encoded(&times, 0.5))
                })
                .collect();
            pushed.iter().for_each(|(id, block)| bundle.push(*id, block));
            let read: Result<Vec<_>, _> = blocks(3, bundle.bytes()).unwrap().collect();
            let read: Vec<_> = read.unwrap().iter().map(|entry| (entry.id, entry.block())).collect();
            prop_assert_eq!(read, pushed);
        }
    }
}
