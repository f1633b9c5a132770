//! A disk under the spool that hangs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may panic")]

mod support;

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use hi_agent::outbox::fs::{Fs, RealFs};
use support::{
    Agent, Broker, assert_complete, assert_ticks, batches, beat, beats, config, files, grows, until,
};

/// Appends nothing before it is let go.
#[derive(Clone, Default)]
struct Hanging {
    open: Arc<(Mutex<bool>, Condvar)>,
    entered: Arc<AtomicU64>,
}

impl Hanging {
    fn let_go(&self) {
        *self.open.0.lock().unwrap() = true;
        self.open.1.notify_all();
    }
}

impl Fs for Hanging {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        RealFs.create_dir(dir)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<(String, u64)>> {
        RealFs.list(dir)
    }
    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.entered.fetch_add(1, Ordering::SeqCst);
        drop(self.open.1.wait_while(self.open.0.lock().unwrap(), |open| !*open).unwrap());
        RealFs.append(path, bytes)
    }
    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        RealFs.truncate(path, len)
    }
    fn read(&self, path: &Path, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        RealFs.read(path, offset, len)
    }
    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        RealFs.replace(path, bytes)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        RealFs.remove(path)
    }
    fn sync(&self, path: &Path) -> io::Result<()> {
        RealFs.sync(path)
    }
}

#[tokio::test]
async fn a_hung_disk_stops_no_source_and_costs_nothing_once_it_is_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Broker::new(dir.path(), "");
    let (slot, count) = beat("beat");
    let disk = Hanging::default();
    let config = config(dir.path(), &broker.url(), "outbox.spill_after_secs = 1\n");
    let agent = Agent::with_disk(config, vec![slot], Some(Box::new(disk.clone())));
    until("it spills", async || disk.entered.load(Ordering::SeqCst) > 0).await;
    grows(&count, 30).await;
    assert_eq!(disk.entered.load(Ordering::SeqCst), 1, "the first write hangs still");
    disk.let_go();
    let spool = dir.path().join("state/spool");
    until("it is on the disk", async || files(&spool).iter().any(|(_, bytes)| *bytes > 0)).await;
    broker.start().await;
    let (js, taken) = (broker.jetstream().await, count.load(Ordering::SeqCst));
    until("all is sent", async || beats(&batches(&js).await, "beat").len() as u64 >= taken).await;
    agent.stop().await;
    let all = batches(&js).await;
    assert_complete(&all, "beat", count.load(Ordering::SeqCst));
    assert_ticks(&all, "beat");
}

#[tokio::test]
async fn a_hung_disk_does_not_hold_up_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::new(dir.path(), "");
    let (slot, count) = beat("beat");
    let disk = Hanging::default();
    let config = config(dir.path(), &broker.url(), "outbox.spill_after_secs = 1\n");
    let agent = Agent::with_disk(config, vec![slot], Some(Box::new(disk.clone())));
    until("it spills", async || disk.entered.load(Ordering::SeqCst) > 0).await;
    grows(&count, 5).await;
    let stopped = tokio::time::timeout(support::PATIENCE, agent.stop()).await;
    assert!(stopped.is_ok(), "it waits for the disk");
    disk.let_go();
}
