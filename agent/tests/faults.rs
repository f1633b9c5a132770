//! Sources that hang or panic, clocks that are set, an agent that is killed, a collector that asks again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may panic")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hi_agent::host::HostRoot;
use hi_agent::resend::{ResendReply, ResendRequest};
use hi_agent::source::{Bell, Outcome, Readings, Source, SourceError};
use hi_common::event::Severity;
use hi_common::ids::HostId;
use hi_common::metric::{MetricDef, Unit};
use hi_common::wire::{decode, encode};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use support::{
    Agent, Broker, assert_complete, assert_ticks, batches, beat, beats, config, events, files, grows,
    patient, readings, skipped, slot, until, world,
};

const NONBLOCK: i32 = rustix::fs::OFlags::NONBLOCK.bits() as i32;

static LINES: MetricDef = MetricDef::counter("test_lines_total", Unit::None, &[], "Bytes read from a FIFO.");

/// Reads a FIFO: `open` hangs until somebody writes, like a file on a server that is gone.
struct Fifo(PathBuf);

impl Source for Fifo {
    fn read(&mut self, _: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        let mut text = String::new();
        File::open(&self.0).unwrap().read_to_string(&mut text).unwrap();
        out.push(&LINES, &[], text.len() as f64);
        Ok(Outcome::Read)
    }
}

#[tokio::test]
async fn a_hung_source_is_marked_and_delays_no_other() {
    let (dir, broker) = world("").await;
    let fifo = dir.path().join("fifo");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let (steady, count) = beat("steady");
    let path = fifo.clone();
    let hung = slot("hung", move || Fifo(path.clone()));
    let agent = Agent::start(config(dir.path(), &broker.url(), ""), vec![hung, steady]);
    grows(&count, 20).await;
    let js = broker.jetstream().await;
    // Let it go, once: what that run yields is too old to be sent, the next run hangs again.
    let mut writer = OpenOptions::new().write(true).open(&fifo).unwrap();
    writer.write_all(b"x").unwrap();
    drop(writer);
    grows(&count, 10).await;
    let all = batches(&js).await;
    assert!(readings(&all, "hung").is_empty(), "nothing stale is sent");
    // A run that is answered at once is read. Opening fails while nobody reads.
    let answer = || {
        let open = OpenOptions::new().write(true).custom_flags(NONBLOCK).open(&fifo);
        drop(open.and_then(|mut writer| writer.write_all(b"xyz")));
    };
    until("it reads again", async || {
        answer();
        !readings(&batches(&js).await, "hung").is_empty()
    })
    .await;
    agent.stop().await;
    let all = batches(&js).await;
    assert_complete(&all, "steady", count.load(Ordering::SeqCst));
    assert_ticks(&all, "steady");
    let (_, skipped) = skipped(&all, "hung");
    assert!(skipped > 5.0, "ticks left out are counted: {skipped}");
    let told: Vec<_> = events(&js).await.into_iter().filter(|e| e.kind == "source_changed").collect();
    assert!(told.iter().any(|e| e.data["source"] == "hung" && e.data["after"] == "read"), "{told:?}");
    // Whoever still hangs in `open` is let go, so that the test's process ends.
    drop(OpenOptions::new().read(true).write(true).open(&fifo));
}

/// Panics every third time.
struct Shaky(Arc<AtomicU64>);

impl Source for Shaky {
    fn read(&mut self, _: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        let n = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        assert!(!n.is_multiple_of(3), "shaky");
        out.push(&LINES, &[], n as f64);
        Ok(Outcome::Read)
    }
}

#[tokio::test]
async fn a_panic_costs_one_reading() {
    let (dir, broker) = world("").await;
    let count = Arc::new(AtomicU64::new(0));
    let shared = Arc::clone(&count);
    let shaky = patient("shaky", move || Shaky(Arc::clone(&shared)));
    let (steady, steady_count) = beat("steady");
    let agent = Agent::start(config(dir.path(), &broker.url(), ""), vec![shaky, steady]);
    grows(&count, 10).await;
    grows(&steady_count, 10).await;
    let js = broker.jetstream().await;
    agent.stop().await;
    let all = batches(&js).await;
    let got = beats(&all, "shaky");
    let last = *got.last().unwrap();
    assert_eq!(got, (1..=last).filter(|n| n % 3 != 0).collect::<Vec<_>>(), "all but those that panicked");
    assert!(last >= 10);
    assert_complete(&all, "steady", steady_count.load(Ordering::SeqCst));
    assert_ticks(&all, "steady");
    let told = told(&js, "shaky").await;
    assert_eq!(told[..2], ["panic", "read"].map(str::to_owned), "at once, and once a minute");
}

