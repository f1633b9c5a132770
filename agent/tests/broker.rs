//! The agent against a real broker: what is published, and what survives its absence.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may panic")]

mod support;

use std::sync::atomic::Ordering;

use hi_agent::host::HostRoot;
use hi_agent::source::{Outcome, Readings, Source, SourceError};
use hi_common::catalog::{Catalog, SourceOutcome};
use hi_common::event::Severity;
use hi_common::fact::{Fact, FactValue};
use hi_common::subject::{STREAM_FACTS, STREAM_METRICS};
use hi_common::wire::decode;
use support::{
    Agent, Broker, Bulk, assert_complete, batches, beat, beats, config, events, files, grows, readings, slot,
    stored, until, world,
};

#[tokio::test]
async fn what_is_read_arrives_once_in_order_and_nothing_touches_the_disk() {
    let (dir, broker) = world("").await;
    let (first, count) = beat("first");
    let (second, _) = beat("second");
    let agent = Agent::start(config(dir.path(), &broker.url(), ""), vec![first, second]);
    let js = broker.jetstream().await;
    grows(&count, 15).await;
    until("a catalog is there", async || {
        stored(&js, STREAM_FACTS).await.iter().any(|m| m.subject == "hi.v1.catalog.nas")
    })
    .await;
    agent.stop().await;

    let all = batches(&js).await;
    assert_complete(&all, "first", count.load(Ordering::SeqCst));
    assert_eq!(all[0].0, all[0].1.id().to_string(), "the message id is the batch's");
    let shared = all.iter().filter(|(_, b)| b.readings.len() >= 2).count();
    assert!(shared * 2 > all.len(), "sources of a tick share a batch: {shared} of {}", all.len());
    for source in ["first", "agent"] {
        let with_series = readings(&all, source).iter().filter(|r| r.series.is_some()).count();
        let layouts: std::collections::BTreeSet<u64> =
            readings(&all, source).iter().map(|r| r.layout).collect();
        assert_eq!(with_series, layouts.len(), "series of {source} travel once per layout");
    }
    let ats: Vec<i64> = readings(&all, "first").iter().map(|r| r.at).collect();
    assert!(ats.windows(2).all(|w| w[0] < w[1]), "times grow");
    assert!(ats[1..].windows(2).all(|w| (w[1] - w[0]) % 100 == 0), "times lie on the grid: {ats:?}");
    assert_eq!(events(&js).await[0].kind, "agent_started");
    let catalog: Catalog = decode(&stored(&js, STREAM_FACTS).await[0].payload).unwrap();
    let outcomes: Vec<_> = catalog.sources.iter().map(|s| (s.source.as_str(), s.outcome)).collect();
    assert_eq!(outcomes[0], ("first", SourceOutcome::Read));
    assert_eq!(files(&dir.path().join("state")).len(), 1, "only the epoch");
}

#[tokio::test]
async fn an_outage_is_bridged_on_disk_and_filled_in_order() {
    let (dir, mut broker) = world("").await;
    let (slot, count) = beat("beat");
    let agent = Agent::start(config(dir.path(), &broker.url(), "outbox.spill_after_secs = 1\n"), vec![slot]);
    grows(&count, 5).await;
    broker.kill();
    let spool = dir.path().join("state/spool");
    until("it spills", async || files(&spool).iter().any(|(_, bytes)| *bytes > 0)).await;
    grows(&count, 15).await;
    broker.start().await;
    until("the spool is sent and gone", async || files(&spool).is_empty()).await;
    grows(&count, 5).await;
    agent.stop().await;
    let js = broker.jetstream().await;
    assert_complete(&batches(&js).await, "beat", count.load(Ordering::SeqCst));
    assert!(files(&spool).is_empty());
}

#[tokio::test]
async fn a_broker_killed_again_and_again_costs_nothing() {
    let (dir, mut broker) = world("").await;
    let (slot, count) = beat("beat");
    let agent = Agent::start(config(dir.path(), &broker.url(), "outbox.spill_after_secs = 1\n"), vec![slot]);
    for _ in 0..4 {
        grows(&count, 4).await;
        broker.kill();
        grows(&count, 3).await;
        broker.start().await;
    }
    let (js, taken) = (broker.jetstream().await, count.load(Ordering::SeqCst));
    until("all is sent", async || beats(&batches(&js).await, "beat").len() as u64 >= taken).await;
    agent.stop().await;
    let mut all = batches(&js).await;
    // Retries may overtake each other; the collector's cursor puts them right.
    all.sort_by_key(|(_, batch)| batch.seq);
    assert_complete(&all, "beat", taken);
}

