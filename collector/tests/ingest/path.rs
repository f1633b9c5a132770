//! The way of a sample when nothing goes wrong.

use async_nats::jetstream::stream;
use hi_collector::model::{MatchOp, Matcher};
use hi_common::subject;
use hi_harness::{BOUND, wait_for};

use crate::support::{Agent, Setup};

fn matcher(label: &str, value: &str) -> Matcher {
    Matcher { label: label.into(), op: MatchOp::Eq, value: value.into() }
}

#[tokio::test]
async fn samples_are_readable_at_once_and_stored_once() {
    let setup = Setup::new().await;
    let collector = setup.start();
    let mut live = collector.ingest.live.subscribe();
    setup.streams().await;
    let (mut nas, mut pi) = (Agent::new(&setup, "nas").await, Agent::new(&setup, "pi").await);
    nas.send(12).await;
    pi.send(7).await;
    collector.taken(19).await;

    let any_of =
        [vec![matcher("instance", "nas"), matcher("__name__", "node_load1"), matcher("job", "node")]];
    let page = collector.store.series_find(&any_of, None, 10).await.unwrap();
    assert_eq!((page.series.len(), page.more), (1, false));
    let id = page.series[0].info.id;
    let (start, end) = (nas.at - 110_000, nas.at + 1);
    let head = collector.ingest.head.read(&[id], start, end);
    assert_eq!(head[0].1.len(), 12, "the head shows what is not stored yet");
    assert!(collector.store.samples(&[id], start, end).await.unwrap().is_empty());
    assert_eq!(live.recv().await.unwrap().host_name.len(), 3);
    assert_eq!(collector.ingest.head.latest(page.series[0].info.host)[0].at, nas.at);

    collector.flush().await;
    assert!(collector.ingest.head.read(&[id], start, end).is_empty());
    let stored = collector.store.samples(&[id], start, end).await.unwrap();
    assert_eq!((stored[0].times.clone(), stored[0].values.clone()), (head[0].1.clone(), head[0].2.clone()));
    setup.assert_stored_once(&[&nas, &pi]).await;

    nas.send(3).await;
    collector.taken(22).await;
    collector.stop();
    setup.assert_stored_once(&[&nas, &pi]).await;
    let stats = setup.start();
    stats.taken(0).await;
    nas.send(2).await;
    stats.taken(2).await;
    assert_eq!(stats.ingest.stats().duplicates_total, 0);
    stats.stop();
    setup.assert_stored_once(&[&nas, &pi]).await;
}

#[tokio::test]
async fn acknowledged_only_after_commit() {
    let setup = Setup::new().await;
    let collector = setup.start();
    setup.streams().await;
    let mut nas = Agent::new(&setup, "nas").await;
    nas.send(5).await;
    collector.taken(5).await;
    let floor = || async {
        let stream = nas.jetstream.get_stream("HI_METRICS").await.ok()?;
        let mut names = stream.consumer_names();
        let name = futures::StreamExt::next(&mut names).await?.ok()?;
        Some(stream.consumer_info(name).await.ok()?.ack_floor.stream_sequence)
    };
    assert_eq!(wait_for("the consumer", BOUND, floor).await, 0);
    collector.flush().await;
    wait_for("the acknowledgement", BOUND, || async { floor().await.filter(|floor| *floor == 5) }).await;
    collector.stop();
}

#[tokio::test]
async fn streams_of_an_older_broker_are_brought_up_to_date_by_a_newer_one() {
    let mut setup = Setup::new().await;
    let jetstream = setup.jetstream().await;
    // As an agent or collector made it on a broker before 2.10.
    let old = stream::Config {
        name: subject::STREAM_METRICS.to_owned(),
        subjects: vec!["hi.v1.metrics.>".to_owned()],
        max_bytes: 123 << 20,
        ..stream::Config::default()
    };
    jetstream.create_stream(old).await.unwrap();
    let old = stream::Config {
        name: subject::STREAM_FACTS.to_owned(),
        subjects: vec![subject::FACTS_ALL.to_owned(), subject::CATALOG_ALL.to_owned()],
        max_messages_per_subject: 1,
        ..stream::Config::default()
    };
    jetstream.create_stream(old).await.unwrap();
    // The collector is there before its broker, whose version it cannot know yet.
    setup.nats.kill();
    let collector = setup.start();
    setup.nats.restart().unwrap();
    setup.streams().await;
    let mut nas = Agent::new(&setup, "nas").await;
    nas.send(3).await;
    collector.taken(3).await;
    let config = |name: &'static str| {
        let jetstream = &jetstream;
        async move { jetstream.get_stream(name).await.unwrap().cached_info().config.clone() }
    };
    let metrics = config(subject::STREAM_METRICS).await;
    assert_eq!(metrics.max_bytes, 123 << 20, "its limits are its owner's");
    collector.stop();
    setup.assert_stored_once(&[&nas]).await;
    let version = jetstream.client().server_info().version;
    if version.starts_with("2.9.") {
        assert_eq!(metrics.compression, None);
        println!("SKIPPED: compressed streams: nats-server {version} has none, 2.10 has");
        return;
    }
    assert_eq!(metrics.compression, Some(stream::Compression::S2), "made before, without");
    assert_eq!(config(subject::STREAM_EVENTS).await.compression, Some(stream::Compression::S2), "made now");
    let forgets = jetstream.client().is_server_compatible(2, 11, 0);
    assert_eq!(config(subject::STREAM_FACTS).await.allow_message_ttl, forgets, "made before, without");
    assert!(!config(subject::STREAM_METRICS).await.allow_message_ttl, "readings do not expire one by one");
}
