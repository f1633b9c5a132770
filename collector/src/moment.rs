//! Times as they are shown and taken: RFC 3339 in UTC, milliseconds where there are any.

use std::fmt;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

/// A time, RFC 3339 in UTC: `2026-11-20T08:57:20.5Z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub struct Time(
    /// Unix milliseconds.
    pub i64,
);

impl Time {
    /// The time of the system's clock.
    pub fn now() -> Self {
        Self(now_ms())
    }
}

/// The system's clock, Unix milliseconds.
pub fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = i128::from(self.0) * 1_000_000;
        let text =
            OffsetDateTime::from_unix_timestamp_nanos(nanos).ok().and_then(|t| t.format(&Rfc3339).ok());
        f.write_str(text.as_deref().unwrap_or("1970-01-01T00:00:00Z"))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads a time of a query: RFC 3339 with any offset, or Unix seconds with an optional fraction. Unix milliseconds.
///
/// # Errors
/// What was expected, as a text for the caller.
pub fn parse_time(text: &str) -> Result<i64, String> {
    if let Ok(seconds) = text.parse::<f64>() {
        let ms = (seconds * 1000.0).round();
        if ms.is_finite() && (0.0..=253_402_300_799_000.0).contains(&ms) {
            return Ok(ms as i64);
        }
    } else if let Ok(at) = OffsetDateTime::parse(text, &Rfc3339) {
        let ms = at.unix_timestamp_nanos().div_euclid(1_000_000);
        if ms >= 0 {
            return i64::try_from(ms).map_err(|_| "is out of range".to_owned());
        }
    }
    Err("must be an RFC 3339 time such as 2026-11-20T08:00:00Z, or Unix seconds".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_back_as_they_were_written() {
        for ms in [0, 1, 1_500, 1_795_161_600_123, 253_402_300_799_000] {
            assert_eq!(parse_time(&Time(ms).to_string()), Ok(ms));
        }
        assert_eq!(Time(1_795_161_600_500).to_string(), "2026-11-20T08:00:00.5Z");
    }

    #[test]
    fn both_forms_are_taken_and_others_refused() {
        assert_eq!(parse_time("1795161600.25"), Ok(1_795_161_600_250));
        assert_eq!(parse_time("2026-11-20T09:00:00+01:00"), Ok(1_795_161_600_000));
        for bad in ["", "now", "-1", "1e300", "NaN", "2026-11-20", "1969-12-31T23:59:59Z"] {
            assert!(parse_time(bad).is_err(), "{bad}");
        }
    }
}
