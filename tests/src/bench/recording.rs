//! Recorded readings of a real agent, replayed for any number of hosts and any length of time.
//!
//! A file holds, per source, the series and one `pco` chunk of values per series. Replaying starts over at its end; what
//! grows goes on growing: each round adds what the recording added. Values keep the decimals the kernel gave them, so
//! that they are as hard to compress as the recorded ones.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use hi_common::batch::{BATCH_VERSION, Batch, Family, Reading, is_absent};
use hi_common::ids::{Epoch, HostId, HostName, Seq};
use hi_common::metric::Kind;
use hi_common::wire;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The recording that comes with the project.
pub const SHIPPED: &str = "tests/recordings/host.hirec";
/// Version of the file format.
const VERSION: u8 = 1;
/// Decimals looked for in values: counters of seconds come in hundredths to billionths.
const DECIMALS_MAX: i32 = 9;

#[derive(Serialize, Deserialize)]
struct File {
    v: u8,
    interval_ms: i64,
    rows: usize,
    sources: Vec<FileSource>,
}

#[derive(Serialize, Deserialize)]
struct FileSource {
    source: String,
    families: Vec<Family>,
    #[serde(with = "serde_bytes_list")]
    columns: Vec<Vec<u8>>,
}

/// Collects readings of one host, in the order of time.
#[derive(Default)]
pub struct Recorder {
    sources: Vec<(String, Vec<Row>)>,
    layouts: HashMap<(String, u64), Vec<Family>>,
}

struct Row {
    layout: u64,
    values: Vec<f64>,
}

impl Recorder {
    /// Takes what a batch holds; readings whose series are not known yet are left out.
    pub fn add(&mut self, batch: &Batch) {
        for reading in &batch.readings {
            let key = (reading.source.clone(), reading.layout);
            if let Some(series) = &reading.series {
                self.layouts.insert(key.clone(), series.clone());
            }
            if !self.layouts.contains_key(&key) {
                continue;
            }
            let row = Row { layout: reading.layout, values: reading.values.clone() };
            match self.sources.iter_mut().find(|(name, _)| *name == reading.source) {
                Some((_, rows)) => rows.push(row),
                None => self.sources.push((reading.source.clone(), vec![row])),
            }
        }
    }

    /// Readings of the source that has the fewest.
    pub fn rows(&self) -> usize {
        self.sources.iter().map(|(_, rows)| rows.len()).min().unwrap_or(0)
    }

    /// The file: series that had a value in every reading, as many readings of each source as all of them have.
    ///
    /// # Errors
    /// Fewer than two readings.
    pub fn finish(&self, interval_ms: i64) -> Result<Vec<u8>> {
        let rows = self.rows();
        ensure!(rows >= 2, "nothing recorded");
        let mut sources = Vec::new();
        for (source, readings) in &self.sources {
            sources.push(self.finish_source(source, &readings[readings.len() - rows..])?);
        }
        let file = File { v: VERSION, interval_ms, rows, sources };
        Ok(rmp_serde::to_vec_named(&file)?)
    }

    fn finish_source(&self, source: &str, readings: &[Row]) -> Result<FileSource> {
        let mut columns: HashMap<(String, Vec<String>), Vec<f64>> = HashMap::new();
        for row in readings {
            let families = self.layouts.get(&(source.to_owned(), row.layout)).context("layout")?;
            let names = families.iter().flat_map(|f| f.rows.iter().map(|r| (f.name.clone(), r.clone())));
            for (name, value) in names.zip(&row.values).filter(|(_, value)| !is_absent(**value)) {
                columns.entry(name).or_default().push(*value);
            }
        }
        let last = readings.last().context("readings")?;
        let mut families = self.layouts.get(&(source.to_owned(), last.layout)).context("layout")?.clone();
        let mut packed = Vec::new();
        for family in &mut families {
            let name = family.name.clone();
            family.rows.retain(|row| {
                columns.get(&(name.clone(), row.clone())).is_some_and(|values| values.len() == readings.len())
            });
            for row in &family.rows {
                let values = columns.get(&(name.clone(), row.clone())).context("column")?;
                let config = pco::ChunkConfig::default().with_compression_level(12);
                packed.push(pco::standalone::simple_compress(values, &config).context("compress")?);
            }
        }
        families.retain(|family| !family.rows.is_empty());
        let mut places = Vec::new();
        families.iter_mut().for_each(|family| mask(family, &mut places));
        Ok(FileSource { source: source.to_owned(), families, columns: packed })
    }
}

