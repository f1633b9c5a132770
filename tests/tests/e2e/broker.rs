//! A broker that loses what it had acknowledged.

use crate::flow::Flow;

#[tokio::test]
async fn what_the_broker_forgot_before_the_collector_saw_it_is_asked_for() {
    let mut flow = Flow::start(&[], 3, 200).await;
    flow.publisher.publish_all(1..=100).await;
    flow.expect_readable(1..=100).await;
    flow.stack.collector.kill().unwrap();
    let older = stopped_copy(&mut flow);
    flow.publisher.publish_all(101..=150).await;
    flow.stack.nats.restart_from(&older).unwrap();
    flow.publisher.publish_all(151..=200).await;
    flow.stack.collector.restart().unwrap();
    flow.stack.collector.ready().await;
    flow.expect_conserved(1..=200).await;
    let asked = flow.responder.asked();
    assert!(asked.iter().any(|(_, resend)| resend.to >= 150), "nothing was asked for: {asked:?}");
}

#[tokio::test]
async fn a_stream_that_counts_anew_hides_nothing_from_the_collector() {
    // The collector has seen numbers that the older stream gives to other messages.
    let mut flow = Flow::start(&[], 3, 200).await;
    flow.publisher.publish_all(1..=50).await;
    let older = stopped_copy(&mut flow);
    flow.publisher.publish_all(51..=150).await;
    flow.expect_readable(1..=150).await;
    flow.stack.nats.restart_from(&older).unwrap();
    flow.publisher.publish_all(151..=170).await;
    flow.expect_readable(1..=170).await;
    flow.stack.collector.kill().unwrap();
    flow.publisher.publish_all(171..=200).await;
    flow.stack.collector.restart().unwrap();
    flow.expect_conserved(1..=200).await;
}

#[tokio::test]
async fn a_broker_that_starts_from_nothing_is_set_up_again() {
    let mut flow = Flow::start(&[], 3, 150).await;
    flow.publisher.publish_all(1..=50).await;
    flow.expect_readable(1..=50).await;
    flow.stack.nats.kill();
    std::fs::remove_dir_all(flow.stack.nats.store()).unwrap();
    flow.stack.nats.restart().unwrap();
    // The collector makes the streams again; until then nobody can publish.
    flow.publisher.publish_all(51..=150).await;
    flow.expect_conserved(1..=150).await;
}

/// A copy of the broker's streams as they are now, taken while it does not run.
fn stopped_copy(flow: &mut Flow) -> tempfile::TempDir {
    flow.stack.nats.kill();
    let copy = flow.stack.nats.snapshot().unwrap();
    flow.stack.nats.restart().unwrap();
    copy
}
