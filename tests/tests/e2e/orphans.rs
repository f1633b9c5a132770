//! Nobody is left behind, however a parent ends.

use std::fs;
use std::process::Command;
use std::time::Duration;

use hi_e2e::collector::PATIENCE;
use hi_e2e::process::{self, Process};
use hi_e2e::{binaries, config, http};
use hi_harness::wait_until;
use rustix::process::Signal;
use tempfile::TempDir;

/// Process ids of the children of a process, and theirs (`proc_pid_task_children(5)`).
fn descendants(pid: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for task in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().filter_map(Result::ok) {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|child| child.parse().ok()) {
            found.push(child);
            found.extend(descendants(child));
        }
    }
    found
}

fn runs(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = status.rsplit(')').next().and_then(|rest| rest.split_whitespace().next());
    state.is_some_and(|state| state != "Z")
}

/// Where tests run on another PostgreSQL than the newest installed, so do private servers.
fn with_postgres(command: &mut Command) -> &mut Command {
    command.envs(hi_harness::postgres_bin().map(|bin| ("HI_COLLECTOR_EMBEDDED_POSTGRES_BIN_DIR", bin)))
}

fn embedded(folder: &TempDir, port: u16) -> Process {
    let mut command = Command::new(binaries::path("hi-collector").unwrap());
    command.arg("run").arg("--set").arg("embedded.enabled=true");
    command.arg("--set").arg(format!("embedded.data_dir={}", folder.path().join("data").display()));
    command.arg("--set").arg(format!("http.listen=127.0.0.1:{port}"));
    Process::start("embedded", folder.path(), with_postgres(&mut command)).unwrap()
}

async fn is_ready(port: u16) {
    let url = format!("http://127.0.0.1:{port}");
    hi_harness::wait_for("the collector is ready", PATIENCE, || async {
        http::get(&url, "/readyz").await.ok().filter(|answer| answer.status == 200)
    })
    .await;
}

#[tokio::test]
async fn private_servers_end_with_their_collector_however_it_ends() {
    let folder = TempDir::new().unwrap();
    // The servers run as an unprivileged user.
    let port = config::free_port().unwrap();
    let mut first = embedded(&folder, port);
    is_ready(port).await;
    let children = descendants(first.id());
    assert!(children.len() >= 2, "PostgreSQL and nats-server must run: {children:?}");
    let second = process::run(
        &binaries::path("hi-collector").unwrap(),
        [
            "run",
            "--set",
            "embedded.enabled=true",
            "--set",
            &format!("embedded.data_dir={}", folder.path().join("data").display()),
            "--set",
            "http.listen=127.0.0.1:0",
        ],
    )
    .unwrap();
    assert_ne!(second.code, 0, "two collectors use one data folder");
    assert!(second.stderr.contains("data"), "{}", second.stderr);
    first.kill().unwrap();
    wait_until("the servers of a killed collector end", PATIENCE, || children.iter().all(|pid| !runs(*pid)))
        .await;
    let mut again = embedded(&folder, port);
    is_ready(port).await;
    let children = descendants(again.id());
    again.signal(Signal::INT).unwrap();
    assert!(again.wait(Duration::from_secs(60)).await.unwrap().success(), "Ctrl-C is an orderly end");
    let left: Vec<_> = children.into_iter().filter(|pid| runs(*pid)).collect();
    assert_eq!(left, [] as [u32; 0], "processes were left behind");
}

#[tokio::test]
async fn everything_ends_with_a_parent_that_is_killed() {
    let folder = TempDir::new().unwrap();
    let port = config::free_port().unwrap();
    // As `./x run` starts them, by a parent that cannot clean up.
    let script = r#""$1" run --embedded --data "$2/data" --set "http.listen=127.0.0.1:$3" --exit-with-parent &
        "$4" run --set "agent.state_dir=$2/agent" --set nats.url=nats://127.0.0.1:1 --exit-with-parent &
        wait"#;
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(binaries::path("hi-collector").unwrap()).arg(folder.path());
    command.arg(port.to_string()).arg(binaries::path("hi-agent").unwrap());
    let mut parent = Process::start("parent", folder.path(), with_postgres(&mut command)).unwrap();
    is_ready(port).await;
    let children = descendants(parent.id());
    assert!(children.len() >= 4, "collector, agent, PostgreSQL and nats-server must run: {children:?}");
    parent.kill().unwrap();
    wait_until("all of them end", PATIENCE, || children.iter().all(|pid| !runs(*pid))).await;
    // Nothing is broken: the data folder serves again.
    let mut again = embedded(&folder, port);
    is_ready(port).await;
    again.signal(Signal::TERM).unwrap();
    assert!(again.wait(Duration::from_secs(60)).await.unwrap().success());
}
