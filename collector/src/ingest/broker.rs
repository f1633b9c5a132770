//! The connection to the broker: streams, and where to begin reading them.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::pull::Config as ConsumerConfig;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer};
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::{self, stream};
use async_nats::{Client, ConnectOptions, Event};
use tokio::sync::watch;

use hi_common::subject::{DUPLICATE_WINDOW_SECS, STREAM_METRICS, STREAMS, StreamDef};

use super::IngestError;
use super::stats::Counters;
use crate::config::NatsConfig;
use crate::store::Position;

/// How far before the position reading begins when the stream is not the one it was, in milliseconds: what comes twice is
/// recognised by the cursors.
const REREAD_MS: i64 = 10 * 60 * 1000;
/// How long the broker keeps a consumer that nobody asks.
const INACTIVE: Duration = Duration::from_secs(300);
/// When unacknowledged messages come again. Acknowledging waits for the flush; a repeat does no harm.
const ACK_WAIT: Duration = Duration::from_secs(24 * 3600);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A connection that keeps itself up.
#[derive(Clone)]
pub(crate) struct Broker {
    pub(crate) client: Client,
    pub(crate) jetstream: jetstream::Context,
    /// Counts the connections made: a new one finds no consumer of ours.
    pub(crate) connections: watch::Receiver<u64>,
    stream_max_bytes: i64,
}

impl Broker {
    /// Connects in the background, again and again.
    pub(crate) async fn connect(config: &NatsConfig, stats: &Arc<Counters>) -> Result<Self, IngestError> {
        let failed = |source: BoxError| IngestError::Broker { url: config.url.clone(), source };
        let mut options = ConnectOptions::new()
            .name("hi-collector")
            .retry_on_initial_connect()
            .max_reconnects(None)
            .reconnect_delay_callback(|attempt| Duration::from_millis((50 << attempt.min(6)) as u64))
            .connection_timeout(Duration::from_secs(5));
        if let Some(path) = &config.credentials_file {
            options = options.credentials_file(path).await.map_err(|e| failed(e.into()))?;
        }
        if let Some(user) = &config.user {
            let password = match &config.password_file {
                Some(path) => std::fs::read_to_string(path).map_err(|e| failed(e.into()))?,
                None => String::new(),
            };
            options = options.user_and_password(user.clone(), password.trim_end().to_owned());
        }
        if let Some(path) = &config.ca_file {
            options = options.add_root_certificates(path.into()).require_tls(true);
        }
        let counters = Arc::clone(stats);
        let (made, connections) = watch::channel(0);
        options = options.event_callback(move |event| {
            match event {
                Event::Connected => {
                    counters.update(|s| s.connected = true);
                    made.send_modify(|count| *count += 1);
                }
                Event::Disconnected | Event::Closed => counters.update(|s| s.connected = false),
                other => tracing::debug!(event = %other, "broker"),
            }
            std::future::ready(())
        });
        let client = options.connect(&config.url).await.map_err(|e| failed(e.into()))?;
        let mut jetstream = jetstream::new(client.clone());
        jetstream.set_timeout(Duration::from_secs(5));
        let stream_max_bytes = i64::try_from(config.stream_max_bytes).unwrap_or(i64::MAX);
        Ok(Self { client, jetstream, connections, stream_max_bytes })
    }

    /// The stream, made when it is missing. One that is there keeps its limits, and gets subjects, compression and expiry
    /// of messages that an older version of ours or of the broker's made it without.
    pub(crate) async fn stream(&self, name: &str) -> Result<stream::Stream, BoxError> {
        let def = STREAMS.iter().find(|def| def.name == name).ok_or("no such stream")?;
        let found = match self.jetstream.get_stream(name).await {
            Ok(found) => Some(found),
            Err(error) if matches!(error.kind(), GetStreamErrorKind::JetStream(_)) => None,
            Err(error) => return Err(error.into()),
        };
        // Not known before the server has answered something.
        let mut config = stream_config(def, |minor| self.client.is_server_compatible(2, minor, 0));
        if name == STREAM_METRICS {
            config.max_bytes = self.stream_max_bytes;
        }
        let Some(found) = found else { return Ok(self.jetstream.get_or_create_stream(config).await?) };
        let Some(changed) = upgraded(&found.cached_info().config, config) else { return Ok(found) };
        self.jetstream.update_stream(&changed).await?;
        tracing::info!(stream = name, "stream brought up to date");
        Ok(self.jetstream.get_stream(name).await?)
    }
}