/// Has something to tell long before its next tick.
struct Ringing(Bell);

impl Source for Ringing {
    fn read(&mut self, _: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        out.push(&LINES, &[], 1.0);
        Ok(Outcome::Read)
    }

    fn bell(&self) -> Option<Bell> {
        Some(self.0.clone())
    }

    fn look(&mut self, _: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        out.push(&LINES, &[], 2.0);
        out.event("rang", Severity::Info, "it rang", vec![]);
        Ok(Outcome::Read)
    }
}

#[tokio::test]
async fn a_source_that_rings_is_called_before_its_tick() {
    let (dir, broker) = world("").await;
    let bell = Bell::default();
    let own = bell.clone();
    let mut ringing = patient("ringing", move || Ringing(own.clone()));
    ringing.interval = std::time::Duration::from_secs(3600);
    let agent = Agent::start(config(dir.path(), &broker.url(), ""), vec![ringing]);
    let js = broker.jetstream().await;
    until("it was read", async || !beats(&batches(&js).await, "ringing").is_empty()).await;
    let rang = async || events(&js).await.iter().filter(|event| event.kind == "rang").count();
    assert_eq!(rang().await, 0);
    (0..50).for_each(|_| bell.ring());
    until("it was called", async || rang().await == 1).await;
    bell.ring();
    until("it was called again", async || rang().await == 2).await;
    agent.stop().await;
    let all = batches(&js).await;
    assert_eq!(beats(&all, "ringing"), [1, 2, 2]);
    let times: Vec<i64> = readings(&all, "ringing").iter().map(|reading| reading.at).collect();
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
}

/// What the events say of a source: reasons of failures, otherwise outcomes.
async fn told(js: &async_nats::jetstream::Context, source: &str) -> Vec<String> {
    let events = events(js).await.into_iter();
    let changes = events.filter(|e| e.kind == "source_changed" && e.data["source"] == source);
    let word = |data: &BTreeMap<String, String>| match data["reason"].as_str() {
        "" => data["after"].clone(),
        reason => reason.to_owned(),
    };
    changes.map(|e| word(&e.data)).collect()
}

/// Reads once, then hangs on a FIFO and panics, then reads again.
struct Late(Arc<AtomicU64>, PathBuf);

impl Source for Late {
    fn read(&mut self, _: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        let n = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        if n == 2 {
            File::open(&self.1).unwrap().read_to_end(&mut Vec::new()).unwrap();
            panic!("late");
        }
        out.push(&LINES, &[], n as f64);
        Ok(Outcome::Read)
    }
}

#[tokio::test]
async fn a_panic_after_a_hang_is_told_as_well() {
    let (dir, broker) = world("").await;
    let fifo = dir.path().join("fifo");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let (count, path) = (Arc::new(AtomicU64::new(0)), fifo.clone());
    let shared = Arc::clone(&count);
    let late = slot("late", move || Late(Arc::clone(&shared), path.clone()));
    let (steady, steady_count) = beat("steady");
    let agent = Agent::start(config(dir.path(), &broker.url(), ""), vec![late, steady]);
    let js = broker.jetstream().await;
    until("the hang is told", async || told(&js, "late").await.contains(&"timeout".to_owned())).await;
    grows(&steady_count, 10).await;
    drop(OpenOptions::new().write(true).open(&fifo).unwrap());
    until("it reads again", async || told(&js, "late").await.last().is_some_and(|last| last == "read")).await;
    agent.stop().await;
    let told = told(&js, "late").await;
    assert!(told.ends_with(&["timeout", "panic", "read"].map(str::to_owned)), "{told:?}");
    let all = batches(&js).await;
    assert_complete(&all, "steady", steady_count.load(Ordering::SeqCst));
    assert_ticks(&all, "steady");
}

