//! Simulated hosts: batches made of nothing but (host, series, time), so that whoever holds a sample can say what its
//! value must be.
//!
//! A fleet keeps no history: batch `seq` of a host can be made again at any time, byte for byte, which is also how a
//! simulated agent answers `resend`.

use hi_common::batch::{ABSENT, BATCH_VERSION, Batch, Family, Lost, Reading};
use hi_common::ids::{BatchId, Epoch, HostId, HostName, Seq};
use hi_common::limits::AT_MS_MIN;
use hi_common::metric::Kind;
use hi_common::wire;
use uuid::Uuid;

use crate::oracle::{Samples, SeriesKey};

/// Series per metric name in a simulated layout.
const SERIES_PER_FAMILY: u32 = 25;
/// A layout is sent along every so many batches, and with the first.
const LAYOUT_EVERY_BATCHES: u64 = 60;

/// Value of a series of a host at a time: whole counters, slow and fast gauges, ratios, now and then
/// [`ABSENT`]. A pure function, cheap enough for tens of millions of calls a second.
pub type ValueFn = fn(host: u32, series: u32, at: i64) -> f64;

/// What a fleet looks like.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Number of hosts.
    pub hosts: u32,
    /// Series per host.
    pub series: u32,
    /// Sources they are spread over, one reading each per batch.
    pub sources: u32,
    /// Time of batch 1, Unix milliseconds; batch `n` lies `(n - 1) * interval_ms` later.
    pub start_at: i64,
    /// Time between batches, in milliseconds.
    pub interval_ms: i64,
    /// Start of all simulated agents.
    pub epoch: Epoch,
    /// Host names are this, `-`, and four digits or more.
    pub prefix: String,
    /// Makes the values.
    pub value: ValueFn,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            hosts: 1,
            series: 20,
            sources: 2,
            start_at: AT_MS_MIN + 1,
            interval_ms: 1000,
            epoch: 1,
            prefix: "sim".to_owned(),
            value,
        }
    }
}

impl Shape {
    /// A fleet whose batches `1..=batches` all lie in the past of `now_ms`, the last one just before it.
    pub fn ending_at(self, now_ms: i64, batches: u64) -> Self {
        let span = self.interval_ms.saturating_mul(i64::try_from(batches).unwrap_or(i64::MAX));
        let start_at = now_ms - span;
        Self { start_at, epoch: u64::try_from(start_at).unwrap_or(1), ..self }
    }
}

struct Layout {
    source: String,
    hash: u64,
    families: Vec<Family>,
    /// Number of the first series of this source in its host.
    first: u32,
    series: u32,
}

struct Host {
    name: HostName,
    id: HostId,
}

/// Simulated hosts that all have the same series.
pub struct Fleet {
    shape: Shape,
    hosts: Vec<Host>,
    layouts: Vec<Layout>,
}

impl Fleet {
    /// Makes it.
    ///
    /// # Errors
    /// None in practice: encoding of a layout.
    pub fn new(shape: Shape) -> anyhow::Result<Self> {
        let host = |index: u32| {
            let name = format!("{}-{index:04}", shape.prefix);
            Host {
                id: HostId(Uuid::from_u128(u128::from(xxh(&name)) << 64 | u128::from(index))),
                name: HostName::from_any(&name),
            }
        };
        let hosts = (0..shape.hosts).map(host).collect();
        let sources = shape.sources.clamp(1, shape.series.max(1));
        let mut layouts = Vec::new();
        for source in 0..sources {
            let first = shape.series * source / sources;
            let series = shape.series * (source + 1) / sources - first;
            let families = families(first, series);
            let hash = wire::layout_hash(&families)?;
            layouts.push(Layout { source: format!("sim{source}"), hash, families, first, series });
        }
        Ok(Self { shape, hosts, layouts })
    }

    /// What it was made of.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Name of a host.
    pub fn name(&self, host: u32) -> &HostName {
        &self.hosts[host as usize].name
    }

    /// Number of the host with this name.
    pub fn find(&self, name: &str) -> Option<u32> {
        let index = name.strip_prefix(&self.shape.prefix)?.strip_prefix('-')?.parse::<u32>().ok()?;
        (index < self.shape.hosts).then_some(index)
    }

    /// Time of a batch, Unix milliseconds.
    pub fn at(&self, seq: Seq) -> i64 {
        self.shape.start_at + (seq as i64 - 1) * self.shape.interval_ms
    }

    /// Identity of a batch.
    pub fn id(&self, host: u32, seq: Seq) -> BatchId {
        BatchId { host_id: self.hosts[host as usize].id, epoch: self.shape.epoch, seq }
    }

    /// A batch with its series in the first and every sixtieth, more often than an agent sends them.
    pub fn batch(&self, host: u32, seq: Seq) -> Batch {
        self.batch_with(host, seq, seq % LAYOUT_EVERY_BATCHES == 1)
    }

