//! The streams that the agent publishes to, made where they are missing.

use std::time::Duration;

use async_nats::jetstream::context::{CreateStreamErrorKind, GetStreamErrorKind};
use async_nats::jetstream::stream::{Compression, Config as StreamConfig, DiscardPolicy, StorageType};
use async_nats::jetstream::{Context, ErrorCode};
use hi_common::subject::{DUPLICATE_WINDOW_SECS, STREAMS, StreamDef};

use super::Connection;

/// Smallest limit worth asking a small broker for, in bytes.
const STREAM_BYTES_MIN: i64 = 16 << 20;

/// Makes the streams that are missing; those that are there are left as they are.
///
/// # Errors
/// The broker's words, with the name of the stream.
pub async fn ensure_streams(connection: &Connection) -> Result<(), String> {
    for def in &STREAMS {
        let config = stream_config(def, |minor| connection.client.is_server_compatible(2, minor, 0));
        ensure_stream(&connection.jetstream, config)
            .await
            .map_err(|error| format!("stream {}: {error}", def.name))?;
    }
    Ok(())
}

async fn ensure_stream(jetstream: &Context, mut config: StreamConfig) -> Result<(), String> {
    match jetstream.get_stream(&config.name).await {
        Ok(_) => return Ok(()),
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(e) if e.error_code() == ErrorCode::STREAM_NOT_FOUND => {}
            _ => return Err(error.to_string()),
        },
    }
    loop {
        let error = match jetstream.create_stream(config.clone()).await {
            Ok(_) => {
                tracing::info!(stream = config.name, max_bytes = config.max_bytes, "stream made");
                return Ok(());
            }
            Err(error) => error,
        };
        match error.kind() {
            CreateStreamErrorKind::JetStream(e) if e.error_code() == ErrorCode::STREAM_NAME_EXIST => {
                return Ok(());
            }
            // A broker with little room does not reserve this much: take what it has.
            CreateStreamErrorKind::JetStream(e)
                if config.max_bytes > STREAM_BYTES_MIN
                    && [ErrorCode::STORAGE_RESOURCES_EXCEEDED, ErrorCode::INSUFFICIENT_RESOURCES]
                        .contains(&e.error_code()) =>
            {
                config.max_bytes /= 2;
            }
            _ => return Err(error.to_string()),
        }
    }
}

/// `since` tells whether the broker is of this minor version of 2 or newer.
fn stream_config(def: &StreamDef, since: impl Fn(i64) -> bool) -> StreamConfig {
    StreamConfig {
        name: def.name.to_owned(),
        subjects: def.subjects.iter().map(|s| (*s).to_owned()).collect(),
        description: Some(def.description.to_owned()),
        max_age: Duration::from_secs(def.max_age_secs),
        max_bytes: def.max_bytes,
        max_messages: -1,
        max_consumers: -1,
        max_messages_per_subject: def.max_messages_per_subject,
        discard: DiscardPolicy::Old,
        storage: StorageType::File,
        num_replicas: 1,
        duplicate_window: Duration::from_secs(DUPLICATE_WINDOW_SECS),
        allow_direct: true,
        compression: since(10).then_some(Compression::S2),
        allow_message_ttl: def.expiring && since(11),
        ..StreamConfig::default()
    }
}