#[tokio::test]
async fn a_clock_that_is_set_gives_no_moment_twice() {
    let (dir, broker) = world("").await;
    let (slot, count) = beat("beat");
    let agent = Agent::start(config(dir.path(), &broker.url(), ""), vec![slot]);
    for step in [-2_000, 5_000, -5_000, -1_000, 600_000, -600_000] {
        grows(&count, 8).await;
        agent.clock.shift(step);
    }
    grows(&count, 8).await;
    agent.stop().await;
    let js = broker.jetstream().await;
    let all = batches(&js).await;
    assert_complete(&all, "beat", count.load(Ordering::SeqCst));
    let ats: Vec<i64> = readings(&all, "beat").iter().map(|r| r.at).collect();
    let different: BTreeSet<i64> = ats.iter().copied().collect();
    assert_eq!(different.len(), ats.len(), "a moment has two samples: {ats:?}");
    let back = ats.windows(2).filter(|w| w[1] < w[0]).count();
    assert_eq!(back, 4, "it follows the clock back");
    let told: Vec<i64> = events(&js)
        .await
        .iter()
        .filter(|e| e.kind == "clock_step")
        .map(|e| e.data["by_ms"].parse().unwrap())
        .collect();
    assert_eq!(told.len(), 6, "{told:?}");
    assert!((told[4] - 600_000).abs() < 500, "{told:?}");
}

#[tokio::test]
async fn the_collector_gets_again_what_it_asks_for() {
    let (dir, broker) = world("").await;
    let (slot, count) = beat("beat");
    let agent = Agent::start(config(dir.path(), &broker.url(), ""), vec![slot]);
    let js = broker.jetstream().await;
    grows(&count, 12).await;
    until("batches are there", async || batches(&js).await.len() >= 4).await;
    let epoch = batches(&js).await[0].1.epoch;
    let client = async_nats::connect(broker.url()).await.unwrap();
    let ask = async |epoch: u64, from: u64, to: u64, host_id: Option<HostId>| {
        let request = ResendRequest { epoch, from, to, with_series: true, host_id };
        let payload = encode(&request).unwrap().into();
        let reply = client.request("hi.v1.command.nas.resend", payload).await.ok()?;
        Some(decode::<ResendReply>(&reply.payload).unwrap())
    };
    let reply = |queued, lost| Some(ResendReply { queued, lost });
    assert_eq!(ask(epoch, 2, 3, None).await, reply(2, vec![]));
    assert_eq!(ask(epoch, 1_000_000, 2_000_000, None).await, reply(0, vec![]), "not given yet");
    assert_eq!(ask(epoch - 5, 1, 7, None).await, reply(0, vec![(1, 7)]), "of a start long gone");
    let resent = async || {
        let all = batches(&js).await;
        all.into_iter().filter(|(id, _)| id.contains("-r")).collect::<Vec<_>>()
    };
    until("they are published again", async || resent().await.len() == 2).await;
    let (again, all) = (resent().await, batches(&js).await);
    for (id, batch) in &again {
        let (_, first) = all.iter().find(|(_, b)| b.seq == batch.seq).unwrap();
        assert!(id.starts_with(&first.id().to_string()), "{id}");
        assert_eq!(batch.readings.len(), first.readings.len());
        for (reading, original) in batch.readings.iter().zip(&first.readings) {
            assert!(reading.series.is_some(), "series go along");
            assert_eq!((reading.at, reading.layout), (original.at, original.layout));
            assert_eq!(reading.values, original.values);
        }
    }
    let other = HostId::from_machine_id("another");
    let asked = tokio::time::timeout(support::BEAT * 5, ask(epoch, 1, 2, Some(other))).await;
    assert!(asked.is_err(), "meant for another host of this name: no answer");
    agent.stop().await;
}

