//! Processes die, servers go away, payloads are garbage.

use hi_collector::ingest::Point;
use hi_common::subject;
use hi_harness::{BOUND, Postgres, Proxy, wait_for};

use crate::support::{Agent, Setup, now_ms, once_at};

async fn killed_at(point: Point) {
    let mut setup = Setup::new().await;
    setup.options = once_at(point);
    let collector = setup.start();
    setup.streams().await;
    let mut nas = Agent::new(&setup, "nas").await;
    nas.send(10).await;
    collector.taken(10).await;
    let asked = collector.ingest.clone();
    let asking = tokio::spawn(async move { asked.flush().await });
    collector.ended().await;
    asking.abort();
    let expected = if point == Point::BeforeCommit { 0 } else { nas.sent.values().flatten().count() };
    assert_eq!(setup.stored().await.len(), expected);

    let collector = setup.start();
    nas.send(4).await;
    collector.taken(if point == Point::BeforeCommit { 14 } else { 4 }).await;
    collector.flush().await;
    setup.assert_stored_once(&[&nas]).await;
    collector.stop();
}

#[tokio::test]
async fn killed_before_commit_everything_comes_again() {
    killed_at(Point::BeforeCommit).await;
}

#[tokio::test]
async fn killed_after_commit_nothing_comes_twice() {
    killed_at(Point::AfterCommit).await;
}

#[tokio::test]
async fn killed_between_flushes_the_broker_has_the_rest() {
    let setup = Setup::new().await;
    let mut collector = setup.start();
    setup.streams().await;
    let mut nas = Agent::new(&setup, "nas").await;
    for round in 0..3 {
        nas.send(3).await;
        collector.taken(if round == 0 { 3 } else { 5 }).await;
        collector.flush().await;
        nas.send(2).await;
        collector.taken(if round == 0 { 5 } else { 7 }).await;
        collector.kill();
        collector = setup.start();
    }
    collector.taken(2).await;
    collector.flush().await;
    setup.assert_stored_once(&[&nas]).await;
    collector.stop();
}

#[tokio::test]
async fn duplicates_and_disorder_do_not_show() {
    let setup = Setup::new().await;
    let collector = setup.start();
    setup.streams().await;
    let mut nas = Agent::new(&setup, "nas").await;
    let batches: Vec<_> = (0..8).map(|_| nas.next()).collect();
    for (copy, index) in [0, 3, 1, 1, 7, 2, 0, 6, 5, 4, 7, 3].iter().enumerate() {
        nas.publish_as(&batches[*index], &format!("copy-{copy}")).await;
    }
    collector.taken(8).await;
    collector.flush().await;
    wait_for("duplicates counted", BOUND, || async {
        (collector.ingest.stats().duplicates_total == 4).then_some(())
    })
    .await;
    setup.assert_stored_once(&[&nas]).await;
    // What is stored is recognised after a restart, too.
    collector.stop();
    let collector = setup.start();
    nas.publish_as(&batches[4], "again").await;
    wait_for("the duplicate", BOUND, || async {
        (collector.ingest.stats().duplicates_total == 1).then_some(())
    })
    .await;
    collector.flush().await;
    setup.assert_stored_once(&[&nas]).await;
    collector.stop();
}

#[tokio::test]
async fn a_broker_killed_and_back_goes_on() {
    let mut setup = Setup::new().await;
    let collector = setup.start();
    setup.streams().await;
    let mut nas = Agent::new(&setup, "nas").await;
    nas.send(5).await;
    collector.taken(5).await;
    setup.nats.restart().unwrap();
    nas.send(5).await;
    collector.taken(10).await;
    collector.flush().await;
    setup.nats.kill();
    wait_for("the loss", BOUND, || async { (!collector.ingest.stats().connected).then_some(()) }).await;
    setup.nats.restart().unwrap();
    nas.send(1).await;
    collector.taken(11).await;
    collector.stop();
    setup.assert_stored_once(&[&nas]).await;
}

#[tokio::test]
async fn a_broker_that_lost_its_newest_messages_loses_nothing_that_was_taken() {
    let mut setup = Setup::new().await;
    let collector = setup.start();
    setup.streams().await;
    let mut nas = Agent::new(&setup, "nas").await;
    nas.send(3).await;
    collector.taken(3).await;
    setup.nats.kill();
    let snapshot = setup.nats.snapshot().unwrap();
    setup.nats.restart().unwrap();
    nas.send(4).await;
    collector.taken(7).await;
    // The next messages get numbers that the collector has seen already, on others.
    setup.nats.restart_from(&snapshot).unwrap();
    nas.send(2).await;
    collector.taken(9).await;
    collector.flush().await;
    setup.assert_stored_once(&[&nas]).await;
    assert!(collector.ingest.stats().duplicates_total <= 3);
    collector.kill();
    nas.send(6).await;
    let collector = setup.start();
    collector.taken(6).await;
    collector.flush().await;
    setup.assert_stored_once(&[&nas]).await;
    collector.stop();
}

