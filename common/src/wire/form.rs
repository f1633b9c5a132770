//! How a batch stands on the wire: the time that its readings share is written once, and a reading is an array.

use std::fmt;

use serde::de::{Error, IgnoredAny, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::batch::{Batch, Family, Lost, Reading};
use crate::ids::{Epoch, HostId, HostName, Seq};

#[derive(Serialize)]
struct BatchOut<'a> {
    v: u8,
    host: &'a HostName,
    host_id: HostId,
    epoch: Epoch,
    seq: Seq,
    at: i64,
    #[serde(skip_serializing_if = "<[Lost]>::is_empty")]
    lost: &'a [Lost],
    readings: Vec<ReadingOut<'a>>,
}

/// An array: names would take a third of a message.
struct ReadingOut<'a> {
    reading: &'a Reading,
    /// Time of the batch.
    at: i64,
}

struct Values<'a>(&'a [f64]);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        super::values::serialize(self.0, serializer)
    }
}

impl Serialize for ReadingOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Reading { source, at, layout, series, values } = self.reading;
        let own_at = (*at != self.at).then_some(at);
        let length = if series.is_some() { 5 } else { 3 + usize::from(own_at.is_some()) };
        let mut array = serializer.serialize_seq(Some(length))?;
        array.serialize_element(source)?;
        array.serialize_element(layout)?;
        array.serialize_element(&Values(values))?;
        if length > 3 {
            array.serialize_element(&own_at)?;
        }
        if let Some(series) = series {
            array.serialize_element(series)?;
        }
        array.end()
    }
}

impl Serialize for Batch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let at = self.readings.first().map_or(0, |reading| reading.at);
        let batch = BatchOut {
            v: self.v,
            host: &self.host,
            host_id: self.host_id,
            epoch: self.epoch,
            seq: self.seq,
            at,
            lost: &self.lost,
            readings: self.readings.iter().map(|reading| ReadingOut { reading, at }).collect(),
        };
        batch.serialize(serializer)
    }
}

#[derive(Deserialize)]
struct BatchIn {
    v: u8,
    host: HostName,
    host_id: HostId,
    epoch: Epoch,
    seq: Seq,
    at: i64,
    #[serde(default)]
    lost: Vec<Lost>,
    readings: Vec<ReadingIn>,
}

struct ReadingIn {
    source: String,
    layout: u64,
    values: Vec<f64>,
    at: Option<i64>,
    series: Option<Vec<Family>>,
}

#[derive(Deserialize)]
struct ValuesIn(#[serde(deserialize_with = "super::values::deserialize")] Vec<f64>);

impl<'de> Deserialize<'de> for ReadingIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ReadingVisitor)
    }
}

struct ReadingVisitor;

impl<'de> Visitor<'de> for ReadingVisitor {
    type Value = ReadingIn;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of source, layout, values, and perhaps time and series")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ReadingIn, A::Error> {
        let missing = |length| A::Error::invalid_length(length, &self);
        let source = seq.next_element()?.ok_or_else(|| missing(0))?;
        let layout = seq.next_element()?.ok_or_else(|| missing(1))?;
        let ValuesIn(values) = seq.next_element()?.ok_or_else(|| missing(2))?;
        let at = seq.next_element::<Option<i64>>()?.flatten();
        let series = seq.next_element::<Option<Vec<Family>>>()?.flatten();
        // What a newer agent adds.
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(ReadingIn { source, layout, values, at, series })
    }
}

impl<'de> Deserialize<'de> for Batch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let BatchIn { v, host, host_id, epoch, seq, at, lost, readings } =
            BatchIn::deserialize(deserializer)?;
        let reading = |reading: ReadingIn| Reading {
            source: reading.source,
            at: reading.at.unwrap_or(at),
            layout: reading.layout,
            series: reading.series,
            values: reading.values,
        };
        let readings = readings.into_iter().map(reading).collect();
        Ok(Self { v, host, host_id, epoch, seq, lost, readings })
    }
}
