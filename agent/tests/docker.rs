//! The source `docker` against a real engine with real containers, and against sockets that do not behave.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may panic")]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hi_agent::host::HostRoot;
use hi_agent::source::{EventDoc, Outcome, Readings, Source, SourceError};
use hi_agent::sources::docker::DEF;
use hi_common::fact::FactValue;

#[path = "docker/daemon.rs"]
mod daemon;
use daemon::{Daemon, PATIENCE, until};

/// The source over some engines.
struct Watch {
    source: Box<dyn Source>,
    host: HostRoot,
    out: Readings,
    events: Vec<EventDoc>,
    gone: Vec<(&'static str, String)>,
    /// Facts as they were told last: they are told when they change.
    facts: BTreeMap<(&'static str, String), BTreeMap<String, FactValue>>,
}

impl Watch {
    fn new(engines: &[String]) -> Self {
        let list: Vec<String> = engines.iter().map(|engine| format!("{engine:?}")).collect();
        let text = format!("[sources.docker]\ndetect = false\nengines = [{}]\n", list.join(", "));
        let source = (DEF.make)(&text.parse().unwrap()).unwrap();
        Self {
            source,
            host: HostRoot::live(),
            out: Readings::default(),
            events: vec![],
            gone: vec![],
            facts: BTreeMap::new(),
        }
    }

    fn unix(socket: &Path) -> Self {
        Self::new(&[format!("docker=unix://{}", socket.display())])
    }

    fn read(&mut self) -> Result<Outcome, SourceError> {
        self.out.clear();
        let result = self.source.read(&self.host, &mut self.out);
        self.keep();
        result
    }

    /// What the sampler does when the source rings.
    fn look(&mut self) {
        self.out.clear();
        let _ = self.source.look(&self.host, &mut self.out);
        self.keep();
    }

    fn keep(&mut self) {
        self.events.extend(self.out.events().iter().cloned());
        self.gone.extend(self.out.gone().iter().cloned());
        for fact in self.out.facts() {
            self.facts.insert((fact.kind, fact.id.clone()), fact.doc.clone());
        }
    }

    /// Waits for an event of that kind about a container, from `since` on; returns how many there are by then.
    fn heard(&mut self, kind: &str, container: &str, more: (&str, &str)) {
        let has = |event: &EventDoc, key: &str, value: &str| {
            event.data.iter().any(|(k, v)| *k == key && v == value)
        };
        until(&format!("{kind} of {container}"), || {
            self.look();
            self.events.iter().any(|event| {
                event.kind == kind
                    && (container.is_empty() || has(event, "container", container))
                    && (more.0.is_empty() || has(event, more.0, more.1))
            })
        });
    }

    fn count(&self, kind: &str) -> usize {
        self.events.iter().filter(|event| event.kind == kind).count()
    }

    /// The value of a metric of a container by its name, the second label of cAdvisor's and the first of ours.
    fn value(&self, metric: &str, name: &str) -> Option<f64> {
        let mut samples = self.out.samples();
        let found = samples.find(|(found, labels, _)| found.name == metric && labels.contains(&name));
        found.map(|(_, _, value)| value)
    }

    fn fact(&self, kind: &'static str, id: &str, key: &str) -> Option<FactValue> {
        self.facts.get(&(kind, id.to_owned()))?.get(key).cloned()
    }
}

fn text(value: &str) -> Option<FactValue> {
    Some(FactValue::Text(value.to_owned()))
}

#[test]
fn a_real_engine_is_followed() {
    let Some(mut daemon) = Daemon::start("containers of a real engine") else { return };
    let mut watch = Watch::unix(&daemon.socket());
    assert_eq!(watch.read().unwrap(), Outcome::Read);
    assert_eq!(watch.fact("container_engine", "docker", "product"), text("docker"));
    assert!(watch.events.is_empty(), "what is found at first did not happen");

    started_measured_and_renamed(&daemon, &mut watch);
    health_changes(&daemon, &mut watch);
    memory_runs_out(&daemon, &mut watch);
    restarted_again_and_again(&daemon, &mut watch);
    the_engine_restarts(&mut daemon, &mut watch);
}

fn started_measured_and_renamed(daemon: &Daemon, watch: &mut Watch) {
    daemon.docker(&["network", "create", "--subnet", "172.31.77.0/24", "front"]);
    daemon.docker(&[
        "run",
        "-d",
        "--name",
        "web",
        "--network",
        "front",
        "-m",
        "64m",
        "--cpus",
        "0.5",
        "--label",
        "com.docker.compose.project=shop",
        "hi/test:1",
        "sh",
        "-c",
        "while :; do :; done",
    ]);
    let returned = Instant::now();
    watch.heard("container_start", "web", ("engine", "docker"));
    println!("the start is seen {:?} after the client came back", returned.elapsed());
    until("the container has used the CPU", || {
        watch.read().unwrap();
        watch.value("container_cpu_usage_seconds_total", "web").is_some_and(|seconds| seconds > 0.2)
    });
    assert_eq!(watch.value("container_spec_memory_limit_bytes", "web"), Some(f64::from(64 << 20)));
    assert_eq!(watch.value("container_spec_cpu_quota", "web"), Some(50_000.0));
    assert!(watch.value("container_network_receive_bytes_total", "eth0").is_some(), "its own network");
    assert!(watch.value("container_cpu_cfs_periods_total", "web").is_some());
    let stats = daemon.docker(&["stats", "--no-stream", "--format", "{{.PIDs}} {{.MemUsage}}", "web"]);
    let mut words = stats.split_whitespace();
    watch.read().unwrap();
    assert_eq!(watch.value("container_threads", "web").map(|n| n.to_string()).as_deref(), words.next());
    let shown = bytes(words.next().unwrap());
    let ours = watch.value("container_memory_working_set_bytes", "web").unwrap();
    assert!((ours - shown).abs() < 512.0 * 1024.0, "{ours} here, {shown} in docker stats");
    daemon.docker(&["rename", "web", "shop"]);
    watch.heard("container_renamed", "shop", ("old_name", "web"));
    until("the fact goes by the new name", || {
        watch.look();
        watch.gone.contains(&("container", "web".to_owned()))
    });
    daemon.docker(&["stop", "-t", "0", "shop"]);
    watch.heard("container_die", "shop", ("exit_code", "137"));
    let died = watch.events.iter().find(|event| event.kind == "container_die").unwrap();
    assert_eq!(died.severity, hi_common::event::Severity::Info, "somebody asked for it");
    daemon.docker(&["rm", "shop"]);
    watch.heard("container_destroyed", "shop", ("", ""));
}

/// `1.5MiB` as docker prints it.
fn bytes(text: &str) -> f64 {
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap();
    let unit = match &text[end..] {
        "B" => 1.0,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        other => panic!("{other}"),
    };
    text[..end].parse::<f64>().unwrap() * unit
}

fn health_changes(daemon: &Daemon, watch: &mut Watch) {
    daemon.docker(&[
        "run",
        "-d",
        "--name",
        "sick",
        "--network",
        "none",
        "--health-cmd",
        "cat /ok",
        "--health-interval",
        "1s",
        "--health-retries",
        "1",
        "hi/test:1",
        "sh",
        "-c",
        "echo fine > /ok; sleep 1000",
    ]);
    watch.heard("container_health", "sick", ("health", "healthy"));
    daemon.docker(&["exec", "sick", "rm", "/ok"]);
    watch.heard("container_health", "sick", ("health", "unhealthy"));
    until("the fact says so", || {
        watch.look();
        watch.fact("container", "sick", "health") == text("unhealthy")
    });
    let output = watch.fact("container", "sick", "health_output");
    assert!(matches!(&output, Some(FactValue::Text(text)) if text.contains("No such file")), "{output:?}");
    watch.read().unwrap();
    let unhealthy = watch
        .out
        .samples()
        .find(|(metric, labels, _)| metric.name == "hi_container_health" && labels == &["sick", "unhealthy"]);
    assert_eq!(unhealthy.unwrap().2, 1.0);
}

fn memory_runs_out(daemon: &Daemon, watch: &mut Watch) {
    daemon.docker(&[
        "run",
        "-d",
        "--name",
        "hungry",
        "--network",
        "none",
        "-m",
        "16m",
        "--memory-swap",
        "16m",
        "hi/test:1",
        "dd",
        "if=/dev/zero",
        "of=/dev/shm/x",
        "bs=1M",
        "count=60",
    ]);
    watch.heard("container_oom", "hungry", ("", ""));
    watch.heard("container_die", "hungry", ("exit_code", "137"));
    until("the fact says so", || {
        watch.look();
        watch.fact("container", "hungry", "oom_killed") == Some(FactValue::Bool(true))
    });
}

fn restarted_again_and_again(daemon: &Daemon, watch: &mut Watch) {
    daemon.docker(&[
        "run",
        "-d",
        "--name",
        "loop",
        "--network",
        "none",
        "--restart",
        "always",
        "hi/test:1",
        "false",
    ]);
    watch.heard("container_restart_loop", "loop", ("", ""));
    watch.read().unwrap();
    assert_eq!(watch.value("hi_container_restart_loop", "loop"), Some(1.0));
    daemon.docker(&["rm", "-f", "loop"]);
    watch.heard("container_destroyed", "loop", ("", ""));
    assert_eq!(watch.count("container_restart_loop"), 1);
}

fn the_engine_restarts(daemon: &mut Daemon, watch: &mut Watch) {
    daemon.stop();
    watch.heard("engine_gone", "", ("engine", "docker"));
    assert!(watch.read().is_err());
    assert_eq!(watch.value("hi_container_engine_up", "docker"), Some(0.0));
    watch.events.clear();
    daemon.again();
    watch.heard("engine_back", "", ("engine", "docker"));
    // It was ended by the engine, while nobody could say so.
    watch.heard("container_die", "sick", ("", ""));
    assert_eq!(watch.read().unwrap(), Outcome::Read);
    assert_eq!(watch.count("container_die"), 1, "only what has changed is told: {:?}", watch.events);
}

#[test]
fn an_engine_behind_tls_asks_for_a_certificate() {
    let Some(certificates) = daemon::certificates() else { return };
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let folder = certificates.path();
    let file = |name: &str| folder.join(name).display().to_string();
    let (ca, cert, key) = (file("ca.pem"), file("server.pem"), file("server-key.pem"));
    let host = format!("tcp://127.0.0.1:{port}");
    let tls = ["--tlsverify", "--tlscacert", &ca, "--tlscert", &cert, "--tlskey", &key, "-H", &host];
    let Some(_daemon) = Daemon::start_with("an engine behind TLS", &tls) else { return };
    let mut watch = Watch::new(&[format!("far=tls://127.0.0.1:{port},{}", folder.display())]);
    assert_eq!(watch.read().unwrap(), Outcome::Read);
    assert_eq!(watch.fact("container_engine", "far", "product"), text("docker"));
    std::fs::remove_file(folder.join("cert.pem")).unwrap();
    let mut watch = Watch::new(&[format!("far=tls://127.0.0.1:{port},{}", folder.display())]);
    assert!(watch.read().is_err(), "without a certificate of its own");
    let mut watch = Watch::new(&["far=tls://127.0.0.1:1,/nowhere".to_owned()]);
    assert!(watch.read().is_err() && watch.out.notes()[0].contains("tls"), "{:?}", watch.out.notes());
}

/// An engine that answers as it is told: path to status and body. `/events` stays open until it is dropped.
struct Fake {
    folder: tempfile::TempDir,
    open: Arc<AtomicBool>,
}

type Answer = dyn Fn(&str) -> (u16, Vec<u8>) + Send + Sync;

impl Fake {
    fn answering(answer: impl Fn(&str) -> (u16, Vec<u8>) + Send + Sync + 'static) -> Self {
        let answer: Arc<Answer> = Arc::new(answer);
        Self::serving(move |stream, open| http(stream, &*answer, open))
    }

    /// Each connection is served on a thread of its own.
    fn serving(serve: impl Fn(UnixStream, &AtomicBool) + Send + Sync + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("d.sock")).unwrap();
        let open = Arc::new(AtomicBool::new(true));
        let (kept, serve) = (Arc::clone(&open), Arc::new(serve));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (open, serve) = (Arc::clone(&kept), Arc::clone(&serve));
                std::thread::spawn(move || serve(stream, &open));
            }
        });
        Self { folder, open }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("d.sock")
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.open.store(false, Ordering::Relaxed);
    }
}

