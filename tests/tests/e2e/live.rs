//! What is taken is seen live, each sample once, each series said before its first use.

use std::collections::HashMap;
use std::time::Duration;

use hi_e2e::http::{EventStream, with_query};
use hi_e2e::oracle::{Samples, SeriesKey};
use serde_json::Value;

use crate::flow::Flow;

/// Bound of waiting for one event.
const EVENT_WAIT: Duration = Duration::from_secs(30);

/// Reads events until `count` samples were seen.
async fn follow(stream: &mut EventStream, count: usize) -> Samples {
    let mut names: HashMap<i64, SeriesKey> = HashMap::new();
    let mut seen = Samples::default();
    while seen.count() < count {
        // What is missing then is told by the comparison.
        let Ok(event) = tokio::time::timeout(EVENT_WAIT, stream.next()).await else { break };
        let event = event.unwrap();
        let data: Value = serde_json::from_str(&event.data).unwrap();
        match event.event.as_str() {
            "series" => {
                for series in data["series"].as_array().unwrap() {
                    let labels = series["labels"].as_object().unwrap();
                    let labels = labels.iter().map(|(key, value)| (key.as_str(), value.as_str().unwrap()));
                    let key = SeriesKey::new(series["metric"].as_str().unwrap(), labels);
                    names.insert(series["id"].as_i64().unwrap(), key);
                }
            }
            "samples" => {
                let at = data["at_unix_ms"].as_i64().unwrap();
                for pair in data["samples"].as_array().unwrap() {
                    let key = names.get(&pair[0].as_i64().unwrap()).expect("said before its first use");
                    if let Some(value) = pair[1].as_f64() {
                        seen.add(key, at, value);
                    }
                }
            }
            "lagged" => panic!("a reader that keeps up must not lose anything"),
            _ => {}
        }
    }
    seen
}

#[tokio::test]
async fn every_sample_is_seen_live_once() {
    let flow = Flow::start(&[], 2, 100).await;
    // Known before the stream is opened: readings whose series came earlier must be shown all the same.
    flow.publisher.publish_all(1..=10).await;
    flow.expect_readable(1..=10).await;
    let one = flow.fleet.name(1).to_string();
    let all = with_query("/api/live", &[("match", "{__name__=~\"hi_sim_.*\"}")]);
    let only = with_query("/api/live", &[("match", "{__name__=~\"hi_sim_.*_total\"}"), ("host", &one)]);
    let mut all = EventStream::open(&flow.stack.collector.url(), &all).await.unwrap();
    let mut only = EventStream::open(&flow.stack.collector.url(), &only).await.unwrap();
    // One after the other: what comes late is kept, but is nothing for those who watch the present.
    for seq in 11..=60 {
        flow.publisher.publish_all([seq]).await;
    }
    let want = flow.fleet.expect_all(11..=60);
    let difference = want.compare(&follow(&mut all, want.count()).await);
    assert!(difference.is_none(), "{difference}");
    let instance = format!("instance={one:?}");
    let want = want.filtered(|key| key.0.contains("_total{") && key.0.contains(&instance));
    let difference = want.compare(&follow(&mut only, want.count()).await);
    assert!(difference.is_none(), "{difference}");
}

#[tokio::test]
async fn clients_are_limited_and_told() {
    let flow = Flow::start(&[], 1, 1).await;
    let limit = flow.stack.collector.wait_figure("/clients/limit", |limit| limit > 0.0).await;
    let mut open = Vec::new();
    for _ in 0..limit as u32 {
        open.push(EventStream::open(&flow.stack.collector.url(), "/api/live").await.unwrap());
    }
    let refused = hi_e2e::http::get(&flow.stack.collector.url(), "/api/live").await.unwrap();
    assert_eq!((refused.status, refused.headers["content-type"].as_str()), (429, "application/problem+json"));
    open.clear();
    flow.stack.collector.wait_figure("/clients/live", |live| live == 0.0).await;
    EventStream::open(&flow.stack.collector.url(), "/api/live").await.unwrap();
}
