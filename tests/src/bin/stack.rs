//! Starts the whole system on free ports, for tests that come from outside: broker, database, collector, an agent that
//! reads this machine each second, a few simulated hosts, and one that has one of everything. Prints `HI_URL=…` once the page can be opened, and runs until
//! its standard input ends or it gets SIGINT or SIGTERM; nothing is left behind.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use hi_common::ids::HostName;
use hi_e2e::agent::Agent;
use hi_e2e::collector::PATIENCE;
use hi_e2e::homelab::Homelab;
use hi_e2e::publish::{Publisher, Responder};
use hi_e2e::sim::{Fleet, Shape};
use hi_e2e::stack::Stack;
use tokio::signal::unix::{SignalKind, signal};

/// Simulated hosts beside the real one.
const SIMULATED_HOSTS: u32 = 3;
/// Their batches before now, one each ten seconds: an hour.
const HISTORY_BATCHES: u64 = 360;
/// Time between their batches.
const INTERVAL: Duration = Duration::from_secs(10);

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(run());
    // A read of standard input that is still waiting must not keep the program.
    runtime.shutdown_background();
    outcome
}

/// The present, Unix milliseconds.
fn unix_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as i64
}

async fn run() -> Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stack = Stack::start(&[]).await?;
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").context("name of this machine")?;
    let name = HostName::from_any(&name);
    let _agent = Agent::start(
        stack.folder(),
        name.as_str(),
        &stack.nats.url(),
        &[("sources.filesystem.enabled", "true"), ("sources.processes.enabled", "true")],
    )?;
    let now = unix_ms();
    let shape = Shape { hosts: SIMULATED_HOSTS, interval_ms: 10_000, ..Shape::default() }
        .ending_at(now, HISTORY_BATCHES);
    let publisher = Publisher::connect(&stack.nats.url(), Arc::new(Fleet::new(shape)?)).await?;
    let _responder = Responder::start(publisher.clone(), |_| true).await?;
    publisher.publish_all(1..=HISTORY_BATCHES).await;
    let begun = now - HISTORY_BATCHES.cast_signed() * INTERVAL.as_millis() as i64;
    let mut homelab = Homelab::connect(&stack.nats.url(), begun).await?;
    homelab.tell().await?;
    for at in (begun..now).step_by(INTERVAL.as_millis() as usize) {
        homelab.read(at).await?;
    }
    hi_harness::wait_for("this machine is shown", PATIENCE, || async {
        stack.collector.get(&format!("/api/hosts/{name}")).await.ok()
    })
    .await;
    println!("HI_URL={}", stack.collector.url());
    let go_on = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(INTERVAL);
        let mut seq = HISTORY_BATCHES;
        loop {
            ticks.tick().await;
            seq += 1;
            publisher.publish_all([seq]).await;
            // The broker of this stack ends with it: what it does not take any more is nobody's.
            let _ = homelab.read(unix_ms()).await;
        }
    });
    let input_ended =
        tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = input_ended => {}
    }
    go_on.abort();
    Ok(())
}
