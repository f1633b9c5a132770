//! A small HTTP client, so that tests see the bytes a browser would see.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// The problem document it must be.
    pub(crate) fn problem(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        assert!(
            problem["type"].as_str().is_some_and(|urn| urn.starts_with("urn:homelab-intelligence:problem:"))
        );
        problem
    }
}

/// Sends a request with these header lines (`Host` included, when wanted) and reads the answer to the end.
pub(crate) async fn request(address: SocketAddr, method: &str, path: &str, headers: &[&str]) -> Reply {
    let mut stream = BufReader::new(TcpStream::connect(address).await.unwrap());
    let mut text = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    for header in headers {
        text += header;
        text += "\r\n";
    }
    stream.write_all((text + "\r\n").as_bytes()).await.unwrap();
    let (status, headers) = head(&mut stream).await;
    let mut body = Vec::new();
    stream.read_to_end(&mut body).await.unwrap();
    if headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked") {
        body = unchunk(&body);
    }
    Reply { status, headers, body }
}

fn unchunk(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
    }
    body
}

async fn head(stream: &mut BufReader<TcpStream>) -> (u16, Vec<(String, String)>) {
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    let status =
        line.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("{line:?}"));
    let mut headers = Vec::new();
    loop {
        line.clear();
        stream.read_line(&mut line).await.unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    (status, headers)
}

/// GETs under the name that a browser on this machine uses.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Reply {
    request(address, "GET", path, &["Host: localhost"]).await
}

/// Encodes a value for a query string.
pub(crate) fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

/// A live stream.
pub(crate) struct Live {
    stream: BufReader<TcpStream>,
}

impl Live {
    pub(crate) async fn open(address: SocketAddr, path: &str) -> Self {
        let mut stream = BufReader::new(TcpStream::connect(address).await.unwrap());
        let text = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        stream.write_all(text.as_bytes()).await.unwrap();
        let (status, headers) = head(&mut stream).await;
        assert_eq!(status, 200, "{headers:?}");
        assert!(
            headers.contains(&("content-type".to_owned(), "text/event-stream".to_owned())),
            "{headers:?}"
        );
        let mut live = Self { stream };
        // The first thing sent is a comment: from then on nothing is missed.
        let comment = live.line().await.unwrap();
        assert!(comment.starts_with(':'), "{comment:?}");
        live
    }

    /// The next line that is not the frame of a chunk.
    async fn line(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return None;
            }
            let line = line.trim_end().to_owned();
            let is_chunk_size =
                line.len() < 8 && !line.is_empty() && line.bytes().all(|b| b.is_ascii_hexdigit());
            if !is_chunk_size {
                return Some(line);
            }
        }
    }

    /// The next event; none when the stream ended.
    pub(crate) async fn event(&mut self) -> Option<(String, Value)> {
        let read = async {
            loop {
                let line = self.line().await?;
                let Some(name) = line.strip_prefix("event: ") else { continue };
                let name = name.to_owned();
                let data = self.line().await?;
                return Some((name, serde_json::from_str(data.strip_prefix("data: ")?).ok()?));
            }
        };
        tokio::time::timeout(hi_harness::BOUND, read).await.expect("no event came")
    }
}
