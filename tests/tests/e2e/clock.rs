//! The wall clock of a host is set while its agent runs.

use std::fs;
use std::path::PathBuf;

use hi_e2e::agent::Agent;
use hi_e2e::collector::PATIENCE;
use hi_e2e::stack::Stack;
use hi_harness::{wait_for, wait_until};

/// Where Debian and Ubuntu keep libfaketime; it answers the agent's question for the time with what a file says.
fn libfaketime() -> Option<PathBuf> {
    let folder = format!("/usr/lib/{}-linux-gnu/faketime/libfaketimeMT.so.1", std::env::consts::ARCH);
    Some(PathBuf::from(folder)).filter(|path| path.exists())
}

#[tokio::test]
async fn the_clock_is_set_back_and_forth() {
    let Some(library) = libfaketime() else {
        println!("SKIPPED: clock: libfaketime is not installed (package faketime)");
        return;
    };
    let mut stack = Stack::start(&[]).await.unwrap();
    let offset = stack.folder().join("clock");
    fs::write(&offset, "+0").unwrap();
    let mut agent = Agent::new(stack.folder(), "nas", &stack.nats.url(), &[]).unwrap();
    agent.env("LD_PRELOAD", library.to_str().unwrap());
    agent.env("FAKETIME_TIMESTAMP_FILE", offset.to_str().unwrap());
    agent.env("FAKETIME_NO_CACHE", "1");
    agent.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    agent.restart().unwrap();
    stack.agent_sent("nas", 3).await;
    for (step, shift) in ["-3600", "+300", "-20", "+0"].into_iter().zip([-3_600_000, 300_000, -20_000, 0_i64])
    {
        let sent = newest(&stack);
        fs::write(&offset, step).unwrap();
        wait_until("times follow the clock", PATIENCE, || {
            let now = crate::flow::now_ms() + shift;
            let times = stack.tap.record();
            let seen = times.batches.values().filter(|b| b.seq > sent).flat_map(|b| &b.readings);
            seen.into_iter().any(|reading| (reading.at - now).abs() < 15_000)
        })
        .await;
        stack.agent_sent("nas", newest(&stack) + 2).await;
    }
    let told = wait_for("the steps are events", PATIENCE, || async {
        stack.collector.events("clock_step").await.ok().filter(|events| events.len() >= 4)
    });
    told.await;
    assert!(agent.terminate().await.unwrap().success());
    let record = stack.tap.record_with_stream().await.unwrap();
    assert_eq!(record.holes(), []);
    stack.expect_conserved(&["nas"], &record.samples().once()).await;
}

fn newest(stack: &Stack) -> u64 {
    stack.tap.record().batches.keys().map(|id| id.seq).max().unwrap_or(0)
}
