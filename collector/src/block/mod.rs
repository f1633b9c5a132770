//! Blocks: samples of one series, encoded. Pure; knows no database.
//!
//! Layout (`docs/reference/block.md`): one byte `version << 4 | values codec`, then varints: number of samples, first time
//! (zigzag, Unix ms), step (zigzag, ms), number of exceptions; then the exceptions, then the values.
//!
//! * Times are `first + i · step`. An exception is a sample whose distance to the one before is not the step: how many
//!   samples after the exception before, and by how much it differs (zigzag). When more than a quarter are exceptions,
//!   the number of exceptions is written as `samples` (which cannot be: the first has none) and `pco` of the times follows.
//! * Values are one of: constant whole number (zigzag), constant (8 bytes), `pco` of whole numbers, `pco` of floats, `pco` of
//!   the bits (when a NaN is among them, whose payload must survive).
//!
//! "No value this time" is not in a block: the sample is left out.

pub mod bundle;
mod times;
mod varint;

use pco::ChunkConfig;
use pco::data_types::Number;
use pco::wrapped::{FileCompressor, FileDecompressor};

use crate::limits::{BLOCK_BYTES_MAX, BLOCK_SAMPLES_MAX};
use varint::{Reader, put, put_signed};

const VERSION: u8 = 1;
/// Whole numbers up to here are exact in an `f64` (2^53).
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// How the values are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Codec {
    ConstantWhole = 0,
    Constant = 1,
    Whole = 2,
    Float = 3,
    Bits = 4,
}

/// Why a block cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// It ends too soon.
    #[error("block ends too soon")]
    Short,
    /// It is of a version or codec this program does not know.
    #[error("block has version {0}, this program reads {VERSION}")]
    Version(u8),
    /// It says what cannot be.
    #[error("block {0}")]
    Invalid(&'static str),
    /// The compressed part is damaged.
    #[error("block cannot be decompressed: {0}")]
    Pco(String),
}

/// Encodes samples, ascending by time, at most [`BLOCK_SAMPLES_MAX`]. Appends to `out`.
///
/// # Errors
/// None that correct input meets; `pco` has an error type.
pub fn encode(times: &[i64], values: &[f64], out: &mut Vec<u8>) -> Result<(), BlockError> {
    let count = times.len();
    if count != values.len() || count == 0 || count > BLOCK_SAMPLES_MAX {
        return Err(BlockError::Invalid("must have as many times as values, at least one"));
    }
    let codec = codec_of(values);
    out.push(VERSION << 4 | codec as u8);
    put(out, count as u64);
    times::encode(times, out)?;
    let first = values[0];
    match codec {
        Codec::ConstantWhole => put_signed(out, first as i64),
        Codec::Constant => out.extend_from_slice(&first.to_bits().to_le_bytes()),
        Codec::Whole => compress(&values.iter().map(|v| *v as i64).collect::<Vec<_>>(), out)?,
        Codec::Float => compress(values, out)?,
        Codec::Bits => compress(&values.iter().map(|v| v.to_bits()).collect::<Vec<_>>(), out)?,
    }
    Ok(())
}

fn codec_of(values: &[f64]) -> Codec {
    let whole = |v: f64| v.fract() == 0.0 && v.abs() <= WHOLE_MAX && (v != 0.0 || v.is_sign_positive());
    let first = values.first().copied().unwrap_or(0.0);
    if values.iter().all(|v| v.to_bits() == first.to_bits()) {
        return if whole(first) { Codec::ConstantWhole } else { Codec::Constant };
    }
    if values.iter().all(|v| whole(*v)) {
        return Codec::Whole;
    }
    if values.iter().any(|v| v.is_nan()) { Codec::Bits } else { Codec::Float }
}

/// Decodes a block and appends its samples. Never panics, whatever the bytes; allocates no more than
/// [`BLOCK_SAMPLES_MAX`] samples.
///
/// # Errors
/// The bytes are no block.
pub fn decode(bytes: &[u8], times: &mut Vec<i64>, values: &mut Vec<f64>) -> Result<(), BlockError> {
    if bytes.len() > BLOCK_BYTES_MAX {
        return Err(BlockError::Invalid("is too large"));
    }
    let mut reader = Reader(bytes);
    let head = reader.byte()?;
    if head >> 4 != VERSION {
        return Err(BlockError::Version(head >> 4));
    }
    let count = usize::try_from(reader.unsigned()?).unwrap_or(usize::MAX);
    if count == 0 || count > BLOCK_SAMPLES_MAX {
        return Err(BlockError::Invalid("has an impossible number of samples"));
    }
    let (had, had_values) = (times.len(), values.len());
    let result = times::decode(&mut reader, count, times)
        .and_then(|()| decode_values(head & 15, &mut reader, count, values));
    if result.is_err() {
        times.truncate(had);
        values.truncate(had_values);
    }
    result
}

fn decode_values(codec: u8, r: &mut Reader<'_>, n: usize, values: &mut Vec<f64>) -> Result<(), BlockError> {
    match codec {
        c if c == Codec::ConstantWhole as u8 => {
            let value = r.signed()? as f64;
            values.extend(std::iter::repeat_n(value, n));
        }
        c if c == Codec::Constant as u8 => {
            let value = f64::from_bits(u64::from_le_bytes(r.array()?));
            values.extend(std::iter::repeat_n(value, n));
        }
        c if c == Codec::Whole as u8 => values.extend(decompress::<i64>(r, n)?.iter().map(|v| *v as f64)),
        c if c == Codec::Float as u8 => values.extend(decompress::<f64>(r, n)?),
        c if c == Codec::Bits as u8 => {
            values.extend(decompress::<u64>(r, n)?.iter().map(|v| f64::from_bits(*v)));
        }
        _ => return Err(BlockError::Invalid("has an unknown values codec")),
    }
    if r.0.is_empty() { Ok(()) } else { Err(BlockError::Invalid("is followed by more bytes")) }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn pco_error(error: pco::errors::PcoError) -> BlockError {
    BlockError::Pco(error.to_string())
}

fn compress<T: Number>(numbers: &[T], out: &mut Vec<u8>) -> Result<(), BlockError> {
    let config = ChunkConfig::default()
        .with_compression_level(8)
        .with_paging_spec(pco::PagingSpec::EqualPagesUpTo(BLOCK_SAMPLES_MAX));
    let file = FileCompressor::default();
    file.write_header(&mut *out).map_err(pco_error)?;
    let mut chunk = file.chunk_compressor(numbers, &config).map_err(pco_error)?;
    chunk.write_meta(&mut *out).map_err(pco_error)?;
    chunk.write_page(0, &mut *out).map_err(pco_error)?;
    Ok(())
}

fn decompress<T: Number>(reader: &mut Reader<'_>, count: usize) -> Result<Vec<T>, BlockError> {
    let (file, rest) = FileDecompressor::new(reader.0).map_err(pco_error)?;
    let (mut chunk, rest) = file.chunk_decompressor::<T, _>(rest).map_err(pco_error)?;
    let mut page = chunk.page_decompressor(rest, count).map_err(pco_error)?;
    let mut numbers = vec![T::default(); count];
    let progress = page.read(&mut numbers).map_err(pco_error)?;
    if progress.n_processed != count {
        return Err(BlockError::Short);
    }
    reader.0 = page.into_src();
    Ok(numbers)
}

#[cfg(test)]
mod tests;
