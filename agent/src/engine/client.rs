//! Questions to an engine: bollard carries the requests, answers come as bytes, bounded in size and time.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use bytes::{Buf, Bytes, BytesMut};
use futures::{Stream, StreamExt};
use hyper::Uri;
use tokio::time::{Instant, timeout_at};

use super::model::{About, Trouble};
use super::parse;
use super::transport::{Endpoint, Transport};

/// Largest answer about one container, in bytes.
pub(super) const ONE_BYTES_MAX: usize = 4 << 20;
/// Largest answer about all of a kind, in bytes.
pub(super) const ALL_BYTES_MAX: usize = 8 << 20;
/// Longest line of the event stream, in bytes.
const LINE_BYTES_MAX: usize = 256 << 10;
/// How long an answer may take.
pub(super) const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Newest version of the API whose answers are known here, and the oldest that is spoken.
const NEWEST: (u32, u32) = (1, 51);
const OLDEST: (u32, u32) = (1, 24);

/// Why there is no answer.
pub(super) type Failure = Trouble;

/// A failure with its bounded word.
pub(super) fn failure(reason: &str, message: impl Into<String>) -> Failure {
    Trouble { reason: reason.to_owned(), message: message.into() }
}

/// Asks one engine.
pub(super) struct Client {
    docker: Docker,
    /// Prefix of every path once the version is known: `/v1.41`.
    prefix: String,
}

impl Client {
    /// Makes a client; connects nowhere yet.
    ///
    /// # Errors
    /// Certificates cannot be read.
    pub(super) fn new(endpoint: &Endpoint) -> Result<Self, Failure> {
        let transport = Transport::new(endpoint.clone());
        let transport = Arc::new(transport.map_err(|error| failure("tls", error.to_string()))?);
        let exchange = move |request: BollardRequest| Arc::clone(&transport).exchange(request);
        let seconds = ANSWER_MAX.as_secs();
        let docker = Docker::connect_with_custom_transport(
            exchange,
            Some("http://docker"),
            seconds,
            API_DEFAULT_VERSION,
        );
        Ok(Self { docker: docker.map_err(|error| trouble("the client", &error))?, prefix: String::new() })
    }

    /// Agrees on a version of the API and asks what the engine is.
    ///
    /// # Errors
    /// It does not answer, or is too old.
    pub(super) async fn greet(&mut self) -> Result<About, Failure> {
        let bytes = self.get("/version", ONE_BYTES_MAX, ANSWER_MAX).await?;
        let version = parse::version(&bytes).map_err(|error| garbage("/version", &error))?;
        let newest = version.newest.ok_or_else(|| garbage("/version", &"it names no `ApiVersion`"))?;
        if newest < OLDEST {
            let text =
                format!("it speaks API {}.{}, older than {}.{}", newest.0, newest.1, OLDEST.0, OLDEST.1);
            return Err(failure("garbage", text));
        }
        let (major, minor) = newest.min(NEWEST).max(version.oldest.unwrap_or(OLDEST)).min(newest);
        self.prefix = format!("/v{major}.{minor}");
        let mut about = About {
            product: version.product.to_owned(),
            version: version.version,
            api_version: format!("{major}.{minor}"),
            ..About::default()
        };
        // A proxy in front of the socket may forbid it: the rest does not need it.
        if let Ok(bytes) = self.get("/info", ONE_BYTES_MAX, ANSWER_MAX).await {
            let _ = parse::info(&bytes, &mut about);
        }
        Ok(about)
    }

    /// An answer of at most `bytes_max`, whole within `within`.
    ///
    /// # Errors
    /// None comes, or it is larger.
    pub(super) async fn get(
        &self,
        path: &str,
        bytes_max: usize,
        within: Duration,
    ) -> Result<Vec<u8>, Failure> {
        let deadline = Instant::now() + within;
        let mut parts = self.stream(path, within)?;
        let mut whole = Vec::new();
        loop {
            match timeout_at(deadline, parts.next()).await {
                Err(_) => return Err(failure("timeout", format!("{path}: no answer within {within:?}"))),
                Ok(None) => return Ok(whole),
                Ok(Some(Err(error))) => return Err(trouble(path, &error)),
                Ok(Some(Ok(part))) if whole.len() + part.len() > bytes_max => {
                    return Err(failure(
                        "too_large",
                        format!("{path}: an answer of more than {bytes_max} bytes"),
                    ));
                }
                Ok(Some(Ok(part))) => whole.extend_from_slice(&part),
            }
        }
    }