#[tokio::test]
async fn without_room_the_oldest_goes_and_is_announced() {
    let (dir, mut broker) = world("").await;
    let (beat, count) = beat("beat");
    // The catalog has its place in it, which must not be what is lost.
    let more =
        "outbox.spool_max_bytes = 0\noutbox.memory_max_bytes = 250000\nsources.agent.enabled = false\n";
    let agent = Agent::start(config(dir.path(), &broker.url(), more), vec![beat, slot("bulk", || Bulk)]);
    grows(&count, 30).await;
    broker.kill();
    grows(&count, 90).await;
    broker.start().await;
    let js = broker.jetstream().await;
    until("the loss is told", async || events(&js).await.iter().any(|e| e.kind == "data_lost")).await;
    grows(&count, 5).await;
    agent.stop().await;
    let all = batches(&js).await;
    let mut have: Vec<u64> = all.iter().map(|(_, b)| b.seq).collect();
    let announced: Vec<u64> = all.iter().flat_map(|(_, b)| &b.lost).flat_map(|l| l.from..=l.to).collect();
    assert!(announced.len() > 5, "{announced:?}");
    assert!(announced.iter().all(|seq| !have.contains(seq)), "what is announced is gone");
    have.extend(&announced);
    have.sort_unstable();
    assert_eq!(have, (1..=have.len() as u64).collect::<Vec<_>>(), "every batch is there or announced, once");
    let last_lost = announced.iter().max().unwrap();
    let after = all.iter().filter(|(_, b)| b.seq > *last_lost).flat_map(|(_, b)| &b.readings);
    assert!(after.into_iter().any(|r| r.series.is_some()), "series travel again after a loss");
}

#[tokio::test]
async fn a_full_stream_holds_up_but_loses_nothing() {
    let (dir, broker) = world("").await;
    let js = broker.jetstream().await;
    let small = async_nats::jetstream::stream::Config {
        name: STREAM_METRICS.to_owned(),
        subjects: vec!["hi.v1.metrics.>".to_owned()],
        max_messages: 5,
        discard: async_nats::jetstream::stream::DiscardPolicy::New,
        ..Default::default()
    };
    let stream = js.create_stream(small.clone()).await.unwrap();
    let (slot, count) = beat("beat");
    let agent = Agent::start(config(dir.path(), &broker.url(), "outbox.spill_after_secs = 1\n"), vec![slot]);
    let spool = dir.path().join("state/spool");
    until("it spills", async || files(&spool).iter().any(|(_, bytes)| *bytes > 0)).await;
    let mut all = batches(&js).await;
    assert_eq!(all.len(), 5);
    stream.purge().await.unwrap();
    js.update_stream(async_nats::jetstream::stream::Config { max_messages: -1, ..small }).await.unwrap();
    until("the spool is sent", async || files(&spool).is_empty()).await;
    agent.stop().await;
    all.extend(batches(&js).await);
    assert_complete(&all, "beat", count.load(Ordering::SeqCst));
}

