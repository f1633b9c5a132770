//! The way to an engine: a connection for each request, over a unix socket, TCP, or TCP with TLS. Read-only: what is no GET is
//! not sent.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bollard::BollardRequest;
use bollard::errors::Error;
use futures::StreamExt;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue};
use hyper::rt::ReadBufCursor;
use hyper::{Method, Response};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

/// Longest explanation of a refusal that is read, in bytes.
const REFUSAL_BYTES_MAX: usize = 4096;
/// Bytes read from a connection at a time.
const READ_BYTES: usize = 8192;

/// Where an engine listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Endpoint {
    /// A unix socket.
    Unix(PathBuf),
    /// Host and port, without protection.
    Tcp(String),
    /// Host and port, with TLS.
    Tls {
        /// Host and port.
        address: String,
        /// Folder with `ca.pem`, and `cert.pem` and `key.pem` where the engine asks for a certificate.
        certificates: PathBuf,
    },
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Tls { address, .. } => write!(f, "tls://{address}"),
        }
    }
}

/// What makes connections. Connections end with it.
pub(super) struct Transport {
    endpoint: Endpoint,
    tls: Option<TlsConnector>,
    /// Ends the connections when it is dropped.
    open: watch::Sender<()>,
}

impl Transport {
    /// Reads the certificates, connects nowhere yet.
    ///
    /// # Errors
    /// A certificate cannot be read.
    pub(super) fn new(endpoint: Endpoint) -> io::Result<Self> {
        let tls = match &endpoint {
            Endpoint::Tls { certificates, .. } => Some(connector(certificates)?),
            _ => None,
        };
        Ok(Self { endpoint, tls, open: watch::channel(()).0 })
    }

    async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        Ok(match (&self.endpoint, &self.tls) {
            (Endpoint::Unix(path), _) => Box::new(UnixStream::connect(path).await?),
            (Endpoint::Tls { address, .. }, Some(tls)) => {
                let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
                let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
                let name = ServerName::try_from(host).map_err(|error| io::Error::other(error.to_string()))?;
                Box::new(tls.connect(name, TcpStream::connect(address).await?).await?)
            }
            (Endpoint::Tcp(address) | Endpoint::Tls { address, .. }, _) => {
                Box::new(TcpStream::connect(address).await?)
            }
        })
    }

    /// Sends a request and waits for the head of the answer; the body comes as it is read.
    pub(super) async fn exchange(
        self: Arc<Self>,
        mut request: BollardRequest,
    ) -> Result<Response<Incoming>, Error> {
        if request.method() != Method::GET {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "engines are only read").into());
        }
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
        *request.uri_mut() = path.parse().map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        request.headers_mut().insert(HOST, HeaderValue::from_static("docker"));
        let stream = Adapter(self.connect().await?);
        let (mut sender, connection) = http1::handshake(stream).await?;
        let mut open = self.open.subscribe();
        tokio::spawn(async move {
            tokio::select! {
                // What ends it shows at the one who reads.
                _ = connection => {}
                _ = open.changed() => {}
            }
        });
        let response = sender.send_request(request).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status_code = response.status().as_u16();
        let mut text = Vec::new();
        let mut body = response.into_body().into_data_stream();
        while let Some(Ok(part)) = body.next().await {
            text.extend_from_slice(&part);
            if text.len() > REFUSAL_BYTES_MAX {
                text.truncate(REFUSAL_BYTES_MAX);
                break;
            }
        }
        let message = refusal(&text);
        Err(Error::DockerResponseServerError { status_code, message })
    }
}

/// `{"message": "…"}`, or whatever text came.
fn refusal(text: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        message: String,
    }
    match serde_json::from_slice::<Refusal>(text) {
        Ok(refusal) => refusal.message,
        Err(_) => String::from_utf8_lossy(text).trim().chars().take(200).collect(),
    }
}

fn connector(folder: &Path) -> io::Result<TlsConnector> {
    let bad = |file: &Path, error: &dyn std::fmt::Display| {
        io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", file.display()))
    };
    let certificates = |name: &str| -> io::Result<Vec<CertificateDer<'static>>> {
        let file = folder.join(name);
        let all = CertificateDer::pem_file_iter(&file).map_err(|error| bad(&file, &error))?;
        all.collect::<Result<_, _>>().map_err(|error| bad(&file, &error))
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates("ca.pem")? {
        roots.add(certificate).map_err(|error| bad(&folder.join("ca.pem"), &error))?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(folder, &error))?
        .with_root_certificates(roots);
    let config = if folder.join("cert.pem").exists() {
        let file = folder.join("key.pem");
        let key = PrivateKeyDer::from_pem_file(&file).map_err(|error| bad(&file, &error))?;
        config.with_client_auth_cert(certificates("cert.pem")?, key).map_err(|error| bad(folder, &error))?
    } else {
        config.with_no_client_auth()
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

/// A connection.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// tokio's connection as hyper wants it.
struct Adapter(Box<dyn Stream>);

impl hyper::rt::Read for Adapter {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut bytes = [0_u8; READ_BYTES];
        let length = into.remaining().min(READ_BYTES);
        let mut buffer = ReadBuf::new(bytes.split_at_mut(length).0);
        std::task::ready!(Pin::new(&mut self.0).poll_read(context, &mut buffer))?;
        into.put_slice(buffer.filled());
        Poll::Ready(Ok(()))
    }
}

impl hyper::rt::Write for Adapter {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
