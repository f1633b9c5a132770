//! The distribution, from `/etc/os-release` (os-release(5)).

use std::collections::BTreeMap;

use hi_common::metric::{MetricDef, Unit};

use crate::host::{At, HostRoot, Scratch};
use crate::source::Readings;

static INFO: MetricDef = MetricDef::info(
    "node_os_info",
    &[
        "build_id",
        "id",
        "id_like",
        "image_id",
        "image_version",
        "name",
        "pretty_name",
        "variant",
        "variant_id",
        "version",
        "version_codename",
        "version_id",
    ],
    "What the file os-release says of the distribution.",
);
static VERSION: MetricDef = MetricDef::gauge(
    "node_os_version",
    Unit::None,
    &["id", "id_like", "name"],
    "Major and minor version of the distribution, as a number.",
);
static SUPPORT_END: MetricDef = MetricDef::gauge(
    "node_os_support_end_timestamp_seconds",
    Unit::Seconds,
    &[],
    "When support of the distribution ends, as Unix time.",
);

pub(super) const METRICS: [&MetricDef; 3] = [&INFO, &VERSION, &SUPPORT_END];

/// Keys and values of the file.
#[derive(Debug, Default)]
pub(super) struct Release(BTreeMap<String, String>);

/// Reads the file where it is: the host's own first, then the distribution's.
pub(super) fn read(host: &HostRoot, scratch: &mut Scratch) -> Release {
    for path in ["etc/os-release", "usr/lib/os-release"] {
        if let Ok(text) = host.text(scratch, At::Root, path) {
            return Release(parse(text));
        }
    }
    Release::default()
}

impl Release {
    /// Value of a key; empty when it is not there.
    pub(super) fn get(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }

    pub(super) fn push(&self, out: &mut Readings) {
        if self.0.is_empty() {
            return;
        }
        let keys = [
            "BUILD_ID",
            "ID",
            "ID_LIKE",
            "IMAGE_ID",
            "IMAGE_VERSION",
            "NAME",
            "PRETTY_NAME",
            "VARIANT",
            "VARIANT_ID",
            "VERSION",
            "VERSION_CODENAME",
            "VERSION_ID",
        ];
        out.push(&INFO, &keys.map(|key| self.get(key)), 1.0);
        if let Some(version) = leading_number(self.get("VERSION_ID")) {
            out.push(&VERSION, &["ID", "ID_LIKE", "NAME"].map(|key| self.get(key)), version);
        }
        if let Some(end) = unix_seconds(self.get("SUPPORT_END")) {
            out.push(&SUPPORT_END, &[], end as f64);
        }
    }
}

/// Lines `KEY=value`, quoted as a shell would.
fn parse(text: &str) -> BTreeMap<String, String> {
    let assignment = |line: &str| {
        let (key, value) = line.trim().split_once('=')?;
        (!key.starts_with('#')).then(|| (key.to_owned(), unquote(value)))
    };
    text.lines().filter_map(assignment).collect()
}

fn unquote(value: &str) -> String {
    let inner = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    if let Some(literal) = inner('\'') {
        return literal.to_owned();
    }
    let mut text = String::with_capacity(value.len());
    let mut chars = inner('"').unwrap_or(value).chars();
    while let Some(c) = chars.next() {
        text.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    text
}

/// `22.04` of `22.04.3`, `12` of `12`; versions that are none (`rolling`) have no number.
fn leading_number(version: &str) -> Option<f64> {
    let is_number = |c: char| c.is_ascii_digit();
    let whole = version.len() - version.trim_start_matches(is_number).len();
    let rest = &version[whole..];
    let decimals =
        rest.strip_prefix('.').map_or(0, |rest| rest.len() - rest.trim_start_matches(is_number).len() + 1);
    version[..whole + decimals].parse().ok().filter(|number| *number > 0.0)
}

/// Midnight UTC of a day like `2026-05-13`, as Unix time.
fn unix_seconds(day: &str) -> Option<i64> {
    let mut parts =
        day.split('-').map(|part| part.parse::<i64>().ok().filter(|number| (0..10_000).contains(number)));
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || parts.next().is_some() {
        return None;
    }
    // Days since 1970-01-01 in the Gregorian calendar, with years that begin in March so that the leap day comes last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some((days + (month * 153 + 2) / 5 + day - 1 - 719_468) * 86_400)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_quoted_as_in_a_shell() {
        let parsed = parse("A=plain\nB=\"say \\\"hi\\\"\"\nC='a\\b'\n# D=1\nbroken\nE=\n");
        let values: Vec<&str> = parsed.values().map(String::as_str).collect();
        assert_eq!(values, ["plain", "say \"hi\"", "a\\b", ""]);
    }

    #[test]
    fn versions_begin_with_a_number_or_have_none() {
        for (version, number) in
            [("20.04", Some(20.04)), ("12", Some(12.0)), ("9.3.1", Some(9.3)), ("rolling", None), ("", None)]
        {
            assert_eq!(leading_number(version), number, "{version}");
        }
    }

    #[test]
    fn a_day_is_a_unix_time() {
        for (day, seconds) in [
            ("1970-01-01", Some(0)),
            ("2024-02-29", Some(1_709_164_800)),
            ("2026-05-13", Some(1_778_630_400)),
            ("2026-13-01", None),
            ("2026-05", None),
            ("never", None),
        ] {
            assert_eq!(unix_seconds(day), seconds, "{day}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "((ID=|\"|'|\\\\|\n|-|[0-9]{1,6}|.){0,40})") {
            let _ = (parse(&text), leading_number(&text), unix_seconds(&text));
        }
    }
}
