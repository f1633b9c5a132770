//! Connection to the broker: address, sign-in, TLS, reconnecting by itself; and the streams it must have.

mod streams;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::context::ContextBuilder;
use async_nats::{Client, ConnectOptions, Event, ServerAddr};
use tokio::sync::watch;

use crate::config::Nats as NatsConfig;
pub use streams::ensure_streams;

/// How long the broker may take to acknowledge a message or to answer a question.
pub const ACK_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest pause between two attempts to connect.
const RECONNECT_PAUSE_MAX: Duration = Duration::from_secs(8);
/// Commands queued towards the connection; more than are ever in flight.
const CLIENT_QUEUE: usize = 256;
/// Requests from the collector queued before they are read.
const SUBSCRIPTION_QUEUE: usize = 64;
/// Bytes read from the socket at a time: acknowledgements are small.
const READ_BUFFER_BYTES: u16 = 4096;

/// Why there is no connection to try.
#[derive(Debug, thiserror::Error)]
pub enum NatsError {
    /// `nats.url` is not understood.
    #[error("`nats.url` {url:?} is no address of a NATS server")]
    Url {
        /// What it is.
        url: String,
        /// What the parser says.
        #[source]
        source: io::Error,
    },
    /// A file named in the configuration cannot be read.
    #[error("read `nats.{key}` {}", path.display())]
    File {
        /// The key.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Keys that do not go together.
    #[error("{0}")]
    Keys(&'static str),
    /// The client refuses to start.
    #[error("start the connection to the broker")]
    Start(#[source] async_nats::ConnectError),
}

/// A connection that looks after itself.
pub struct Connection {
    /// The client.
    pub client: Client,
    /// Its JetStream context.
    pub jetstream: Context,
    /// Number of times it was made; odd while there is one, even while not.
    pub state: watch::Receiver<u64>,
}

/// Whether a value of [`Connection::state`] means connected.
pub fn is_connected(state: u64) -> bool {
    state % 2 == 1
}

/// Starts connecting and returns at once; an unreachable server is tried again for ever.
///
/// # Errors
/// Only what no retry would mend.
pub async fn connect(config: &NatsConfig, name: &str) -> Result<Connection, NatsError> {
    let addresses = addresses(&config.url)?;
    let (tell, state) = watch::channel(0_u64);
    let reporter = Arc::new(Reporter { url: config.url.clone(), last: Mutex::default(), tell });
    let attempts = Arc::clone(&reporter);
    let options = options(config)?
        .name(name)
        .retry_on_initial_connect()
        .client_capacity(CLIENT_QUEUE)
        .subscription_capacity(SUBSCRIPTION_QUEUE)
        .read_buffer_capacity(READ_BUFFER_BYTES)
        .connection_timeout(ACK_TIMEOUT)
        .request_timeout(Some(ACK_TIMEOUT))
        .reconnect_delay_callback(reconnect_pause)
        .event_callback(move |event| {
            reporter.report(&event);
            std::future::ready(())
        });
    let options = options.reconnect_to_server_callback(move |servers, _| {
        attempts.attempt(&servers);
        std::future::ready(None)
    });
    let client = options.connect(addresses).await.map_err(NatsError::Start)?;
    let jetstream = ContextBuilder::new()
        .timeout(ACK_TIMEOUT)
        .ack_timeout(ACK_TIMEOUT)
        .backpressure_on_inflight(false)
        .build(client.clone());
    Ok(Connection { client, jetstream, state })
}

/// Checks everything about the configuration that can be checked without a connection.
///
/// # Errors
/// As [`connect`].
pub fn check(config: &NatsConfig) -> Result<(), NatsError> {
    addresses(&config.url)?;
    options(config).map(|_| ())
}

fn addresses(url: &str) -> Result<Vec<ServerAddr>, NatsError> {
    let parse = |part: &str| {
        part.trim()
            .parse::<ServerAddr>()
            .map_err(|source| NatsError::Url { url: part.trim().to_owned(), source })
    };
    url.split(',').map(parse).collect()
}

fn options(config: &NatsConfig) -> Result<ConnectOptions, NatsError> {
    let mut options = ConnectOptions::new();
    if let Some(user) = &config.user {
        let password = match (&config.password, &config.password_file) {
            (Some(password), None) => password.reveal().to_owned(),
            (None, Some(path)) => first_line("password_file", path)?,
            (None, None) => String::new(),
            (Some(_), Some(_)) => {
                return Err(NatsError::Keys("set either `nats.password` or `nats.password_file`"));
            }
        };
        options = options.user_and_password(user.clone(), password);
    } else if config.password.is_some() || config.password_file.is_some() {
        return Err(NatsError::Keys("a password needs `nats.user`"));
    }
    if let Some(path) = &config.token_file {
        options = options.token(first_line("token_file", path)?);
    }
    if let Some(path) = &config.credentials_file {
        let text = read("credentials_file", path)?;
        let file = |source| NatsError::File { key: "credentials_file", path: path.into(), source };
        options = options.credentials(&text).map_err(file)?;
    }
    if let Some(path) = &config.tls_ca {
        read("tls_ca", path)?;
        options = options.add_root_certificates(path.into()).require_tls(true);
    }
    match (&config.tls_cert, &config.tls_key) {
        (Some(cert), Some(key)) => {
            read("tls_cert", cert)?;
            read("tls_key", key)?;
            options = options.add_client_certificate(cert.into(), key.into()).require_tls(true);
        }
        (None, None) => {}
        _ => return Err(NatsError::Keys("`nats.tls_cert` and `nats.tls_key` go together")),
    }
    Ok(options)
}

fn read(key: &'static str, path: &str) -> Result<String, NatsError> {
    fs::read_to_string(Path::new(path)).map_err(|source| NatsError::File { key, path: path.into(), source })
}

fn first_line(key: &'static str, path: &str) -> Result<String, NatsError> {
    Ok(read(key, path)?.lines().next().unwrap_or_default().trim().to_owned())
}

/// Pause before an attempt: none, then 100 ms doubling up to [`RECONNECT_PAUSE_MAX`].
fn reconnect_pause(attempts: usize) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(2)).unwrap_or(u32::MAX).min(10);
    let pause = Duration::from_millis(100) * 2_u32.pow(doublings);
    if attempts <= 1 { Duration::ZERO } else { pause.min(RECONNECT_PAUSE_MAX) }
}

/// Logs what happens to the connection, each trouble once.
struct Reporter {
    url: String,
    last: Mutex<Option<String>>,
    tell: watch::Sender<u64>,
}

impl Reporter {
    fn report(&self, event: &Event) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Connected => {
                *last = None;
                tracing::info!(url = self.url, "connected to the broker");
                self.tell.send_modify(|state| *state += 1 + *state % 2);
            }
            Event::Disconnected => {
                tracing::warn!(url = self.url, "connection to the broker is lost");
                self.tell.send_modify(|state| *state += *state % 2);
            }
            Event::ServerError(error) => self.complain(&mut last, &error.to_string()),
            // What keeps it from connecting is told with more words by `attempt`; closing is our own doing.
            _ => {}
        }
    }

    /// Told before every attempt to connect, with what became of the last one.
    fn attempt(&self, servers: &[async_nats::Server]) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        for error in servers.iter().filter_map(|server| server.last_error.as_deref()) {
            self.complain(&mut last, error);
        }
    }

    fn complain(&self, last: &mut Option<String>, error: &str) {
        let trouble = plain_words(error);
        if last.as_deref() != Some(&trouble) {
            tracing::warn!(url = self.url, trouble, "no connection to the broker");
            *last = Some(trouble);
        }
    }
}

