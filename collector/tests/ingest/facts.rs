//! What went while an agent was off is gone; what its source cannot tell is not.

use hi_collector::housekeeping::run_once;
use hi_common::catalog::{Catalog, SourceOutcome, SourceStatus};
use hi_common::fact::{Fact, FactValue};
use hi_common::subject;
use hi_common::wire::encode;
use hi_harness::{BOUND, wait_for};

use crate::support::{Agent, Collector, Setup, now_ms};

const HOUR: i64 = 3_600_000;

/// Tells of a thing, and waits until the collector knows of it from this start of the agent.
async fn tell(setup: &Setup, nas: &Agent, (source, id): (&str, &str), at: i64) {
    let fact = Fact {
        v: 1,
        host: nas.name.clone(),
        host_id: nas.host_id,
        epoch: nas.epoch,
        source: source.into(),
        at,
        kind: "thing".into(),
        id: id.into(),
        doc: Some([("size_bytes".to_owned(), FactValue::Int(1))].into()),
    };
    let payload = encode(&fact).unwrap();
    let subject = subject::fact(&nas.name, "thing", id);
    nas.jetstream.publish(subject, payload.into()).await.unwrap().await.unwrap();
    wait_for("the fact", BOUND, || async {
        let row: Option<(i64,)> = sqlx::query_as("SELECT epoch FROM fact WHERE id = $1 AND doc IS NOT NULL")
            .bind(id)
            .fetch_optional(&mut setup.sql().await)
            .await
            .ok()?;
        (row? == (nas.epoch.cast_signed(),)).then_some(())
    })
    .await;
}

/// Things of `nas` that are there.
async fn there(collector: &Collector) -> Vec<String> {
    let host = collector.store.host("nas").await.unwrap().unwrap();
    collector
        .store
        .facts_page(host.id, None, None, 100)
        .await
        .unwrap()
        .into_iter()
        .map(|fact| fact.id)
        .collect()
}

fn catalog(nas: &Agent, since: i64) -> Catalog {
    let source = |(name, outcome): (&str, SourceOutcome)| SourceStatus {
        source: name.into(),
        outcome,
        reason: None,
        message: None,
        interval_ms: 10_000,
        since,
    };
    let sources = [
        ("works", SourceOutcome::Read),
        ("empty", SourceOutcome::Absent),
        ("fails", SourceOutcome::Error),
        ("hangs", SourceOutcome::Stalled),
    ];
    Catalog {
        v: 1,
        host: nas.name.clone(),
        host_id: nas.host_id,
        epoch: nas.epoch,
        at: since,
        agent_version: "0.1.0".into(),
        sources: sources.into_iter().map(source).collect(),
        metrics: vec![],
    }
}

#[tokio::test]
async fn what_went_while_the_agent_was_off_is_gone_an_hour_after_its_start() {
    let setup = Setup::new().await;
    let collector = setup.start();
    setup.streams().await;
    let mut nas = Agent::new(&setup, "nas").await;
    let now = now_ms();
    nas.epoch = (now - 10 * HOUR).cast_unsigned();
    let things = [
        ("works", "kept"),
        ("works", "went"),
        ("empty", "all"),
        ("fails", "a"),
        ("hangs", "b"),
        ("no more", "c"),
    ];
    for thing in things {
        tell(&setup, &nas, thing, now - 9 * HOUR).await;
    }
    // Started again two hours ago, with a clock that had run ahead before.
    nas.epoch = (now - 2 * HOUR).cast_unsigned();
    nas.seq = 0;
    let payload = encode(&catalog(&nas, now - 2 * HOUR)).unwrap();
    nas.jetstream.publish(subject::catalog(&nas.name), payload.into()).await.unwrap().await.unwrap();
    tell(&setup, &nas, ("works", "kept"), now - 10 * HOUR).await;
    let expire = || run_once(&collector.store, &setup.config.store, now);
    nas.at = now - 2 * HOUR;
    nas.send(1).await;
    collector.taken(1).await;
    collector.flush().await;
    // As if that was ten minutes after its start.
    let early = "UPDATE host SET last_seen = to_timestamp(epoch / 1000.0) + interval '10 minutes'";
    sqlx::query(early).execute(&mut setup.sql().await).await.unwrap();
    expire().await.unwrap();
    assert_eq!(there(&collector).await.len(), things.len(), "it has only just started");
    nas.at = now - 10_000;
    nas.send(1).await;
    collector.taken(2).await;
    collector.flush().await;
    wait_for("the catalog", BOUND, || async {
        (setup.count("SELECT count(*) FROM host_source").await == 4).then_some(())
    })
    .await;
    expire().await.unwrap();
    assert_eq!(there(&collector).await, ["a", "b", "kept"]);
    assert_eq!(setup.count("SELECT count(*) FROM fact_history").await, 3, "they were there once");
    tell(&setup, &nas, ("works", "went"), now).await;
    expire().await.unwrap();
    assert_eq!(there(&collector).await, ["a", "b", "kept", "went"]);
    collector.stop();
}

#[tokio::test]
async fn containers_that_went_are_forgotten_after_a_while_and_disks_are_not() {
    let setup = Setup::new().await;
    let collector = setup.start();
    setup.streams().await;
    let mut nas = Agent::new(&setup, "nas").await;
    nas.send(1).await;
    collector.taken(1).await;
    collector.flush().await;
    for (kind, id, days, stands) in [
        ("container", "gone", 9, false),
        ("container", "just gone", 1, false),
        ("container", "runs", 9, true),
        ("disk", "gone", 9, false),
    ] {
        let fact = "INSERT INTO fact (host_id, kind, id, since, seen, doc)
                    SELECT id, $1, $2, now() - make_interval(days => $3), now(), CASE WHEN $4 THEN '{}'::jsonb END FROM host";
        let past = "INSERT INTO fact_history (host_id, kind, id, since, until, doc)
                    SELECT id, $1, $2, now() - make_interval(days => $3 + 1), now() - make_interval(days => $3),
                           CASE WHEN $4 THEN NULL ELSE '{}'::jsonb END FROM host";
        for insert in [fact, past] {
            let query = sqlx::query(insert).bind(kind).bind(id).bind(days).bind(stands);
            query.execute(&mut setup.sql().await).await.unwrap();
        }
    }
    run_once(&collector.store, &setup.config.store, now_ms()).await.unwrap();
    for (gone, all) in [
        ("SELECT count(*) FROM fact WHERE kind = 'container' AND id = 'gone'", "SELECT count(*) FROM fact"),
        (
            "SELECT count(*) FROM fact_history WHERE kind = 'container' AND id = 'gone'",
            "SELECT count(*) FROM fact_history",
        ),
    ] {
        assert_eq!((setup.count(gone).await, setup.count(all).await), (0, 3), "{all}");
    }
    collector.stop();
}
