//! Simulated agents at work: publishing a fleet's batches to JetStream and answering `resend`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use async_nats::jetstream::{self, context::ContextBuilder, message::PublishMessage};
use async_nats::{Client, ConnectOptions, HeaderMap};
use bytes::Bytes;
use futures::{StreamExt, stream};
use hi_common::ids::{Epoch, HostName, Seq};
use hi_common::{subject, wire};
use serde::{Deserialize, Serialize};

use crate::sim::Fleet;

/// Publishes of one publisher that may be without their acknowledgement at a time.
pub const WINDOW: usize = 256;
/// How long an acknowledgement may take before the publish is tried again.
const ACK_TIMEOUT: Duration = Duration::from_secs(2);

/// Connects so that a broker which is not there yet, or goes away, is waited for.
///
/// # Errors
/// An address that is none.
pub async fn connect(url: &str, name: &str) -> Result<Client> {
    ConnectOptions::new()
        .name(name)
        .retry_on_initial_connect()
        .max_reconnects(None)
        .reconnect_delay_callback(|_| Duration::from_millis(100))
        .connection_timeout(Duration::from_secs(2))
        .ping_interval(Duration::from_secs(2))
        .request_timeout(Some(Duration::from_secs(5)))
        .connect(url)
        .await
        .with_context(|| format!("connect {name} to {url}"))
}

/// A JetStream context with an acknowledgement window and a timeout fit for tests.
pub fn jetstream(client: Client) -> jetstream::Context {
    ContextBuilder::new().timeout(ACK_TIMEOUT).max_ack_inflight(4096).build(client)
}

/// Creates the streams as the agent and the collector would.
///
/// # Errors
/// The broker refuses or does not answer.
pub async fn make_streams(js: &jetstream::Context) -> Result<()> {
    for def in subject::STREAMS {
        let config = jetstream::stream::Config {
            name: def.name.to_owned(),
            subjects: def.subjects.iter().map(|&s| s.to_owned()).collect(),
            max_age: Duration::from_secs(def.max_age_secs),
            max_bytes: def.max_bytes,
            max_messages_per_subject: def.max_messages_per_subject,
            duplicate_window: Duration::from_secs(subject::DUPLICATE_WINDOW_SECS),
            ..Default::default()
        };
        js.get_or_create_stream(config).await.with_context(|| format!("create stream {}", def.name))?;
    }
    Ok(())
}

/// What is asked of an agent on `hi.v1.command.<host>.resend`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resend {
    /// Epoch of the batches.
    pub epoch: Epoch,
    /// First number.
    pub from: Seq,
    /// Last number.
    pub to: Seq,
    /// Whether the series are to be sent along.
    pub with_series: bool,
}

/// What an agent answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resending {
    /// Batches that will be published again.
    pub queued: u64,
    /// Ranges it no longer has.
    pub lost: Vec<(Seq, Seq)>,
}

/// A batch by host number and sequence.
pub type Item = (u32, Seq);

/// Publishes batches of a fleet and remembers which the broker acknowledged.
#[derive(Clone)]
pub struct Publisher {
    fleet: Arc<Fleet>,
    js: jetstream::Context,
    acknowledged: Arc<Mutex<BTreeSet<Item>>>,
}

impl Publisher {
    /// Connects to the broker.
    ///
    /// # Errors
    /// As [`connect`].
    pub async fn connect(url: &str, fleet: Arc<Fleet>) -> Result<Self> {
        let js = jetstream(connect(url, "simulated agents").await?);
        Ok(Self { fleet, js, acknowledged: Arc::default() })
    }

    /// The fleet it publishes.
    pub fn fleet(&self) -> &Arc<Fleet> {
        &self.fleet
    }

    /// The context it publishes through.
    pub fn jetstream(&self) -> &jetstream::Context {
        &self.js
    }

