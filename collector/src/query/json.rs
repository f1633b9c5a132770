//! Writes the answer of `/api/samples`. By hand, because most of it is numbers, up to hundreds of thousands of them.

use std::io::Write;

use serde::Serialize;

use super::bucket::Buckets;

/// Whole numbers below this are written without a fraction; all of them are exact in an `f64`.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// Appends any value as JSON.
pub fn value<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    // Writing to memory does not fail, and what is written here are texts, numbers and maps with text keys.
    let _ = serde_json::to_writer(out, value);
}

/// Appends a number: shortest form that reads back as the same `f64`; null when it is not finite.
pub fn number(out: &mut Vec<u8>, number: f64) {
    if !number.is_finite() {
        out.extend_from_slice(b"null");
    } else if number.fract() == 0.0 && number.abs() < WHOLE_MAX {
        value(out, &(number as i64));
    } else {
        value(out, &number);
    }
}

/// Appends `"name":[…]`.
fn numbers(out: &mut Vec<u8>, name: &str, values: &[f64]) {
    let _ = write!(out, ",\"{name}\":[");
    for (index, &item) in values.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        number(out, item);
    }
    out.push(b']');
}

/// What stands before the values of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesHead {
    /// Number; none for a sum.
    pub id: Option<i32>,
    /// Metric name.
    pub metric: String,
    /// Labels, sorted by name.
    pub labels: Vec<(String, String)>,
    /// Kind of the values.
    pub kind: &'static str,
    /// Unit of the values.
    pub unit: String,
}

fn series_head(out: &mut Vec<u8>, head: &SeriesHead) {
    out.extend_from_slice(b"{\"id\":");
    value(out, &head.id);
    out.extend_from_slice(b",\"metric\":");
    value(out, &head.metric);
    out.extend_from_slice(b",\"labels\":");
    labels(out, head.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    out.extend_from_slice(b",\"kind\":");
    value(out, head.kind);
    out.extend_from_slice(b",\"unit\":");
    value(out, &head.unit);
}

/// Appends labels as an object.
pub fn labels<'a>(out: &mut Vec<u8>, labels: impl Iterator<Item = (&'a str, &'a str)>) {
    out.push(b'{');
    for (index, (name, text)) in labels.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        value(out, name);
        out.push(b':');
        value(out, text);
    }
    out.push(b'}');
}

/// Appends a series with its buckets.
pub fn series_buckets(out: &mut Vec<u8>, head: &SeriesHead, buckets: &Buckets) {
    series_head(out, head);
    numbers(out, "avg", &buckets.avg);
    numbers(out, "min", &buckets.min);
    numbers(out, "max", &buckets.max);
    numbers(out, "last", &buckets.last);
    out.push(b'}');
}

/// Appends a series with its samples.
pub fn series_raw(out: &mut Vec<u8>, head: &SeriesHead, times: &[i64], values: &[f64]) {
    series_head(out, head);
    out.extend_from_slice(b",\"times_unix_ms\":[");
    for (index, at) in times.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        value(out, at);
    }
    out.push(b']');
    numbers(out, "values", values);
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(item: f64) -> String {
        let mut out = Vec::new();
        number(&mut out, item);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_short() {
        let cases = [
            (0.0, "0"),
            (-3.0, "-3"),
            (0.5, "0.5"),
            (1e15, "1000000000000000"),
            (999_999_999_999_999.0, "999999999999999"),
        ];
        for (number, expected) in cases {
            assert_eq!(text(number), expected);
        }
        assert_eq!([text(f64::NAN), text(f64::INFINITY)], ["null", "null"]);
    }

    #[test]
    fn a_series_is_valid_json() {
        let head = SeriesHead {
            id: Some(7),
            metric: "a".to_owned(),
            labels: vec![("x".to_owned(), "\"\\\n".to_owned()), ("y".to_owned(), String::new())],
            kind: "gauge",
            unit: "bytes".to_owned(),
        };
        let mut out = Vec::new();
        series_raw(&mut out, &head, &[1, 2], &[0.5, f64::NAN]);
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&out).unwrap(),
            serde_json::json!({"id": 7, "metric": "a", "labels": {"x": "\"\\\n", "y": ""}, "kind": "gauge", "unit": "bytes",
                "times_unix_ms": [1, 2], "values": [0.5, null]})
        );
        let mut out = Vec::new();
        series_buckets(&mut out, &head, &Buckets::empty(2));
        let json = serde_json::from_slice::<serde_json::Value>(&out).unwrap();
        assert_eq!(json["last"], serde_json::json!([null, null]));
    }

    proptest! {
        #[test]
        fn numbers_read_back_as_they_were(number in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL) {
            prop_assert_eq!(text(number).parse::<f64>().unwrap(), number);
        }
    }
}