    /// The lines of an answer that does not end. Nothing is sent before the first is asked for.
    ///
    /// # Errors
    /// The path is none.
    pub(super) fn lines(
        &self,
        path: &str,
    ) -> Result<Lines<impl Stream<Item = Result<Bytes, Error>> + Unpin>, Failure> {
        Ok(Lines { parts: Box::pin(self.stream(path, ANSWER_MAX)?), buffer: BytesMut::new(), searched: 0 })
    }

    /// bollard hands out the bytes of an answer where it expects an archive. It leaves the version of the API out of addresses;
    /// its hook for requests puts both right.
    fn stream(
        &self,
        path: &str,
        head_within: Duration,
    ) -> Result<impl Stream<Item = Result<Bytes, Error>> + Unpin, Failure> {
        let uri: Uri = format!("http://docker{}{path}", self.prefix)
            .parse()
            .map_err(|_| failure("io", format!("{path:?} is no path")))?;
        let docker =
            self.docker.clone().with_timeout(head_within).with_request_modifier(move |mut request| {
                request.uri_mut().clone_from(&uri);
                request
            });
        Ok(Box::pin(docker.export_container("any")))
    }
}

/// Lines of an answer as they come.
pub(super) struct Lines<S> {
    parts: S,
    buffer: BytesMut,
    /// Bytes of the buffer that hold no end of a line.
    searched: usize,
}

impl<S: Stream<Item = Result<Bytes, Error>> + Unpin> Lines<S> {
    /// The next line; waits for as long as it takes. Can be dropped and called again without losing anything.
    ///
    /// # Errors
    /// The connection ends, or a line does not.
    pub(super) async fn next(&mut self) -> Result<Vec<u8>, Failure> {
        loop {
            let rest = self.buffer.get(self.searched..).unwrap_or_default();
            if let Some(end) = rest.iter().position(|&b| b == b'\n') {
                let line = self.buffer.split_to(self.searched + end).to_vec();
                self.buffer.advance(1);
                self.searched = 0;
                if line.iter().any(|b| !b.is_ascii_whitespace()) {
                    return Ok(line);
                }
                continue;
            }
            self.searched = self.buffer.len();
            if self.searched > LINE_BYTES_MAX {
                return Err(failure("too_large", format!("an event of more than {LINE_BYTES_MAX} bytes")));
            }
            match self.parts.next().await {
                Some(Ok(part)) => self.buffer.extend_from_slice(&part),
                Some(Err(error)) => return Err(trouble("/events", &error)),
                None => return Err(failure("closed", "the engine ended the stream of events")),
            }
        }
    }
}

/// An answer that is not what it should be.
pub(super) fn garbage(path: &str, error: &dyn std::fmt::Display) -> Failure {
    failure("garbage", format!("{path}: {error}"))
}

/// Sorts an error into its bounded word.
fn trouble(path: &str, error: &Error) -> Failure {
    let reason = match error {
        Error::DockerResponseServerError { .. } => "http",
        Error::RequestTimeoutError => "timeout",
        Error::IOError { err } => io_reason(err),
        Error::HyperResponseError { err } => hyper_reason(err),
        _ => "io",
    };
    let mut message = format!("{path}: ");
    let mut source: Option<&dyn std::error::Error> = Some(error);
    let mut last = String::new();
    while let Some(error) = source {
        // Several layers say the same in the same words.
        let text = error.to_string();
        if text != last {
            let _ = write!(message, "{}{text}", if last.is_empty() { "" } else { ": " });
        }
        last = text;
        source = error.source();
    }
    failure(reason, message)
}

fn io_reason(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "missing",
        io::ErrorKind::PermissionDenied => "permission",
        io::ErrorKind::ConnectionRefused => "refused",
        io::ErrorKind::InvalidData => "tls",
        io::ErrorKind::TimedOut => "timeout",
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => "closed",
        _ => "io",
    }
}

fn hyper_reason(error: &hyper::Error) -> &'static str {
    if error.is_parse() {
        "garbage"
    } else if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        "closed"
    } else {
        let inner = std::error::Error::source(error).and_then(|inner| inner.downcast_ref::<io::Error>());
        inner.map_or("io", io_reason)
    }
}
