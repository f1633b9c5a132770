//! Records every batch that passes the broker, by identity: the truth about what real agents took.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use async_nats::jetstream;
use bytes::Bytes;
use futures::StreamExt;
use hi_common::batch::{Batch, Family, Lost};
use hi_common::ids::{BatchId, Epoch, HostId, Seq};
use hi_common::{subject, wire};

use crate::oracle::Samples;
use crate::publish;

/// What was seen.
#[derive(Clone, Default)]
pub struct Record {
    /// Batches by identity; of several deliveries the one with most series counts.
    pub batches: BTreeMap<BatchId, Batch>,
    /// Identities in the order of arrival, repetitions included.
    pub arrivals: Vec<BatchId>,
    /// Payloads that are no batches.
    pub garbage: usize,
}

impl Record {
    /// Adds a payload.
    pub fn add(&mut self, payload: &Bytes) {
        match wire::decode_batch(payload, i64::MAX - 1_000_000_000) {
            Ok(batch) => {
                self.arrivals.push(batch.id());
                let with_series = |b: &Batch| b.readings.iter().filter(|r| r.series.is_some()).count();
                let kept = self.batches.entry(batch.id()).or_insert_with(|| batch.clone());
                if with_series(&batch) > with_series(kept) {
                    *kept = batch;
                }
            }
            Err(_) => self.garbage += 1,
        }
    }

    /// Takes in what another record saw.
    pub fn merge(&mut self, other: Self) {
        self.garbage += other.garbage;
        self.arrivals.extend(other.arrivals);
        for (id, batch) in other.batches {
            self.batches.entry(id).or_insert(batch);
        }
    }

    /// Every sample of every batch, its host under the name it claims.
    pub fn samples(&self) -> Samples {
        self.samples_named(|batch| Some(batch.host.to_string()))
    }

    /// Every sample of every batch for whose host there is a name. The series of a layout may have been sent in any
    /// batch; readings whose series never came are left out.
    pub fn samples_named(&self, name: impl Fn(&Batch) -> Option<String>) -> Samples {
        let mut layouts: BTreeMap<u64, &Vec<Family>> = BTreeMap::new();
        let readings = || self.batches.values().flat_map(|b| b.readings.iter().map(move |r| (b, r)));
        for (_, reading) in readings() {
            if let Some(series) = &reading.series {
                layouts.insert(reading.layout, series);
            }
        }
        let mut samples = Samples::default();
        for (batch, reading) in readings() {
            if let (Some(families), Some(name)) = (layouts.get(&reading.layout), name(batch)) {
                samples.add_reading(&name, families, reading.at, &reading.values);
            }
        }
        samples
    }

    /// Times of all readings of one source of one host, ascending.
    pub fn readings_of(&self, host: &str, source: &str) -> Vec<i64> {
        let of_host = self.batches.values().filter(|batch| batch.host.as_str() == host);
        let readings = of_host.flat_map(|batch| &batch.readings).filter(|reading| reading.source == source);
        let mut times: Vec<i64> = readings.map(|reading| reading.at).collect();
        times.sort_unstable();
        times
    }

    /// Epochs of a host, oldest first.
    pub fn epochs(&self, host: &str) -> Vec<Epoch> {
        let of_host = self.batches.values().filter(|batch| batch.host.as_str() == host);
        let epochs: std::collections::BTreeSet<Epoch> = of_host.map(|batch| batch.epoch).collect();
        epochs.into_iter().collect()
    }

    /// Sequence numbers seen per host and epoch.
    pub fn sequences(&self) -> BTreeMap<(HostId, Epoch), Vec<Seq>> {
        let mut sequences: BTreeMap<_, Vec<Seq>> = BTreeMap::new();
        for id in self.batches.keys() {
            sequences.entry((id.host_id, id.epoch)).or_default().push(id.seq);
        }
        sequences
    }

    /// Losses that agents announced.
    pub fn announced(&self) -> Vec<(HostId, Lost)> {
        self.batches.values().flat_map(|b| b.lost.iter().map(|lost| (b.host_id, *lost))).collect()
    }

    /// Batches below the highest number of their epoch that were neither seen nor announced as lost.
    pub fn holes(&self) -> Vec<BatchId> {
        let announced = self.announced();
        let mut holes = Vec::new();
        for ((host_id, epoch), seqs) in self.sequences() {
            let last = seqs.last().copied().unwrap_or(0);
            let is_lost = |seq: Seq| {
                announced.iter().any(|(host, lost)| {
                    *host == host_id && lost.epoch == epoch && (lost.from..=lost.to).contains(&seq)
                })
            };
            let missing = (1..last).filter(|seq| seqs.binary_search(seq).is_err() && !is_lost(*seq));
            holes.extend(missing.map(|seq| BatchId { host_id, epoch, seq }));
        }
        holes
    }
}

/// Listens on the subject of all batches until dropped.
pub struct Tap {
    client: async_nats::Client,
    record: Arc<Mutex<Record>>,
    task: tokio::task::JoinHandle<()>,
}

impl Tap {
    /// Subscribes. The subscription outlives restarts of the broker.
    ///
    /// # Errors
    /// The broker cannot be reached.
    pub async fn start(url: &str) -> Result<Self> {
        let client = publish::connect(url, "tap").await?;
        let mut messages = client.subscribe(subject::METRICS_ALL).await.context("tap the batches")?;
        client.flush().await.context("tap the batches")?;
        let record: Arc<Mutex<Record>> = Arc::default();
        let into = Arc::clone(&record);
        let task = tokio::spawn(async move {
            while let Some(message) = messages.next().await {
                into.lock().unwrap_or_else(PoisonError::into_inner).add(&message.payload);
            }
        });
        Ok(Self { client, record, task })
    }

    /// What passed so far.
    pub fn record(&self) -> Record {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What passed, and what the broker still holds: together they miss nothing that a restart of the broker let
    /// slip past the subscription.
    ///
    /// # Errors
    /// The stream cannot be read.
    pub async fn record_with_stream(&self) -> Result<Record> {
        let mut record = self.record();
        record.merge(stored(&publish::jetstream(self.client.clone())).await?);
        Ok(record)
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Everything in the stream of batches.
///
/// # Errors
/// The broker does not answer.
pub async fn stored(js: &jetstream::Context) -> Result<Record> {
    let mut stream = js.get_stream(subject::STREAM_METRICS).await.context("open the stream of batches")?;
    let state = stream.info().await.context("state of the stream of batches")?.state.clone();
    let mut record = Record::default();
    if state.messages == 0 {
        return Ok(record);
    }
    let config = jetstream::consumer::pull::OrderedConfig::default();
    let consumer = stream.create_consumer(config).await.context("read the stream of batches")?;
    let mut messages = consumer.messages().await.context("read the stream of batches")?;
    loop {
        let next = tokio::time::timeout(Duration::from_secs(20), messages.next()).await;
        let Some(message) = next.context("read the stream of batches to its end")? else { break };
        let message = message.context("read the stream of batches")?;
        record.add(&message.payload);
        if message.info().map_err(|error| anyhow::anyhow!("{error}"))?.stream_sequence >= state.last_sequence
        {
            break;
        }
    }
    Ok(record)
}

/// As [`stored`], of the broker at this address.
///
/// # Errors
/// The broker does not answer.
pub async fn stored_through(url: &str) -> Result<Record> {
    stored(&publish::jetstream(publish::connect(url, "reader").await?)).await
}