#[tokio::test]
async fn sign_in_is_used_and_a_wrong_one_keeps_the_data() {
    let (dir, broker) = world("authorization { user: agent, password: secret }").await;
    let password = dir.path().join("password");
    std::fs::write(&password, "wrong\n").unwrap();
    let more = format!(
        "nats.user = 'agent'\nnats.password_file = {password:?}\noutbox.spill_after_secs = 1\nagent.log_level = 'warn'\n"
    );
    let (slot, count) = beat("beat");
    let agent = Agent::start(config(dir.path(), &broker.url(), &more), vec![slot]);
    let spool = dir.path().join("state/spool");
    until("it spills", async || files(&spool).iter().any(|(_, bytes)| *bytes > 0)).await;
    agent.stop().await;
    let before = count.load(Ordering::SeqCst);

    std::fs::write(&password, "secret\n").unwrap();
    let (slot, later) = beat("later");
    let agent = Agent::start(config(dir.path(), &broker.url(), &more), vec![slot]);
    until("the old data is sent", async || files(&spool).is_empty()).await;
    grows(&later, 3).await;
    agent.stop().await;
    let options = async_nats::ConnectOptions::with_user_and_password("agent".into(), "secret".into());
    let js = async_nats::jetstream::new(options.connect(broker.url()).await.unwrap());
    let all = batches(&js).await;
    let first_epoch = all[0].1.epoch;
    let (old, new): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, b)| b.epoch == first_epoch);
    assert_complete(&old, "beat", before);
    assert_complete(&new, "later", later.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_message_beyond_the_brokers_limit_is_dropped_alone() {
    use hi_agent::host::HostRoot;
    use hi_agent::source::{Outcome, Readings, Source, SourceError};
    use hi_common::metric::{MetricDef, Unit};
    static WIDE: MetricDef = MetricDef::gauge("test_wide", Unit::None, &["x"], "Many series.");
    struct Wide;
    impl Source for Wide {
        fn read(&mut self, _: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
            for n in 0..200 {
                out.push(&WIDE, &[&format!("{n:0100}")], 1.0);
            }
            Ok(Outcome::Read)
        }
    }
    let (dir, broker) = world("max_payload: 16384").await;
    let (narrow, count) = beat("beat");
    let mut wide = slot("wide", || Wide);
    // Runs at the start alone.
    wide.interval = std::time::Duration::from_secs(3600);
    let agent = Agent::start(config(dir.path(), &broker.url(), ""), vec![narrow, wide]);
    grows(&count, 10).await;
    agent.stop().await;
    let all = batches(&broker.jetstream().await).await;
    let lost: Vec<u64> = all.iter().flat_map(|(_, b)| &b.lost).flat_map(|l| l.from..=l.to).collect();
    assert_eq!(lost, [1], "the batch of the start is announced as lost");
    let seqs: Vec<u64> = all.iter().map(|(_, b)| b.seq).collect();
    assert_eq!(seqs, (2..=seqs.len() as u64 + 1).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_is_lost_at_an_end_is_announced_by_a_later_start() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Broker::new(dir.path(), "");
    let state = dir.path().join("state");
    let config = || config(dir.path(), &broker.url(), "outbox.spool_max_bytes = 0\n");
    let mut lost = Vec::new();
    // Nothing can be sent or kept; and the second start ends before it could announce what the first one lost.
    for _ in 0..2 {
        let (slot, count) = beat("beat");
        let agent = Agent::start(config(), vec![slot]);
        grows(&count, 12).await;
        agent.stop().await;
        let epoch: u64 = std::fs::read_to_string(state.join("epoch")).unwrap().parse().unwrap();
        lost.push((epoch, count.load(Ordering::SeqCst)));
        assert!(files(&state).iter().any(|(name, _)| name == "losses"), "{:?}", files(&state));
    }
    let (slot, count) = beat("beat");
    let agent = Agent::start(config(), vec![slot]);
    broker.start().await;
    let js = broker.jetstream().await;
    until("the losses are announced", async || {
        batches(&js).await.iter().flat_map(|(_, b)| &b.lost).count() >= 2
    })
    .await;
    agent.stop().await;
    let all = batches(&js).await;
    assert_complete(&all, "beat", count.load(Ordering::SeqCst));
    let told: Vec<_> = all.iter().flat_map(|(_, b)| &b.lost).collect();
    assert_eq!(told.len(), 2, "a range for each start: {told:?}");
    for (range, (epoch, beats)) in told.iter().zip(lost) {
        assert_eq!((range.epoch, range.from), (epoch, 1));
        assert!(range.to <= beats && range.to * 3 >= beats, "{range:?}: all batches of {beats} readings");
    }
    assert_eq!(files(&state).len(), 1, "only the epoch: {:?}", files(&state));
}

/// Tells a fact at its first run; at its second that it is gone, and an event of that.
struct Unplugged(u64);

impl Source for Unplugged {
    fn read(&mut self, _: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        self.0 += 1;
        match self.0 {
            1 => out.fact("disk", "wwn-1", [("device".to_owned(), FactValue::Text("sda".to_owned()))].into()),
            2 => {
                out.fact_gone("disk", "wwn-1");
                out.event(
                    "disk_gone",
                    Severity::Warning,
                    "disk sda is gone",
                    vec![("disk", "wwn-1".to_owned())],
                );
            }
            _ => {}
        }
        Ok(Outcome::Read)
    }
}

#[tokio::test]
async fn what_a_source_notices_arrives_as_an_event_and_a_fact_that_is_gone() {
    let (dir, broker) = world("").await;
    let agent = Agent::start(
        config(dir.path(), &broker.url(), ""),
        vec![support::patient("unplugged", || Unplugged(0))],
    );
    let js = broker.jetstream().await;
    until("the event is there", async || events(&js).await.iter().any(|event| event.kind == "disk_gone"))
        .await;
    agent.stop().await;
    let told = events(&js).await;
    let event = told.iter().find(|event| event.kind == "disk_gone").unwrap();
    assert_eq!((event.severity, event.message.as_str()), (Severity::Warning, "disk sda is gone"));
    assert_eq!(event.data["disk"], "wwn-1");
    let facts = stored(&js, STREAM_FACTS).await;
    let last = facts.iter().rfind(|message| message.subject == "hi.v1.facts.nas.disk.wwn-1").unwrap();
    let fact: Fact = decode(&last.payload).unwrap();
    assert_eq!((fact.id.as_str(), fact.doc), ("wwn-1", None));
}