fn head(stream: &mut UnixStream) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
        bytes.push(byte[0]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn http(mut stream: UnixStream, answer: &Answer, open: &AtomicBool) {
    let head = head(&mut stream);
    assert!(head.starts_with("GET "), "engines are only read: {head}");
    let path = head.split(' ').nth(1).unwrap_or_default();
    if path.contains("/events") {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n");
        let _ = stream.flush();
        let _ = stream.set_read_timeout(Some(Duration::from_millis(100)));
        // Until the agent goes, or the test.
        while open.load(Ordering::Relaxed) && stream.read(&mut [0]).map_or(true, |count| count > 0) {}
        return;
    }
    let (status, body) = answer(path);
    let _ = write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len());
    let _ = stream.write_all(&body);
}

fn version() -> (u16, Vec<u8>) {
    (200, br#"{"Version":"99","ApiVersion":"1.60","MinAPIVersion":"1.44"}"#.to_vec())
}

fn refused() -> (u16, Vec<u8>) {
    (403, br#"{"message":"forbidden by the proxy"}"#.to_vec())
}

#[test]
fn a_proxy_that_lets_little_through_and_one_bad_container_cost_only_themselves() {
    let good = "a".repeat(64);
    let bad = "b".repeat(64);
    let list = format!(
        r#"[{{"Id":"{good}","Names":["/good"],"State":"running","Image":"i"}},{{"Id":"{bad}","Names":["/bad"],"State":"running","Image":"i"}},7]"#
    );
    let fake = Fake::answering(move |path| match path {
        "/version" => version(),
        path if !path.starts_with("/v1.51/") => {
            (400, b"a newer version was asked for than is known".to_vec())
        }
        path if path.ends_with(&format!("{good}/json")) => (
            200,
            format!(
                r#"{{"Id":"{good}","Name":"/good","State":{{"Status":"running"}},"Config":{{"Image":"i"}}}}"#
            )
            .into(),
        ),
        path if path.contains("containers/json") => (200, list.clone().into_bytes()),
        path if path.ends_with(&format!("{bad}/json")) => (200, b"{\"Id\":".to_vec()),
        _ => refused(),
    });
    let mut watch = Watch::unix(&fake.socket());
    assert_eq!(watch.read().unwrap(), Outcome::Read);
    assert_eq!(watch.fact("container", "good", "state"), text("running"));
    assert_eq!(watch.fact("container", "good", "reason"), None);
    let reason = watch.fact("container", "bad", "reason");
    assert!(matches!(&reason, Some(FactValue::Text(text)) if text.starts_with("garbage")), "{reason:?}");
}

#[test]
fn answers_too_large_to_be_true_are_not_read() {
    let fake = Fake::serving(|mut stream, open| {
        let head = head(&mut stream);
        if head.starts_with("GET /version") {
            let (_, body) = version();
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(&body);
            return;
        }
        if head.contains("/events") {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            while open.load(Ordering::Relaxed) && stream.read(&mut [0]).is_ok_and(|count| count > 0) {}
            return;
        }
        // What explains a refusal is bounded as well.
        let status = if head.contains("/containers") { 200 } else { 500 };
        let _ = write!(stream, "HTTP/1.1 {status} OK\r\n\r\n[{{\"Id\":\"x\",\"Labels\":{{");
        let label = format!("\"{}\":\"{}\",", "l".repeat(1000), "v".repeat(100_000));
        // 100 MB, unless the other end has enough before.
        for _ in 0..1000 {
            if stream.write_all(label.as_bytes()).is_err() {
                return;
            }
        }
    });
    let mut watch = Watch::unix(&fake.socket());
    let error = watch.read().unwrap_err();
    assert_eq!(error.reason(), "parse", "{error}");
    assert!(watch.out.notes()[0].contains("too_large"), "{:?}", watch.out.notes());
}

#[test]
fn sockets_that_do_not_behave_are_bounded_errors() {
    let garbage = Fake::serving(|mut stream, _| {
        head(&mut stream);
        let _ = stream.write_all(&[0x80, 0xff, 0, 13, 10].repeat(1000));
    });
    let closing = Fake::serving(|stream, _| drop(stream));
    let half = Fake::serving(|mut stream, _| {
        head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"Version\"");
    });
    let nonsense = Fake::answering(|_| (200, b"<html>no engine</html>".to_vec()));
    let old = Fake::answering(|_| (200, br#"{"Version":"1.9","ApiVersion":"1.21"}"#.to_vec()));
    for (fake, reason) in
        [(garbage, "garbage"), (closing, "closed"), (half, "closed"), (nonsense, "garbage"), (old, "garbage")]
    {
        let mut watch = Watch::unix(&fake.socket());
        assert!(watch.read().is_err());
        assert!(watch.out.notes()[0].contains(&format!(": {reason}: ")), "{reason}: {:?}", watch.out.notes());
    }
    let mut watch = Watch::unix(Path::new("/nowhere/d.sock"));
    assert_eq!(watch.read().unwrap_err().reason(), "missing");
}

#[test]
fn a_silent_socket_is_not_waited_for() {
    let silent = Fake::serving(|mut stream, open| {
        let _ = stream.set_read_timeout(Some(Duration::from_millis(100)));
        let mut bytes = [0; 4096];
        while open.load(Ordering::Relaxed) && stream.read(&mut bytes).map_or(true, |count| count > 0) {}
    });
    let mut watch = Watch::unix(&silent.socket());
    let begun = Instant::now();
    assert_eq!(watch.read().unwrap(), Outcome::Read);
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    assert!(watch.out.notes()[0].contains("has not answered yet"));
    until("it counts as hung", || watch.read().is_err());
    assert!(
        begun.elapsed() < PATIENCE && watch.out.notes()[0].contains(": timeout: "),
        "{:?}",
        watch.out.notes()
    );
    let begun = Instant::now();
    assert!(watch.read().is_err());
    assert!(begun.elapsed() < Duration::from_secs(1), "nobody waits for what is known to hang");
}