#[tokio::test]
async fn a_database_cut_off_is_waited_for_and_the_head_is_bounded() {
    let mut setup = Setup::new().await;
    let proxy = Proxy::start(setup.database.address()).await.unwrap();
    setup.config.database.url = setup.database.url_through(proxy.address());
    setup.config.store.head_max_bytes = 4000;
    let collector = setup.start();
    setup.streams().await;
    let mut nas = Agent::new(&setup, "nas").await;
    nas.send(2).await;
    collector.taken(2).await;
    proxy.cut();
    nas.send(100).await;
    wait_for("a full head", BOUND, || async { (collector.ingest.head.stats().bytes >= 4000).then_some(()) })
        .await;
    wait_for("the error shown", BOUND, || async { collector.ingest.stats().flush.last_error }).await;
    let stats = collector.ingest.stats();
    assert!(stats.batches_total < 60, "the head must not take more than its limit: {stats:?}");
    proxy.restore();
    collector.taken(102).await;
    collector.flush().await;
    setup.assert_stored_once(&[&nas]).await;
    collector.stop();
}

#[tokio::test]
async fn a_read_only_database_is_waited_for() {
    let setup = Setup::new().await;
    let collector = setup.start();
    setup.streams().await;
    let mut nas = Agent::new(&setup, "nas").await;
    nas.send(3).await;
    collector.taken(3).await;
    setup.read_only(true).await;
    let ingest = collector.ingest.clone();
    let flushing = tokio::spawn(async move { ingest.flush().await });
    wait_for("the error shown", BOUND, || async { collector.ingest.stats().flush.last_error }).await;
    nas.send(3).await;
    collector.taken(6).await;
    setup.read_only(false).await;
    flushing.await.unwrap();
    collector.flush().await;
    setup.assert_stored_once(&[&nas]).await;
    collector.stop();
}

#[tokio::test]
async fn a_killed_postgres_loses_nothing() {
    let mut postgres = Postgres::start().await.unwrap();
    let setup = Setup::with(postgres.database().await.unwrap());
    let collector = setup.start();
    setup.streams().await;
    let mut nas = Agent::new(&setup, "nas").await;
    nas.send(5).await;
    collector.taken(5).await;
    postgres.kill();
    let ingest = collector.ingest.clone();
    let flushing = tokio::spawn(async move { ingest.flush().await });
    nas.send(5).await;
    collector.taken(10).await;
    postgres.restart().unwrap();
    flushing.await.unwrap();
    collector.flush().await;
    setup.assert_stored_once(&[&nas]).await;
    collector.stop();
}

#[tokio::test]
async fn poison_goes_to_the_dead_letters_and_nothing_else_suffers() {
    let setup = Setup::new().await;
    let collector = setup.start();
    setup.streams().await;
    let mut nas = Agent::new(&setup, "nas").await;
    nas.send(1).await;
    nas.publish_bytes(b"garbage".to_vec(), "x").await;
    nas.publish_bytes(vec![0x91; 50_000], "y").await;
    let mut future = nas.next();
    future.readings[0].at = now_ms() + 3_600_000;
    nas.forget(2, 2);
    nas.publish(&future).await;
    let mut short = nas.next();
    short.readings[0].values.pop();
    nas.forget(3, 3);
    nas.publish(&short).await;
    nas.send(2).await;
    let fact = subject::fact(&nas.name, "disk", "sda");
    nas.jetstream.publish(fact, "rubbish".into()).await.unwrap().await.unwrap();
    collector.taken(3).await;
    let letters = wait_for("the dead letters", BOUND, || async {
        let (count, rows) = collector.store.dead_letters(10).await.ok()?;
        (count == 5).then_some(rows)
    });
    let mut reasons: Vec<_> = letters.await.into_iter().map(|l| (l.reason, l.host.unwrap())).collect();
    reasons.sort();
    let expected = ["invalid", "invalid", "malformed", "malformed", "malformed"];
    assert_eq!(reasons, expected.map(|reason| (reason.to_owned(), "nas".to_owned())));
    collector.flush().await;
    setup.assert_stored_once(&[&nas]).await;
    assert_eq!(collector.ingest.stats().cursor.gaps_open, 0, "what is refused is not asked for again");
    collector.stop();
}