/// Takes out what would name a machine: places in its file system are numbered, and the labels of information become as
/// many `x`.
fn mask(family: &mut Family, places: &mut Vec<String>) {
    let information = family.kind == Kind::Info || family.name.ends_with("_info");
    let filesystem = family.name.starts_with("node_filesystem_");
    for (index, key) in family.keys.iter().enumerate() {
        for text in family.rows.iter_mut().filter_map(|row| row.get_mut(index)) {
            if filesystem && matches!(key.as_str(), "mountpoint" | "device") {
                *text = numbered(text, key, places);
            } else if information && key != "device" {
                *text = "x".repeat(text.len());
            }
        }
    }
}

/// `mountpoint3` for the third place seen; those that every machine has keep their name.
fn numbered(text: &str, key: &str, places: &mut Vec<String>) -> String {
    if matches!(text, "" | "/" | "tmpfs") {
        return text.to_owned();
    }
    let number = places.iter().position(|known| known == text).unwrap_or_else(|| {
        places.push(text.to_owned());
        places.len() - 1
    });
    format!("/{key}{number}")
}

/// How a column goes on when the recording starts over.
#[derive(Debug, PartialEq)]
enum Column {
    /// It repeats.
    Repeat(Vec<f64>),
    /// It grows by `total` units each round; a value is `units / scale`.
    Grow { units: Vec<i64>, scale: f64, total: i64 },
}

impl Column {
    fn new(values: Vec<f64>, grows: bool) -> Self {
        let total_change = values.last().unwrap_or(&0.0) - values.first().unwrap_or(&0.0);
        if !grows || total_change <= 0.0 || values.windows(2).any(|pair| pair[1] < pair[0]) {
            return Self::Repeat(values);
        }
        let exact =
            |scale: f64| values.iter().all(|v| (v * scale).round() / scale == *v && v.abs() * scale < 9e15);
        let scale = (0..=DECIMALS_MAX).map(|digits| 10f64.powi(digits)).find(|scale| exact(*scale));
        let scale = scale.unwrap_or(1e3);
        let units: Vec<i64> = values.iter().map(|value| (value * scale).round() as i64).collect();
        let change = units.last().unwrap_or(&0) - units.first().unwrap_or(&0);
        // From the last row to the first of the next round it grows as it did on average.
        let total = change + change / (units.len() as i64 - 1).max(1);
        Self::Grow { units, scale, total }
    }

    fn value(&self, row: usize, round: i64) -> f64 {
        match self {
            Self::Repeat(values) => values[row],
            Self::Grow { units, scale, total } => (units[row] + round * total) as f64 / scale,
        }
    }
}

struct Source {
    name: String,
    families: Vec<Family>,
    layout: u64,
    columns: Vec<Column>,
}

/// A recording, ready to be replayed.
pub struct Recording {
    interval_ms: i64,
    rows: usize,
    sources: Vec<Source>,
}

impl Recording {
    /// Reads the one that comes with the project.
    ///
    /// # Errors
    /// It is missing or damaged.
    pub fn shipped() -> Result<Self> {
        let path = crate::binaries::workspace().join(SHIPPED);
        Self::read(&path).with_context(|| format!("recording {}", path.display()))
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It is missing or damaged.
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(&std::fs::read(path)?)
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// They are damaged.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let file: File = rmp_serde::from_slice(bytes).context("no recording")?;
        ensure!(file.v == VERSION, "recording of version {}", file.v);
        let mut sources = Vec::new();
        for source in file.sources {
            let layout = wire::layout_hash(&source.families)?;
            let names = source.families.iter().flat_map(|f| f.rows.iter().map(move |_| f));
            let mut columns = Vec::new();
            for (family, bytes) in names.zip(&source.columns) {
                let values: Vec<f64> = pco::standalone::simple_decompress(bytes).context("decompress")?;
                ensure!(values.len() == file.rows, "{} has {} values", family.name, values.len());
                // The one gauge that is a clock.
                let grows = family.kind == Kind::Counter || family.name == "node_time_seconds";
                columns.push(Column::new(values, grows));
            }
            sources.push(Source { name: source.source, families: source.families, layout, columns });
        }
        Ok(Self { interval_ms: file.interval_ms, rows: file.rows, sources })
    }

    /// Time between readings, in milliseconds.
    pub fn interval_ms(&self) -> i64 {
        self.interval_ms
    }

    /// Readings of each source.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Series of a host.
    pub fn series(&self) -> usize {
        self.sources.iter().map(|source| source.columns.len()).sum()
    }

    /// Families of all sources.
    pub fn families(&self) -> impl Iterator<Item = &Family> {
        self.sources.iter().flat_map(|source| &source.families)
    }

    /// Value number `tick` of a column, counted over all sources, wrapping around.
    pub fn value(&self, column: usize, tick: u64) -> f64 {
        let mut column = column % self.series().max(1);
        for source in &self.sources {
            if let Some(found) = source.columns.get(column) {
                let rows = self.rows as u64;
                return found.value((tick % rows) as usize, (tick / rows) as i64);
            }
            column -= source.columns.len();
        }
        0.0
    }

