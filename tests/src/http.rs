//! As much of an HTTP/1.1 client as the tests need, written out so that they also see what goes over the wire.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// How long a whole answer may take; a bound against hanging, not a measurement.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Debug)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Body.
    pub body: Vec<u8>,
}

impl Response {
    /// Body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Body as JSON.
    ///
    /// # Errors
    /// It is none.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("status {}: no JSON: {:.300}", self.status, self.text()))
    }
}

type Reader = BufReader<TcpStream>;

async fn open(base: &str, path: &str, host_header: Option<&str>) -> Result<(Reader, Response)> {
    let address = base.trim_start_matches("http://").trim_end_matches('/');
    let stream = TcpStream::connect(address).await.with_context(|| format!("connect {address}"))?;
    let mut reader = BufReader::new(stream);
    let host = host_header.unwrap_or(address);
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    reader.write_all(request.as_bytes()).await.context("send request")?;
    let status_line = line(&mut reader).await?.context("connection closed before an answer")?;
    let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.with_context(|| format!("no status in {status_line:?}"))?;
    let mut headers = BTreeMap::new();
    while let Some(header) = line(&mut reader).await?.filter(|text| !text.is_empty()) {
        let (name, value) = header.split_once(':').with_context(|| format!("header {header:?}"))?;
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    Ok((reader, Response { status, headers, body: Vec::new() }))
}

async fn line(reader: &mut Reader) -> Result<Option<String>> {
    let mut text = String::new();
    let read = reader.read_line(&mut text).await.context("read answer")?;
    Ok((read > 0).then(|| text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// The next chunk of a chunked body; `None` at its end.
async fn chunk(reader: &mut Reader) -> Result<Option<Vec<u8>>> {
    let size = line(reader).await?.context("chunk size missing")?;
    let size = size.split(';').next().unwrap_or_default();
    let size = usize::from_str_radix(size.trim(), 16).with_context(|| format!("chunk size {size:?}"))?;
    let mut data = vec![0; size + 2];
    reader.read_exact(&mut data).await.context("read chunk")?;
    data.truncate(size);
    Ok((size > 0).then_some(data))
}

fn is_chunked(response: &Response) -> bool {
    response.headers.get("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
}

/// GETs `path` of `base` (`http://127.0.0.1:port`), whatever the status.
///
/// # Errors
/// No connection, no HTTP, no answer in a minute.
pub async fn get(base: &str, path: &str) -> Result<Response> {
    get_as(base, path, None).await
}

/// As [`get`], with another `Host` header.
///
/// # Errors
/// As [`get`].
pub async fn get_as(base: &str, path: &str, host_header: Option<&str>) -> Result<Response> {
    let whole = async {
        let (mut reader, mut response) = open(base, path, host_header).await?;
        if is_chunked(&response) {
            while let Some(data) = chunk(&mut reader).await? {
                response.body.extend(data);
            }
        } else if let Some(length) = response.headers.get("content-length") {
            response.body = vec![0; length.parse().context("content-length")?];
            reader.read_exact(&mut response.body).await.context("read body")?;
        } else {
            reader.read_to_end(&mut response.body).await.context("read body")?;
        }
        Ok(response)
    };
    tokio::time::timeout(ANSWER_TIMEOUT, whole)
        .await
        .with_context(|| format!("GET {base}{path} took a minute"))?
}

/// GETs JSON with status 200.
///
/// # Errors
/// As [`get`], and any other status, with what the body says.
pub async fn get_json(base: &str, path: &str) -> Result<Value> {
    let response = get(base, path).await?;
    ensure!(response.status == 200, "GET {path}: status {}: {:.500}", response.status, response.text());
    response.json()
}

/// Puts query parameters behind a path, percent-encoded.
pub fn with_query(path: &str, parameters: &[(&str, &str)]) -> String {
    let encode = |text: &str| {
        text.bytes().fold(String::new(), |mut out, byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                out.push(char::from(byte));
            } else {
                out.push_str(&format!("%{byte:02X}"));
            }
            out
        })
    };
    let pairs: Vec<_> = parameters.iter().map(|(k, v)| format!("{}={}", encode(k), encode(v))).collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

/// One server-sent event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentEvent {
    /// Name of the event; `message` when it has none.
    pub event: String,
    /// Its data.
    pub data: String,
}

/// An open stream of server-sent events.
pub struct EventStream {
    reader: Reader,
    buffer: Vec<u8>,
}

impl EventStream {
    /// Opens it.
    ///
    /// # Errors
    /// Not status 200, or no event stream.
    pub async fn open(base: &str, path: &str) -> Result<Self> {
        let (reader, response) = open(base, path, None).await?;
        ensure!(response.status == 200, "GET {path}: status {}", response.status);
        ensure!(is_chunked(&response), "an event stream is sent in chunks");
        Ok(Self { reader, buffer: Vec::new() })
    }

    /// The next event, comments skipped.
    ///
    /// # Errors
    /// The stream ended.
    pub async fn next(&mut self) -> Result<SentEvent> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
                if let Some(event) = parse_event(&String::from_utf8_lossy(&block)) {
                    return Ok(event);
                }
                continue;
            }
            match chunk(&mut self.reader).await? {
                Some(data) => self.buffer.extend(data),
                None => bail!("the event stream ended"),
            }
        }
    }
}

fn parse_event(block: &str) -> Option<SentEvent> {
    let field = |name: &str| {
        let values = block.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let values: Vec<_> = values.map(|value| value.strip_prefix(' ').unwrap_or(value)).collect();
        (!values.is_empty()).then(|| values.join("\n"))
    };
    let data = field("data")?;
    Some(SentEvent { event: field("event").unwrap_or_else(|| "message".to_owned()), data })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_encoded() {
        assert_eq!(
            with_query("/a", &[("match", "m{a=\"b c\"}"), ("x", "1")]),
            "/a?match=m%7Ba%3D%22b%20c%22%7D&x=1"
        );
    }

    #[test]
    fn events_are_taken_apart() {
        let event = parse_event("event: samples\ndata: {\ndata: }\n\n").unwrap();
        assert_eq!((event.event.as_str(), event.data.as_str()), ("samples", "{\n}"));
        assert_eq!(parse_event(": keep-alive\n\n"), None);
    }
}