/// The binary with a configuration file in `dir`.
fn spawn(dir: &Path, broker: &Broker) -> Child {
    let path = dir.join("agent.toml");
    let mut text = format!(
        "[agent]\nhost_name = 'nas'\nhost_id = '6a1f2f0e-9d5b-5c1e-8b0a-4d6f7a51c3d9'\nstate_dir = {:?}\n[nats]\nurl = '{}'\n[outbox]\nspill_after_secs = 1\n",
        dir.join("state"),
        broker.url()
    );
    for source in ["load", "memory", "agent"] {
        text.push_str(&format!("[sources.{source}]\ninterval_secs = 1\n"));
    }
    std::fs::write(&path, text).unwrap();
    let log = OpenOptions::new().create(true).append(true).open(dir.join("agent.log")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hi-agent"));
    command.arg("run").arg("--config").arg(path).stderr(log).stdin(Stdio::null());
    command.spawn().unwrap()
}

#[tokio::test]
async fn what_was_spilled_survives_the_agent_being_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Broker::new(dir.path(), "");
    let spool = dir.path().join("state/spool");
    let mut agent = spawn(dir.path(), &broker);
    until("it spills", async || files(&spool).iter().map(|(_, bytes)| bytes).sum::<u64>() > 40_000).await;
    agent.kill().unwrap();
    agent.wait().unwrap();
    let kept = files(&spool);
    assert!(!kept.is_empty());

    broker.start().await;
    let mut agent = spawn(dir.path(), &broker);
    until("the old data is sent", async || files(&spool).is_empty()).await;
    let js = broker.jetstream().await;
    until("new data follows", async || {
        batches(&js).await.iter().map(|(_, b)| b.epoch).collect::<BTreeSet<_>>().len() == 2
    })
    .await;
    rustix::process::kill_process(rustix::process::Pid::from_child(&agent), rustix::process::Signal::TERM)
        .unwrap();
    assert!(agent.wait().unwrap().success());
    let all = batches(&js).await;
    let old_epoch = all[0].1.epoch;
    let (old, new): (Vec<_>, Vec<_>) = all.iter().cloned().partition(|(_, b)| b.epoch == old_epoch);
    for part in [&old, &new] {
        let seqs: Vec<u64> = part.iter().map(|(_, b)| b.seq).collect();
        assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    }
    assert!(all[..old.len()].iter().all(|(_, b)| b.epoch == old_epoch), "the old goes first");
    assert!(new[0].1.epoch > old_epoch);
    let starts = events(&js).await.iter().filter(|e| e.kind == "agent_started").count();
    assert_eq!(starts, 2, "both starts are told");
}

#[tokio::test]
async fn damage_in_the_spool_costs_the_damaged_batch() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Broker::new(dir.path(), "");
    let spool = dir.path().join("state/spool");
    let mut agent = spawn(dir.path(), &broker);
    until("it spills", async || files(&spool).iter().map(|(_, bytes)| bytes).sum::<u64>() > 60_000).await;
    agent.kill().unwrap();
    agent.wait().unwrap();
    let (name, len) = files(&spool).into_iter().find(|(name, _)| name.ends_with(".seg")).unwrap();
    let path = spool.join(name);
    let mut bytes = std::fs::read(&path).unwrap();
    // Inside the payload of a batch: its head, with the id, stays whole.
    let second = bytes.windows(17).enumerate().filter(|(_, w)| w == b"hi.v1.metrics.nas").nth(1).unwrap().0;
    bytes[second + 100] ^= 1;
    bytes.truncate(usize::try_from(len).unwrap() - 10);
    std::fs::write(&path, bytes).unwrap();

    broker.start().await;
    let mut agent = spawn(dir.path(), &broker);
    let js = broker.jetstream().await;
    until("the loss is told", async || events(&js).await.iter().any(|e| e.kind == "data_lost")).await;
    until("the loss is announced", async || batches(&js).await.iter().any(|(_, b)| !b.lost.is_empty())).await;
    agent.kill().unwrap();
    agent.wait().unwrap();
    let all = batches(&js).await;
    let epoch = all[0].1.epoch;
    let mut seqs: Vec<u64> = all.iter().filter(|(_, b)| b.epoch == epoch).map(|(_, b)| b.seq).collect();
    assert!(!seqs.contains(&2), "{seqs:?}");
    let lost = all.iter().flat_map(|(_, b)| &b.lost).filter(|l| l.epoch == epoch);
    seqs.extend(lost.flat_map(|l| l.from..=l.to));
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "the rest is there, the damage announced");
}

#[tokio::test]
async fn it_ends_with_its_parent() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Broker::new(dir.path(), "");
    broker.start().await;
    let pid_file = dir.path().join("pid");
    let script = format!(
        "{} run --exit-with-parent --set agent.state_dir={} --set nats.url={} 2>/dev/null & echo $! > {}; wait",
        env!("CARGO_BIN_EXE_hi-agent"),
        dir.path().join("state").display(),
        broker.url(),
        pid_file.display()
    );
    let mut parent = Command::new("sh").arg("-c").arg(script).spawn().unwrap();
    let js = broker.jetstream().await;
    until("it publishes", async || !batches(&js).await.is_empty()).await;
    let pid: i32 = std::fs::read_to_string(&pid_file).unwrap().trim().parse().unwrap();
    let status = PathBuf::from(format!("/proc/{pid}"));
    assert!(status.exists());
    parent.kill().unwrap();
    parent.wait().unwrap();
    until("it has ended", async || !status.exists()).await;
}
