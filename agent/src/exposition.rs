//! Prometheus text (exposition format 0.0.4): of one reading for `sample`, of everything read last on `/metrics`.

use std::collections::HashMap;
use std::fmt::Write;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hi_common::batch::is_absent;
use hi_common::metric::MetricDef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::assembler::lock;
use crate::sampler::Mirror;
use crate::source::Readings;

/// Connections served at a time; more wait.
const CONNECTIONS_MAX: usize = 8;
/// Largest request head, in bytes.
const REQUEST_BYTES_MAX: usize = 8 << 10;
/// How long a client may take to ask and to read.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(10);

/// The samples of some readings as text: families in the order in which they were first read, each described once.
pub fn text<'a>(readings: impl IntoIterator<Item = &'a Readings>) -> String {
    let mut families: Vec<(&'static MetricDef, String)> = Vec::new();
    let mut places: HashMap<&'static str, usize> = HashMap::new();
    for (metric, labels, value) in readings.into_iter().flat_map(Readings::samples) {
        if is_absent(value) {
            continue;
        }
        let place = *places.entry(metric.name).or_insert_with(|| {
            families.push((metric, String::new()));
            families.len() - 1
        });
        write_sample(&mut families[place].1, metric, &labels, value);
    }
    let mut out = String::new();
    for (metric, lines) in families {
        let help = metric.help.replace('\\', "\\\\").replace('\n', "\\n");
        // Writing to a String cannot fail.
        let _ = writeln!(out, "# HELP {} {help}", metric.name);
        let _ = writeln!(out, "# TYPE {} {}", metric.name, metric.kind.prometheus_type());
        out.push_str(&lines);
    }
    out
}

fn write_sample(out: &mut String, metric: &MetricDef, labels: &[&str], value: f64) {
    out.push_str(metric.name);
    for (index, (key, text)) in metric.labels.iter().zip(labels).enumerate() {
        out.push(if index == 0 { '{' } else { ',' });
        out.push_str(key);
        out.push_str("=\"");
        for c in text.chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '"' => out.push_str("\\\""),
                '\n' => out.push_str("\\n"),
                c => out.push(c),
            }
        }
        out.push('"');
    }
    if !metric.labels.is_empty() {
        out.push('}');
    }
    let _ = if value.is_nan() {
        writeln!(out, " NaN")
    } else if value.is_infinite() {
        writeln!(out, " {}Inf", if value > 0.0 { '+' } else { '-' })
    } else {
        writeln!(out, " {value}")
    };
}

/// Address to listen on: `address:port`, or a port alone on loopback.
///
/// # Errors
/// A text that is neither.
pub fn listen_address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    text.parse().map_err(|_| {
        format!(
            "`exposition.listen` must be an address with a port, like 127.0.0.1:9101, or a port, not {text:?}"
        )
    })
}

/// Starts listening.
///
/// # Errors
/// What the system says: the port is taken, the address is not ours.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address).await?;
    tracing::info!(address = %listener.local_addr()?, "serving /metrics");
    Ok(listener)
}

/// Serves `/metrics` until aborted.
pub async fn serve(listener: TcpListener, mirror: Mirror) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, for one: it passes.
                tracing::debug!(%error, "connection cannot be accepted");
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        let mirror = Arc::clone(&mirror);
        tokio::spawn(async move {
            let _ = timeout(CLIENT_TIMEOUT, answer(stream, &mirror)).await;
            drop(permit);
        });
    }
}

async fn answer(mut stream: TcpStream, mirror: &Mirror) -> io::Result<()> {
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let n = stream.read(&mut buffer).await?;
        request.extend_from_slice(&buffer[..n]);
        if n == 0 || request.len() > REQUEST_BYTES_MAX {
            return Ok(());
        }
    }
    let line = request.split(|&b| b == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut words = line.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = path.split('?').next().unwrap_or_default();
    let (status, kind, body) = match (method, path) {
        ("GET" | "HEAD", "/metrics") => {
            let body = text(lock(mirror).iter().flatten());
            ("200 OK", "text/plain; version=0.0.4; charset=utf-8", body)
        }
        ("GET" | "HEAD", _) => ("404 Not Found", "text/plain; charset=utf-8", "see /metrics\n".to_owned()),
        _ => ("405 Method Not Allowed", "text/plain; charset=utf-8", "GET only\n".to_owned()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    if method != "HEAD" {
        stream.write_all(body.as_bytes()).await?;
    }
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use hi_common::batch::ABSENT;
    use hi_common::metric::Unit;

    static A: MetricDef = MetricDef::counter("a_total", Unit::None, &["x", "y"], "A \\ and\nmore.");
    static B: MetricDef = MetricDef::gauge("b", Unit::None, &[], "B.");

    #[test]
    fn text_is_what_prometheus_reads() {
        let mut first = Readings::default();
        first.push(&A, &["q\"\\\n", ""], 1.5);
        first.push(&B, &[], f64::NAN);
        first.push(&B, &[], ABSENT);
        let mut second = Readings::default();
        second.push(&A, &["1", "2"], 16_777_216.0);
        second.push(&B, &[], f64::NEG_INFINITY);
        let expected = "# HELP a_total A \\\\ and\\nmore.\n# TYPE a_total counter\n\
                        a_total{x=\"q\\\"\\\\\\n\",y=\"\"} 1.5\na_total{x=\"1\",y=\"2\"} 16777216\n\
                        # HELP b B.\n# TYPE b gauge\nb NaN\nb -Inf\n";
        assert_eq!(text([&first, &second]), expected);
    }

    #[test]
    fn a_port_alone_is_loopback() {
        assert_eq!(listen_address("9101").unwrap().to_string(), "127.0.0.1:9101");
        assert_eq!(listen_address("[::1]:9101").unwrap().to_string(), "[::1]:9101");
        assert!(listen_address("localhost").is_err());
    }

    async fn ask(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn metrics_are_served() {
        let mut readings = Readings::default();
        readings.push(&B, &[], 2.0);
        let mirror: Mirror = Arc::new(std::sync::Mutex::new(vec![None, Some(readings)]));
        let listener = bind(listen_address("0").unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve(listener, mirror));
        let answer = ask(address, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(
            answer.starts_with("HTTP/1.1 200 OK\r\n")
                && answer.ends_with("\r\n\r\n# HELP b B.\n# TYPE b gauge\nb 2\n"),
            "{answer}"
        );
        assert!(ask(address, "GET / HTTP/1.1\r\n\r\n").await.starts_with("HTTP/1.1 404"));
        assert!(ask(address, "POST /metrics HTTP/1.1\r\n\r\n").await.starts_with("HTTP/1.1 405"));
        let head = ask(address, "HEAD /metrics HTTP/1.1\r\n\r\n").await;
        assert!(head.ends_with("\r\n\r\n"), "{head}");
        server.abort();
    }
}
