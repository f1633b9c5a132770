//! Times as texts: RFC 3339, which people, facts and the APIs of others use.

use std::fmt::Write as _;

const DAY_SECONDS: i64 = 86_400;

/// A Unix time as RFC 3339 in UTC.
pub fn rfc3339(seconds: i64) -> String {
    let (days, second) = (seconds.div_euclid(DAY_SECONDS), seconds.rem_euclid(DAY_SECONDS));
    // The Gregorian calendar repeats every 146,097 days; years begin in March so that the leap day comes last.
    let days = days.saturating_add(719_468);
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) =
        (era * 400 + year + i64::from(month >= 10), if month < 10 { month + 3 } else { month - 9 });
    let (hour, minute) = (second / 3600, second / 60 % 60);
    let mut text = String::with_capacity("2026-01-01T00:00:00Z".len());
    let _ = write!(text, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}Z", second % 60);
    text
}

/// Unix milliseconds of an RFC 3339 text, with any number of digits behind the second, in UTC or with an offset; `None` when
/// it is no such text.
pub fn unix_ms(text: &str) -> Option<i64> {
    let number = |from: usize, length: usize| -> Option<i64> {
        let digits = text.get(from..from + length)?;
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let mark = |at: usize, marks: &[u8]| marks.contains(text.as_bytes().get(at)?).then_some(());
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    for (at, marks) in [(4, &b"-"[..]), (7, b"-"), (10, b"Tt "), (13, b":"), (16, b":")] {
        mark(at, marks)?;
    }
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let rest = text.get(19..)?;
    let fraction = rest
        .strip_prefix('.')
        .map_or("", |rest| rest.split_once(|c: char| !c.is_ascii_digit()).map_or(rest, |(digits, _)| digits));
    let millis = format!("{fraction:0<3}").get(..3)?.parse::<i64>().ok()?;
    let zone = rest.get(if rest.starts_with('.') { 1 + fraction.len() } else { 0 }..)?;
    let offset_minutes = match zone.as_bytes() {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), ..] if zone.len() == 6 => {
            let part = |range| zone.get(range).and_then(|digits: &str| digits.parse::<i64>().ok());
            let minutes = part(1..3)? * 60 + part(4..6)?;
            if *sign == b'-' { -minutes } else { minutes }
        }
        _ => return None,
    };
    // Days since 1970-03-01 of a calendar whose years begin in March.
    let (shifted_year, shifted_month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (shifted_year.div_euclid(400), shifted_year.rem_euclid(400));
    let of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    let seconds = days * DAY_SECONDS + hour * 3600 + (minute - offset_minutes) * 60 + second;
    Some(seconds * 1000 + millis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_rfc_3339() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (4_102_444_800, "2100-01-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(seconds), text);
            assert_eq!(unix_ms(text), Some(seconds * 1000));
        }
    }

    #[test]
    fn fractions_and_offsets_are_read_and_other_texts_are_not() {
        for (text, millis) in [
            ("2026-11-20T17:52:28.538879266Z", 1_795_197_148_538),
            ("2026-11-20T18:52:28.5+01:00", 1_795_197_148_500),
            ("2026-11-20T12:22:28-05:30", 1_795_197_148_000),
            ("0001-01-01T00:00:00Z", -62_135_596_800_000),
        ] {
            assert_eq!(unix_ms(text), Some(millis), "{text}");
        }
        for text in ["", "2026-11-20", "2026-11-20T17:52:28", "2026-13-20T17:52:28Z", "2026-11-20T17:52:28+1"]
        {
            assert_eq!(unix_ms(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(seconds in -60_000_000_000_i64..200_000_000_000) {
            prop_assert_eq!(unix_ms(&rfc3339(seconds)), Some(seconds * 1000));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}", seconds in any::<i64>()) {
            let _ = (unix_ms(&text), rfc3339(seconds / 4));
        }
    }
}
