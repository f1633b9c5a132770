//! kill -9 of every process in turn, while batches flow.

use crate::flow::Flow;

#[tokio::test]
async fn the_collector_is_killed_again_and_again() {
    let mut flow = Flow::start(&[], 3, 400).await;
    for round in 0..4 {
        let from = round * 100 + 1;
        flow.publish_during(from..=from + 99, async |stack| {
            stack.collector.kill().unwrap();
            stack.collector.restart().unwrap();
        })
        .await;
    }
    flow.expect_conserved(1..=400).await;
}

#[tokio::test]
async fn the_broker_is_killed() {
    let mut flow = Flow::start(&[], 3, 300).await;
    for round in 0..3 {
        let from = round * 100 + 1;
        flow.publish_during(from..=from + 99, async |stack| {
            stack.nats.kill();
            stack.collector.wait_value("/broker/connected", |connected| connected == false).await;
            stack.nats.restart().unwrap();
        })
        .await;
    }
    flow.expect_conserved(1..=300).await;
}

#[tokio::test]
async fn the_database_is_killed() {
    let mut flow = Flow::start(&[], 3, 300).await;
    for round in 0..3 {
        let from = round * 100 + 1;
        flow.publish_during(from..=from + 99, async |stack| {
            stack.postgres.kill();
            stack.postgres.restart().unwrap();
        })
        .await;
    }
    flow.expect_conserved(1..=300).await;
}

#[tokio::test]
async fn everything_is_killed_at_once() {
    let mut flow = Flow::start(&[], 3, 200).await;
    flow.publish_during(1..=200, async |stack| {
        stack.collector.kill().unwrap();
        stack.postgres.kill();
        stack.nats.kill();
        stack.nats.restart().unwrap();
        stack.collector.restart().unwrap();
        stack.postgres.restart().unwrap();
    })
    .await;
    flow.expect_conserved(1..=200).await;
}
