//! The live stream.

use serde_json::json;

use crate::bench::{Bench, layout, row};
use crate::client::{Live, encode, get};
use hi_collector::limits::{LIVE_CLIENTS_MAX, LIVE_ROWS_MAX};
use hi_harness::wait_for;

#[tokio::test]
async fn readings_arrive_with_what_they_mean() {
    let bench = Bench::without_database().await;
    let mut live = Live::open(bench.address, "/api/live").await;
    let layout = layout(7, &["node_load1", "node_load5"]);
    bench.live(row("nas", &layout, 1_000, &[0.5, 2.0]));
    let (name, data) = live.event().await.unwrap();
    assert_eq!((name.as_str(), data["series"].as_array().unwrap().len()), ("series", 2));
    assert_eq!(data["series"][0]["labels"], json!({"instance": "nas", "job": "node"}));
    let samples = |at: i64| json!({"host": "nas", "at_unix_ms": at, "samples": [[7, 0.5], [8, 2]]});
    assert_eq!(live.event().await.unwrap(), ("samples".to_owned(), samples(1_000)));
    bench.live(row("nas", &layout, 2_000, &[0.5, 2.0]));
    assert_eq!(live.event().await.unwrap(), ("samples".to_owned(), samples(2_000)));
}

#[tokio::test]
async fn filters_hold() {
    let bench = Bench::without_database().await;
    let path = format!("/api/live?host=nas&match={}", encode(r#"{__name__=~"node_load.+"}"#));
    let mut live = Live::open(bench.address, &path).await;
    bench.live(row("pi", &layout(1, &["node_load1"]), 1, &[1.0]));
    bench.live(row("nas", &layout(3, &["node_time_seconds"]), 2, &[1.0]));
    bench.live(row("nas", &layout(5, &["node_load", "node_load15"]), 3, &[1.0, 2.0]));
    assert_eq!(live.event().await.unwrap().1["series"][0]["metric"], "node_load15");
    let (_, samples) = live.event().await.unwrap();
    assert_eq!(samples, json!({"host": "nas", "at_unix_ms": 3, "samples": [[6, 2]]}));
}

#[tokio::test]
async fn a_slow_client_is_told_what_it_missed() {
    let bench = Bench::without_database().await;
    let mut live = Live::open(bench.address, "/api/live").await;
    // All in one go: the single thread of this test lets nobody read in between.
    let layout = layout(1, &["node_load1"]);
    for at in 0..LIVE_ROWS_MAX as i64 + 100 {
        bench.live(row("nas", &layout, at, &[1.0]));
    }
    let (name, data) = live.event().await.unwrap();
    assert_eq!((name.as_str(), &data["dropped"]), ("lagged", &json!(100)));
    live.event().await.unwrap();
    let (_, first) = live.event().await.unwrap();
    assert_eq!(first["at_unix_ms"], 100, "what is still there follows");
}

#[tokio::test]
async fn clients_are_counted_and_limited() {
    let bench = Bench::without_database().await;
    let mut clients = Vec::new();
    for _ in 0..LIVE_CLIENTS_MAX {
        clients.push(Live::open(bench.address, "/api/live").await);
    }
    let refused = get(bench.address, "/api/live").await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "5"));
    assert_eq!(get(bench.address, "/api/system").await.json()["clients"], json!({"live": 64, "limit": 64}));
    clients.clear();
    wait_for("the places are free again", hi_harness::BOUND, || async {
        let system = get(bench.address, "/api/system").await.json();
        (system["clients"]["live"] == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn streams_end_when_the_server_stops() {
    let bench = Bench::without_database().await;
    let mut live = Live::open(bench.address, "/api/live").await;
    bench.stop();
    assert_eq!(live.event().await, None);
}
