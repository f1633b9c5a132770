//! The clock's discipline (adjtimex(2)) and the local time zone (localtime(3)).

use std::ffi::CStr;
use std::io;

use serde::{Deserialize, Serialize};

/// Declares what is taken of the kernel's structure, whose fields are longs or ints as the machine has it.
macro_rules! timex {
    ($($field:ident)+) => {
        /// What the kernel knows of its clock, in the kernel's units: the fields of adjtimex(2).
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[expect(missing_docs, reason = "adjtimex(2) has them")]
        pub struct Timex {
            /// `TIME_*`: [`TIME_ERROR`] when the clock is not synchronized.
            pub state: i32,
            $(pub $field: i64,)+
        }

        impl Timex {
            #[allow(clippy::unnecessary_cast, reason = "not on every machine")]
            fn new(state: i32, raw: &libc::timex) -> Self {
                Self { state, $($field: raw.$field as i64,)+ }
            }
        }
    };
}

timex! {
    offset freq maxerror esterror status constant tick ppsfreq jitter shift stabil jitcnt calcnt errcnt stbcnt tai
}

/// State of a clock that nothing synchronizes.
pub const TIME_ERROR: i32 = libc::TIME_ERROR;
/// Status bit: offset and jitter are nanoseconds, not microseconds.
pub const STATUS_NANO: i64 = libc::STA_NANO as i64;

/// Reads the clock's discipline without changing it; needs no privilege.
///
/// # Errors
/// What the system says; a sandbox without the system-call group `@clock` gives `EPERM`.
pub fn adjtimex() -> io::Result<Timex> {
    #[expect(
        unsafe_code,
        reason = "a C structure of numbers, for which zero is the request that changes nothing"
    )]
    // SAFETY: every field of timex is a number, so zeroes are a valid value.
    let mut raw: libc::timex = unsafe { std::mem::zeroed() };
    #[expect(unsafe_code, reason = "adjtimex has no safe wrapper among our dependencies")]
    // SAFETY: `raw` is valid for reads and writes.
    let state = unsafe { libc::adjtimex(&raw mut raw) };
    if state == -1 { Err(io::Error::last_os_error()) } else { Ok(Timex::new(state, &raw)) }
}

/// Offset of the local time zone from UTC at a time, in seconds, and its abbreviation (`CEST`).
pub fn time_zone(unix_seconds: i64) -> Option<(i64, String)> {
    #[expect(unsafe_code, reason = "declares a C function")]
    unsafe extern "C" {
        // POSIX; libc's Rust bindings leave it out for Linux.
        safe fn tzset();
    }
    // Unlike localtime, localtime_r need not notice that /etc/localtime was changed.
    tzset();
    let time = libc::time_t::try_from(unix_seconds).ok()?;
    #[expect(unsafe_code, reason = "a C structure to be filled")]
    // SAFETY: numbers and a pointer, for all of which zero is a valid value.
    let mut local: libc::tm = unsafe { std::mem::zeroed() };
    #[expect(unsafe_code, reason = "localtime_r has no safe wrapper among our dependencies")]
    // SAFETY: both pointers are valid for the call.
    if unsafe { libc::localtime_r(&raw const time, &raw mut local) }.is_null() || local.tm_zone.is_null() {
        return None;
    }
    #[expect(unsafe_code, reason = "the abbreviation is a C text")]
    // SAFETY: tm_zone points to a NUL-terminated text that the C library keeps.
    let zone = unsafe { CStr::from_ptr(local.tm_zone) };
    Some((local.tm_gmtoff, zone.to_string_lossy().into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zone_has_a_name_and_less_than_a_day_of_offset() {
        let (offset, zone) = time_zone(1_700_000_000).unwrap();
        assert!(offset.abs() < 86_400 && !zone.is_empty(), "{offset} {zone}");
    }

    #[test]
    fn reading_the_discipline_needs_no_privilege() {
        let timex = match adjtimex() {
            Ok(timex) => timex,
            Err(error) => return println!("SKIPPED: this sandbox does not allow adjtimex: {error}"),
        };
        assert!((0..=TIME_ERROR).contains(&timex.state));
        assert!(timex.tick > 0);
    }
}