    /// The batch of a host at `tick`. Hosts begin at different rows, so that they differ.
    pub fn batch(&self, host: &ReplayHost, seq: Seq, at: i64, with_series: bool) -> Batch {
        let tick = seq + u64::from(host.index) * 37;
        let (row, round) = ((tick % self.rows as u64) as usize, (tick / self.rows as u64) as i64);
        let reading = |source: &Source| Reading {
            source: source.name.clone(),
            at,
            layout: source.layout,
            series: with_series.then(|| source.families.clone()),
            values: source.columns.iter().map(|column| column.value(row, round)).collect(),
        };
        Batch {
            v: BATCH_VERSION,
            host: host.name.clone(),
            host_id: host.id,
            epoch: host.epoch,
            seq,
            lost: Vec::new(),
            readings: self.sources.iter().map(reading).collect(),
        }
    }
}

/// A host that replays a recording.
#[derive(Clone, Debug)]
pub struct ReplayHost {
    /// Its number.
    pub index: u32,
    /// Its name.
    pub name: HostName,
    /// Its identity.
    pub id: HostId,
    /// Start of its agent.
    pub epoch: Epoch,
}

impl ReplayHost {
    /// A host by number.
    pub fn new(index: u32, epoch: Epoch) -> Self {
        let name = HostName::from_any(&format!("replay-{index:03}"));
        // The beginning of the identity makes the message id unique, see `BatchId`.
        Self { index, id: HostId(Uuid::from_u128(u128::from(0x7e00_0000 + index) << 96 | 1)), name, epoch }
    }
}

/// A list of byte strings as MessagePack `bin`, which serde alone would write as arrays of numbers.
mod serde_bytes_list {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Bytes(#[serde(with = "serde_bytes")] Vec<u8>);

    pub(super) fn serialize<S: Serializer>(list: &[Vec<u8>], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(list.iter().map(|bytes| Bytes(bytes.clone())))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
        Ok(Vec::<Bytes>::deserialize(deserializer)?.into_iter().map(|bytes| bytes.0).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Fleet, Shape};

    #[test]
    fn counters_go_on_where_the_recording_ends() {
        let column = Column::new(vec![0.25, 0.26, 0.29], true);
        let values: Vec<f64> = (0..6).map(|tick| column.value(tick % 3, tick as i64 / 3)).collect();
        assert_eq!(values, [0.25, 0.26, 0.29, 0.31, 0.32, 0.35]);
        let gauge = Column::new(vec![1.0, 2.0], false);
        assert_eq!(gauge.value(0, 7), 1.0);
    }

    #[test]
    fn a_recording_names_no_machine() {
        let mut family = Family {
            name: "node_filesystem_size_bytes".to_owned(),
            kind: Kind::Gauge,
            keys: vec!["device".to_owned(), "mountpoint".to_owned()],
            rows: vec![
                vec!["/dev/secret".to_owned(), "/".to_owned()],
                vec!["/dev/secret".to_owned(), "/home/me".to_owned()],
            ],
        };
        mask(&mut family, &mut Vec::new());
        assert_eq!(family.rows, [["/device0", "/"], ["/device0", "/mountpoint1"]]);
        let mut family =
            Family { name: "node_uname_info".to_owned(), keys: vec!["nodename".to_owned()], ..family };
        family.rows = vec![vec!["nas".to_owned()]];
        mask(&mut family, &mut Vec::new());
        assert_eq!(family.rows, [["xxx"]]);
    }

    #[test]
    fn a_recording_is_what_was_recorded() {
        let fleet = Fleet::new(Shape { series: 60, ..Shape::default() }).unwrap();
        let mut recorder = Recorder::default();
        (1..=30).for_each(|seq| recorder.add(&fleet.batch(0, seq)));
        let recording = Recording::parse(&recorder.finish(1000).unwrap()).unwrap();
        assert_eq!((recording.rows(), recording.interval_ms()), (30, 1000));
        let host = ReplayHost::new(0, 1);
        let (recorded, replayed) = (fleet.batch(0, 8), recording.batch(&host, 7, 5, true));
        // One series of the fleet has no value now and then: it is left out.
        let values = |batch: &Batch| batch.readings.iter().flat_map(|r| r.values.clone()).collect::<Vec<_>>();
        assert_eq!(values(&recorded).len(), values(&replayed).len() + 1);
        assert_eq!(values(&recorded)[..40], values(&replayed)[..40]);
        let payload = wire::encode(&recording.batch(&host, 7, fleet.at(1), true)).unwrap();
        wire::decode_batch(&payload, fleet.at(1)).unwrap();
    }
}
