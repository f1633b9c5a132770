//! What a user sees on the command line: the answer, or one clear message and an exit code.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use hi_e2e::collector::{Collector, PATIENCE};
use hi_e2e::http;
use hi_e2e::process::{self, Finished, Process};
use hi_e2e::{binaries, config};
use hi_harness::{Database, NatsServer};
use tempfile::TempDir;

fn agent(args: &[&str]) -> Finished {
    process::run(&binaries::path("hi-agent").unwrap(), args).unwrap()
}

/// Runs a collector that must end by itself.
async fn refused(folder: &TempDir, sets: &[(&str, &str)]) -> (i32, String) {
    let mut command = Command::new(binaries::path("hi-collector").unwrap());
    command.args(["run", "--set", "http.listen=127.0.0.1:0"]);
    for (key, value) in sets {
        command.arg("--set").arg(format!("{key}={value}"));
    }
    let mut process = Process::start("refused", folder.path(), &mut command).unwrap();
    let status = process.wait(PATIENCE).await.unwrap();
    (status.code().unwrap_or(-1), process.log())
}

#[test]
fn sample_prints_what_the_kernel_says() {
    let text = agent(&["sample", "cpu"]);
    assert_eq!((text.code, text.stderr.as_str()), (0, ""));
    assert!(text.stdout.contains("# TYPE node_cpu_seconds_total counter"), "{}", text.stdout);
    let cpus = fs::read_to_string("/proc/stat").unwrap();
    let cpus = cpus.lines().filter(|line| line.starts_with("cpu") && !line.starts_with("cpu ")).count();
    let idle = text
        .stdout
        .lines()
        .filter(|line| line.starts_with("node_cpu_seconds_total{") && line.contains("mode=\"idle\""));
    assert_eq!(idle.count(), cpus);
    let json = agent(&["sample", "memory", "--format", "json"]);
    assert_eq!(json.code, 0, "{}", json.stderr);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert!(json.to_string().contains("node_memory_MemTotal_bytes"), "{json}");
    let unknown = agent(&["sample", "cpuu"]);
    assert_ne!(unknown.code, 0);
    assert!(unknown.stderr.contains("cpuu") && unknown.stderr.contains("cpu"), "{}", unknown.stderr);
    assert!(unknown.stderr.trim().lines().count() <= 3, "one clear message: {}", unknown.stderr);
}

#[test]
fn sources_lists_each_with_its_outcome() {
    let table = agent(&["sources"]);
    assert_eq!(table.code, 0, "{}", table.stderr);
    for source in ["cpu", "memory", "load", "filesystem", "disk", "network", "os", "processes"] {
        let row = table.stdout.lines().find(|line| line.split_whitespace().next() == Some(source));
        let row = row.unwrap_or_else(|| panic!("no row for {source} in\n{}", table.stdout));
        assert!(["read", "absent"].iter().any(|outcome| row.contains(outcome)), "{row}");
    }
}

#[test]
fn a_wrong_key_is_refused_with_the_nearest() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("agent.toml");
    fs::write(&file, "[nats]\nurll = 'nats://x'\n").unwrap();
    let wrong = agent(&["check-config", "--config", file.to_str().unwrap()]);
    assert_ne!(wrong.code, 0);
    assert!(wrong.stderr.contains("nats.urll") && wrong.stderr.contains("`nats.url`"), "{}", wrong.stderr);
    let wrong = agent(&["check-config", "--set", "sources.cpu.interval_sec=5"]);
    assert_ne!(wrong.code, 0);
    assert!(wrong.stderr.contains("did you mean `sources.cpu.interval_secs`"), "{}", wrong.stderr);
    fs::write(&file, "[nats]\nurl = 'nats://127.0.0.1:4222'\n").unwrap();
    let right = agent(&["check-config", "--config", file.to_str().unwrap()]);
    assert_eq!(right.code, 0, "{}", right.stderr);
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let folder = TempDir::new().unwrap();
    let (nats, database) = (NatsServer::start().unwrap(), Database::fresh().await.unwrap());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let (code, log) = refused(
        &folder,
        &[("http.listen", &listen), ("nats.url", &nats.url()), ("database.url", database.url())],
    )
    .await;
    assert_ne!(code, 0);
    let port = listen.rsplit(':').next().unwrap();
    let last = log.trim().lines().last().unwrap_or_default();
    assert!(last.contains(port) && last.contains("taken"), "{log}");
}

#[tokio::test]
async fn what_cannot_work_is_refused_with_the_reason() {
    let folder = TempDir::new().unwrap();
    for (sets, part) in [
        (("http.listen", "0.0.0.0:7117"), "no sign-in yet"),
        (("http.listen", "port 80"), "ADDRESS:PORT"),
        (("database.url", "no address"), "database.url"),
        (("database.ulr", "postgres://localhost/x"), "did you mean `database.url`"),
        (("store.flush_interval_secs", "often"), "store.flush_interval_secs"),
    ] {
        let (code, log) = refused(&folder, &[sets]).await;
        assert_ne!(code, 0, "{sets:?}");
        assert!(log.contains(part), "{sets:?}: {log}");
        fs::remove_file(folder.path().join("refused.log")).unwrap();
    }
}

#[tokio::test]
async fn a_database_that_is_not_there_is_named() {
    let folder = TempDir::new().unwrap();
    let nats = NatsServer::start().unwrap();
    let nowhere = format!("127.0.0.1:{}", config::free_port().unwrap());
    let url = format!("postgres://postgres:secret@{nowhere}/homelab");
    let (code, log) = refused(&folder, &[("nats.url", &nats.url()), ("database.url", &url)]).await;
    assert_ne!(code, 0);
    let last = log.trim().lines().last().unwrap_or_default();
    assert!(last.contains("database") && last.contains(&nowhere), "{log}");
    assert!(!log.contains("secret"), "a password is told: {log}");
}

#[tokio::test]
async fn the_collector_answers_to_loopback_names_only() {
    let folder = TempDir::new().unwrap();
    let (nats, database) = (NatsServer::start().unwrap(), Database::fresh().await.unwrap());
    let collector = Collector::start(folder.path(), &nats.url(), database.url(), &[]).await.unwrap();
    collector.ready().await;
    let evil = http::get_as(&collector.url(), "/api/hosts", Some("evil.example")).await.unwrap();
    assert_eq!(evil.status, 403);
    let port = collector.url().rsplit(':').next().unwrap().to_owned();
    let local =
        http::get_as(&collector.url(), "/api/hosts", Some(&format!("localhost:{port}"))).await.unwrap();
    assert_eq!(local.status, 200);
    let page = http::get(&collector.url(), "/").await.unwrap();
    assert_eq!(page.status, 200);
    assert!(page.text().contains("<html"), "{}", page.text());
    let openapi = http::get_json(&collector.url(), "/api/openapi.json").await.unwrap();
    assert!(openapi["paths"]["/api/samples"].is_object());
    let missing = http::get(&collector.url(), "/api/nothing").await.unwrap();
    assert_eq!((missing.status, missing.headers["content-type"].as_str()), (404, "application/problem+json"));
}
