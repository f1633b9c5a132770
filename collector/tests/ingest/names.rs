//! Names, kinds, and too many series.

use hi_common::catalog::{Catalog, MetricInfo, SourceOutcome, SourceStatus};
use hi_common::event::{Event, Severity};
use hi_common::fact::{Fact, FactValue};
use hi_common::metric::{Kind, Unit};
use hi_common::subject;
use hi_common::wire::encode;
use hi_harness::{BOUND, wait_for};

use crate::support::{Agent, Setup, now_ms};

#[tokio::test]
async fn two_hosts_that_claim_one_name_are_told_apart() {
    let setup = Setup::new().await;
    let collector = setup.start();
    setup.streams().await;
    let mut first = Agent::with_identity(&setup, "nas", "one").await;
    let mut second = Agent::with_identity(&setup, "nas", "two").await;
    first.send(2).await;
    second.send(3).await;
    first.send(2).await;
    collector.taken(7).await;
    let name = format!("nas-{}", &second.host_id.to_string()[..4]);
    let states = collector.ingest.hosts.all();
    let mut names: Vec<_> = states.iter().map(|s| (s.name.to_string(), s.conflict)).collect();
    names.sort();
    assert_eq!(names, [("nas".to_owned(), true), (name.clone(), true)]);
    let row = collector.store.host(&name).await.unwrap().unwrap();
    assert_eq!((row.host_id, row.claimed_name.as_str()), (second.host_id.0, "nas"));
    let events = collector.store.events(&Default::default(), 10).await.unwrap();
    assert_eq!(events.iter().filter(|event| event.kind == "name_conflict").count(), 1);
    collector.flush().await;
    setup.assert_stored_once(&[&first, &second]).await;
    collector.stop();
    let collector = setup.start();
    second.send(1).await;
    first.send(1).await;
    collector.taken(2).await;
    assert_eq!(collector.store.host(&name).await.unwrap().unwrap().host_id, second.host_id.0);
    collector.stop();
}

#[tokio::test]
async fn a_metric_whose_kind_changes_keeps_its_samples() {
    let setup = Setup::new().await;
    let collector = setup.start();
    setup.streams().await;
    let mut nas = Agent::new(&setup, "nas").await;
    nas.send(3).await;
    nas.families[1].kind = Kind::Counter;
    let changed = nas.next_with(true);
    nas.publish(&changed).await;
    nas.send(2).await;
    collector.taken(6).await;
    let metrics = collector.store.metrics().await.unwrap();
    assert!(metrics.iter().any(|m| m.name == "node_load1" && m.kind == Kind::Counter));
    let event = wait_for("the event", BOUND, || async {
        let events = collector.store.events(&Default::default(), 10).await.ok()?;
        events.into_iter().find(|event| event.kind == "metric_kind_changed")
    });
    assert!(event.await.message.contains("node_load1 was a gauge"));
    collector.flush().await;
    setup.assert_stored_once(&[&nas]).await;
    collector.stop();
}

#[tokio::test]
async fn series_beyond_the_limit_are_refused_one_by_one() {
    let mut setup = Setup::new().await;
    setup.options.series_per_host_max = 7;
    let collector = setup.start();
    setup.streams().await;
    let mut nas = Agent::new(&setup, "nas").await;
    nas.send(3).await;
    collector.taken(3).await;
    let refused = collector.ingest.stats().refused;
    assert_eq!((refused.len(), refused[0].count, refused[0].reason), (1, 3, "series_per_host"));
    assert_eq!(collector.store.series_counts().await.unwrap()[0].1, 7);
    collector.flush().await;
    for samples in nas.sent.values_mut() {
        samples.retain(|(_, series, ..)| {
            !["cpu2", "cpu3", "cpu4"].iter().any(|cpu| series.contains("hi_many") && series.contains(cpu))
        });
    }
    setup.assert_stored_once(&[&nas]).await;
    collector.stop();
}