/// The client's words, with what they mean to the one who runs it.
fn plain_words(text: &str) -> String {
    const MEANINGS: [(&str, &str); 7] = [
        (
            "authorization",
            "it refuses this sign-in: check nats.user, nats.token_file or nats.credentials_file",
        ),
        ("certificate", "its certificate is not accepted, or ours is not: check nats.tls_ca, nats.tls_cert"),
        ("tls", "the encrypted connection fails: check nats.tls_ca and whether the server speaks TLS"),
        ("dns", "the name of the server cannot be resolved"),
        ("lookup", "the name of the server cannot be resolved"),
        ("timed out", "the server does not answer in time"),
        ("io error", "no server answers at this address"),
    ];
    let lower = text.to_ascii_lowercase();
    match MEANINGS.iter().find(|(word, _)| lower.contains(word)) {
        Some(("authorization", meaning)) => (*meaning).to_owned(),
        Some((_, meaning)) => format!("{meaning} ({text})"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_come_ever_more_slowly() {
        let pauses: Vec<u128> =
            [0, 1, 2, 3, 4, 100].iter().map(|n| reconnect_pause(*n).as_millis()).collect();
        assert_eq!(pauses, [0, 0, 100, 200, 400, 8000]);
    }

    #[test]
    fn trouble_is_told_in_plain_words() {
        for (text, part) in [
            ("nats: authorization violation", "check nats.user"),
            (
                "IO error: Connection refused (os error 111)",
                "no server answers at this address (IO error: Conn",
            ),
            ("IO error: invalid peer certificate: UnknownIssuer", "check nats.tls_ca"),
            ("something else", "something else"),
        ] {
            assert!(plain_words(text).contains(part), "{}", plain_words(text));
        }
    }

    #[test]
    fn mistakes_are_named_before_connecting() {
        let config = NatsConfig { password_file: Some("/x".into()), ..NatsConfig::default() };
        assert!(check(&config).unwrap_err().to_string().contains("needs `nats.user`"));
        let config = NatsConfig { tls_cert: Some("/x".into()), ..NatsConfig::default() };
        assert!(check(&config).unwrap_err().to_string().contains("go together"));
        let config = NatsConfig { token_file: Some("/nowhere/token".into()), ..NatsConfig::default() };
        assert_eq!(check(&config).unwrap_err().to_string(), "read `nats.token_file` /nowhere/token");
        let config = NatsConfig { url: "nats://a:1, nats://[".into(), ..NatsConfig::default() };
        assert!(check(&config).unwrap_err().to_string().contains("\"nats://[\""));
    }
}
