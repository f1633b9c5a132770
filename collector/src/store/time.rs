//! Unix milliseconds to and from the database's types.

use ::time::{Date, OffsetDateTime};

/// Milliseconds of a UTC day.
pub(crate) const DAY_MS: i64 = 86_400_000;
/// Milliseconds of an hour.
pub(crate) const HOUR_MS: i64 = 3_600_000;
/// Julian day of 1970-01-01.
const UNIX_EPOCH_JULIAN: i32 = 2_440_588;

/// Time of Unix milliseconds; those outside the years 0 to 9999 become the nearest.
pub(crate) fn timestamp(ms: i64) -> OffsetDateTime {
    const LEAST: i64 = -62_167_219_200_000;
    const GREATEST: i64 = 253_402_300_799_999;
    let nanos = i128::from(ms.clamp(LEAST, GREATEST)) * 1_000_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Unix milliseconds of a time.
pub(crate) fn millis(time: OffsetDateTime) -> i64 {
    (time.unix_timestamp_nanos() / 1_000_000) as i64
}

/// Days since 1970-01-01 (UTC) of Unix milliseconds.
pub(crate) fn day_of(ms: i64) -> i32 {
    ms.div_euclid(DAY_MS) as i32
}

/// Date of a day number.
pub(crate) fn date(day: i32) -> Date {
    Date::from_julian_day(day.saturating_add(UNIX_EPOCH_JULIAN)).unwrap_or(Date::MIN)
}

/// Day number of a date.
pub(crate) fn day_number(date: Date) -> i32 {
    date.to_julian_day() - UNIX_EPOCH_JULIAN
}

/// The clock, Unix milliseconds.
pub(crate) fn now_ms() -> i64 {
    millis(OffsetDateTime::now_utc())
}
