//! The series of a reading as a batch carries them, written from where they lie: a host with hundreds of datasets has thousands of
//! labels, and as texts of their own they would take more memory for a moment than all else that the agent keeps.

use hi_common::metric::Kind;
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use super::{Part, Readings};

/// What [`hi_common::batch::Family`] is on the wire.
#[derive(Serialize)]
pub struct Series<'a> {
    name: &'static str,
    kind: Kind,
    keys: &'static [&'static str],
    rows: Rows<'a>,
}

/// Label values, one row per series.
struct Rows<'a> {
    count: usize,
    /// Labels of a row.
    width: usize,
    /// All of them, each ended by a NUL.
    texts: &'a str,
}

/// The labels of a row.
struct Row<'a>(&'a str);

impl Readings {
    /// The series, in the order of [`Readings::values`]: consecutive samples of a metric share one.
    pub fn series(&self) -> Vec<Series<'_>> {
        self.whole().series()
    }
}

impl<'a> Part<'a> {
    /// As [`Readings::series`].
    pub fn series(&self) -> Vec<Series<'a>> {
        let mut found: Vec<Series<'_>> = Vec::new();
        let mut rest = self.labels;
        let mut samples = self.names.iter().peekable();
        while let Some(metric) = samples.next() {
            let mut count = 1;
            while samples.next_if(|next| next.name == metric.name).is_some() {
                count += 1;
            }
            let width = metric.labels.len();
            let texts;
            (texts, rest) = rest.split_at(after(rest, count * width));
            let rows = Rows { count, width, texts };
            found.push(Series { name: metric.name, kind: metric.kind, keys: metric.labels, rows });
        }
        found
    }
}

/// Where so many texts end.
fn after(texts: &str, count: usize) -> usize {
    match count.checked_sub(1) {
        Some(last) => texts.match_indices('\0').nth(last).map_or(texts.len(), |(at, _)| at + 1),
        None => 0,
    }
}

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rows = serializer.serialize_seq(Some(self.count))?;
        let mut rest = self.texts;
        for _ in 0..self.count {
            let row;
            (row, rest) = rest.split_at(after(rest, self.width));
            rows.serialize_element(&Row(row))?;
        }
        rows.end()
    }
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_seq(Some(self.0.matches('\0').count()))?;
        self.0.split_terminator('\0').try_for_each(|text| row.serialize_element(text))?;
        row.end()
    }
}

#[cfg(test)]
mod tests {
    use hi_common::batch::Family;
    use hi_common::metric::{MetricDef, Unit};
    use hi_common::wire::{decode, encode};
    use proptest::prelude::*;

    use super::*;

    static NONE: MetricDef = MetricDef::counter("none", Unit::None, &[], "None.");
    static ONE: MetricDef = MetricDef::gauge("one", Unit::None, &["a"], "One.");
    static TWO: MetricDef = MetricDef::gauge("two", Unit::None, &["a", "b"], "Two.");

    proptest! {
        #[test]
        fn what_is_written_is_read_as_families(samples in prop::collection::vec((0..3_usize, "[a-z\0é]{0,3}", "[a-z]{0,3}"), 0..40)) {
            let mut readings = Readings::default();
            let mut expected: Vec<Family> = Vec::new();
            for (which, first, second) in &samples {
                let metric = [&NONE, &ONE, &TWO][*which];
                let labels = [first.as_str(), second];
                readings.push(metric, &labels[..metric.labels.len()], 1.0);
                let row: Vec<String> =
                    labels[..metric.labels.len()].iter().map(|text| text.replace('\0', "")).collect();
                match expected.last_mut() {
                    Some(family) if family.name == metric.name => family.rows.push(row),
                    _ => expected.push(Family {
                        name: metric.name.to_owned(),
                        kind: metric.kind,
                        keys: metric.labels.iter().map(|key| (*key).to_owned()).collect(),
                        rows: vec![row],
                    }),
                }
            }
            let encoded = encode(&readings.series()).unwrap();
            prop_assert_eq!(&encoded, &encode(&expected).unwrap());
            prop_assert_eq!(decode::<Vec<Family>>(&encoded).unwrap(), expected);
        }
    }
}