#[tokio::test]
async fn what_is_gone_keeps_nothing_new_out() {
    let mut setup = Setup::new().await;
    setup.options.series_per_host_max = 20;
    let collector = setup.start();
    setup.streams().await;
    let mut nas = Agent::new(&setup, "nas").await;
    for generation in 0..6 {
        for row in &mut nas.families[0].rows {
            row[0] = format!("{generation} {}", row[0]);
        }
        let batch = nas.next_with(true);
        nas.publish(&batch).await;
        collector.taken(generation + 1).await;
    }
    let refused = collector.ingest.stats().refused;
    assert!(refused.is_empty(), "{refused:?}");
    assert!(collector.store.series_counts().await.unwrap()[0].1 > 20);
    collector.flush().await;
    setup.assert_stored_once(&[&nas]).await;
    collector.stop();
}

#[expect(clippy::too_many_lines, reason = "one story, told in order")]
#[tokio::test]
async fn documents_are_kept_with_their_history_and_events_once() {
    let setup = Setup::new().await;
    let collector = setup.start();
    setup.streams().await;
    let nas = Agent::new(&setup, "nas").await;
    let publish = |subject: String, payload: Vec<u8>| {
        let jetstream = nas.jetstream.clone();
        async move { jetstream.publish(subject, payload.into()).await.unwrap().await.unwrap() }
    };
    let fact = |at: i64, size: i64| Fact {
        v: 1,
        host: nas.name.clone(),
        host_id: nas.host_id,
        epoch: 1,
        source: "smart".into(),
        at,
        kind: "disk".into(),
        id: "sda".into(),
        doc: Some([("size_bytes".to_owned(), FactValue::Int(size))].into()),
    };
    let now = now_ms();
    for (at, size, stored) in [(now - 2000, 1, 1), (now - 1000, 1, 1), (now, 2, 2), (now - 5000, 9, 2)] {
        publish(subject::fact(&nas.name, "disk", "sda"), encode(&fact(at, size)).unwrap()).await;
        // The stream keeps the last of a subject alone: one that is not read yet gives way.
        wait_for("the fact", BOUND, || async {
            let host = collector.store.host("nas").await.ok()??;
            let facts = collector.store.facts_page(host.id, None, None, 100).await.ok()?;
            (facts.first()?.doc["size_bytes"] == stored).then_some(())
        })
        .await;
    }
    let event = Event {
        v: 1,
        id: uuid::Uuid::from_u128(7),
        host: nas.name.clone(),
        host_id: nas.host_id,
        at: now,
        kind: "disk_vanished".into(),
        severity: Severity::Critical,
        message: "sda \u{0} is gone".into(),
        data: Default::default(),
    };
    let good = Event { id: uuid::Uuid::from_u128(8), message: "sda is gone".into(), ..event.clone() };
    for event in [&event, &good, &good] {
        publish(subject::event(&nas.name, "disk_vanished"), encode(event).unwrap()).await;
    }
    let catalog = Catalog {
        v: 1,
        host: nas.name.clone(),
        host_id: nas.host_id,
        epoch: 1,
        at: now,
        agent_version: "0.1.0".into(),
        sources: vec![SourceStatus {
            source: "smart".into(),
            outcome: SourceOutcome::Error,
            reason: Some("permission".into()),
            message: None,
            interval_ms: 10_000,
            since: now,
        }],
        metrics: vec![MetricInfo {
            name: "m".into(),
            kind: Kind::Gauge,
            unit: Unit::Bytes,
            help: "h".into(),
        }],
    };
    publish(subject::catalog(&nas.name), encode(&catalog).unwrap()).await;
    wait_for("the documents", BOUND, || async {
        let host = collector.store.host("nas").await.ok()??;
        let facts = collector.store.facts_page(host.id, None, None, 100).await.ok()?;
        let sources = collector.store.sources(host.id).await.ok()?;
        let events = collector.store.events(&Default::default(), 10).await.ok()?;
        let done = facts.first()?.doc["size_bytes"] == 2
            && sources.first()?.reason.as_deref() == Some("permission")
            && events.len() == 1
            && host.agent_version.as_deref() == Some("0.1.0");
        done.then_some(())
    })
    .await;
    // An event that the database cannot hold is a dead letter, and holds nothing up.
    let (count, letters) = collector.store.dead_letters(10).await.unwrap();
    assert_eq!((count, letters[0].reason.as_str()), (1, "invalid"));
    assert_eq!(setup.count("SELECT count(*) FROM fact_history").await, 1);
    collector.stop();
}
