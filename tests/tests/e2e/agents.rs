//! The real agent under faults: what it sent is the truth, the tap on the broker holds it.

use std::fs;
use std::path::PathBuf;

use hi_e2e::agent::Agent;
use hi_e2e::collector::PATIENCE;
use hi_e2e::oracle::Samples;
use hi_e2e::stack::Stack;
use hi_e2e::tap::Record;
use hi_harness::{wait_for, wait_until};

/// Ends the agent in order, and returns all that passed the broker of it; nothing may be missing unannounced.
async fn all_sent(stack: &Stack, agent: &mut Agent) -> Record {
    assert!(agent.terminate().await.unwrap().success(), "the agent ended badly");
    let record = stack.tap.record_with_stream().await.unwrap();
    assert_eq!(record.holes(), [], "batches neither sent nor announced as lost");
    assert_eq!(record.garbage, 0);
    record
}

/// The agent's own word: what `hi_agent_source_runs_total` counted must be what came of this source, give or take the
/// run at the very tick of the count.
fn check_own_word(record: &Record, host: &str, source: &str) {
    for epoch in record.epochs(host) {
        let mut of_epoch = record.clone();
        of_epoch.batches.retain(|id, _| id.epoch == epoch);
        let mut samples = Samples::default();
        samples.merge(record.samples());
        let (counter, at) = last_count(&samples, &of_epoch, host, source);
        let came = of_epoch.readings_of(host, source).iter().filter(|&&time| time <= at).count() as f64;
        assert!((came - counter).abs() <= 1.0, "{source} was read {counter} times, {came} readings came");
    }
}

fn last_count(samples: &Samples, of_epoch: &Record, host: &str, source: &str) -> (f64, i64) {
    let times = of_epoch.readings_of(host, "agent");
    let (first, last) = (times[0], times[times.len() - 1]);
    let series = samples.iter().find(|(key, _)| {
        let wanted = ["hi_agent_source_runs_total{", &format!("source={source:?}"), "outcome=\"read\""];
        wanted.iter().all(|part| key.0.contains(part))
    });
    let points = series.expect("the agent counts its runs").1;
    let within = points.iter().filter(|(at, _)| (first..=last).contains(at));
    let newest = within.max_by_key(|(at, _)| *at).unwrap();
    (newest.1, newest.0)
}

#[tokio::test]
async fn every_process_is_killed_in_turn() {
    let mut stack = Stack::start(&[]).await.unwrap();
    let mut agent = Agent::start(stack.folder(), "nas", &stack.nats.url(), &[]).unwrap();
    stack.agent_sent("nas", 3).await;
    stack.collector.kill().unwrap();
    stack.agent_sent("nas", 5).await;
    stack.collector.restart().unwrap();
    stack.collector.ready().await;
    stack.nats.kill();
    stack.collector.wait_value("/broker/connected", |connected| connected == false).await;
    stack.nats.restart().unwrap();
    stack.agent_sent("nas", 8).await;
    stack.postgres.kill();
    stack.agent_sent("nas", 10).await;
    stack.postgres.restart().unwrap();
    let before = stack.tap.record_with_stream().await.unwrap();
    // What the broker lost when it was killed comes again from the agent, as long as that lives: one fault at a time.
    stack.batches_taken(before.batches.len() as u64).await;
    agent.kill().unwrap();
    agent.restart().unwrap();
    wait_until("the second start of the agent is seen", PATIENCE, || {
        stack.tap.record().epochs("nas").len() > 1
    })
    .await;
    stack.agent_sent("nas", 3).await;
    let record = all_sent(&stack, &mut agent).await;
    assert_eq!(record.epochs("nas").len(), 2);
    assert!(before.batches.keys().all(|id| record.batches.contains_key(id)));
    check_own_word(&record, "nas", "cpu");
    let restarts = wait_for("the restart is an event", PATIENCE, || async {
        stack.collector.events("agent_started").await.ok().filter(|events| events.len() >= 2)
    })
    .await;
    assert!(restarts.iter().all(|event| event["host"] == "nas"), "{restarts:?}");
    // The event may be read before the batch that tells the same.
    wait_for("somebody is told", PATIENCE, || async {
        stack.collector.attention("agent_restarted").await.ok().filter(|items| !items.is_empty())
    })
    .await;
    stack.expect_conserved(&["nas"], &record.samples().once()).await;
}

/// An outbox whose memory holds a few batches only.
const SMALL_OUTBOX: [(&str, &str); 2] =
    [("outbox.memory_max_bytes", "20000"), ("outbox.spill_after_secs", "1")];

