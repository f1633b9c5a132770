//! Times of a block: start, step, exceptions.

use super::varint::{Reader, put, put_signed};
use super::{BlockError, compress, decompress};

/// Appends the times; at least one.
pub(super) fn encode(times: &[i64], out: &mut Vec<u8>) -> Result<(), BlockError> {
    let step = common_step(times);
    let exceptions: Vec<(usize, i64)> = times
        .windows(2)
        .enumerate()
        .filter_map(|(index, pair)| {
            let off = pair[1].wrapping_sub(pair[0]).wrapping_sub(step);
            (off != 0).then_some((index, off))
        })
        .collect();
    put_signed(out, times.first().copied().unwrap_or(0));
    put_signed(out, step);
    if exceptions.len() > times.len() / 4 {
        put(out, times.len() as u64);
        return compress(times, out);
    }
    put(out, exceptions.len() as u64);
    let mut after = 0;
    for (index, off) in exceptions {
        put(out, (index - after) as u64);
        put_signed(out, off);
        after = index + 1;
    }
    Ok(())
}

/// Length of the number of samples and their times at the start of `bytes`; `None` when the times are compressed or damaged.
pub(super) fn length(bytes: &[u8]) -> Option<usize> {
    let mut reader = Reader(bytes);
    let count = reader.unsigned().ok()?;
    reader.signed().ok()?;
    reader.signed().ok()?;
    let exceptions = reader.unsigned().ok()?;
    if exceptions >= count {
        return None;
    }
    for _ in 0..exceptions {
        reader.unsigned().ok()?;
        reader.signed().ok()?;
    }
    Some(bytes.len() - reader.0.len())
}

/// The distance between two samples that occurs most; of the first few when there are many.
fn common_step(times: &[i64]) -> i64 {
    let mut steps: Vec<i64> = times.windows(2).take(64).map(|p| p[1].wrapping_sub(p[0])).collect();
    steps.sort_unstable();
    let runs = steps.chunk_by(|a, b| a == b);
    runs.max_by_key(|run| run.len()).and_then(|run| run.first()).copied().unwrap_or(0)
}

/// Reads `count` times.
pub(super) fn decode(reader: &mut Reader<'_>, count: usize, times: &mut Vec<i64>) -> Result<(), BlockError> {
    let start = reader.signed()?;
    let step = reader.signed()?;
    let exceptions = reader.unsigned()?;
    if exceptions == count as u64 {
        times.extend(decompress::<i64>(reader, count)?);
        return Ok(());
    }
    if exceptions > count as u64 {
        return Err(BlockError::Invalid("has more exceptions than samples"));
    }
    times.push(start);
    let (mut time, mut written) = (start, 1);
    let mut regular = |time: &mut i64, n: u64| {
        for _ in 0..n {
            *time = time.wrapping_add(step);
            times.push(*time);
        }
    };
    for _ in 0..exceptions {
        let before = reader.unsigned()?;
        written += before.saturating_add(1);
        if written > count as u64 {
            return Err(BlockError::Invalid("has an exception beyond its end"));
        }
        regular(&mut time, before);
        time = time.wrapping_add(reader.signed()?);
        regular(&mut time, 1);
    }
    regular(&mut time, count as u64 - written);
    Ok(())
}
