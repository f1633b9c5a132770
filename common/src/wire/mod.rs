//! MessagePack on the wire: maps with named fields, decoded within limits.
//!
//! Every message is a map with named fields, so that any NATS client reads it without this code. Decoding checks the
//! size of the payload first, then nesting, then the counts and lengths of [`crate::limits`]; what serde reserves ahead
//! is capped by serde itself, so no claimed length allocates more than the payload can hold.

mod form;
pub mod values;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::batch::{BATCH_VERSION, Batch, Family, Reading, series_count};
use crate::limits::{
    AT_MS_MIN, BATCH_BYTES_MAX, DOCUMENT_BYTES_MAX, FUTURE_MS_MAX, LABEL_VALUE_BYTES_MAX,
    LABELS_PER_SERIES_MAX, LOST_RANGES_MAX, NAME_BYTES_MAX, NESTING_MAX, READINGS_PER_BATCH_MAX,
    SERIES_PER_READING_MAX, SOURCE_NAME_BYTES_MAX,
};
use crate::metric::{is_label_name, is_metric_name};

/// Why a payload was refused.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The payload is larger than its kind allows.
    #[error("payload of {bytes} bytes exceeds the limit of {limit} bytes")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// It is not the MessagePack expected.
    #[error("payload is not a valid message: {0}")]
    Malformed(String),
    /// It decodes, but says what cannot be.
    #[error("{what} {problem}")]
    Invalid {
        /// Which part.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Encoding failed.
    #[error("encode message: {0}")]
    Encode(#[from] rmp_serde::encode::Error),
}

impl WireError {
    /// Bounded word for metrics and the dead-letter table: `too_large`, `malformed`, `invalid` or `encode`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::Malformed(_) => "malformed",
            Self::Invalid { .. } => "invalid",
            Self::Encode(_) => "encode",
        }
    }
}

fn invalid(what: impl Into<String>, problem: impl Into<String>) -> WireError {
    WireError::Invalid { what: what.into(), problem: problem.into() }
}

/// Encodes any message as a map with named fields.
///
/// # Errors
/// Only when a value cannot be represented, which none of our types does.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, WireError> {
    let mut bytes = rmp_serde::to_vec_named(message)?;
    // It grew by doubling, and may be kept for long.
    bytes.shrink_to_fit();
    Ok(bytes)
}

/// Decodes a fact, event, catalog or command document.
///
/// # Errors
/// Too large, or not what `T` describes.
pub fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T, WireError> {
    decode_limited(payload, DOCUMENT_BYTES_MAX)
}

fn decode_limited<T: DeserializeOwned>(payload: &[u8], limit: usize) -> Result<T, WireError> {
    if payload.len() > limit {
        return Err(WireError::TooLarge { bytes: payload.len(), limit });
    }
    let mut decoder = rmp_serde::Deserializer::new(payload);
    decoder.set_max_depth(NESTING_MAX);
    let value = T::deserialize(&mut decoder).map_err(|error| WireError::Malformed(error.to_string()))?;
    let rest = decoder.into_inner();
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(WireError::Malformed(format!("{} bytes follow the message", rest.len())))
    }
}

/// Decodes and checks a batch. `now_ms` is the receiver's clock, for samples from the future.
///
/// # Errors
/// Whatever [`decode`] refuses, and what breaks a limit or an invariant of [`Batch`]. A batch is refused whole only
/// when its structure is wrong.
pub fn decode_batch(payload: &[u8], now_ms: i64) -> Result<Batch, WireError> {
    let batch: Batch = decode_limited(payload, BATCH_BYTES_MAX)?;
    check_batch(&batch, now_ms)?;
    Ok(batch)
}