/// Segment files of an agent's spool, oldest first.
fn segments(agent: &Agent) -> Vec<PathBuf> {
    fn walk(folder: &std::path::Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "seg") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&agent.state(), &mut found);
    found.sort();
    found
}

fn spooled_bytes(agent: &Agent) -> u64 {
    segments(agent).iter().filter_map(|path| fs::metadata(path).ok()).map(|meta| meta.len()).sum()
}

#[tokio::test]
async fn the_broker_is_away_for_longer_than_memory_holds() {
    let mut stack = Stack::start(&[]).await.unwrap();
    let mut agent = Agent::start(stack.folder(), "nas", &stack.nats.url(), &SMALL_OUTBOX).unwrap();
    stack.agent_sent("nas", 3).await;
    // The first batches may have waited for the connection longer than memory holds.
    wait_until("nothing is spooled while connected", PATIENCE, || spooled_bytes(&agent) == 0).await;
    stack.nats.kill();
    wait_until("several times what memory holds is spooled", PATIENCE, || spooled_bytes(&agent) > 45_000)
        .await;
    stack.nats.restart().unwrap();
    wait_until("the spool is empty again", PATIENCE, || spooled_bytes(&agent) == 0).await;
    let sent = stack.tap.record().batches.keys().map(|id| id.seq).max().unwrap();
    stack.agent_sent("nas", sent + 2).await;
    let record = all_sent(&stack, &mut agent).await;
    assert_eq!(record.announced(), [], "nothing had to be dropped");
    let stream = hi_e2e::tap::stored_through(&stack.nats.url()).await.unwrap();
    let arrived: Vec<u64> = stream.arrivals.iter().map(|id| id.seq).collect();
    assert!(arrived.is_sorted(), "back-filled out of order: {arrived:?}");
    check_own_word(&record, "nas", "memory");
    stack.expect_conserved(&["nas"], &record.samples().once()).await;
}

#[tokio::test]
async fn what_does_not_fit_the_spool_is_announced_as_lost() {
    let mut stack = Stack::start(&[]).await.unwrap();
    let small = [SMALL_OUTBOX[0], SMALL_OUTBOX[1], ("outbox.spool_max_bytes", "30000")];
    let mut agent = Agent::start(stack.folder(), "nas", &stack.nats.url(), &small).unwrap();
    stack.agent_sent("nas", 3).await;
    stack.nats.kill();
    let number =
        |path: &PathBuf| u64::from_str_radix(&path.file_stem().unwrap().to_string_lossy(), 16).unwrap();
    wait_until("something is spooled", PATIENCE, || !segments(&agent).is_empty()).await;
    // Up to here segments may hold the catalog and facts, which nobody numbers.
    let last = segments(&agent).last().map(number).unwrap_or_default();
    wait_until("segments of batches are given up", PATIENCE, || {
        segments(&agent).first().is_some_and(|path| number(path) >= last + 2)
    })
    .await;
    stack.nats.restart().unwrap();
    wait_until("a loss is announced", PATIENCE, || !stack.tap.record().announced().is_empty()).await;
    wait_until("the spool is empty again", PATIENCE, || spooled_bytes(&agent) == 0).await;
    let sent = stack.tap.record().batches.keys().map(|id| id.seq).max().unwrap();
    stack.agent_sent("nas", sent + 2).await;
    let record = all_sent(&stack, &mut agent).await;
    stack.collector.wait_figure("/cursor/batches_lost_total", |lost| lost >= 1.0).await;
    stack.collector.wait_figure("/cursor/gaps_open", |open| open == 0.0).await;
    assert!(!stack.collector.attention("data_lost").await.unwrap().is_empty(), "nobody is told");
    stack.expect_conserved(&["nas"], &record.samples().once()).await;
}

#[tokio::test]
async fn the_broker_forgets_what_it_acknowledged() {
    let mut stack = Stack::start(&[]).await.unwrap();
    let mut agent = Agent::start(stack.folder(), "nas", &stack.nats.url(), &[]).unwrap();
    stack.agent_sent("nas", 3).await;
    stack.nats.kill();
    let older = stack.nats.snapshot().unwrap();
    stack.nats.restart().unwrap();
    stack.collector.kill().unwrap();
    stack.agent_sent("nas", 7).await;
    stack.nats.restart_from(&older).unwrap();
    stack.collector.restart().unwrap();
    stack.agent_sent("nas", 10).await;
    stack.collector.ready().await;
    stack.collector.wait_figure("/cursor/gaps_repaired_total", |repaired| repaired >= 1.0).await;
    let record = all_sent(&stack, &mut agent).await;
    stack.expect_conserved(&["nas"], &record.samples().once()).await;
}

