//! Merges, summaries, retention.

use hi_collector::housekeeping::run_once;
use hi_collector::model::{MatchOp, Matcher};
use hi_harness::Database;

use crate::support::{Agent, Setup, now_ms};

const DAY: i64 = 86_400_000;
const HOUR: i64 = 3_600_000;

/// Midnight (UTC) before now, minus some days.
fn midnight(days_ago: i64) -> i64 {
    (now_ms().div_euclid(DAY) - days_ago) * DAY
}

async fn merged_and_late(setup: Setup) {
    let collector = setup.start();
    setup.streams().await;
    let mut nas = Agent::new(&setup, "nas").await;
    // Over midnight between two closed days, in three flushes.
    nas.at = midnight(2) - 100_000;
    for _ in 0..3 {
        let before = collector.ingest.stats().batches_total;
        nas.send(10).await;
        collector.taken(before + 10).await;
        collector.flush().await;
    }
    assert_eq!(setup.count("SELECT count(DISTINCT day) FROM flush").await, 2);
    assert!(setup.count("SELECT sum(blocks) FROM flush").await >= 30);
    let read = |start: i64, end: i64| {
        let store = collector.store.clone();
        async move {
            let any = vec![Matcher { label: "instance".into(), op: MatchOp::Eq, value: "nas".into() }];
            let ids: Vec<i32> = store
                .series_find(&[any], None, 100)
                .await
                .unwrap()
                .series
                .iter()
                .map(|s| s.info.id)
                .collect();
            (store.samples(&ids, start, end).await.unwrap(), store.hours(&ids, start, end).await.unwrap())
        }
    };
    let (before, _) = read(midnight(3), midnight(0)).await;
    collector.store.migrate().await.unwrap(); // asks what kind of server it is
    run_once(&collector.store, &setup.config.store, now_ms()).await.unwrap();
    assert_eq!(setup.count("SELECT count(*) FROM sample_block").await, 0);
    assert_eq!(setup.count("SELECT count(*) FROM sample_day").await, 20);
    assert_eq!(setup.count("SELECT count(*) FROM flush").await, 0);
    setup.assert_stored_once(&[&nas]).await;
    let (after, hours) = read(midnight(3), midnight(0)).await;
    assert_eq!(before, after);
    let load = after.iter().map(|s| s.times.len() as i64).sum::<i64>();
    assert_eq!(hours.iter().map(|h| h.count).sum::<i64>(), load);
    let hour = hours.iter().find(|h| h.hour == midnight(2)).unwrap();
    let samples = after.iter().find(|s| s.id == hour.id).unwrap();
    let within: Vec<f64> = samples
        .times
        .iter()
        .zip(&samples.values)
        .filter(|(time, _)| (midnight(2)..midnight(2) + HOUR).contains(*time))
        .map(|(_, value)| *value)
        .collect();
    assert_eq!(hour.max, within.iter().copied().fold(f64::MIN, f64::max));
    assert_eq!((hour.last, hour.sum), (*within.last().unwrap(), within.iter().sum()));

    // Late data of a merged day is merged again; a run without work changes nothing.
    nas.at = midnight(2) + 5 * HOUR;
    let taken = collector.ingest.stats().batches_total;
    nas.send(4).await;
    collector.taken(taken + 4).await;
    collector.flush().await;
    setup.assert_stored_once(&[&nas]).await;
    for _ in 0..2 {
        run_once(&collector.store, &setup.config.store, now_ms()).await.unwrap();
        setup.assert_stored_once(&[&nas]).await;
        assert_eq!(setup.count("SELECT count(*) FROM sample_day").await, 20);
    }
    let (_, hours) = read(midnight(3), midnight(0)).await;
    assert!(hours.iter().any(|h| h.hour == midnight(2) + 5 * HOUR && h.count == 4));
    let full =
        "SELECT count(*) FROM sample_hour_full WHERE host = 'nas' AND metric = 'node_load1' AND avg > 0";
    assert!(setup.count(full).await >= 3);

    run_once(&collector.store, &setup.config.store, now_ms() + 120 * DAY).await.unwrap();
    assert!(setup.stored().await.is_empty(), "what is older than it is kept goes");
    collector.stop();
}

#[tokio::test]
async fn closed_days_are_merged_and_late_data_too() {
    merged_and_late(Setup::new().await).await;
}

#[tokio::test]
async fn the_same_holds_with_timescaledb() {
    let Some(database) = Database::fresh_timescale().await.unwrap() else {
        println!("SKIPPED: timescaledb: HI_TEST_TIMESCALE_URL names no server");
        return;
    };
    merged_and_late(Setup::with(database)).await;
}