    /// A batch with or without its series.
    pub fn batch_with(&self, host: u32, seq: Seq, with_series: bool) -> Batch {
        let at = self.at(seq);
        let reading = |layout: &Layout| Reading {
            source: layout.source.clone(),
            at,
            layout: layout.hash,
            series: with_series.then(|| layout.families.clone()),
            values: (layout.first..layout.first + layout.series)
                .map(|series| (self.shape.value)(host, series, at))
                .collect(),
        };
        let Host { name, id } = &self.hosts[host as usize];
        Batch {
            v: BATCH_VERSION,
            host: name.clone(),
            host_id: *id,
            epoch: self.shape.epoch,
            seq,
            lost: Vec::new(),
            readings: self.layouts.iter().map(reading).collect(),
        }
    }

    /// An empty batch that announces earlier ones as lost.
    pub fn batch_announcing(&self, host: u32, seq: Seq, lost: Vec<Lost>) -> Batch {
        Batch { lost, ..self.batch(host, seq) }
    }

    /// What must be found of a batch once it is stored.
    pub fn expect(&self, host: u32, seq: Seq, into: &mut Samples) {
        into.add_batch(&self.batch_with(host, seq, true));
    }

    /// What must be found of these batches of every host.
    pub fn expect_all(&self, seqs: impl IntoIterator<Item = Seq>) -> Samples {
        let mut samples = Samples::default();
        for seq in seqs {
            for host in 0..self.shape.hosts {
                self.expect(host, seq, &mut samples);
            }
        }
        samples
    }

    /// Keys of all series of a host, as the collector names them.
    pub fn series_of(&self, host: u32) -> Vec<SeriesKey> {
        let instance = self.name(host).as_str();
        let rows = |family: &Family| {
            let key = |row: &Vec<String>| SeriesKey::of(family, row, instance);
            family.rows.iter().map(key).collect::<Vec<_>>()
        };
        self.layouts.iter().flat_map(|layout| layout.families.iter().flat_map(rows)).collect()
    }
}

/// The families of `series` series from number `first` on.
fn families(first: u32, series: u32) -> Vec<Family> {
    let mut families: Vec<Family> = Vec::new();
    for number in first..first + series {
        let (kind, name) = match number % 4 {
            0 => (Kind::Counter, format!("hi_sim_{}_total", number / (4 * SERIES_PER_FAMILY))),
            rest => (Kind::Gauge, format!("hi_sim_{}_{rest}", number / (4 * SERIES_PER_FAMILY))),
        };
        let row = vec![number.to_string(), format!("part {}", number % 7)];
        match families.iter_mut().find(|family| family.name == name) {
            Some(family) => family.rows.push(row),
            None => families.push(Family {
                name,
                kind,
                keys: vec!["number".to_owned(), "part".to_owned()],
                rows: vec![row],
            }),
        }
    }
    families
}

/// The usual [`ValueFn`]. Depends on the position in the layout only through `series`.
pub fn value(host: u32, series: u32, at: i64) -> f64 {
    let since = (at - AT_MS_MIN).unsigned_abs();
    let noise = |time: u64| mix((u64::from(host) << 32 | u64::from(series)) ^ time.wrapping_mul(GOLDEN));
    match series % 4 {
        0 => (since / 100 * u64::from(1 + series % 97) + u64::from(host)) as f64,
        1 => (noise(since / 60_000) % 1000) as f64 / 10.0,
        2 if series % 50 == 46 && noise(since) % 8 == 0 => ABSENT,
        2 => ((noise(since) % (1 << 34)) & !4095) as f64,
        _ => (noise(since) % 10_000) as f64 / 10_000.0,
    }
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A bijection of 64 bits that spreads neighbours: multiplications and shifts as in common finalizers.
fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 32)).wrapping_mul(GOLDEN);
    let x = (x ^ (x >> 29)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    x ^ (x >> 32)
}

/// FNV-like hash of a name; only has to be stable.
fn xxh(text: &str) -> u64 {
    text.bytes().fold(GOLDEN, |hash, byte| mix(hash ^ u64::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_passes_the_wire_and_is_the_same_each_time() {
        let fleet = Fleet::new(Shape { hosts: 3, series: 130, ..Shape::default() }).unwrap();
        let batch = fleet.batch(2, 1);
        assert_eq!(batch.readings.iter().map(|r| r.values.len()).sum::<usize>(), 130);
        let payload = wire::encode(&batch).unwrap();
        let back = wire::decode_batch(&payload, fleet.at(1)).unwrap();
        assert_eq!(wire::encode(&back).unwrap(), wire::encode(&fleet.batch(2, 1)).unwrap());
        assert_eq!(fleet.find(fleet.name(2).as_str()), Some(2));
        assert!(fleet.batch(0, 2).readings.iter().all(|r| r.series.is_none()));
    }

    #[test]
    fn expected_samples_leave_out_what_has_no_value() {
        let fleet = Fleet::new(Shape { hosts: 2, series: 200, ..Shape::default() }).unwrap();
        let samples = fleet.expect_all(1..=40);
        let absent = (0..2)
            .flat_map(|host| (1..=40).map(move |seq| (host, seq)))
            .flat_map(|(host, seq)| fleet.batch(host, seq).readings)
            .flat_map(|reading| reading.values)
            .filter(|value| hi_common::batch::is_absent(*value))
            .count();
        assert!(absent > 0, "some values must be absent");
        assert_eq!(samples.count(), 2 * 40 * 200 - absent);
    }
}