/// What a stream that is there should become; `None` when it is as wanted.
fn upgraded(found: &stream::Config, wanted: stream::Config) -> Option<stream::Config> {
    let mut changed = found.clone();
    if !wanted.subjects.iter().all(|subject| found.subjects.contains(subject)) {
        changed.subjects = wanted.subjects;
    }
    if wanted.compression.is_some() {
        changed.compression = wanted.compression;
    }
    changed.allow_message_ttl |= wanted.allow_message_ttl;
    (changed != *found).then_some(changed)
}

/// `since` tells whether the broker is of this minor version of 2 or newer.
fn stream_config(def: &StreamDef, since: impl Fn(i64) -> bool) -> stream::Config {
    stream::Config {
        name: def.name.to_owned(),
        subjects: def.subjects.iter().map(|s| (*s).to_owned()).collect(),
        description: Some(def.description.to_owned()),
        max_age: Duration::from_secs(def.max_age_secs),
        max_bytes: def.max_bytes,
        max_messages_per_subject: def.max_messages_per_subject,
        duplicate_window: Duration::from_secs(DUPLICATE_WINDOW_SECS),
        discard: stream::DiscardPolicy::Old,
        storage: stream::StorageType::File,
        compression: since(10).then_some(stream::Compression::S2),
        allow_message_ttl: def.expiring && since(11),
        ..stream::Config::default()
    }
}

/// Unix milliseconds of the broker's time.
pub(crate) fn unix_ms(time: async_nats::datetime::DateTime) -> i64 {
    (time.unix_timestamp_nanos() / 1_000_000) as i64
}

/// A consumer that begins after the position; when the stream is not the one the position was taken in, or has lost its
/// newest messages, some time before it.
pub(crate) async fn consumer_after(
    stream: &stream::Stream,
    position: Option<&Position>,
) -> Result<PullConsumer, BoxError> {
    let deliver_policy = match position {
        None => DeliverPolicy::All,
        Some(position) if continues(stream, position).await? => {
            DeliverPolicy::ByStartSequence { start_sequence: position.seq + 1 }
        }
        Some(position) => {
            tracing::warn!(
                seq = position.seq,
                "the stream is not what it was: reading again what came since a while before"
            );
            from_time(position.message_at - REREAD_MS)?
        }
    };
    let config = ConsumerConfig {
        deliver_policy,
        ack_policy: AckPolicy::All,
        ack_wait: ACK_WAIT,
        max_ack_pending: -1,
        inactive_threshold: INACTIVE,
        memory_storage: true,
        num_replicas: 1,
        ..ConsumerConfig::default()
    };
    Ok(stream.create_consumer(config).await?)
}

fn from_time(ms: i64) -> Result<DeliverPolicy, BoxError> {
    let start_time = async_nats::datetime::DateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000)?;
    Ok(DeliverPolicy::ByStartTime { start_time })
}

/// Whether the stream still is the one that the position was taken in.
async fn continues(stream: &stream::Stream, position: &Position) -> Result<bool, BoxError> {
    let info = stream.get_info().await?;
    if unix_ms(info.created) != position.stream_created || info.state.last_sequence < position.seq {
        return Ok(false);
    }
    if info.state.first_sequence > position.seq {
        // It has removed what was taken long ago; what is there goes on from it.
        return Ok(true);
    }
    match stream.get_raw_message(position.seq).await {
        Ok(message) => {
            let id = message.headers.get(async_nats::header::NATS_MESSAGE_ID);
            Ok(id.map_or("", |id| id.as_str()) == position.message_id)
        }
        // Replaced by a newer one of its subject, in a stream that keeps the last only; the order is kept all the same.
        Err(_) => Ok(info.config.max_messages_per_subject > 0),
    }
}
