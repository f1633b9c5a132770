//! Payloads that are no batches, or want to be more than they may.

use bytes::Bytes;
use hi_common::batch::{Batch, Family};
use hi_common::limits::{FUTURE_MS_MAX, LABELS_PER_SERIES_MAX, READINGS_PER_BATCH_MAX};
use hi_common::{subject, wire};
use hi_e2e::publish::publish_raw;

use crate::flow::{Flow, now_ms};

/// Resident memory that hostile payloads may cost the collector beyond what it had, in bytes.
const GROWTH_BYTES_MAX: u64 = 64 << 20;
/// The limit of nats-server on a payload.
const PAYLOAD_BYTES_MAX: usize = 1 << 20;

/// A payload and the bounded reason under which it is put aside.
fn poison(batch: &Batch) -> Vec<(&'static str, Vec<u8>)> {
    let valid = wire::encode(batch).unwrap();
    let changed = |change: &dyn Fn(&mut Batch)| {
        let mut batch = batch.clone();
        change(&mut batch);
        wire::encode(&batch).unwrap()
    };
    let family = |keys: usize, name: &str| Family {
        name: name.to_owned(),
        kind: hi_common::metric::Kind::Gauge,
        keys: (0..keys).map(|key| format!("k{key}")).collect(),
        rows: vec![vec!["v".to_owned(); keys]],
    };
    let with_family = |family: Family| {
        changed(&move |batch| {
            let reading = &mut batch.readings[0];
            reading.layout = wire::layout_hash(std::slice::from_ref(&family)).unwrap();
            reading.series = Some(vec![family.clone()]);
            reading.values = vec![1.0];
        })
    };
    let mut trailing = valid.clone();
    trailing.push(0xc0);
    vec![
        ("malformed", Vec::new()),
        ("malformed", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("malformed", valid[..valid.len() / 2].to_vec()),
        ("malformed", trailing),
        // An array, a map and a text that claim four gigabytes each.
        ("malformed", vec![0xdd, 0xff, 0xff, 0xff, 0xff]),
        ("malformed", vec![0xdf, 0xff, 0xff, 0xff, 0xff, 0xa1, b'v']),
        ("malformed", vec![0x81, 0xdb, 0xff, 0xff, 0xff, 0xff]),
        ("malformed", vec![0x91; PAYLOAD_BYTES_MAX - 1024]),
        ("malformed", vec![0xc0; PAYLOAD_BYTES_MAX - 1024]),
        ("invalid", changed(&|batch| batch.v = 99)),
        ("invalid", changed(&|batch| batch.seq = 0)),
        ("invalid", changed(&|batch| batch.epoch = u64::MAX)),
        ("invalid", changed(&|batch| batch.readings[0].at = now_ms() + 2 * FUTURE_MS_MAX)),
        ("invalid", changed(&|batch| batch.readings[0].at = 0)),
        ("invalid", changed(&|batch| batch.readings[0].source = "a/../b".to_owned())),
        ("invalid", changed(&|batch| batch.readings[0].layout ^= 1)),
        (
            "invalid",
            changed(&|batch| {
                batch.readings = vec![batch.readings[0].clone(); READINGS_PER_BATCH_MAX + 1];
            }),
        ),
        ("invalid", with_family(family(LABELS_PER_SERIES_MAX + 1, "many_labels"))),
        ("invalid", with_family(family(1, "not a metric\0name"))),
    ]
}

#[tokio::test]
async fn poison_is_put_aside_and_costs_nothing_else() {
    let mut flow = Flow::start(&[], 2, 100).await;
    flow.publisher.publish_all(1..=50).await;
    flow.expect_readable(1..=50).await;
    let before = flow.stack.collector.process().unwrap().peak_rss_bytes();
    let mut sample = flow.fleet.batch_with(0, 50, true);
    sample.host = hi_common::ids::HostName::from_any("mallory");
    sample.host_id.0 = uuid::Uuid::from_u128(0xbad);
    let poison = poison(&sample);
    let client = flow.publisher.jetstream().client();
    for (_, payload) in &poison {
        publish_raw(&client, &subject::metrics(&sample.host), Bytes::from(payload.clone())).await.unwrap();
    }
    // Facts, events and catalogs of that kind are no reason to stumble either.
    for all in ["hi.v1.events.mallory.x", "hi.v1.facts.mallory.disk.x", "hi.v1.catalog.mallory"] {
        publish_raw(&client, all, Bytes::from_static(b"\xdd\xff\xff\xff\xff")).await.unwrap();
    }
    flow.publisher.publish_all(51..=100).await;
    let total = poison.len() as f64;
    flow.stack.collector.wait_figure("/dead_letters/count", |count| count >= total).await;
    let letters = flow.stack.collector.value("/dead_letters/recent").await.unwrap();
    let letters = letters.as_array().unwrap();
    for reason in ["malformed", "invalid"] {
        let of_reason =
            |letter: &&serde_json::Value| letter["reason"] == reason && letter["host"] == "mallory";
        assert!(letters.iter().any(|letter| of_reason(&letter)), "no {reason} in {letters:?}");
    }
    assert!(!flow.stack.collector.attention("dead_letters").await.unwrap().is_empty(), "nobody is told");
    let after = flow.stack.collector.process().unwrap().peak_rss_bytes();
    assert!(after < before + GROWTH_BYTES_MAX, "memory grew from {before} to {after} bytes");
    flow.expect_conserved(1..=100).await;
}
