//! The binary as people and scripts meet it: what it prints, how it starts, why it does not, how it ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says so by failing")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use hi_harness::{BOUND, Database, NatsServer, wait_for};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::Connection as _;

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hi-collector"));
    command.args(args).env_remove("HI_COLLECTOR_CONFIG").stdin(Stdio::null());
    command
}

fn output(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

/// The one line on standard error of a start that fails.
fn failure(args: &[&str]) -> String {
    let output = output(args);
    assert!(!output.status.success(), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("hi-collector: ")).collect();
    assert_eq!(lines.len(), 1, "{text}");
    lines[0].to_owned()
}

#[test]
fn references_are_printed() {
    let version = String::from_utf8(output(&["version"]).stdout).unwrap();
    assert_eq!(version, concat!("hi-collector ", env!("CARGO_PKG_VERSION"), "\n"));
    let openapi: serde_json::Value = serde_json::from_slice(&output(&["openapi"]).stdout).unwrap();
    assert!(openapi["paths"]["/api/samples"].is_object());
    assert!(
        String::from_utf8(output(&["reference", "config"]).stdout).unwrap().contains("| `http.listen` |")
    );
}

#[test]
fn the_configuration_is_checked_and_shown_without_secrets() {
    let shown =
        output(&["check-config", "--set", "database.url=postgres://me:hunter2@db/x", "--set", "nats.user=u"]);
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(text.contains("url = \"postgres://db/x\"") && text.contains("user = \"u\""), "{text}");
    assert!(!text.contains("hunter2"));
    let error = failure(&["check-config", "--set", "store.flush_interval=1"]);
    assert!(error.contains("did you mean `store.flush_interval_secs`?"), "{error}");
}

#[test]
fn only_loopback_is_listened_on() {
    let error = failure(&["run", "--listen", "0.0.0.0:7117"]);
    assert!(error.contains("no sign-in yet") && error.contains("127.0.0.1:7117"), "{error}");
}

#[test]
fn a_taken_port_is_named_with_the_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = failure(&["run", "--listen", &address]);
    assert!(error.contains(&format!("port {}", taken.local_addr().unwrap().port())), "{error}");
    assert!(error.contains("--listen 127.0.0.1:PORT"), "{error}");
}

#[test]
fn a_database_that_is_not_there_is_named() {
    for verb in ["run", "migrate"] {
        let error = failure(&[
            verb,
            "--set",
            "database.url=postgres://me:hunter2@127.0.0.1:1/x",
            "--set",
            "http.listen=127.0.0.1:0",
        ]);
        assert!(error.contains("postgres://127.0.0.1:1/x") && !error.contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn a_database_of_an_unreleased_version_is_left_alone() {
    let database = Database::fresh().await.unwrap();
    let mut connection = sqlx::PgConnection::connect(database.url()).await.unwrap();
    let other = "UPDATE _sqlx_migrations SET checksum = '\\x00' WHERE version = 1";
    sqlx::query(other).execute(&mut connection).await.unwrap();
    let setting = format!("database.url={}", database.url());
    let error = failure(&["migrate", "--set", &setting]);
    assert!(error.contains("unreleased version") && error.contains("another data folder"), "{error}");
}

/// A collector over real servers.
struct Running {
    child: Child,
    url: String,
    nats: NatsServer,
    _database: Database,
}

impl Running {
    async fn start() -> Self {
        let (nats, database) = (NatsServer::start().unwrap(), Database::fresh().await.unwrap());
        let nats_url = format!("nats.url={}", nats.url());
        let database_url = format!("database.url={}", database.url());
        let args = ["run", "--listen", "127.0.0.1:0", "--set", &nats_url, "--set", &database_url];
        let mut child = command(&args).stdout(Stdio::piped()).spawn().unwrap();
        let url = first_line(&mut child);
        Self { child, url, nats, _database: database }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    async fn ended(&mut self) -> ExitStatus {
        wait_for("the collector ends", BOUND, || std::future::ready(self.child.try_wait().unwrap())).await
    }

    async fn status(&self, path: &str) -> Option<u16> {
        status(&self.url, path)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("http://127.0.0.1:"), "{line:?}");
    line.trim_end().to_owned()
}

fn status(url: &str, path: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(url.strip_prefix("http://")?).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}

#[tokio::test]
async fn it_becomes_ready_and_ends_when_told() {
    let mut running = Running::start().await;
    wait_for("ready", BOUND, || async { running.status("/readyz").await.filter(|status| *status == 200) })
        .await;
    running.signal(Signal::TERM);
    assert!(running.ended().await.success());
    assert_eq!(running.status("/healthz").await, None, "nobody listens any more");
}

#[tokio::test]
async fn without_the_broker_it_answers_and_is_not_ready() {
    let mut running = Running::start().await;
    wait_for("ready", BOUND, || async { running.status("/readyz").await.filter(|status| *status == 200) })
        .await;
    running.nats.kill();
    wait_for("not ready", BOUND, || async {
        running.status("/readyz").await.filter(|status| *status == 503)
    })
    .await;
    assert_eq!(running.status("/api/hosts").await, Some(200));
    running.nats.restart().unwrap();
    wait_for("ready again", BOUND, || async {
        running.status("/readyz").await.filter(|status| *status == 200)
    })
    .await;
    running.signal(Signal::INT);
    assert!(running.ended().await.success());
}

#[tokio::test]
async fn it_ends_with_the_process_that_started_it() {
    let (nats, database) = (NatsServer::start().unwrap(), Database::fresh().await.unwrap());
    let script = format!(
        "{} run --exit-with-parent --listen 127.0.0.1:0 --set nats.url={} --set database.url={} & echo $!; wait",
        env!("CARGO_BIN_EXE_hi-collector"),
        nats.url(),
        database.url()
    );
    let mut shell = Command::new("sh").args(["-c", &script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(shell.stdout.take().unwrap()).lines().map(Result::unwrap);
    let (pid, url) = (lines.next().unwrap(), lines.next().unwrap());
    assert_eq!(status(&url, "/healthz"), Some(200));
    shell.kill().unwrap();
    shell.wait().unwrap();
    let process = std::path::PathBuf::from(format!("/proc/{pid}/stat"));
    wait_for("it ends with its parent", BOUND, || async {
        // A zombie that nobody reaps has ended too.
        let state = std::fs::read_to_string(&process).unwrap_or_default();
        let zombie = state.rsplit(')').next().is_none_or(|rest| rest.trim_start().starts_with('Z'));
        (state.is_empty() || zombie).then_some(())
    })
    .await;
}
