//! A host that publishes what a test wants.

use std::collections::BTreeMap;

use async_nats::jetstream;
use hi_common::batch::{BATCH_VERSION, Batch, Family, Reading};
use hi_common::catalog::{Catalog, MetricInfo, SourceOutcome, SourceStatus};
use hi_common::event::{Event, Severity};
use hi_common::fact::{Fact, FactValue};
use hi_common::ids::{HostId, HostName};
use hi_common::metric::{Kind, Unit};
use hi_common::{subject, wire};
use hi_harness::{BOUND, wait_for};
use uuid::Uuid;

/// An agent, as far as the broker can tell.
pub(crate) struct Agent {
    stream: jetstream::Context,
    host: HostName,
    host_id: HostId,
    pub(crate) epoch: u64,
    seq: u64,
}

/// A series to publish: metric, kind, labels, value.
pub(crate) type Sample<'a> = (&'a str, Kind, &'a [(&'a str, &'a str)], f64);

impl Agent {
    pub(crate) async fn connect(url: &str, host: &str, epoch: i64) -> Self {
        let client = async_nats::connect(url).await.unwrap();
        Self {
            stream: jetstream::new(client),
            host: host.parse().unwrap(),
            host_id: HostId(Uuid::new_v4()),
            epoch: epoch as u64,
            seq: 0,
        }
    }

    async fn publish(&self, subject: String, payload: Vec<u8>) {
        // The collector creates the streams one after the other when it has connected.
        wait_for("the broker takes it", BOUND, || async {
            self.stream.publish(subject.clone(), payload.clone().into()).await.ok()?.await.ok()
        })
        .await;
    }

    /// Publishes one reading of a source.
    pub(crate) async fn read(&mut self, source: &str, at: i64, samples: &[Sample<'_>]) {
        let family = |(name, kind, labels, _): &Sample<'_>| Family {
            name: (*name).to_owned(),
            kind: *kind,
            keys: labels.iter().map(|(key, _)| (*key).to_owned()).collect(),
            rows: vec![labels.iter().map(|(_, value)| (*value).to_owned()).collect()],
        };
        let series: Vec<Family> = samples.iter().map(family).collect();
        let layout = wire::layout_hash(&series).unwrap();
        let values = samples.iter().map(|(.., value)| *value).collect();
        self.seq += 1;
        let batch = Batch {
            v: BATCH_VERSION,
            host: self.host.clone(),
            host_id: self.host_id,
            epoch: self.epoch,
            seq: self.seq,
            lost: vec![],
            readings: vec![Reading { source: source.to_owned(), at, layout, series: Some(series), values }],
        };
        self.publish(subject::metrics(&self.host), wire::encode(&batch).unwrap()).await;
    }

    pub(crate) async fn fact(&self, kind: &str, id: &str, at: i64, doc: &[(&str, FactValue)]) {
        let doc: BTreeMap<String, FactValue> =
            doc.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
        let fact = Fact {
            v: 1,
            host: self.host.clone(),
            host_id: self.host_id,
            epoch: self.epoch,
            source: "test".to_owned(),
            at,
            kind: kind.to_owned(),
            id: id.to_owned(),
            doc: Some(doc),
        };
        self.publish(subject::fact(&self.host, kind, id), wire::encode(&fact).unwrap()).await;
    }

    pub(crate) async fn catalog(&self, at: i64, sources: &[(&str, SourceOutcome)], metrics: &[(&str, Unit)]) {
        let status = |(source, outcome): &(&str, SourceOutcome)| SourceStatus {
            source: (*source).to_owned(),
            outcome: *outcome,
            reason: (*outcome == SourceOutcome::Error).then(|| "permission".to_owned()),
            message: None,
            interval_ms: 10_000,
            since: at,
        };
        let metric = |(name, unit): &(&str, Unit)| MetricInfo {
            name: (*name).to_owned(),
            kind: Kind::Gauge,
            unit: *unit,
            help: format!("Help of {name}."),
        };
        let catalog = Catalog {
            v: 1,
            host: self.host.clone(),
            host_id: self.host_id,
            epoch: self.epoch,
            at,
            agent_version: "9.9.9".to_owned(),
            sources: sources.iter().map(status).collect(),
            metrics: metrics.iter().map(metric).collect(),
        };
        self.publish(subject::catalog(&self.host), wire::encode(&catalog).unwrap()).await;
    }

    pub(crate) async fn event(&self, kind: &str, at: i64) {
        self.event_with(kind, at, BTreeMap::from([("key".to_owned(), "value".to_owned())])).await;
    }

    pub(crate) async fn event_with(&self, kind: &str, at: i64, data: BTreeMap<String, String>) {
        let event = Event {
            v: 1,
            id: Uuid::new_v4(),
            host: self.host.clone(),
            host_id: self.host_id,
            at,
            kind: kind.to_owned(),
            severity: Severity::Warning,
            message: format!("{kind} happened"),
            data,
        };
        self.publish(subject::event(&self.host, kind), wire::encode(&event).unwrap()).await;
    }
}