fn check_batch(batch: &Batch, now_ms: i64) -> Result<(), WireError> {
    if batch.v != BATCH_VERSION {
        return Err(invalid("v", format!("is {}, this collector understands {BATCH_VERSION}", batch.v)));
    }
    if batch.seq == 0 || batch.seq > i64::MAX as u64 || batch.epoch == 0 || batch.epoch > i64::MAX as u64 {
        return Err(invalid("epoch and seq", "must be at least 1 and fit 63 bits"));
    }
    if batch.readings.len() > READINGS_PER_BATCH_MAX {
        return Err(invalid(
            "readings",
            format!("has {} entries, limit {READINGS_PER_BATCH_MAX}", batch.readings.len()),
        ));
    }
    if batch.lost.len() > LOST_RANGES_MAX {
        return Err(invalid("lost", format!("has {} ranges, limit {LOST_RANGES_MAX}", batch.lost.len())));
    }
    if let Some(lost) = batch.lost.iter().find(|l| l.from == 0 || l.from > l.to || l.to > i64::MAX as u64) {
        return Err(invalid("lost", format!("has the impossible range {}–{}", lost.from, lost.to)));
    }
    batch.readings.iter().try_for_each(|reading| check_reading(reading, now_ms))
}

fn check_reading(reading: &Reading, now_ms: i64) -> Result<(), WireError> {
    let source = &reading.source;
    let named = (1..=SOURCE_NAME_BYTES_MAX).contains(&source.len())
        && source.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if !named {
        return Err(invalid("source", "must be 1 to 64 characters of a-z, A-Z, 0-9, '_' and '-'"));
    }
    let at = reading.at;
    if at < AT_MS_MIN {
        return Err(invalid(source, format!("has time {at} ms, before 2020: the host's clock is not set")));
    }
    if at > now_ms.saturating_add(FUTURE_MS_MAX) {
        return Err(invalid(source, format!("has time {at} ms, more than 10 min ahead of {now_ms} ms")));
    }
    if reading.values.len() > SERIES_PER_READING_MAX {
        return Err(invalid(
            source,
            format!("has {} values, limit {SERIES_PER_READING_MAX}", reading.values.len()),
        ));
    }
    let Some(series) = &reading.series else { return Ok(()) };
    if series_count(series) != reading.values.len() {
        return Err(invalid(
            source,
            format!("has {} series and {} values", series_count(series), reading.values.len()),
        ));
    }
    series.iter().try_for_each(check_family)?;
    if layout_hash(series)? != reading.layout {
        return Err(invalid(source, "carries series that do not hash to its layout"));
    }
    Ok(())
}

fn check_family(family: &Family) -> Result<(), WireError> {
    let name = &family.name;
    if name.len() > NAME_BYTES_MAX || !is_metric_name(name) {
        return Err(invalid("metric name", format!("{:?} is not valid", clip(name))));
    }
    if family.keys.len() > LABELS_PER_SERIES_MAX {
        return Err(invalid(
            name,
            format!("has {} labels, limit {LABELS_PER_SERIES_MAX}", family.keys.len()),
        ));
    }
    for (index, key) in family.keys.iter().enumerate() {
        let reserved = matches!(key.as_str(), "instance" | "job") || key.starts_with("__");
        if key.len() > NAME_BYTES_MAX || !is_label_name(key) || reserved {
            return Err(invalid(name, format!("has the label name {:?}, which is not valid", clip(key))));
        }
        if family.keys[..index].contains(key) {
            return Err(invalid(name, format!("has the label {key:?} twice")));
        }
    }
    for row in &family.rows {
        if row.len() != family.keys.len() {
            return Err(invalid(
                name,
                format!("has {} label values for {} labels", row.len(), family.keys.len()),
            ));
        }
        if let Some(long) = row.iter().find(|value| value.len() > LABEL_VALUE_BYTES_MAX) {
            return Err(invalid(
                name,
                format!("has a label value of {} bytes, limit {LABEL_VALUE_BYTES_MAX}", long.len()),
            ));
        }
    }
    Ok(())
}

fn clip(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Hash that names a layout: xxh3-64 of the MessagePack encoding of its families.
///
/// # Errors
/// As [`encode`].
pub fn layout_hash(series: &[Family]) -> Result<u64, WireError> {
    Ok(xxhash_rust::xxh3::xxh3_64(&rmp_serde::to_vec_named(series)?))
}
