//! Makes a recording: the real agent of this machine, every source at the same interval, a broker and nothing else.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures::StreamExt as _;
use hi_common::{subject, wire};

use crate::bench::agent::{INTERVAL, start_agent};
use crate::bench::load::now_ms;
use crate::bench::recording::Recorder;
use crate::process::{Process, run};
use crate::publish;

/// Largest file that is shipped.
const FILE_BYTES_MAX: usize = 1_000_000;
/// How often the file is written while recording goes on.
const SAVE_EVERY: Duration = Duration::from_secs(60);

/// Records until the time is up, saving now and then.
///
/// # Errors
/// The agent or the broker does not start; the agent says nothing.
pub async fn record(file: &Path, minutes: u64) -> Result<()> {
    let folder = crate::bench::stack::folder()?;
    let port = TcpListener::bind("127.0.0.1:0").context("find a port")?.local_addr()?.port();
    let mut command = Command::new("nats-server");
    command.args(["-a", "127.0.0.1", "-p", &port.to_string(), "-js", "-sd"]).arg(folder.path());
    let mut broker = Process::start("nats-server", folder.path(), &mut command)?;
    let url = format!("nats://127.0.0.1:{port}");
    let client = publish::connect(&url, "recorder").await?;
    publish::make_streams(&publish::jetstream(client.clone())).await?;
    let mut messages = client.subscribe(subject::METRICS_ALL).await.context("subscribe")?;
    client.flush().await.context("subscribe")?;

    let mut sets = vec![("nats.url".to_owned(), url)];
    sets.extend(
        sources()?
            .into_iter()
            .map(|name| (format!("sources.{name}.interval_secs"), INTERVAL.as_secs().to_string())),
    );
    let mut agent = start_agent(&folder.path().join("agent"), &sets)?;
    let mut recorder = Recorder::default();
    let (begun, mut saved) = (Instant::now(), Instant::now());
    while begun.elapsed() < Duration::from_secs(minutes * 60) {
        let message = tokio::time::timeout(INTERVAL * 3, messages.next()).await;
        agent.check()?;
        ensure!(broker.is_running(), "the broker ended:\n{}", broker.log());
        let message = message.with_context(|| format!("the agent is silent:\n{}", agent.log()))?;
        let batch = wire::decode_batch(&message.context("subscription ended")?.payload, now_ms())?;
        recorder.add(&batch);
        if saved.elapsed() > SAVE_EVERY {
            saved = Instant::now();
            save(&recorder, file)?;
        }
    }
    save(&recorder, file)
}

/// Names of the agent's sources: the first word of each line.
fn sources() -> Result<Vec<String>> {
    let listed = run(&crate::binaries::path("hi-agent")?, ["sources"])?;
    ensure!(listed.code == 0, "hi-agent sources: {}", listed.stderr);
    let lines = listed.stdout.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
    let names: Vec<_> = lines.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect();
    ensure!(!names.is_empty(), "hi-agent sources names none: {}", listed.stdout);
    Ok(names)
}

fn save(recorder: &Recorder, file: &Path) -> Result<()> {
    let bytes = recorder.finish(INTERVAL.as_millis() as i64)?;
    ensure!(bytes.len() <= FILE_BYTES_MAX, "{} bytes are too many to ship", bytes.len());
    std::fs::write(file, &bytes).with_context(|| format!("write {}", file.display()))?;
    eprintln!("{} readings, {} bytes", recorder.rows(), bytes.len());
    Ok(())
}