    /// Batches acknowledged so far.
    pub fn acknowledged(&self) -> BTreeSet<Item> {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Publishes these batches, [`WINDOW`] at a time, each until it is acknowledged. Retries reorder them, as they do
    /// for real agents.
    pub async fn publish(&self, items: impl IntoIterator<Item = Item>) {
        stream::iter(items)
            .map(|item| self.publish_one(item))
            .buffer_unordered(WINDOW)
            .for_each(|()| std::future::ready(()))
            .await;
    }

    /// Publishes batches of all hosts, sequence by sequence.
    pub async fn publish_all(&self, seqs: impl IntoIterator<Item = Seq>) {
        let hosts = self.fleet.shape().hosts;
        self.publish(seqs.into_iter().flat_map(|seq| (0..hosts).map(move |host| (host, seq)))).await;
    }

    /// Publishes one batch until it is acknowledged.
    pub async fn publish_one(&self, (host, seq): Item) {
        let batch = self.fleet.batch(host, seq);
        let Ok(payload) = wire::encode(&batch) else { return };
        let subject = subject::metrics(&batch.host);
        let id = batch.id().to_string();
        self.publish_bytes(&subject, &id, payload.into()).await;
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).insert((host, seq));
    }

    /// Publishes any payload under a message id until it is acknowledged.
    pub async fn publish_bytes(&self, subject: &str, id: &str, payload: Bytes) {
        loop {
            let message = PublishMessage::build().payload(payload.clone()).message_id(id);
            if let Ok(ack) = self.js.send_publish(subject.to_owned(), message).await
                && ack.await.is_ok()
            {
                return;
            }
            // The broker is away: give the connection a moment instead of filling its buffer.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Answers `resend` for every host of a fleet until dropped.
pub struct Responder {
    task: tokio::task::JoinHandle<()>,
    asked: Arc<Mutex<Vec<(HostName, Resend)>>>,
}

impl Responder {
    /// Subscribes; batches for which `has` does not hold are answered as lost.
    ///
    /// # Errors
    /// The broker is gone.
    pub async fn start(publisher: Publisher, has: fn(Item) -> bool) -> Result<Self> {
        let client = publisher.js.client();
        let any_host = subject::command(&HostName::from_any("x"), subject::VERB_RESEND).replace(".x.", ".*.");
        let mut requests = client.subscribe(any_host).await.context("subscribe to resend")?;
        client.flush().await.context("subscribe to resend")?;
        let asked: Arc<Mutex<Vec<(HostName, Resend)>>> = Arc::default();
        let log = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            let mut round = 0;
            while let Some(request) = requests.next().await {
                round += 1;
                answer(&publisher, has, &log, &request, round).await;
            }
        });
        Ok(Self { task, asked })
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<(HostName, Resend)> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    publisher: &Publisher,
    has: fn(Item) -> bool,
    log: &Mutex<Vec<(HostName, Resend)>>,
    request: &async_nats::Message,
    round: u32,
) {
    let fleet = &publisher.fleet;
    let name = request.subject.split('.').nth(3).unwrap_or_default();
    let (Some(host), Ok(resend)) = (fleet.find(name), wire::decode::<Resend>(&request.payload)) else {
        return;
    };
    log.lock().unwrap_or_else(PoisonError::into_inner).push((fleet.name(host).clone(), resend.clone()));
    let known = resend.epoch == fleet.shape().epoch;
    let (again, lost): (Vec<Seq>, Vec<Seq>) =
        (resend.from..=resend.to.min(resend.from + 100_000)).partition(|&seq| known && has((host, seq)));
    let reply = Resending { queued: again.len() as u64, lost: lost.iter().map(|&seq| (seq, seq)).collect() };
    if let (Some(inbox), Ok(payload)) = (&request.reply, wire::encode(&reply)) {
        publisher.js.client().publish(inbox.clone(), payload.into()).await.ok();
    }
    for seq in again {
        let batch = fleet.batch_with(host, seq, resend.with_series);
        let Ok(payload) = wire::encode(&batch) else { continue };
        let id = format!("{}-r{round}", batch.id());
        publisher.publish_bytes(&subject::metrics(&batch.host), &id, payload.into()).await;
    }
}

/// Publishes without JetStream: garbage with any subject and headers.
///
/// # Errors
/// The client is closed.
pub async fn publish_raw(client: &Client, subject: &str, payload: Bytes) -> Result<()> {
    client.publish_with_headers(subject.to_owned(), HeaderMap::new(), payload).await?;
    client.flush().await?;
    Ok(())
}