/// A record in a segment of the spool: where it begins and ends, and its subject. The layout is that of
/// `agent/src/outbox/record.rs`; written here anew, so that a change there is noticed.
struct Spooled {
    from: usize,
    to: usize,
    subject: String,
}

fn records(bytes: &[u8]) -> Vec<Spooled> {
    let mut found = Vec::new();
    let mut from = 0;
    while bytes.get(from..from + 4) == Some(b"HIo1") && bytes.len() >= from + 12 {
        let short = |at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
        let payload: [u8; 4] = bytes[from + 8..from + 12].try_into().unwrap();
        let (subject, id) = (short(from + 4), short(from + 6));
        let to = from + 12 + subject + id + 4 + u32::from_le_bytes(payload) as usize + 4;
        if to > bytes.len() {
            break;
        }
        let subject = String::from_utf8_lossy(&bytes[from + 12..from + 12 + subject]).into_owned();
        found.push(Spooled { from, to, subject });
        from = to;
    }
    found
}

fn spooled_batches(bytes: &[u8]) -> Vec<Spooled> {
    let mut found = records(bytes);
    found.retain(|record| record.subject.starts_with("hi.v1.metrics."));
    found
}

/// Lets an agent that finds no broker spool some batches, and ends it; then `damage` has its way with the segment, and the
/// agent starts again with a broker. Returns what was sent then, and how many batches were spooled.
async fn damaged_spool(stack: &Stack, damage: impl FnOnce(&mut Vec<u8>, &[Spooled])) -> (Record, usize) {
    let nowhere = format!("nats://127.0.0.1:{}", hi_e2e::config::free_port().unwrap());
    let mut agent = Agent::start(stack.folder(), "nas", &nowhere, &SMALL_OUTBOX).unwrap();
    wait_until("batches are spooled", PATIENCE, || {
        segments(&agent)
            .first()
            .and_then(|path| fs::read(path).ok())
            .is_some_and(|bytes| spooled_batches(&bytes).len() >= 6)
    })
    .await;
    assert!(agent.terminate().await.unwrap().success());
    let files = segments(&agent);
    assert_eq!(files.len(), 1, "one segment holds it all: {files:?}");
    let mut bytes = fs::read(&files[0]).unwrap();
    let batches = spooled_batches(&bytes);
    damage(&mut bytes, &batches);
    fs::write(&files[0], &bytes).unwrap();
    agent.reconfigure(&[("nats.url", &format!("{:?}", stack.nats.url()))]).unwrap();
    agent.restart().unwrap();
    wait_until("both starts of the agent are seen", PATIENCE, || stack.tap.record().epochs("nas").len() >= 2)
        .await;
    wait_until("the spool is empty", PATIENCE, || spooled_bytes(&agent) == 0).await;
    stack.agent_sent("nas", 3).await;
    (all_sent(stack, &mut agent).await, batches.len())
}

fn of_first_epoch(record: &Record) -> usize {
    let epoch = record.epochs("nas")[0];
    record.batches.keys().filter(|id| id.epoch == epoch).count()
}

#[tokio::test]
async fn a_flipped_bit_in_the_spool_costs_one_record() {
    let mut stack = Stack::start(&[]).await.unwrap();
    let (record, spooled) = damaged_spool(&stack, |bytes, batches| {
        let middle = &batches[batches.len() / 2];
        bytes[middle.to - 20] ^= 0x10;
    })
    .await;
    assert_eq!(of_first_epoch(&record), spooled - 1);
    let lost: u64 = record.announced().iter().map(|(_, lost)| lost.to - lost.from + 1).sum();
    assert_eq!(lost, 1, "announced: {:?}", record.announced());
    stack.collector.wait_figure("/cursor/batches_lost_total", |lost| lost == 1.0).await;
    stack.collector.wait_figure("/cursor/gaps_open", |open| open == 0.0).await;
    stack.expect_conserved(&["nas"], &record.samples().once()).await;
}

#[tokio::test]
async fn a_truncated_spool_costs_what_was_cut_off() {
    let mut stack = Stack::start(&[]).await.unwrap();
    let (record, spooled) = damaged_spool(&stack, |bytes, batches| {
        let last = &batches[batches.len() - 1];
        bytes.truncate((last.from + last.to) / 2);
    })
    .await;
    assert_eq!(of_first_epoch(&record), spooled - 1);
    stack.collector.wait_figure("/cursor/gaps_open", |open| open == 0.0).await;
    stack.expect_conserved(&["nas"], &record.samples().once()).await;
}
