//! Batches that come twice, out of order, late, or without their series.

use std::collections::BTreeSet;

use hi_common::batch::Lost;
use hi_common::ids::Seq;
use hi_common::{subject, wire};
use hi_e2e::publish::Item;

use crate::flow::Flow;

const BATCHES: Seq = 60;

/// Publishes a batch under a message id that the broker has not seen, so that only the collector can notice a double.
async fn publish_as(flow: &Flow, (host, seq): Item, suffix: &str) {
    let batch = flow.fleet.batch(host, seq);
    let id = format!("{}{suffix}", batch.id());
    let payload = wire::encode(&batch).unwrap();
    flow.publisher.publish_bytes(&subject::metrics(&batch.host), &id, payload.into()).await;
}

/// All numbers up to [`BATCHES`] in an order that is neither theirs nor random.
fn shuffled() -> impl Iterator<Item = Seq> {
    (0..BATCHES).map(|index| (index * 37 + 11) % BATCHES + 1)
}

#[tokio::test]
async fn what_comes_twice_and_out_of_order_is_kept_once() {
    assert_eq!(shuffled().collect::<BTreeSet<_>>().len() as u64, BATCHES);
    let mut flow = Flow::start(&[], 2, BATCHES).await;
    for seq in shuffled() {
        for host in 0..2 {
            publish_as(&flow, (host, seq), "").await;
            publish_as(&flow, (host, seq), "-again").await;
        }
    }
    flow.expect_readable(1..=BATCHES).await;
    // Again, now that the first delivery is in the database.
    flow.stack.collector.wait_figure("/head/samples", |samples| samples == 0.0).await;
    let before = flow.stack.collector.wait_figure("/ingest/duplicates_total", |_| true).await;
    for seq in shuffled() {
        publish_as(&flow, (0, seq), "-late").await;
    }
    flow.stack.collector.wait_figure("/ingest/duplicates_total", |n| n >= before + BATCHES as f64).await;
    flow.expect_conserved(1..=BATCHES).await;
}

#[tokio::test]
async fn a_duplicate_is_known_after_a_restart() {
    let mut flow = Flow::start(&[], 2, BATCHES).await;
    flow.publisher.publish_all(1..=BATCHES).await;
    flow.expect_readable(1..=BATCHES).await;
    flow.stack.collector.terminate().await.unwrap();
    flow.stack.collector.restart().unwrap();
    flow.stack.collector.ready().await;
    for seq in 1..=BATCHES {
        publish_as(&flow, (1, seq), "-again").await;
    }
    flow.stack.collector.wait_figure("/ingest/duplicates_total", |n| n >= BATCHES as f64).await;
    flow.expect_conserved(1..=BATCHES).await;
}

#[tokio::test]
async fn a_batch_whose_series_never_came_is_asked_for_with_them() {
    let mut flow = Flow::start(&[], 1, BATCHES).await;
    // The first batch, which brings the series, is not published at all.
    flow.publisher.publish((2..=20).map(|seq| (0, seq))).await;
    flow.expect_conserved(1..=20).await;
    let asked = flow.responder.asked();
    assert!(asked.iter().any(|(_, resend)| resend.with_series), "never asked with series: {asked:?}");
}

#[tokio::test]
async fn a_gap_is_filled_by_asking_and_an_announced_one_is_given_up() {
    let mut flow = Flow::start(&[], 2, BATCHES).await;
    flow.publisher.publish((1..=20).chain(31..=40).flat_map(|seq| [(0, seq), (1, seq)])).await;
    // Host 1 has lost 5 more for good and says so; host 0 still has what is missing.
    flow.publisher.publish((46..=50).map(|seq| (1, seq))).await;
    let lost = vec![Lost { epoch: flow.fleet.shape().epoch, from: 41, to: 45 }];
    let batch = flow.fleet.batch_announcing(1, 51, lost);
    let payload = wire::encode(&batch).unwrap();
    flow.publisher
        .publish_bytes(&subject::metrics(&batch.host), &batch.id().to_string(), payload.into())
        .await;
    let mut want = flow.fleet.expect_all(1..=40);
    (46..=51).for_each(|seq| flow.fleet.expect(1, seq, &mut want));
    let hosts = flow.hosts();
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    flow.stack.expect_readable(&hosts, &want).await;
    flow.stack.collector.wait_figure("/cursor/gaps_open", |open| open == 0.0).await;
    flow.stack.collector.wait_figure("/cursor/batches_lost_total", |lost| lost == 5.0).await;
    assert!(!flow.stack.collector.events("data_lost").await.unwrap().is_empty(), "a loss is an event");
    flow.expect_samples(&want).await;
}
